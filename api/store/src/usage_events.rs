//! Usage events: appended, never changed, but for being released.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use milepost_domain::usage::event::{Hash, Held, UsageEvent};
use sqlx::types::Text;
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::milestones::ROWS_PER_INSERT;
use crate::{Conn, on};

/// How many rows one statement carries: a few sizes, so that each text is prepared once and not for every number of events.
const PORTIONS: [usize; 5] = [ROWS_PER_INSERT, 100, 20, 5, 1];

/// Rows in portions of those sizes, the largest first.
fn portions<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = PORTIONS.into_iter().find(|size| *size <= rows.len())?;
        let (portion, rest) = rows.split_at(size);
        rows = rest;
        Some(portion)
    })
}

/// A list to look for in portions of those sizes, the last one repeated where there are fewer: looking twice finds the same.
fn padded<T: Copy>(list: &[T]) -> impl Iterator<Item = Vec<T>> {
    list.chunks(ROWS_PER_INSERT).map(|some| {
        let size = PORTIONS.into_iter().rev().find(|size| *size >= some.len()).unwrap_or(ROWS_PER_INSERT);
        let last = some.last().copied();
        some.iter().copied().chain(std::iter::repeat_n(last, size).flatten()).take(size).collect()
    })
}

/// An event as it is stored.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct EventRow {
    pub sequence: i64,
    pub source: String,
    pub event_id: String,
    #[sqlx(rename = "type")]
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

/// An event to write.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// Its number.
    pub sequence: i64,
    /// What tells it from others.
    pub key: Hash,
    /// The event.
    pub event: &'a UsageEvent,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// Why it does not count until it is released.
    pub held_for: Option<Held>,
}

/// What identifies an event that is stored.
#[derive(Debug, Clone, Copy)]
pub struct StoredIdentity {
    /// What tells it from others.
    pub key: Hash,
    /// What it says.
    pub payload_hash: Hash,
    /// Its number.
    pub sequence: i64,
}

/// The events with these keys, as far as they are there.
pub async fn stored(conn: &mut Conn, organization_id: Uuid, keys: &[Hash]) -> sqlx::Result<Vec<StoredIdentity>> {
    let mut found = vec![];
    for some in padded(keys) {
        let rows: Vec<(Vec<u8>, Vec<u8>, i64)> = on!(conn, db => {
            let mut query = QueryBuilder::new("SELECT key, payload_hash, sequence FROM usage_events WHERE organization_id = ");
            query.push_bind(organization_id).push(" AND key IN (");
            let mut list = query.separated(", ");
            for key in &some {
                list.push_bind(&key[..]);
            }
            query.push(")");
            query.build_query_as().fetch_all(db).await
        })?;
        let identity = |(key, payload_hash, sequence): (Vec<u8>, Vec<u8>, i64)| {
            Some(StoredIdentity { key: key.try_into().ok()?, payload_hash: payload_hash.try_into().ok()?, sequence })
        };
        found.extend(rows.into_iter().filter_map(identity));
    }
    Ok(found)
}

/// Which of these references customers have.
pub async fn known_subjects(
    conn: &mut Conn,
    organization_id: Uuid,
    subjects: &[&str],
) -> sqlx::Result<HashSet<String>> {
    let mut known = HashSet::new();
    for some in padded(subjects) {
        let rows: Vec<String> = on!(conn, db => {
            let mut query = QueryBuilder::new("SELECT external_ref FROM customers WHERE organization_id = ");
            query.push_bind(organization_id).push(" AND external_ref IN (");
            let mut list = query.separated(", ");
            for subject in &some {
                list.push_bind(*subject);
            }
            query.push(")");
            query.build_query_scalar().fetch_all(db).await
        })?;
        known.extend(rows);
    }
    Ok(known)
}

/// Takes so many numbers of an organization; answers the last before them.
pub async fn take_numbers(conn: &mut Conn, organization_id: Uuid, count: i64) -> sqlx::Result<i64> {
    const SQL: &str = "INSERT INTO event_heads (organization_id, sequence) VALUES ($1, $2) \
                       ON CONFLICT (organization_id) DO UPDATE SET sequence = event_heads.sequence + excluded.sequence \
                       RETURNING sequence";
    let last: i64 = on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(count).fetch_one(db).await)?;
    Ok(last - count)
}

/// The number of an organization's last event.
pub async fn last_number(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<i64> {
    const SQL: &str = "SELECT sequence FROM event_heads WHERE organization_id = $1";
    let found = on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).fetch_optional(db).await)?;
    Ok(found.unwrap_or_default())
}

