//! Successful responses as plain values. A response is built before the transaction commits, so that it can be stored
//! in the same transaction and replayed.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LINK, LOCATION};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use crate::error::ApiError;

/// A successful response: status, headers and body.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: Bytes,
    /// Body stored for repeated requests in place of a body that contains a secret.
    kept: Option<Bytes>,
}

impl Answer {
    /// Returns a 200 response with a JSON body.
    pub fn ok(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::json(StatusCode::OK, body)
    }

    /// Returns a 201 response with a JSON body and the `Location` of the new resource.
    pub fn created(location: impl Into<String>, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self::json(StatusCode::CREATED, body)?.header(LOCATION, location))
    }

    /// Returns a response with the given status and a JSON body.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self::bytes(status, "application/json", serde_json::to_vec(body)?.into()))
    }

    /// Returns a response whose body is already serialized.
    pub fn bytes(status: StatusCode, media_type: &str, body: Bytes) -> Self {
        Self { status, headers: vec![(CONTENT_TYPE, media_type.to_owned())], body, kept: None }
    }

    /// Returns a 200 response with a text, such as a page, a picture or a file, and the `ETag` of its content.
    pub fn text(media_type: &str, text: impl Into<Bytes>) -> Self {
        Self::bytes(StatusCode::OK, media_type, text.into()).content_tag()
    }

    /// Returns a 204 response.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, headers: vec![], body: Bytes::new(), kept: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds the `ETag` of a version.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        self.header(ETAG, format!("\"{version}\""))
    }

    /// Adds the `ETag` of a version whose representation also depends on other data, such as the day, a customer's name
    /// or the plan's limits. `If-Match` compares only the version, `If-None-Match` the whole tag.
    #[must_use]
    pub fn version_and_content(self, version: i64) -> Self {
        let content = crc32fast::hash(&self.body);
        self.header(ETAG, format!("\"{version}-{content:08x}\""))
    }

    /// Adds an `ETag` for content without a version of its own, such as lists and reports.
    #[must_use]
    pub fn content_tag(self) -> Self {
        let content = crc32fast::hash(&self.body);
        self.header(ETAG, format!("\"-{content:08x}\""))
    }

    /// Sets the body that is stored for repeated requests in place of a body that contains a secret.
    pub fn kept_as(self, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self { kept: Some(serde_json::to_vec(body)?.into()), ..self })
    }

    /// Adds the link to the next page.
    #[must_use]
    pub fn next_link(self, url: Option<String>) -> Self {
        match url {
            Some(url) => self.header(LINK, format!("<{url}>; rel=\"next\"")),
            None => self,
        }
    }

    /// Returns the stored form: status code, headers as JSON pairs, and body.
    pub fn to_stored(&self) -> (i64, String, Vec<u8>) {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let headers = serde_json::to_string(&headers).unwrap_or_default();
        (i64::from(self.status.as_u16()), headers, self.kept.as_ref().unwrap_or(&self.body).to_vec())
    }

    /// Restores a response from its stored form.
    pub fn from_stored(status: i64, headers: &str, body: Vec<u8>) -> Result<Self, ApiError> {
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let pairs: Vec<(String, String)> = serde_json::from_str(headers)?;
        let named = |(name, value): (String, String)| Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value));
        Ok(Self {
            status: status.ok_or_else(|| ApiError::internal("a stored answer has no valid status"))?,
            headers: pairs.into_iter().filter_map(named).collect(),
            body: body.into(),
            kept: None,
        })
    }
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::with_body(self.status, BoxBody::new(self.body));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}
