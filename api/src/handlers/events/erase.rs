//! Erasure of a person's usage events.

use actix_web::post;
use milepost_domain::values::text::ExternalRef;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::{rejected_messages, usage_events};
use crate::unit::{Change, Entity};

/// Person whose usage events to erase.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"person": "p-14dc8d96fa"}))]
pub struct ErasureDraft {
    /// External reference of the person.
    person: ExternalRef,
}

/// Result of an erasure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"erased": 512}))]
pub struct Erased {
    /// Number of erased events.
    #[schema(maximum = 1_000_000_000)]
    pub erased: u64,
}

/// Delete a person's usage events
///
/// Permanently deletes all usage events of the person, across all customers. All figures are computed from the stored
/// events, so they no longer include the deleted ones. The ledger records the number of deleted events, but not the
/// person. Rejected messages that contain the reference are deleted, too. If the same events are sent again, they count as new.
#[utoipa::path(tag = "events", security(("bearer" = ["admin"])), request_body = ErasureDraft,
    responses((status = 200, description = "The number of deleted events.", body = Erased)))]
#[post("/v1/events/erase")]
pub async fn erase_events(cx: Context, body: Body<ErasureDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let person = body.0.person.as_str();
        let erased = usage_events::erase(&mut unit.conn, unit.organization_id, person, unit.now).await?;
        let erased = Erased { erased };
        rejected_messages::forget(&mut unit.conn, unit.organization_id, person).await?;
        let entity = (Entity::Organization, unit.organization_id);
        let change = Change { verb: "events_erased", entity, root: entity, before: None, after: Some(&erased) };
        unit.record(change).await?;
        Answer::ok(&erased)
    })
    .await
}
