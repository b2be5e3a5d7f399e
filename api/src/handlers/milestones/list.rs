//! List page of milestones across all plans, from the plans in memory, because status and reckoned date are computed.

use std::collections::HashMap;

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::access::Scope;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::schedule::Status;
use milepost_domain::values::text::{ExternalRef, Key, Label, Name};
use milepost_domain::values::weight::Weight;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::handlers::plans::list::is_one_of;
use crate::moment::AsOf;
use crate::owner::OwnerParameters;
use crate::paging::{Page, Paging};
use crate::read_model::agenda::{ByDate, Listed};
use crate::read_model::{MilestoneLabel, PlanView};
use crate::reference::{self, Named};
use crate::resources::waits_for::WaitsFor;
use crate::store::keyset::{Direction, Key as PositionKey, Order, Position};
use crate::store::owner::Owner;

/// Filters of the milestone list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MilestoneFilters {
    /// Filter by planned date: on or after this date.
    planned_from: Option<NaiveDate>,
    /// Filter by planned date: on or before this date.
    planned_to: Option<NaiveDate>,
    /// Filter by reckoned date: on or after this date.
    reckoned_from: Option<NaiveDate>,
    /// Filter by reckoned date: on or before this date.
    reckoned_to: Option<NaiveDate>,
    /// Filter by customer of the plan.
    customer_id: Option<Uuid>,
    /// Filter by external reference of the customer of the plan.
    #[param(inline)]
    customer_ref: Option<ExternalRef>,
    /// Filter by phase (exact match). Repeat the parameter for several phases.
    #[serde(default)]
    #[param(max_items = 50)]
    phase: Vec<Label>,
    /// Filter by status at the date. Repeat the parameter for several statuses.
    #[serde(default)]
    #[param(max_items = 10)]
    status: Vec<Status>,
    /// Filter by current state. Repeat the parameter for several states.
    #[serde(default)]
    #[param(max_items = 10)]
    state: Vec<State>,
    /// Filter by openness at the date: `true` for open milestones, `false` for achieved, waived or canceled milestones.
    open: Option<bool>,
    /// Filter by overdue milestones: `true` for open milestones whose planned date has passed, `false` for the others.
    overdue: Option<bool>,
    /// Sort order: `planned_on` (the default), `-planned_on`, `reckoned_on` or `-reckoned_on`.
    #[param(inline)]
    sort: Option<MilestoneSort>,
}

/// Sort order of milestones across plans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum MilestoneSort {
    /// By planned date, the earliest first.
    #[default]
    #[serde(rename = "planned_on")]
    PlannedOn,
    /// By planned date, the latest first.
    #[serde(rename = "-planned_on")]
    PlannedOnDescending,
    /// By reckoned date, the earliest first.
    #[serde(rename = "reckoned_on")]
    ReckonedOn,
    /// By reckoned date, the latest first.
    #[serde(rename = "-reckoned_on")]
    ReckonedOnDescending,
}

impl MilestoneSort {
    const fn direction(self) -> Direction {
        match self {
            Self::PlannedOn | Self::ReckonedOn => Direction::Ascending,
            Self::PlannedOnDescending | Self::ReckonedOnDescending => Direction::Descending,
        }
    }

    const fn by(self) -> ByDate {
        match self {
            Self::PlannedOn | Self::PlannedOnDescending => ByDate::Planned,
            Self::ReckonedOn | Self::ReckonedOnDescending => ByDate::Reckoned,
        }
    }

    fn position(self, row: &Listed<'_>) -> Position {
        let on = match self.by() {
            ByDate::Planned => row.standing.planned_on,
            ByDate::Reckoned => row.standing.reckoned_on,
        };
        Position { key: Some(PositionKey::Date(on)), id: label(row).id }
    }
}

impl MilestoneFilters {
    fn admits(&self, row: &Listed<'_>) -> bool {
        let (label, standing) = (label(row), row.standing);
        let is = |text: &Option<Box<str>>, wanted: &Label| text.as_deref() == Some(wanted.as_str());
        self.planned_from.is_none_or(|from| standing.planned_on >= from)
            && self.planned_to.is_none_or(|to| standing.planned_on <= to)
            && self.reckoned_from.is_none_or(|from| standing.reckoned_on >= from)
            && self.reckoned_to.is_none_or(|to| standing.reckoned_on <= to)
            && is_one_of(&self.phase, |phase| is(&label.phase, phase))
            && is_one_of(&self.status, |status| standing.status == *status)
            && is_one_of(&self.state, |wanted| state(row) == *wanted)
            && self.open.is_none_or(|wanted| standing.is_open() == wanted)
            && self.overdue.is_none_or(|wanted| standing.overdue == wanted)
    }
}

fn label<'a>(row: &Listed<'a>) -> &'a MilestoneLabel {
    &row.plan.labels[row.milestone]
}

fn owner<'a>(row: &Listed<'a>) -> &'a Owner {
    const NOBODY: &Owner = &Owner::named(None);
    label(row).owner.as_deref().unwrap_or(NOBODY)
}

fn state(row: &Listed<'_>) -> State {
    row.plan.facts.milestones[row.milestone].state
}

