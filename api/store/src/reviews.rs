//! Storage of explanations of missed milestones and of reviews of plans.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::QueryBuilder;
use sqlx::types::Text;
use uuid::Uuid;

use crate::author::Author;
use crate::from_row::from_row;
use crate::json_text::JsonText;
use crate::milestones::rows_by_plan;
use crate::{Conn, on};

/// Row of an explained miss: the cause of a missed milestone and the recovery actions.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct MissRow {
    pub id: Uuid,
    pub plan_id: Uuid,
    pub milestone_id: Uuid,
    pub missed_on: NaiveDate,
    pub root_cause: String,
    pub category: String,
    pub recovery_actions: JsonText<Vec<String>>,
    pub new_forecast_on: NaiveDate,
    pub author: Text<Author>,
    pub recorded_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
}

from_row!(MissRow { id, plan_id, milestone_id, missed_on, root_cause, category, recovery_actions as String, new_forecast_on, author, recorded_on, recorded_at });

/// Number, date and instant of the last review of a plan.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ReviewMark {
    pub plan_id: Uuid,
    pub number: i64,
    pub reviewed_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
}

from_row!(ReviewMark { plan_id, number, reviewed_on, recorded_at });

/// Row of a whole review.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct ReviewRow {
    pub plan_id: Uuid,
    pub number: i64,
    pub reviewed_on: NaiveDate,
    pub content: String,
    pub author: Text<Author>,
    pub recorded_at: DateTime<Utc>,
}

from_row!(ReviewRow { plan_id, number, reviewed_on, content, author, recorded_at });

macro_rules! miss_columns {
    () => {
        "id, plan_id, milestone_id, missed_on, root_cause, category, recovery_actions, new_forecast_on, author, recorded_on, recorded_at"
    };
}

rows_by_plan!(
    /// Returns explained misses, oldest first.
    misses -> MissRow, concat!("SELECT ", miss_columns!(), " FROM miss_reports"), "plan_id, recorded_at, id"
);
rows_by_plan!(
    /// Returns the last review of each plan.
    last_reviews -> ReviewMark,
    "SELECT plan_id, MAX(number) AS number, MAX(reviewed_on) AS reviewed_on, MAX(recorded_at) AS recorded_at FROM reviews",
    "plan_id", "plan_id"
);

/// Records an explained miss.
pub async fn insert_miss(conn: &mut Conn, organization_id: Uuid, row: &MissRow) -> sqlx::Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO miss_reports (organization_id, ",
        miss_columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    );
    let r = row;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(r.id).bind(r.plan_id).bind(r.milestone_id).bind(r.missed_on).bind(&r.root_cause).bind(&r.category)
        .bind(r.recovery_actions.to_text()).bind(r.new_forecast_on).bind(&r.author).bind(r.recorded_on).bind(r.recorded_at)
        .execute(db).await.map(|_| ()))
}

/// Adds a review.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, row: &ReviewRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO reviews (organization_id, plan_id, number, reviewed_on, content, author, recorded_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let r = row;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(r.plan_id).bind(r.number).bind(r.reviewed_on).bind(&r.content).bind(&r.author).bind(r.recorded_at)
        .execute(db).await.map(|_| ()))
}

/// Returns reviews of a plan before a number, or the latest, newest first.
pub async fn page(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_id: Uuid,
    before: Option<i64>,
    rows: usize,
) -> sqlx::Result<Vec<ReviewRow>> {
    const SQL: &str = "SELECT plan_id, number, reviewed_on, content, author, recorded_at FROM reviews \
                       WHERE organization_id = $1 AND plan_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4";
    let (before, rows) = (before.unwrap_or(i64::MAX), i64::try_from(rows).unwrap_or(i64::MAX));
    on!(conn, db => sqlx::query_as(SQL)
        .bind(organization_id).bind(plan_id).bind(before).bind(rows).fetch_all(db).await)
}

/// Finds a review of a plan.
pub async fn find(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_id: Uuid,
    number: i64,
) -> sqlx::Result<Option<ReviewRow>> {
    const SQL: &str = "SELECT plan_id, number, reviewed_on, content, author, recorded_at FROM reviews \
                       WHERE organization_id = $1 AND plan_id = $2 AND number = $3";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(plan_id).bind(number).fetch_optional(db).await)
}
