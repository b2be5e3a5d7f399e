//! History of a milestone's status.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::schedule::{Status, StatusChange};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::plans;

/// Status history of a milestone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "skipped_warning": true,
    "data": [
        {"from_on": "2026-03-02", "status": "on_track", "reckoned_on": "2026-04-01", "planned_on": "2026-04-01"},
        {"from_on": "2026-03-27", "status": "delayed", "reckoned_on": "2026-04-13", "planned_on": "2026-04-01"}
    ]
}))]
pub struct StatusHistory {
    /// Whether a forecast change took the status from on track to delayed without at risk in between.
    skipped_warning: bool,
    /// Status changes, oldest first, each measured against the baseline in force on its day.
    #[schema(max_items = 100_000)]
    data: Vec<StatusEntry>,
}

/// An entry of the status history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from_on": "2026-03-27", "status": "delayed", "reckoned_on": "2026-04-13", "planned_on": "2026-04-01"}))]
pub struct StatusEntry {
    /// First day of the status.
    from_on: NaiveDate,
    /// Status from that day on.
    status: Status,
    /// Reckoned date on that day.
    reckoned_on: NaiveDate,
    /// Planned date in force on that day.
    planned_on: NaiveDate,
}

/// List a milestone's status changes
///
/// Covers the time from the plan's start to today, or to the day on which the milestone was closed. The first entry is
/// the initial status. A day's status is what was known on that day, what the milestone waited for included: a later
/// baseline does not change it.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The status history, oldest first.", body = StatusHistory)))]
#[get("/v1/plans/{id}/milestones/{milestone}/status-history")]
pub async fn list_status_history(cx: Context, path: Path<(Uuid, String)>) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let position = record.position(&milestone).ok_or_else(ApiError::not_found)?;
    let (facts, today) = (record.facts(), cx.today());
    let standing = facts.standings(today)[position];
    let entry = |one: StatusChange| StatusEntry {
        from_on: one.from_on,
        status: one.status,
        reckoned_on: one.reckoned_on,
        planned_on: one.planned_on,
    };
    let data = facts.status_history(position, today).into_iter().map(entry);
    let history = StatusHistory { skipped_warning: standing.skipped_warning, data: data.collect() };
    Ok(Answer::ok(&history)?.content_tag())
}
