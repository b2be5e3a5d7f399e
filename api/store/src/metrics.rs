//! Storage of metric definitions, and queries for the events from which metrics are computed.

use chrono::{DateTime, Utc};
use milepost_domain::usage::metric::MetricContent;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::customer_references::ReferenceRow;
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
    /// A customer, by its references with their periods.
    Customer(&'a [ReferenceRow]),
    /// A person, by external reference.
    Person(&'a str),
}

/// Range of the events with a reference, without its end.
struct Span<'a> {
    column: &'static str,
    reference: &'a str,
    from: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
}

impl<'a> Of<'a> {
    /// The spans of events in a period.
    fn spans(self, from: Option<DateTime<Utc>>, until: DateTime<Utc>) -> Vec<Span<'a>> {
        let of = |row: &'a ReferenceRow| {
            let (from, until) = row.period().within(from, until)?;
            Some(Span { column: "subject", reference: &row.external_ref, from, until })
        };
        match self {
            Self::Customer(rows) => rows.iter().filter_map(of).collect(),
            Self::Person(reference) => vec![Span { column: "person", reference, from, until }],
        }
    }
}

/// Adds the conditions of a span, and of what was known at an instant.
macro_rules! push_span {
    ($query:ident, $organization_id:expr, $span:expr, $known_at:expr) => {{
        $query.push_bind($organization_id).push(" AND ").push($span.column).push(" = ").push_bind($span.reference);
        $query.push(" AND held_for IS NULL AND occurred_at < ").push_bind($span.until);
        if let Some(from) = $span.from {
            $query.push(" AND occurred_at >= ").push_bind(from);
        }
        if let Some(known_at) = $known_at {
            $query.push(" AND received_at <= ").push_bind(known_at);
        }
    }};
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
    let mut rows = vec![];
    for span in of.spans(from, until) {
        let found: Vec<MeasuredRow> = on!(conn, db => {
            let mut query =
                QueryBuilder::new("SELECT type, occurred_at, received_at, data FROM usage_events WHERE organization_id = ");
            push_span!(query, organization_id, span, known_at);
            query.build_query_as().fetch_all(db).await
        })?;
        rows.extend(found);
    }
    Ok(rows)
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

/// Returns the first and the last event of a customer before an instant, by type and reference.
pub async fn earlier(
    conn: &mut Conn,
    organization_id: Uuid,
    of: Of<'_>,
    before: DateTime<Utc>,
    known_at: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<EarlierRow>> {
    let mut rows = vec![];
    for span in of.spans(None, before) {
        let found: Vec<EarlierRow> = on!(conn, db => {
            let mut query = QueryBuilder::new(
                "SELECT type, MIN(occurred_at) AS first_at, MAX(occurred_at) AS last_at FROM usage_events WHERE organization_id = ");
            push_span!(query, organization_id, span, known_at);
            query.push(" GROUP BY type");
            query.build_query_as().fetch_all(db).await
        })?;
        rows.extend(found);
    }
    Ok(rows)
}

/// Maximum number of activities that [`last_activities`] returns.
const MOST_ACTIVITIES: i64 = 10_000;

/// Activity of a customer: the time and the type of an event.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ActivityRow {
    pub kind: String,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
}

from_row!(ActivityRow { kind = "type", occurred_at, received_at });

/// Returns a customer's last activities in a period, newest first.
pub async fn last_activities(
    conn: &mut Conn,
    organization_id: Uuid,
    of: Of<'_>,
    from: DateTime<Utc>,
    before: DateTime<Utc>,
    known_at: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<ActivityRow>> {
    let mut rows = vec![];
    for span in of.spans(Some(from), before) {
        let found: Vec<ActivityRow> = on!(conn, db => {
            let mut query = QueryBuilder::new("SELECT type, occurred_at, received_at FROM usage_events WHERE organization_id = ");
            push_span!(query, organization_id, span, known_at);
            query.push(" ORDER BY occurred_at DESC LIMIT ").push_bind(MOST_ACTIVITIES);
            query.build_query_as().fetch_all(db).await
        })?;
        rows.extend(found);
    }
    Ok(rows)
}
