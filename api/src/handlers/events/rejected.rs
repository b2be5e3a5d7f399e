//! Rejected messages: what was refused on arrival, kept for those who mend it.

use actix_web::web::Path;
use actix_web::{delete, get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::intake;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::{Body, Query};
use crate::handlers::segment::process::process;
use crate::ingest::event::Form;
use crate::ingest::segment::{Envelope, source_of};
use crate::paging::{Page, Paging};
use crate::store::keyset::{Direction, Order, Position};
use crate::store::rejected_messages::{Channel, RejectedRow};
use crate::store::row::{self, Condition};

/// A rejected message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeptMessage, example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "channel": "segment_batch",
    "content": "{\"type\": \"track\", \"messageId\": \"m-7\", \"event\": NaN}",
    "is_cut": false, "code": "malformed", "pointer": "", "detail": "is not valid JSON: expected value at line 1 column 48",
    "received_at": "2026-05-04T12:00:00Z"
}))]
pub struct KeptMessage {
    /// Identifier.
    id: Uuid,
    /// Way on which the message came.
    channel: Channel,
    /// Text of the message as it came. Bytes that are not UTF-8 are replaced.
    #[schema(max_length = 100_000)]
    content: String,
    /// Whether the text was too long to be kept whole.
    is_cut: bool,
    /// Code of the reason.
    #[schema(max_length = 100)]
    code: String,
    /// JSON pointer to the cause within the message; null if there is none.
    #[schema(max_length = 1000)]
    pointer: Option<String>,
    /// Explanation of the reason.
    #[schema(max_length = 10_000)]
    detail: String,
    /// Time at which the message was received.
    received_at: DateTime<Utc>,
}

impl From<RejectedRow> for KeptMessage {
    fn from(row: RejectedRow) -> Self {
        let RejectedRow { id, channel, content, is_cut, code, pointer, detail, received_at, .. } = row;
        Self { id, channel, content, is_cut, code, pointer, detail, received_at }
    }
}

/// Number of characters of a message that a list shows.
const LISTED_CHARS: usize = 1_000;

/// Filters of rejected messages.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RejectedFilters {
    /// Filter by the way on which the message came.
    #[param(inline)]
    channel: Option<Channel>,
}

/// Message to process in place of a rejected one.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"message": {"type": "track", "messageId": "m-7", "userId": "hr-17", "event": "Report exported"}}))]
pub struct ReplayDraft {
    /// Mended message. Defaults to the message as it came.
    message: Option<Value>,
}

/// List rejected messages
///
/// Returns the messages that were refused on arrival, the newest first, each with its reason and the first 1,000
/// characters. They are kept for 30 days, up to 200 of a request and 5,000 in all. Senders that read the response know
/// of them already; libraries do not read it.
#[utoipa::path(tag = "events", security(("bearer" = ["events:read"])), params(Paging, RejectedFilters),
    responses((status = 200, description = "A page of rejected messages.", body = Page<KeptMessage>)))]
#[get("/v1/events/rejected")]
pub async fn list_rejected_messages(
    cx: Context,
    paging: Paging,
    filters: Query<RejectedFilters>,
) -> Result<Answer, ApiError> {
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let conditions: Vec<Condition> =
        filters.0.channel.and_then(|channel| Condition::one_of("channel", &[channel])).into_iter().collect();
    let rows: Vec<RejectedRow> = row::page(&mut cx.read().await?, cx.organization_id(), &conditions, &slice).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| KeptMessage::from(beginning(row)))
}

/// The row with the beginning of its text: a page of whole messages could be too large to be looked at.
fn beginning(row: RejectedRow) -> RejectedRow {
    RejectedRow { content: row.content.chars().take(LISTED_CHARS).collect(), ..row }
}

/// Get a rejected message
///
/// Returns the message as it came, up to 32 KiB of it.
#[utoipa::path(tag = "events", security(("bearer" = ["events:read"])),
    responses((status = 200, description = "The rejected message.", body = KeptMessage)))]
#[get("/v1/events/rejected/{record_id}")]
pub async fn read_rejected_message(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let found: Option<RejectedRow> = row::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    Ok(Answer::ok(&KeptMessage::from(found.ok_or_else(ApiError::not_found)?))?.content_tag())
}

/// Replay a rejected message
///
/// Processes the message again, or a mended one in its place, as if it had been taken when it came: of the same source, and with the same
/// clock. If it is taken, it leaves the list; if it is refused again, the response is 422 with the reason.
#[utoipa::path(tag = "events", security(("bearer" = ["events:write"])), request_body = Option<ReplayDraft>,
    responses((status = 204, description = "The message was taken.")))]
#[post("/v1/events/rejected/{record_id}/replay")]
pub async fn replay_rejected_message(cx: Context, id: Path<Uuid>, body: Body<ReplayDraft>) -> Result<Answer, ApiError> {
    let found: Option<RejectedRow> = row::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    let found = found.ok_or_else(ApiError::not_found)?;
    let mended = body.0.message.map(|message| message.to_string());
    if mended.is_none() && found.is_cut {
        return Err(ApiError::field(
            "/message",
            "required",
            "must be given, because the message was too long to be kept whole",
        ));
    }
    let text = mended.as_deref().unwrap_or(&found.content);
    let errors: Vec<FieldError> = match found.channel.segment_call() {
        Some(call) => {
            // As if it had been taken when it came: by its sender, and with its clock.
            let own = source_of(&cx.who.caller.author);
            let source = found.source.as_deref().unwrap_or(&own);
            let envelope = Envelope { call, source, sent_at: found.sent_at, received_at: found.received_at };
            let answer = process(&cx, &[text.as_bytes()], &envelope).await?;
            answer.rejected.into_iter().map(FieldError::from).collect()
        }
        None => {
            let form = if found.channel == Channel::CloudEvents { Form::CloudEvent } else { Form::Plain };
            intake::take_again(&cx, text.as_bytes(), form, found.received_at).await?
        }
    };
    if !errors.is_empty() {
        let within = |error: FieldError| FieldError {
            pointer: error.pointer.map(|pointer| format!("/message{pointer}")),
            ..error
        };
        return Err(ApiError::with_errors(Code::ValidationFailed, errors.into_iter().map(within).collect()));
    }
    remove(&cx, *id).await
}

/// Delete a rejected message
///
/// Removes the message from the list.
#[utoipa::path(tag = "events", security(("bearer" = ["events:write"])),
    responses((status = 204, description = "The message was removed.")))]
#[delete("/v1/events/rejected/{record_id}")]
pub async fn delete_rejected_message(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let found: Option<RejectedRow> = row::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    found.ok_or_else(ApiError::not_found)?;
    remove(&cx, *id).await
}

async fn remove(cx: &Context, id: Uuid) -> Result<Answer, ApiError> {
    let mut conn = cx.app.db.begin().await?;
    row::delete::<RejectedRow>(&mut conn, cx.organization_id(), id).await?;
    conn.commit().await?;
    Ok(Answer::no_content())
}