/// Appends those of the events whose keys are new; answers how many those were. Nothing is looked up first: with several writers it
/// might be there a moment later, and mostly nothing is there at all.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, events: &[NewEvent<'_>]) -> sqlx::Result<usize> {
    let mut inserted = 0;
    for some in portions(events) {
        inserted += on!(conn, db => {
            let mut query = QueryBuilder::new(
                "INSERT INTO usage_events (organization_id, sequence, key, payload_hash, source, event_id, type, subject, person, \
                 occurred_at, received_at, data, extensions, held_for) ");
            query.push_values(some, |mut row, new| {
                let e = new.event;
                row.push_bind(organization_id).push_bind(new.sequence).push_bind(&new.key[..]).push_bind(&e.payload_hash[..])
                    .push_bind(&e.source).push_bind(&e.id).push_bind(&e.kind).push_bind(&e.subject).push_bind(&e.person)
                    .push_bind(e.occurred_at).push_bind(new.received_at).push_bind(&e.data).push_bind(&e.extensions)
                    .push_bind(new.held_for.map(Text));
            });
            query.push(" ON CONFLICT (key, organization_id) DO NOTHING");
            query.build().execute(db).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(usize::try_from(inserted).unwrap_or(usize::MAX))
}

/// Which events a list wants.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this customer.
    pub subject: Option<String>,
    /// Only of this person.
    pub person: Option<String>,
    /// Only of this type.
    pub kind: Option<String>,
    /// Only from this source.
    pub source: Option<String>,
    /// Happened at or after.
    pub from: Option<DateTime<Utc>>,
    /// Happened before.
    pub until: Option<DateTime<Utc>>,
    /// Only those that do not count.
    pub is_held: bool,
}

/// Events in the order in which they came, the newest first.
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
             e.held_for, (e.subject IS NULL OR c.id IS NOT NULL) AS is_known FROM usage_events e LEFT JOIN customers c \
             ON c.organization_id = e.organization_id AND c.external_ref = e.subject WHERE e.organization_id = ");
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
        if let Some(until) = filter.until {
            query.push(" AND e.occurred_at < ").push_bind(until);
        }
        if filter.is_held {
            query.push(" AND (e.held_for IS NOT NULL OR (e.subject IS NOT NULL AND c.id IS NULL))");
        }
        if let Some(before) = before {
            query.push(" AND e.sequence < ").push_bind(before);
        }
        query.push(" ORDER BY e.sequence DESC LIMIT ").push_bind(i64::try_from(rows).unwrap_or(i64::MAX));
        query.build_query_as().fetch_all(db).await
    })
}

/// The subjects of the events after a number.
pub async fn subjects_since(conn: &mut Conn, organization_id: Uuid, sequence: i64) -> sqlx::Result<Vec<String>> {
    const SQL: &str = "SELECT DISTINCT subject FROM usage_events \
                       WHERE organization_id = $1 AND sequence > $2 AND subject IS NOT NULL";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(sequence).fetch_all(db).await)
}

/// Removes the oldest events that were received before an instant, a portion of them; answers how many.
pub async fn prune(conn: &mut Conn, organization_id: Uuid, before: DateTime<Utc>) -> sqlx::Result<u64> {
    const OLDEST: &str =
        "SELECT sequence, received_at FROM usage_events WHERE organization_id = $1 ORDER BY sequence LIMIT 5000";
    const DELETE: &str = "DELETE FROM usage_events WHERE organization_id = $1 AND sequence <= $2";
    let oldest: Vec<(i64, DateTime<Utc>)> =
        on!(conn, db => sqlx::query_as(OLDEST).bind(organization_id).fetch_all(db).await)?;
    // They are numbered in the order in which they were received.
    let last = oldest.iter().take_while(|(_, received_at)| *received_at < before).last();
    let Some((last, _)) = last else { return Ok(0) };
    on!(conn, db => sqlx::query(DELETE).bind(organization_id).bind(*last).execute(db).await.map(|done| done.rows_affected()))
}

/// Removes every event of a person; answers how many there were.
pub async fn erase(conn: &mut Conn, organization_id: Uuid, person: &str) -> sqlx::Result<u64> {
    const SQL: &str = "DELETE FROM usage_events WHERE organization_id = $1 AND person = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(person).execute(db).await.map(|done| done.rows_affected()))
}

/// Releases events that were held for their time; answers how many.
pub async fn release(conn: &mut Conn, organization_id: Uuid, sequences: &[i64]) -> sqlx::Result<u64> {
    let mut released = 0;
    for some in sequences.chunks(ROWS_PER_INSERT) {
        released += on!(conn, db => {
            let mut query = QueryBuilder::new("UPDATE usage_events SET held_for = NULL WHERE organization_id = ");
            query.push_bind(organization_id).push(" AND held_for IS NOT NULL AND sequence IN (");
            let mut list = query.separated(", ");
            for sequence in some {
                list.push_bind(*sequence);
            }
            query.push(")");
            query.build().execute(db).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(released)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_cover_everything_once() {
        for count in [0, 1, 4, 5, 99, 100, 1726] {
            let rows: Vec<usize> = (0..count).collect();
            let covered: Vec<usize> = portions(&rows).flatten().copied().collect();
            assert_eq!(covered, rows);
            assert!(portions(&rows).all(|portion| PORTIONS.contains(&portion.len())));
            let looked_for: HashSet<usize> = padded(&rows).flatten().collect();
            assert_eq!(looked_for, rows.iter().copied().collect());
            assert!(padded(&rows).all(|some| PORTIONS.contains(&some.len())));
        }
    }
}
