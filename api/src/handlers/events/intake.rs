//! Recording of usage events.

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, get, post};
use chrono::{DateTime, Utc};
use milepost_domain::usage::event::{Held, Intake, TOLERATED_MINUTES, UsageEvent};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::{IntoParams, ToSchema};

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::{Query, collect_up_to};
use crate::ingest::dead_letters::{self, MOST_AT_ONCE, Reason, Way};
use crate::ingest::event::Form;
use crate::ingest::read::{Read, one, read};
use crate::ingest::schema::{CloudEvent, CloudEventBatch, CloudEventInput};
use crate::ingest::unpack::unpack;
use crate::ingest::writer::{Delivery, Receipt};
use crate::ingest::{MOST_BYTES, MOST_EVENT_BYTES, MOST_EVENTS};
use crate::store::rejected_messages::Channel;

/// Selection of the results in the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Results {
    /// All results, one per event.
    #[default]
    All,
    /// Results of conflicting, rejected and quarantined events only.
    Errors,
}

/// Options for recording events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct IntakeOptions {
    /// Selection of the results in the response. Defaults to `all`.
    #[param(inline)]
    results: Option<Results>,
    /// Whether to record either all events or none: none if any event is rejected or a conflict. Defaults to `false`.
    atomic: Option<bool>,
    /// Whether to validate and report without saving. Defaults to `false`.
    dry_run: Option<bool>,
}

/// Results of a request that sends events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "received": 3, "accepted": 1, "duplicate": 1, "conflict": 0, "rejected": 1, "quarantined": 0, "computed_seq": 4711,
    "results": [
        {"index": 0, "id": "fdb37682b21b26aa", "status": "accepted"},
        {"index": 1, "id": "f874a56e24fa0f57", "status": "duplicate"},
        {"index": 2, "id": null, "status": "rejected", "code": "required", "pointer": "/id", "detail": "must be given"}
    ]
}))]
pub struct IntakeAnswer {
    /// Number of events received.
    #[schema(maximum = 5000)]
    received: usize,
    /// Number of new events that count.
    #[schema(maximum = 5000)]
    accepted: usize,
    /// Number of events that had been recorded already.
    #[schema(maximum = 5000)]
    duplicate: usize,
    /// Number of events whose source and id belong to a different event that is already recorded. The recorded event
    /// stays.
    #[schema(maximum = 5000)]
    conflict: usize,
    /// Number of events that were rejected.
    #[schema(maximum = 5000)]
    rejected: usize,
    /// Number of new events that are recorded but do not count yet.
    #[schema(maximum = 5000)]
    quarantined: usize,
    /// Sequence number of the last event that all figures include.
    #[schema(minimum = 0)]
    computed_seq: i64,
    /// Results of the events, in the order of the request.
    #[schema(max_items = 5000)]
    results: Vec<IntakeResult>,
}

/// Result of one event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"index": 2, "id": null, "status": "rejected", "code": "required", "pointer": "/id", "detail": "must be given"}))]
pub struct IntakeResult {
    /// Position in the request, counting from 0.
    #[schema(maximum = 5000)]
    index: usize,
    /// Identifier of the event; null if it could not be read.
    #[schema(max_length = 200)]
    id: Option<String>,
    /// Status.
    status: Intake,
    /// Code of the reason; omitted for events that count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    code: Option<String>,
    /// JSON pointer to the cause within the event; omitted if it does not apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pointer: Option<String>,
    /// Explanation of the reason; omitted for events that count.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000)]
    detail: Option<String>,
}

/// Limits of a request that sends events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"events": 5000, "bytes": 10_485_760, "event_bytes": 262_144, "tolerated_future_minutes": 5, "encodings": ["gzip", "zstd"]}))]
pub struct IntakeLimits {
    /// Maximum number of events in a request.
    #[schema(minimum = 1)]
    events: usize,
    /// Maximum size of a request in bytes, after decompression.
    #[schema(minimum = 1)]
    bytes: usize,
    /// Maximum size of an event in bytes.
    #[schema(minimum = 1)]
    event_bytes: usize,
    /// Tolerance in minutes for event times in the future. Events beyond it are quarantined.
    #[schema(minimum = 0)]
    tolerated_future_minutes: i64,
    /// Supported content encodings.
    #[schema(max_items = 10, value_type = Vec<ContentEncoding>)]
    encodings: Vec<ContentEncoding>,
}

