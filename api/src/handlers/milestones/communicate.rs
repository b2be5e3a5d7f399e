//! Telling the client of a date change, and the client taking note.

use actix_web::post;
use actix_web::web::Path;
use milepost_domain::BrokenRule;
use milepost_domain::schedule::may_acknowledge;
use milepost_domain::text::Label;
use serde::Deserialize;
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::forecasts::ForecastChange;
use super::load;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::communications::{self, CommunicationKind, CommunicationRow};
use crate::store::plans;
use crate::unit::{Change, Entity};

/// Who was told.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "Petra Novak"}))]
pub struct Communication {
    /// The client's person.
    to: Option<Label>,
}

/// Who has taken note.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"by": "Petra Novak"}))]
pub struct Acknowledgement {
    /// The client's person.
    by: Label,
}

/// Records that the client was told of a date change
///
/// A date that moved without it is counted in `uncommunicated_changes` of its milestone and its plan while the milestone is
/// open.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), request_body(content = Option<Communication>),
    responses((status = 200, description = "The date change.", body = ForecastChange)))]
#[post("/v1/plans/{id}/milestones/{milestone}/forecast-changes/{number}/communicate")]
pub async fn communicate_forecast_change(
    cx: Context,
    path: Path<(Uuid, String, i64)>,
    body: Body<Communication>,
) -> Result<Answer, ApiError> {
    record(&cx, path.into_inner(), CommunicationKind::Communicated, body.0.to.map(String::from)).await
}

/// Records that the client has taken note of a date change
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), request_body = Acknowledgement,
    responses((status = 200, description = "The date change.", body = ForecastChange)))]
#[post("/v1/plans/{id}/milestones/{milestone}/forecast-changes/{number}/acknowledge")]
pub async fn acknowledge_forecast_change(
    cx: Context,
    path: Path<(Uuid, String, i64)>,
    body: Body<Acknowledgement>,
) -> Result<Answer, ApiError> {
    record(&cx, path.into_inner(), CommunicationKind::Acknowledged, Some(body.0.by.into())).await
}

async fn record(
    cx: &Context,
    (id, milestone, number): (Uuid, String, i64),
    kind: CommunicationKind,
    who: Option<String>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (mut record, position) = load(unit, id, &milestone).await?;
        let milestone_id = record.milestones[position].id;
        let found = record.forecasts.iter().find(|one| one.milestone_id == milestone_id && one.ordinal == number);
        let change = found.cloned().ok_or_else(ApiError::not_found)?;
        let is_there = |kind| record.communications_of(change.id).any(|row| row.kind.0 == kind);
        if is_there(kind) {
            return Err(BrokenRule::AlreadyRecorded.at("").into());
        }
        if kind == CommunicationKind::Acknowledged {
            may_acknowledge(is_there(CommunicationKind::Communicated)).map_err(|rule| rule.at(""))?;
        }
        let before = ForecastChange::of(&record, &change);
        let row = CommunicationRow {
            plan_id: id,
            forecast_change_id: change.id,
            kind: Text(kind),
            who: who.clone(),
            author: unit.author(),
            recorded_at: unit.now,
        };
        communications::insert(&mut unit.conn, unit.organization_id, &row).await?;
        record.communications.push(row);
        record.plan.version += 1;
        record.plan.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
        let after = ForecastChange::of(&record, &change);
        let verb = format!("forecast_{kind}");
        let entry = Change {
            verb: &verb,
            entity: (Entity::Milestone, milestone_id),
            root: (Entity::Plan, id),
            before: Some(&before),
            after: Some(&after),
        };
        unit.record(entry).await?;
        Answer::ok(&after)
    })
    .await
}
