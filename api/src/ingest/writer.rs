//! The single writer of usage events.
//!
//! Requests put their events into a bounded queue and wait. The writer takes everything queued, writes it in one
//! transaction (on PostgreSQL one for each organization), and responds to each request after the commit. One sync to disk
//! therefore serves many requests, and a response means that the events are durable. There is deliberately no timer: while
//! one transaction runs, the next one collects events. If the queue is full, or an organization has filled half of it, the
//! response is 503 at once; no event is dropped silently.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use milepost_domain::customer::reference::Period;
use milepost_domain::usage::event::{Hash, Held, Intake, UsageEvent, hold, identify};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::event::identity;
use super::lanes::Lanes;
use super::room::{Room, Rooms};
use crate::error::ApiError;
use crate::retry::retrying;
use crate::store::memberships::Belonging;
use crate::store::usage_events::{self, NewEvent};
use crate::store::{Conn, Db, is_storage_full, unknown_subjects};

/// Number of lanes that are written at once, fewer than there are connections for writing.
const LANES_AT_ONCE: usize = 3;

/// Events that one request sends.
#[derive(Debug)]
pub struct Delivery {
    /// Identifier of the organization.
    pub organization_id: Uuid,
    /// Time of receipt.
    pub received_at: DateTime<Utc>,
    /// Events, in order.
    pub events: Vec<UsageEvent>,
    /// Whether to write either all events or none.
    pub is_atomic: bool,
    /// Whether to decide without writing.
    pub is_dry_run: bool,
}

impl Delivery {
    /// Approximate memory of the delivery, in KiB.
    fn weight_kib(&self) -> usize {
        let data = |event: &UsageEvent| event.data.as_ref().map_or(0, String::len);
        let bytes: usize = self.events.iter().map(|event| 400 + data(event)).sum();
        bytes / 1024 + 1
    }
}

/// Result of a delivery: one decision per event, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Decision on each event, with the reason if it is held.
    pub decisions: Vec<(Intake, Option<Held>)>,
    /// Sequence number of the organization's last event after the write.
    pub sequence: i64,
}

/// A delivery that waits for its receipt.
#[derive(Debug)]
struct Waiting {
    delivery: Delivery,
    answer: oneshot::Sender<Result<Receipt, ApiError>>,
    /// Given back when the request has its answer.
    #[expect(dead_code, reason = "held, not read")]
    room: Room,
}

/// Sending end of the queue, into which requests put their events.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::UnboundedSender<Waiting>,
    rooms: Rooms,
}

/// Receiving end of the queue, until it is started.
#[derive(Debug)]
pub struct Inbox(mpsc::UnboundedReceiver<Waiting>);

impl Writer {
    /// A writer and its inbox.
    pub fn new() -> (Self, Inbox) {
        let (queue, inbox) = mpsc::unbounded_channel();
        (Self { queue, rooms: Rooms::default() }, Inbox(inbox))
    }

    /// Hands events over and waits until they are durable.
    pub async fn deliver(&self, delivery: Delivery) -> Result<Receipt, ApiError> {
        let (answer, receipt) = oneshot::channel();
        let room = self.rooms.take(delivery.organization_id, delivery.weight_kib()).ok_or_else(overloaded)?;
        self.queue.send(Waiting { delivery, answer, room }).map_err(|_| overloaded())?;
        receipt.await.unwrap_or_else(|_| Err(overloaded()))
    }

    /// The number of waiting requests.
    pub fn waiting(&self) -> usize {
        self.rooms.taken()
    }
}

fn overloaded() -> ApiError {
    ApiError::try_again("Events arrive faster than they can be written. Nothing from this request was recorded.")
}

impl Inbox {
    /// Writes until every sender is gone.
    pub async fn run(mut self, db: Db) {
        let lane_of = |one: &Waiting| match db {
            Db::Sqlite(_) => Uuid::nil(),
            Db::Postgres(_) => one.delivery.organization_id,
        };
        let push = |lanes: &mut Lanes<Waiting>, one: Waiting| {
            let events = one.delivery.events.len();
            lanes.push(lane_of(&one), one, events);
        };
        let (mut lanes, mut tasks, mut is_open) = (Lanes::default(), JoinSet::new(), true);
        while is_open || !tasks.is_empty() {
            tokio::select! {
                next = self.0.recv(), if is_open => match next {
                    Some(one) => push(&mut lanes, one),
                    None => is_open = false,
                },
                Some(written) = tasks.join_next_with_id() => lanes.finish(match written {
                    Ok((id, ())) => id,
                    Err(failed) => failed.id(),
                }),
            }
            while let Ok(next) = self.0.try_recv() {
                push(&mut lanes, next);
            }
            while tasks.len() < LANES_AT_ONCE
                && let Some((lane, group)) = lanes.take_next()
            {
                let task = tasks.spawn(write_group(db.clone(), group));
                lanes.begin(task.id(), lane);
            }
        }
    }
}

