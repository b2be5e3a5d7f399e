//! Dependencies of plans on other plans: a milestone waits for one of another plan.

use chrono::{DateTime, Utc};
use milepost_domain::values::text::{Key, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::{columns, table};

/// A dependency on another plan: the milestone cannot be reached before that of the other plan.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "milestone_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "milestone": "go-live", "on_plan_id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11",
    "on_plan_name": "Data platform", "on_milestone_id": "0199f0a2-6666-7d52-b1a4-0c8a3e0f9d11", "on_milestone": "pipeline", "lag_days": 0,
    "author": {"type": "api_client", "id": "0199f0a2-5555-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T12:00:00Z",
    "withdrawn_at": null, "withdrawal_reason": null
}))]
pub struct PlanDependency {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the plan that waits.
    pub plan_id: Uuid,
    /// Identifier of the milestone that waits.
    pub milestone_id: Uuid,
    /// Key of the milestone that waits.
    pub milestone: Option<Key>,
    /// Identifier of the other plan.
    pub on_plan_id: Uuid,
    /// Name of the other plan.
    pub on_plan_name: Option<Name>,
    /// Identifier of the milestone in the other plan.
    pub on_milestone_id: Uuid,
    /// Key of the milestone in the other plan.
    pub on_milestone: Option<Key>,
    /// Lag in days of the waiting plan's calendar; negative for an overlap.
    #[schema(minimum = -365, maximum = 365)]
    pub lag_days: i64,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
    /// Time at which it was withdrawn; null if it was not.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Reason for the withdrawal; null if there was none.
    pub withdrawal_reason: Option<Note>,
}

columns!(PlanDependency {
    id,
    plan_id,
    milestone_id,
    on_plan_id,
    on_milestone_id,
    lag_days,
    author,
    recorded_at,
    withdrawn_at,
    withdrawal_reason;
    milestone: MILESTONE_KEY,
    on_plan_name: ON_PLAN_NAME,
    on_milestone: ON_MILESTONE_KEY
});
table!(PlanDependency, "plan_dependencies");

impl PlanDependency {
    /// Whether it held at an instant, or holds now.
    pub fn holds_at(&self, at: Option<DateTime<Utc>>) -> bool {
        match at {
            None => self.withdrawn_at.is_none(),
            Some(at) => self.recorded_at <= at && self.withdrawn_at.is_none_or(|withdrawn_at| withdrawn_at > at),
        }
    }
}
