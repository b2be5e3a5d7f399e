//! Communication of forecast changes to the client, and the client's acknowledgment.

use actix_web::post;
use actix_web::web::Path;
use milepost_domain::plan::schedule::may_acknowledge;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::Label;
use serde::Deserialize;
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::forecasts::ForecastChange;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::resources::milestones::load;
use crate::store::communications::{self, CommunicationKind, CommunicationRow};
use crate::store::milestones::ForecastRow;
use crate::store::plans::{self, PlanRecord};
use crate::unit::{Change, Entity, Unit};

/// Communication of a forecast change.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "Petra Novak"}))]
pub struct Communication {
    /// Person at the client who was told.
    to: Option<Label>,
}

/// Acknowledgment of a forecast change.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"by": "Petra Novak"}))]
pub struct Acknowledgement {
    /// Person at the client who acknowledged the change.
    by: Label,
}

/// Record that the client was told of a forecast change
///
/// Also records it for the forecast changes that this one caused. While a milestone is open, its forecast changes that
/// were not communicated count in `uncommunicated_changes` of the milestone and of its plan.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    request_body(content = Option<Communication>),
    responses((status = 200, description = "The forecast change.", body = ForecastChange)))]
#[post("/v1/plans/{id}/milestones/{milestone}/forecast-changes/{number}/communicate")]
pub async fn communicate_forecast_change(
    cx: Context,
    path: Path<(Uuid, String, i64)>,
    body: Body<Communication>,
) -> Result<Answer, ApiError> {
    record(&cx, path.into_inner(), CommunicationKind::Communicated, body.0.to.map(String::from)).await
}

/// Record that the client acknowledged a forecast change
///
/// Also records it for the forecast changes that this one caused. The change must have been communicated before.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    request_body = Acknowledgement,
    responses((status = 200, description = "The forecast change.", body = ForecastChange)))]
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
            return Err(ValueRule::AlreadyRecorded.at("").into());
        }
        if kind == CommunicationKind::Acknowledged {
            may_acknowledge(is_there(CommunicationKind::Communicated)).map_err(|rule| rule.at(""))?;
        }
        append(unit, &mut record, &change, kind, who.as_deref(), |_| true).await?;
        Answer::ok(&ForecastChange::of(&record, &change))
    })
    .await
}

/// Records a communication or an acknowledgment of a forecast change and of the changes it caused. Skips changes that
/// already have such a record, and changes of milestones that `is_seen` excludes.
pub async fn append(
    unit: &mut Unit,
    record: &mut PlanRecord,
    change: &ForecastRow,
    kind: CommunicationKind,
    who: Option<&str>,
    is_seen: impl Fn(&str) -> bool,
) -> Result<(), ApiError> {
    let is_new = |one: &&ForecastRow| {
        let milestone = record.milestones.iter().find(|row| row.id == one.milestone_id);
        let is_there = record.communications_of(one.id).any(|row| row.kind.0 == kind);
        !is_there && milestone.is_some_and(|row| is_seen(&row.key))
    };
    let all = std::iter::once(change).chain(record.followers_of(change.id));
    let changes: Vec<ForecastRow> = all.filter(is_new).cloned().collect();
    if changes.is_empty() {
        return Ok(());
    }
    record.plan.version += 1;
    record.plan.updated_at = unit.now;
    plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
    for one in &changes {
        append_one(unit, record, one, kind, who).await?;
    }
    Ok(())
}

/// Writes the row and the ledger entry of one change.
async fn append_one(
    unit: &mut Unit,
    record: &mut PlanRecord,
    change: &ForecastRow,
    kind: CommunicationKind,
    who: Option<&str>,
) -> Result<(), ApiError> {
    let before = ForecastChange::of(record, change);
    let row = CommunicationRow {
        plan_id: record.plan.id,
        forecast_change_id: change.id,
        kind: Text(kind),
        who: who.map(str::to_owned),
        author: Text(unit.author()),
        recorded_at: unit.now,
    };
    communications::insert(&mut unit.conn, unit.organization_id, &row).await?;
    record.communications.push(row);
    let after = ForecastChange::of(record, change);
    let verb = format!("forecast_{kind}");
    let entry = Change {
        verb: &verb,
        entity: (Entity::Milestone, change.milestone_id),
        root: (Entity::Plan, record.plan.id),
        before: Some(&before),
        after: Some(&after),
    };
    unit.record(entry).await
}
