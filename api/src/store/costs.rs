//! Storage of cost entries of plans. Entries are appended and never changed.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use super::keyset::{Slice, push_slice};
use super::milestones::{push_ids, rows_by_plan};
use super::{Conn, on};

/// Row of a cost entry.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct CostRow {
    pub id: Uuid,
    pub plan_id: Uuid,
    pub milestone_id: Option<Uuid>,
    pub incurred_on: NaiveDate,
    pub amount_minor: i64,
    pub note: Option<String>,
    pub author: String,
    pub recorded_at: DateTime<Utc>,
}

macro_rules! columns {
    () => {
        "id, plan_id, milestone_id, incurred_on, amount_minor, note, author, recorded_at"
    };
}

rows_by_plan!(
    /// Returns cost entries by date.
    rows -> CostRow, concat!("SELECT ", columns!(), " FROM cost_entries"), "plan_id, incurred_on, id"
);

/// Returns a page of a plan's cost entries by date.
pub async fn list(conn: &mut Conn, organization_id: Uuid, plan_id: Uuid, slice: &Slice) -> sqlx::Result<Vec<CostRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM cost_entries WHERE organization_id = "));
        query.push_bind(organization_id).push(" AND plan_id = ").push_bind(plan_id);
        push_slice(&mut query, slice);
        query.build_query_as().fetch_all(db).await
    })
}

/// Appends a cost entry.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, cost: &CostRow) -> sqlx::Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO cost_entries (organization_id, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    let c = cost;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(c.id).bind(c.plan_id).bind(c.milestone_id).bind(c.incurred_on).bind(c.amount_minor)
        .bind(&c.note).bind(&c.author).bind(c.recorded_at)
        .execute(db).await.map(|_| ()))
}
