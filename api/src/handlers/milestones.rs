//! Milestones: what they look like, computed from dates at the day of the question.

pub mod act;
pub mod cascade;
pub mod communicate;
pub mod confirm;
pub mod create;
pub mod forecasts;
pub mod list;
pub mod misses;
pub mod read;
pub mod status_history;
pub mod update;

use actix_web::http::header::LOCATION;
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::draft::MilestoneDraft;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::schedule::{Standing, Status};
use milepost_domain::values::text::{Key, Label, Name, Note};
use milepost_domain::values::weight::{Percent, Weight};
use serde::Serialize;
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::store::json_text::JsonText;
use crate::store::milestones::{self, ForecastRow, MilestoneRow};
use crate::store::plans::{self, PlanRecord};
use crate::unit::{Change, Entity, Unit};

/// A milestone at a date.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "key": "pipeline", "name": "Pipeline runs",
    "phase": "Data preparation", "owner": "Ana", "weight": 5.0, "planned_on": "2026-04-01", "forecast_on": "2026-04-06",
    "effective_forecast_on": "2026-04-06", "actual_on": null, "state": "in_progress", "status": "at_risk", "variance_days": 5,
    "stale": false, "overdue": true, "forecast_changes": 1, "uncommunicated_changes": 1, "skipped_warning": false, "unexplained_miss": true, "started_on": "2026-03-20", "closed_on": null,
    "percent_complete": 60.0, "baselined": true, "depends_on": ["data-access"], "acceptance_criteria": ["A scheduled run processes new data."],
    "note": null, "touched_on": "2026-03-27",
    "as_of": "2026-04-03", "version": 3, "created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-04-02T09:00:00Z"
}))]
pub struct Milestone {
    /// Its id.
    id: Uuid,
    /// Its plan.
    plan_id: Uuid,
    /// Its key, unique in the plan.
    #[schema(value_type = Key)]
    key: String,
    /// What will be true when it is met.
    #[schema(value_type = Name)]
    name: String,
    /// The phase or track it belongs to.
    #[schema(value_type = Option<Label>)]
    phase: Option<String>,
    /// The one person or role responsible.
    #[schema(value_type = Option<Label>)]
    owner: Option<String>,
    /// Its share of the scope, in the plan's weight unit.
    #[schema(value_type = Weight)]
    weight: f64,
    /// Its date in the baseline in force.
    planned_on: NaiveDate,
    /// What the owner expects; the planned date as long as nothing else was recorded.
    forecast_on: NaiveDate,
    /// The forecast, but today if that has passed; the actual date once achieved.
    effective_forecast_on: NaiveDate,
    /// The day it was achieved.
    actual_on: Option<NaiveDate>,
    /// Where it stands.
    state: State,
    /// How it stands against its planned date.
    status: Status,
    /// Effective forecast (or actual date) minus planned date, in days of the plan's calendar; negative is early.
    variance_days: i64,
    /// Open, and its forecast has passed without a new one, or nobody has looked at it for longer than the plan's
    /// `update_interval_days`.
    stale: bool,
    /// Open, and its planned date has passed.
    overdue: bool,
    /// How often its forecast has changed.
    #[schema(maximum = 100_000)]
    forecast_changes: usize,
    /// How many of those changes the client was not told of; 0 once it is closed.
    #[schema(maximum = 100_000)]
    uncommunicated_changes: usize,
    /// Whether some change took it from on track to delayed with no at-risk in between.
    skipped_warning: bool,
    /// Overdue, and nobody has explained why.
    unexplained_miss: bool,
    /// The day work started.
    started_on: Option<NaiveDate>,
    /// The day it was achieved, waived or cancelled.
    closed_on: Option<NaiveDate>,
    /// The latest recorded percentage of completion.
    #[schema(value_type = Option<Percent>)]
    percent_complete: Option<f64>,
    /// Whether a baseline includes it: then its planned date and weight are frozen.
    baselined: bool,
    /// What it waits for: keys, or keys with a relation and a lag.
    #[schema(max_items = 100)]
    depends_on: Vec<Dependency>,
    /// What must hold for it to count as met.
    #[schema(value_type = Vec<Note>, max_items = 50)]
    acceptance_criteria: Vec<String>,
    /// What one should know about how it stands.
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
    /// The day its forecast was last given or confirmed, or work on it reported.
    touched_on: Option<NaiveDate>,
    /// The date that status and what goes with it are computed for.
    as_of: NaiveDate,
    /// Goes up with every change; the first part of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

impl Milestone {
    /// All milestones of a plan in their order, as they stand at the end of `as_of`.
    pub fn all_of(record: &PlanRecord, as_of: NaiveDate) -> Vec<Self> {
        let facts = record.facts();
        let rows = record.milestones.iter().zip(facts.standings(as_of));
        rows.map(|(row, standing)| Self::of(record, row, &standing, as_of)).collect()
    }

