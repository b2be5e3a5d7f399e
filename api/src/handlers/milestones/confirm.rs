//! Confirmation of a milestone's forecast.

use actix_web::post;
use actix_web::web::Path;
use milepost_domain::Rule as _;
use milepost_domain::plan::milestone::may_confirm;
use milepost_domain::values::text::Note;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::precondition::IfMatchOptional;
use crate::resources::milestones::{Milestone, load_running, save};

/// Confirmation of a forecast.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "Two of three sources are in."}))]
pub struct Confirmation {
    /// Note on the current situation. Unchanged if omitted.
    note: Option<Note>,
}

/// Record that a milestone's forecast still holds
///
/// A forecast that has not been touched for longer than the plan's `update_interval_days` is stale; confirming it
/// resets this interval. It also tells that the owner knows what has happened so far: a milestone that it waited for, and
/// that was achieved late, no longer pushes it. A forecast date that has passed cannot be confirmed: record a forecast change instead.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body(content = Option<Confirmation>),
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/confirm")]
pub async fn confirm_forecast(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<Confirmation>,
) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    cx.write(async |unit| {
        let (mut record, position) = load_running(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let before = Milestone::find(&record, &milestone, unit.today).ok_or_else(ApiError::not_found)?;
        may_confirm(before.state, before.forecast_on, unit.today).map_err(|rule| rule.at(""))?;
        let row = &mut record.milestones[position];
        row.touched_on = Some(unit.today);
        row.confirmed_on = Some(unit.today);
        if let Some(note) = &body.0.note {
            row.note = Some(note.to_string());
        }
        save(unit, &mut record, position, Some(&before), "confirmed").await?.answer()
    })
    .await
}