/// Compression of a request body.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentEncoding {
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// Record usage events
///
/// Accepts one CloudEvent (in structured or binary mode), a CloudEvents batch, a JSON array, or newline-delimited JSON,
/// each optionally compressed with gzip or zstd. An event names its customer by external reference in `subject`, and
/// its person by external reference in `person` or `data.person`. At least one of them is required.
///
/// Source and id identify an event. An event that is sent again is a `duplicate`, so retries are safe without an
/// `Idempotency-Key`. An event with the same source and id but a different payload is a `conflict`; the recorded event
/// stays.
///
/// Each event has its own result: an invalid event, even one that is no JSON, does not block the others. The status is
/// 200 if no event is rejected or a conflict, and 207 otherwise. In both cases, accepted and quarantined events are
/// durable when the response arrives. Rejected events are kept, at most 200 of a request (`GET /v1/events/rejected`).
/// With `atomic`, a rejected event makes the status 422, and a conflict 409, and nothing is recorded.
#[utoipa::path(tag = "events", security(("bearer" = ["events:write"])), params(IntakeOptions),
    extensions(("x-idempotent" = json!(true))),
    request_body(content(
        (CloudEventInput = "application/json"), (CloudEvent = "application/cloudevents+json"),
        (CloudEventBatch = "application/cloudevents-batch+json"), (String = "application/x-ndjson"),
    )),
    responses(
        (status = 200, description = "The results. No event was rejected or a conflict.", body = IntakeAnswer),
        (status = 207, description = "The results. Some events were rejected or are conflicts.", body = IntakeAnswer),
    ))]