/// Writes what arrived together, and answers each request. A request that makes the shared transaction fail must not affect
/// the others.
async fn write_group(db: Db, group: Vec<Waiting>) {
    let deliveries: Vec<&Delivery> = group.iter().map(|one| &one.delivery).collect();
    let written = write_retrying(&db, &deliveries).await;
    if written.is_ok() || group.len() == 1 {
        answer(group, written);
        return;
    }
    for one in group {
        let written = write_retrying(&db, &[&one.delivery]).await;
        answer(vec![one], written);
    }
}

fn answer(group: Vec<Waiting>, written: sqlx::Result<Vec<Receipt>>) {
    match written {
        Ok(receipts) => {
            for (waiting, receipt) in group.into_iter().zip(receipts) {
                // A receiver that is gone has disconnected; its events are written anyway.
                let _ = waiting.answer.send(Ok(receipt));
            }
        }
        Err(error) => {
            let detail = format!("{} Nothing from this request was recorded.", kind_of(&error));
            for waiting in group {
                let refused = ApiError::of_storage(&error, &detail);
                let _ = waiting.answer.send(Err(refused));
            }
        }
    }
}

/// The kind of failure, without the database's own message.
fn kind_of(error: &sqlx::Error) -> &'static str {
    match error {
        _ if is_storage_full(error) => "Storage is full.",
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => "The database cannot be reached.",
        _ => "The events could not be written.",
    }
}

async fn write_retrying(db: &Db, deliveries: &[&Delivery]) -> sqlx::Result<Vec<Receipt>> {
    retrying(|| write(db, deliveries)).await
}

/// Writes deliveries in one transaction.
async fn write(db: &Db, deliveries: &[&Delivery]) -> sqlx::Result<Vec<Receipt>> {
    let mut conn = db.begin().await?;
    let mut receipts: Vec<Option<Receipt>> = deliveries.iter().map(|_| None).collect();
    let mut by_organization: HashMap<Uuid, Vec<usize>> = HashMap::new();
    for (at, delivery) in deliveries.iter().enumerate() {
        by_organization.entry(delivery.organization_id).or_default().push(at);
    }
    // The order is always the same, so that two replicas do not deadlock.
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
    // Atomic deliveries and dry runs must know recorded events in advance; all others find out by writing.
    let looked_up = deliveries.iter().zip(&keys).filter(|(one, _)| one.is_atomic || one.is_dry_run);
    let looked_up: Vec<Hash> = looked_up.flat_map(|(_, keys)| keys).copied().collect();
    let there = usage_events::stored(conn, organization_id, &looked_up).await?;
    let mut known: HashMap<Hash, Hash> = there.into_iter().map(|one| (one.key, one.payload_hash)).collect();
    let customers = customers_of(conn, organization_id, deliveries).await?;
    let (mut decided, mut new) = decide_all(deliveries, &keys, known.clone(), &customers);
    if new.is_empty() {
        let sequence = usage_events::last_number(conn, organization_id).await?;
        return Ok(receipts(decided, sequence));
    }
    let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let latest = deliveries.iter().map(|one| one.received_at).max().unwrap_or_default();
    let (before, received_at) = usage_events::take_numbers(conn, organization_id, count, latest).await?;
    for (sequence, event) in (before + 1..).zip(&mut new) {
        (event.sequence, event.received_at) = (sequence, received_at);
    }
    let inserted = usage_events::insert(conn, organization_id, &new).await?;
    if inserted < new.len() {
        // Some events were already recorded: those with a number outside this range. The second decision knows them;
        // events inserted just now are new in both decisions.
        let keys_of_new: Vec<Hash> = new.iter().map(|event| event.key).collect();
        let there = usage_events::stored(conn, organization_id, &keys_of_new).await?;
        let old = there.into_iter().filter(|one| !(before + 1..=before + count).contains(&one.sequence));
        known.extend(old.map(|one| (one.key, one.payload_hash)));
        (decided, _) = decide_all(deliveries, &keys, known, &customers);
    }
    let unknown = |(event, (_, held)): (&'_ UsageEvent, &(Intake, Option<Held>))| {
        event.subject.as_deref().filter(|_| *held == Some(Held::UnknownCustomer)).map(str::to_owned)
    };
    let of_nobody: BTreeSet<String> = deliveries
        .iter()
        .zip(&decided)
        .flat_map(|(one, decisions)| one.events.iter().zip(decisions).filter_map(unknown))
        .collect();
    let of_nobody: Vec<&str> = of_nobody.iter().map(String::as_str).collect();
    unknown_subjects::add(conn, organization_id, &of_nobody).await?;
    Ok(receipts(decided, before + count))
}

