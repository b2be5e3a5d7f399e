//! List page of milestones across all plans, by planned date.

use std::collections::HashMap;

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::schedule::{Forecast, Miss, Status, Terms, Timeline, assess};
use milepost_domain::values::text::{Key, Label, Name};
use milepost_domain::values::weight::Weight;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator as _;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{Page, Paging};
use crate::store::keyset::{Direction, Key as PositionKey, Order, Position};
use crate::store::milestones::{self, ListedRow};
use crate::store::reviews;
use crate::store::row::{Column as _, Condition};

/// Filters of the milestone list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MilestoneFilters {
    /// Filter by planned date: on or after this date.
    planned_from: Option<NaiveDate>,
    /// Filter by planned date: on or before this date.
    planned_to: Option<NaiveDate>,
    /// Filter by owner (exact match). Repeat the parameter for several owners.
    #[serde(default)]
    #[param(max_items = 50)]
    owner: Vec<Label>,
    /// Filter by state. Repeat the parameter for several states.
    #[serde(default)]
    #[param(max_items = 10)]
    state: Vec<State>,
    /// Filter by openness: `true` for open milestones, `false` for achieved, waived or canceled milestones.
    open: Option<bool>,
    /// Sort order: `planned_on` (the default) or `-planned_on`.
    #[param(inline)]
    sort: Option<MilestoneSort>,
}

/// Sort order of milestones across plans.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
pub enum MilestoneSort {
    /// By planned date, the earliest first.
    #[default]
    #[serde(rename = "planned_on")]
    PlannedOn,
    /// By planned date, the latest first.
    #[serde(rename = "-planned_on")]
    PlannedOnDescending,
}

impl MilestoneFilters {
    fn conditions(&self) -> Vec<Condition> {
        let mut all = vec![];
        all.extend(self.planned_from.map(|from| Condition::AtLeast("planned_on", from.to_value())));
        all.extend(self.planned_to.map(|to| Condition::AtMost("planned_on", to.to_value())));
        all.extend(Condition::one_of("owner", &self.owner));
        all.extend(Condition::one_of("state", &self.state));
        let states = |open| State::iter().filter(|state| state.is_open() == open).collect::<Vec<_>>();
        all.extend(self.open.and_then(|open| Condition::one_of("state", &states(open))));
        all
    }
}

/// A milestone in the list across plans.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "plan_name": "Northwind rollout",
    "key": "pipeline", "name": "Pipeline runs", "phase": "Data preparation", "owner": "Ana", "weight": 5.0, "planned_on": "2026-04-01",
    "forecast_on": "2026-04-06", "effective_forecast_on": "2026-04-06", "actual_on": null, "state": "in_progress", "status": "at_risk",
    "variance_days": 5, "stale": false, "overdue": true, "unexplained_miss": true, "forecast_changes": 1, "version": 3
}))]
pub struct ListedMilestone {
    /// Identifier.
    id: Uuid,
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Name of the plan.
    #[schema(value_type = Name)]
    plan_name: String,
    /// Key. Unique within the plan.
    #[schema(value_type = Key)]
    key: String,
    /// Name: a statement that is true once the milestone is met.
    #[schema(value_type = Name)]
    name: String,
    /// Phase or track of the milestone.
    #[schema(value_type = Option<Label>)]
    phase: Option<String>,
    /// Owner: the person or role responsible.
    #[schema(value_type = Option<Label>)]
    owner: Option<String>,
    /// Weight: the milestone's share of the plan's scope, in the plan's weight unit.
    #[schema(value_type = Weight)]
    weight: f64,
    /// Planned date: the date in the newest baseline, or the milestone's own date if no baseline includes it.
    planned_on: NaiveDate,
    /// Forecast date: the date that the owner expects.
    forecast_on: NaiveDate,
    /// Effective forecast date: the forecast date, but not before today while the milestone is open; the actual date
    /// once the milestone is achieved.
    effective_forecast_on: NaiveDate,
    /// Actual date: the day on which the milestone was achieved; null otherwise.
    actual_on: Option<NaiveDate>,
    /// State of the work.
    state: State,
    /// Schedule status, measured against the planned date.
    status: Status,
    /// Effective forecast date (or actual date) minus planned date, in days of the plan's calendar. Negative if early.
    variance_days: i64,
    /// Whether the milestone is open and its forecast date has passed, or its forecast has not been touched for longer
    /// than the plan's `update_interval_days`.
    stale: bool,
    /// Whether the milestone is open and its planned date has passed.
    overdue: bool,
    /// Whether the milestone is overdue and no miss report explains why.
    unexplained_miss: bool,
    /// Number of forecast changes.
    #[schema(maximum = 100_000)]
    forecast_changes: usize,
    /// Version. Increases by one with every change.
    #[schema(minimum = 1)]
    version: i64,
}

