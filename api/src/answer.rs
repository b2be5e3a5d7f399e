//! A successful answer as a plain value: made before the transaction commits, so that it can be stored with it and replayed.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LINK, LOCATION};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use crate::error::ApiError;

/// Status, headers and body.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: Bytes,
    /// What is kept in place of the body for a repeated request, where the body holds a secret.
    kept: Option<Bytes>,
}

impl Answer {
    /// 200 with a JSON body.
    pub fn ok(body: &impl Serialize) -> Result<Self, ApiError> {
        Self::json(StatusCode::OK, body)
    }

    /// 201 with a JSON body and where the new resource is.
    pub fn created(location: impl Into<String>, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self::json(StatusCode::CREATED, body)?.header(LOCATION, location))
    }

    /// Some other status with a JSON body.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self::bytes(status, "application/json", serde_json::to_vec(body)?.into()))
    }

    /// A body that is already bytes.
    pub fn bytes(status: StatusCode, media_type: &str, body: Bytes) -> Self {
        Self { status, headers: vec![(CONTENT_TYPE, media_type.to_owned())], body, kept: None }
    }

    /// 204.
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

    /// Adds the `ETag` of a version whose representation also depends on other things: the day, a customer's name, the
    /// plan's limits. `If-Match` looks at the version, `If-None-Match` at all of it.
    #[must_use]
    pub fn version_and_content(self, version: i64) -> Self {
        let content = crc32fast::hash(&self.body);
        self.header(ETAG, format!("\"{version}-{content:08x}\""))
    }

    /// Adds an `ETag` for what has no version of its own: lists and reports.
    #[must_use]
    pub fn content_tag(self) -> Self {
        let content = crc32fast::hash(&self.body);
        self.header(ETAG, format!("\"-{content:08x}\""))
    }

    /// Says what is kept for a repeated request in place of a body that holds a secret.
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

    /// Status code, headers as JSON pairs, body: the form in which it is stored.
    pub fn to_stored(&self) -> (i64, String, Vec<u8>) {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let headers = serde_json::to_string(&headers).unwrap_or_default();
        (i64::from(self.status.as_u16()), headers, self.kept.as_ref().unwrap_or(&self.body).to_vec())
    }

    /// From the stored form.
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
