//! Backtests of health scores: a comparison of past scores with the customers lost afterwards.
//!
//! This module computes from given cases and outcomes; it does no I/O and reads no clock.

use chrono::{Days, NaiveDate};

use crate::customer::outcome::OutcomeKind;
use crate::values::count::real;

/// Minimum number of lost customers needed to draw conclusions.
pub const FEWEST_EVENTS: usize = 10;

/// A customer on one day: its score, and whether it was lost within the horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Case {
    /// Score from 0 to 100. A lower score means a higher risk of loss.
    pub score: f64,
    /// Whether the customer was lost.
    pub churned: bool,
}

/// Accuracy of scores as probabilities. A score is read as the probability, in percent, that the customer stays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brier {
    /// Brier score: the mean squared error (G. W. Brier, *Verification of Forecasts Expressed in Terms of
    /// Probability*, Monthly Weather Review 78, 1950).
    pub score: f64,
    /// Brier score of always stating the overall share of lost customers.
    pub reference: f64,
    /// Skill: the share of the reference error that the scores avoid. 1 is perfect, 0 is no better, negative is
    /// worse.
    pub skill: f64,
}

/// Cases whose scores lie in one tenth of the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower end of the tenth.
    pub from: f64,
    /// Number of cases.
    pub cases: usize,
    /// Average probability of loss that the scores state.
    pub stated: f64,
    /// Share of the cases that were lost.
    pub observed: f64,
}

/// Result of treating all cases below a score as at risk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Number of cases below the score.
    pub flagged: usize,
    /// Share of the flagged cases that were lost. `None` if none is flagged.
    pub precision: Option<f64>,
    /// Share of the lost cases that were flagged. `None` if none was lost.
    pub recall: Option<f64>,
}

/// Returns the Brier score. `None` if all or none were lost.
pub fn brier(cases: &[Case]) -> Option<Brier> {
    let rate = share(cases.iter().filter(|case| case.churned).count(), cases.len())?;
    let reference = rate * (1.0 - rate);
    let error = |case: &Case| ((1.0 - case.score / 100.0) - f64::from(u8::from(case.churned))).powi(2);
    let score = cases.iter().map(error).sum::<f64>() / real(cases.len());
    (reference > 0.0).then(|| Brier { score, reference, skill: 1.0 - score / reference })
}

/// Compares stated with observed loss by tenths of the scale. Tenths without cases are left out.
pub fn calibration(cases: &[Case]) -> Vec<Bin> {
    let tenth = |case: &Case| (0..10).rfind(|tenth| case.score >= f64::from(*tenth) * 10.0).unwrap_or(0);
    let bin = |number: i32| {
        let own: Vec<&Case> = cases.iter().filter(|case| tenth(case) == number).collect();
        let observed = share(own.iter().filter(|case| case.churned).count(), own.len())?;
        let stated = own.iter().map(|case| 1.0 - case.score / 100.0).sum::<f64>() / real(own.len());
        Some(Bin { from: f64::from(number) * 10.0, cases: own.len(), stated, observed })
    };
    (0..10).filter_map(bin).collect()
}

/// Returns the lift at the top decile: the loss rate of the tenth with the lowest scores, divided by the overall loss
/// rate. If scores are tied at the edge, each tied case counts by the share of them that still belongs to the tenth.
/// `None` if no customer was lost.
pub fn lift_at_top_decile(cases: &[Case]) -> Option<f64> {
    let rate = share(cases.iter().filter(|case| case.churned).count(), cases.len())?;
    let mut sorted: Vec<&Case> = cases.iter().collect();
    sorted.sort_unstable_by(|a, b| a.score.total_cmp(&b.score));
    let wanted = real(cases.len()) / 10.0;
    let (mut taken, mut lost) = (0.0, 0.0);
    for run in sorted.chunk_by(|a, b| a.score.total_cmp(&b.score).is_eq()) {
        let part = (wanted - taken).min(real(run.len())).max(0.0);
        lost += part * share(run.iter().filter(|case| case.churned).count(), run.len())?;
        taken += part;
    }
    (rate > 0.0).then(|| lost / wanted / rate)
}

/// Result of treating all cases below a score as at risk.
pub fn at_edge(cases: &[Case], below: f64) -> Edge {
    let flagged = cases.iter().filter(|case| case.score < below);
    let (flagged, hit) = (flagged.clone().count(), flagged.filter(|case| case.churned).count());
    Edge {
        flagged,
        precision: share(hit, flagged),
        recall: share(hit, cases.iter().filter(|case| case.churned).count()),
    }
}

