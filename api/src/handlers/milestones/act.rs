//! Actions that move a milestone through its states.

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::hold::on_hold_since;
use milepost_domain::plan::milestone::{
    Action, Evidence, Prerequisite, State, dates_after, may_achieve, may_occur, transition,
};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{Note, Reason};
use serde::Deserialize;
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Milestone, load_running, save};
use crate::answer::Answer;
use crate::awarding;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::precondition::IfMatchOptional;
use crate::store::holds::PlanHold;
use crate::store::milestones::{self, DependencyRow, TransitionRow};
use crate::store::plans::{self, PlanRecord};
use crate::unit::Unit;

/// Details of a step that needs no reason.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"occurred_on": "2026-04-06"}))]
pub struct Step {
    /// Day on which the step happened. Defaults to today.
    occurred_on: Option<NaiveDate>,
    /// Reason for the step.
    reason: Option<Note>,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
}

/// Details of a step that needs a reason.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The client has descoped it."}))]
pub struct ReasonedStep {
    /// Day on which the step happened. Defaults to today.
    occurred_on: Option<NaiveDate>,
    /// Reason for the step.
    reason: Reason,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
}

/// Details of an achievement.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"occurred_on": "2026-04-06", "evidence": [{"title": "Run 118", "url": "https://ci.example.com/118"}]}))]
pub struct Achievement {
    /// Day on which the milestone was achieved. Defaults to today.
    occurred_on: Option<NaiveDate>,
    /// Reason for the step.
    reason: Option<Note>,
    /// Reason for achieving the milestone although its dependencies are not met.
    override_reason: Option<Reason>,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
}

/// Content that every step has.
#[derive(Debug, Clone, Default)]
struct Details {
    occurred_on: Option<NaiveDate>,
    reason: Option<Note>,
    override_reason: Option<Reason>,
    evidence: Vec<Evidence>,
}

impl From<Step> for Details {
    fn from(step: Step) -> Self {
        Self { occurred_on: step.occurred_on, reason: step.reason, override_reason: None, evidence: step.evidence }
    }
}

impl From<ReasonedStep> for Details {
    fn from(step: ReasonedStep) -> Self {
        Self {
            occurred_on: step.occurred_on,
            reason: Some(step.reason.into()),
            override_reason: None,
            evidence: step.evidence,
        }
    }
}

impl From<Achievement> for Details {
    fn from(step: Achievement) -> Self {
        let Achievement { occurred_on, reason, override_reason, evidence } = step;
        Self { occurred_on, reason, override_reason, evidence }
    }
}

/// Start a milestone
///
/// Work on the milestone has begun: `planned → in_progress`.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body(content = Option<Step>),
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/start")]
pub async fn start_milestone(cx: Context, path: Path<(Uuid, String)>, body: Body<Step>) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Start, body.0.into()).await
}

/// Submit a milestone
///
/// The milestone awaits acceptance: `planned` or `in_progress → submitted`.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body(content = Option<Step>),
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/submit")]
pub async fn submit_milestone(cx: Context, path: Path<(Uuid, String)>, body: Body<Step>) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Submit, body.0.into()).await
}

/// Reject a milestone
///
/// The submitted milestone is not accepted and goes back to work: `submitted → in_progress`.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = ReasonedStep,
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/reject")]
pub async fn reject_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<ReasonedStep>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Reject, body.0.into()).await
}

/// Achieve a milestone
///
/// A milestone can be achieved only when its dependencies are met: the milestones it waits for are closed, or started
/// where the relation waits for a start. `override_reason` overrides this check. A badge that the template names for the milestone is
/// awarded to the person whom the plan serves.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body(content = Option<Achievement>),
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/achieve")]
pub async fn achieve_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<Achievement>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Achieve, body.0.into()).await
}

/// Reopen a milestone
///
/// A reopened milestone counts as never closed, so responses for dates in between change too.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = ReasonedStep,
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/reopen")]
pub async fn reopen_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<ReasonedStep>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Reopen, body.0.into()).await
}

