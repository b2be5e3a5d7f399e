//! Endpoints for Segment's client libraries.

pub mod process;

use actix_web::web::Payload;
use actix_web::{HttpRequest, post};
use serde::Serialize;
use utoipa::ToSchema;

use self::process::take;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, FieldError};
use crate::ingest::schema::{SegmentBatch, SegmentMessage};

/// Results of Segment messages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"success": true, "received": 3, "events": 1, "duplicates": 1, "people": 1, "customers": 0, "ignored": 0, "rejected": []}))]
pub struct SegmentAnswer {
    /// Whether nothing was rejected.
    success: bool,
    /// Number of messages received.
    #[schema(maximum = 5000)]
    received: usize,
    /// Number of new events.
    #[schema(maximum = 5000)]
    events: usize,
    /// Number of events that had been recorded already.
    #[schema(maximum = 5000)]
    duplicates: usize,
    /// Number of people that were created, updated or already up to date.
    #[schema(maximum = 10_000)]
    people: usize,
    /// Number of customers that were created, updated or already up to date.
    #[schema(maximum = 5000)]
    customers: usize,
    /// Number of messages that have no effect, such as `alias`.
    #[schema(maximum = 5000)]
    ignored: usize,
    /// Messages that were rejected. The response still has status 200, so that libraries do not send them again.
    #[schema(max_items = 5000)]
    pub(super) rejected: Vec<RejectedMessage>,
}

/// A rejected message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"index": 2, "code": "required", "pointer": "/messageId", "detail": "must be given"}))]
pub struct RejectedMessage {
    /// Position in the request, counting from 0.
    #[schema(maximum = 5000)]
    index: usize,
    /// Code of the reason.
    #[schema(max_length = 100)]
    code: String,
    /// JSON pointer to the cause within the message.
    #[schema(max_length = 1000)]
    pointer: Option<String>,
    /// Explanation of the reason.
    #[schema(max_length = 10_000)]
    detail: String,
}

impl From<RejectedMessage> for FieldError {
    fn from(message: RejectedMessage) -> Self {
        let RejectedMessage { code, pointer, detail, .. } = message;
        Self { pointer, parameter: None, code, detail }
    }
}

impl RejectedMessage {
    fn of(index: usize, error: FieldError) -> Self {
        Self { index, code: error.code, pointer: error.pointer, detail: error.detail }
    }
}

/// Record a Segment `track` message
///
/// Records a usage event. The event's type is `event` and its data is `properties`. The customer is `context.groupId`
/// or `properties.groupId`; without these, it is the customer that the person `userId` belonged to when the event happened. If
/// that is not known yet, the event waits in quarantine until it is. `messageId` identifies the event, so a library can safely send
/// it again. The API key serves as the write key: send it as the user name of Basic authentication, as a bearer token, or, as a
/// browser's beacon does, as `writeKey` in a body of at most 64 KiB.
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentMessage,
    responses((status = 200, description = "The result of the message.", body = SegmentAnswer)))]
#[post("/v1/segment/track")]
pub async fn take_segment_track(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "track").await
}

/// Create or update a person from a Segment `identify` message
///
/// `userId` is the person's external reference. The name comes from `traits.name`, or from `traits.firstName` and
/// `traits.lastName`; the email address comes from `traits.email`. Fields without a trait stay unchanged. A key without the
/// scope `people:write` fills only what is empty: it creates people, but changes no name or address that is there.
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentMessage,
    responses((status = 200, description = "The result of the message.", body = SegmentAnswer)))]
#[post("/v1/segment/identify")]
pub async fn take_segment_identify(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "identify").await
}

