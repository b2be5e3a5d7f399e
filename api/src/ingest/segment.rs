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
//! `messageId` identifies an event within the source `segment`. The person is `userId`, or else `anonymousId`. The
//! customer is `context.groupId` or `properties.groupId`, or else the customer that the person belongs to.

use chrono::{DateTime, Utc};
use milepost_domain::rule::Rule as _;
use milepost_domain::usage::event::UsageEvent;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Email, ExternalRef, Label, Name};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::event::read_event;
use crate::error::FieldError;

/// Source of the events that Segment's libraries send.
pub const SOURCE: &str = "segment";

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
    timestamp: Option<String>,
    original_timestamp: Option<String>,
    properties: Map<String, Value>,
    traits: Map<String, Value>,
    context: Map<String, Value>,
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
    /// External reference.
    pub external_ref: ExternalRef,
    /// Name.
    pub name: Option<Name>,
    /// Segment, from the trait `segment`, `plan` or `industry`.
    pub segment: Option<Label>,
}

impl Message {
    /// Returns the meaning of the message. `call` is its type if the message does not state one.
    pub fn meaning(self, call: &str, received_at: DateTime<Utc>) -> Result<Meaning, Vec<FieldError>> {
        let kind = self.kind.clone().unwrap_or_else(|| call.to_owned());
        match kind.as_str() {
            "track" => {
                let event = self.event.clone();
                self.event(event, received_at)
            }
            "page" | "screen" => self.event(Some(kind), received_at),
            "identify" => Ok(Meaning::Person(self.person()?.ok_or_else(|| required("/userId"))?)),
            "group" => {
                let external_ref =
                    reference(self.group_id.as_ref(), "/groupId")?.ok_or_else(|| required("/groupId"))?;
                let segment = ["segment", "plan", "industry"].iter().find_map(|name| self.text(name));
                let customer = CustomerTraits {
                    external_ref,
                    name: self.text("name").and_then(|text| Name::parse(text).ok()),
                    segment: segment.and_then(|text| Label::parse(text).ok()),
                };
                // The traits belong to the group, not to the person.
                let person = Self { traits: Map::new(), ..self }.person()?;
                Ok(Meaning::Customer(customer, person))
            }
            "alias" => Ok(Meaning::Nothing),
            other => {
                let detail = format!("must be track, page, screen, identify, group or alias, not '{other}'");
                Err(vec![FieldError::in_body("/type", "not_an_option", detail)])
            }
        }
    }

    fn event(self, kind: Option<String>, received_at: DateTime<Utc>) -> Result<Meaning, Vec<FieldError>> {
        let kind = kind.ok_or_else(|| required("/event"))?;
        let group_id = self.context.get("groupId").or_else(|| self.properties.get("groupId"));
        let subject = reference(group_id, "/context/groupId")?;
        let person = reference(self.user_id.as_ref(), "/userId")?;
        let person = person.or(reference(self.anonymous_id.as_ref(), "/anonymousId")?);
        let mut data = self.properties;
        if let Some(name) = self.name {
            data.insert("name".to_owned(), name.into());
        }
        let mut event = json!({ "source": SOURCE, "type": kind, "data": data });
        let optional = [
            ("id", self.message_id),
            ("time", self.timestamp.or(self.original_timestamp)),
            ("subject", subject.map(String::from)),
            ("person", person.map(String::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                event[name] = value.into();
            }
        }
        read_event(&event, received_at).map(|event| Meaning::Event(Box::new(event))).map_err(|errors| {
            let named = |error: FieldError| FieldError { pointer: error.pointer.map(|at| as_sent(&at)), ..error };
            errors.into_iter().map(named).collect()
        })
    }

    fn person(&self) -> Result<Option<PersonTraits>, Vec<FieldError>> {
        let Some(external_ref) = reference(self.user_id.as_ref(), "/userId")? else { return Ok(None) };
        let parts = [self.text("firstName"), self.text("lastName")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let email = self.text("email").and_then(|text| Email::parse(text).ok());
        let name = self.text("name").map(str::to_owned).or_else(|| (!parts.is_empty()).then_some(parts));
        let name = name.or_else(|| email.as_ref().map(ToString::to_string)).and_then(|text| Name::parse(&text).ok());
        Ok(Some(PersonTraits { external_ref, name, email }))
    }

    /// A trait that is a non-blank string.
    fn text(&self, name: &str) -> Option<&str> {
        self.traits.get(name)?.as_str().filter(|text| !text.trim().is_empty())
    }
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
        let message: Message = serde_json::from_value(message).expect("a message");
        message.meaning("track", DateTime::from_timestamp(1_777_896_000, 0).expect("an instant"))
    }

    #[test]
    fn a_track_is_an_event() {
        let message = json!({
            "type": "track", "messageId": "m1", "userId": 17, "event": "Report Exported", "properties": { "rows": 3 },
            "context": { "groupId": "crm-4711" }, "timestamp": "2026-05-04T09:00:00Z"
        });
        let Ok(Meaning::Event(event)) = meaning(message) else { panic!("an event") };
        assert_eq!((event.id.as_str(), event.source.as_str(), event.kind.as_str()), ("m1", SOURCE, "Report Exported"));
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
        let group =
            json!({ "type": "group", "groupId": "g", "userId": "u", "traits": { "name": "Northwind", "plan": "pro" } });
        let Ok(Meaning::Customer(customer, Some(person))) = meaning(group) else { panic!("a customer") };
        assert_eq!((customer.name.map(String::from).as_deref(), person.name), (Some("Northwind"), None));
        assert!(matches!(meaning(json!({ "type": "alias" })), Ok(Meaning::Nothing)));
        assert!(meaning(json!({ "type": "delete" })).is_err() && meaning(json!({ "type": "identify" })).is_err());
    }
}
