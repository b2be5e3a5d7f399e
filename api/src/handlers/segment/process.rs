//! Processing of the messages of Segment's libraries: people and customers are written, events are handed on, and what is refused is kept.

use actix_web::HttpRequest;
use actix_web::web::Payload;
use chrono::{DateTime, Utc};
use milepost_domain::access::{Reach, Scope};
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::people::{PersonContent, PersonKind};
use milepost_domain::usage::event::{Intake, UsageEvent};
use milepost_domain::values::text::{ExternalRef, Name};
use serde_json::Value;

use super::{RejectedMessage, SegmentAnswer};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::collect_up_to;
use crate::handlers::people::state_membership;
use crate::ingest::dead_letters::{self, Reason, Way};
use crate::ingest::segment::{CustomerTraits, Envelope, Meaning, Message, PersonTraits, instant, source_of};
use crate::ingest::split::{elements, member};
use crate::ingest::unpack::unpack;
use crate::ingest::writer::Delivery;
use crate::ingest::{MOST_BYTES, MOST_EVENTS};
use crate::reference;
use crate::resource::{self, Referred, Resource};
use crate::store::rejected_messages::Channel;
use crate::store::segment_marks::{self, Said};
use crate::unit::Unit;

/// The effects of the messages of a request.
#[derive(Default)]
struct Taken {
    events: Vec<(usize, UsageEvent)>,
    people: Vec<(PersonTraits, Option<ExternalRef>)>,
    customers: Vec<CustomerTraits>,
    ignored: usize,
    rejected: Vec<RejectedMessage>,
}

/// Takes a request of a library, whose call is in its path.
pub async fn take(
    request: &HttpRequest,
    cx: &Context,
    payload: Payload,
    call: &'static str,
) -> Result<Answer, ApiError> {
    let bytes = collect_up_to(request, payload.into_inner(), MOST_BYTES).await?;
    let body = unpack(request, bytes.to_vec())?;
    let Batch { messages, sent_at } = if call == "batch" { Batch::of(&body)? } else { Batch::single(&body) };
    if messages.len() > MOST_EVENTS {
        let detail = format!("must have at most {MOST_EVENTS} messages");
        return Err(ApiError::field("/batch", "too_many_items", detail));
    }
    let source = source_of(&cx.who.caller.author);
    let envelope = Envelope { call, source: &source, sent_at, received_at: cx.now };
    let answer = process(cx, &messages, &envelope).await?;
    let refused = answer.rejected.iter().filter_map(|one| {
        let reason = Reason { code: one.code.clone(), pointer: one.pointer.clone(), detail: one.detail.clone() };
        Some((*messages.get(one.index)?, reason))
    });
    let way = Way { channel: Channel::of_segment(call), source: Some(source.clone()), sent_at };
    dead_letters::keep(cx, &way, refused.collect()).await?;
    Answer::ok(&answer)
}

/// Texts of messages, and when they were sent by the sender's clock, if it says so.
struct Batch<'a> {
    messages: Vec<&'a [u8]>,
    sent_at: Option<DateTime<Utc>>,
}

impl<'a> Batch<'a> {
    fn single(body: &'a [u8]) -> Self {
        Self { messages: vec![body], sent_at: None }
    }

    fn of(body: &'a [u8]) -> Result<Self, ApiError> {
        let not_json = |error| ApiError::new(Code::MalformedBody, format!("The body is not a Segment batch: {error}."));
        let list = member(body, "batch").map_err(not_json)?;
        let list = list.ok_or_else(|| ApiError::new(Code::MalformedBody, "The body has no field batch."))?;
        let sent_at = member(body, "sentAt").map_err(not_json)?;
        let sent_at = sent_at.and_then(|text| serde_json::from_slice::<String>(text).ok());
        Ok(Self {
            messages: elements(list, MOST_EVENTS).map_err(not_json)?,
            sent_at: sent_at.as_deref().and_then(instant),
        })
    }
}

/// Processes messages: customers and people first, then events.
pub async fn process(cx: &Context, messages: &[&[u8]], envelope: &Envelope<'_>) -> Result<SegmentAnswer, ApiError> {
    let received = messages.len();
    let mut taken = Taken::default();
    for (index, message) in messages.iter().enumerate() {
        taken.add(index, message, envelope);
    }
    let may = |scope| Reach::of(cx.who.caller.scopes.allow(scope));
    if !taken.people.is_empty() || !taken.customers.is_empty() {
        cx.write(async |unit| {
            for traits in &taken.customers {
                put_customer(unit, traits, may(Scope::CustomersWrite)).await?;
            }
            for (traits, customer) in &taken.people {
                put_person(unit, traits, customer.as_ref(), may(Scope::PeopleWrite)).await?;
            }
            Ok(Answer::no_content())
        })
        .await?;
    }
    let Taken { events, people, customers, ignored, rejected } = taken;
    let (people, customers) = (people.len(), customers.len());
    let (events, duplicates, rejected) = deliver(cx, events, rejected).await?;
    let success = rejected.is_empty();
    Ok(SegmentAnswer { success, received, events, duplicates, people, customers, ignored, rejected })
}

impl Taken {
    fn add(&mut self, index: usize, message: &[u8], envelope: &Envelope<'_>) {
        let read = serde_json::from_slice::<Value>(message)
            .map_err(|error| vec![FieldError::in_body("", "malformed", format!("is not valid JSON: {error}"))])
            .and_then(|value| {
                serde_json::from_value::<Message>(value)
                    .map_err(|error| vec![FieldError::in_body("", "not_valid", error.to_string())])
            });
        match read.and_then(|message| message.meaning(envelope)) {
            Ok(Meaning::Event(event)) => self.events.push((index, *event)),
            Ok(Meaning::Person(person)) => self.people.push((person, None)),
            Ok(Meaning::Customer(customer, person)) => {
                self.people.extend(person.map(|person| (person, Some(customer.external_ref.clone()))));
                self.customers.push(customer);
            }
            Ok(Meaning::Nothing) => self.ignored += 1,
            Err(errors) => {
                self.rejected.extend(errors.into_iter().next().map(|error| RejectedMessage::of(index, error)));
            }
        }
    }
}

