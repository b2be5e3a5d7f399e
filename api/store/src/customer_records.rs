//! What people say of customers, and what became of these: pulses, overrides of their health, outcomes. Only ever added to, but for
//! an override's end.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::outcome::OutcomeKind;
use sqlx::types::Text;
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::milestones::push_ids;
use crate::{Conn, on};

/// What someone said of a customer.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct PulseRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub score: f64,
    pub note: Option<String>,
    pub recorded_on: NaiveDate,
    pub expires_on: NaiveDate,
    pub author: String,
    pub recorded_at: DateTime<Utc>,
}

/// A score that someone set in place of the computed one.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct OverrideRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub score: f64,
    pub reason: String,
    pub from_on: NaiveDate,
    pub expires_on: NaiveDate,
    pub author: String,
    pub recorded_at: DateTime<Utc>,
    pub ended_on: Option<NaiveDate>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// What became of a customer.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct OutcomeRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub kind: Text<OutcomeKind>,
    pub occurred_on: NaiveDate,
    pub amount_minor: Option<i64>,
    pub note: Option<String>,
    pub author: String,
    pub recorded_at: DateTime<Utc>,
}

/// Declares how the rows of some customers, or of all, are read in the order in which they were written.
macro_rules! rows_by_customer {
    ($(#[$doc:meta])* $name:ident -> $row:ty, $table:literal, $columns:literal) => {
        $(#[$doc])*
        pub async fn $name(
            conn: &mut Conn,
            organization_id: Uuid,
            customer_ids: Option<&[Uuid]>,
        ) -> sqlx::Result<Vec<$row>> {
            on!(conn, db => {
                let mut query = QueryBuilder::new(concat!("SELECT ", $columns, " FROM ", $table, " WHERE organization_id = "));
                query.push_bind(organization_id);
                push_ids(&mut query, "customer_id", customer_ids);
                query.push(" ORDER BY id");
                query.build_query_as().fetch_all(db).await
            })
        }
    };
}

rows_by_customer!(
    /// Pulses, oldest first.
    pulses -> PulseRow, "customer_pulses", "id, customer_id, score, note, recorded_on, expires_on, author, recorded_at"
);
rows_by_customer!(
    /// Overrides, oldest first.
    overrides -> OverrideRow, "health_overrides",
    "id, customer_id, score, reason, from_on, expires_on, author, recorded_at, ended_on, ended_at"
);
rows_by_customer!(
    /// Outcomes, in the order in which they were recorded.
    outcomes -> OutcomeRow, "customer_outcomes", "id, customer_id, kind, occurred_on, amount_minor, note, author, recorded_at"
);

/// Adds a pulse.
pub async fn insert_pulse(conn: &mut Conn, organization_id: Uuid, pulse: &PulseRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO customer_pulses (organization_id, id, customer_id, score, note, recorded_on, expires_on, author, \
                       recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let p = pulse;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(p.id).bind(p.customer_id).bind(p.score).bind(&p.note).bind(p.recorded_on).bind(p.expires_on)
        .bind(&p.author).bind(p.recorded_at).execute(db).await.map(|_| ()))
}

/// Adds an override.
pub async fn insert_override(conn: &mut Conn, organization_id: Uuid, row: &OverrideRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO health_overrides (organization_id, id, customer_id, score, reason, from_on, expires_on, author, \
                       recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let o = row;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(o.id).bind(o.customer_id).bind(o.score).bind(&o.reason).bind(o.from_on).bind(o.expires_on)
        .bind(&o.author).bind(o.recorded_at).execute(db).await.map(|_| ()))
}

/// Ends an override.
pub async fn end_override(conn: &mut Conn, organization_id: Uuid, row: &OverrideRow) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE health_overrides SET ended_on = $3, ended_at = $4 WHERE organization_id = $1 AND id = $2 AND ended_at IS NULL";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(row.id).bind(row.ended_on).bind(row.ended_at).execute(db).await.map(|_| ()))
}

/// Adds an outcome.
pub async fn insert_outcome(conn: &mut Conn, organization_id: Uuid, outcome: &OutcomeRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO customer_outcomes (organization_id, id, customer_id, kind, occurred_on, amount_minor, note, author, \
                       recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let o = outcome;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(o.id).bind(o.customer_id).bind(o.kind).bind(o.occurred_on).bind(o.amount_minor).bind(&o.note)
        .bind(&o.author).bind(o.recorded_at).execute(db).await.map(|_| ()))
}
