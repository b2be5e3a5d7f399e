//! Erasure of a person's usage events.

use actix_web::post;
use chrono::{DateTime, Utc};
use milepost_domain::customer::reference::Period;
use milepost_domain::values::text::ExternalRef;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::measured_events::{Axis, Span};
use crate::store::reference_periods::{self, Holder};
use crate::store::{Conn, rejected_messages, usage_events};
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
/// Permanently deletes all usage events of the person, across all customers, and under all references that the person has had. All figures
/// are computed from the stored events, so they no longer include the deleted ones. The ledger records the number of deleted events, but
/// not the person. Rejected messages that contain the reference are deleted, too. If the same events are sent again, they count as new.
#[utoipa::path(tag = "events", security(("bearer" = ["admin"])), request_body = ErasureDraft,
    responses((status = 200, description = "The number of deleted events.", body = Erased)))]
#[post("/v1/events/erase")]
pub async fn erase_events(cx: Context, body: Body<ErasureDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let mut erased = Erased { erased: 0 };
        for span in names_of(conn, organization_id, body.0.person.as_str(), unit.now).await? {
            erased.erased += usage_events::erase(conn, organization_id, &span, unit.now).await?;
            rejected_messages::forget(conn, organization_id, &span.reference).await?;
        }
        let entity = (Entity::Organization, unit.organization_id);
        let change = Change { verb: "events_erased", entity, root: entity, before: None, after: Some(&erased) };
        unit.record(change).await?;
        Answer::ok(&erased)
    })
    .await
}

/// The names of a person in events: the reference at any time, and others of whoever has it, in their periods.
async fn names_of(
    conn: &mut Conn,
    organization_id: Uuid,
    person: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Span>, ApiError> {
    let always = Period { from_at: None, until_at: None };
    let mut names = vec![Span { axis: Axis::Person, reference: person.to_owned(), period: always }];
    let known = reference_periods::with_refs(conn, organization_id, Holder::Person, &[person]).await?;
    if let Some(holder_id) = known.iter().find(|row| row.period().covers(now)).and_then(|row| row.holder_id) {
        let others = reference_periods::of_holder(conn, organization_id, holder_id).await?;
        names.extend(others.iter().filter(|row| row.external_ref != person).map(Span::from));
    }
    Ok(names)
}
