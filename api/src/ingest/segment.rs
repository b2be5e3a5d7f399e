//! Messages from Segment's client libraries, and their meaning in this service.
//!
//! | message | becomes |
//! |---|---|
//! | `track` | an event of the type `event`, with `properties` as its data |
//! | `page`, `screen` | an event of the type `page` or `screen`, with `name` and `properties` as its data |
//! | `identify` | the person `userId`, created or changed by its traits |
//! | `group` | the customer `groupId`, created or changed by its traits; the person `userId` belongs to it from then on |
//! | `alias` | nothing |
//!
//! `messageId` identifies an event within its source: `segment` with the API client that sent it. The person is `userId`, or else
//! `anonymousId`. The customer is `context.groupId` or `properties.groupId`, or else the customer that the person belongs to.
//!
//! The clock of a device may be wrong. As Segment specifies, the time of an event is when it was received, less what the device's clock
//! says has passed between the event and its sending: `receivedAt − (sentAt − timestamp)`.

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use milepost_domain::rule::Rule as _;
use milepost_domain::usage::event::UsageEvent;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Email, ExternalRef, Label, Name};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::event::{Form, read_event};
use crate::error::FieldError;
use crate::store::author::{Author, AuthorKind};

/// Returns the source of the events that an author sends through Segment's libraries: each API client has its own.
pub fn source_of(author: &Author) -> String {
    match author.kind {
        AuthorKind::ApiClient => format!("segment/{}", author.id),
        AuthorKind::Person | AuthorKind::User | AuthorKind::ShareLink | AuthorKind::System => "segment".to_owned(),
    }
}

/// Circumstances of a message, beside the message itself.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// Type of a message that does not state one.
    pub call: &'a str,
    /// Source of its event.
    pub source: &'a str,
    /// Time of sending by the clock of the sender, if the batch states it.
    pub sent_at: Option<DateTime<Utc>>,
    /// Time of receipt.
    pub received_at: DateTime<Utc>,
}

/// A message from one of Segment's libraries.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Message {
    #[serde(rename = "type")]
    kind: Option<String>,
    message_id: Option<String>,
    user_id: Option<Value>,
    anonymous_id: Option<Value>,
    group_id: Option<Value>,
    event: Option<String>,
    name: Option<String>,
    category: Option<String>,
    timestamp: Option<String>,
    original_timestamp: Option<String>,
    sent_at: Option<String>,
    #[serde(deserialize_with = "fields")]
    properties: Map<String, Value>,
    #[serde(deserialize_with = "fields")]
    traits: Map<String, Value>,
    #[serde(deserialize_with = "fields")]
    context: Map<String, Value>,
}

/// Reads fields. Null and an empty list, which PHP writes for no fields, are none.
fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(Map::new()),
        Value::Array(items) if items.is_empty() => Ok(Map::new()),
        _ => Err(D::Error::custom("properties, traits and context must be objects")),
    }
}

/// Reads an instant of the calendar, if it is one.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()).filter(is_of_calendar)
}

/// Whether an instant lies in the years that are written with four digits.
fn is_of_calendar(at: &DateTime<Utc>) -> bool {
    (1..=9999).contains(&at.year())
}

/// Meaning of a message.
#[derive(Debug)]
pub enum Meaning {
    /// Usage event. If it names no customer, it belongs to the customer of its person.
    Event(Box<UsageEvent>),
    /// Person to create or update.
    Person(PersonTraits),
    /// Customer to create or update, with the person who belongs to it.
    Customer(CustomerTraits, Option<PersonTraits>),
    /// No effect.
    Nothing,
}

/// Traits of a person. Fields without a trait stay unchanged.
#[derive(Debug, Clone)]
pub struct PersonTraits {
    /// Time at which they were stated.
    pub stated_at: DateTime<Utc>,
    /// External reference.
    pub external_ref: ExternalRef,
    /// Name.
    pub name: Option<Name>,
    /// Email address.
    pub email: Option<Email>,
}

/// Traits of a customer. Fields without a trait stay unchanged.
#[derive(Debug, Clone)]
pub struct CustomerTraits {
    /// Time at which they were stated.
    pub stated_at: DateTime<Utc>,
    /// External reference.
    pub external_ref: ExternalRef,
    /// Name.
    pub name: Option<Name>,
    /// Segment, from the trait `segment`, `plan` or `industry`.
    pub segment: Option<Label>,
}

