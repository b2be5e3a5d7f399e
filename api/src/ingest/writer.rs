//! The one writer of usage events.
//!
//! Requests put their events into a bounded queue and wait. The writer takes all that is queued, writes it in one transaction, and
//! answers each request after the commit: so one sync to disk carries many requests, and an answer means durable. There is no timer:
//! while one transaction is on its way, the next one gathers. A full queue is answered 503 at once, and nothing is taken silently.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use chrono::{DateTime, Utc};
use milepost_domain::usage::event::{Hash, Held, Intake, UsageEvent, hold, identify};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use uuid::Uuid;

use super::event::identity;
use crate::error::{ApiError, Code};
use crate::store::usage_events::{self, NewEvent};
use crate::store::{Conn, Db, is_retryable};

/// How many requests may wait.
const QUEUE: usize = 1024;
/// How much memory the events that wait may take, in KiB.
const QUEUE_KIB: usize = 256 * 1024;
/// How many events one transaction carries before it is closed.
const MOST_AT_ONCE: usize = 20_000;
/// How often a transaction is tried when the database asks for it.
const ATTEMPTS: usize = 5;

/// What one request wants written.
#[derive(Debug)]
pub struct Delivery {
    /// Whose.
    pub organization_id: Uuid,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// Its events, in their order.
    pub events: Vec<UsageEvent>,
    /// Whether nothing is to be written unless all of it can be.
    pub is_atomic: bool,
    /// Whether nothing is to be written at all.
    pub is_dry_run: bool,
}

impl Delivery {
    /// Roughly the memory it takes.
    fn weight_kib(&self) -> u32 {
        let data = |event: &UsageEvent| event.data.as_ref().map_or(0, String::len);
        let bytes: usize = self.events.iter().map(|event| 400 + data(event)).sum();
        u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX)
    }
}

/// What became of a delivery: one decision for each event, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What became of each event, and why it is held if it is.
    pub decisions: Vec<(Intake, Option<Held>)>,
    /// The number of the organization's last event then.
    pub sequence: i64,
}

struct Waiting {
    delivery: Delivery,
    /// Its share of the memory; given back when it is answered.
    _memory: OwnedSemaphorePermit,
    answer: oneshot::Sender<Result<Receipt, ApiError>>,
}

/// Where requests leave their events.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Waiting>,
    memory: Arc<Semaphore>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} events", self.delivery.events.len())
    }
}

/// The receiving end, until it is started.
#[derive(Debug)]
pub struct Inbox(mpsc::Receiver<Waiting>);

impl Writer {
    /// A writer and its inbox.
    pub fn new() -> (Self, Inbox) {
        let (queue, inbox) = mpsc::channel(QUEUE);
        (Self { queue, memory: Arc::new(Semaphore::new(QUEUE_KIB)) }, Inbox(inbox))
    }

    /// Hands events over and waits until they are durable.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Receipt, ApiError> {
        let (answer, receipt) = oneshot::channel();
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(delivery.weight_kib());
        let memory = memory.map_err(|_| overloaded())?;
        self.queue.try_send(Waiting { delivery, _memory: memory, answer }).map_err(|_| overloaded())?;
        receipt.await.unwrap_or_else(|_| Err(overloaded()))
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        QUEUE - self.queue.capacity()
    }
}

fn overloaded() -> ApiError {
    unavailable("Events come faster than they can be written. Nothing of this request was taken.")
}

fn unavailable(detail: &str) -> ApiError {
    ApiError::new(Code::Unavailable, detail).with_header(RETRY_AFTER, HeaderValue::from_static("1"))
}

impl Inbox {
    /// Writes until every sender is gone.
    pub async fn run(mut self, db: Db) {
        while let Some(first) = self.0.recv().await {
            let mut group = vec![first];
            let mut events = group[0].delivery.events.len();
            while events < MOST_AT_ONCE
                && let Ok(next) = self.0.try_recv()
            {
                events += next.delivery.events.len();
                group.push(next);
            }
            let deliveries: Vec<&Delivery> = group.iter().map(|one| &one.delivery).collect();
            let written = write_retrying(&db, &deliveries).await;
            if written.is_ok() || group.len() == 1 {
                answer(group, written);
                continue;
            }
            // What spoils one request's transaction must not cost the others theirs.
            for one in group {
                let written = write_retrying(&db, &[&one.delivery]).await;
                answer(vec![one], written);
            }
        }
    }
}

fn answer(group: Vec<Waiting>, written: sqlx::Result<Vec<Receipt>>) {
    match written {
        Ok(receipts) => {
            for (waiting, receipt) in group.into_iter().zip(receipts) {
                // Who no longer waits has hung up; the events are there.
                let _ = waiting.answer.send(Ok(receipt));
            }
        }
        Err(error) => {
            tracing::error!(%error, requests = group.len(), "usage events could not be written");
            let detail = format!("{} Nothing of this request was taken.", kind_of(&error));
            for waiting in group {
                let _ = waiting.answer.send(Err(unavailable(&detail)));
            }
        }
    }
}

/// What kind of failure it was, without the database's own words.
const fn kind_of(error: &sqlx::Error) -> &'static str {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => "The database cannot be reached.",
        _ => "The events could not be written.",
    }
}

async fn write_retrying(db: &Db, deliveries: &[&Delivery]) -> sqlx::Result<Vec<Receipt>> {
    for _ in 1..ATTEMPTS {
        match write(db, deliveries).await {
            Err(error) if is_retryable(&error) => tokio::task::yield_now().await,
            settled => return settled,
        }
    }
    write(db, deliveries).await
}

