//! Events that are kept but do not count, and releasing them.

use actix_web::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KeptEvent;
use super::list::{EventFilters, page};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{Page, Paging, PagingParams};
use crate::store::usage_events;
use crate::unit::{Change, Entity};

/// Which events to release.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sequences": [4711, 4712]}))]
pub struct ReleaseDraft {
    /// Their numbers.
    #[schema(min_items = 1, max_items = 5000)]
    sequences: Vec<i64>,
}

/// How many were released.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"released": 2}))]
pub struct Released {
    /// Events that count from now on.
    #[schema(maximum = 5000)]
    released: u64,
}

/// Lists events that are kept but do not count, those that came last first
///
/// `unknown_customer`: no customer has the event's subject as its reference; it counts as soon as one has. `future_time`: its time was
/// ahead of our clock when it came; it counts when it is released.
#[utoipa::path(tag = "events", security(("bearer" = ["events:read"])), params(PagingParams, EventFilters),
    responses((status = 200, description = "A page of events.", body = Page<KeptEvent>)))]
#[get("/v1/events/quarantine")]
pub async fn list_quarantine(cx: Context, paging: Paging, filters: Query<EventFilters>) -> Result<Answer, ApiError> {
    page(&cx, &paging, filters.0, true).await
}

/// Releases events that were held for their time
///
/// Events of unknown customers are released by adding the customer.
#[utoipa::path(tag = "events", security(("bearer" = ["events:write"])), request_body = ReleaseDraft,
    responses((status = 200, description = "How many there were.", body = Released)))]
#[post("/v1/events/quarantine/release")]
pub async fn release_events(cx: Context, body: Body<ReleaseDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let released = usage_events::release(&mut unit.conn, unit.organization_id, &body.0.sequences).await?;
        if released > 0 {
            let entity = (Entity::Organization, unit.organization_id);
            let change = Change { verb: "events_released", entity, root: entity, before: None, after: Some(&body.0) };
            unit.record(change).await?;
        }
        Answer::ok(&Released { released })
    })
    .await
}
