//! Storage of usage events. What an event says never changes; it is released from quarantine, and goes with its person to another
//! customer.

mod listed;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use milepost_domain::customer::reference::Period;
use milepost_domain::usage::event::{Hash, Held, UsageEvent};
use sqlx::QueryBuilder;
use sqlx::types::Text;
use uuid::Uuid;

use crate::many::ROWS_PER_INSERT;
use crate::measured_events::{Axis, Span};
use crate::{Conn, on, unknown_subjects, usage_rewrites};

pub use self::listed::{EventRow, Filter, Holding, held, list};

/// Numbers of rows in one statement. Only a few sizes are used, so that each statement is prepared once and not for
/// every number of events.
const PORTIONS: [usize; 5] = [ROWS_PER_INSERT, 100, 20, 5, 1];

/// Splits rows into portions of these sizes, largest first.
fn portions<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = PORTIONS.into_iter().find(|size| *size <= rows.len())?;
        let (portion, rest) = rows.split_at(size);
        rows = rest;
        Some(portion)
    })
}

/// Splits a list of search values into portions of these sizes. The last value is repeated to fill a portion, which
/// does not change the result.
fn padded<T: Copy>(list: &[T]) -> impl Iterator<Item = Vec<T>> {
    list.chunks(ROWS_PER_INSERT).map(|some| {
        let size = PORTIONS.into_iter().rev().find(|size| *size >= some.len()).unwrap_or(ROWS_PER_INSERT);
        let last = some.last().copied();
        some.iter().copied().chain(std::iter::repeat_n(last, size).flatten()).take(size).collect()
    })
}

/// A usage event to add.
#[derive(Debug)]
pub struct NewEvent<'a> {
    /// Number of the event.
    pub sequence: i64,
    /// Hash that distinguishes the event from others.
    pub key: Hash,
    /// Content of the event.
    pub event: &'a UsageEvent,
    /// Reference of the customer: as the event names it, or that of its person.
    pub subject: Option<String>,
    /// Whether its customer follows from its person; without a subject it waits for one.
    pub by_person: bool,
    /// Time of receipt.
    pub received_at: DateTime<Utc>,
    /// Reason why the event does not count until it is released.
    pub held_for: Option<Held>,
}

/// Identity of a stored usage event.
#[derive(Debug, Clone, Copy)]
pub struct StoredIdentity {
    /// Hash that distinguishes the event from others.
    pub key: Hash,
    /// Hash of the content.
    pub payload_hash: Hash,
    /// Number of the event.
    pub sequence: i64,
}

/// Returns the stored events with these keys.
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

/// Returns what the given references mean and have meant: the periods in which each means a customer.
pub async fn known_subjects(
    conn: &mut Conn,
    organization_id: Uuid,
    subjects: &[&str],
) -> sqlx::Result<HashMap<String, Vec<Period>>> {
    type Row = (String, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let mut known: HashMap<String, Vec<Period>> = HashMap::new();
    for some in padded(subjects) {
        let rows: Vec<Row> = on!(conn, db => {
            let mut query = QueryBuilder::new(
                "SELECT external_ref, from_at, until_at FROM reference_periods WHERE organization_id = ");
            query.push_bind(organization_id).push(" AND kind = 'customer' AND holder_id IS NOT NULL AND external_ref IN (");
            let mut list = query.separated(", ");
            for subject in &some {
                list.push_bind(*subject);
            }
            query.push(")");
            query.build_query_as().fetch_all(db).await
        })?;
        for (reference, from_at, until_at) in rows {
            known.entry(reference).or_default().push(Period { from_at, until_at });
        }
    }
    Ok(known)
}

/// Reserves numbers for events of an organization that were received by an instant. Returns the last number before them, and
/// the time of receipt to record: that instant, or the one recorded last if the clock was set back since.
pub async fn take_numbers(
    conn: &mut Conn,
    organization_id: Uuid,
    count: i64,
    received_at: DateTime<Utc>,
) -> sqlx::Result<(i64, DateTime<Utc>)> {
    const SQL: &str = "INSERT INTO event_heads (organization_id, sequence, received_at) VALUES ($1, $2, $3) \
                       ON CONFLICT (organization_id) DO UPDATE SET sequence = event_heads.sequence + excluded.sequence, \
                       received_at = CASE WHEN event_heads.received_at > excluded.received_at THEN event_heads.received_at \
                       ELSE excluded.received_at END RETURNING sequence, received_at";
    let (last, received_at): (i64, DateTime<Utc>) = on!(conn, db =>
        sqlx::query_as(SQL).bind(organization_id).bind(count).bind(received_at).fetch_one(db).await)?;
    Ok((last - count, received_at))
}

/// Returns the number of an organization's last event.
pub async fn last_number(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<i64> {
    const SQL: &str = "SELECT sequence FROM event_heads WHERE organization_id = $1";
    let found = on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).fetch_optional(db).await)?;
    Ok(found.unwrap_or_default())
}

