//! Digests of customers' events in memory, kept up to date with the events.
//!
//! Events are numbered in the order of receipt. So a digest that is right up to a number needs the events after it, late ones included,
//! and nothing else. Where events were removed or changed (erasure, retention, release from quarantine, another customer of their
//! person), the store notes it with a number of its own, and the digest begins anew. Every replica does this by itself, within the
//! snapshot that its request sees, so every replica is correct.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::digest::{Digest, Reading, Wanted};
use crate::store::Conn;
use crate::store::measured_events::{self, Part, Recent, Span};

/// Memory for digests, in bytes.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Number of metrics kept of one customer beyond which those that are not asked for are dropped.
const MOST_METRICS: usize = 1000;

/// Digests in memory, the least used dropped first.
#[derive(Debug)]
pub struct UsageMemory(Cache<(Uuid, Span), Place>);

/// Place of a digest. Whoever brings it up to date holds it meanwhile, so the events are read once for all who ask.
#[derive(Debug, Clone, Default)]
struct Place {
    kept: Arc<Mutex<Option<Kept>>>,
    weight: u32,
}

#[derive(Debug)]
struct Kept {
    /// Number of the last event that the digest includes.
    through: i64,
    digest: Arc<Digest>,
}

impl Default for UsageMemory {
    fn default() -> Self {
        let weigher = |_: &(Uuid, Span), place: &Place| 500 + place.weight;
        Self(Cache::builder().max_capacity(MOST_BYTES).weigher(weigher).build())
    }
}

/// A question for digests.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Organization.
    pub organization_id: Uuid,
    /// Organization's reading of events.
    pub reading: &'a Reading,
    /// Time from which events are needed by day; `None` if all are.
    pub from: Option<DateTime<Utc>>,
    /// Metrics.
    pub wanted: &'a [Wanted],
    /// Number of the last event that the connection's snapshot sees.
    pub head: i64,
    /// Number by which events of a subject were last removed or changed.
    pub rewritten: &'a HashMap<String, i64>,
    /// Events that were recorded last, where many digests are asked for.
    pub recent: Option<&'a Recent>,
}

impl UsageMemory {
    /// The digest of spans, such as the references that a customer has had. The connection must be a snapshot.
    pub async fn digest(&self, conn: &mut Conn, spans: &[Span], question: &Question<'_>) -> sqlx::Result<Arc<Digest>> {
        let mut whole: Option<Arc<Digest>> = None;
        for span in spans {
            let part = self.of_span(conn, span, question).await?;
            match &mut whole {
                Some(whole) => Arc::make_mut(whole).add_all(&part),
                None => whole = Some(part),
            }
        }
        let empty = || Arc::new(Digest::new(question.reading.clone(), question.from, question.wanted));
        Ok(whole.unwrap_or_else(empty))
    }

    async fn of_span(&self, conn: &mut Conn, span: &Span, question: &Question<'_>) -> sqlx::Result<Arc<Digest>> {
        let name = (question.organization_id, span.clone());
        let place = self.0.get_with(name.clone(), Place::default);
        let mut kept = place.kept.lock().await;
        if kept.as_ref().is_some_and(|one| one.through > question.head) {
            // Another request sees more than this one may.
            return Ok(Arc::new(read(conn, span, question, question.wanted).await?));
        }
        let rewritten = question.rewritten.get(&span.reference).copied().unwrap_or_default();
        let is_usable = |one: &Kept| rewritten <= one.through && one.digest.reading == *question.reading;
        let digest = match kept.take().filter(is_usable) {
            Some(one) => follow(conn, span, question, one).await?,
            None => Arc::new(read(conn, span, question, question.wanted).await?),
        };
        let weight = u32::try_from(digest.weight()).unwrap_or(u32::MAX);
        *kept = Some(Kept { through: question.head, digest: Arc::clone(&digest) });
        drop(kept);
        if weight > place.weight + place.weight / 8 {
            self.0.insert(name, Place { weight, ..place });
        }
        Ok(digest)
    }
}

/// Brings a digest up to date: with the events after it, with metrics that it lacks, and with the time before it.
async fn follow(conn: &mut Conn, span: &Span, question: &Question<'_>, kept: Kept) -> sqlx::Result<Arc<Digest>> {
    let Kept { through, mut digest } = kept;
    let reaches = match (digest.from, question.from) {
        (None, _) => true,
        (Some(own), Some(asked)) => own <= asked,
        (Some(_), None) => false,
    };
    if !reaches {
        let all: HashSet<Wanted> = digest.wanted().chain(question.wanted).cloned().collect();
        let all: Vec<Wanted> = all.into_iter().collect();
        return Ok(Arc::new(read(conn, span, question, &all).await?));
    }
    if digest.wanted().count() > MOST_METRICS {
        // Metrics that are no longer asked for are forgotten.
        return Ok(Arc::new(read(conn, span, question, question.wanted).await?));
    }
    if through < question.head {
        let own = Arc::make_mut(&mut digest);
        match question.recent.and_then(|recent| recent.of(span, through)) {
            Some(rows) => rows.for_each(|row| own.add(row)),
            None => {
                let part = Part { after: Some(through), ..Part::default() };
                measured_events::each(conn, question.organization_id, span, part, |row| own.add(&row)).await?;
            }
        }
    }
    let lacking: Vec<Wanted> = question.wanted.iter().filter(|one| !digest.has(one)).cloned().collect();
    if !lacking.is_empty() {
        let mut more = Digest::new(digest.reading.clone(), digest.from, &lacking);
        let part = Part { from: digest.from, ..Part::default() };
        measured_events::each(conn, question.organization_id, span, part, |row| more.add(&row)).await?;
        Arc::make_mut(&mut digest).take_tallies(more);
    }
    Ok(digest)
}

/// Reads the digest of a span from its events.
async fn read(conn: &mut Conn, span: &Span, question: &Question<'_>, wanted: &[Wanted]) -> sqlx::Result<Digest> {
    let mut digest = Digest::new(question.reading.clone(), question.from, wanted);
    add(conn, span, question, &mut digest, None).await?;
    Ok(digest)
}

/// Reads a digest of spans as it was known at an instant, past the memory.
pub async fn as_known(
    conn: &mut Conn,
    spans: &[Span],
    question: &Question<'_>,
    known_at: Option<DateTime<Utc>>,
) -> sqlx::Result<Digest> {
    let mut digest = Digest::new(question.reading.clone(), question.from, question.wanted);
    for span in spans {
        add(conn, span, question, &mut digest, known_at).await?;
    }
    Ok(digest)
}

/// Adds the events of a span to a digest, and a summary of those before the time from which it sums them up.
async fn add(
    conn: &mut Conn,
    span: &Span,
    question: &Question<'_>,
    digest: &mut Digest,
    known_at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    let organization_id = question.organization_id;
    let part = Part { from: digest.from, known_at, ..Part::default() };
    measured_events::each(conn, organization_id, span, part, |row| digest.add(&row)).await?;
    if let Some(from) = digest.from {
        let part = Part { until: Some(from), known_at, ..Part::default() };
        for row in measured_events::by_type(conn, organization_id, span, part).await? {
            digest.add_earlier(&row.kind, (row.first_at, row.last_at));
        }
    }
    Ok(())
}
