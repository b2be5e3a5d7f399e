//! Supported forms of events: one CloudEvent as JSON, a batch, lines of JSON, or one event in headers and body.
//!
//! Each event is read on its own: an error in one event does not affect the others.

use std::borrow::Cow;
use std::fmt::Display;

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_TYPE, HeaderName};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use milepost_domain::usage::event::UsageEvent;
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::dead_letters::Reason;
use super::event::{Form, read_event};
use super::split::elements;
use super::{MOST_EVENT_BYTES, MOST_EVENTS};
use crate::error::{ApiError, Code, FieldError};

/// Result of reading an event.
#[derive(Debug)]
pub struct Read {
    /// Text of an event that cannot be taken.
    pub text: Vec<u8>,
    /// Form in which it came.
    pub form: Form,
    /// Identifier of the event, if it could be read.
    pub id: Option<String>,
    /// The event, or its errors.
    pub event: Result<UsageEvent, Vec<FieldError>>,
}

impl Read {
    /// The text of an event that cannot be taken, with the reason.
    pub fn refusal(&self) -> Option<(Vec<u8>, Reason)> {
        let first = self.event.as_ref().err()?.first()?;
        let reason = Reason { code: first.code.clone(), pointer: first.pointer.clone(), detail: first.detail.clone() };
        Some((self.text.clone(), reason))
    }
}

/// Reads a body in any supported form.
pub fn read(request: &HttpRequest, body: &[u8], received_at: DateTime<Utc>) -> Result<Vec<Read>, ApiError> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // Without a JSON media type of CloudEvents, one of its headers is enough to say binary mode; what lacks is then named.
    if !essence.starts_with("application/cloudevents") && request.headers().keys().any(is_attribute) {
        return Ok(vec![binary(request, &essence, body, received_at)?]);
    }
    match essence.as_str() {
        "application/cloudevents+json" => Ok(vec![one(body, Form::CloudEvent, received_at)]),
        "application/cloudevents-batch+json" => batch(body, Form::CloudEvent, received_at),
        "application/json" => {
            let is_list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
            if is_list { batch(body, Form::Plain, received_at) } else { Ok(vec![whole(body, received_at)?]) }
        }
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => lines(body, received_at),
        other => {
            let detail = format!(
                "Send application/cloudevents+json, application/cloudevents-batch+json, application/json or application/x-ndjson, not '{other}'."
            );
            Err(ApiError::new(Code::UnsupportedMediaType, detail))
        }
    }
}

fn is_attribute(name: &HeaderName) -> bool {
    ["ce-specversion", "ce-id", "ce-source", "ce-type"].contains(&name.as_str())
}

/// Reads the elements of a list, each on its own: one that is no JSON costs none of the others.
fn batch(body: &[u8], form: Form, received_at: DateTime<Utc>) -> Result<Vec<Read>, ApiError> {
    let items = elements(body, MOST_EVENTS).map_err(|error| not_json(&error))?;
    if items.len() > MOST_EVENTS {
        return Err(too_many());
    }
    Ok(items.into_iter().map(|item| one(item, form, received_at)).collect())
}

/// Reads lines, each with one event. Skips empty lines.
fn lines(body: &[u8], received_at: DateTime<Utc>) -> Result<Vec<Read>, ApiError> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let lines: Vec<&[u8]> = lines.take(MOST_EVENTS + 1).collect();
    if lines.len() > MOST_EVENTS {
        return Err(too_many());
    }
    Ok(lines.into_iter().map(|line| one(line, Form::Plain, received_at)).collect())
}

fn too_many() -> ApiError {
    ApiError::field("", "too_many_items", format!("must have at most {MOST_EVENTS} events"))
}

/// Reads a body that is one object. A body that is not JSON at all makes the whole request invalid.
fn whole(body: &[u8], received_at: DateTime<Utc>) -> Result<Read, ApiError> {
    serde_json::from_slice::<&RawValue>(body).map_err(|error| not_json(&error))?;
    Ok(one(body, Form::Plain, received_at))
}

