//! Variance of finished milestones, and the buffer that it suggests for future plans.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use statrs::statistics::{Data, OrderStatistics};

use crate::plan::reference::{FEWEST, Finished};
use crate::statistics::trend::theil_sen;
use crate::values::count::real;

/// Summary of the variance of finished milestones.
#[derive(Debug, Clone, PartialEq)]
pub struct Variance {
    /// Number of milestones.
    pub count: usize,
    /// Mean slip (actual date minus promised date), in days.
    pub mean_slip_days: f64,
    /// Median slip, in days.
    pub median_slip_days: f64,
    /// Share of milestones achieved after the promised date, from 0 to 1.
    pub share_late: f64,
    /// P10, P50 and P80 of the ratio of actual to planned duration; `None` if no milestone has a planned duration above
    /// zero.
    pub ratio_quantiles: Option<[f64; 3]>,
    /// Trend of the slip, in days per month; `None` if all were achieved on the same day.
    pub trend_days_per_month: Option<f64>,
    /// Buffer, in percent, to add to planned durations so that four of five hold; `None` with fewer than [`FEWEST`]
    /// ratios.
    pub suggested_buffer_percent: Option<f64>,
}

/// Length of a mean month in days.
const DAYS_PER_MONTH: f64 = 365.25 / 12.0;

/// Summarizes finished milestones. Returns `None` if there are none.
pub fn variance(finished: &[Finished]) -> Option<Variance> {
    if finished.is_empty() {
        return None;
    }
    let mut in_time: Vec<&Finished> = finished.iter().collect();
    in_time.sort_by_key(|one| one.achieved_on);
    let slips: Vec<f64> = in_time.iter().map(|one| days(one.slip_days)).collect();
    let ratios: Vec<f64> = in_time.iter().filter_map(|one| one.ratio).collect();
    let is_enough = ratios.len() >= FEWEST;
    let mut ratios = Data::new(ratios);
    let quantiles = (!ratios.is_empty()).then(|| [0.1, 0.5, 0.8].map(|share| ratios.quantile(share)));
    let points: Vec<(f64, f64)> =
        in_time.iter().map(|one| (day_number(one.achieved_on), days(one.slip_days))).collect();
    let late = finished.iter().filter(|one| one.slip_days > 0).count();
    Some(Variance {
        count: finished.len(),
        mean_slip_days: slips.iter().sum::<f64>() / real(slips.len()),
        median_slip_days: Data::new(slips).median(),
        share_late: real(late) / real(finished.len()),
        ratio_quantiles: quantiles,
        trend_days_per_month: theil_sen(&points).map(|slope| slope * DAYS_PER_MONTH),
        suggested_buffer_percent: quantiles.filter(|_| is_enough).map(|[_, _, p80]| ((p80 - 1.0) * 100.0).max(0.0)),
    })
}

/// Summarizes finished milestones by group, in order of the groups.
pub fn by_group<K: Ord>(finished: impl IntoIterator<Item = (K, Finished)>) -> Vec<(K, Variance)> {
    let mut groups: BTreeMap<K, Vec<Finished>> = BTreeMap::new();
    for (group, one) in finished {
        groups.entry(group).or_default().push(one);
    }
    groups.into_iter().filter_map(|(group, members)| Some((group, variance(&members)?))).collect()
}

fn days(days: i64) -> f64 {
    i32::try_from(days).map_or(f64::MAX, f64::from)
}

fn day_number(on: NaiveDate) -> f64 {
    f64::from(on.num_days_from_ce())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(day: u32, slip_days: i64, ratio: f64) -> Finished {
        let achieved_on = NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        Finished { milestone: 0, achieved_on, slip_days, ratio: Some(ratio) }
    }

    #[test]
    fn figures_of_five() {
        let five = [one(1, -1, 0.5), one(3, 0, 1.0), one(5, 1, 1.2), one(7, 2, 1.5), one(9, 13, 2.0)];
        let found = variance(&five).expect("some");
        assert_eq!((found.count, found.mean_slip_days, found.median_slip_days, found.share_late), (5, 3.0, 1.0, 0.6));
        // Pairs two days apart rise by 0.5 per day, except those with the outlier.
        let trend = found.trend_days_per_month.expect("different days");
        assert!((trend - 0.5 * 30.4375).abs() < 1e-9, "{trend}");
        // Quantiles of Hyndman and Fan's eighth kind, (n + 1/3) p + 1/3: the 4.6th of five for 0.8, the 2.99…th for a
        // half.
        let [_, p50, p80] = found.ratio_quantiles.expect("ratios");
        assert!((p50 - 1.2).abs() < 1e-9 && (p80 - 1.8).abs() < 1e-9, "{p50} {p80}");
        assert!((found.suggested_buffer_percent.expect("enough") - 80.0).abs() < 1e-9);
    }

    #[test]
    fn few_suggest_nothing() {
        let four = [one(1, 5, 1.5); 4];
        let found = variance(&four).expect("some");
        assert_eq!((found.suggested_buffer_percent, found.trend_days_per_month), (None, None));
        assert_eq!(variance(&[]), None);
        assert_eq!(variance(&[one(1, 0, 0.9); 5]).expect("some").suggested_buffer_percent, Some(0.0));
        let planned_for_no_time = Finished { ratio: None, ..one(1, 3, 1.0) };
        assert_eq!(variance(&[planned_for_no_time]).expect("some").ratio_quantiles, None);
    }

    #[test]
    fn groups_are_summed_up_by_themselves() {
        let groups = by_group([("b", one(1, 4, 1.0)), ("a", one(1, 1, 1.0)), ("b", one(2, 6, 1.0))]);
        let seen: Vec<_> = groups.iter().map(|(group, found)| (*group, found.count, found.mean_slip_days)).collect();
        assert_eq!(seen, [("a", 1, 1.0), ("b", 2, 5.0)]);
    }
}
