//! Endpoints for Segment's client libraries.

use std::collections::HashMap;

use actix_web::web::Payload;
use actix_web::{HttpRequest, post};
use chrono::{DateTime, Utc};
use milepost_domain::access::{Reach, Scope};
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::people::{PersonContent, PersonKind};
use milepost_domain::usage::event::{Intake, UsageEvent};
use milepost_domain::values::text::{ExternalRef, Name};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::collect_up_to;
use crate::ingest::dead_letters::{self, Reason, Way};
use crate::ingest::schema::{SegmentBatch, SegmentMessage};
use crate::ingest::segment::{CustomerTraits, Envelope, Meaning, Message, PersonTraits, instant, source_of};
use crate::ingest::split::{elements, member};
use crate::ingest::unpack::unpack;
use crate::ingest::writer::Delivery;
use crate::ingest::{MOST_BYTES, MOST_EVENTS};
use crate::resource;
use crate::store::rejected_messages::Channel;
use crate::store::segment_marks::{self, Said};
use crate::store::{customers, people};
use crate::unit::Unit;

/// Results of Segment messages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"success": true, "received": 3, "events": 1, "duplicates": 1, "people": 1, "customers": 0, "ignored": 0, "rejected": []}))]
pub struct SegmentAnswer {
    /// Whether nothing was rejected.
    success: bool,
    /// Number of messages received.
    #[schema(maximum = 5000)]
    received: usize,
    /// Number of new events.
    #[schema(maximum = 5000)]
    events: usize,
    /// Number of events that had been recorded already.
    #[schema(maximum = 5000)]
    duplicates: usize,
    /// Number of people that were created, updated or already up to date.
    #[schema(maximum = 10_000)]
    people: usize,
    /// Number of customers that were created, updated or already up to date.
    #[schema(maximum = 5000)]
    customers: usize,
    /// Number of messages that have no effect, such as `alias`.
    #[schema(maximum = 5000)]
    ignored: usize,
    /// Messages that were rejected. The response still has status 200, so that libraries do not send them again.
    #[schema(max_items = 5000)]
    pub(super) rejected: Vec<RejectedMessage>,
}

/// A rejected message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"index": 2, "code": "required", "pointer": "/messageId", "detail": "must be given"}))]
pub struct RejectedMessage {
    /// Position in the request, counting from 0.
    #[schema(maximum = 5000)]
    index: usize,
    /// Code of the reason.
    #[schema(max_length = 100)]
    code: String,
    /// JSON pointer to the cause within the message.
    #[schema(max_length = 1000)]
    pointer: Option<String>,
    /// Explanation of the reason.
    #[schema(max_length = 10_000)]
    detail: String,
}

/// Record a Segment `track` message
///
/// Records a usage event. The event's type is `event` and its data is `properties`. The customer is `context.groupId`
/// or `properties.groupId`; without these, it is the customer of the person `userId`. `messageId` identifies the event,
/// so a library can safely send it again. The API key serves as the write key: send it as the user name of Basic
/// authentication or as a bearer token.
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentMessage,
    responses((status = 200, description = "The result of the message.", body = SegmentAnswer)))]
#[post("/v1/segment/track")]
pub async fn take_segment_track(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "track").await
}

/// Create or update a person from a Segment `identify` message
///
/// `userId` is the person's external reference. The name comes from `traits.name`, or from `traits.firstName` and
/// `traits.lastName`; the email address comes from `traits.email`. Fields without a trait stay unchanged. A key without the
/// scope `people:write` fills only what is empty: it creates people, but changes no name or address that is there.
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentMessage,
    responses((status = 200, description = "The result of the message.", body = SegmentAnswer)))]
#[post("/v1/segment/identify")]
pub async fn take_segment_identify(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "identify").await
}

/// Create or update a customer from a Segment `group` message
///
/// `groupId` is the customer's external reference. The name comes from `traits.name`; the segment comes from
/// `traits.segment`, `traits.plan` or `traits.industry`. Fields without a trait stay unchanged. The person `userId`, if
/// given, belongs to this customer from then on. A message that was stated before what is known already only fills what is empty. A key without the scopes `customers:write` and `people:write` fills only
/// what is empty: it creates customers and people, but renames and moves none that are there.
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentMessage,
    responses((status = 200, description = "The result of the message.", body = SegmentAnswer)))]
