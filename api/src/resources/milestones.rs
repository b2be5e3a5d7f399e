//! Milestones as the API returns them. Status and derived fields are computed from dates at the requested date; they
//! are never stored.

use actix_web::http::header::LOCATION;
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::earned_value::CreditRule;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::draft::{MilestoneDraft, ProgressDraft};
use milepost_domain::plan::hold::check_running;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::schedule::{Standing, Status};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{ExternalRef, Key, Label, Name, Note};
use milepost_domain::values::weight::{Percent, Weight};
use serde::Serialize;
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::waits_for::WaitsFor;
use crate::answer::Answer;
use crate::error::ApiError;
use crate::owner::NamedOwner;
use crate::read_model::ExternalLabel;
use crate::store::holds::PlanHold;
use crate::store::json_text::JsonText;
use crate::store::milestones::{self, ForecastRow, MilestoneRow, ProgressRow};
use crate::store::owner::Owner;
use crate::store::plans::{self, ByMilestone, PlanRecord};
use crate::unit::{Change, Entity, Unit};

/// A milestone as of a date.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "key": "pipeline",
    "name": "Pipeline runs",
    "phase": "Data preparation", "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "owner_ref": "hr-17",
    "owner_name": "Ana", "weight": 5.0, "planned_on": "2026-04-01", "forecast_on": "2026-04-06",
    "reckoned_on": "2026-04-06", "waits_for": null, "actual_on": null, "state": "in_progress", "status": "at_risk", "variance_days": 5,
    "first_planned_on": "2026-04-01", "first_variance_days": 5, "missed_on": "2026-04-01",
    "stale": false, "overdue": true, "forecast_changes": 1, "uncommunicated_changes": 1, "skipped_warning": false,
    "unexplained_miss": true, "started_on": "2026-03-20", "closed_on": null,
    "percent_complete": 60.0, "percent_complete_on": "2026-04-02", "duration_days": null, "credit_rule": null, "baselined": true,
    "depends_on": ["data-access"], "acceptance_criteria": ["A scheduled run processes new data."],
    "note": null, "touched_on": "2026-03-27", "confirmed_on": null, "closed_at": null,
    "as_of": "2026-04-03", "version": 3, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-04-02T09:00:00Z"
}))]
pub struct Milestone {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Key. Unique within the plan.
    #[schema(value_type = Key)]
    pub key: String,
    /// Name: a statement that is true once the milestone is met.
    #[schema(value_type = Name)]
    name: String,
    /// Phase or track of the milestone.
    #[schema(value_type = Option<Label>)]
    phase: Option<String>,
    /// Identifier of the owner, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference of the owner.
    #[schema(value_type = Option<ExternalRef>)]
    owner_ref: Option<String>,
    /// Name of the owner: the person's, or that of somebody outside.
    #[schema(value_type = Option<Name>)]
    owner_name: Option<String>,
    /// Weight: the milestone's share of the scope, in the plan's weight unit.
    #[schema(value_type = Weight)]
    weight: f64,
    /// Planned date: the date in the baseline in force, or the milestone's own date if no baseline includes it.
    pub planned_on: NaiveDate,
    /// Planned date in the first baseline that includes the milestone.
    first_planned_on: NaiveDate,
    /// Forecast date: the owner's own word. Equals the planned date until a forecast change is recorded.
    pub forecast_on: NaiveDate,
    /// Reckoned date: while the milestone is open, the forecast date, but not before `as_of` and not before what it waits
    /// for allows; the actual date once achieved. Status and variance are measured by it.
    reckoned_on: NaiveDate,
    /// Milestone that pushes the reckoned date beyond the forecast date; null if none does.
    waits_for: Option<WaitsFor>,
    /// Actual date: the day on which the milestone was achieved; null otherwise.
    actual_on: Option<NaiveDate>,
    /// State of the work.
    pub state: State,
    /// Schedule status, measured against the planned date.
    status: Status,
    /// Reckoned date minus planned date, in days of the plan's calendar. Negative if early.
    variance_days: i64,
    /// Reckoned date minus first planned date, in days of the plan's calendar. Negative if early.
    first_variance_days: i64,
    /// Whether the milestone is open and its forecast date has passed, or its forecast has not been touched for longer
    /// than the plan's `update_interval_days`.
    stale: bool,
    /// Whether the milestone is open and its planned date has passed.
    overdue: bool,
    /// Number of forecast changes.
    #[schema(maximum = 100_000)]
    forecast_changes: usize,
    /// Number of forecast changes not communicated to the client; 0 once the milestone is closed.
    #[schema(maximum = 100_000)]
    uncommunicated_changes: usize,
    /// Whether a forecast change took the status from on track to delayed without at risk in between.
    skipped_warning: bool,
    /// Whether the milestone is open, a planned date of it has passed, and no miss report explains why. A new baseline
    /// does not explain it.
    unexplained_miss: bool,
    /// Planned date that passed without an explanation; null if there is none.
    pub missed_on: Option<NaiveDate>,
    /// Time that it takes, in days of the plan's calendar; null if it takes all the time that its dependencies leave it.
    #[schema(minimum = 0, maximum = 3650)]
    duration_days: Option<i64>,
    /// Credit rule of the milestone; null if it is the plan's.
    credit_rule: Option<CreditRule>,
    /// Day on which work started.
    started_on: Option<NaiveDate>,
    /// Day on which the milestone was achieved, waived or canceled.
    closed_on: Option<NaiveDate>,
    /// Latest recorded percentage of completion.
    #[schema(value_type = Option<Percent>)]
    percent_complete: Option<f64>,
    /// Day of the latest recorded percentage.
    percent_complete_on: Option<NaiveDate>,
    /// Whether a baseline includes the milestone. If so, its planned date and weight are frozen.
    baselined: bool,
    /// Dependencies: keys of milestones that this one waits for, or keys with a relation and a lag.
    #[schema(max_items = 100)]
    depends_on: Vec<Dependency>,
    /// Acceptance criteria: conditions that must hold for the milestone to count as met.
    #[schema(value_type = Vec<Note>, max_items = 50)]
    acceptance_criteria: Vec<String>,
    /// Note on the current situation.
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
    /// Day on which the forecast was last recorded or confirmed, or work was last reported.
    touched_on: Option<NaiveDate>,
    /// Day on which the owner last confirmed the forecast.
    confirmed_on: Option<NaiveDate>,
    /// Time at which the milestone was recorded as achieved, waived or canceled; null also if it was achieved when it was
    /// created.
    closed_at: Option<DateTime<Utc>>,
    /// Date that the status and the other derived fields refer to.
    as_of: NaiveDate,
    /// Version. Increases by one with every change; the first part of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Time of the last change.
    updated_at: DateTime<Utc>,
}

