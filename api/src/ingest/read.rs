//! Supported forms of events: one CloudEvent as JSON, a batch, lines of JSON, or one event in headers and body.
//!
//! Each event is read on its own: an error in one event does not affect the others.

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use chrono::{DateTime, Utc};
use milepost_domain::usage::event::UsageEvent;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::event::read_event;
use super::{MOST_EVENT_BYTES, MOST_EVENTS};
use crate::error::{ApiError, Code, FieldError};

/// Result of reading an event.
#[derive(Debug)]
pub struct Read {
    /// Identifier of the event, if it could be read.
    pub id: Option<String>,
    /// The event, or its errors.
    pub event: Result<UsageEvent, Vec<FieldError>>,
}

/// Reads a body in any supported form.
pub fn read(request: &HttpRequest, body: &[u8], received_at: DateTime<Utc>) -> Result<Vec<Read>, ApiError> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if request.headers().contains_key("ce-specversion") {
        return Ok(vec![binary(request, &essence, body, received_at)?]);
    }
    match essence.as_str() {
        "application/cloudevents+json" => Ok(vec![one(body, received_at)]),
        "application/cloudevents-batch+json" => batch(body, received_at),
        "application/json" => {
            let is_list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
            if is_list { batch(body, received_at) } else { Ok(vec![whole(body, received_at)?]) }
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

/// Reads the elements of a list, each on its own.
fn batch(body: &[u8], received_at: DateTime<Utc>) -> Result<Vec<Read>, ApiError> {
    let items: Vec<&RawValue> = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
    if items.len() > MOST_EVENTS {
        return Err(too_many());
    }
    Ok(items.into_iter().map(|item| one(item.get().as_bytes(), received_at)).collect())
}

/// Reads lines, each with one event. Skips empty lines.
fn lines(body: &[u8], received_at: DateTime<Utc>) -> Result<Vec<Read>, ApiError> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let lines: Vec<&[u8]> = lines.take(MOST_EVENTS + 1).collect();
    if lines.len() > MOST_EVENTS {
        return Err(too_many());
    }
    Ok(lines.into_iter().map(|line| one(line, received_at)).collect())
}

fn too_many() -> ApiError {
    ApiError::field("", "too_many_items", format!("must have at most {MOST_EVENTS} events"))
}

/// Reads a body that is one object. A body that is not JSON at all makes the whole request invalid.
fn whole(body: &[u8], received_at: DateTime<Utc>) -> Result<Read, ApiError> {
    serde_json::from_slice::<&RawValue>(body).map_err(|error| not_json(&error))?;
    Ok(one(body, received_at))
}

fn one(text: &[u8], received_at: DateTime<Utc>) -> Read {
    if text.len() > MOST_EVENT_BYTES {
        let detail = format!("must have at most {MOST_EVENT_BYTES} bytes, but has {}", text.len());
        return Read { id: None, event: Err(vec![FieldError::in_body("", "too_large", detail)]) };
    }
    match serde_json::from_slice::<Value>(text) {
        Ok(value) => of_value(&value, received_at),
        Err(error) => {
            let detail = format!("is not valid JSON: {error}");
            Read { id: None, event: Err(vec![FieldError::in_body("", "malformed", detail)]) }
        }
    }
}

fn of_value(value: &Value, received_at: DateTime<Utc>) -> Read {
    let id = value["id"].as_str().map(|id| id.chars().take(200).collect());
    Read { id, event: read_event(value, received_at) }
}

/// Reads binary mode (CloudEvents 1.0.2, HTTP protocol binding, 3.1): attributes in headers, data in the body.
fn binary(request: &HttpRequest, essence: &str, body: &[u8], received_at: DateTime<Utc>) -> Result<Read, ApiError> {
    let mut fields = Map::new();
    for (name, value) in request.headers() {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else { continue };
        let text = value.to_str().map_err(|_| {
            ApiError::parameter(name.as_str(), "wrong_format", "must be ASCII, with other characters percent-encoded")
        })?;
        let decoded = percent_decoded(text);
        fields.insert(attribute.to_owned(), decoded.into());
    }
    if body.len() > MOST_EVENT_BYTES {
        let detail = format!("must have at most {MOST_EVENT_BYTES} bytes, but has {}", body.len());
        return Ok(Read { id: None, event: Err(vec![FieldError::in_body("", "too_large", detail)]) });
    }
    if !body.is_empty() {
        let is_json = essence == "application/json" || essence.ends_with("+json");
        let data = if is_json {
            serde_json::from_slice(body).map_err(|error| not_json(&error))?
        } else {
            Value::String(String::from_utf8_lossy(body).into_owned())
        };
        fields.insert("data".to_owned(), data);
    }
    Ok(of_value(&Value::Object(fields), received_at))
}

/// Decodes a header's value, which is percent-encoded UTF-8 according to the binding.
fn percent_decoded(text: &str) -> String {
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(&format!(
        "v={}",
        text.replace('+', "%2B").replace('&', "%26")
    ));
    let decoded = pairs.ok().and_then(|pairs| pairs.into_inner().pop());
    decoded.map_or_else(|| text.to_owned(), |(_, value)| value)
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::new(Code::MalformedBody, format!("The body is not valid JSON: {error}."))
}
