//! Steps of milestones through their states, by whoever takes them: a caller, a proof, a validation.

use chrono::NaiveDate;
use milepost_domain::plan::milestone::{
    Action, Evidence, Prerequisite, State, dates_after, may_achieve, may_occur, transition,
};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{Note, Reason};
use sqlx::types::Text;
use uuid::Uuid;

use crate::error::ApiError;
use crate::resources::milestones::{Milestone, check_record, save};
use crate::store::milestones::{self, DependencyRow, TransitionRow};
use crate::store::plans::{self, PlanRecord};
use crate::store::row;
use crate::store::undated_milestones::UndatedMilestone;
use crate::unit::{Change, Entity, Unit};

/// Content that every step has.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// Day on which the step happened; today if there is none.
    pub occurred_on: Option<NaiveDate>,
    /// Reason for the step.
    pub reason: Option<Note>,
    /// Reason for achieving the milestone although its dependencies are not met.
    pub override_reason: Option<Reason>,
    /// Evidence.
    pub evidence: Vec<Evidence>,
}

/// Takes a step with a milestone of a loaded plan.
pub async fn take(
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
pub async fn await_validation(unit: &mut Unit, record: &mut PlanRecord, key: &str) -> Result<(), ApiError> {
    step_if(unit, record, key, Action::Submit, &[State::Planned, State::InProgress], Details::default()).await
}

/// Sends a milestone whose validation was rejected or taken back to work again. On hold, it stays where it is.
pub async fn send_back(unit: &mut Unit, plan_id: Uuid, key: &str) -> Result<(), ApiError> {
    let found = plans::find(&mut unit.conn, unit.organization_id, plan_id).await?;
    let mut record = found.ok_or_else(ApiError::not_found)?;
    if check_record(&record, unit.today).is_err() {
        return Ok(());
    }
    let reason = Some(Note::trusted("The validation was rejected or withdrawn.".to_owned()));
    let details = Details { reason, ..Details::default() };
    step_if(unit, &mut record, key, Action::Reject, &[State::Submitted], details).await
}

/// Takes a step with a milestone that has a date and is in one of some states.
async fn step_if(
    unit: &mut Unit,
    record: &mut PlanRecord,
    key: &str,
    action: Action,
    from: &[State],
    details: Details,
) -> Result<(), ApiError> {
    match record.position(key).filter(|at| from.contains(&record.milestones[*at].state.0)) {
        Some(position) => take(unit, record, position, action, details).await.map(|_| ()),
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

/// Writes that a milestone without a date was achieved.
pub async fn achieve_undated(
    unit: &mut Unit,
    before: &UndatedMilestone,
    on: NaiveDate,
) -> Result<UndatedMilestone, ApiError> {
    save_undated(unit, before, UndatedMilestone { achieved_on: Some(on), ..before.clone() }, "achieved").await
}

/// Writes that a milestone without a date was reopened.
pub async fn reopen_undated(
    unit: &mut Unit,
    before: &UndatedMilestone,
    reason: Reason,
) -> Result<UndatedMilestone, ApiError> {
    let after = UndatedMilestone { achieved_on: None, reason: Some(reason), ..before.clone() };
    save_undated(unit, before, after, "reopened").await
}

async fn save_undated(
    unit: &mut Unit,
    before: &UndatedMilestone,
    mut after: UndatedMilestone,
    verb: &str,
) -> Result<UndatedMilestone, ApiError> {
    after.version += 1;
    after.updated_at = unit.now;
    row::update(&mut unit.conn, unit.organization_id, &after).await?;
    let (entity, root) = ((Entity::UndatedMilestone, after.id), (Entity::Plan, after.plan_id));
    unit.record(Change { verb, entity, root, before: Some(before), after: Some(&after) }).await?;
    Ok(after)
}
