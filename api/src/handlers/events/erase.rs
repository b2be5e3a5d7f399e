//! Erasing what is known of somebody.

use actix_web::post;
use milepost_domain::values::text::ExternalRef;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::usage_events;
use crate::unit::{Change, Entity};

/// Whose events to erase.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"person": "p-14dc8d96fa"}))]
pub struct ErasureDraft {
    /// The person, by what the other system calls them.
    person: ExternalRef,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"erased": 512}))]
pub struct Erased {
    /// How many events.
    #[schema(maximum = 1_000_000_000)]
    pub erased: u64,
}

/// Erases every event of a person
///
/// For good, whichever customer they were of; every figure is without them from then on, because figures are taken from the events themselves.
/// The ledger says that it was done and how many there were, and not whose. The same events sent again would be new.
#[utoipa::path(tag = "events", security(("bearer" = ["admin"])), request_body = ErasureDraft,
    responses((status = 200, description = "How many there were.", body = Erased)))]
#[post("/v1/events/erase")]
pub async fn erase_events(cx: Context, body: Body<ErasureDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let person = body.0.person.as_str();
        let erased = Erased { erased: usage_events::erase(&mut unit.conn, unit.organization_id, person).await? };
        let entity = (Entity::Organization, unit.organization_id);
        let change = Change { verb: "events_erased", entity, root: entity, before: None, after: Some(&erased) };
        unit.record(change).await?;
        Answer::ok(&erased)
    })
    .await
}
