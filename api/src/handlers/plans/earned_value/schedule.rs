//! Schedule of a plan: early and late dates, float and critical paths.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::cascade::Course;
use milepost_domain::plan::driving::Driver;
use milepost_domain::plan::network::{Link, Network, Node};
use milepost_domain::values::text::{Key, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::store::plans::{self, PlanRecord};

/// Basis of the durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Planned dates of the baseline in force.
    #[default]
    Planned,
    /// Dates expected today: forecasts, and actual dates of achieved milestones.
    Forecast,
}

/// Options of a schedule.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ScheduleOptions {
    /// Basis of the durations. Defaults to `planned`.
    #[param(inline)]
    basis: Option<Basis>,
}

/// Schedule of a plan. The duration of a milestone is the number of days from the milestones that it depends on (or
/// from the plan's start) to its date.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "basis": "planned", "start_on": "2026-03-02", "finish_on": "2026-04-01",
    "critical_paths": [["data-access", "pipeline"]],
    "driving_path": [{"plan_id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11", "plan_name": "Data platform", "key": "access",
    "reckoned_on": "2026-03-20"},
                     {"plan_id": null, "plan_name": null, "key": "pipeline", "reckoned_on": "2026-04-14"}],
    "milestones": [
        {"key": "data-access", "duration_days": 7, "early_start_on": "2026-03-02", "early_finish_on": "2026-03-09",
        "late_start_on": "2026-03-02",
         "late_finish_on": "2026-03-09", "total_float_days": 0, "free_float_days": 0, "critical": true},
        {"key": "pipeline", "duration_days": 23, "early_start_on": "2026-03-09", "early_finish_on": "2026-04-01",
        "late_start_on": "2026-03-09",
         "late_finish_on": "2026-04-01", "total_float_days": 0, "free_float_days": 0, "critical": true}
    ]
}))]
pub struct Schedule {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Basis of the durations.
    basis: Basis,
    /// First day of the plan.
    start_on: NaiveDate,
    /// Earliest day on which all milestones can be achieved.
    finish_on: NaiveDate,
    /// Critical paths, ties included; at most twenty.
    #[schema(max_items = 20)]
    critical_paths: Vec<CriticalPath>,
    /// Driving path today, whatever the basis: the open milestones that the plan's finish hangs on, also of plans that it waits for. It is
    /// traced back from the last open milestone as far as nothing leaves room.
    #[schema(max_items = 55_000)]
    driving_path: Vec<DrivingMilestone>,
    /// Milestones that are not waived or canceled, in plan order.
    #[schema(max_items = 5000)]
    milestones: Vec<ScheduledMilestone>,
}

/// Keys of the milestones along a critical path, from first to last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(value_type = Vec<Key>, max_items = 5000, example = json!(["data-access", "pipeline"]))]
pub struct CriticalPath(Vec<String>);

/// A milestone on a driving path.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"plan_id": null, "plan_name": null, "key": "pipeline", "reckoned_on": "2026-04-14"}))]
pub struct DrivingMilestone {
    /// Identifier of its plan, if it is another plan; null otherwise.
    plan_id: Option<Uuid>,
    /// Name of its plan, if it is another plan; null otherwise.
    #[schema(value_type = Option<Name>)]
    plan_name: Option<String>,
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Reckoned date.
    reckoned_on: NaiveDate,
}

/// Position of a milestone in the schedule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "key": "pipeline", "duration_days": 23, "early_start_on": "2026-03-09", "early_finish_on": "2026-04-01", "late_start_on": "2026-03-09",
    "late_finish_on": "2026-04-01", "total_float_days": 0, "free_float_days": 0, "critical": true
}))]
pub struct ScheduledMilestone {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Duration in days of the plan's calendar.
    #[schema(minimum = 0)]
    duration_days: i64,
    /// Earliest start.
    early_start_on: NaiveDate,
    /// Earliest finish.
    early_finish_on: NaiveDate,
    /// Latest start that does not delay the plan.
    late_start_on: NaiveDate,
    /// Latest finish that does not delay the plan.
    late_finish_on: NaiveDate,
    /// Total float: days that the milestone may slip without delaying the plan.
    #[schema(minimum = 0)]
    total_float_days: i64,
    /// Free float: days that the milestone may slip without delaying any other milestone.
    free_float_days: i64,
    /// Whether the milestone is critical: each day of delay delays the plan by a day.
    critical: bool,
}

