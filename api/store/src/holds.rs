//! Holds of plans: the times in which their dates stood still.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::hold::Hold;
use milepost_domain::values::text::Reason;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::{columns, table};

/// A hold of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "from_on": "2026-05-04",
    "until_on": null, "reason": "The client has stopped the budget.",
    "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T09:00:00Z", "resumed_at": null
}))]
pub struct PlanHold {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the plan.
    pub plan_id: Uuid,
    /// First day of the hold.
    pub from_on: NaiveDate,
    /// Day on which the plan was resumed; null if it is still on hold.
    pub until_on: Option<NaiveDate>,
    /// Reason for the hold.
    pub reason: Reason,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
    /// Time of the resumption; null if the plan is still on hold.
    pub resumed_at: Option<DateTime<Utc>>,
}

columns!(PlanHold { id, plan_id, from_on, until_on, reason, author, recorded_at, resumed_at });
table!(PlanHold, "plan_holds");

impl PlanHold {
    /// Returns the time of the hold.
    pub const fn hold(&self) -> Hold {
        Hold { from_on: self.from_on, until_on: self.until_on }
    }

    /// Forgets what was recorded after an instant; `false` if nothing is left.
    pub fn forget_after(&mut self, at: DateTime<Utc>) -> bool {
        if self.resumed_at.is_some_and(|resumed_at| resumed_at > at) {
            (self.until_on, self.resumed_at) = (None, None);
        }
        self.recorded_at <= at
    }
}
