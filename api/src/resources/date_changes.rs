//! Dates that moved, and what the client was told of them.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::values::text::{Key, Label, Name, Note};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::communications::CommunicationKind;
use crate::store::milestones::{ForecastRow, MilestoneRow};
use crate::store::plans::PlanRecord;

/// A date change of a milestone.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "key": "pipeline", "name": "Pipeline runs", "number": 1, "from_on": "2026-04-01", "to_on": "2026-04-06", "reason": "The client's firewall change takes a week.",
    "follows": null, "baseline": null, "planned_from_on": null, "planned_to_on": null, "recorded_on": "2026-03-27",
    "communicated": false, "communicated_at": null, "acknowledged_by": null
}))]
pub struct DateChange {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    pub key: String,
    /// Name of the milestone.
    #[schema(value_type = Name)]
    pub name: String,
    /// Number of the change within the milestone, counting from 1.
    #[schema(minimum = 1)]
    pub number: i64,
    /// Expected date before the change.
    pub from_on: NaiveDate,
    /// Expected date after the change.
    pub to_on: NaiveDate,
    /// Reason for the change.
    #[schema(value_type = Option<Note>)]
    pub reason: Option<String>,
    /// Key of the milestone whose change caused this change.
    #[schema(value_type = Option<Key>)]
    pub follows: Option<String>,
    /// Number of the baseline that moved the date; null if the owner changed the forecast.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub baseline: Option<i64>,
    /// Planned date before the baseline; null without one.
    #[serde(default)]
    pub planned_from_on: Option<NaiveDate>,
    /// Planned date in the baseline; null without one.
    #[serde(default)]
    pub planned_to_on: Option<NaiveDate>,
    /// Day on which the change was recorded.
    pub recorded_on: NaiveDate,
    /// Whether the change was communicated to the customer.
    pub communicated: bool,
    /// Time at which the change was communicated to the customer.
    #[serde(default)]
    pub communicated_at: Option<DateTime<Utc>>,
    /// Person who acknowledged the change on the customer's side.
    #[schema(value_type = Option<Label>)]
    pub acknowledged_by: Option<String>,
}

impl DateChange {
    /// A date change of a milestone, with its communication to the customer.
    pub fn of(record: &PlanRecord, milestone: &MilestoneRow, change: &ForecastRow) -> Self {
        let told = |kind| record.communications_of(change.id).find(move |one| one.kind.0 == kind);
        Self {
            key: milestone.key.clone(),
            name: milestone.name.clone(),
            number: change.ordinal,
            from_on: change.from_on,
            to_on: change.to_on,
            reason: change.reason.clone(),
            follows: record.cause_of(change).map(|cause| cause.key.clone()),
            baseline: change.baseline_number,
            planned_from_on: change.planned_from_on,
            planned_to_on: change.planned_to_on,
            recorded_on: change.recorded_on,
            communicated: told(CommunicationKind::Communicated).is_some(),
            communicated_at: told(CommunicationKind::Communicated).map(|one| one.recorded_at),
            acknowledged_by: told(CommunicationKind::Acknowledged).and_then(|one| one.who.clone()),
        }
    }
}