#[post("/v1/segment/group")]
pub async fn take_segment_group(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "group").await
}

/// Record a Segment `page` message
///
/// Records a usage event of the type `page`, with `properties`, `name` and `category` as its data.
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentMessage,
    responses((status = 200, description = "The result of the message.", body = SegmentAnswer)))]
#[post("/v1/segment/page")]
pub async fn take_segment_page(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "page").await
}

/// Record a batch of Segment messages
///
/// Processes customers and people first, then events. Each message is validated on its own: an invalid message, even one that is no JSON,
/// does not block the others. Because libraries do not read the response, what is rejected is kept, at most 200 of a request
/// (`GET /v1/events/rejected`).
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentBatch,
    responses((status = 200, description = "The results of the messages.", body = SegmentAnswer)))]
#[post("/v1/segment/batch")]
pub async fn take_segment_batch(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "batch").await
}

/// Declares an endpoint under the path that some library has built in.
macro_rules! built_in {
    ($name:ident, $path:tt, $call:tt, $body:ty, $summary:tt, $description:tt) => {
        #[doc = $summary]
        #[doc = ""]
        #[doc = $description]
        #[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = $body,
            responses((status = 200, description = "The results of the messages.", body = SegmentAnswer)))]
        #[post($path)]
        pub async fn $name(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
            take(&request, &cx, payload, $call).await
        }
    };
}

built_in!(
    take_segment_t,
    "/v1/segment/t",
    "track",
    SegmentMessage,
    "Record a Segment `track` message (browser path)",
    "Behaves like `/v1/segment/track`. Browser libraries have this path built in."
);
built_in!(
    take_segment_i,
    "/v1/segment/i",
    "identify",
    SegmentMessage,
    "Create or update a person from a Segment `identify` message (browser path)",
    "Behaves like `/v1/segment/identify`. Browser libraries have this path built in."
);
built_in!(
    take_segment_g,
    "/v1/segment/g",
    "group",
    SegmentMessage,
    "Create or update a customer from a Segment `group` message (browser path)",
    "Behaves like `/v1/segment/group`. Browser libraries have this path built in."
);
built_in!(
    take_segment_p,
    "/v1/segment/p",
    "page",
    SegmentMessage,
    "Record a Segment `page` message (browser path)",
    "Behaves like `/v1/segment/page`. Browser libraries have this path built in."
);
built_in!(
    take_segment_s,
    "/v1/segment/s",
    "screen",
    SegmentMessage,
    "Record a Segment `screen` message (mobile path)",
    "Behaves like `/v1/segment/page`, but the type is `screen`. Mobile libraries have this path built in."
);
built_in!(
    take_segment_a,
    "/v1/segment/a",
    "alias",
    SegmentMessage,
    "Take a Segment `alias` message (browser path)",
    "Has no effect, because people are told apart by `userId`. Browser libraries have this path built in."
);
built_in!(
    take_segment_b,
    "/v1/segment/b",
    "batch",
    SegmentBatch,
    "Record a batch of Segment messages (mobile path)",
    "Behaves like `/v1/segment/batch`. Mobile libraries have this path built in."
);
built_in!(
    take_segment_v1_batch,
    "/v1/segment/v1/batch",
    "batch",
    SegmentBatch,
    "Record a batch of Segment messages (server path)",
    "Behaves like `/v1/segment/batch`. Server libraries have this path built in."
);

/// The effects of the messages of a request.
#[derive(Default)]
struct Taken {
    events: Vec<(usize, UsageEvent)>,
    people: Vec<(PersonTraits, Option<ExternalRef>)>,
    customers: Vec<CustomerTraits>,
    ignored: usize,
    rejected: Vec<RejectedMessage>,
}