/// Returns the median of some numbers of days. `None` if there are none.
pub fn median(days: &mut [i64]) -> Option<f64> {
    days.sort_unstable();
    let middle = days.len() / 2;
    let real = |days: i64| i32::try_from(days).map_or(f64::MAX, f64::from);
    match days.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(real(days[middle])),
        _ => Some(f64::midpoint(real(days[middle - 1]), real(days[middle]))),
    }
}

/// Returns the evaluation days from `from` to `to`, one horizon apart so that no outcome counts twice. Only days
/// whose horizon has passed are included.
pub fn evaluation_days(from: NaiveDate, to: NaiveDate, horizon_days: u32, today: NaiveDate) -> Vec<NaiveDate> {
    let step = Days::new(u64::from(horizon_days.max(1)));
    let days = std::iter::successors(Some(from), |on| on.checked_add_days(step));
    days.take_while(|on| *on <= to && on.checked_add_days(step).is_some_and(|end| end <= today)).collect()
}

/// Whether a customer was active at the end of a day: not lost by then, or won back since. Outcomes are sorted by
/// day.
pub fn is_customer(outcomes: &[(NaiveDate, OutcomeKind)], on: NaiveDate) -> bool {
    outcomes.iter().rfind(|(day, _)| *day <= on).is_none_or(|(_, kind)| *kind != OutcomeKind::Churned)
}

/// Returns the first day of loss within the horizon after a day, or `None`.
pub fn churned_on(outcomes: &[(NaiveDate, OutcomeKind)], after: NaiveDate, horizon_days: u32) -> Option<NaiveDate> {
    let end = after.checked_add_days(Days::new(u64::from(horizon_days)))?;
    let lost = outcomes.iter().filter(|(_, kind)| *kind == OutcomeKind::Churned).map(|(day, _)| *day);
    lost.filter(|day| *day > after && *day <= end).min()
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| real(part) / real(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(list: &[(f64, bool)]) -> Vec<Case> {
        list.iter().map(|(score, churned)| Case { score: *score, churned: *churned }).collect()
    }

    #[test]
    fn brier_and_its_skill() {
        let found = brier(&cases(&[(0.0, true), (100.0, false), (100.0, false), (50.0, true)])).expect("both kinds");
        assert!((found.score - 0.0625).abs() < 1e-12 && (found.reference - 0.25).abs() < 1e-12);
        assert!((found.skill - 0.75).abs() < 1e-12);
        assert_eq!(brier(&cases(&[(50.0, true)])), None);
    }

    #[test]
    fn stated_against_observed() {
        let found = calibration(&cases(&[(5.0, true), (9.0, false), (95.0, false), (100.0, false)]));
        assert_eq!(
            found.iter().map(|bin| (bin.from, bin.cases, bin.observed)).collect::<Vec<_>>(),
            [(0.0, 2, 0.5), (90.0, 2, 0.0)]
        );
        assert!((found[0].stated - 0.93).abs() < 1e-12);
    }

    #[test]
    fn lift_counts_ties_by_their_share() {
        let mut list: Vec<(f64, bool)> = (0..20).map(|number| (f64::from(number), number < 2)).collect();
        assert_eq!(lift_at_top_decile(&cases(&list)), Some(10.0));
        for one in &mut list[..4] {
            one.0 = 0.0;
        }
        assert_eq!(lift_at_top_decile(&cases(&list)), Some(5.0), "two of four equal ones belong to the tenth");
        assert_eq!(lift_at_top_decile(&cases(&[(1.0, false)])), None);
    }

    #[test]
    fn precision_and_recall() {
        let found = at_edge(&cases(&[(10.0, true), (20.0, false), (70.0, true), (90.0, false)]), 70.0);
        assert_eq!(found, Edge { flagged: 2, precision: Some(0.5), recall: Some(0.5) });
        assert_eq!(at_edge(&cases(&[(80.0, false)]), 70.0), Edge { flagged: 0, precision: None, recall: None });
    }

    #[test]
    fn days_whose_horizon_is_over() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let found = evaluation_days(day("2026-01-01"), day("2026-12-31"), 60, day("2026-05-04"));
        assert_eq!(found, [day("2026-01-01"), day("2026-03-02")]);
    }

    #[test]
    fn who_left_may_come_back() {
        let day = |number| NaiveDate::from_ymd_opt(2026, 5, number).expect("a date");
        let outcomes =
            [(day(3), OutcomeKind::Churned), (day(10), OutcomeKind::Renewed), (day(20), OutcomeKind::Churned)];
        let there: Vec<bool> = [2, 3, 9, 10, 20].map(|on| is_customer(&outcomes, day(on))).to_vec();
        assert_eq!(there, [true, false, false, true, false]);
        assert_eq!(churned_on(&outcomes, day(10), 10), Some(day(20)));
        assert_eq!(churned_on(&outcomes, day(10), 9), None);
        assert_eq!(churned_on(&outcomes, day(2), 1), Some(day(3)));
    }
}
