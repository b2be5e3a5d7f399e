//! Overrides: scores that people set in place of the computed ones, for a time and for a reason.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::NaiveDate;
use milepost_domain::customer::health::score::on_grid;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::Reason;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{customer, customer_to_change};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::record::{self, Record};
use crate::store::customer_records::HealthOverride;
use crate::store::row;
use crate::unit::{Change, Entity};

impl Record for HealthOverride {
    const OF: &'static str = "customer_id";
    const ENTITY: Entity = Entity::Customer;
    const VERB: &'static str = "health_overridden";

    fn of(&self) -> Uuid {
        self.customer_id
    }
}

/// Override to set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"score": 30, "reason": "Their sponsor has left.", "expires_on": "2026-06-04"}))]
pub struct HealthOverrideDraft {
    /// Score in place of the computed one, from 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    score: f64,
    /// Reason for the override.
    reason: Reason,
    /// Last day on which the override applies.
    expires_on: NaiveDate,
}

/// Override a customer's health score
///
/// Sets a score in place of the computed one, from today until it expires. The computed score stays visible beside it. If
/// several overrides apply, the newest counts.
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])), request_body = HealthOverrideDraft,
    responses((status = 201, description = "The created override.", body = HealthOverride)))]
#[post("/v1/customers/{id}/health/overrides")]
pub async fn set_health_override(
    cx: Context,
    id: Path<Uuid>,
    body: Body<HealthOverrideDraft>,
) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let customer = customer_to_change(unit, *id).await?;
        if draft.expires_on < unit.today {
            return Err(ValueRule::InThePast { today: unit.today }.at("/expires_on").into());
        }
        let set = HealthOverride {
            id: unit.new_id(),
            customer_id: *id,
            customer_ref: customer.content.external_ref,
            score: on_grid(draft.score),
            reason: draft.reason.clone().into(),
            from_on: unit.today,
            expires_on: draft.expires_on,
            ended_on: None,
            ended_at: None,
            author: unit.author(),
            recorded_at: unit.now,
        };
        record::append(unit, &set).await?;
        record::recorded(unit, &format!("/v1/customers/{id}/health/overrides"), &set).await
    })
    .await
}

/// List the overrides of a customer's health
///
/// Returns a page of the overrides, the newest first. Expired and ended overrides are included.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])), params(Paging),
    responses((status = 200, description = "A page of overrides.", body = Page<HealthOverride>)))]
#[get("/v1/customers/{id}/health/overrides")]
pub async fn list_health_overrides(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    customer(&mut conn, cx.organization_id(), *id).await?;
    record::list::<HealthOverride>(&cx, &mut conn, *id, &paging).await
}

/// Get an override of a customer's health
///
/// Returns expired and ended overrides too.
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The override.", body = HealthOverride)))]
#[get("/v1/customers/{id}/health/overrides/{override_id}")]
pub async fn read_health_override(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    record::read::<HealthOverride>(&cx, path.0, path.1).await
}

/// End an override of a customer's health
///
/// From today on, the computed score counts again. An override ends once: ending it again is refused with 409.
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The ended override.", body = HealthOverride)))]
#[post("/v1/customers/{id}/health/overrides/{override_id}/end")]
pub async fn end_health_override(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (id, override_id) = path.into_inner();
    cx.write(async |unit| {
        let before: HealthOverride = record::find(&mut unit.conn, unit.organization_id, id, override_id).await?;
        if before.ended_at.is_some() {
            return Err(ApiError::new(Code::Conflict, "The override has already ended."));
        }
        let after = HealthOverride { ended_on: Some(unit.today), ended_at: Some(unit.now), ..before.clone() };
        row::update(&mut unit.conn, unit.organization_id, &after).await?;
        let of = (Entity::Customer, id);
        let change =
            Change { verb: "health_override_ended", entity: of, root: of, before: Some(&before), after: Some(&after) };
        unit.record(change).await?;
        Answer::ok(&after)
    })
    .await
}