/// Hands events to the writer. Returns the number of new events, the number of duplicates, and the rejected messages.
async fn deliver(
    cx: &Context,
    events: Vec<(usize, UsageEvent)>,
    mut rejected: Vec<RejectedMessage>,
) -> Result<(usize, usize, Vec<RejectedMessage>), ApiError> {
    if events.is_empty() {
        return Ok((0, 0, rejected));
    }
    let (indexes, events): (Vec<usize>, Vec<UsageEvent>) = events.into_iter().unzip();
    let delivery = Delivery {
        organization_id: cx.organization_id(),
        received_at: cx.now,
        events,
        is_atomic: false,
        is_dry_run: false,
    };
    let receipt = cx.app.writer.deliver(delivery).await?;
    let count = |wanted: &[Intake]| receipt.decisions.iter().filter(|(intake, _)| wanted.contains(intake)).count();
    let conflicts = indexes.iter().zip(&receipt.decisions).filter(|(_, (intake, _))| *intake == Intake::Conflict);
    rejected.extend(conflicts.map(|(index, _)| {
        let detail = "a different event with this messageId already exists; it stays";
        RejectedMessage::of(*index, FieldError::in_body("/messageId", "conflict", detail))
    }));
    rejected.sort_by_key(|one| one.index);
    Ok((count(&[Intake::Accepted, Intake::Quarantined]), count(&[Intake::Duplicate]), rejected))
}

/// Reach of a message that was stated at a time: one that is older than what is known only fills what is empty, so the order of
/// arrival does not matter.
async fn settle_order(
    unit: &mut Unit,
    said: Said,
    reference: &ExternalRef,
    stated_at: DateTime<Utc>,
    reach: Reach,
) -> Result<Reach, ApiError> {
    if reach == Reach::Fill {
        // Who may only fill says nothing that others have to be newer than.
        return Ok(reach);
    }
    let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
    let is_newest = segment_marks::advance(conn, organization_id, said, reference.as_str(), stated_at).await?;
    Ok(if is_newest { reach } else { Reach::Fill })
}

async fn put_customer(unit: &mut Unit, traits: &CustomerTraits, reach: Reach) -> Result<(), ApiError> {
    let reference = &traits.external_ref;
    let reach = settle_order(unit, Said::Customer, reference, traits.stated_at, reach).await?;
    let known = meant::<CustomerContent>(unit, reference).await?;
    let mut content = match &known {
        Some(known) => known.content.clone(),
        None => CustomerContent::named(unnamed(reference)?),
    };
    content.name = reach.settle_name(content.name, traits.name.clone(), reference);
    content.segment = reach.settle(content.segment, traits.segment.clone());
    put(unit, known, reference, content).await?;
    Ok(())
}

async fn put_person(
    unit: &mut Unit,
    traits: &PersonTraits,
    customer: Option<&ExternalRef>,
    allowed: Reach,
) -> Result<(), ApiError> {
    let reference = &traits.external_ref;
    let said = if customer.is_some() { Said::Membership } else { Said::Person };
    let reach = settle_order(unit, said, reference, traits.stated_at, allowed).await?;
    let known = meant::<PersonContent>(unit, reference).await?;
    let mut content = match &known {
        Some(known) => known.content.clone(),
        None => PersonContent::named(unnamed(reference)?, PersonKind::Participant),
    };
    content.name = reach.settle_name(content.name, traits.name.clone(), reference);
    content.email = reach.settle(content.email, traits.email.clone());
    let found = match customer {
        Some(customer) => meant::<CustomerContent>(unit, customer).await?,
        None => None,
    };
    if let Some(found) = found.as_ref().filter(|_| reach == Reach::Change || content.customer_id.is_none()) {
        (content.customer_id, content.customer_ref) = (Some(found.id), found.content.external_ref.clone());
    }
    unit.stated_at = Some(traits.stated_at);
    let person = put(unit, known, reference, content).await?;
    if let Some(found) = found.filter(|_| allowed == Reach::Change) {
        // What is older than the last word, or says the same again, still says whose the events of its time are.
        state_membership(unit, &person, Some(found.id)).await?;
    }
    unit.stated_at = None;
    Ok(())
}

/// The customer or person that a message means: the one with the reference, or the one that it was merged into.
async fn meant<T: Referred>(unit: &mut Unit, reference: &ExternalRef) -> Result<Option<Resource<T>>, ApiError> {
    match resource::find_by_ref::<T>(unit, reference).await? {
        Some(found) => Ok(Some(reference::follow(&mut unit.conn, unit.organization_id, found).await?)),
        None => Ok(None),
    }
}

/// Writes a customer or a person; one that is there keeps its own reference.
async fn put<T: Referred>(
    unit: &mut Unit,
    known: Option<Resource<T>>,
    reference: &ExternalRef,
    content: T,
) -> Result<Resource<T>, ApiError> {
    match known {
        Some(known) => resource::save(unit, known, content).await,
        None => resource::put(unit, None, reference, content).await,
    }
}

/// The name of something of which only the reference is known.
fn unnamed(reference: &ExternalRef) -> Result<Name, ApiError> {
    Name::parse(reference.as_str()).map_err(ApiError::internal)
}
