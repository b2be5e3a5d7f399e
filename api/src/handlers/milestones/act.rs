//! Actions that move a milestone through its states.

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::milestone::{
    Action, MilestoneRule, Prerequisite, State, dates_after, may_achieve, may_occur, transition,
};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{Name, Note};
use serde::{Deserialize, Serialize};
use sqlx::types::Text;
use strum::VariantNames;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Milestone, load, save};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::precondition::IfMatchOptional;
use crate::store::milestones::{self, DependencyRow, TransitionRow};
use crate::store::plans::PlanRecord;
use crate::unit::Unit;

/// Evidence that a milestone was met.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Run 118", "url": "https://ci.example.com/118", "note": "All criteria checked."}))]
pub struct Evidence {
    /// Title.
    title: Name,
    /// URL of the evidence.
    #[schema(max_length = 2000, pattern = r"^https?://[^\s\x00-\x1F]+$")]
    url: Option<String>,
    /// Note on the evidence.
    note: Option<Note>,
}

/// Details of an action on a milestone.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"occurred_on": "2026-04-06", "evidence": [{"title": "Run 118", "url": "https://ci.example.com/118"}]}))]
pub struct Step {
    /// Day on which the action happened. Defaults to today.
    occurred_on: Option<NaiveDate>,
    /// Reason. Required to reject, reopen, waive or cancel.
    reason: Option<Note>,
    /// Reason for achieving the milestone although its dependencies are not met.
    override_reason: Option<Note>,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
}

/// Update a milestone's state: start, submit, reject, achieve, reopen, waive or cancel
///
/// The states follow `planned → in_progress → submitted → achieved`; an action may skip states forward. A milestone can
/// be achieved only when its dependencies are met: the milestones it waits for are closed, or started where the
/// relation waits for a start. `override_reason` overrides this check. A reopened milestone counts as never closed, so
/// responses for dates in between change too.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), params(IfMatchOptional), request_body(content = Option<Step>),
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/{action}")]
pub async fn act_on_milestone(
    cx: Context,
    path: Path<(Uuid, String, String)>,
    body: Body<Step>,
) -> Result<Answer, ApiError> {
    let (id, milestone, action) = path.into_inner();
    let action: Action = action.parse().map_err(|_| {
        let known = Action::VARIANTS.join(", ");
        ApiError::new(Code::NotFound, format!("A milestone has no action '{action}'. The actions are {known}."))
    })?;
    cx.write(async |unit| {
        let step = body.0.clone();
        let (mut record, position) = load(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let before = Milestone::find(&record, &milestone, unit.today).ok_or_else(ApiError::not_found)?;
        let from = record.milestones[position].state.0;
        let last_on = milestones::last_step_on(&mut unit.conn, unit.organization_id, id, before.id).await?;
        let to = decide(&record, position, action, &step, last_on, unit.today)?;
        let occurred_on = step.occurred_on.unwrap_or(unit.today);
        let row = &mut record.milestones[position];
        row.touched_on = Some(unit.today);
        row.state = Text(to);
        (row.started_on, row.closed_on) = dates_after(to, row.started_on, occurred_on);
        let transition = transition_row(unit, &record, position, (action, from, to), step);
        milestones::insert_transition(&mut unit.conn, unit.organization_id, &transition).await?;
        save(unit, &mut record, position, Some(&before), past_tense(action)).await?.answer()
    })
    .await
}

/// Returns the state after the action, according to the domain's rules.
fn decide(
    record: &PlanRecord,
    position: usize,
    action: Action,
    step: &Step,
    last_on: Option<NaiveDate>,
    today: NaiveDate,
) -> Result<State, ApiError> {
    let row = &record.milestones[position];
    let to = transition(row.state.0, action, row.started_on.is_some()).map_err(|rule| rule.at(""))?;
    if action.needs_reason() && step.reason.is_none() {
        return Err(MilestoneRule::ReasonRequired { action }.at("/reason").into());
    }
    let occurred_on = step.occurred_on.unwrap_or(today);
    let previous_on = last_on.max(row.started_on).max(row.closed_on);
    may_occur(occurred_on, previous_on, today).map_err(|rule| rule.at("/occurred_on"))?;
    if action == Action::Achieve {
        let needed = record.dependencies.iter().filter(|edge| edge.milestone_id == row.id);
        let prerequisite = |edge: &DependencyRow| {
            let needed = record.milestones.iter().find(|milestone| milestone.id == edge.depends_on_id)?;
            Some(Prerequisite { key: needed.key.clone(), state: needed.state.0, relation: edge.relation.0 })
        };
        let prerequisites: Vec<Prerequisite> = needed.filter_map(prerequisite).collect();
        let override_reason = step.override_reason.as_ref().map(Note::as_str);
        may_achieve(&prerequisites, override_reason).map_err(|rule| rule.at("/override_reason"))?;
    }
    Ok(to)
}

fn transition_row(
    unit: &Unit,
    record: &PlanRecord,
    position: usize,
    (action, from, to): (Action, State, State),
    step: Step,
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
        author: unit.author(),
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
