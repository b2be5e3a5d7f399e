//! Lists of usage events, of all and of those that do not count.

use chrono::{DateTime, Utc};
use milepost_domain::usage::event::Held;
use sqlx::QueryBuilder;
use sqlx::types::Text;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::{Conn, on, unknown_subjects};

/// Row of a usage event.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct EventRow {
    pub sequence: i64,
    pub source: String,
    pub event_id: String,
    pub kind: String,
    pub subject: Option<String>,
    pub person: Option<String>,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub data: Option<String>,
    pub extensions: Option<String>,
    pub held_for: Option<Text<Held>>,
    pub is_known: bool,
}

from_row!(EventRow { sequence, source, event_id, kind = "type", subject, person, occurred_at, received_at, data, extensions, held_for, is_known });

/// Filter of a list of usage events.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Filter by customer.
    pub subject: Option<String>,
    /// Filter by person.
    pub person: Option<String>,
    /// Filter by type.
    pub kind: Option<String>,
    /// Filter by source.
    pub source: Option<String>,
    /// Earliest time of occurrence, inclusive.
    pub from: Option<DateTime<Utc>>,
    /// Latest time of occurrence, exclusive.
    pub to: Option<DateTime<Utc>>,
    /// Filter by whether events count.
    pub held: Holding,
}

/// Filter of events by whether they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Holding {
    /// All events.
    #[default]
    All,
    /// Events that do not count.
    Held,
    /// Events that are held because of their time.
    ByTime,
    /// Events that name no customer, and whose person belongs to none.
    Waiting,
    /// Events whose subject means no customer.
    OfNobody,
}

/// Returns events in the order of receipt, newest first.
pub async fn list(
    conn: &mut Conn,
    organization_id: Uuid,
    filter: &Filter,
    before: Option<i64>,
    rows: usize,
) -> sqlx::Result<Vec<EventRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(
            "SELECT e.sequence, e.source, e.event_id, e.type, e.subject, e.person, e.occurred_at, e.received_at, e.data, e.extensions, \
             e.held_for, (r.id IS NOT NULL OR (e.subject IS NULL AND NOT e.by_person)) AS is_known \
             FROM usage_events e LEFT JOIN reference_periods r ON r.organization_id = e.organization_id AND r.external_ref = e.subject \
             AND r.kind = 'customer' AND r.holder_id IS NOT NULL AND (r.from_at IS NULL OR r.from_at <= e.occurred_at) AND (r.until_at IS NULL OR e.occurred_at < r.until_at) \
             WHERE e.organization_id = ");
        query.push_bind(organization_id);
        if let Some(subject) = &filter.subject {
            query.push(" AND e.subject = ").push_bind(subject);
        }
        if let Some(person) = &filter.person {
            query.push(" AND e.person = ").push_bind(person);
        }
        if let Some(kind) = &filter.kind {
            query.push(" AND e.type = ").push_bind(kind);
        }
        if let Some(source) = &filter.source {
            query.push(" AND e.source = ").push_bind(source);
        }
        if let Some(from) = filter.from {
            query.push(" AND e.occurred_at >= ").push_bind(from);
        }
        if let Some(to) = filter.to {
            query.push(" AND e.occurred_at < ").push_bind(to);
        }
        query.push(match filter.held {
            Holding::All => "",
            Holding::Held => {
                " AND (e.held_for IS NOT NULL OR (r.id IS NULL AND (e.subject IS NOT NULL OR e.by_person)))"
            }
            Holding::ByTime => " AND e.held_for IS NOT NULL",
            Holding::Waiting => " AND e.held_for IS NULL AND e.by_person AND e.subject IS NULL",
            Holding::OfNobody => " AND e.held_for IS NULL AND e.subject IS NOT NULL AND r.id IS NULL",
        });
        if let Some(before) = before {
            query.push(" AND e.sequence < ").push_bind(before);
        }
        query.push(" ORDER BY e.sequence DESC LIMIT ").push_bind(i64::try_from(rows).unwrap_or(i64::MAX));
        query.build_query_as().fetch_all(db).await
    })
}

/// Largest number of subjects that are looked at one by one.
const MOST_SUBJECTS: i64 = 100;

/// Returns events that do not count in the order of receipt, newest first. With few subjects of which that can be so, nothing else
/// is read; with many, the newest are soon found among all.
pub async fn held(
    conn: &mut Conn,
    organization_id: Uuid,
    filter: Filter,
    before: Option<i64>,
    rows: usize,
) -> sqlx::Result<Vec<EventRow>> {
    let subjects = match &filter.subject {
        Some(subject) => vec![subject.clone()],
        None => unknown_subjects::first(conn, organization_id, MOST_SUBJECTS + 1).await?,
    };
    if i64::try_from(subjects.len()).is_ok_and(|found| found > MOST_SUBJECTS) {
        let filter = Filter { held: Holding::Held, ..filter };
        return list(conn, organization_id, &filter, before, rows).await;
    }
    let mut found = vec![];
    for held in [Holding::ByTime, Holding::Waiting] {
        let own = Filter { held, ..filter.clone() };
        found.extend(list(conn, organization_id, &own, before, rows).await?);
    }
    for subject in subjects {
        let own = Filter { subject: Some(subject), held: Holding::OfNobody, ..filter.clone() };
        found.extend(list(conn, organization_id, &own, before, rows).await?);
    }
    found.sort_unstable_by_key(|row| std::cmp::Reverse(row.sequence));
    found.truncate(rows);
    Ok(found)
}
