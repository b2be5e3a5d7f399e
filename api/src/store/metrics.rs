//! Storage of metric definitions, and queries for the events from which metrics are computed.

use chrono::{DateTime, Utc};
use milepost_domain::metric::Aggregate;
use sqlx::types::Text;
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use super::keyset::{Slice, push_slice};
use super::{Conn, on};

/// Row of a metric definition.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct MetricRow {
    pub id: Uuid,
    pub key: String,
    pub name: String,
    pub event_type: String,
    pub aggregate: Text<Aggregate>,
    pub property: Option<String>,
    pub filter: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A usage event in the form that metrics use.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "the names say it")]
pub struct MeasuredRow {
    #[sqlx(rename = "type")]
    pub kind: String,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub data: Option<String>,
}

/// Customer or person whose events are queried.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// A customer, by external reference.
    Customer(&'a str),
    /// A person, by external reference.
    Person(&'a str),
}

macro_rules! columns {
    () => {
        "id, key, name, event_type, aggregate, property, filter, created_at"
    };
}

/// Adds a metric definition.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, row: &MetricRow) -> sqlx::Result<()> {
    const SQL: &str =
        concat!("INSERT INTO metrics (organization_id, ", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    let r = row;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(r.id).bind(&r.key).bind(&r.name).bind(&r.event_type).bind(r.aggregate).bind(&r.property)
        .bind(&r.filter).bind(r.created_at)
        .execute(db).await.map(|_| ()))
}

/// Finds a metric definition by key.
pub async fn find(conn: &mut Conn, organization_id: Uuid, key: &str) -> sqlx::Result<Option<MetricRow>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM metrics WHERE organization_id = $1 AND key = $2");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(key).fetch_optional(db).await)
}

/// Returns all metric definitions by key. An organization has at most a few hundred.
pub async fn all(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<MetricRow>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM metrics WHERE organization_id = $1 ORDER BY key");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).fetch_all(db).await)
}

/// Returns a page of metric definitions.
pub async fn list(conn: &mut Conn, organization_id: Uuid, slice: &Slice) -> sqlx::Result<Vec<MetricRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM metrics WHERE organization_id = "));
        query.push_bind(organization_id);
        push_slice(&mut query, slice);
        query.build_query_as().fetch_all(db).await
    })
}

/// Deletes a metric definition.
pub async fn delete(conn: &mut Conn, organization_id: Uuid, key: &str) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM metrics WHERE organization_id = $1 AND key = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(key).execute(db).await.map(|_| ()))
}

/// Returns the events of a customer or a person in a period, without events that are held in quarantine.
pub async fn events(
    conn: &mut Conn,
    organization_id: Uuid,
    of: Of<'_>,
    from: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
    known_at: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<MeasuredRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT type, occurred_at, received_at, data FROM usage_events WHERE organization_id = ");
        query.push_bind(organization_id);
        match of {
            Of::Customer(reference) => query.push(" AND subject = ").push_bind(reference),
            Of::Person(reference) => query.push(" AND person = ").push_bind(reference),
        };
        query.push(" AND held_for IS NULL AND occurred_at < ").push_bind(until);
        if let Some(from) = from {
            query.push(" AND occurred_at >= ").push_bind(from);
        }
        if let Some(known_at) = known_at {
            query.push(" AND received_at <= ").push_bind(known_at);
        }
        query.build_query_as().fetch_all(db).await
    })
}

/// First and last event of a customer of one type.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "the names say it")]
pub struct EarlierRow {
    #[sqlx(rename = "type")]
    pub kind: String,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// Returns the first and the last event of a customer before an instant, by type.
pub async fn earlier(
    conn: &mut Conn,
    organization_id: Uuid,
    subject: &str,
    before: DateTime<Utc>,
    known_at: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<EarlierRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(
            "SELECT type, MIN(occurred_at) AS first_at, MAX(occurred_at) AS last_at FROM usage_events WHERE organization_id = ");
        query.push_bind(organization_id).push(" AND subject = ").push_bind(subject);
        query.push(" AND held_for IS NULL AND occurred_at < ").push_bind(before);
        if let Some(known_at) = known_at {
            query.push(" AND received_at <= ").push_bind(known_at);
        }
        query.push(" GROUP BY type");
        query.build_query_as().fetch_all(db).await
    })
}