/// Waive a milestone
///
/// The milestone is no longer needed. It earns nothing and holds up nothing.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = ReasonedStep,
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/waive")]
pub async fn waive_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<ReasonedStep>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Waive, body.0.into()).await
}

/// Cancel a milestone
///
/// The milestone will not happen. It earns nothing and holds up nothing.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = ReasonedStep,
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/cancel")]
pub async fn cancel_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<ReasonedStep>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Cancel, body.0.into()).await
}

async fn act(
    cx: &Context,
    (id, milestone): (Uuid, String),
    action: Action,
    details: Details,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (mut record, position) = load_running(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let occurred_on = details.occurred_on.unwrap_or(unit.today);
        let milestone = take(unit, &mut record, position, action, details.clone()).await?;
        if action == Action::Achieve {
            awarding::for_milestone(cx, unit, &record, &milestone.key, occurred_on).await?;
        }
        milestone.answer()
    })
    .await
}

/// Takes a step with a milestone of a loaded plan.
async fn take(
    unit: &mut Unit,
    record: &mut PlanRecord,
    position: usize,
    action: Action,
    step: Details,
) -> Result<Milestone, ApiError> {
    let key = record.milestones[position].key.clone();
    let before = Milestone::find(record, &key, unit.today).ok_or_else(ApiError::not_found)?;
    let from = record.milestones[position].state.0;
    let last_on = milestones::last_step_on(&mut unit.conn, unit.organization_id, record.plan.id, before.id).await?;
    let to = decide(record, position, action, &step, last_on, unit.today)?;
    let row = &mut record.milestones[position];
    row.touched_on = Some(unit.today);
    row.state = Text(to);
    (row.started_on, row.closed_on) = dates_after(to, row.started_on, step.occurred_on.unwrap_or(unit.today));
    row.closed_at = row.closed_on.map(|_| unit.now);
    let transition = transition_row(unit, record, position, (action, from, to), step);
    milestones::insert_transition(&mut unit.conn, unit.organization_id, &transition).await?;
    save(unit, record, position, Some(&before), past_tense(action)).await
}

/// Achieves a milestone that was proved, on the day of the proof, but not before the last step that was taken with it. Answers that day;
/// nothing happens if the milestone is no longer open or waits for something.
pub async fn achieve_proved(
    unit: &mut Unit,
    record: &mut PlanRecord,
    position: usize,
    proved_on: NaiveDate,
    evidence: Vec<Evidence>,
) -> Result<Option<NaiveDate>, ApiError> {
    let row = &record.milestones[position];
    if !row.state.0.is_open() || !unmet(record, position).is_empty() {
        return Ok(None);
    }
    let last_on = milestones::last_step_on(&mut unit.conn, unit.organization_id, record.plan.id, row.id).await?;
    let earliest = last_on.max(row.started_on).max(row.closed_on);
    let occurred_on = Some(proved_on).max(earliest).unwrap_or(proved_on);
    if occurred_on > unit.today {
        // The organization's clock was set back since.
        return Ok(None);
    }
    let details = Details { occurred_on: Some(occurred_on), evidence, ..Details::default() };
    take(unit, record, position, Action::Achieve, details).await?;
    Ok(Some(occurred_on))
}

/// Reopens a milestone whose proof has to hold and no longer does.
pub async fn reopen_unproved(
    unit: &mut Unit,
    record: &mut PlanRecord,
    position: usize,
    reason: Reason,
) -> Result<(), ApiError> {
    if record.milestones[position].state.0 != State::Achieved {
        return Ok(());
    }
    let details = Details { reason: Some(reason.into()), ..Details::default() };
    take(unit, record, position, Action::Reopen, details).await.map(|_| ())
}

/// Says of a milestone that it awaits validation, if it has a date and is being worked on.
pub async fn submit_for_validation(unit: &mut Unit, plan_id: Uuid, key: &str) -> Result<(), ApiError> {
    step_if(unit, plan_id, key, Action::Submit, &[State::Planned, State::InProgress], Details::default()).await
}

