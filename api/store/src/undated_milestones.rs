//! Milestones of plans that have no date.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::values::text::{Key, Label, Name, Note, Reason};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::row::{self, Column as _, Condition};
use crate::{Conn, columns, table};

/// A milestone without a date: it can be achieved at any time, is never overdue, and is outside the scope of earned value.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "key": "b4",
    "name": "Costs were saved", "phase": "Business", "acceptance_criteria": ["Savings over a year are shown."], "achieved_on": null, "reason": null,
    "version": 1, "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:00:00Z"
}))]
pub struct UndatedMilestone {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the plan.
    pub plan_id: Uuid,
    /// Key. Unique within the plan, among milestones with a date, too.
    pub key: Key,
    /// Name: a statement that is true once the milestone is achieved.
    pub name: Name,
    /// Phase or track that the milestone belongs to.
    pub phase: Option<Label>,
    /// Acceptance criteria: conditions under which the milestone counts as achieved.
    #[schema(max_items = 50)]
    pub acceptance_criteria: Vec<Note>,
    /// Date of achievement; null if not achieved.
    pub achieved_on: Option<NaiveDate>,
    /// Reason for which it was reopened last; null if it was not.
    pub reason: Option<Reason>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
}

columns!(UndatedMilestone {
    id,
    plan_id,
    key,
    name,
    phase,
    acceptance_criteria,
    achieved_on,
    reason,
    version,
    created_at,
    updated_at
});
table!(UndatedMilestone, "undated_milestones");

/// Those of a plan, in the order in which they were added.
pub async fn of_plan(conn: &mut Conn, organization_id: Uuid, plan_id: Uuid) -> sqlx::Result<Vec<UndatedMilestone>> {
    row::all(conn, organization_id, &[Condition::Equals("plan_id", plan_id.to_value())], "id").await
}

/// One of a plan by its key.
pub async fn find(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_id: Uuid,
    key: &str,
) -> sqlx::Result<Option<UndatedMilestone>> {
    let conditions =
        [Condition::Equals("plan_id", plan_id.to_value()), Condition::Equals("key", key.to_owned().to_value())];
    Ok(row::all(conn, organization_id, &conditions, "id").await?.pop())
}