/// The customers of events: what their subjects mean, and whom the people belong to whose events name no customer.
#[derive(Debug)]
struct Customers {
    periods: HashMap<String, Vec<Period>>,
    belonging: Belonging,
}

async fn customers_of(conn: &mut Conn, organization_id: Uuid, deliveries: &[&Delivery]) -> sqlx::Result<Customers> {
    let events = || deliveries.iter().flat_map(|one| &one.events);
    let subjects: BTreeSet<&str> = events().filter_map(|event| event.subject.as_deref()).collect();
    let subjects: Vec<&str> = subjects.into_iter().collect();
    let nameless = events().filter(|event| event.subject.is_none());
    let people: BTreeSet<&str> = nameless.filter_map(|event| event.person.as_deref()).collect();
    let belonging = if people.is_empty() {
        Belonging::default()
    } else {
        // While somebody moves, whoever adds events waits, and then sees where to.
        let received_at = deliveries.iter().map(|one| one.received_at).max().unwrap_or_default();
        usage_events::take_numbers(conn, organization_id, 0, received_at).await?;
        Belonging::of(conn, organization_id, &people.into_iter().collect::<Vec<_>>()).await?
    };
    Ok(Customers { periods: usage_events::known_subjects(conn, organization_id, &subjects).await?, belonging })
}

impl Customers {
    /// The reference of an event's customer, and whether it follows from its person.
    fn subject(&self, event: &UsageEvent) -> (Option<String>, bool) {
        match (&event.subject, &event.person) {
            (None, Some(person)) => {
                let found = self.belonging.subject_at(person, event.occurred_at).map(str::to_owned);
                let by_person = found.is_some() || event.is_for_customer;
                (found, by_person)
            }
            (subject, _) => (subject.clone(), false),
        }
    }

    fn is_known(&self, event: &UsageEvent, (subject, by_person): &(Option<String>, bool)) -> bool {
        match subject {
            Some(_) if *by_person => true,
            Some(subject) => {
                let periods = self.periods.get(subject).into_iter().flatten();
                periods.into_iter().any(|period| period.covers(event.occurred_at))
            }
            None => !by_person,
        }
    }
}

fn receipts(decided: Decisions, sequence: i64) -> Vec<Receipt> {
    decided.into_iter().map(|decisions| Receipt { decisions, sequence }).collect()
}

/// Decisions on each event of several deliveries.
type Decisions = Vec<Vec<(Intake, Option<Held>)>>;

/// Decides on several deliveries, one after another, given the events that are already recorded.
fn decide_all<'a>(
    deliveries: &[&'a Delivery],
    keys: &[Vec<Hash>],
    mut known: HashMap<Hash, Hash>,
    customers: &Customers,
) -> (Decisions, Vec<NewEvent<'a>>) {
    let (mut decided, mut new) = (Vec::with_capacity(deliveries.len()), vec![]);
    for (delivery, keys) in deliveries.iter().zip(keys) {
        let (decisions, fresh) = decide(delivery, keys, &mut known, customers);
        new.extend(fresh);
        decided.push(decisions);
    }
    (decided, new)
}

/// Decides on a delivery's events and returns those to write. Later deliveries know them.
fn decide<'a>(
    delivery: &'a Delivery,
    keys: &[Hash],
    known: &mut HashMap<Hash, Hash>,
    customers: &Customers,
) -> (Vec<(Intake, Option<Held>)>, Vec<NewEvent<'a>>) {
    let (mut decisions, mut new, mut own) = (vec![], vec![], HashMap::new());
    for (event, key) in delivery.events.iter().zip(keys) {
        if let Some(intake) = identify(own.get(key).or_else(|| known.get(key)), &event.payload_hash) {
            decisions.push((intake, None));
            continue;
        }
        let found = customers.subject(event);
        let held = hold(event.occurred_at, delivery.received_at, customers.is_known(event, &found));
        let (subject, by_person) = found;
        decisions.push((if held.is_some() { Intake::Quarantined } else { Intake::Accepted }, held));
        own.insert(*key, event.payload_hash);
        let held_for = held.filter(|held| *held == Held::FutureTime);
        new.push(NewEvent {
            sequence: 0,
            key: *key,
            event,
            subject,
            by_person,
            received_at: delivery.received_at,
            held_for,
        });
    }
    let is_whole = !decisions.iter().any(|(intake, _)| *intake == Intake::Conflict);
    if delivery.is_dry_run || (delivery.is_atomic && !is_whole) {
        return (decisions, vec![]);
    }
    known.extend(own);
    (decisions, new)
}
