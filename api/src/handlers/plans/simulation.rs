//! When a plan will probably finish.

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
use crate::read_model::{PlanView, Plans};

/// How to simulate.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SimulationOptions {
    /// How many times the plan is lived through; 10,000 if left out.
    #[param(minimum = 100, maximum = 50_000)]
    samples: Option<u32>,
    /// Where the random numbers begin: the same seed gives the same answer. 1 if left out.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    seed: Option<u64>,
    /// The date to answer for, from what was recorded by then; today in the organization's time zone if left out.
    as_of: Option<NaiveDate>,
}

/// When a plan will probably finish, from how long its organization's milestones really took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "as_of": "2026-05-04", "samples": 10000, "seed": 1,
    "finish": {"planned_on": "2026-06-01", "p10_on": "2026-05-30", "p50_on": "2026-06-12", "p80_on": "2026-06-25", "p95_on": "2026-07-14",
               "chance_to_meet_plan": 0.14},
    "histogram": [{"from_on": "2026-05-25", "to_on": "2026-06-07", "share": 0.31}, {"from_on": "2026-06-08", "to_on": "2026-06-21", "share": 0.69}],
    "milestones": [{
        "key": "pipeline", "finish": {"planned_on": "2026-06-01", "p10_on": "2026-05-30", "p50_on": "2026-06-12", "p80_on": "2026-06-25",
        "p95_on": "2026-07-14", "chance_to_meet_plan": 0.14}, "criticality_index": 0.93,
        "reference": {"class": "phase", "finished": 12, "median_ratio": 1.21}
    }]
}))]
pub struct PlanSimulation {
    /// The plan.
    plan_id: Uuid,
    /// The date answered for.
    as_of: NaiveDate,
    /// How many times the plan was lived through.
    #[schema(minimum = 100)]
    samples: u32,
    /// The seed.
    #[schema(minimum = 0)]
    seed: u64,
    /// When the last open milestone will be there.
    finish: ProbableDates,
    /// How the samples' finishes are spread.
    #[schema(max_items = 20)]
    histogram: Vec<HistogramBin>,
    /// Every open milestone, in the plan's order.
    #[schema(max_items = 1000)]
    milestones: Vec<SimulatedMilestone>,
}

/// By when something will be there, with which probability.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "planned_on": "2026-06-01", "p10_on": "2026-05-30", "p50_on": "2026-06-12", "p80_on": "2026-06-25", "p95_on": "2026-07-14", "chance_to_meet_plan": 0.14
}))]
pub struct ProbableDates {
    /// The planned date, in the baseline in force.
    planned_on: NaiveDate,
    /// There by this day in one of ten samples.
    p10_on: NaiveDate,
    /// In half of them.
    p50_on: NaiveDate,
    /// In four of five: a date to promise.
    p80_on: NaiveDate,
    /// In nineteen of twenty.
    p95_on: NaiveDate,
    /// The share of samples in which the planned date is met.
    #[schema(minimum = 0, maximum = 1)]
    chance_to_meet_plan: f64,
}

/// Some days, and the share of samples that finish on them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from_on": "2026-05-25", "to_on": "2026-06-07", "share": 0.31}))]
pub struct HistogramBin {
    /// The first day.
    from_on: NaiveDate,
    /// The last day.
    to_on: NaiveDate,
    /// The share of samples.
    #[schema(minimum = 0, maximum = 1)]
    share: f64,
}

/// An open milestone, simulated.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "key": "pipeline", "finish": {"planned_on": "2026-06-01", "p10_on": "2026-05-30", "p50_on": "2026-06-12", "p80_on": "2026-06-25",
    "p95_on": "2026-07-14", "chance_to_meet_plan": 0.14}, "criticality_index": 0.93,
    "reference": {"class": "phase", "finished": 12, "median_ratio": 1.21}
}))]
pub struct SimulatedMilestone {
    /// Its key.
    #[schema(value_type = Key)]
    key: String,
    /// When it will be there.
    finish: ProbableDates,
    /// The share of samples in which it was on the longest path.
    #[schema(minimum = 0, maximum = 1)]
    criticality_index: f64,
    /// What its duration is guessed from.
    reference: Reference,
}

/// The finished milestones that a duration is guessed from.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"class": "phase", "finished": 12, "median_ratio": 1.21}))]
pub struct Reference {
    /// Which.
    class: ReferenceClass,
    /// How many; 0 where a wide assumption stands in for them.
    #[schema(maximum = 100_000_000)]
    finished: usize,
    /// Actual over planned duration that half of them stay below.
    #[schema(minimum = 0)]
    median_ratio: f64,
}

/// How many durations are drawn at most: a second's work.
const MOST_DRAWS: usize = 10_000_000;
/// How many bars a histogram has at most.
const BARS: usize = 20;

/// Simulates when a plan and its milestones will be finished
///
/// Monte Carlo over the network of what is open. A milestone takes its planned days times a ratio of actual to planned duration from
/// the organization's own finished milestones: those of its phase if there are at least five, else of its kind of plan, else of the
/// whole organization, else a wide assumption (0.8 to 2.5 times, most likely as planned); `reference` says which. A later date
/// that its owner has recorded holds as the earliest. Samples times open milestones may be at most ten million.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), params(SimulationOptions),
    responses(
        (status = 200, description = "The probable dates.", body = PlanSimulation),
        (status = 409, description = "Nothing is open.", body = Problem, content_type = "application/problem+json"),
    ))]
#[get("/v1/plans/{id}/simulation")]
pub async fn simulate_plan(cx: Context, id: Path<Uuid>, options: Query<SimulationOptions>) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    let as_of = options.0.as_of.unwrap_or_else(|| cx.today());
    let (samples, seed) = (options.0.samples.unwrap_or(10_000), options.0.seed.unwrap_or(1));
    // Milliseconds for most plans, but a second for the largest: not on a thread that others wait for.
    let open = plans.find(*id).map_or(0, |view| view.facts.milestones.iter().filter(|one| one.state.is_open()).count());
    if open * usize::try_from(samples).unwrap_or(usize::MAX) > MOST_DRAWS {
        let detail = format!("must be at most {} for {open} open milestones", MOST_DRAWS / open);
        return Err(ApiError::parameter("samples", "too_large", detail));
    }
    let simulated = block(move || {
        let view = plans.find(*id)?;
        Some((view.row.version, PlanSimulation::of(&plans, view, as_of, samples, seed)))
    });
    let (version, simulation) = simulated.await.map_err(ApiError::internal)?.ok_or_else(ApiError::not_found)?;
    let nothing_open =
        || ApiError::new(Code::Conflict, "Nothing of this plan is open, so there is nothing to simulate.");
    Ok(Answer::ok(&simulation.ok_or_else(nothing_open)?)?.version_and_content(version))
}

impl PlanSimulation {
    /// `None` where nothing is open.
    pub fn of(plans: &Plans, view: &PlanView, as_of: NaiveDate, samples: u32, seed: u64) -> Option<Self> {
        let (classes, of_milestone) = references(plans, view, as_of);
        let tasks = Task::all_of(&view.facts, as_of, &of_milestone)?;
        let calendar = &view.facts.terms.calendar;
        let ratios: Vec<Ratios> = classes.iter().map(|(_, ratios)| *ratios).collect();
        let today = calendar.days_between(view.row.start_on, as_of);
        let simulation = Simulation { tasks: &tasks, links: &view.facts.links, references: &ratios, today };
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

/// The reference classes of a plan's phases, and which of them each milestone belongs to.
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
