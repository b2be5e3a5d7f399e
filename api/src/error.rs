//! The one place that knows status codes of failures: every error answer is a problem document (RFC 9457) made here.

mod of_database;
mod problem;

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use milepost_domain::rule::{About, Violation, Violations};
use strum::{EnumIter, IntoStaticStr};

pub use self::problem::{FieldError, MOST_ERRORS, Problem};

/// Everything that can go wrong, by its stable code. Status and title follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Code {
    /// The body is not JSON, or not encoded as it says.
    MalformedBody,
    /// The bytes that arrived are no HTTP request.
    MalformedRequest,
    /// The request line and the headers are too large.
    HeadTooLarge,
    /// A query parameter or header is unknown or has a wrong value.
    InvalidParameter,
    /// The cursor is not one of ours, or belongs to another list.
    InvalidCursor,
    /// No valid credentials.
    Unauthenticated,
    /// The credentials lack the scope.
    Forbidden,
    /// There is no such thing for this caller.
    NotFound,
    /// It was there and was taken back.
    Gone,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// No representation fits `Accept`.
    NotAcceptable,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The state of the resource does not allow it.
    Conflict,
    /// The same idempotency key is being worked on.
    IdempotencyInFlight,
    /// `If-Match` names an older version.
    VersionMismatch,
    /// The body is larger than allowed.
    BodyTooLarge,
    /// The body's media type is not the documented one.
    UnsupportedMediaType,
    /// Fields of the body break rules.
    ValidationFailed,
    /// The idempotency key was used for another request.
    IdempotencyMismatch,
    /// `If-Match` is missing.
    VersionRequired,
    /// Too many requests.
    RateLimited,
    /// Our fault.
    Internal,
    /// The database cannot be reached just now.
    Unavailable,
    /// The database has no room to write; reading goes on.
    StorageFull,
}

impl Code {
    /// The code of what the domain refuses: a conflict where only the present state stands against the request.
    fn of(violations: &[Violation]) -> Self {
        let stands_against = |one: &Violation| match one.about {
            About::State => true,
            About::Input => false,
        };
        if violations.iter().all(stands_against) { Self::Conflict } else { Self::ValidationFailed }
    }

    /// The code as it stands in the answer.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Status and title: the one table.
    pub const fn status_and_title(self) -> (StatusCode, &'static str) {
        match self {
            Self::MalformedBody => (StatusCode::BAD_REQUEST, "The body cannot be read"),
            Self::MalformedRequest => (StatusCode::BAD_REQUEST, "The request cannot be read"),
            Self::HeadTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is too large"),
            Self::InvalidParameter => (StatusCode::BAD_REQUEST, "A parameter is not valid"),
            Self::InvalidCursor => (StatusCode::BAD_REQUEST, "The cursor is not valid here"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "Valid credentials are needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "The credentials do not allow this"),
            Self::NotFound => (StatusCode::NOT_FOUND, "There is nothing here"),
            Self::Gone => (StatusCode::GONE, "It was taken back"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "This method is not allowed here"),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "No acceptable representation"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time"),
            Self::Conflict => (StatusCode::CONFLICT, "The current state does not allow this"),
            Self::IdempotencyInFlight => (StatusCode::CONFLICT, "The same request is being worked on"),
            Self::VersionMismatch => (StatusCode::PRECONDITION_FAILED, "Somebody changed this in the meantime"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "This media type is not supported"),
            Self::ValidationFailed => (StatusCode::UNPROCESSABLE_ENTITY, "The request breaks rules"),
            Self::IdempotencyMismatch => {
                (StatusCode::UNPROCESSABLE_ENTITY, "The idempotency key belongs to another request")
            }
            Self::VersionRequired => (StatusCode::PRECONDITION_REQUIRED, "If-Match is needed"),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The service is not available just now"),
            Self::StorageFull => (StatusCode::SERVICE_UNAVAILABLE, "Storage is full"),
        }
    }
}

/// A failed request. The public text is in `detail` and `errors`; `cause` is for the log only.
#[derive(Debug)]
pub struct ApiError {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
    is_retryable: bool,
}

impl ApiError {
    /// A failure with a text for the caller.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: vec![], headers: vec![], cause: None, is_retryable: false }
    }