/// Returns the number of the last event that had been received by an instant.
pub async fn last_number_at(conn: &mut Conn, organization_id: Uuid, at: DateTime<Utc>) -> sqlx::Result<i64> {
    const SQL: &str = "SELECT sequence FROM usage_events WHERE organization_id = $1 AND received_at <= $2 \
                       ORDER BY sequence DESC LIMIT 1";
    let found = on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(at).fetch_optional(db).await)?;
    Ok(found.unwrap_or_default())
}

/// Returns when the organization's first event that counts happened, of those that had been received by an instant: from then on, usage is
/// reported. `None` if none has been received.
pub async fn first_at(
    conn: &mut Conn,
    organization_id: Uuid,
    known_at: Option<DateTime<Utc>>,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    const SQL: &str = "SELECT occurred_at, received_at FROM usage_events \
        WHERE organization_id = $1 AND held_for IS NULL ORDER BY sequence LIMIT 1";
    let first: Option<(DateTime<Utc>, DateTime<Utc>)> =
        on!(conn, db => sqlx::query_as(SQL).bind(organization_id).fetch_optional(db).await)?;
    Ok(first
        .filter(|(_, received_at)| known_at.is_none_or(|at| *received_at <= at))
        .map(|(occurred_at, _)| occurred_at))
}