    /// One milestone of a plan, by id or key.
    pub fn find(record: &PlanRecord, id_or_key: &str, as_of: NaiveDate) -> Option<Self> {
        let id = record.milestone(id_or_key)?.id;
        Self::all_of(record, as_of).into_iter().find(|milestone| milestone.id == id)
    }

    fn of(record: &PlanRecord, row: &MilestoneRow, standing: &Standing, as_of: NaiveDate) -> Self {
        let percent = record.progress.iter().rfind(|entry| entry.milestone_id == row.id).map(|entry| entry.percent);
        Self {
            id: row.id,
            plan_id: row.plan_id,
            key: row.key.clone(),
            name: row.name.clone(),
            phase: row.phase.clone(),
            owner: row.owner.clone(),
            weight: row.weight,
            planned_on: standing.planned_on,
            forecast_on: standing.forecast_on,
            effective_forecast_on: standing.effective_forecast_on,
            actual_on: row.closed_on.filter(|_| row.state.0 == State::Achieved),
            state: row.state.0,
            status: standing.status,
            variance_days: standing.variance_days,
            stale: standing.stale,
            overdue: standing.overdue,
            forecast_changes: standing.forecast_changes,
            uncommunicated_changes: record.uncommunicated_changes(row),
            skipped_warning: standing.skipped_warning,
            unexplained_miss: standing.unexplained_miss,
            started_on: row.started_on,
            closed_on: row.closed_on,
            percent_complete: percent,
            baselined: record.is_baselined(row.id),
            depends_on: record.dependencies_of(row.id),
            acceptance_criteria: row.acceptance_criteria.0.clone(),
            note: row.note.clone(),
            touched_on: row.touched_on,
            as_of,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    /// The answer that carries it.
    fn answer(&self) -> Result<Answer, ApiError> {
        Ok(Answer::ok(self)?.version_and_content(self.version))
    }

    /// The answer to its creation.
    fn answer_created(&self) -> Result<Answer, ApiError> {
        let location = format!("/v1/plans/{}/milestones/{}", self.plan_id, self.key);
        let answer = Answer::json(actix_web::http::StatusCode::CREATED, self)?.header(LOCATION, location);
        Ok(answer.version_and_content(self.version))
    }
}

/// The rows of a new milestone and of the forecast changes it brings along.
pub fn new_rows(unit: &Unit, plan_id: Uuid, position: i64, draft: &MilestoneDraft) -> (MilestoneRow, Vec<ForecastRow>) {
    let row = MilestoneRow {
        id: unit.new_id(),
        plan_id,
        key: draft.key.to_string(),
        position,
        name: draft.name.to_string(),
        phase: draft.phase.clone().map(String::from),
        owner: draft.owner.clone().map(String::from),
        weight: draft.weight.value(),
        planned_on: draft.planned_on,
        state: Text(draft.state()),
        started_on: draft.started_on,
        closed_on: draft.actual_on,
        acceptance_criteria: JsonText(draft.acceptance_criteria.iter().map(ToString::to_string).collect()),
        note: draft.note.clone().map(String::from),
        touched_on: Some(unit.today),
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
            author: unit.author(),
            recorded_on: change.recorded_on,
            recorded_at: unit.now,
            caused_by: None,
        }
    };
    let changes = (1..).zip(&draft.forecast_changes).map(change).collect();
    (row, changes)
}

/// A plan and the position of one of its milestones, inside a unit.
pub async fn load(unit: &mut Unit, plan_id: Uuid, id_or_key: &str) -> Result<(PlanRecord, usize), ApiError> {
    let found = plans::find(&mut unit.conn, unit.organization_id, plan_id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let position = record.position(id_or_key).ok_or_else(ApiError::not_found)?;
    Ok((record, position))
}

/// Saves a milestone that was changed in its record, moves the plan's version on, and writes the ledger's entry.
async fn save(
    unit: &mut Unit,
    record: &mut PlanRecord,
    position: usize,
    before: Option<&Milestone>,
    verb: &str,
) -> Result<Milestone, ApiError> {
    let saved = save_all(unit, record, &[(position, before)], verb).await?;
    saved.into_iter().next().ok_or_else(ApiError::not_found)
}

/// Saves several milestones of one plan at once: one new version of the plan, one entry of the ledger for each.
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
