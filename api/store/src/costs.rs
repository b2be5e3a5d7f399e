//! Costs of plans. Appended, never changed.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::values::text::Note;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::row;
use crate::{Conn, columns, table};

/// A cost of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "milestone_id": null,
    "incurred_on": "2026-03-31", "amount_minor": 450_000, "note": "Invoice 118", "corrects": null,
    "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-04-01T09:00:00Z"
}))]
pub struct CostEntry {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the plan.
    pub plan_id: Uuid,
    /// Identifier of the milestone that the cost belongs to.
    pub milestone_id: Option<Uuid>,
    /// Day on which the cost was incurred.
    pub incurred_on: NaiveDate,
    /// Amount, in the smallest unit of the plan's currency. Negative amounts correct earlier entries.
    pub amount_minor: i64,
    /// Note.
    pub note: Option<Note>,
    /// Identifier of the cost that this entry corrects: it takes that amount back, or holds the right one.
    pub corrects: Option<Uuid>,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
}

columns!(CostEntry { id, plan_id, milestone_id, incurred_on, amount_minor, note, corrects, author, recorded_at });
table!(CostEntry, "cost_entries");

/// The costs of some plans, or of all, by day.
pub async fn of_plans(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_ids: Option<&[Uuid]>,
) -> sqlx::Result<Vec<CostEntry>> {
    let mut found: Vec<CostEntry> = row::of_plans(conn, organization_id, plan_ids).await?;
    found.sort_by_key(|cost| cost.incurred_on);
    Ok(found)
}
