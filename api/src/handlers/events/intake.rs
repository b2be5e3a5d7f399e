//! Taking events in.

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, get, post};
use milepost_domain::usage::event::{Held, Intake, TOLERATED_MINUTES, UsageEvent};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::{IntoParams, ToSchema};

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, FieldError};
use crate::extract::{Query, collect_up_to};
use crate::ingest::read::{Read, read};
use crate::ingest::unpack::unpack;
use crate::ingest::writer::{Delivery, Receipt};
use crate::ingest::{MOST_BYTES, MOST_EVENT_BYTES, MOST_EVENTS};

/// Which results are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Results {
    /// One for each event.
    #[default]
    All,
    /// Those of conflicts, rejected and quarantined events.
    Errors,
}

/// How to take events in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct IntakeOptions {
    /// Which results are answered; `all` if left out.
    #[param(inline)]
    results: Option<Results>,
    /// Takes all of them or none: none if one is rejected or a conflict.
    atomic: Option<bool>,
    /// Says what would become of them, and takes none.
    dry_run: Option<bool>,
}

/// What became of the events of a request.
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
    /// How many there were.
    #[schema(maximum = 5000)]
    received: usize,
    /// New ones, which count.
    #[schema(maximum = 5000)]
    accepted: usize,
    /// Ones that were there already.
    #[schema(maximum = 5000)]
    duplicate: usize,
    /// Ones whose source and id another event has; that one stays.
    #[schema(maximum = 5000)]
    conflict: usize,
    /// Ones that cannot be kept.
    #[schema(maximum = 5000)]
    rejected: usize,
    /// New ones that are kept, but do not count yet.
    #[schema(maximum = 5000)]
    quarantined: usize,
    /// The number of the last event that every figure reckons with.
    #[schema(minimum = 0)]
    computed_seq: i64,
    /// What became of each, in their order.
    #[schema(max_items = 5000)]
    results: Vec<IntakeResult>,
}

/// What became of one event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"index": 2, "id": null, "status": "rejected", "code": "required", "pointer": "/id", "detail": "must be given"}))]
pub struct IntakeResult {
    /// Its position in the request, from 0.
    #[schema(maximum = 5000)]
    index: usize,
    /// Its id, as far as it could be read.
    #[schema(max_length = 200)]
    id: Option<String>,
    /// What became of it.
    status: Intake,
    /// Which rule, where it was rejected or held.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    code: Option<String>,
    /// Where in the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pointer: Option<String>,
    /// The rule in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10_000)]
    detail: Option<String>,
}

/// How much a request may carry.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"events": 5000, "bytes": 10_485_760, "event_bytes": 262_144, "tolerated_future_minutes": 5, "encodings": ["gzip", "zstd"]}))]
pub struct IntakeLimits {
    /// Events of one request.
    #[schema(minimum = 1)]
    events: usize,
    /// Bytes of one request, decompressed.
    #[schema(minimum = 1)]
    bytes: usize,
    /// Bytes of one event.
    #[schema(minimum = 1)]
    event_bytes: usize,
    /// How far ahead of our clock an event's time may be and still count.
    #[schema(minimum = 0)]
    tolerated_future_minutes: i64,
    /// Content encodings beside none.
    #[schema(max_items = 10, value_type = Vec<ContentEncoding>)]
    encodings: Vec<ContentEncoding>,
}

/// A way to compress a body.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentEncoding {
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// Takes usage events in
///
/// One CloudEvent (structured or binary mode), a batch, a JSON list, or lines of JSON; gzip or zstd if wanted. An event names its customer
/// as `subject` by what the CRM calls it, and its person as `person` or `data.person`. Its identity is its source and id: sent again it is a
/// `duplicate`, whatever was lost on the way, and so needs no `Idempotency-Key`; with another payload it is a `conflict`, and the first stays.
/// Each event has its own result: a wrong one does not hold up the others. 200 when all were taken or known, 207 when some were not; either
/// means that what was accepted is durable.
#[utoipa::path(tag = "events", security(("bearer" = ["events:write"])), params(IntakeOptions),
    request_body(content(
        (serde_json::Value = "application/cloudevents+json"), (Vec<serde_json::Value> = "application/cloudevents-batch+json"),
        (serde_json::Value = "application/json"), (String = "application/x-ndjson"),
    )),
    responses(
        (status = 200, description = "All were taken, or known already.", body = IntakeAnswer),
        (status = 207, description = "Some were rejected or are conflicts.", body = IntakeAnswer),
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
    let answer = deliver(&cx, events, &options.0).await?;
    let is_clean = answer.rejected == 0 && answer.conflict == 0;
    let status = if is_clean { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Answer::json(status, &answer)
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

/// An event's id, and what was wrong with it when it was read.
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

impl IntakeResult {
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
                told(Intake::Conflict, "conflict", "another event with this source and id is there already; it stays")
            }
            (Intake::Accepted | Intake::Quarantined, _) if is_untaken => told(
                Intake::Rejected,
                "not_taken",
                "others of this request could not be taken, and atomic=true takes all or none",
            ),
            (_, Some(Held::UnknownCustomer)) => {
                let detail = "no customer has this reference yet; it counts as soon as one has";
                Self { pointer: Some("/subject".to_owned()), ..told(intake, "unknown_customer", detail) }
            }
            (_, Some(Held::FutureTime)) => {
                let detail =
                    format!("its time is more than {TOLERATED_MINUTES} minutes ahead; it counts when it is released");
                Self { pointer: Some("/time".to_owned()), ..told(intake, "future_time", &detail) }
            }
            (status, None) => Self { index, id, status, code: None, pointer: None, detail: None },
        }
    }

    /// The first mistake stands for all: an event that is wrong is mended as a whole.
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

/// Says how much a request of events may carry
#[utoipa::path(tag = "events", security(("bearer" = ["events:write"])), responses((status = 200, description = "The limits.", body = IntakeLimits)))]
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
