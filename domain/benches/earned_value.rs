//! Benchmarks of the computations behind reports, in the domain alone.

use chrono::NaiveDate;
use divan::{Bencher, black_box};
use milepost_domain::earned_value::CreditRule;
use milepost_domain::earned_value::earned_schedule::Period;
use milepost_domain::plan::baseline::{Baseline, Line};
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::cascade::{Course, Direction, Step};
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::network::{Link, Relation};
use milepost_domain::plan::reference::Ratios;
use milepost_domain::plan::schedule::{Forecast, Terms};
use milepost_domain::plan::simulation::{Duration, Simulation, Task};
use milepost_domain::plan::{MilestoneFacts, PlanFacts, Valuation};

fn main() {
    divan::main();
}

fn day(n: usize) -> NaiveDate {
    let days = chrono::Days::new(u64::try_from(n).unwrap_or_default());
    NaiveDate::from_ymd_opt(2026, 1, 1).and_then(|first| first.checked_add_days(days)).unwrap_or(NaiveDate::MAX)
}

/// Returns a plan with one milestone per week, half of them achieved, every third with a changed forecast.
fn plan(milestones: usize) -> PlanFacts {
    let fact = |n: usize| MilestoneFacts {
        state: if n < milestones / 2 { State::Achieved } else { State::Planned },
        planned_on: day(n * 7),
        started_on: None,
        closed_on: (n < milestones / 2).then(|| day(n * 7 + 2)),
        forecasts: if n.is_multiple_of(3) {
            vec![Forecast { recorded_on: day(n * 5), forecast_on: day(n * 7 + 4) }]
        } else {
            vec![]
        },
        progress: vec![],
        touched_on: None,
        confirmed_on: None,
        duration_days: None,
        credit_rule: None,
        misses: vec![],
    };
    let line = |n: usize| Line { milestone: n, planned_on: day(n * 7), weight: 1.0 };
    PlanFacts {
        valuations: vec![Valuation::of(CreditRule::ZeroHundred)],
        terms: Terms::default(),
        baselines: vec![Baseline { number: 1, effective_on: day(0), lines: (0..milestones).map(line).collect() }],
        milestones: (0..milestones).map(fact).collect(),
        costs: vec![],
        start_on: day(0),
        links: vec![],
        holds: vec![],
        externals: vec![],
    }
}

/// Planned value (PV), earned value (EV) and schedule performance index (SPI) of one plan.
#[divan::bench(args = [20, 200])]
fn spi(bencher: Bencher<'_, '_>, milestones: usize) {
    let plan = plan(milestones);
    bencher.bench(|| black_box(&plan).earned_value(black_box(day(70))).spi());
}

/// Summary of one plan, as in a row of a report.
#[divan::bench(args = [20, 200])]
fn summary(bencher: Bencher<'_, '_>, milestones: usize) {
    let plan = plan(milestones);
    bencher.bench(|| black_box(&plan).summary(black_box(day(70))));
}

/// PV, EV, earned schedule (ES) and derived figures at the end of each of 52 weeks.
#[divan::bench(args = [20, 52])]
fn series_of_52_weeks(bencher: Bencher<'_, '_>, milestones: usize) {
    let plan = plan(milestones);
    bencher.bench(|| {
        let week = |number: usize| {
            let on = day(number * 7 + 6);
            let in_time = black_box(&plan).earned_schedule(day(0), on, Period::Week).ok();
            (plan.earned_value(on), in_time.map(|(measured, _)| measured.schedule_performance_index().ok()))
        };
        (0..52).map(week).collect::<Vec<_>>()
    });
}

/// Returns links in which each milestone depends on the previous one, and every third also on the third before it.
fn links(milestones: usize) -> Vec<Link> {
    let link = |from, to| Link { from, to, relation: Relation::FinishToStart, lag_days: 0 };
    let thirds = (3..milestones).step_by(3).map(|to| link(to - 3, to));
    (1..milestones).map(|to| link(to - 1, to)).chain(thirds).collect()
}

/// Slip of the first milestone that moves all others.
#[divan::bench(args = [20, 1000])]
fn cascade(bencher: Bencher<'_, '_>, milestones: usize) {
    let step = |n: usize| Step {
        state: State::Planned,
        planned_on: day(n * 7),
        expected_on: day(n * 7),
        started_on: None,
        spoke_on: None,
        duration_days: None,
    };
    let steps: Vec<Step> = (0..milestones).map(step).collect();
    let (links, calendar) = (links(milestones), Calendar::every_day());
    let course = Course { steps: &steps, links: &links, start_on: day(0), calendar: &calendar };
    bencher.bench(|| black_box(&course).cascade((0, day(30)), Direction::Push, day(0)));
}

/// Simulation of a plan with 10,000 samples.
#[divan::bench(args = [20, 200])]
fn simulation(bencher: Bencher<'_, '_>, milestones: usize) {
    let duration = Duration::Scaled { planned_days: 7.0, reference: 0 };
    let tasks = vec![Task::Open { duration, started: None, not_before: None }; milestones];
    let references = [Ratios::Observed { count: 40, log_mean: 0.1, log_deviation: 0.3 }];
    let links = links(milestones);
    let simulation = Simulation { tasks: &tasks, links: &links, references: &references, today: 0 };
    bencher.bench(|| black_box(&simulation).run(10_000, 1));
}