/// Create or update a customer from a Segment `group` message
///
/// `groupId` is the customer's external reference. The name comes from `traits.name`; the segment comes from
/// `traits.segment`, `traits.plan` or `traits.industry`. Fields without a trait stay unchanged. The person `userId`, if
/// given, belongs to this customer from the time of the message on; events of the person that name no customer follow, in
/// whatever order messages arrive. A message that was stated before what is known already only fills what is empty. A key
/// without the scopes `customers:write` and `people:write` fills only what is empty: it creates customers and people, but
/// renames and moves none that are there.
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentMessage,
    responses((status = 200, description = "The result of the message.", body = SegmentAnswer)))]
#[post("/v1/segment/group")]
pub async fn take_segment_group(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "group").await
}

/// Record a Segment `page` message
///
/// Records a usage event of the type `page`, with `properties`, `name` and `category` as its data.
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentMessage,
    responses((status = 200, description = "The result of the message.", body = SegmentAnswer)))]
#[post("/v1/segment/page")]
pub async fn take_segment_page(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "page").await
}

/// Record a batch of Segment messages
///
/// Processes customers and people first, then events. Each message is validated on its own: an invalid message, even one that is no JSON,
/// does not block the others. Because libraries do not read the response, what is rejected is kept, at most 200 of a request
/// (`GET /v1/events/rejected`).
#[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = SegmentBatch,
    responses((status = 200, description = "The results of the messages.", body = SegmentAnswer)))]
#[post("/v1/segment/batch")]
pub async fn take_segment_batch(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    take(&request, &cx, payload, "batch").await
}

/// Declares an endpoint under the path that some library has built in.
macro_rules! built_in {
    ($name:ident, $path:tt, $call:tt, $body:ty, $summary:tt, $description:tt) => {
        #[doc = $summary]
        #[doc = ""]
        #[doc = $description]
        #[utoipa::path(tag = "segment", security(("bearer" = ["events:write"]), ("write_key" = [])), request_body = $body,
            responses((status = 200, description = "The results of the messages.", body = SegmentAnswer)))]
        #[post($path)]
        pub async fn $name(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
            take(&request, &cx, payload, $call).await
        }
    };
}

built_in!(
    take_segment_t,
    "/v1/segment/t",
    "track",
    SegmentMessage,
    "Record a Segment `track` message (browser path)",
    "Behaves like `/v1/segment/track`. Browser libraries have this path built in."
);
built_in!(
    take_segment_i,
    "/v1/segment/i",
    "identify",
    SegmentMessage,
    "Create or update a person from a Segment `identify` message (browser path)",
    "Behaves like `/v1/segment/identify`. Browser libraries have this path built in."
);
built_in!(
    take_segment_g,
    "/v1/segment/g",
    "group",
    SegmentMessage,
    "Create or update a customer from a Segment `group` message (browser path)",
    "Behaves like `/v1/segment/group`. Browser libraries have this path built in."
);
built_in!(
    take_segment_p,
    "/v1/segment/p",
    "page",
    SegmentMessage,
    "Record a Segment `page` message (browser path)",
    "Behaves like `/v1/segment/page`. Browser libraries have this path built in."
);
built_in!(
    take_segment_s,
    "/v1/segment/s",
    "screen",
    SegmentMessage,
    "Record a Segment `screen` message (mobile path)",
    "Behaves like `/v1/segment/page`, but the type is `screen`. Mobile libraries have this path built in."
);
built_in!(
    take_segment_a,
    "/v1/segment/a",
    "alias",
    SegmentMessage,
    "Take a Segment `alias` message (browser path)",
    "Has no effect, because people are told apart by `userId`. Browser libraries have this path built in."
);
built_in!(
    take_segment_b,
    "/v1/segment/b",
    "batch",
    SegmentBatch,
    "Record a batch of Segment messages (mobile path)",
    "Behaves like `/v1/segment/batch`. Mobile libraries have this path built in."
);
built_in!(
    take_segment_v1_batch,
    "/v1/segment/v1/batch",
    "batch",
    SegmentBatch,
    "Record a batch of Segment messages (server path)",
    "Behaves like `/v1/segment/batch`. Server libraries have this path built in."
);
