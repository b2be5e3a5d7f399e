//! Data for the two charts of a plan: the S-curve and the milestone trend chart.
//!
//! This module computes points only; it does not draw.

use chrono::NaiveDate;

use crate::earned_value::earned_schedule::Period;
use crate::plan::PlanFacts;
use crate::plan::baseline::in_force;
use crate::plan::schedule::Status;
use crate::values::dates::{days_between, plus_days};

/// Planned, earned and expected value over time, in percent of the scope.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SCurve {
    /// Planned value (PV), from the plan's start to the last planned date.
    pub planned: Vec<(NaiveDate, f64)>,
    /// Earned value (EV), from the plan's start to `as_of`, or to the last closing if no milestone is open.
    pub earned: Vec<(NaiveDate, f64)>,
    /// Expected value, from the EV at `as_of` to the expected finish. Empty if no milestone is open.
    pub expected: Vec<(NaiveDate, f64)>,
}

/// Maximum number of weeks for which a curve has weekly points.
const MOST_POINTS: i64 = 120;

/// Returns the S-curve of a plan at the end of `as_of`, measured against the baseline then in force. Empty without
/// scope.
pub fn s_curve(plan: &PlanFacts, as_of: NaiveDate) -> SCurve {
    let lines = in_force(&plan.baselines, as_of).map_or(&[][..], |baseline| &baseline.lines);
    let sums = plan.earned_value(as_of);
    let last_planned = lines.iter().map(|line| line.planned_on).max().filter(|_| sums.budget_at_completion > 0.0);
    let Some(last_planned) = last_planned else { return SCurve::default() };
    let percent = |weight: f64| 100.0 * weight / sums.budget_at_completion;
    let standings = plan.standings(as_of);
    let open: Vec<(NaiveDate, f64)> = lines
        .iter()
        .filter(|line| standings[line.milestone].is_open())
        .map(|line| (standings[line.milestone].reckoned_on, line.weight * (1.0 - plan.credit(line, as_of))))
        .collect();
    let closed = plan.milestones.iter().filter_map(|one| one.closed_on).filter(|on| *on <= as_of).max();
    let earned_until = if open.is_empty() { closed.unwrap_or(as_of) } else { as_of };
    let curve = |from: NaiveDate, to: NaiveDate, value: &dyn Fn(NaiveDate) -> f64| {
        dates(plan.start_on, from, to).map(|on| (on, percent(value(on)))).collect()
    };
    let planned = |on: NaiveDate| lines.iter().filter(|line| line.planned_on <= on).map(|line| line.weight).sum();
    let earned = |on: NaiveDate| plan.earned_value(on).earned_value;
    let to_come =
        |on: NaiveDate| sums.earned_value + open.iter().filter(|(by, _)| *by <= on).map(|(_, left)| left).sum::<f64>();
    SCurve {
        planned: curve(plan.start_on, last_planned, &planned),
        earned: curve(plan.start_on, earned_until, &earned),
        expected: open.iter().map(|(by, _)| *by).max().map_or(vec![], |last| curve(as_of, last, &to_come)),
    }
}

/// Returns both ends and the ends of the periods between them: days for a short plan, weeks for most plans, months
/// for a long plan.
fn dates(start_on: NaiveDate, from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let length = days_between(start_on, to).max(0);
    let period = match length {
        0..=35 => Period::Day,
        36.. if length / 7 <= MOST_POINTS => Period::Week,
        _ => Period::Month,
    };
    let first = period.number_of(start_on, from);
    let last_number = period.number_of(start_on, to);
    // Limits the points of a plan that spans centuries.
    let step = usize::try_from(last_number.saturating_sub(first) / 250 + 1).unwrap_or(1);
    let end_of = move |number: u32| plus_days(period.starts_on(start_on, number + 1), -1);
    let ends = (first..=last_number).step_by(step).map(end_of);
    let between = ends.filter(move |on| *on > from && *on < to);
    let last = (to > from).then_some(to);
    (from <= to).then_some(from).into_iter().chain(between).chain(last)
}

/// One milestone's expected dates over time, as pairs of the day of the expectation and the date expected. On a level
/// line the expected date did not change.
pub type DateTrend = Vec<(NaiveDate, NaiveDate)>;

