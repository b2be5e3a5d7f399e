//! Scores that people set in place of the computed ones, for a time and for a reason.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::NaiveDate;
use milepost_domain::customer::health::score::on_grid;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::Note;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{HealthOverride, customer};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::store::customer_records::{self, OverrideRow};
use crate::unit::{Change, Entity};

/// A score to set in place of the computed one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"score": 30, "reason": "Their sponsor has left.", "expires_on": "2026-06-04"}))]
pub struct HealthOverrideDraft {
    /// The score, from 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    score: f64,
    /// Why.
    reason: Note,
    /// The last day on which it holds.
    expires_on: NaiveDate,
}

/// The overrides of a customer's health.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthOverrides {
    /// The last first.
    #[schema(max_items = 100_000)]
    data: Vec<HealthOverride>,
}

/// An override as it is shown.
pub fn shown(row: OverrideRow) -> HealthOverride {
    let OverrideRow { id, score, reason, from_on, expires_on, ended_on, author, recorded_at, .. } = row;
    HealthOverride { id, score, reason, from_on, expires_on, ended_on, author, recorded_at }
}

/// Sets a customer's score in place of the computed one, from today until it expires
///
/// The computed score stays visible beside it. Of several that hold, the one set last counts.
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])), request_body = HealthOverrideDraft,
    responses((status = 201, description = "As set.", body = HealthOverride)))]
#[post("/v1/customers/{id}/health/overrides")]
pub async fn set_health_override(
    cx: Context,
    id: Path<Uuid>,
    body: Body<HealthOverrideDraft>,
) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        customer(&mut unit.conn, unit.organization_id, *id).await?;
        if draft.expires_on < unit.today {
            return Err(ValueRule::InThePast { today: unit.today }.at("/expires_on").into());
        }
        let row = OverrideRow {
            id: unit.new_id(),
            customer_id: *id,
            score: on_grid(draft.score),
            reason: draft.reason.to_string(),
            from_on: unit.today,
            expires_on: draft.expires_on,
            author: unit.author(),
            recorded_at: unit.now,
            ended_on: None,
            ended_at: None,
        };
        customer_records::insert_override(&mut unit.conn, unit.organization_id, &row).await?;
        let after = shown(row);
        let of = (Entity::Customer, *id);
        unit.record(Change { verb: "health_overridden", entity: of, root: of, before: None, after: Some(&after) })
            .await?;
        Answer::created(format!("/v1/customers/{}/health/overrides", *id), &after)
    })
    .await
}

/// Lists the overrides of a customer's health, the last first
#[utoipa::path(tag = "health", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The overrides.", body = HealthOverrides)))]
#[get("/v1/customers/{id}/health/overrides")]
pub async fn list_health_overrides(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    customer(&mut conn, cx.organization_id(), *id).await?;
    let rows = customer_records::overrides(&mut conn, cx.organization_id(), Some(&[*id])).await?;
    Ok(Answer::ok(&HealthOverrides { data: rows.into_iter().rev().map(shown).collect() })?.content_tag())
}

/// Takes an override back: from today on the computed score counts again
#[utoipa::path(tag = "health", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "As taken back.", body = HealthOverride)))]
#[post("/v1/customers/{id}/health/overrides/{override_id}/end")]
pub async fn end_health_override(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (id, override_id) = path.into_inner();
    cx.write(async |unit| {
        let rows = customer_records::overrides(&mut unit.conn, unit.organization_id, Some(&[id])).await?;
        let before = rows.into_iter().find(|row| row.id == override_id).ok_or_else(ApiError::not_found)?;
        if before.ended_at.is_some() {
            return Err(ApiError::new(Code::Conflict, "It has been taken back already."));
        }
        let after = OverrideRow { ended_on: Some(unit.today), ended_at: Some(unit.now), ..before.clone() };
        customer_records::end_override(&mut unit.conn, unit.organization_id, &after).await?;
        let (before, after) = (shown(before), shown(after));
        let of = (Entity::Customer, id);
        let change =
            Change { verb: "health_override_ended", entity: of, root: of, before: Some(&before), after: Some(&after) };
        unit.record(change).await?;
        Answer::ok(&after)
    })
    .await
}