impl Milestone {
    /// Returns all milestones of a plan in order, as they stand at the end of `as_of`.
    pub fn all_of(record: &PlanRecord, as_of: NaiveDate) -> Vec<Self> {
        let facts = record.facts();
        let by_milestone = record.by_milestone();
        let rows = record.milestones.iter().zip(facts.standings(as_of));
        rows.map(|(row, standing)| Self::of((record, &by_milestone), row, &standing, as_of)).collect()
    }

    /// Finds one milestone of a plan by identifier or key.
    pub fn find(record: &PlanRecord, id_or_key: &str, as_of: NaiveDate) -> Option<Self> {
        let id = record.milestone(id_or_key)?.id;
        Self::all_of(record, as_of).into_iter().find(|milestone| milestone.id == id)
    }

    fn of(
        (record, by_milestone): (&PlanRecord, &ByMilestone<'_>),
        row: &MilestoneRow,
        standing: &Standing,
        as_of: NaiveDate,
    ) -> Self {
        let progress = by_milestone.progress_of(row.id);
        Self {
            id: row.id,
            plan_id: row.plan_id,
            key: row.key.clone(),
            name: row.name.clone(),
            phase: row.phase.clone(),
            owner_id: row.owner.id,
            owner_ref: row.owner.external_ref.clone(),
            owner_name: row.owner.name.clone(),
            weight: row.weight,
            planned_on: standing.planned_on,
            forecast_on: standing.forecast_on,
            first_planned_on: standing.first_planned_on,
            reckoned_on: standing.reckoned_on,
            waits_for: WaitsFor::of(
                standing,
                |position| &record.milestones[position].key,
                &ExternalLabel::all_of(record),
            ),
            actual_on: row.closed_on.filter(|_| row.state.0 == State::Achieved),
            state: row.state.0,
            status: standing.status,
            variance_days: standing.variance_days,
            first_variance_days: standing.first_variance_days,
            stale: standing.stale,
            overdue: standing.overdue,
            forecast_changes: standing.forecast_changes,
            uncommunicated_changes: by_milestone.uncommunicated_changes(row),
            skipped_warning: standing.skipped_warning,
            unexplained_miss: standing.missed_on.is_some(),
            missed_on: standing.missed_on,
            duration_days: row.duration_days,
            credit_rule: row.credit_rule.map(|rule| rule.0),
            started_on: row.started_on,
            closed_on: row.closed_on,
            percent_complete: progress.map(|entry| entry.percent),
            percent_complete_on: progress.map(|entry| entry.recorded_on),
            baselined: by_milestone.is_baselined(row.id),
            depends_on: by_milestone.dependencies_of(row.id),
            acceptance_criteria: row.acceptance_criteria.0.clone(),
            note: row.note.clone(),
            touched_on: row.touched_on,
            confirmed_on: row.confirmed_on,
            closed_at: row.closed_at,
            as_of,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    /// Returns the response that carries the milestone.
    pub fn answer(&self) -> Result<Answer, ApiError> {
        Ok(Answer::ok(self)?.version_and_content(self.version))
    }

    /// Returns the response to the milestone's creation.
    pub fn answer_created(&self) -> Result<Answer, ApiError> {
        let location = format!("/v1/plans/{}/milestones/{}", self.plan_id, self.key);
        let answer = Answer::json(actix_web::http::StatusCode::CREATED, self)?.header(LOCATION, location);
        Ok(answer.version_and_content(self.version))
    }
}

/// Rows of a new milestone and of the history that its draft contains.
#[derive(Debug)]
pub struct NewRows {
    /// Milestone.
    pub milestone: MilestoneRow,
    /// Forecast changes, oldest first.
    pub forecasts: Vec<ForecastRow>,
    /// Percentages of completion, oldest first.
    pub progress: Vec<ProgressRow>,
}

/// Returns the owner that a draft names.
pub fn owner_of(draft: &MilestoneDraft) -> NamedOwner<'_> {
    NamedOwner::of(draft.owner_id, draft.owner_ref.as_ref(), draft.owner_name.as_ref())
}

/// Returns the rows of a new milestone.
pub fn new_rows(unit: &Unit, plan_id: Uuid, position: i64, draft: &MilestoneDraft, owner: Owner) -> NewRows {
    let row = MilestoneRow {
        id: unit.new_id(),
        plan_id,
        key: draft.key.to_string(),
        position,
        name: draft.name.to_string(),
        phase: draft.phase.clone().map(String::from),
        owner,
        weight: draft.weight.value(),
        planned_on: draft.planned_on,
        state: Text(draft.state()),
        started_on: draft.started_on,
        closed_on: draft.actual_on,
        acceptance_criteria: JsonText(draft.acceptance_criteria.iter().map(ToString::to_string).collect()),
        note: draft.note.clone().map(String::from),
        touched_on: Some(unit.today),
        confirmed_on: None,
        closed_at: None,
        duration_days: draft.duration_days.map(i64::from),
        credit_rule: draft.credit_rule.map(Text),
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    };
    let mut from_on = draft.planned_on;
    let change = |(ordinal, change): (i64, &milepost_domain::plan::draft::ForecastDraft)| {
        let was_on = std::mem::replace(&mut from_on, change.forecast_on);
        ForecastRow {
            id: unit.new_id(),
            plan_id,
            milestone_id: row.id,
            ordinal,
            from_on: was_on,
            to_on: change.forecast_on,
            reason: change.reason.clone().map(String::from),
            cause: None,
            author: Text(unit.author()),
            recorded_on: change.recorded_on,
            recorded_at: unit.now,
            caused_by: None,
            baseline_number: None,
            planned_from_on: None,
            planned_to_on: None,
        }
    };
    let forecasts = (1..).zip(&draft.forecast_changes).map(change).collect();
    let entry = |(ordinal, entry): (i64, &ProgressDraft)| ProgressRow {
        plan_id,
        milestone_id: row.id,
        ordinal,
        percent: entry.percent.value(),
        recorded_on: entry.recorded_on,
        recorded_at: Some(unit.now),
    };
    let progress = (1..).zip(&draft.progress).map(entry).collect();
    NewRows { milestone: row, forecasts, progress }
}

/// Loads a plan and finds the position of one of its milestones, inside a unit.
pub async fn load(unit: &mut Unit, plan_id: Uuid, id_or_key: &str) -> Result<(PlanRecord, usize), ApiError> {
    let found = plans::find(&mut unit.conn, unit.organization_id, plan_id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let position = record.position(id_or_key).ok_or_else(ApiError::not_found)?;
    Ok((record, position))
}

/// Loads a plan of which the dates may change, and the position of a milestone in it.
pub async fn load_running(unit: &mut Unit, plan_id: Uuid, id_or_key: &str) -> Result<(PlanRecord, usize), ApiError> {
    let (record, position) = load(unit, plan_id, id_or_key).await?;
    check_record(&record, unit.today)?;
    Ok((record, position))
}

/// Saves a milestone that was changed in its record, increases the plan's version, and writes the ledger entry.
pub async fn save(
    unit: &mut Unit,
    record: &mut PlanRecord,
    position: usize,
    before: Option<&Milestone>,
    verb: &str,
) -> Result<Milestone, ApiError> {
    let saved = save_all(unit, record, &[(position, before)], verb).await?;
    saved.into_iter().next().ok_or_else(ApiError::not_found)
}

/// Saves several milestones of one plan at once: one new version of the plan, and one ledger entry per milestone.
pub async fn save_all(
    unit: &mut Unit,
    record: &mut PlanRecord,
    changed: &[(usize, Option<&Milestone>)],
    verb: &str,
) -> Result<Vec<Milestone>, ApiError> {
    let now = unit.now;
    record.plan.version += 1;
    record.plan.updated_at = now;
    plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
    for (position, _) in changed.iter().filter(|(_, before)| before.is_some()) {
        let row = &mut record.milestones[*position];
        row.version += 1;
        row.updated_at = now;
        milestones::update(&mut unit.conn, unit.organization_id, row).await?;
    }
    let all = Milestone::all_of(record, unit.today);
    let mut saved = Vec::with_capacity(changed.len());
    for (position, before) in changed {
        let after = all[*position].clone();
        let change = Change {
            verb,
            entity: (Entity::Milestone, after.id),
            root: (Entity::Plan, record.plan.id),
            before: *before,
            after: Some(&after),
        };
        unit.record(change).await?;
        saved.push(after);
    }
    Ok(saved)
}

/// Refuses to change the dates of a plan that is on hold.
pub fn check_record(record: &PlanRecord, today: NaiveDate) -> Result<(), ApiError> {
    let holds: Vec<_> = record.holds.iter().map(PlanHold::hold).collect();
    check_running(&holds, today).map_err(|rule| rule.at("").into())
}
