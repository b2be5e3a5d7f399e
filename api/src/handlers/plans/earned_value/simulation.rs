//! Simulation of a plan's probable finish.

use actix_web::get;
use actix_web::web::{Path, block};
use chrono::NaiveDate;
use milepost_domain::plan::reference::{Ratios, ReferenceClass, narrowest};
use milepost_domain::plan::simulation::{Days, Outcome, Simulation, Task};
use milepost_domain::values::text::Key;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code, Problem};
use crate::extract::Query;
use crate::moment::AsOf;
use crate::read_model::{PlanView, Plans};

/// Options of a simulation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SimulationOptions {
    /// Number of samples: simulated runs of the plan. Defaults to 10,000, or to as many as are allowed for a plan with more than a thousand
    /// open milestones.
    #[param(minimum = 100, maximum = 50_000)]
    samples: Option<u32>,
    /// Seed of the random numbers: the same seed gives the same result. Defaults to 1.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    seed: Option<u64>,
}

/// Probable finish of a plan, based on the actual durations of the organization's finished milestones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "as_of": "2026-05-04", "samples": 10000, "seed": 1,
    "finish": {"planned_on": "2026-06-01", "p10_on": "2026-05-30", "p50_on": "2026-06-12", "p80_on": "2026-06-25", "p95_on": "2026-07-14",
               "chance_to_meet_plan": 0.14},
    "histogram": [{"from_on": "2026-05-25", "to_on": "2026-06-07", "share": 0.31}, {"from_on": "2026-06-08", "to_on": "2026-06-21",
    "share": 0.69}],
    "milestones": [{
        "key": "pipeline", "finish": {"planned_on": "2026-06-01", "p10_on": "2026-05-30", "p50_on": "2026-06-12", "p80_on": "2026-06-25",
        "p95_on": "2026-07-14", "chance_to_meet_plan": 0.14}, "criticality_index": 0.93,
        "reference": {"class": "phase", "finished": 12, "median_ratio": 1.21}
    }]
}))]
pub struct PlanSimulation {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Date that the simulation refers to.
    as_of: NaiveDate,
    /// Number of samples.
    #[schema(minimum = 100)]
    samples: u32,
    /// Seed of the random numbers.
    #[schema(minimum = 0)]
    seed: u64,
    /// Probable dates of the plan's finish: the date on which the last open milestone is achieved.
    finish: ProbableDates,
    /// Distribution of the samples' finish dates.
    #[schema(max_items = 20)]
    histogram: Vec<HistogramBin>,
    /// Open milestones, in plan order.
    #[schema(max_items = 5000)]
    milestones: Vec<SimulatedMilestone>,
}

/// Dates by which a milestone or a plan finishes, by probability.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "planned_on": "2026-06-01", "p10_on": "2026-05-30", "p50_on": "2026-06-12", "p80_on": "2026-06-25", "p95_on": "2026-07-14",
    "chance_to_meet_plan": 0.14
}))]
pub struct ProbableDates {
    /// Planned date in the baseline in force.
    planned_on: NaiveDate,
    /// P10: the day by which one in ten samples has finished.
    p10_on: NaiveDate,
    /// P50: the day by which half of the samples have finished.
    p50_on: NaiveDate,
    /// P80: the day by which four in five samples have finished. A suitable date to commit to.
    p80_on: NaiveDate,
    /// P95: the day by which nineteen in twenty samples have finished.
    p95_on: NaiveDate,
    /// Share of samples that meet the planned date.
    #[schema(minimum = 0, maximum = 1)]
    chance_to_meet_plan: f64,
}

/// A range of days and the share of samples that finish within it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from_on": "2026-05-25", "to_on": "2026-06-07", "share": 0.31}))]
pub struct HistogramBin {
    /// First day.
    from_on: NaiveDate,
    /// Last day.
    to_on: NaiveDate,
    /// Share of samples.
    #[schema(minimum = 0, maximum = 1)]
    share: f64,
}