/// Reads the text of one event.
pub fn one(text: &[u8], form: Form, received_at: DateTime<Utc>) -> Read {
    if text.len() > MOST_EVENT_BYTES {
        let detail = format!("must have at most {MOST_EVENT_BYTES} bytes, but has {}", text.len());
        let event = Err(vec![FieldError::in_body("", "too_large", detail)]);
        return Read { text: text[..MOST_EVENT_BYTES].to_vec(), form, id: None, event };
    }
    let read = match serde_json::from_slice::<Value>(text) {
        Ok(value) => of_value(&value, form, received_at),
        Err(error) => {
            let detail = format!("is not valid JSON: {error}");
            Read { text: vec![], form, id: None, event: Err(vec![FieldError::in_body("", "malformed", detail)]) }
        }
    };
    // The text is kept for what is refused only.
    if read.event.is_ok() { read } else { Read { text: text.to_vec(), ..read } }
}

fn of_value(value: &Value, form: Form, received_at: DateTime<Utc>) -> Read {
    let id = value["id"].as_str().map(|id| id.chars().take(200).collect());
    Read { text: vec![], form, id, event: read_event(value, form, received_at) }
}

/// Reads binary mode (CloudEvents 1.0.2, HTTP protocol binding, 3.1): attributes in headers, data in the body.
fn binary(request: &HttpRequest, essence: &str, body: &[u8], received_at: DateTime<Utc>) -> Result<Read, ApiError> {
    let mut fields = Map::new();
    for (name, value) in request.headers() {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else { continue };
        let decoded = value.to_str().ok().and_then(decoded).ok_or_else(|| {
            let detail = "must be ASCII, with other characters percent-encoded as UTF-8";
            ApiError::parameter(name.as_str(), "wrong_format", detail)
        })?;
        fields.insert(attribute.to_owned(), decoded.into());
    }
    if body.len() > MOST_EVENT_BYTES {
        let detail = format!("must have at most {MOST_EVENT_BYTES} bytes, but has {}", body.len());
        let (text, form) = (body[..MOST_EVENT_BYTES].to_vec(), Form::CloudEvent);
        return Ok(Read { text, form, id: None, event: Err(vec![FieldError::in_body("", "too_large", detail)]) });
    }
    let is_json = essence == "application/json" || essence.ends_with("+json");
    match serde_json::from_slice::<Value>(body) {
        _ if body.is_empty() => {}
        // Data without a media type may be anything; JSON is the likely one.
        Ok(data) if is_json || essence.is_empty() => _ = fields.insert("data".to_owned(), data),
        Err(error) if is_json => return Err(not_json(&error)),
        Ok(_) | Err(_) => match std::str::from_utf8(body) {
            Ok(text) => _ = fields.insert("data".to_owned(), text.into()),
            Err(_) => _ = fields.insert("data_base64".to_owned(), BASE64_STANDARD.encode(body).into()),
        },
    }
    let value = Value::Object(fields);
    let read = of_value(&value, Form::CloudEvent, received_at);
    if read.event.is_ok() { Ok(read) } else { Ok(Read { text: value.to_string().into_bytes(), ..read }) }
}

/// Decodes a header's value (CloudEvents 1.0.2, HTTP protocol binding, 3.1.3.2): quotes are taken off, then one round of percent-encoding.
/// `None` if the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let text = text.trim();
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let unquoted = quoted.map(|inner| {
        let mut plain = String::with_capacity(inner.len());
        let mut characters = inner.chars();
        while let Some(character) = characters.next() {
            plain.push(if character == '\\' { characters.next().unwrap_or(character) } else { character });
        }
        plain
    });
    let text = unquoted.as_deref().unwrap_or(text);
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

fn not_json(error: &dyn Display) -> ApiError {
    ApiError::new(Code::MalformedBody, format!("The body is not valid JSON: {error}."))
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn headers_are_decoded_as_the_binding_says() {
        for (text, expected) in [
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", Some("Euro € 😀")),
            ("a+b&c=d", Some("a+b&c=d")),
            ("\"with \\\"quotes\\\" and \\\\\"", Some("with \"quotes\" and \\")),
            ("\"%41\"", Some("A")),
            ("100%", Some("100%")),
            ("%2541", Some("%41")),
            ("%C0%80", None),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text}");
        }
    }
}