/// Appends the events whose keys are new; returns their number. There is no lookup first: with several writers the
/// result could be outdated a moment later, and usually all events are new.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, events: &[NewEvent<'_>]) -> sqlx::Result<usize> {
    let mut inserted = 0;
    for some in portions(events) {
        inserted += on!(conn, db => {
            let mut query = QueryBuilder::new(
                "INSERT INTO usage_events (organization_id, sequence, key, payload_hash, source, event_id, type, subject, person, \
                 occurred_at, received_at, data, extensions, held_for, by_person) ");
            query.push_values(some, |mut row, new| {
                let e = new.event;
                row.push_bind(organization_id).push_bind(new.sequence).push_bind(&new.key[..]).push_bind(&e.payload_hash[..])
                    .push_bind(&e.source).push_bind(&e.id).push_bind(&e.kind).push_bind(&new.subject).push_bind(&e.person)
                    .push_bind(e.occurred_at).push_bind(new.received_at).push_bind(&e.data).push_bind(&e.extensions)
                    .push_bind(new.held_for.map(Text)).push_bind(new.by_person);
            });
            query.push(" ON CONFLICT (key, organization_id) DO NOTHING");
            query.build().execute(db).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(usize::try_from(inserted).unwrap_or(usize::MAX))
}

/// Returns the types of the most recent events, each with the number and the latest of its events, the most frequent first.
pub async fn types(
    conn: &mut Conn,
    organization_id: Uuid,
    events: i64,
) -> sqlx::Result<Vec<(String, i64, DateTime<Utc>)>> {
    const SQL: &str = "SELECT type, COUNT(*) AS events, MAX(occurred_at) AS last_at FROM usage_events \
                       WHERE organization_id = $1 AND sequence > $2 GROUP BY type ORDER BY COUNT(*) DESC, type LIMIT 1000";
    let last = last_number(conn, organization_id).await?;
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(last - events).fetch_all(db).await)
}

/// Returns the references of the customers or people whose events were recorded, removed or changed after a number.
pub async fn names_since(
    conn: &mut Conn,
    organization_id: Uuid,
    axis: Axis,
    sequence: i64,
) -> sqlx::Result<Vec<String>> {
    let mut names: Vec<String> = on!(&mut *conn, db => {
        let mut query = QueryBuilder::new("SELECT DISTINCT ");
        query.push(axis.column()).push(" FROM usage_events WHERE organization_id = ").push_bind(organization_id);
        query.push(" AND sequence > ").push_bind(sequence).push(" AND ").push(axis.column()).push(" IS NOT NULL");
        query.build_query_scalar().fetch_all(db).await
    })?;
    names.extend(usage_rewrites::since(conn, organization_id, sequence).await?);
    Ok(names)
}

/// Deletes a portion of the oldest events that were received before an instant; returns the number of deleted events.
pub async fn prune(
    conn: &mut Conn,
    organization_id: Uuid,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    type Oldest = (i64, DateTime<Utc>, Option<String>, Option<String>);
    const OLDEST: &str = "SELECT sequence, received_at, subject, person FROM usage_events WHERE organization_id = $1 ORDER BY sequence LIMIT 5000";
    const DELETE: &str = "DELETE FROM usage_events WHERE organization_id = $1 AND sequence <= $2";
    let mut oldest: Vec<Oldest> =
        on!(&mut *conn, db => sqlx::query_as(OLDEST).bind(organization_id).fetch_all(db).await)?;
    // Events are numbered in the order of receipt.
    oldest.truncate(oldest.partition_point(|(_, received_at, ..)| *received_at < before));
    let Some((last, ..)) = oldest.last() else { return Ok(0) };
    let last = *last;
    let names = oldest.into_iter().flat_map(|(.., subject, person)| [subject, person]);
    usage_rewrites::note(conn, organization_id, &once_each(names.flatten()), now).await?;
    on!(conn, db => sqlx::query(DELETE).bind(organization_id).bind(last).execute(db).await.map(|done| done.rows_affected()))
}

/// Adds the condition that an event carries a reference and happened in its period.
macro_rules! push_span {
    ($query:ident, $organization_id:expr, $span:expr) => {{
        $query
            .push_bind($organization_id)
            .push(" AND ")
            .push($span.axis.column())
            .push(" = ")
            .push_bind(&$span.reference);
        if let Some(from) = $span.period.from_at {
            $query.push(" AND occurred_at >= ").push_bind(from);
        }
        if let Some(until) = $span.period.until_at {
            $query.push(" AND occurred_at < ").push_bind(until);
        }
    }};
}

/// Deletes the events of a span, those that are held included; returns their number.
pub async fn erase(conn: &mut Conn, organization_id: Uuid, span: &Span, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let names: Vec<(Option<String>, Option<String>)> = on!(&mut *conn, db => {
        let mut query = QueryBuilder::new("SELECT DISTINCT subject, person FROM usage_events WHERE organization_id = ");
        push_span!(query, organization_id, span);
        query.build_query_as().fetch_all(db).await
    })?;
    let names = once_each(names.into_iter().flat_map(|(subject, person)| [subject, person]).flatten());
    usage_rewrites::note(conn, organization_id, &names, now).await?;
    on!(conn, db => {
        let mut query = QueryBuilder::new("DELETE FROM usage_events WHERE organization_id = ");
        push_span!(query, organization_id, span);
        query.build().execute(db).await.map(|done| done.rows_affected())
    })
}

/// Releases events that were held because of their time; returns their number.
pub async fn release(
    conn: &mut Conn,
    organization_id: Uuid,
    sequences: &[i64],
    now: DateTime<Utc>,
) -> sqlx::Result<usize> {
    let mut released: Vec<(Option<String>, Option<String>)> = vec![];
    for some in sequences.chunks(ROWS_PER_INSERT) {
        let found: Vec<(Option<String>, Option<String>)> = on!(&mut *conn, db => {
            let mut query = QueryBuilder::new("UPDATE usage_events SET held_for = NULL WHERE organization_id = ");
            query.push_bind(organization_id).push(" AND held_for IS NOT NULL AND sequence IN (");
            let mut list = query.separated(", ");
            for sequence in some {
                list.push_bind(*sequence);
            }
            query.push(") RETURNING subject, person");
            query.build_query_as().fetch_all(db).await
        })?;
        released.extend(found);
    }
    let count = released.len();
    let (subjects, people): (Vec<_>, Vec<_>) = released.into_iter().unzip();
    let subjects = once_each(subjects.into_iter().flatten());
    let names = once_each(people.into_iter().flatten().chain(subjects.iter().cloned()));
    usage_rewrites::note(conn, organization_id, &names, now).await?;
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    unknown_subjects::add(conn, organization_id, &subjects).await?;
    Ok(count)
}

/// Each text once, in their order.
fn once_each(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.collect::<BTreeSet<String>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

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
