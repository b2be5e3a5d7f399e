//! Storage of how plans are valued. Appended, never changed.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::earned_value::CreditRule;
use sqlx::QueryBuilder;
use sqlx::types::Text;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::milestones::rows_by_plan;
use crate::{Conn, on};

/// Row of a plan's credit rule and budget from a day on.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ValuationRow {
    pub plan_id: Uuid,
    pub ordinal: i64,
    pub effective_on: NaiveDate,
    pub credit_rule: Text<CreditRule>,
    pub budget_minor: Option<i64>,
    pub recorded_at: DateTime<Utc>,
}

from_row!(ValuationRow { plan_id, ordinal, effective_on, credit_rule, budget_minor, recorded_at });

rows_by_plan!(
    /// Returns valuations, oldest first.
    rows -> ValuationRow,
    "SELECT plan_id, ordinal, effective_on, credit_rule, budget_minor, recorded_at FROM plan_valuations", "plan_id, ordinal"
);

/// Appends a valuation.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, row: &ValuationRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO plan_valuations (organization_id, plan_id, ordinal, effective_on, credit_rule, budget_minor, recorded_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(row.plan_id).bind(row.ordinal).bind(row.effective_on).bind(row.credit_rule)
        .bind(row.budget_minor).bind(row.recorded_at)
        .execute(db).await.map(|_| ()))
}
