//! Storage of baselines. A baseline is written once and never changed.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use sqlx::types::Text;
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::from_row::from_row;
use crate::many::ROWS_PER_INSERT;
use crate::milestones::rows_by_plan;
use crate::owner::{Owner, owner_columns};
use crate::{Conn, on};

/// Row of a baseline.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct BaselineRow {
    pub plan_id: Uuid,
    pub number: i64,
    pub effective_on: NaiveDate,
    pub reason: Option<String>,
    pub author: Text<Author>,
    pub created_at: DateTime<Utc>,
}

from_row!(BaselineRow { plan_id, number, effective_on, reason, author, created_at });

/// Line of a baseline: the frozen date and weight of one milestone.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LineRow {
    pub plan_id: Uuid,
    pub number: i64,
    pub milestone_id: Uuid,
    pub planned_on: NaiveDate,
    pub weight: f64,
}

from_row!(LineRow { plan_id, number, milestone_id, planned_on, weight });

rows_by_plan!(
    /// Returns baselines by number.
    rows -> BaselineRow, "SELECT plan_id, number, effective_on, reason, author, created_at FROM baselines", "plan_id, number"
);
rows_by_plan!(
    /// Returns baseline lines by number.
    lines -> LineRow, "SELECT plan_id, number, milestone_id, planned_on, weight FROM baseline_lines", "plan_id, number, milestone_id"
);

/// Side that approves a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Side {
    /// The organization.
    Internal,
    /// The client.
    Client,
}

/// Approval of a baseline by one side.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ApprovalRow {
    pub plan_id: Uuid,
    pub number: i64,
    pub side: Text<Side>,
    pub approver: Owner,
    pub author: Text<Author>,
    pub recorded_at: DateTime<Utc>,
}

from_row!(ApprovalRow { plan_id, number, side, approver; flatten, author, recorded_at });

rows_by_plan!(
    /// Returns approvals by baseline.
    approvals -> ApprovalRow,
    concat!("SELECT plan_id, number, side, author, recorded_at, ", owner_columns!("approver"), " FROM baseline_approvals own"),
    "plan_id, number, side"
);

/// Records an approval.
pub async fn insert_approval(conn: &mut Conn, organization_id: Uuid, row: &ApprovalRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO baseline_approvals (organization_id, plan_id, number, side, approver_id, approver_name, author, recorded_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(row.plan_id).bind(row.number).bind(row.side).bind(row.approver.id)
        .bind(row.approver.outside()).bind(&row.author).bind(row.recorded_at)
        .execute(db).await.map(|_| ()))
}

/// Adds a baseline with its lines.
pub async fn insert(
    conn: &mut Conn,
    organization_id: Uuid,
    baseline: &BaselineRow,
    lines: &[LineRow],
) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO baselines (organization_id, plan_id, number, effective_on, reason, author, created_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(baseline.plan_id).bind(baseline.number).bind(baseline.effective_on).bind(&baseline.reason)
        .bind(&baseline.author).bind(baseline.created_at)
        .execute(db).await.map(|_| ()))?;
    for some in lines.chunks(ROWS_PER_INSERT) {
        on!(conn, db => {
            let mut query = QueryBuilder::new(
                "INSERT INTO baseline_lines (organization_id, plan_id, number, milestone_id, planned_on, weight) ");
            query.push_values(some, |mut row, line| {
                row.push_bind(organization_id).push_bind(line.plan_id).push_bind(line.number).push_bind(line.milestone_id)
                    .push_bind(line.planned_on).push_bind(line.weight);
            });
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}