/// Simulation result of an open milestone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "key": "pipeline", "finish": {"planned_on": "2026-06-01", "p10_on": "2026-05-30", "p50_on": "2026-06-12", "p80_on": "2026-06-25",
    "p95_on": "2026-07-14", "chance_to_meet_plan": 0.14}, "criticality_index": 0.93,
    "reference": {"class": "phase", "finished": 12, "median_ratio": 1.21}
}))]
pub struct SimulatedMilestone {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Probable dates of the milestone.
    finish: ProbableDates,
    /// Criticality index: the share of samples in which the milestone is on the longest path.
    #[schema(minimum = 0, maximum = 1)]
    criticality_index: f64,
    /// Reference: the finished milestones that the duration is estimated from.
    reference: Reference,
}

/// Finished milestones that a duration is estimated from.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"class": "phase", "finished": 12, "median_ratio": 1.21}))]
pub struct Reference {
    /// Reference class.
    class: ReferenceClass,
    /// Number of finished milestones in the class; 0 if a wide assumption is used instead.
    #[schema(maximum = 100_000_000)]
    finished: usize,
    /// Median ratio of actual to planned duration.
    #[schema(minimum = 0)]
    median_ratio: f64,
}

/// Number of samples, if a request names none.
const USUAL_SAMPLES: u32 = 10_000;
/// Maximum number of durations drawn: about one second of work.
const MOST_DRAWS: usize = 10_000_000;
/// Maximum number of bars in a histogram.
const BARS: usize = 20;

/// Simulate a plan's finish
///
/// Runs a Monte Carlo simulation over the network of open milestones. Each milestone takes its planned days times a
/// ratio of actual to planned duration. The ratio comes from the organization's own finished milestones: those of the
/// same phase and kind of plan if there are at least five, otherwise those of the same kind of plan, otherwise all of
/// them, otherwise a wide assumption (0.8 to 2.5 times, most likely as planned). `reference` names the class that was
/// used. A recorded forecast later than the planned date is the earliest date of the milestone. What it waits for in other plans is
/// taken to be achieved on its reckoned date. The number of samples
/// times the number of open milestones may be at most ten million.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    params(AsOf, SimulationOptions),
    responses(
        (status = 200, description = "The probable finish of the plan and its milestones.", body = PlanSimulation),
        (status = 409, description = "The plan has no open milestones.", body = Problem,
            content_type = "application/problem+json"),
    ))]
#[get("/v1/plans/{id}/simulation")]
pub async fn simulate_plan(
    cx: Context,
    id: Path<Uuid>,
    AsOf(as_of): AsOf,
    options: Query<SimulationOptions>,
) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    // Takes milliseconds for most plans but up to a second for the largest, so it must not block a worker thread.
    let open = plans.find(*id).map_or(0, |view| view.facts.milestones.iter().filter(|one| one.state.is_open()).count());
    let most = u32::try_from(MOST_DRAWS / open.max(1)).unwrap_or(u32::MAX);
    let (samples, seed) = (options.0.samples.unwrap_or(USUAL_SAMPLES.min(most)), options.0.seed.unwrap_or(1));
    if samples > most {
        let detail = format!("must be at most {most} for {open} open milestones");
        return Err(ApiError::parameter("samples", "too_large", detail));
    }
    let simulated = block(move || {
        let view = plans.find(*id)?;
        Some((view.row.version, PlanSimulation::of(&plans, view, as_of, samples, seed)))
    });
    let (version, simulation) = simulated.await.map_err(ApiError::internal)?.ok_or_else(ApiError::not_found)?;
    let nothing_open =
        || ApiError::new(Code::Conflict, "The plan has no open milestones, so there is nothing to simulate.");
    Ok(Answer::ok(&simulation.ok_or_else(nothing_open)?)?.version_and_content(version))
}