async fn take(request: &HttpRequest, cx: &Context, payload: Payload, call: &'static str) -> Result<Answer, ApiError> {
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

impl From<RejectedMessage> for FieldError {
    fn from(message: RejectedMessage) -> Self {
        let RejectedMessage { code, pointer, detail, .. } = message;
        Self { pointer, parameter: None, code, detail }
    }
}

impl RejectedMessage {
    fn of(index: usize, error: FieldError) -> Self {
        Self { index, code: error.code, pointer: error.pointer, detail: error.detail }
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
    let (indexes, mut events): (Vec<usize>, Vec<UsageEvent>) = events.into_iter().unzip();
    find_customers(cx, &mut events).await?;
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

/// Sets the customer of events that name none to the customer of their person.
async fn find_customers(cx: &Context, events: &mut [UsageEvent]) -> Result<(), ApiError> {
    let mut known: HashMap<String, Option<String>> = HashMap::new();
    let mut conn = cx.read().await?;
    for event in events.iter_mut().filter(|event| event.subject.is_none()) {
        let Some(person) = event.person.clone() else { continue };
        if !known.contains_key(&person) {
            let found = people::find_by_ref(&mut conn, cx.organization_id(), &person).await?;
            let customer = match found.and_then(|found| found.customer_id) {
                Some(id) => customers::find(&mut conn, cx.organization_id(), id).await?,
                None => None,
            };
            known.insert(person.clone(), customer.and_then(|customer| customer.content.external_ref.map(String::from)));
        }
        event.subject = known.get(&person).cloned().flatten();
    }
    Ok(())
}

/// What a message may do that was stated at a time: one that is older than what is known only fills what is empty, so the order of arrival does
/// not matter.
async fn settle_order(
    unit: &mut Unit,
    said: Said,
    reference: &ExternalRef,
    stated_at: DateTime<Utc>,
    reach: Reach,
) -> Result<Reach, ApiError> {
    let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
    let is_newest = segment_marks::advance(conn, organization_id, said, reference.as_str(), stated_at).await?;
    Ok(if is_newest { reach } else { Reach::Fill })
}

async fn put_customer(unit: &mut Unit, traits: &CustomerTraits, reach: Reach) -> Result<(), ApiError> {
    let reference = &traits.external_ref;
    let reach = settle_order(unit, Said::Customer, reference, traits.stated_at, reach).await?;
    let known = resource::find_by_ref::<CustomerContent>(unit, reference).await?;
    let mut content = match &known {
        Some(known) => known.content.clone(),
        None => CustomerContent::named(unnamed(reference)?),
    };
    content.name = reach.settle_name(content.name, traits.name.clone(), reference);
    content.segment = reach.settle(content.segment, traits.segment.clone());
    resource::put(unit, known, reference, content).await?;
    Ok(())
}

async fn put_person(
    unit: &mut Unit,
    traits: &PersonTraits,
    customer: Option<&ExternalRef>,
    reach: Reach,
) -> Result<(), ApiError> {
    let reference = &traits.external_ref;
    let said = if customer.is_some() { Said::Membership } else { Said::Person };
    let reach = settle_order(unit, said, reference, traits.stated_at, reach).await?;
    let known = resource::find_by_ref::<PersonContent>(unit, reference).await?;
    let mut content = match &known {
        Some(known) => known.content.clone(),
        None => PersonContent::named(unnamed(reference)?, PersonKind::Participant),
    };
    content.name = reach.settle_name(content.name, traits.name.clone(), reference);
    content.email = reach.settle(content.email, traits.email.clone());
    if let Some(customer) = customer.filter(|_| reach == Reach::Change || content.customer_id.is_none()) {
        let found = resource::find_by_ref::<CustomerContent>(unit, customer).await?;
        if let Some(found) = found {
            (content.customer_id, content.customer_ref) = (Some(found.id), found.content.external_ref);
        }
    }
    resource::put(unit, known, reference, content).await?;
    Ok(())
}

/// The name of something of which only the reference is known.
fn unnamed(reference: &ExternalRef) -> Result<Name, ApiError> {
    Name::parse(reference.as_str()).map_err(ApiError::internal)
}
