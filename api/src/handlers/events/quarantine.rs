//! Quarantined events, which are recorded but do not count, and their release.

use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KeptEvent;
use super::list::{EventFilters, page};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{Page, Paging};
use crate::store::usage_events;
use crate::unit::{Change, Entity};

/// Events to release.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sequences": [4711, 4712]}))]
pub struct ReleaseDraft {
    /// Sequence numbers of the events.
    #[schema(min_items = 1, max_items = 5000)]
    sequences: Vec<i64>,
}

/// Result of a release.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"released": 2}))]
pub struct Released {
    /// Number of released events.
    #[schema(maximum = 5000)]
    released: usize,
}

/// List quarantined usage events
///
/// Returns the events that are recorded but do not count, the most recently received first. `held` states the reason.
/// With `unknown_customer`, no customer had the event's subject as its external reference at the time of the event; the
/// event counts as soon as one has it, unless it happened before the deletion of a customer that had it. The same reason
/// holds for a Segment message that names no customer, until its person belongs to one. With `future_time`, the event's
/// time was too far in the future on arrival; the event counts once it is released.
#[utoipa::path(tag = "events", security(("bearer" = ["events:read"])), params(Paging, EventFilters),
    responses((status = 200, description = "A page of quarantined events.", body = Page<KeptEvent>)))]
#[get("/v1/events/quarantine")]
pub async fn list_quarantine(cx: Context, paging: Paging, filters: Query<EventFilters>) -> Result<Answer, ApiError> {
    page(&cx, &paging, filters.0, true).await
}

/// Release quarantined usage events
///
/// Releases events that were held because of a time in the future. All other sequence numbers are ignored. Events of
/// unknown customers count as soon as the customer is created.
#[utoipa::path(tag = "events", security(("bearer" = ["events:write"])), request_body = ReleaseDraft,
    responses((status = 200, description = "The number of released events.", body = Released)))]
#[post("/v1/events/quarantine/release")]
pub async fn release_events(cx: Context, body: Body<ReleaseDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let released = usage_events::release(&mut unit.conn, unit.organization_id, &body.0.sequences, unit.now).await?;
        if released > 0 {
            let entity = (Entity::Organization, unit.organization_id);
            let change = Change { verb: "events_released", entity, root: entity, before: None, after: Some(&body.0) };
            unit.record(change).await?;
        }
        Answer::ok(&Released { released })
    })
    .await
}
