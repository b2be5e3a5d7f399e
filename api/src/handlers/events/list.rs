//! Looking at events, and at how far their writing has come.

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
use crate::paging::{Page, Paging, PagingParams};
use crate::store::keyset::{Key, Position};
use crate::store::usage_events::{self, EventRow, Filter};

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventFilters {
    /// Only of the customer that the CRM calls so.
    #[param(inline)]
    subject: Option<ExternalRef>,
    /// Only of the person that the other system calls so.
    #[param(inline)]
    person: Option<ExternalRef>,
    /// Only of exactly this type.
    #[serde(rename = "type")]
    #[param(inline, rename = "type")]
    kind: Option<Name>,
    /// Only from exactly this source.
    #[param(inline)]
    source: Option<Name>,
    /// Happened at or after.
    from: Option<DateTime<Utc>>,
    /// Happened before.
    until: Option<DateTime<Utc>>,
}

/// How far the writing of events has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"received_seq": 4711, "computed_seq": 4711, "behind": 0, "waiting_requests": 0}))]
pub struct EventLag {
    /// The number of the last event that is durable.
    #[schema(minimum = 0)]
    received_seq: i64,
    /// The number of the last event that every figure reckons with.
    #[schema(minimum = 0)]
    computed_seq: i64,
    /// How many events figures are behind.
    #[schema(minimum = 0)]
    behind: i64,
    /// Requests of this server that wait to be written.
    #[schema(maximum = 1024)]
    waiting_requests: usize,
}

/// Lists usage events, those that came last first
#[utoipa::path(tag = "events", security(("bearer" = ["events:read"])), params(PagingParams, EventFilters),
    responses((status = 200, description = "A page of events.", body = Page<KeptEvent>)))]
#[get("/v1/events")]
pub async fn list_events(cx: Context, paging: Paging, filters: Query<EventFilters>) -> Result<Answer, ApiError> {
    page(&cx, &paging, filters.0, false).await
}

/// A page of events, or of those of them that do not count.
pub async fn page(cx: &Context, paging: &Paging, filters: EventFilters, is_held: bool) -> Result<Answer, ApiError> {
    let EventFilters { subject, person, kind, source, from, until } = filters;
    let filter = Filter {
        subject: subject.map(String::from),
        person: person.map(String::from),
        kind: kind.map(String::from),
        source: source.map(String::from),
        from,
        until,
        is_held,
    };
    let mut conn = cx.read().await?;
    let rows =
        usage_events::list(&mut conn, cx.organization_id(), &filter, paging.after_number(), paging.limit + 1).await?;
    let position = |row: &EventRow| Position { key: Some(Key::Number(row.sequence)), id: Uuid::nil() };
    paging.try_answer(rows, position, KeptEvent::of)
}

/// Says how far the writing of events has come
///
/// Figures are computed from the events themselves, so they are never behind what is durable.
#[utoipa::path(tag = "events", security(("bearer" = ["events:read"])), responses((status = 200, description = "How far.", body = EventLag)))]
#[get("/v1/events/lag")]
pub async fn read_event_lag(cx: Context) -> Result<Answer, ApiError> {
    let sequence = usage_events::last_number(&mut cx.read().await?, cx.organization_id()).await?;
    let waiting_requests = cx.app.writer.waiting();
    let lag = EventLag { received_seq: sequence, computed_seq: sequence, behind: 0, waiting_requests };
    Ok(Answer::ok(&lag)?.content_tag())
}