#[post("/v1/events")]
pub async fn take_events(
    request: HttpRequest,
    cx: Context,
    options: Query<IntakeOptions>,
    payload: Payload,
) -> Result<Answer, ApiError> {
    let bytes = collect_up_to(&request, payload.into_inner(), MOST_BYTES).await?;
    let body = unpack(&request, bytes.to_vec())?;
    let events = read(&request, &body, cx.now)?;
    let is_atomic = options.0.atomic.unwrap_or_default();
    let is_cloud_event = events.iter().any(|one| one.form == Form::CloudEvent);
    let channel = if is_cloud_event { Channel::CloudEvents } else { Channel::Events };
    let refused: Vec<(Vec<u8>, Reason)> = events.iter().filter_map(Read::refusal).take(MOST_AT_ONCE).collect();
    let answer = deliver(&cx, events, &options.0).await?;
    let is_clean = answer.rejected == 0 && answer.conflict == 0;
    if is_atomic && !is_clean && !options.0.dry_run.unwrap_or_default() {
        return Err(answer.untaken());
    }
    if !is_atomic && !options.0.dry_run.unwrap_or_default() {
        let refused = refused.iter().map(|(text, reason)| (text.as_slice(), reason.clone())).collect();
        dead_letters::keep(&cx, &Way::plain(channel), refused).await?;
    }
    let status = if is_clean { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Answer::json(status, &answer)
}

/// Processes an event that was rejected before, or a mended one. Returns the errors if it is refused again.
pub async fn take_again(
    cx: &Context,
    text: &[u8],
    form: Form,
    received_at: DateTime<Utc>,
) -> Result<Vec<FieldError>, ApiError> {
    let read = one(text, form, received_at);
    if let Err(errors) = read.event {
        return Ok(errors);
    }
    let options = IntakeOptions { results: None, atomic: None, dry_run: None };
    let answer = deliver(cx, vec![read], &options).await?;
    Ok(answer.results.iter().filter_map(IntakeResult::error).collect())
}

async fn deliver(cx: &Context, read: Vec<Read>, options: &IntakeOptions) -> Result<IntakeAnswer, ApiError> {
    let is_atomic = options.atomic.unwrap_or_default();
    let is_spoiled = is_atomic && read.iter().any(|one| one.event.is_err());
    let mut outline = Vec::with_capacity(read.len());
    let mut events: Vec<UsageEvent> = Vec::with_capacity(read.len());
    for one in read {
        match one.event {
            Ok(event) => {
                outline.push((Some(event.id.clone()), Ok(())));
                events.push(event);
            }
            Err(errors) => outline.push((one.id, Err(errors))),
        }
    }
    let delivery = Delivery {
        organization_id: cx.organization_id(),
        received_at: cx.now,
        events,
        is_atomic,
        is_dry_run: options.dry_run.unwrap_or_default() || is_spoiled,
    };
    let receipt = cx.app.writer.deliver(delivery).await?;
    let is_untaken =
        is_spoiled || (is_atomic && receipt.decisions.iter().any(|(intake, _)| *intake == Intake::Conflict));
    Ok(IntakeAnswer::of(outline, &receipt, options.results.unwrap_or_default(), is_untaken))
}

/// An event's identifier, and the errors found while reading the event.
type Outline = (Option<String>, Result<(), Vec<FieldError>>);

impl IntakeAnswer {
    fn of(outline: Vec<Outline>, receipt: &Receipt, wanted: Results, is_untaken: bool) -> Self {
        let mut answer = Self {
            received: outline.len(),
            accepted: 0,
            duplicate: 0,
            conflict: 0,
            rejected: 0,
            quarantined: 0,
            computed_seq: receipt.sequence,
            results: vec![],
        };
        let mut decisions = receipt.decisions.iter();
        for (index, (id, read)) in outline.into_iter().enumerate() {
            let result = match read {
                Ok(()) => {
                    let (intake, held) = decisions.next().copied().unwrap_or((Intake::Rejected, None));
                    IntakeResult::decided(index, id, intake, held, is_untaken)
                }
                Err(errors) => IntakeResult::refused(index, id, errors),
            };
            *match result.status {
                Intake::Accepted => &mut answer.accepted,
                Intake::Duplicate => &mut answer.duplicate,
                Intake::Conflict => &mut answer.conflict,
                Intake::Rejected => &mut answer.rejected,
                Intake::Quarantined => &mut answer.quarantined,
            } += 1;
            if wanted == Results::All || !matches!(result.status, Intake::Accepted | Intake::Duplicate) {
                answer.results.push(result);
            }
        }
        answer
    }
}

impl IntakeAnswer {
    /// The refusal of a request whose events are recorded all or none.
    fn untaken(&self) -> ApiError {
        let at = |result: &IntakeResult| {
            let error = result.error().filter(|error| error.code != "not_taken")?;
            Some(FieldError {
                pointer: Some(format!("/{}{}", result.index, error.pointer.unwrap_or_default())),
                ..error
            })
        };
        let code = if self.rejected > 0 && self.results.iter().any(IntakeResult::is_invalid) {
            Code::ValidationFailed
        } else {
            Code::Conflict
        };
        ApiError::with_errors(code, self.results.iter().filter_map(at).collect())
    }
}

impl IntakeResult {
    /// Whether it is an event that cannot be read.
    fn is_invalid(&self) -> bool {
        self.status == Intake::Rejected && self.code.as_deref() != Some("not_taken")
    }

    /// Returns the error of an event that was rejected or is a conflict.
    fn error(&self) -> Option<FieldError> {
        let is_refused = matches!(self.status, Intake::Rejected | Intake::Conflict);
        let code = self.code.clone().filter(|_| is_refused)?;
        let detail = self.detail.clone().unwrap_or_default();
        Some(FieldError { code, detail, pointer: Some(self.pointer.clone().unwrap_or_default()), parameter: None })
    }

    fn decided(index: usize, id: Option<String>, intake: Intake, held: Option<Held>, is_untaken: bool) -> Self {
        let told = |status, code: &str, detail: &str| Self {
            index,
            id: id.clone(),
            status,
            code: Some(code.to_owned()),
            pointer: None,
            detail: Some(detail.to_owned()),
        };
        match (intake, held) {
            (Intake::Conflict, _) => {
                told(Intake::Conflict, "conflict", "a different event with this source and id already exists; it stays")
            }
            (Intake::Accepted | Intake::Quarantined, _) if is_untaken => told(
                Intake::Rejected,
                "not_taken",
                "other events of this request could not be recorded, and atomic=true records all or none",
            ),
            (_, Some(Held::UnknownCustomer)) => {
                let detail = "no customer has this external reference yet; the event counts as soon as one has it";
                Self { pointer: Some("/subject".to_owned()), ..told(intake, "unknown_customer", detail) }
            }
            (_, Some(Held::FutureTime)) => {
                let detail =
                    format!("is more than {TOLERATED_MINUTES} minutes in the future; the event counts once released");
                Self { pointer: Some("/time".to_owned()), ..told(intake, "future_time", &detail) }
            }
            (status, None) => Self { index, id, status, code: None, pointer: None, detail: None },
        }
    }

    /// Reports the first error only, with the number of the others: an invalid event is corrected as a whole.
    fn refused(index: usize, id: Option<String>, errors: Vec<FieldError>) -> Self {
        let more = errors.len().saturating_sub(1);
        let first = errors.into_iter().next();
        let detail = first.as_ref().map(|error| error.detail.clone()).unwrap_or_default();
        Self {
            index,
            id,
            status: Intake::Rejected,
            code: first.as_ref().map(|error| error.code.clone()),
            pointer: first.and_then(|error| error.pointer),
            detail: Some(if more > 0 { format!("{detail} (and {more} more)") } else { detail }),
        }
    }
}

/// Get the limits for recording usage events
///
/// Returns the maximum numbers and sizes, the tolerance for future event times and the supported content encodings.
#[utoipa::path(tag = "events", security(("bearer" = ["events:write"])),
    responses((status = 200, description = "The limits.", body = IntakeLimits)))]
#[get("/v1/events/limits")]
pub async fn read_event_limits(_cx: Context) -> Result<Answer, ApiError> {
    Ok(Answer::ok(&IntakeLimits {
        events: MOST_EVENTS,
        bytes: MOST_BYTES,
        event_bytes: MOST_EVENT_BYTES,
        tolerated_future_minutes: TOLERATED_MINUTES,
        encodings: vec![ContentEncoding::Gzip, ContentEncoding::Zstd],
    })?
    .content_tag())
}