/// Returns the milestone trend chart at `as_of`: one line for each milestone, in plan order. A line runs from the
/// planned date at the plan's start to the day of achievement, or to `as_of`. Waived and canceled milestones have
/// empty lines.
pub fn milestone_trend(plan: &PlanFacts, as_of: NaiveDate) -> Vec<DateTrend> {
    let first = plan.planned_dates(plan.start_on);
    let line = |(position, standing): (usize, crate::plan::schedule::Standing)| {
        let facts = &plan.milestones[position];
        if matches!(standing.status, Status::Waived | Status::Cancelled) {
            return vec![];
        }
        let until = facts.closed_on.filter(|_| standing.status == Status::Achieved).unwrap_or(as_of);
        let mut points = vec![(plan.start_on, first[position])];
        for change in facts.forecasts.iter().filter(|change| change.recorded_on <= until) {
            points.push((change.recorded_on.max(plan.start_on), change.forecast_on));
        }
        points.push((until.max(plan.start_on), standing.reckoned_on));
        points
    };
    plan.standings(as_of).into_iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::earned_value::CreditRule;
    use crate::plan::MilestoneFacts;
    use crate::plan::Valuation;
    use crate::plan::baseline::{Baseline, Line};
    use crate::plan::milestone::State;
    use crate::plan::schedule::{Forecast, Terms};

    fn day(n: i64) -> NaiveDate {
        plus_days(NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date"), n)
    }

    fn milestone(state: State, planned: i64, closed: Option<i64>, forecasts: &[(i64, i64)]) -> MilestoneFacts {
        MilestoneFacts {
            state,
            planned_on: day(planned),
            started_on: None,
            closed_on: closed.map(day),
            forecasts: forecasts
                .iter()
                .map(|(on, to)| Forecast { recorded_on: day(*on), forecast_on: day(*to) })
                .collect(),
            progress: vec![],
            touched_on: None,
            confirmed_on: None,
            duration_days: None,
            credit_rule: None,
            misses: vec![],
        }
    }

    /// A quarter was achieved two days late. A quarter and a half are open; the half is forecast for day 34.
    fn plan() -> PlanFacts {
        let milestones = vec![
            milestone(State::Achieved, 5, Some(7), &[]),
            milestone(State::Planned, 12, None, &[]),
            milestone(State::Planned, 20, None, &[(6, 34)]),
        ];
        let weights = [1.0, 1.0, 2.0];
        let line = |(milestone, weight): (usize, f64)| Line {
            milestone,
            planned_on: milestones[milestone].planned_on,
            weight,
        };
        let lines = weights.into_iter().enumerate().map(line).collect();
        PlanFacts {
            valuations: vec![Valuation::of(CreditRule::ZeroHundred)],
            terms: Terms::default(),
            baselines: vec![Baseline { number: 1, effective_on: day(0), lines }],
            milestones,
            costs: vec![],
            start_on: day(0),
            links: vec![],
            holds: vec![],
            externals: vec![],
        }
    }

    fn at(curve: &[(NaiveDate, f64)], on: i64) -> Option<f64> {
        curve.iter().find(|(date, _)| *date == day(on)).map(|(_, percent)| *percent)
    }

    #[test]
    fn the_curve_has_three_parts() {
        let curve = s_curve(&plan(), day(10));
        assert_eq!([4, 5, 11, 12, 20].map(|on| at(&curve.planned, on)), [0.0, 25.0, 25.0, 50.0, 100.0].map(Some));
        assert_eq!(curve.planned.last().map(|(on, _)| *on), Some(day(20)));
        assert_eq!([6, 7, 10, 11].map(|on| at(&curve.earned, on)), [Some(0.0), Some(25.0), Some(25.0), None]);
        assert_eq!([10, 12, 33, 34].map(|on| at(&curve.expected, on)), [25.0, 50.0, 50.0, 100.0].map(Some));
        let empty = PlanFacts { baselines: vec![], ..plan() };
        assert_eq!(s_curve(&empty, day(10)), SCurve::default());
    }

    #[test]
    fn longer_plans_have_points_further_apart() {
        let gaps = |days| {
            let found: Vec<NaiveDate> = dates(day(0), day(0), day(days)).collect();
            (found.len(), days_between(found[1], found[2]), found.last().copied())
        };
        assert_eq!(gaps(20), (21, 1, Some(day(20))));
        assert_eq!(gaps(71), (12, 7, Some(day(71))));
        assert_eq!(gaps(1500).1, 28, "February");
        assert!(dates(day(0), day(0), day(2_900_000)).count() < 260);
        assert_eq!(dates(day(0), day(5), day(3)).count(), 0);
        assert_eq!(dates(day(0), day(5), day(5)).collect::<Vec<_>>(), [day(5)]);
    }

    #[test]
    fn each_milestone_has_its_line() {
        let mut plan = plan();
        plan.milestones[1] = milestone(State::Cancelled, 12, Some(8), &[]);
        let lines = milestone_trend(&plan, day(10));
        assert_eq!(lines[0], [(day(0), day(5)), (day(7), day(7))]);
        assert_eq!(lines[1], []);
        assert_eq!(lines[2], [(day(0), day(20)), (day(6), day(34)), (day(10), day(34))]);
    }
}