impl PlanSimulation {
    /// Simulates the plan; `None` if no milestone is open.
    pub fn of(plans: &Plans, view: &PlanView, as_of: NaiveDate, samples: u32, seed: u64) -> Option<Self> {
        let (classes, of_milestone) = references(plans, view, as_of);
        let (tasks, links) = Task::all_of(&view.facts, as_of, &of_milestone)?;
        let calendar = &view.facts.terms.calendar;
        let ratios: Vec<Ratios> = classes.iter().map(|(_, ratios)| *ratios).collect();
        let today = calendar.days_between(view.row.start_on, as_of);
        let simulation = Simulation { tasks: &tasks, links: &links, references: &ratios, today };
        let outcome = simulation.run(samples, seed)?;
        let planned = view.facts.planned_dates(as_of);
        let date = |day: i64| calendar.plus_days(view.row.start_on, day);
        let dates = |days: &Days, planned_on: NaiveDate| ProbableDates {
            planned_on,
            p10_on: date(days.quantile(0.1)),
            p50_on: date(days.quantile(0.5)),
            p80_on: date(days.quantile(0.8)),
            p95_on: date(days.quantile(0.95)),
            chance_to_meet_plan: days.share_by(calendar.days_between(view.row.start_on, planned_on)),
        };
        let Outcome { finish, milestones, criticality } = outcome;
        let open = |(position, days): (usize, &Option<Days>)| {
            Some(SimulatedMilestone {
                key: view.labels.get(position)?.key.to_string(),
                finish: dates(days.as_ref()?, planned[position]),
                criticality_index: criticality[position],
                reference: Reference::of(classes[of_milestone[position]]),
            })
        };
        let in_scope = tasks.iter().zip(&planned).filter(|(task, _)| **task != Task::Dropped);
        let planned_on = in_scope.map(|(_, on)| *on).max().unwrap_or(as_of);
        let bin = |(from, to, share): (i64, i64, f64)| HistogramBin { from_on: date(from), to_on: date(to), share };
        Some(Self {
            plan_id: view.row.id,
            as_of,
            samples,
            seed,
            finish: dates(&finish, planned_on),
            histogram: finish.histogram(BARS).into_iter().map(bin).collect(),
            milestones: milestones.iter().enumerate().filter_map(open).collect(),
        })
    }

    /// The probable dates of the finish alone.
    pub fn into_finish(self) -> ProbableDates {
        self.finish
    }

    /// The day by which the plan is finished in four of five samples.
    pub const fn p80_on(&self) -> NaiveDate {
        self.finish.p80_on
    }
}

impl Reference {
    fn of((class, ratios): (ReferenceClass, Ratios)) -> Self {
        let finished = match ratios {
            Ratios::Observed { count, .. } => count,
            Ratios::Assumed => 0,
        };
        Self { class, finished, median_ratio: ratios.median() }
    }
}

/// The reference classes of a plan's phases, and the class of each milestone.
fn references(plans: &Plans, view: &PlanView, as_of: NaiveDate) -> (Vec<(ReferenceClass, Ratios)>, Vec<usize>) {
    let history: Vec<(Option<&str>, bool, f64)> = plans
        .finished(as_of)
        .filter_map(|(plan, label, one)| Some((label.phase.as_deref(), plan.row.kind.0 == view.row.kind.0, one.ratio?)))
        .collect();
    let ratios = |wanted: &dyn Fn(Option<&str>, bool) -> bool| {
        let some = history.iter().filter(|(phase, is_same_kind, _)| wanted(*phase, *is_same_kind));
        some.map(|(_, _, ratio)| *ratio).collect::<Vec<f64>>()
    };
    let (of_kind, of_all) = (ratios(&|_, is_same_kind| is_same_kind), ratios(&|_, _| true));
    let mut phases: Vec<Option<&str>> = vec![];
    let mut classes = vec![];
    let of_milestone = view.labels.iter().map(|label| {
        let phase = label.phase.as_deref();
        phases.iter().position(|known| *known == phase).unwrap_or_else(|| {
            let of_phase = ratios(&|other, is_same_kind| is_same_kind && phase.is_some() && other == phase);
            phases.push(phase);
            classes.push(narrowest(&of_phase, &of_kind, &of_all));
            phases.len() - 1
        })
    });
    let of_milestone = of_milestone.collect();
    (classes, of_milestone)
}