/// Get a plan's schedule
///
/// Returns early and late dates, float and critical paths, computed by the critical path method over all four relations with lags. Waived
/// and canceled milestones do not delay other milestones and are left out. Dates, float and critical paths are those of the plan by
/// itself; `driving_path` says what its finish hangs on in other plans, too.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(ScheduleOptions),
    responses((status = 200, description = "The schedule.", body = Schedule)))]
#[get("/v1/plans/{id}/schedule")]
pub async fn read_schedule(cx: Context, id: Path<Uuid>, options: Query<ScheduleOptions>) -> Result<Answer, ApiError> {
    let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), *id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let schedule = Schedule::of(&record, options.0.basis.unwrap_or_default(), cx.today());
    let schedule = schedule.ok_or_else(|| ApiError::internal("a stored plan has a cycle"))?;
    Ok(Answer::ok(&schedule)?.version_and_content(record.plan.version))
}

impl Schedule {
    /// Computes the schedule; `None` if the dependencies form a cycle, which no write allows.
    fn of(record: &PlanRecord, basis: Basis, today: NaiveDate) -> Option<Self> {
        let mut steps = record.steps(today);
        if basis == Basis::Forecast {
            for step in &mut steps {
                step.planned_on = step.expected_on;
            }
        }
        let in_scope: Vec<usize> = (0..steps.len()).filter(|at| !steps[*at].state.is_dropped()).collect();
        let place = |position: usize| in_scope.iter().position(|at| *at == position);
        let links: Vec<Link> = record
            .links()
            .into_iter()
            .filter_map(|link| Some(Link { from: place(link.from)?, to: place(link.to)?, ..link }))
            .collect();
        let steps: Vec<_> = in_scope.iter().map(|at| steps[*at]).collect();
        let start_on = record.plan.start_on;
        let calendar = &record.plan.calendar.0;
        let course = Course { steps: &steps, links: &links, start_on, calendar };
        let network = Network::schedule(&course.planned_durations_days()?, &links)?;
        let key = |position: usize| record.milestones[in_scope[position]].key.clone();
        let paths = network.critical_paths(&links);
        Some(Self {
            plan_id: record.plan.id,
            basis,
            start_on,
            finish_on: calendar.plus_days(start_on, network.length_days),
            critical_paths: paths.into_iter().map(|path| CriticalPath(path.into_iter().map(key).collect())).collect(),
            driving_path: driving_path(record, today),
            milestones: network
                .nodes
                .iter()
                .enumerate()
                .map(|(at, node)| scheduled(key(at), node, start_on, calendar))
                .collect(),
        })
    }
}

fn driving_path(record: &PlanRecord, today: NaiveDate) -> Vec<DrivingMilestone> {
    let others = record.waits_for();
    let milestone = |driver: Driver| {
        let other = driver.plan_id.and_then(|plan_id| others.get(&plan_id));
        let plan = other.map_or(record, |other| other);
        DrivingMilestone {
            plan_id: driver.plan_id,
            plan_name: other.map(|other| other.plan.name.clone()),
            key: plan.milestones[driver.milestone].key.clone(),
            reckoned_on: driver.reckoned_on,
        }
    };
    record.facts().driving_path(today).into_iter().map(milestone).collect()
}

fn scheduled(key: String, node: &Node, start_on: NaiveDate, calendar: &Calendar) -> ScheduledMilestone {
    let on = |days| calendar.plus_days(start_on, days);
    ScheduledMilestone {
        key,
        duration_days: node.duration_days,
        early_start_on: on(node.early_start),
        early_finish_on: on(node.early_finish),
        late_start_on: on(node.late_start),
        late_finish_on: on(node.late_finish),
        total_float_days: node.total_float_days,
        free_float_days: node.free_float_days,
        critical: node.is_critical(),
    }
}
