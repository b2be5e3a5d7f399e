//! Listing of usage events, and the lag of figures behind them.

use actix_web::get;
use chrono::{DateTime, Utc};
use milepost_domain::values::text::{ExternalRef, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::KeptEvent;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{Page, Paging};
use crate::store::keyset::{Key, Position};
use crate::store::usage_events::{self, EventRow, Filter, Holding};

/// Filters of the event list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventFilters {
    /// Filter by customer: the external reference in `subject` (exact match).
    #[param(inline)]
    subject: Option<ExternalRef>,
    /// Filter by person: the external reference (exact match).
    #[param(inline)]
    person: Option<ExternalRef>,
    /// Filter by type (exact match).
    #[serde(rename = "type")]
    #[param(inline, rename = "type")]
    kind: Option<Name>,
    /// Filter by source (exact match).
    #[param(inline)]
    source: Option<Name>,
    /// Earliest time of the event, inclusive.
    from: Option<DateTime<Utc>>,
    /// Latest time of the event, exclusive.
    to: Option<DateTime<Utc>>,
}

/// Lag of figures behind recorded events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"received_seq": 4711, "computed_seq": 4711, "behind": 0, "waiting_requests": 0}))]
pub struct EventLag {
    /// Sequence number of the last event that is durable.
    #[schema(minimum = 0)]
    received_seq: i64,
    /// Sequence number of the last event that all figures include.
    #[schema(minimum = 0)]
    computed_seq: i64,
    /// Number of events that figures do not include yet.
    #[schema(minimum = 0)]
    behind: i64,
    /// Number of requests on this server whose events wait to be written.
    #[schema(maximum = 1024)]
    waiting_requests: usize,
}

/// List usage events
///
/// Returns the most recently received events first, including quarantined ones.
#[utoipa::path(tag = "events", security(("bearer" = ["events:read"])), params(Paging, EventFilters),
    responses((status = 200, description = "A page of events.", body = Page<KeptEvent>)))]
#[get("/v1/events")]
pub async fn list_events(cx: Context, paging: Paging, filters: Query<EventFilters>) -> Result<Answer, ApiError> {
    page(&cx, &paging, filters.0, false).await
}

/// A page of events: all of them, or only those that do not count.
pub async fn page(cx: &Context, paging: &Paging, filters: EventFilters, is_held: bool) -> Result<Answer, ApiError> {
    let EventFilters { subject, person, kind, source, from, to } = filters;
    let filter = Filter {
        subject: subject.map(String::from),
        person: person.map(String::from),
        kind: kind.map(String::from),
        source: source.map(String::from),
        from,
        to,
        held: Holding::All,
    };
    let mut conn = cx.read().await?;
    let (before, number) = (paging.after_number(), paging.limit + 1);
    let rows = if is_held {
        usage_events::held(&mut conn, cx.organization_id(), filter, before, number).await?
    } else {
        usage_events::list(&mut conn, cx.organization_id(), &filter, before, number).await?
    };
    let position = |row: &EventRow| Position { key: Some(Key::Number(row.sequence)), id: Uuid::nil() };
    paging.try_answer(rows, position, KeptEvent::of)
}

/// Get the lag of usage events
///
/// Compares the last durable event with the last event that all figures include. Figures are computed from the events
/// for every request, so they are never behind.
#[utoipa::path(tag = "events", security(("bearer" = ["events:read"])),
responses((status = 200, description = "The lag.", body = EventLag)))]
#[get("/v1/events/lag")]
pub async fn read_event_lag(cx: Context) -> Result<Answer, ApiError> {
    let sequence = usage_events::last_number(&mut cx.read().await?, cx.organization_id()).await?;
    let waiting_requests = cx.app.writer.waiting();
    let lag = EventLag { received_seq: sequence, computed_seq: sequence, behind: 0, waiting_requests };
    Ok(Answer::ok(&lag)?.content_tag())
}
