//! Dependencies of plans on other plans.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, Utc};
use milepost_domain::access::Scope;
use milepost_domain::plan::external::may_wait_for;
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Key, Name, Note};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::read_model::PlanView;
use crate::record::{self, Record, Withdrawable, Withdrawal};
use crate::resources::milestones::check_record;
use crate::store::authored::name_all;
use crate::store::keyset::Position;
use crate::store::plan_dependencies::PlanDependency;
use crate::store::row::Column as _;
use crate::store::row::Condition;
use crate::store::{plans, row};
use crate::unit::Entity;

impl Record for PlanDependency {
    const OF: &'static str = "plan_id";
    const ENTITY: Entity = Entity::Plan;
    const VERB: &'static str = "dependency_added";

    fn of(&self) -> Uuid {
        self.plan_id
    }
}

impl Withdrawable for PlanDependency {
    const WITHDRAWN: &'static str = "dependency_withdrawn";

    fn withdrawal(&mut self) -> (&mut Option<DateTime<Utc>>, &mut Option<Note>) {
        (&mut self.withdrawn_at, &mut self.withdrawal_reason)
    }
}

/// Dependency on another plan to add.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"milestone": "go-live", "on_plan_id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11", "on_milestone": "pipeline",
    "lag_days": 2}))]
pub struct PlanDependencyDraft {
    /// Key of the milestone that waits.
    milestone: Key,
    /// Identifier of the other plan.
    on_plan_id: Uuid,
    /// Key of the milestone in the other plan.
    on_milestone: Key,
    /// Lag in days of the waiting plan's calendar; negative for an overlap.
    #[serde(default)]
    #[schema(minimum = -365, maximum = 365)]
    lag_days: i64,
}

/// Add a dependency on another plan
///
/// The milestone cannot be reached before the milestone of the other plan, the lag, and its own duration. A slip in the other plan then
/// pushes the reckoned dates of this one, in all answers. Plans must not wait for each other in a circle, and at most ten may wait in a
/// row. Whoever may read the waiting plan sees the name of the other one and the key of the milestone, so the caller must be able to read
/// both.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    request_body = PlanDependencyDraft,
    responses((status = 201, description = "The added dependency.", body = PlanDependency)))]
#[post("/v1/plans/{id}/dependencies")]
pub async fn add_plan_dependency(
    cx: Context,
    id: Path<Uuid>,
    body: Body<PlanDependencyDraft>,
) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let own = plans::find(conn, organization_id, *id).await?.ok_or_else(ApiError::not_found)?;
        check_record(&own, unit.today)?;
        let unknown = |key: &Key, at: &str| PlanRule::UnknownMilestone { key: key.to_string() }.at(at);
        let milestone = own.milestone(&draft.milestone).ok_or_else(|| unknown(&draft.milestone, "/milestone"))?;
        let unknown_plan = || ApiError::field("/on_plan_id", "unknown_plan", "there is no plan with this id");
        let other = plans::find(conn, organization_id, draft.on_plan_id).await?;
        let other = other
            .filter(|other| cx.may_with_plan(Scope::PlansRead, &PlanView::from(other)))
            .ok_or_else(unknown_plan)?;
        let on_milestone = other.milestone(&draft.on_milestone);
        let on_milestone = on_milestone.ok_or_else(|| unknown(&draft.on_milestone, "/on_milestone"))?;
        let all: Vec<PlanDependency> = row::all(conn, organization_id, &[], "id").await?;
        let holding = all.iter().filter(|one| one.holds_at(None)).map(|one| (one.plan_id, one.on_plan_id));
        may_wait_for(*id, other.plan.id, holding).map_err(|rule| rule.at("/on_plan_id"))?;
        let is_same = |one: &PlanDependency| one.milestone_id == milestone.id && one.on_milestone_id == on_milestone.id;
        if own.sources.iter().any(|source| is_same(&source.dependency)) {
            return Err(ValueRule::AlreadyRecorded.at("/on_milestone").into());
        }
        let dependency = PlanDependency {
            id: unit.new_id(),
            plan_id: *id,
            milestone_id: milestone.id,
            milestone: Some(draft.milestone.clone()),
            on_plan_id: other.plan.id,
            on_plan_name: Some(Name::trusted(other.plan.name.clone())),
            on_milestone_id: on_milestone.id,
            on_milestone: Some(draft.on_milestone.clone()),
            lag_days: draft.lag_days,
            author: unit.author(),
            recorded_at: unit.now,
            withdrawn_at: None,
            withdrawal_reason: None,
        };
        record::append(unit, &dependency).await?;
        record::recorded(unit, &format!("/v1/plans/{id}/dependencies"), &dependency).await
    })
    .await
}

/// List a plan's dependencies on other plans
///
/// Returns a page of the dependencies, the newest first, withdrawn ones included.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of dependencies.", body = Page<PlanDependency>)))]
#[get("/v1/plans/{id}/dependencies")]
pub async fn list_plan_dependencies(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    plans::find(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    record::list::<PlanDependency>(&cx, &mut conn, *id, &paging).await
}

/// List what waits for a plan
///
/// Returns a page of the dependencies of other plans on milestones of this one, the newest first, withdrawn ones included.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of dependencies.", body = Page<PlanDependency>)))]
#[get("/v1/plans/{id}/dependents")]
pub async fn list_plan_dependents(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    plans::find(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    let waiting = [Condition::Equals("on_plan_id", id.to_value())];
    let mut rows: Vec<PlanDependency> = row::all(&mut conn, cx.organization_id(), &waiting, "id").await?;
    let plans = cx.plans().await?;
    rows.retain(|row| plans.find(row.plan_id).is_some_and(|plan| cx.may_with_plan(Scope::PlansRead, plan)));
    name_all(&mut conn, cx.organization_id(), &mut rows).await?;
    paging.answer_newest(rows, |row| Position { key: None, id: row.id }, |row| row)
}

/// Get a plan's dependency on another plan
///
/// Returns one dependency, also if it was withdrawn.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The dependency.", body = PlanDependency)))]
#[get("/v1/plans/{id}/dependencies/{record_id}")]
pub async fn read_plan_dependency(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    record::read::<PlanDependency>(&cx, path.0, path.1).await
}

/// Withdraw a plan's dependency on another plan
///
/// Takes the dependency out of all figures, also those of earlier days. It stays visible, and figures with an earlier `known_at` still
/// follow it.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), request_body = Withdrawal,
    responses((status = 200, description = "The withdrawn dependency.", body = PlanDependency)))]
#[post("/v1/plans/{id}/dependencies/{record_id}/withdraw")]
pub async fn withdraw_plan_dependency(
    cx: Context,
    path: Path<(Uuid, Uuid)>,
    body: Body<Withdrawal>,
) -> Result<Answer, ApiError> {
    record::withdraw::<PlanDependency>(&cx, path.0, path.1, &body.0).await
}
