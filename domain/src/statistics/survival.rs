//! Survival analysis: durations of cases, some of which have not ended yet.

use crate::statistics::roc::{Z_95, two_sided};
use crate::values::count::real;

/// Observed case: a duration that ended, or that is censored because it was still running at the last observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Followed {
    /// Duration in days.
    pub days: i64,
    /// Whether the case ended at that time.
    pub ended: bool,
}

/// Point of a survival curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Time in days.
    pub days: i64,
    /// Number of cases still observed just before this time.
    pub at_risk: usize,
    /// Number of cases that ended at this time.
    pub ended: usize,
    /// Share of cases that last longer than this time.
    pub surviving: f64,
    /// 95 % confidence interval on the log-log scale, which stays between 0 and 1.
    pub interval: (f64, f64),
}

/// Comparison of two groups over all times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogRank {
    /// Chi-squared statistic with one degree of freedom.
    pub chi_squared: f64,
    /// Probability of a difference at least this large if there were none.
    pub p_value: f64,
}

/// Computes the survival curve of E. L. Kaplan and P. Meier (*Nonparametric Estimation from Incomplete Observations*,
/// Journal of the American Statistical Association 53, 1958) with M. Greenwood's variance: a point for each time at
/// which a case ended.
pub fn kaplan_meier(group: &[Followed]) -> Vec<Point> {
    let (mut surviving, mut sum) = (1.0, 0.0);
    let mut points = vec![];
    for days in times(group.iter()) {
        let (at_risk, ended) = count(group, days);
        surviving *= 1.0 - real(ended) / real(at_risk);
        sum += real(ended) / (real(at_risk) * real(at_risk - ended));
        points.push(Point { days, at_risk, ended, surviving, interval: interval(surviving, sum) });
    }
    points
}

/// Computes the confidence interval of a share from Greenwood's sum, on the log-log scale.
fn interval(surviving: f64, sum: f64) -> (f64, f64) {
    if surviving <= 0.0 || surviving >= 1.0 {
        return (surviving, surviving);
    }
    let half = Z_95 * sum.sqrt() / surviving.ln().abs();
    (surviving.powf(half.exp()), surviving.powf((-half).exp()))
}

/// Computes the log-rank test (N. Mantel, *Evaluation of Survival Data and Two New Rank Order Statistics*, Cancer
/// Chemotherapy Reports 50, 1966). Returns `None` if no case ended or if one of the groups is empty.
pub fn log_rank(first: &[Followed], second: &[Followed]) -> Option<LogRank> {
    let (mut surplus, mut variance) = (0.0, 0.0);
    for days in times(first.iter().chain(second)) {
        let ((at_risk_1, ended_1), (at_risk_2, ended_2)) = (count(first, days), count(second, days));
        let (n_1, n) = (real(at_risk_1), real(at_risk_1 + at_risk_2));
        let ended = real(ended_1 + ended_2);
        surplus += real(ended_1) - ended * n_1 / n;
        if n > 1.0 {
            variance += ended * (n_1 / n) * (1.0 - n_1 / n) * (n - ended) / (n - 1.0);
        }
    }
    (variance > 0.0).then(|| {
        let chi_squared = surplus * surplus / variance;
        LogRank { chi_squared, p_value: two_sided(chi_squared.sqrt()) }
    })
}

/// Returns the times at which cases ended, in order.
fn times<'a>(all: impl Iterator<Item = &'a Followed>) -> Vec<i64> {
    let mut times: Vec<i64> = all.filter(|one| one.ended).map(|one| one.days).collect();
    times.sort_unstable();
    times.dedup();
    times
}

/// Counts the cases observed for at least this long, and the cases that ended at exactly this time.
fn count(group: &[Followed], days: i64) -> (usize, usize) {
    let at_risk = group.iter().filter(|one| one.days >= days).count();
    (at_risk, group.iter().filter(|one| one.ended && one.days == days).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E. J. Freireich et al., *The Effect of 6-Mercaptopurine on the Duration of Steroid-Induced Remissions in Acute
    /// Leukemia*, Blood 21 (1963): weeks of remission; negative values were still in remission.
    const TREATED: [i64; 21] =
        [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35];
    const CONTROL: [i64; 21] = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23];

    fn followed(weeks: &[i64]) -> Vec<Followed> {
        weeks.iter().map(|weeks| Followed { days: weeks.abs(), ended: *weeks > 0 }).collect()
    }

    /// The curve as in D. R. Cox and D. Oakes, *Analysis of Survival Data* (1984); the intervals as Stata lists them.
    #[test]
    fn remissions_of_leukemia() {
        let found = kaplan_meier(&followed(&TREATED));
        let expected = [(6, 0.8571), (7, 0.8067), (10, 0.7529), (13, 0.6902), (16, 0.6275), (22, 0.5378), (23, 0.4482)];
        assert_eq!(found.len(), expected.len());
        for (point, (days, surviving)) in found.iter().zip(expected) {
            assert!(point.days == days && (point.surviving - surviving).abs() < 5e-5, "{point:?}");
        }
        for (point, (from, to)) in found.iter().zip([(0.6197, 0.9516), (0.5631, 0.9228), (0.5032, 0.8894)]) {
            assert!((point.interval.0 - from).abs() < 6e-5 && (point.interval.1 - to).abs() < 6e-5, "{point:?}");
        }
        let all_ended = kaplan_meier(&followed(&CONTROL));
        assert_eq!(all_ended.last().map(|point| (point.surviving, point.interval)), Some((0.0, (0.0, 0.0))));
    }

    /// As in D. G. Kleinbaum and M. Klein, *Survival Analysis* (3rd ed., 2012), chapter 2: 16.79.
    #[test]
    fn treated_against_control() {
        let found = log_rank(&followed(&TREATED), &followed(&CONTROL)).expect("both groups");
        assert!((found.chi_squared - 16.793).abs() < 5e-4, "{found:?}");
        assert!((found.p_value - 4.17e-5).abs() < 1e-6, "{found:?}");
        let same = log_rank(&followed(&CONTROL), &followed(&CONTROL)).expect("both groups");
        assert!(same.chi_squared < 1e-12 && same.p_value > 0.999);
        assert_eq!(log_rank(&followed(&CONTROL), &[]), None);
        assert_eq!((log_rank(&[], &[]), kaplan_meier(&[])), (None, vec![]));
    }
}
