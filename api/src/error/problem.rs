//! The problem document (RFC 9457), and the errors of fields in it.

use milepost_domain::rule::Violation;
use serde::Serialize;
use utoipa::ToSchema;

use crate::field_code::is_known;

/// Maximum number of errors that an answer names: enough for a person, and a bound on what a hostile request can make us write.
pub const MOST_ERRORS: usize = 100;
/// Maximum length of a text of an error, in bytes.
const LONGEST_TEXT: usize = 1000;

/// An error of one field or parameter.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer into the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub pointer: Option<String>,
    /// Name of the query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub parameter: Option<String>,
    /// Stable code of the rule. New codes may be added.
    #[schema(max_length = 100)]
    pub code: String,
    /// Explanation of the rule, to be read after the name of the field.
    #[schema(max_length = 1000)]
    pub detail: String,
}

impl FieldError {
    /// Something wrong at a place of the body.
    pub fn in_body(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        debug_assert!(is_known(code), "{code} is not in the list of codes");
        Self {
            pointer: Some(clipped(pointer.into())),
            parameter: None,
            code: code.to_owned(),
            detail: clipped(detail.into()),
        }
    }

    /// Something wrong with a query parameter or header.
    pub fn in_parameter(name: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        debug_assert!(is_known(code), "{code} is not in the list of codes");
        Self {
            pointer: None,
            parameter: Some(clipped(name.into())),
            code: code.to_owned(),
            detail: clipped(detail.into()),
        }
    }
}

/// A text of an error, cut where a sender's own words make it endless.
fn clipped(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let end = (0..=LONGEST_TEXT - 3).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}

impl From<Violation> for FieldError {
    fn from(violation: Violation) -> Self {
        Self::in_body(violation.at, violation.code, violation.text)
    }
}

/// Problem document (RFC 9457): the body of every error response.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/docs/problems#validation_failed", "title": "The request breaks rules", "status": 422,
    "detail": "1 field breaks a rule.", "instance": "/v1/plans", "code": "validation_failed",
    "request_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
    "errors": [{"pointer": "/milestones/3/planned_on", "code": "before_start", "detail": "must not be before the plan's start on 2026-03-02"}]
}))]
pub struct Problem {
    /// URI reference that identifies the kind of problem.
    #[serde(rename = "type")]
    #[schema(max_length = 200)]
    pub kind: String,
    /// Title of the kind of problem; the same for every occurrence.
    #[schema(max_length = 200)]
    pub title: String,
    /// HTTP status code.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// Explanation of this occurrence.
    #[schema(max_length = 10_000)]
    pub detail: String,
    /// Path of the request.
    #[schema(max_length = 8000)]
    pub instance: String,
    /// Stable code of the kind of problem. New codes may be added.
    #[schema(max_length = 100)]
    pub code: String,
    /// Identifier of the request, as in `X-Request-Id`.
    #[schema(max_length = 200)]
    pub request_id: String,
    /// Errors of fields and parameters; empty if no single one is at fault. If there are more than 100, `detail` says so.
    #[schema(max_items = 100)]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// Whether one of the errors is about a place of the body.
    pub fn names(&self, pointer: &str) -> bool {
        self.errors.iter().any(|error| error.pointer.as_deref() == Some(pointer))
    }
}