/// Writes deliveries in one transaction.
async fn write(db: &Db, deliveries: &[&Delivery]) -> sqlx::Result<Vec<Receipt>> {
    let mut conn = db.begin().await?;
    let mut receipts: Vec<Option<Receipt>> = deliveries.iter().map(|_| None).collect();
    let mut by_organization: HashMap<Uuid, Vec<usize>> = HashMap::new();
    for (at, delivery) in deliveries.iter().enumerate() {
        by_organization.entry(delivery.organization_id).or_default().push(at);
    }
    // Always in the same order, so that two replicas do not wait for each other in a ring.
    let mut organizations: Vec<Uuid> = by_organization.keys().copied().collect();
    organizations.sort_unstable();
    for organization_id in organizations {
        let own = &by_organization[&organization_id];
        let some: Vec<&Delivery> = own.iter().map(|at| deliveries[*at]).collect();
        for (at, receipt) in own.iter().zip(write_for(&mut conn, organization_id, &some).await?) {
            receipts[*at] = Some(receipt);
        }
    }
    conn.commit().await?;
    Ok(receipts.into_iter().flatten().collect())
}

/// Writes deliveries of one organization.
async fn write_for(conn: &mut Conn, organization_id: Uuid, deliveries: &[&Delivery]) -> sqlx::Result<Vec<Receipt>> {
    let keys: Vec<Vec<Hash>> = deliveries
        .iter()
        .map(|one| one.events.iter().map(|event| identity(event, organization_id)).collect())
        .collect();
    // What is to be written whole or not at all must know before; everything else learns from writing.
    let looked_up = deliveries.iter().zip(&keys).filter(|(one, _)| one.is_atomic || one.is_dry_run);
    let looked_up: Vec<Hash> = looked_up.flat_map(|(_, keys)| keys).copied().collect();
    let there = usage_events::stored(conn, organization_id, &looked_up).await?;
    let mut known: HashMap<Hash, Hash> = there.into_iter().map(|one| (one.key, one.payload_hash)).collect();
    let mut subjects: Vec<&str> =
        deliveries.iter().flat_map(|one| one.events.iter().filter_map(|event| event.subject.as_deref())).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let customers = usage_events::known_subjects(conn, organization_id, &subjects).await?;
    let (mut decided, mut new) = decide_all(deliveries, &keys, known.clone(), &customers);
    if new.is_empty() {
        let sequence = usage_events::last_number(conn, organization_id).await?;
        return Ok(receipts(decided, sequence));
    }
    let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let before = usage_events::take_numbers(conn, organization_id, count).await?;
    for (sequence, event) in (before + 1..).zip(&mut new) {
        event.sequence = sequence;
    }
    let inserted = usage_events::insert(conn, organization_id, &new).await?;
    if inserted < new.len() {
        // Some were there: what has a number of before. Decided again with them, those inserted now are new in either case.
        let keys_of_new: Vec<Hash> = new.iter().map(|event| event.key).collect();
        let there = usage_events::stored(conn, organization_id, &keys_of_new).await?;
        let old = there.into_iter().filter(|one| !(before + 1..=before + count).contains(&one.sequence));
        known.extend(old.map(|one| (one.key, one.payload_hash)));
        (decided, _) = decide_all(deliveries, &keys, known, &customers);
    }
    Ok(receipts(decided, before + count))
}

fn receipts(decided: Decisions, sequence: i64) -> Vec<Receipt> {
    decided.into_iter().map(|decisions| Receipt { decisions, sequence }).collect()
}

/// What becomes of each event of several deliveries.
type Decisions = Vec<Vec<(Intake, Option<Held>)>>;

/// What becomes of several deliveries, one after another, given what is known.
fn decide_all<'a>(
    deliveries: &[&'a Delivery],
    keys: &[Vec<Hash>],
    mut known: HashMap<Hash, Hash>,
    customers: &HashSet<String>,
) -> (Decisions, Vec<NewEvent<'a>>) {
    let (mut decided, mut new) = (Vec::with_capacity(deliveries.len()), vec![]);
    for (delivery, keys) in deliveries.iter().zip(keys) {
        let (decisions, fresh) = decide(delivery, keys, &mut known, customers);
        new.extend(fresh);
        decided.push(decisions);
    }
    (decided, new)
}

/// What becomes of a delivery's events, and which of them are to be written. What is written is known to those after it.
fn decide<'a>(
    delivery: &'a Delivery,
    keys: &[Hash],
    known: &mut HashMap<Hash, Hash>,
    customers: &HashSet<String>,
) -> (Vec<(Intake, Option<Held>)>, Vec<NewEvent<'a>>) {
    let (mut decisions, mut new, mut own) = (vec![], vec![], HashMap::new());
    for (event, key) in delivery.events.iter().zip(keys) {
        if let Some(intake) = identify(own.get(key).or_else(|| known.get(key)), &event.payload_hash) {
            decisions.push((intake, None));
            continue;
        }
        let is_customer_known = event.subject.as_ref().is_none_or(|subject| customers.contains(subject));
        let held = hold(event.occurred_at, delivery.received_at, is_customer_known);
        decisions.push((if held.is_some() { Intake::Quarantined } else { Intake::Accepted }, held));
        own.insert(*key, event.payload_hash);
        let held_for = held.filter(|held| *held == Held::FutureTime);
        new.push(NewEvent { sequence: 0, key: *key, event, received_at: delivery.received_at, held_for });
    }
    let is_whole = !decisions.iter().any(|(intake, _)| *intake == Intake::Conflict);
    if delivery.is_dry_run || (delivery.is_atomic && !is_whole) {
        return (decisions, vec![]);
    }
    known.extend(own);
    (decisions, new)
}
