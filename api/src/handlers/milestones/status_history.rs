//! How a milestone's status came to be what it is.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::schedule::{Status, status_history};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::plans;

/// A milestone's status over time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "skipped_warning": true,
    "data": [
        {"from_on": "2026-03-02", "status": "on_track", "effective_forecast_on": "2026-04-01"},
        {"from_on": "2026-03-27", "status": "delayed", "effective_forecast_on": "2026-04-13"}
    ]
}))]
pub struct StatusHistory {
    /// Whether some change took it from on track to delayed with no at-risk in between.
    skipped_warning: bool,
    /// Every change, from the plan's start to today, oldest first; measured against the baseline in force today.
    #[schema(max_items = 100_000)]
    data: Vec<StatusEntry>,
}

/// A status that was reported from some day on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from_on": "2026-03-27", "status": "delayed", "effective_forecast_on": "2026-04-13"}))]
pub struct StatusEntry {
    /// The first day of it.
    from_on: NaiveDate,
    /// The status from then on.
    status: Status,
    /// The effective forecast on that day.
    effective_forecast_on: NaiveDate,
}

/// Lists how a milestone's status changed
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])),
    responses((status = 200, description = "The changes, oldest first.", body = StatusHistory)))]
#[get("/v1/plans/{id}/milestones/{milestone}/status-history")]
pub async fn list_status_history(cx: Context, path: Path<(Uuid, String)>) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let position = record.position(&milestone).ok_or_else(ApiError::not_found)?;
    let (facts, today) = (record.facts(), cx.today());
    let standing = facts.standings(today).nth(position).ok_or_else(ApiError::not_found)?;
    let timeline = facts.milestones[position].timeline(standing.planned_on);
    let changes = status_history(&timeline, facts.start_on, today, &facts.terms).into_iter();
    let data = changes.map(|one| StatusEntry {
        from_on: one.from_on,
        status: one.status,
        effective_forecast_on: one.effective_forecast_on,
    });
    let history = StatusHistory { skipped_warning: standing.skipped_warning, data: data.collect() };
    Ok(Answer::ok(&history)?.content_tag())
}
