//! Input of handlers: a body and a query that already conform to the document.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::BytesMut;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::ExternalRef;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::context::{CheckedQuery, Context, Matched};
use crate::error::{ApiError, Code};

/// Number of values in a JSON body from which it is refused before it is compared with the document: more than ten times the most
/// that a right one has.
const MOST_VALUES: usize = 100_000;
/// Size up to which a body takes no room among those that are worked on.
const SMALL_BODY_BYTES: usize = 64 * 1024;

/// The request's body, checked whole against the document and then parsed.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// The request's query, checked whole against the document and then parsed.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::read(request))
    }
}

impl<T: DeserializeOwned> Query<T> {
    /// Parses the request's checked parameters.
    pub fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        read_query(request).and_then(|found| parse_query(found).map(Self))
    }
}

/// The query's parameters, as the gate has checked them.
pub fn read_query(request: &HttpRequest) -> Result<Map<String, Value>, ApiError> {
    let checked = request.extensions().get::<CheckedQuery>().map(|query| Map::clone(&query.0));
    checked.ok_or_else(|| ApiError::internal("a handler reads a query that the gate has not checked"))
}

/// Parses checked parameters. What a schema cannot say may still be wrong.
fn parse_query<T: DeserializeOwned>(found: Map<String, Value>) -> Result<T, ApiError> {
    serde_json::from_value(Value::Object(found))
        .map_err(|error| ApiError::new(Code::InvalidParameter, error.to_string()))
}

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move { read_body(&request, payload).await.map(Self) })
    }
}

async fn read_body<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<T, ApiError> {
    let matched = Matched::of(request)?;
    let Some(rule) = &matched.operation.body else {
        return Err(ApiError::internal("the document has no body for this operation"));
    };
    let bytes = collect(request, payload).await?;
    if let Some(cx) = request.extensions().get::<Context>() {
        cx.fingerprint(&bytes);
    }
    if bytes.is_empty() && !rule.required {
        return Ok(serde_json::from_value(Value::Object(Map::new()))?);
    }
    check_media_type(request, &rule.media_type)?;
    let mut value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::new(Code::MalformedBody, format!("The body is not valid JSON: {error}.")))?;
    if value.is_null() && !rule.required {
        value = Value::Object(Map::new());
    }
    if count_up_to(&value, MOST_VALUES) == MOST_VALUES {
        // Each of them could break several rules, and all would be worked out before the first is told.
        return Err(ApiError::field("", "too_many_items", format!("must have fewer than {MOST_VALUES} values in all")));
    }
    let errors = rule.check(&value);
    if !errors.is_empty() {
        return Err(ApiError::with_errors(Code::ValidationFailed, errors));
    }
    write_integers_as_such(&mut value);
    serde_json::from_value(value).map_err(|error| ApiError::field("", "not_valid", error.to_string()))
}

/// Counts the values in a value, up to a limit.
fn count_up_to(value: &Value, limit: usize) -> usize {
    let add = |count: usize, inner: &Value| {
        if count >= limit { limit } else { (count + count_up_to(inner, limit - count)).min(limit) }
    };
    match value {
        Value::Array(items) => items.iter().fold(1, add),
        Value::Object(fields) => fields.values().fold(1, add),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

/// To JSON Schema `7.0` is an integer; to the types behind it only `7` is.
fn write_integers_as_such(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15);
            if let Some(float) = float {
                #[expect(clippy::cast_possible_truncation, reason = "whole, and far below the limit")]
                let whole = float as i64;
                *number = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_integers_as_such),
        Value::Object(fields) => fields.values_mut().for_each(write_integers_as_such),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn check_media_type(request: &HttpRequest, expected: &str) -> Result<(), ApiError> {
    if request.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(ApiError::new(Code::UnsupportedMediaType, "Send the body without a content encoding."));
    }
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    // A merge patch (RFC 7396) may be sent under its own name or as plain JSON.
    if essence == expected || (expected == "application/merge-patch+json" && essence == "application/json") {
        return Ok(());
    }
    let detail = format!("Send {expected}, not '{essence}'.");
    Err(ApiError::new(Code::UnsupportedMediaType, detail))
}

/// The whole body, or a clear no: too large, too slow, or broken off.
pub async fn collect(request: &HttpRequest, payload: Payload) -> Result<BytesMut, ApiError> {
    let limit = Matched::of(request)?.app.settings.max_body_bytes;
    collect_up_to(request, payload, limit).await
}

/// The same with a limit of its own.
pub async fn collect_up_to(request: &HttpRequest, mut payload: Payload, limit: usize) -> Result<BytesMut, ApiError> {
    let matched = Matched::of(request)?;
    let too_large = || ApiError::new(Code::BodyTooLarge, format!("A body may have at most {limit} bytes."));
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let all = async {
        let mut bytes = BytesMut::with_capacity(announced.unwrap_or_default().min(limit));
        while let Some(chunk) = payload.next().await {
            let chunk =
                chunk.map_err(|error| ApiError::new(Code::MalformedBody, format!("The body broke off: {error}.")))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    let deadline = Duration::from_millis(matched.app.settings.body_deadline_ms);
    let bytes = tokio::time::timeout(deadline, all).await.unwrap_or_else(|_| {
        let detail = format!("A body must arrive within {} ms.", deadline.as_millis());
        Err(ApiError::new(Code::RequestTimeout, detail))
    })?;
    // What is packed may be as large as the limit when it is unpacked.
    let is_packed = request.headers().contains_key(CONTENT_ENCODING);
    let size = if is_packed { limit } else { bytes.len() };
    if size > SMALL_BODY_BYTES {
        let room = matched.app.bodies.take(size).await?;
        request.extensions_mut().insert(room);
    }
    Ok(bytes)
}

/// Parses a part of the path. What cannot be the name of anything is refused as a parameter.
pub fn parse_path<T: TryFrom<String, Error = ValueRule>>(name: &str, raw: &str) -> Result<T, ApiError> {
    if raw.contains(char::REPLACEMENT_CHARACTER) {
        return Err(ApiError::parameter(name, "wrong_format", "must be percent-encoded UTF-8"));
    }
    T::try_from(raw.to_owned()).map_err(|rule| ApiError::parameter(name, rule.code(), rule.to_string()))
}

/// Parses an external reference in a path. What cannot be a reference is the reference of nothing: 404.
pub fn reference_or_404(raw: &str) -> Result<ExternalRef, ApiError> {
    ExternalRef::parse(raw).map_err(|_| ApiError::not_found())
}