/// List milestones across all plans
///
/// Returns milestones of all plans that are not archived, by planned date. Filters select, for example, the
/// milestones due this month or the milestones of one owner.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), params(Paging, MilestoneFilters),
    responses((status = 200, description = "A page of milestones.", body = Page<ListedMilestone>)))]
#[get("/v1/milestones")]
pub async fn list_milestones(
    cx: Context,
    paging: Paging,
    filters: Query<MilestoneFilters>,
) -> Result<Answer, ApiError> {
    let filters = filters.0;
    let direction = match filters.sort.unwrap_or_default() {
        MilestoneSort::PlannedOn => Direction::Ascending,
        MilestoneSort::PlannedOnDescending => Direction::Descending,
    };
    let slice = paging.slice(Order::Date("planned_on"), direction)?;
    let mut conn = cx.snapshot().await?;
    let rows = milestones::list(&mut conn, cx.organization_id(), &filters.conditions(), &slice).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut forecasts: HashMap<Uuid, Vec<Forecast>> = HashMap::new();
    for change in milestones::forecasts_of(&mut conn, cx.organization_id(), &ids).await? {
        let forecast = Forecast { recorded_on: change.recorded_on, forecast_on: change.to_on };
        forecasts.entry(change.milestone_id).or_default().push(forecast);
    }
    let today = cx.today();
    let is_late = |row: &&ListedRow| row.state.0.is_open() && row.planned_on < today;
    let late: Vec<Uuid> = rows.iter().filter(is_late).map(|row| row.id).collect();
    let mut misses: HashMap<Uuid, Vec<Miss>> = HashMap::new();
    for row in reviews::misses_of(&mut conn, cx.organization_id(), &late).await? {
        let miss = Miss { missed_on: row.missed_on, recorded_on: row.recorded_on };
        misses.entry(row.milestone_id).or_default().push(miss);
    }
    let position = |row: &ListedRow| Position { key: Some(PositionKey::Date(row.planned_on)), id: row.id };
    paging.answer(rows, position, |row| {
        let own = forecasts.remove(&row.id).unwrap_or_default();
        let explained = misses.remove(&row.id).unwrap_or_default();
        ListedMilestone::at(row, &own, &explained, today)
    })
}

impl ListedMilestone {
    fn at(row: ListedRow, forecasts: &[Forecast], misses: &[Miss], as_of: NaiveDate) -> Self {
        let (planned_on, closed_on, touched_on) = (row.planned_on, row.closed_on, row.touched_on);
        let timeline = Timeline { planned_on, state: row.state.0, closed_on, forecasts, touched_on, misses };
        let (at_risk_limit_days, update_interval_days) = (row.at_risk_limit_days, row.update_interval_days);
        let terms = Terms { at_risk_limit_days, update_interval_days, calendar: row.calendar.0 };
        let standing = assess(&timeline, as_of, &terms);
        Self {
            id: row.id,
            plan_id: row.plan_id,
            plan_name: row.plan_name,
            key: row.key,
            name: row.name,
            phase: row.phase,
            owner: row.owner,
            weight: row.weight,
            planned_on: row.planned_on,
            forecast_on: standing.forecast_on,
            effective_forecast_on: standing.effective_forecast_on,
            actual_on: row.closed_on.filter(|_| row.state.0 == State::Achieved),
            state: row.state.0,
            status: standing.status,
            variance_days: standing.variance_days,
            stale: standing.stale,
            overdue: standing.overdue,
            unexplained_miss: standing.unexplained_miss,
            forecast_changes: standing.forecast_changes,
            version: row.version,
        }
    }
}
