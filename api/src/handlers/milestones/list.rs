//! Milestones across all plans, by planned date.

use std::collections::HashMap;

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::schedule::{Forecast, Miss, Status, Terms, Timeline, assess};
use milepost_domain::values::text::{Key, Label, Name};
use milepost_domain::values::weight::Weight;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{Page, Paging, PagingParams};
use crate::store::keyset::{Direction, Key as PositionKey, Order, Position};
use crate::store::milestones::{self, Filter, ListedRow};
use crate::store::reviews;

/// Which milestones.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MilestoneFilters {
    /// Planned on or after this date.
    planned_from: Option<NaiveDate>,
    /// Planned on or before this date.
    planned_until: Option<NaiveDate>,
    /// Exactly this owner.
    #[param(inline)]
    owner: Option<Label>,
    /// Only in this state.
    #[param(inline)]
    state: Option<State>,
    /// Only those that work may still happen on; `false` for only those that it may not.
    open: Option<bool>,
}

/// A milestone in a list across plans.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "plan_name": "Northwind rollout",
    "key": "pipeline", "name": "Pipeline runs", "phase": "Data preparation", "owner": "Ana", "weight": 5.0, "planned_on": "2026-04-01",
    "forecast_on": "2026-04-06", "effective_forecast_on": "2026-04-06", "actual_on": null, "state": "in_progress", "status": "at_risk",
    "variance_days": 5, "stale": false, "overdue": true, "unexplained_miss": true, "forecast_changes": 1, "version": 3
}))]
pub struct ListedMilestone {
    /// Its id.
    id: Uuid,
    /// Its plan.
    plan_id: Uuid,
    /// Its plan's name.
    #[schema(value_type = Name)]
    plan_name: String,
    /// Its key in the plan.
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
    /// Its share of its plan's scope.
    #[schema(value_type = Weight)]
    weight: f64,
    /// Its date in the newest baseline.
    planned_on: NaiveDate,
    /// What the owner expects.
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
    /// Open, and its forecast has passed without a new one, or nobody has looked at it for longer than agreed.
    stale: bool,
    /// Open, and its planned date has passed.
    overdue: bool,
    /// Overdue, and nobody has explained why.
    unexplained_miss: bool,
    /// How often its forecast has changed.
    #[schema(maximum = 100_000)]
    forecast_changes: usize,
    /// Goes up with every change.
    #[schema(minimum = 1)]
    version: i64,
}

/// Lists milestones across all plans, by planned date
///
/// What is due this month, what an owner is responsible for: any page of any number of milestones costs the same.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), params(PagingParams, MilestoneFilters),
    responses((status = 200, description = "A page of milestones.", body = Page<ListedMilestone>)))]
#[get("/v1/milestones")]
pub async fn list_milestones(
    cx: Context,
    paging: Paging,
    filters: Query<MilestoneFilters>,
) -> Result<Answer, ApiError> {
    let MilestoneFilters { planned_from, planned_until, owner, state, open } = filters.0;
    let filter = Filter { planned_from, planned_until, owner: owner.map(String::from), state, open };
    let slice = paging.slice(Order::Date("planned_on"), Direction::Ascending)?;
    let mut conn = cx.snapshot().await?;
    let rows = milestones::list(&mut conn, cx.organization_id(), &filter, &slice).await?;
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
