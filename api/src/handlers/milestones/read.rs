//! Milestones of a plan, and the state transitions of one milestone.

use actix_web::get;
use actix_web::web::Path;
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::milestone::{Action, Evidence, State};
use milepost_domain::values::text::Note;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::moment::AsOf;
use crate::paging::{Page, Paging};
use crate::resources::milestones::Milestone;
use crate::store::author::Author;
use crate::store::authored;
use crate::store::authored::name_all;
use crate::store::keyset::{Direction, Key, Position};
use crate::store::milestones::{self, TransitionRow};
use crate::store::plans::{self, PlanRecord};

/// A state transition of a milestone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "action": "achieve", "from_state": "submitted", "to_state": "achieved",
    "occurred_on": "2026-04-06", "reason": null, "override_reason": null, "evidence": [{"title": "Run 118",
    "url": "https://ci.example.com/118", "note": null}],
    "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-04-06T15:00:00Z"
}))]
pub struct Transition {
    /// Identifier.
    id: Uuid,
    /// Action taken.
    action: Action,
    /// State before the action.
    from_state: State,
    /// State after the action.
    to_state: State,
    /// Day on which the action happened.
    occurred_on: NaiveDate,
    /// Reason for the action.
    #[schema(value_type = Option<Note>)]
    reason: Option<String>,
    /// Reason for achieving the milestone although its dependencies were not met.
    #[schema(value_type = Option<Note>)]
    override_reason: Option<String>,
    /// Evidence.
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
    /// Author of the record.
    author: Author,
    /// Time of recording.
    recorded_at: DateTime<Utc>,
}

/// List a plan's milestones
///
/// Returns a page of the plan's milestones, in the order of the plan. Status and derived fields refer to `as_of`; the other
/// fields are current.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging, AsOf),
    responses((status = 200, description = "A page of milestones.", body = Page<Milestone>)))]
#[get("/v1/plans/{id}/milestones")]
pub async fn list_plan_milestones(
    cx: Context,
    id: Path<Uuid>,
    paging: Paging,
    AsOf(as_of): AsOf,
) -> Result<Answer, ApiError> {
    let record = record(&cx, *id).await?;
    let rows: Vec<_> = (0..).zip(Milestone::all_of(&record, as_of)).collect();
    let position = |row: &(i64, Milestone)| Position { key: Some(Key::Number(row.0)), id: record.plan.id };
    paging.answer_sorted(Direction::Ascending, rows, position, |row| row.1)
}

/// Get a milestone
///
/// Finds the milestone by key or identifier. Status and derived fields refer to `as_of`; the other fields are current.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(AsOf),
    responses((status = 200, description = "The milestone.", body = Milestone)))]
#[get("/v1/plans/{id}/milestones/{milestone}")]
pub async fn read_milestone(cx: Context, path: Path<(Uuid, String)>, AsOf(as_of): AsOf) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    let record = record(&cx, id).await?;
    Milestone::find(&record, &milestone, as_of).ok_or_else(ApiError::not_found)?.answer()
}

/// List a milestone's state transitions
///
/// Returns a page of the actions taken on the milestone, the newest first, each with its reason and evidence.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of state transitions.", body = Page<Transition>)))]
#[get("/v1/plans/{id}/milestones/{milestone}/transitions")]
pub async fn list_milestone_transitions(
    cx: Context,
    path: Path<(Uuid, String)>,
    paging: Paging,
) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    let mut conn = cx.snapshot().await?;
    let record = plans::find(&mut conn, cx.organization_id(), id).await?.ok_or_else(ApiError::not_found)?;
    let milestone = record.milestone(&milestone).ok_or_else(ApiError::not_found)?;
    let rows = milestones::transitions(&mut conn, cx.organization_id(), id, milestone.id).await?;
    let mut transitions: Vec<Transition> = rows.into_iter().filter_map(Transition::of).collect();
    name_all(&mut conn, cx.organization_id(), &mut transitions).await?;
    paging.answer_newest(transitions, |one: &Transition| Position { key: None, id: one.id }, |one| one)
}

async fn record(cx: &Context, plan_id: Uuid) -> Result<PlanRecord, ApiError> {
    plans::find(&mut cx.snapshot().await?, cx.organization_id(), plan_id).await?.ok_or_else(ApiError::not_found)
}

authored!(Transition);

impl Transition {
    fn of(row: TransitionRow) -> Option<Self> {
        Some(Self {
            id: row.id,
            action: row.action.parse().ok()?,
            from_state: row.from_state.parse().ok()?,
            to_state: row.to_state.parse().ok()?,
            occurred_on: row.occurred_on,
            reason: row.reason,
            override_reason: row.override_reason,
            evidence: serde_json::from_str(&row.evidence).unwrap_or_default(),
            author: row.author.0,
            recorded_at: row.recorded_at,
        })
    }
}
