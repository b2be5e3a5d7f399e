//! Costs of a plan.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::NaiveDate;
use milepost_domain::plan::milestone::may_occur;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Key, Note, Reason};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::record::{self, Record};
use crate::store::costs::CostEntry;
use crate::store::plans;
use crate::unit::Entity;

impl Record for CostEntry {
    const OF: &'static str = "plan_id";
    const ENTITY: Entity = Entity::Plan;
    const VERB: &'static str = "cost_recorded";

    fn of(&self) -> Uuid {
        self.plan_id
    }
}

/// Cost to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"incurred_on": "2026-03-31", "amount_minor": 450_000, "milestone": "pipeline", "note": "Invoice 118"}))]
pub struct CostDraft {
    /// Day on which the cost was incurred. Not in the future.
    incurred_on: NaiveDate,
    /// Amount, in the smallest unit of the plan's currency. A negative amount corrects an earlier entry.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64)]
    amount_minor: i64,
    /// Key of the milestone that the cost belongs to.
    milestone: Option<Key>,
    /// Note.
    note: Option<Note>,
}

/// List a plan's costs
///
/// Returns a page of the costs, the most recently recorded first.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of costs.", body = Page<CostEntry>)))]
#[get("/v1/plans/{id}/costs")]
pub async fn list_costs(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    cx.plans().await?.find(*id).ok_or_else(ApiError::not_found)?;
    record::list::<CostEntry>(&cx, &mut cx.read().await?, *id, &paging).await
}

/// Get a cost of a plan
///
/// Returns one recorded cost.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The cost.", body = CostEntry)))]
#[get("/v1/plans/{id}/costs/{record_id}")]
pub async fn read_cost(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    record::read::<CostEntry>(&cx, path.0, path.1).await
}

/// Record a cost of a plan
///
/// Costs never change; a correction takes one back and records the right one.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), request_body = CostDraft,
    responses((status = 201, description = "The recorded cost.", body = CostEntry)))]
#[post("/v1/plans/{id}/costs")]
pub async fn record_cost(cx: Context, id: Path<Uuid>, body: Body<CostDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        may_occur(draft.incurred_on, None, unit.today).map_err(|rule| rule.at("/incurred_on"))?;
        let milestone = |key: &Key| {
            let unknown = || ApiError::field("/milestone", "unknown_milestone", "names no milestone of this plan");
            record.milestones.iter().find(|row| row.key == key.as_str()).map(|row| row.id).ok_or_else(unknown)
        };
        let cost = CostEntry {
            id: unit.new_id(),
            plan_id: *id,
            milestone_id: draft.milestone.as_ref().map(milestone).transpose()?,
            incurred_on: draft.incurred_on,
            amount_minor: draft.amount_minor,
            note: draft.note.clone(),
            corrects: None,
            author: unit.author(),
            recorded_at: unit.now,
        };
        record.plan.version += 1;
        record.plan.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
        record::append(unit, &cost).await?;
        record::recorded(unit, &format!("/v1/plans/{id}/costs"), &cost).await
    })
    .await
}

/// Correction of a cost.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount_minor": 540_000, "reason": "Digits of the invoice were swapped."}))]
pub struct CostCorrection {
    /// Right day. Unchanged if omitted.
    incurred_on: Option<NaiveDate>,
    /// Right amount, in the smallest unit of the plan's currency. Unchanged if omitted; 0 takes the cost back.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64)]
    amount_minor: Option<i64>,
    /// Reason for the correction.
    reason: Reason,
}

/// Record a correction of a cost
///
/// Takes the recorded amount back on its own day and records the right cost. Both entries name the corrected one. A cost is
/// corrected once; to correct it again, correct the entry that holds the right amount.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    request_body = CostCorrection,
    responses((status = 201, description = "The right cost, or the entry that takes the cost back.", body = CostEntry)))]
#[post("/v1/plans/{id}/costs/{record_id}/corrections")]
pub async fn correct_cost(
    cx: Context,
    path: Path<(Uuid, Uuid)>,
    body: Body<CostCorrection>,
) -> Result<Answer, ApiError> {
    let ((id, cost_id), draft) = (path.into_inner(), body.0);
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        let wrong = record.costs.iter().find(|cost| cost.id == cost_id).ok_or_else(ApiError::not_found)?.clone();
        if record.costs.iter().any(|cost| cost.corrects == Some(cost_id)) {
            return Err(ValueRule::AlreadyRecorded.at("").into());
        }
        let incurred_on = draft.incurred_on.unwrap_or(wrong.incurred_on);
        may_occur(incurred_on, None, unit.today).map_err(|rule| rule.at("/incurred_on"))?;
        let entry = |incurred_on, amount_minor, id| CostEntry {
            id,
            incurred_on,
            amount_minor,
            note: Some(draft.reason.clone().into()),
            corrects: Some(cost_id),
            author: unit.author(),
            recorded_at: unit.now,
            ..wrong.clone()
        };
        let back = entry(wrong.incurred_on, -wrong.amount_minor, unit.new_id());
        let right = draft.amount_minor.unwrap_or(wrong.amount_minor);
        let right = (right != 0).then(|| entry(incurred_on, right, unit.new_id()));
        record.plan.version += 1;
        record.plan.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
        record::append(unit, &back).await?;
        if let Some(right) = &right {
            record::append(unit, right).await?;
        }
        record::recorded(unit, &format!("/v1/plans/{id}/costs"), right.as_ref().unwrap_or(&back)).await
    })
    .await
}
