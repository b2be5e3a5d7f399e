//! What was spent on a plan.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::Rule as _;
use milepost_domain::plan::milestone::may_occur;
use milepost_domain::values::text::{Key, Note};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::paging::{Page, Paging, PagingParams};
use crate::store::costs::{self, CostRow};
use crate::store::keyset::{Direction, Key as PositionKey, Order, Position};
use crate::store::plans;
use crate::unit::{Change, Entity};

/// Something spent, or a correction of something spent.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"incurred_on": "2026-03-31", "amount_minor": 450_000, "milestone": "pipeline", "note": "Invoice 118"}))]
pub struct CostDraft {
    /// The day it was incurred; not in the future.
    incurred_on: NaiveDate,
    /// How much, in minor units of the plan's currency; negative corrects an earlier entry.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64)]
    amount_minor: i64,
    /// Key of the milestone it was spent on.
    milestone: Option<Key>,
    /// What it was.
    note: Option<Note>,
}

/// An entry of cost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "milestone_id": null,
    "incurred_on": "2026-03-31", "amount_minor": 450_000, "note": "Invoice 118", "author": "api_client:0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11",
    "recorded_at": "2026-04-01T09:00:00Z"
}))]
pub struct CostEntry {
    /// Its id.
    id: Uuid,
    /// The plan.
    plan_id: Uuid,
    /// The milestone it was spent on.
    milestone_id: Option<Uuid>,
    /// The day it was incurred.
    incurred_on: NaiveDate,
    /// How much, in minor units of the plan's currency.
    amount_minor: i64,
    /// What it was.
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
    /// Who recorded it.
    #[schema(max_length = 300)]
    author: String,
    /// When it was recorded.
    recorded_at: DateTime<Utc>,
}

/// Lists what was spent on a plan, by day
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), params(PagingParams),
    responses((status = 200, description = "A page of entries.", body = Page<CostEntry>)))]
#[get("/v1/plans/{id}/costs")]
pub async fn list_costs(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    cx.plans().await?.find(*id).ok_or_else(ApiError::not_found)?;
    let slice = paging.slice(Order::Date("incurred_on"), Direction::Ascending)?;
    let rows = costs::list(&mut cx.read().await?, cx.organization_id(), *id, &slice).await?;
    let position = |row: &CostRow| Position { key: Some(PositionKey::Date(row.incurred_on)), id: row.id };
    paging.answer(rows, position, CostEntry::from)
}

/// Records what was spent on a plan
///
/// Entries are never changed; a correction is an entry of the opposite sign.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), request_body = CostDraft,
    responses((status = 201, description = "The entry.", body = CostEntry)))]
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
        let cost = CostRow {
            id: unit.new_id(),
            plan_id: *id,
            milestone_id: draft.milestone.as_ref().map(milestone).transpose()?,
            incurred_on: draft.incurred_on,
            amount_minor: draft.amount_minor,
            note: draft.note.clone().map(String::from),
            author: unit.author(),
            recorded_at: unit.now,
        };
        costs::insert(&mut unit.conn, unit.organization_id, &cost).await?;
        record.plan.version += 1;
        record.plan.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
        let entry = CostEntry::from(cost);
        let of = (Entity::Plan, *id);
        unit.record(Change { verb: "cost_recorded", entity: of, root: of, before: None, after: Some(&entry) }).await?;
        Answer::created(format!("/v1/plans/{id}/costs"), &entry)
    })
    .await
}

impl From<CostRow> for CostEntry {
    fn from(row: CostRow) -> Self {
        Self {
            id: row.id,
            plan_id: row.plan_id,
            milestone_id: row.milestone_id,
            incurred_on: row.incurred_on,
            amount_minor: row.amount_minor,
            note: row.note,
            author: row.author,
            recorded_at: row.recorded_at,
        }
    }
}
