//! How long the questions that reports ask take in the domain alone.

use chrono::NaiveDate;
use divan::{Bencher, black_box};
use milepost_domain::baseline::{Baseline, Line};
use milepost_domain::earned_value::CreditRule;
use milepost_domain::milestone::State;
use milepost_domain::plan::{MilestoneFacts, PlanFacts};
use milepost_domain::schedule::{Forecast, Terms};

fn main() {
    divan::main();
}

fn day(n: usize) -> NaiveDate {
    let days = chrono::Days::new(u64::try_from(n).unwrap_or_default());
    NaiveDate::from_ymd_opt(2026, 1, 1).and_then(|first| first.checked_add_days(days)).unwrap_or(NaiveDate::MAX)
}

/// A plan a week apart a milestone, half of it achieved, every third with a changed forecast.
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
        misses: vec![],
    };
    let line = |n: usize| Line { milestone: n, planned_on: day(n * 7), weight: 1.0 };
    PlanFacts {
        credit_rule: CreditRule::ZeroHundred,
        terms: Terms::default(),
        baselines: vec![Baseline { number: 1, effective_on: day(0), lines: (0..milestones).map(line).collect() }],
        milestones: (0..milestones).map(fact).collect(),
        costs: vec![],
        start_on: day(0),
        links: vec![],
    }
}

/// PV, EV and SPI of one plan.
#[divan::bench(args = [20, 200])]
fn spi(bencher: Bencher<'_, '_>, milestones: usize) {
    let plan = plan(milestones);
    bencher.bench(|| black_box(&plan).earned_value(black_box(day(70))).spi());
}

/// Everything a report's row says of one plan.
#[divan::bench(args = [20, 200])]
fn summary(bencher: Bencher<'_, '_>, milestones: usize) {
    let plan = plan(milestones);
    bencher.bench(|| black_box(&plan).summary(black_box(day(70))));
}
