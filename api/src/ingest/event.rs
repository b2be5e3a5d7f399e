//! One usage event: a CloudEvent (CloudEvents 1.0.2) whose subject is a customer.

use aws_lc_rs::digest;
use chrono::{DateTime, Datelike, SubsecRound, Utc};
use milepost_domain::Rule as _;
use milepost_domain::usage::event::{Hash, UsageEvent};
use milepost_domain::values::text::{ExternalRef, Name};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::FieldError;

/// Attributes that CloudEvents defines.
const STANDARD: [&str; 10] =
    ["specversion", "id", "source", "type", "subject", "time", "data", "data_base64", "datacontenttype", "dataschema"];

/// Reader of one event's attributes. It collects all errors.
struct Reader<'a> {
    fields: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

/// Form in which an event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a CloudEvent, by a media type or by headers that say so.
    CloudEvent,
    /// As a plain object, which need not state that it is a CloudEvent.
    Plain,
}

/// Reads an event from its JSON form. Its time is when it was received if it has none.
pub fn read_event(value: &Value, form: Form, received_at: DateTime<Utc>) -> Result<UsageEvent, Vec<FieldError>> {
    let Value::Object(fields) = value else {
        return Err(vec![FieldError::in_body("", "wrong_type", "must be a JSON object: one CloudEvent")]);
    };
    let mut reader = Reader { fields, errors: vec![] };
    match fields.get("specversion").filter(|version| !version.is_null()) {
        Some(version) if version != "1.0" => reader.refuse("/specversion", "not_an_option", "must be \"1.0\""),
        None if form == Form::CloudEvent => reader.refuse("/specversion", "required", "must be given"),
        Some(_) | None => {}
    }
    let id = reader.required("id");
    let source = reader.required("source");
    let kind = reader.required("type");
    let subject = reader.reference("subject", fields.get("subject"));
    let in_data = fields.get("data").and_then(|data| data.get("person"));
    let person = match fields.get("person") {
        Some(person) => reader.reference("person", Some(person)),
        None => reader.reference("data/person", in_data.filter(|person| person.is_string())),
    };
    if subject.is_none() && person.is_none() && reader.errors.is_empty() {
        reader.refuse("/subject", "required", "must name a customer, or data.person a person");
    }
    let occurred_at = reader.time(received_at);
    let data = reader.data();
    let extensions = reader.extensions();
    let payload = Payload { data: data.as_ref().map(canonical), extensions: extensions.as_ref().map(as_texts) };
    let data = data.map(|data| data.to_string());
    let extensions = extensions.map(|extensions| Value::Object(extensions).to_string());
    let Reader { errors, .. } = reader;
    let (Some(id), Some(source), Some(kind), Some(occurred_at), true) =
        (id, source, kind, occurred_at, errors.is_empty())
    else {
        return Err(errors);
    };
    let mut event = UsageEvent {
        id,
        source,
        kind,
        subject,
        person,
        occurred_at,
        data,
        extensions,
        payload_hash: Hash::default(),
        is_for_customer: false,
    };
    let has_time = fields.get("time").is_some_and(|time| !time.is_null());
    event.payload_hash = hash_payload(&event, &payload, has_time);
    Ok(event)
}

/// Parts of an event's payload that make it another event, however they are written.
struct Payload {
    data: Option<String>,
    extensions: Option<String>,
}

/// The text of a value in which equal numbers are equal: 1.0 is 1. Fields are in order already.
fn canonical(value: &Value) -> String {
    /// Integers up to here are exact in floating point.
    const MOST: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and small enough")]
    fn with_integers(value: &Value) -> Value {
        match value {
            Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                Some(real) if real.fract() == 0.0 && real.abs() <= MOST => Value::from(real as i64),
                Some(_) | None => value.clone(),
            },
            Value::Array(items) => items.iter().map(with_integers).collect(),
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(name, value)| (name.clone(), with_integers(value))).collect())
            }
            Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
        }
    }
    with_integers(value).to_string()
}

/// The text of extensions in which each value is its text, because that is all that headers can say (CloudEvents 1.0.2, HTTP
/// binding, 3.1.3.2).
fn as_texts(extensions: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| canonical(value), str::to_owned);
    let texts: Map<String, Value> =
        extensions.iter().map(|(name, value)| (name.clone(), Value::from(text(value)))).collect();
    Value::Object(texts).to_string()
}

/// Hash that distinguishes it from every other event of its organization.
pub fn identity(event: &UsageEvent, organization_id: Uuid) -> Hash {
    hash(&[organization_id.as_bytes(), event.source.as_bytes(), event.id.as_bytes()])
}

