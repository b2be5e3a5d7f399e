//! Corrections of milestones. Appended, never changed.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::milestone::Evidence;
use milepost_domain::values::text::Reason;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::json_text::JsonText;
use crate::{columns, table};

/// A correction of what was recorded of a milestone.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "milestone_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "started_from_on": null, "started_to_on": null,
    "actual_from_on": "2026-04-20", "actual_to_on": "2026-04-17", "evidence": null, "reason": "The run of Friday already met all criteria.",
    "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_on": "2026-04-22",
    "recorded_at": "2026-04-22T09:00:00Z"
}))]
pub struct Correction {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the plan.
    pub plan_id: Uuid,
    /// Identifier of the milestone.
    pub milestone_id: Uuid,
    /// Start date as it was recorded; null if it is not corrected.
    pub started_from_on: Option<NaiveDate>,
    /// Right start date; null if it is not corrected.
    pub started_to_on: Option<NaiveDate>,
    /// Actual date as it was recorded; null if it is not corrected.
    pub actual_from_on: Option<NaiveDate>,
    /// Right actual date; null if it is not corrected.
    pub actual_to_on: Option<NaiveDate>,
    /// Right evidence, which replaces the evidence of the last step; null if it is not corrected.
    #[schema(value_type = Option<Vec<Evidence>>, max_items = 50)]
    pub evidence: JsonText<Option<Vec<Evidence>>>,
    /// Reason for the correction.
    pub reason: Reason,
    /// Author of the record.
    pub author: Author,
    /// Day of recording, in the organization's time zone.
    pub recorded_on: NaiveDate,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
}

columns!(Correction {
    id,
    plan_id,
    milestone_id,
    started_from_on,
    started_to_on,
    actual_from_on,
    actual_to_on,
    evidence,
    reason,
    author,
    recorded_on,
    recorded_at
});
table!(Correction, "milestone_corrections");