impl Message {
    /// Returns the meaning of the message.
    pub fn meaning(self, envelope: &Envelope<'_>) -> Result<Meaning, Vec<FieldError>> {
        let kind = self.kind.clone().unwrap_or_else(|| envelope.call.to_owned());
        let stated_at = self.stated_at(envelope);
        match kind.as_str() {
            "track" => {
                let event = self.event.clone();
                self.event(event, envelope)
            }
            "page" | "screen" => self.event(Some(kind), envelope),
            "identify" => {
                // RudderStack's libraries put the traits into the context.
                let person = Self { traits: self.person_traits(), ..self }.person(stated_at)?;
                Ok(Meaning::Person(person.ok_or_else(|| required("/userId"))?))
            }
            "group" => {
                let external_ref =
                    reference(self.group_id.as_ref(), "/groupId")?.ok_or_else(|| required("/groupId"))?;
                let segment = ["segment", "plan", "industry"].iter().find_map(|name| self.text(name));
                let customer = CustomerTraits {
                    stated_at,
                    external_ref,
                    name: self.text("name").and_then(|text| Name::parse(text).ok()),
                    segment: segment.and_then(|text| Label::parse(text).ok()),
                };
                // The traits belong to the group, not to the person.
                let person = Self { traits: Map::new(), ..self }.person(stated_at)?;
                Ok(Meaning::Customer(customer, person))
            }
            "alias" => Ok(Meaning::Nothing),
            other => {
                let detail = format!("must be track, page, screen, identify, group or alias, not '{other}'");
                Err(vec![FieldError::in_body("/type", "not_an_option", detail)])
            }
        }
    }