/// Hash of its content. A time that was not given is not part of it: sent again, it would be another.
fn hash_payload(event: &UsageEvent, payload: &Payload, has_time: bool) -> Hash {
    let time = if has_time { event.occurred_at.to_rfc3339() } else { String::new() };
    let optional = |text: &Option<String>| text.clone().map_or_else(|| "-".to_owned(), |text| format!("+{text}"));
    let (subject, person) = (optional(&event.subject), optional(&event.person));
    let (data, extensions) = (optional(&payload.data), optional(&payload.extensions));
    hash(&[
        event.kind.as_bytes(),
        time.as_bytes(),
        subject.as_bytes(),
        person.as_bytes(),
        data.as_bytes(),
        extensions.as_bytes(),
    ])
}

/// A hash over several parts, each with its length, so that the parts do not run into each other.
fn hash(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    let mut short = Hash::default();
    short.copy_from_slice(&context.finish().as_ref()[..16]);
    short
}

impl Reader<'_> {
    fn refuse(&mut self, pointer: &str, code: &str, detail: &str) {
        self.errors.push(FieldError::in_body(pointer, code, detail));
    }

    fn required(&mut self, name: &str) -> Option<String> {
        let pointer = format!("/{name}");
        match self.fields.get(name) {
            None | Some(Value::Null) => {
                self.refuse(&pointer, "required", "must be given");
                None
            }
            Some(Value::String(text)) => match Name::parse(text) {
                Ok(_) if text.trim() == text => Some(text.clone()),
                Ok(_) => {
                    self.refuse(&pointer, "wrong_format", "must not begin or end with white space");
                    None
                }
                Err(rule) => {
                    self.refuse(&pointer, rule.code(), &rule.to_string());
                    None
                }
            },
            Some(_) => {
                self.refuse(&pointer, "wrong_type", "must be of type string");
                None
            }
        }
    }

    fn reference(&mut self, name: &str, value: Option<&Value>) -> Option<String> {
        let pointer = format!("/{name}");
        match value {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => match ExternalRef::parse(text) {
                Ok(reference) => Some(reference.into()),
                Err(rule) => {
                    self.refuse(&pointer, rule.code(), &rule.to_string());
                    None
                }
            },
            Some(_) => {
                self.refuse(&pointer, "wrong_type", "must be of type string");
                None
            }
        }
    }

    fn time(&mut self, received_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let value = match self.fields.get("time") {
            None | Some(Value::Null) => return Some(received_at),
            Some(value) => value,
        };
        let text = value.as_str().unwrap_or_default();
        let instant = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc().trunc_subsecs(6));
        let instant = instant.filter(|at| (1..=9999).contains(&at.year()));
        if instant.is_none() {
            self.refuse(
                "/time",
                "wrong_format",
                "must be an instant with its zone (RFC 3339), such as 2026-03-31T12:00:00Z",
            );
        }
        instant
    }

    /// The payload, with its fields in order; binary data stays base64 text.
    fn data(&mut self) -> Option<Value> {
        let data = match (self.fields.get("data"), self.fields.get("data_base64")) {
            (None | Some(Value::Null), None | Some(Value::Null)) => return None,
            (Some(data), None | Some(Value::Null)) => data.clone(),
            (None | Some(Value::Null), Some(Value::String(encoded))) => {
                serde_json::json!({ "data_base64": encoded })
            }
            (None | Some(Value::Null), Some(_)) => {
                self.refuse("/data_base64", "wrong_type", "must be of type string");
                return None;
            }
            (Some(_), Some(_)) => {
                self.refuse("/data_base64", "ambiguous", "must not be given together with data");
                return None;
            }
        };
        self.without_nul("/data", data)
    }

    fn extensions(&mut self) -> Option<Map<String, Value>> {
        let others = self.fields.iter().filter(|(name, _)| !STANDARD.contains(&name.as_str()) && *name != "person");
        let mut kept = Map::new();
        let mut misnamed = vec![];
        for (name, value) in others {
            // CloudEvents 1.0.2, 3.1: lower-case letters and digits, and no structures.
            if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) || name.is_empty() {
                misnamed.push((
                    name.clone(),
                    "unknown_field",
                    "is not a valid attribute name: use lower-case letters and digits only",
                ));
            } else if value.is_object() || value.is_array() {
                misnamed.push((
                    name.clone(),
                    "wrong_type",
                    "must be a string, a number or a boolean; structured values belong in data",
                ));
            } else if !value.is_null() {
                kept.insert(name.clone(), value.clone());
            }
        }
        for (name, code, detail) in misnamed {
            self.refuse(&format!("/{}", name.replace('~', "~0").replace('/', "~1")), code, detail);
        }
        let kept = self.without_nul("", (!kept.is_empty()).then_some(Value::Object(kept))?)?;
        if let Value::Object(kept) = kept { Some(kept) } else { None }
    }

    /// Refuses NUL characters, because not every database can store them.
    fn without_nul(&mut self, pointer: &str, value: Value) -> Option<Value> {
        if has_nul(&value) {
            self.refuse(pointer, "control_character", "must not contain NUL");
            return None;
        }
        Some(value)
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_777_896_000, 0).expect("an instant")
    }

    fn event() -> Value {
        json!({ "specversion": "1.0", "id": "1", "source": "app", "type": "login", "subject": "crm-1", "time": "2026-05-04T10:00:00Z",
                "data": { "b": 1, "a": 2 } })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut event = event();
        event[name] = value;
        event
    }

    #[test]
    fn an_event_is_read_whole() {
        let read = read_event(&event(), Form::Plain, now()).expect("an event");
        assert_eq!((read.subject.as_deref(), read.data.as_deref()), (Some("crm-1"), Some("{\"a\":2,\"b\":1}")));
        let mut reordered = event();
        reordered["data"] = json!({ "a": 2, "b": 1 });
        assert_eq!(read_event(&reordered, Form::Plain, now()).expect("an event").payload_hash, read.payload_hash);
        let zoned = with("time", json!("2026-05-04T12:00:00+02:00"));
        assert_eq!(read_event(&zoned, Form::Plain, now()).expect("an event"), read, "the same instant");
        for (name, value) in [
            ("data", json!({ "a": 3 })),
            ("type", json!("logout")),
            ("subject", json!("crm-2")),
            ("region", json!("eu")),
        ] {
            let other = read_event(&with(name, value), Form::Plain, now()).expect("an event");
            assert_ne!(other.payload_hash, read.payload_hash, "{name}");
            assert_eq!(identity(&other, Uuid::nil()), identity(&read, Uuid::nil()));
        }
    }

    #[test]
    fn an_event_without_a_time_is_the_same_when_it_is_sent_again() {
        let timeless = with("time", Value::Null);
        let first = read_event(&timeless, Form::Plain, now()).expect("an event");
        let mut again = timeless.clone();
        again.as_object_mut().expect("an object").remove("time");
        let later = read_event(&again, Form::Plain, now() + chrono::Duration::hours(1)).expect("an event");
        assert_ne!(first.occurred_at, later.occurred_at);
        let resent = read_event(&again, Form::Plain, now()).expect("an event");
        assert_eq!(later.payload_hash, resent.payload_hash);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value, code) in [
            ("id", json!(""), "blank"),
            ("id", json!(7), "wrong_type"),
            ("id", Value::Null, "required"),
            ("source", json!("a\u{0}b"), "control_character"),
            ("specversion", json!("0.3"), "not_an_option"),
            ("time", json!("2026-05-04T10:00:00"), "wrong_format"),
            ("time", json!(5), "wrong_format"),
            ("subject", json!(["a"]), "wrong_type"),
            ("data", json!("a\u{0}"), "control_character"),
            ("data_base64", json!("AAAA"), "ambiguous"),
            ("Region", json!("eu"), "unknown_field"),
            ("region", json!({}), "wrong_type"),
        ] {
            let errors = read_event(&with(name, value.clone()), Form::Plain, now()).expect_err("a mistake");
            assert_eq!(errors.iter().map(|error| error.code.as_str()).collect::<Vec<_>>(), [code], "{name} {value}");
        }
        let nobody = read_event(&with("subject", Value::Null), Form::Plain, now()).expect_err("nobody");
        assert_eq!(nobody[0].code, "required");
        assert!(read_event(&json!(5), Form::Plain, now()).is_err());
    }

    #[test]
    fn equal_payloads_are_one_however_they_are_written() {
        let hash = |name: &str, value: Value| {
            read_event(&with(name, value), Form::Plain, now()).expect("an event").payload_hash
        };
        assert_eq!(hash("data", json!({ "n": [1, { "m": 2 }] })), hash("data", json!({ "n": [1.0, { "m": 2.0 }] })));
        assert_ne!(hash("data", json!({ "n": 1 })), hash("data", json!({ "n": "1" })));
        let (big, next) = (9_007_199_254_740_992_u64, 9_007_199_254_740_993_u64);
        assert_ne!(hash("data", json!(big)), hash("data", json!(next)), "identifiers keep their digits");
        assert_eq!(hash("shard", json!(5)), hash("shard", json!("5")), "headers know texts only");
        assert_eq!(
            hash("shard", Value::Null),
            read_event(&event(), Form::Plain, now()).expect("an event").payload_hash
        );
    }

    #[test]
    fn nul_is_a_character_and_not_six() {
        let written = |text: &str| read_event(&with("data", json!(text)), Form::Plain, now());
        assert!(written("\\u0000").is_ok(), "a backslash, a u and four zeros");
        assert_eq!(written("\0").expect_err("NUL")[0].code, "control_character");
        assert!(read_event(&with("data", json!({ "a\0": 1 })), Form::Plain, now()).is_err());
    }

    #[test]
    fn a_cloud_event_says_so() {
        let mut silent = event();
        silent.as_object_mut().expect("an object").remove("specversion");
        assert!(read_event(&silent, Form::Plain, now()).is_ok());
        let refused = read_event(&silent, Form::CloudEvent, now()).expect_err("no version");
        assert_eq!((refused[0].pointer.as_deref(), refused[0].code.as_str()), (Some("/specversion"), "required"));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }
}
