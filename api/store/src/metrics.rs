//! Storage of metric definitions, and queries for the events from which metrics are computed.

use chrono::{DateTime, Utc};
use milepost_domain::usage::metric::MetricContent;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::kept::{Content, Kept, Versioned};
use crate::{Conn, columns, on, row};

/// A metric.
pub type Metric = Kept<MetricContent, Versioned>;

columns!(MetricContent { key, name, event_type, aggregate, property, filter });

impl Content for MetricContent {
    const TABLE: &'static str = "metrics";
    const UNIQUE: Option<&'static str> = Some("key");
}

/// A usage event in the form that metrics use.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct MeasuredRow {
    pub kind: String,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub data: Option<String>,
}

from_row!(MeasuredRow { kind = "type", occurred_at, received_at, data });

/// Customer or person whose events are queried.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// A customer, by external reference.
    Customer(&'a str),
    /// A person, by external reference.
    Person(&'a str),
}

/// All metrics by key: an organization has at most a few hundred.
pub async fn all(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Metric>> {
    row::all(conn, organization_id, &[], "key").await
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
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct EarlierRow {
    pub kind: String,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

from_row!(EarlierRow { kind = "type", first_at, last_at });

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

/// Maximum number of activities that [`last_activities`] returns.
const MOST_ACTIVITIES: i64 = 10_000;

/// When a customer did something, and what.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ActivityRow {
    pub kind: String,
    pub occurred_at: DateTime<Utc>,
}

from_row!(ActivityRow { kind = "type", occurred_at });

/// Returns a customer's last activities in a period, newest first.
pub async fn last_activities(
    conn: &mut Conn,
    organization_id: Uuid,
    subject: &str,
    from: DateTime<Utc>,
    before: DateTime<Utc>,
    known_at: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<ActivityRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT type, occurred_at FROM usage_events WHERE organization_id = ");
        query.push_bind(organization_id).push(" AND subject = ").push_bind(subject);
        query.push(" AND held_for IS NULL AND occurred_at >= ").push_bind(from);
        query.push(" AND occurred_at < ").push_bind(before);
        if let Some(known_at) = known_at {
            query.push(" AND received_at <= ").push_bind(known_at);
        }
        query.push(" ORDER BY occurred_at DESC LIMIT ").push_bind(MOST_ACTIVITIES);
        query.build_query_as().fetch_all(db).await
    })
}