/// A milestone in the list across plans.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "plan_name": "Northwind rollout",
    "key": "pipeline", "name": "Pipeline runs", "phase": "Data preparation", "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11",
    "owner_ref": "hr-17",
    "owner_name": "Ana", "weight": 5.0, "planned_on": "2026-04-01",
    "first_planned_on": "2026-04-01", "forecast_on": "2026-04-06", "reckoned_on": "2026-04-06", "waits_for": null,
    "customer_id": null, "customer_name": null, "as_of": "2026-04-03", "actual_on": null, "state": "in_progress", "status": "at_risk",
    "variance_days": 5, "first_variance_days": 5, "stale": false, "overdue": true, "unexplained_miss": true, "forecast_changes": 1,
    "version": 3
}))]
pub struct ListedMilestone {
    /// Identifier.
    id: Uuid,
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Name of the plan.
    #[schema(value_type = Name)]
    plan_name: String,
    /// Identifier of the customer that the plan serves.
    customer_id: Option<Uuid>,
    /// Name of the customer that the plan serves.
    #[schema(value_type = Option<Name>)]
    customer_name: Option<String>,
    /// Key. Unique within the plan.
    #[schema(value_type = Key)]
    key: String,
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
    /// Weight: the milestone's share of the plan's scope, in the plan's weight unit.
    #[schema(value_type = Weight)]
    weight: f64,
    /// Planned date: the date in the baseline in force, or the milestone's own date if no baseline includes it.
    planned_on: NaiveDate,
    /// Planned date in the first baseline that includes the milestone.
    first_planned_on: NaiveDate,
    /// Forecast date: the owner's own word.
    forecast_on: NaiveDate,
    /// Reckoned date: while the milestone is open, the forecast date, but not before `as_of` and not before what it waits
    /// for allows; the actual date once achieved.
    reckoned_on: NaiveDate,
    /// Milestone that pushes the reckoned date beyond the forecast date; null if none does.
    waits_for: Option<WaitsFor>,
    /// Actual date: the day on which the milestone was achieved; null otherwise.
    actual_on: Option<NaiveDate>,
    /// State of the work.
    state: State,
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
    /// Whether the milestone is open, a planned date of it has passed, and no miss report explains why.
    unexplained_miss: bool,
    /// Number of forecast changes.
    #[schema(maximum = 100_000)]
    forecast_changes: usize,
    /// Date that the status and the other derived fields refer to.
    as_of: NaiveDate,
    /// Version. Increases by one with every change.
    #[schema(minimum = 1)]
    version: i64,
}

/// List milestones across all plans
///
/// Returns milestones of all plans that are not archived, by planned date unless sorted otherwise. Filters select, for
/// example, the milestones due this month, or the late milestones of one customer. Status and derived fields refer to
/// `as_of`; the other fields are current.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, AsOf, MilestoneFilters, OwnerParameters),
    responses((status = 200, description = "A page of milestones.", body = Page<ListedMilestone>)))]
#[get("/v1/milestones")]
pub async fn list_milestones(
    cx: Context,
    paging: Paging,
    AsOf(as_of): AsOf,
    filters: Query<MilestoneFilters>,
    owners: Query<OwnerParameters>,
) -> Result<Answer, ApiError> {
    let filters = filters.0;
    let customer = Named { id: filters.customer_id, external_ref: filters.customer_ref.as_ref() };
    let customer = reference::sought::<CustomerContent>(&cx, customer).await?;
    let owners = owners.0.filter(&cx).await?;
    let sort = filters.sort.unwrap_or_default();
    let slice = paging.slice(Order::Date("planned_on"), sort.direction())?;
    let agenda = cx.plans().await?.agenda(as_of);
    let behind = agenda.after(sort.by(), slice.direction, slice.after.as_ref());
    let admitted = behind
        .filter(|row| customer.admits(row.plan.row.customer_id) && filters.admits(row) && owners.admits(owner(row)));
    let mut readable: HashMap<Uuid, bool> = HashMap::new();
    let mut may =
        |plan: &PlanView| *readable.entry(plan.row.id).or_insert_with(|| cx.may_with_plan(Scope::PlansRead, plan));
    let admitted = admitted.filter(|row| may(row.plan));
    let page: Vec<Listed<'_>> = admitted.take(slice.rows).collect();
    paging.answer(page, |row| sort.position(row), |row| ListedMilestone::at(&row, as_of))
}

impl ListedMilestone {
    fn at(row: &Listed<'_>, as_of: NaiveDate) -> Self {
        let Listed { plan, milestone, standing } = row;
        let (label, state) = (label(row), state(row));
        let owner = owner(row).clone();
        Self {
            id: label.id,
            plan_id: plan.row.id,
            plan_name: plan.row.name.clone(),
            customer_id: plan.row.customer_id,
            customer_name: plan.row.customer_name.clone(),
            key: label.key.to_string(),
            name: label.name.to_string(),
            phase: label.phase.as_deref().map(str::to_owned),
            owner_id: owner.id,
            owner_ref: owner.external_ref,
            owner_name: owner.name,
            weight: label.weight,
            planned_on: standing.planned_on,
            first_planned_on: standing.first_planned_on,
            forecast_on: standing.forecast_on,
            reckoned_on: standing.reckoned_on,
            waits_for: WaitsFor::of(standing, |at| &plan.labels[at].key, &plan.externals),
            actual_on: plan.facts.milestones[*milestone].closed_on.filter(|_| state == State::Achieved),
            state,
            status: standing.status,
            variance_days: standing.variance_days,
            first_variance_days: standing.first_variance_days,
            stale: standing.stale,
            overdue: standing.overdue,
            unexplained_miss: standing.missed_on.is_some(),
            forecast_changes: standing.forecast_changes,
            as_of,
            version: label.version,
        }
    }
}