    /// Nothing there: the same answer whether it never existed or belongs to somebody else.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "No such resource, or not one of yours.")
    }

    /// Our fault; `cause` goes to the log.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let detail = "The request was not carried out. Quote the request id when you report this.";
        Self { cause: Some(cause.to_string()), ..Self::new(Code::Internal, detail) }
    }

    /// Not now: the same request may succeed in a second.
    pub fn try_again(detail: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, detail).with_header(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// Parameters are wrong.
    pub fn parameters(errors: Vec<FieldError>) -> Self {
        Self::with_errors(Code::InvalidParameter, errors)
    }

    /// One parameter is wrong.
    pub fn parameter(name: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::parameters(vec![FieldError::in_parameter(name, code, detail)])
    }

    /// One field is wrong.
    pub fn field(pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::with_errors(Code::ValidationFailed, vec![FieldError::in_body(pointer, code, detail)])
    }

    /// A key or reference that another resource has.
    pub fn taken(field: &str, detail: impl Into<String>) -> Self {
        Self::with_errors(Code::Conflict, vec![FieldError::in_body(format!("/{field}"), "taken", detail)])
    }

    /// Several fields or parameters are wrong. Only the first hundred are named.
    pub fn with_errors(code: Code, mut errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => {
                let place = only.pointer.as_deref().or(only.parameter.as_deref()).unwrap_or_default();
                format!("{place} {}", only.detail).trim_start().to_owned()
            }
            many if many.len() > MOST_ERRORS => {
                format!("{} things or more are wrong; errors names the first {MOST_ERRORS}.", many.len())
            }
            many => format!("{} things are wrong; errors names each.", many.len()),
        };
        errors.truncate(MOST_ERRORS);
        Self { errors, ..Self::new(code, detail) }
    }

    /// Violations found by a change of an existing resource: a dependency that closes a cycle conflicts with those that are there.
    pub fn of_change(violations: Violations) -> Self {
        let cycle = |one: &Violation| one.code == "dependency_cycle";
        let code = if violations.iter().all(cycle) { Code::Conflict } else { Code::of(&violations) };
        Self::with_errors(code, violations.into_iter().map(FieldError::from).collect())
    }

    /// A form that cannot be read.
    pub fn of_form(error: &actix_web::error::UrlencodedError) -> Self {
        use actix_web::error::UrlencodedError;
        match error {
            UrlencodedError::ContentType => {
                Self::new(Code::UnsupportedMediaType, "Send a form: application/x-www-form-urlencoded.")
            }
            UrlencodedError::Overflow { .. } => Self::new(Code::BodyTooLarge, "The form is too large."),
            _ => Self::new(Code::MalformedBody, "The form cannot be read."),
        }
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What went wrong, in words.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The fields that are wrong.
    pub fn fields(&self) -> &[FieldError] {
        &self.errors
    }

    /// Headers the answer carries.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The cause for the log.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Whether the database asks for the transaction to be tried again.
    pub fn is_retryable(&self) -> bool {
        self.is_retryable
    }

    /// The public document.
    pub fn problem(&self, instance: &str, request_id: &str) -> Problem {
        let (status, title) = self.code.status_and_title();
        Problem {
            kind: format!("/docs/problems#{}", self.code.name()),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            instance: instance.to_owned(),
            code: self.code.name().to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.detail)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status_and_title().0
    }

    /// Only the status: the envelope writes the document, because it knows the request's path and id.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<Violations> for ApiError {
    fn from(violations: Violations) -> Self {
        let code = Code::of(&violations);
        Self::with_errors(code, violations.into_iter().map(FieldError::from).collect())
    }
}

impl From<Violation> for ApiError {
    fn from(violation: Violation) -> Self {
        Self::from(vec![violation])
    }
}

impl From<serde_json::Error> for ApiError {
    /// Writing our own values as JSON cannot fail for a reason the caller could mend.
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}
