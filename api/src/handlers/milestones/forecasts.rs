//! Recorded forecast changes. They are never rewritten.

use actix_web::get;
use actix_web::web::Path;
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::values::text::{Label, Note};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::paging::{Page, Paging};
use crate::store::author::Author;
use crate::store::authored;
use crate::store::authored::name_all;
use crate::store::communications::CommunicationKind;
use crate::store::keyset::Position;
use crate::store::milestones::ForecastRow;
use crate::store::plans::{self, PlanRecord};

/// Cause of a delay: one-time or likely to recur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    /// One-time cause that is not expected to recur.
    OneTime,
    /// Systemic cause that persists.
    Systemic,
}

/// A forecast change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "ordinal": 1, "from_on": "2026-04-01", "to_on": "2026-04-06",
    "reason": "The client's firewall change takes a week.", "cause": "one_time", "author": {"type": "api_client",
    "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"},
    "recorded_on": "2026-03-27", "recorded_at": "2026-03-27T15:00:00Z", "caused_by": null, "baseline": null, "planned_from_on": null,
    "planned_to_on": null, "communicated_at": "2026-03-27T16:00:00Z", "communicated_to": "Petra Novak",
    "acknowledged_at": null, "acknowledged_by": null
}))]
pub struct ForecastChange {
    /// Identifier.
    id: Uuid,
    /// Number within the milestone, counting from 1.
    #[schema(minimum = 1)]
    ordinal: i64,
    /// Date expected before the change.
    from_on: NaiveDate,
    /// Date expected after the change.
    to_on: NaiveDate,
    /// Reason for the change.
    #[schema(value_type = Option<Note>)]
    reason: Option<String>,
    /// Cause: one-time, or systemic and therefore likely to recur.
    cause: Option<Cause>,
    /// Author of the record.
    author: Author,
    /// Day on which the change was recorded.
    recorded_on: NaiveDate,
    /// Time of recording.
    recorded_at: DateTime<Utc>,
    /// Identifier of the forecast change of another milestone that caused this one.
    caused_by: Option<Uuid>,
    /// Number of the baseline that moved the date; null if the owner changed the forecast.
    #[schema(minimum = 1)]
    baseline: Option<i64>,
    /// Planned date before the baseline; null without one.
    planned_from_on: Option<NaiveDate>,
    /// Planned date in the baseline; null without one.
    planned_to_on: Option<NaiveDate>,
    /// Time at which the client was told.
    communicated_at: Option<DateTime<Utc>>,
    /// Person at the client who was told.
    #[schema(value_type = Option<Label>)]
    communicated_to: Option<String>,
    /// Time at which the client acknowledged the change.
    acknowledged_at: Option<DateTime<Utc>>,
    /// Person at the client who acknowledged the change.
    #[schema(value_type = Option<Label>)]
    acknowledged_by: Option<String>,
}

/// List a milestone's forecast changes
///
/// Returns a page of the changes, the newest first, each with its communication to the client and the client's
/// acknowledgment.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of forecast changes.", body = Page<ForecastChange>)))]
#[get("/v1/plans/{id}/milestones/{milestone}/forecast-changes")]
pub async fn list_forecast_changes(
    cx: Context,
    path: Path<(Uuid, String)>,
    paging: Paging,
) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    let mut conn = cx.snapshot().await?;
    let found = plans::find(&mut conn, cx.organization_id(), id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let milestone_id = record.milestone(&milestone).ok_or_else(ApiError::not_found)?.id;
    let own = record.forecasts.iter().filter(|change| change.milestone_id == milestone_id);
    let mut changes: Vec<ForecastChange> = own.map(|row| ForecastChange::of(&record, row)).collect();
    name_all(&mut conn, cx.organization_id(), &mut changes).await?;
    paging.answer_newest(changes, |change: &ForecastChange| Position { key: None, id: change.id }, |change| change)
}

authored!(ForecastChange);

impl ForecastChange {
    /// Builds a forecast change with its communication and acknowledgment.
    pub fn of(record: &PlanRecord, row: &ForecastRow) -> Self {
        let told = |kind| record.communications_of(row.id).find(move |one| one.kind.0 == kind);
        let communicated = told(CommunicationKind::Communicated);
        let acknowledged = told(CommunicationKind::Acknowledged);
        Self {
            id: row.id,
            ordinal: row.ordinal,
            from_on: row.from_on,
            to_on: row.to_on,
            reason: row.reason.clone(),
            cause: row.cause.as_ref().and_then(|cause| cause.parse().ok()),
            author: row.author.0.clone(),
            recorded_on: row.recorded_on,
            recorded_at: row.recorded_at,
            caused_by: row.caused_by,
            baseline: row.baseline_number,
            planned_from_on: row.planned_from_on,
            planned_to_on: row.planned_to_on,
            communicated_at: communicated.map(|one| one.recorded_at),
            communicated_to: communicated.and_then(|one| one.who.clone()),
            acknowledged_at: acknowledged.map(|one| one.recorded_at),
            acknowledged_by: acknowledged.and_then(|one| one.who.clone()),
        }
    }
}