/// Sends a milestone whose validation was rejected or taken back to work again.
pub async fn send_back(unit: &mut Unit, plan_id: Uuid, key: &str) -> Result<(), ApiError> {
    let reason = Some(Note::trusted("The validation was rejected or withdrawn.".to_owned()));
    step_if(unit, plan_id, key, Action::Reject, &[State::Submitted], Details { reason, ..Details::default() }).await
}

/// Takes a step with a milestone that has a date and is in one of some states.
async fn step_if(
    unit: &mut Unit,
    plan_id: Uuid,
    key: &str,
    action: Action,
    from: &[State],
    details: Details,
) -> Result<(), ApiError> {
    let found = plans::find(&mut unit.conn, unit.organization_id, plan_id).await?;
    let mut record = found.ok_or_else(ApiError::not_found)?;
    let holds: Vec<_> = record.holds.iter().map(PlanHold::hold).collect();
    if on_hold_since(&holds, unit.today).is_some() {
        return Ok(());
    }
    match record.position(key).filter(|at| from.contains(&record.milestones[*at].state.0)) {
        Some(position) => take(unit, &mut record, position, action, details).await.map(|_| ()),
        None => Ok(()),
    }
}

/// The prerequisites of a milestone.
fn prerequisites(record: &PlanRecord, position: usize) -> Vec<Prerequisite> {
    let id = record.milestones[position].id;
    let needed = record.dependencies.iter().filter(|edge| edge.milestone_id == id);
    let prerequisite = |edge: &DependencyRow| {
        let needed = record.milestones.iter().find(|milestone| milestone.id == edge.depends_on_id)?;
        Some(Prerequisite { key: needed.key.clone(), state: needed.state.0, relation: edge.relation.0 })
    };
    needed.filter_map(prerequisite).collect()
}

/// The prerequisites of a milestone that are not met.
pub fn unmet(record: &PlanRecord, position: usize) -> Vec<Prerequisite> {
    prerequisites(record, position).into_iter().filter(|one| !one.is_met()).collect()
}

/// Returns the state after the action, according to the domain's rules.
fn decide(
    record: &PlanRecord,
    position: usize,
    action: Action,
    step: &Details,
    last_on: Option<NaiveDate>,
    today: NaiveDate,
) -> Result<State, ApiError> {
    let row = &record.milestones[position];
    let to = transition(row.state.0, action, row.started_on.is_some()).map_err(|rule| rule.at(""))?;
    let occurred_on = step.occurred_on.unwrap_or(today);
    let previous_on = last_on.max(row.started_on).max(row.closed_on);
    may_occur(occurred_on, previous_on, today).map_err(|rule| rule.at("/occurred_on"))?;
    if action == Action::Achieve {
        let override_reason = step.override_reason.as_ref().map(Reason::as_str);
        may_achieve(&prerequisites(record, position), override_reason).map_err(|rule| rule.at("/override_reason"))?;
    }
    Ok(to)
}

fn transition_row(
    unit: &Unit,
    record: &PlanRecord,
    position: usize,
    (action, from, to): (Action, State, State),
    step: Details,
) -> TransitionRow {
    TransitionRow {
        id: unit.new_id(),
        plan_id: record.plan.id,
        milestone_id: record.milestones[position].id,
        action: action.to_string(),
        from_state: from.to_string(),
        to_state: to.to_string(),
        occurred_on: step.occurred_on.unwrap_or(unit.today),
        reason: step.reason.map(String::from),
        override_reason: step.override_reason.map(String::from),
        evidence: serde_json::to_string(&step.evidence).unwrap_or_default(),
        author: Text(unit.author()),
        recorded_at: unit.now,
    }
}

/// Returns the past tense of an action, as the ledger uses it.
const fn past_tense(action: Action) -> &'static str {
    match action {
        Action::Start => "started",
        Action::Submit => "submitted",
        Action::Reject => "rejected",
        Action::Achieve => "achieved",
        Action::Reopen => "reopened",
        Action::Waive => "waived",
        Action::Cancel => "cancelled",
    }
}