    fn event(self, kind: Option<String>, envelope: &Envelope<'_>) -> Result<Meaning, Vec<FieldError>> {
        let kind = kind.ok_or_else(|| required("/event"))?;
        let group_id = self.context.get("groupId").or_else(|| self.properties.get("groupId"));
        let subject = reference(group_id, "/context/groupId")?;
        let person = reference(self.user_id.as_ref(), "/userId")?;
        let is_for_customer = subject.is_none() && person.is_some();
        let person = person.or(reference(self.anonymous_id.as_ref(), "/anonymousId")?);
        let mut data = self.properties;
        for (field, value) in [("name", self.name), ("category", self.category)] {
            if let Some(value) = value {
                data.insert(field.to_owned(), value.into());
            }
        }
        let sent_at = self.sent_at.as_deref().and_then(instant).or(envelope.sent_at);
        let mut event = json!({ "source": envelope.source, "type": kind, "data": data });
        let optional = [
            ("id", self.message_id),
            ("time", self.original_timestamp.or(self.timestamp)),
            ("subject", subject.map(String::from)),
            ("person", person.map(String::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                event[name] = value.into();
            }
        }
        let has_time = event.get("time").is_some();
        let mut read = read_event(&event, Form::Plain, envelope.received_at).map_err(|errors| {
            let named = |error: FieldError| FieldError { pointer: error.pointer.map(|at| as_sent(&at)), ..error };
            errors.into_iter().map(named).collect::<Vec<_>>()
        })?;
        // The hash of the payload has the time as it was sent, so a message that is sent again is the same.
        if let Some(sent_at) = sent_at.filter(|_| has_time) {
            read.occurred_at = corrected(read.occurred_at, sent_at, envelope.received_at);
        }
        read.is_for_customer = is_for_customer;
        Ok(Meaning::Event(Box::new(read)))
    }

    fn person(&self, stated_at: DateTime<Utc>) -> Result<Option<PersonTraits>, Vec<FieldError>> {
        let Some(external_ref) = reference(self.user_id.as_ref(), "/userId")? else { return Ok(None) };
        let parts = [self.text("firstName"), self.text("lastName")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let email = self.text("email").and_then(|text| Email::parse(text).ok());
        let name = self.text("name").map(str::to_owned).or_else(|| (!parts.is_empty()).then_some(parts));
        let name = name.or_else(|| email.as_ref().map(ToString::to_string)).and_then(|text| Name::parse(&text).ok());
        Ok(Some(PersonTraits { stated_at, external_ref, name, email }))
    }

    /// The time of the message by our clock: that of its receipt if it states none. Nothing is stated later than it is received.
    fn stated_at(&self, envelope: &Envelope<'_>) -> DateTime<Utc> {
        let stated = self.original_timestamp.as_deref().or(self.timestamp.as_deref()).and_then(instant);
        let sent_at = self.sent_at.as_deref().and_then(instant).or(envelope.sent_at);
        let ours = match (stated, sent_at) {
            (Some(stated), Some(sent_at)) => corrected(stated, sent_at, envelope.received_at),
            (Some(stated), None) => stated,
            (None, _) => envelope.received_at,
        };
        ours.min(envelope.received_at)
    }

    /// The traits of the person, wherever they stand.
    fn person_traits(&self) -> Map<String, Value> {
        match self.context.get("traits").and_then(Value::as_object) {
            Some(traits) if self.traits.is_empty() => traits.clone(),
            Some(_) | None => self.traits.clone(),
        }
    }

    /// A trait that is a non-blank string.
    fn text(&self, name: &str) -> Option<&str> {
        self.traits.get(name)?.as_str().filter(|text| !text.trim().is_empty())
    }
}

/// Returns the time of an event by our clock, from the times of the event and of its sending by the clock of the sender; as stated, if
/// the two make no sense together.
fn corrected(stated_at: DateTime<Utc>, sent_at: DateTime<Utc>, received_at: DateTime<Utc>) -> DateTime<Utc> {
    let ours = received_at.checked_sub_signed(sent_at - stated_at).map(|at| at.trunc_subsecs(6));
    ours.filter(|at| is_of_calendar(at) && *at <= received_at).unwrap_or(stated_at)
}

/// Reads an external reference, which may be written as a number.
fn reference(value: Option<&Value>, at: &str) -> Result<Option<ExternalRef>, Vec<FieldError>> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(vec![FieldError::in_body(at, "wrong_type", "must be a string or a number")]),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let refused = |rule: ValueRule| vec![FieldError::in_body(at, rule.code(), rule.to_string())];
    ExternalRef::parse(&text).map(Some).map_err(refused)
}

fn required(at: &str) -> Vec<FieldError> {
    vec![FieldError::in_body(at, "required", "must be given")]
}

/// The name in the message of an event's attribute.
fn as_sent(pointer: &str) -> String {
    match pointer {
        "/id" => "/messageId".to_owned(),
        "/time" => "/timestamp".to_owned(),
        "/type" => "/event".to_owned(),
        "/subject" => "/context/groupId".to_owned(),
        "/person" => "/userId".to_owned(),
        other => other.replacen("/data", "/properties", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(message: Value) -> Result<Meaning, Vec<FieldError>> {
        sent(message, None)
    }

    /// Received at noon on 4 May 2026.
    fn sent(message: Value, sent_at: Option<&str>) -> Result<Meaning, Vec<FieldError>> {
        let message: Message = serde_json::from_value(message).expect("a message");
        let received_at = DateTime::from_timestamp(1_777_896_000, 0).expect("an instant");
        message.meaning(&Envelope {
            call: "track",
            source: "segment/web",
            sent_at: sent_at.and_then(instant),
            received_at,
        })
    }

    #[test]
    fn a_wrong_clock_is_corrected() {
        let track =
            |id: &str| json!({ "messageId": id, "userId": "u", "event": "E", "timestamp": "2031-01-01T10:00:00Z" });
        let event = |message: Value, sent_at: Option<&str>| match sent(message, sent_at) {
            Ok(Meaning::Event(event)) => *event,
            other => panic!("an event, not {other:?}"),
        };
        let at = |event: &UsageEvent| event.occurred_at.to_rfc3339();
        let corrected = event(track("1"), Some("2031-01-01T10:05:00Z"));
        assert_eq!(at(&corrected), "2026-05-04T11:55:00+00:00", "five minutes before it was sent");
        let again = event(track("1"), Some("2031-01-01T10:09:00Z"));
        assert_eq!(again.payload_hash, corrected.payload_hash, "sent again, it is the same");
        assert_eq!(at(&event(track("1"), None)), "2031-01-01T10:00:00+00:00");
        let mut absurd = track("4");
        absurd["timestamp"] = json!("0001-01-01T00:00:00Z");
        assert_eq!(at(&event(absurd, Some("9999-12-31T23:59:59Z"))), "0001-01-01T00:00:00+00:00", "as stated");
        assert_eq!(
            at(&event(track("5"), Some("2030-12-31T10:00:00Z"))),
            "2031-01-01T10:00:00+00:00",
            "sent before it happened"
        );
        let mut own = track("2");
        own["sentAt"] = json!("2031-01-01T10:01:00Z");
        assert_eq!(at(&event(own, None)), "2026-05-04T11:59:00+00:00");
        let mut timeless = track("3");
        timeless["timestamp"] = Value::Null;
        assert_eq!(at(&event(timeless, Some("2031-01-01T10:05:00Z"))), "2026-05-04T12:00:00+00:00");
    }

    #[test]
    fn nothing_is_written_in_several_ways() {
        for nothing in [json!(null), json!([]), json!({})] {
            let message = json!({
                "messageId": "m", "userId": "u", "event": "E",
                "properties": nothing, "context": nothing, "traits": nothing,
            });
            let Ok(Meaning::Event(event)) = meaning(message) else { panic!("an event") };
            assert_eq!(event.data.as_deref(), Some("{}"));
        }
        assert!(serde_json::from_value::<Message>(json!({ "properties": [1] })).is_err());
        let page = json!({ "type": "page", "messageId": "m", "userId": "u", "name": "Home", "category": "Docs" });
        let Ok(Meaning::Event(event)) = meaning(page) else { panic!("an event") };
        assert_eq!(event.data.as_deref(), Some(r#"{"category":"Docs","name":"Home"}"#));
    }

    #[test]
    fn a_track_is_an_event() {
        let message = json!({
            "type": "track", "messageId": "m1", "userId": 17, "event": "Report Exported", "properties": { "rows": 3 },
            "context": { "groupId": "crm-4711" }, "timestamp": "2026-05-04T09:00:00Z"
        });
        let Ok(Meaning::Event(event)) = meaning(message) else { panic!("an event") };
        assert_eq!(
            (event.id.as_str(), event.source.as_str(), event.kind.as_str()),
            ("m1", "segment/web", "Report Exported")
        );
        assert_eq!((event.subject.as_deref(), event.person.as_deref()), (Some("crm-4711"), Some("17")));
        assert_eq!(event.data.as_deref(), Some("{\"rows\":3}"));
        let wrong = meaning(json!({ "event": "E", "userId": "u" })).expect_err("no id");
        assert_eq!(wrong[0].pointer.as_deref(), Some("/messageId"));
        assert_eq!(meaning(json!({ "messageId": "m" })).expect_err("no event")[0].pointer.as_deref(), Some("/event"));
    }

    #[test]
    fn identify_and_group_are_people_and_customers() {
        let identify = json!({ "type": "identify", "userId": "u", "traits": { "firstName": "Ana", "lastName": "Petrova", "email": "ana@example.com" } });
        let Ok(Meaning::Person(person)) = meaning(identify) else { panic!("a person") };
        assert_eq!(person.name.map(String::from).as_deref(), Some("Ana Petrova"));
        let within = json!({ "type": "identify", "userId": "u", "context": { "traits": { "name": "Ana" } } });
        let Ok(Meaning::Person(person)) = meaning(within) else { panic!("a person") };
        assert_eq!(person.name.map(String::from).as_deref(), Some("Ana"));
        let group =
            json!({ "type": "group", "groupId": "g", "userId": "u", "traits": { "name": "Northwind", "plan": "pro" } });
        let Ok(Meaning::Customer(customer, Some(person))) = meaning(group) else { panic!("a customer") };
        assert_eq!((customer.name.map(String::from).as_deref(), person.name), (Some("Northwind"), None));
        assert!(matches!(meaning(json!({ "type": "alias" })), Ok(Meaning::Nothing)));
        assert!(meaning(json!({ "type": "delete" })).is_err() && meaning(json!({ "type": "identify" })).is_err());
    }
}
