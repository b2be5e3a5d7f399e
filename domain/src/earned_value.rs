//! Earned value management: planned value, earned value and the figures derived from them, at a date.
//!
//! Terms and formulas follow the PMI *Practice Standard for Earned Value Management* (2nd ed., 2011), chapter 3, and
//! ISO 21508:2018: SV = EV − PV and SPI = EV / PV. Nothing is rounded before the last step, and no index is capped.

pub mod cost;
pub mod earned_schedule;
pub mod undefined;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::earned_value::cost::Cost;
use crate::earned_value::undefined::Undefined;

/// Rule by which a milestone's weight counts as earned (PMI, *Practice Standard*, 3.4: fixed formula and percent
/// complete methods).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CreditRule {
    /// All of the weight when achieved; nothing before.
    #[default]
    ZeroHundred,
    /// Half of the weight when work starts; the rest when achieved.
    FiftyFifty,
    /// The latest recorded percentage of the weight; all of it when achieved.
    PercentComplete,
}

/// A recorded percentage of completion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Date of recording.
    pub recorded_on: NaiveDate,
    /// Percentage of completion, from 0 to 100.
    pub percent: f64,
}

/// One milestone's inputs to the earned value.
#[derive(Debug, Clone, Copy)]
pub struct Valued<'a> {
    /// Planned date in the baseline in force.
    pub planned_on: NaiveDate,
    /// Weight in the baseline in force.
    pub weight: f64,
    /// Date on which work started.
    pub started_on: Option<NaiveDate>,
    /// Date of achievement.
    pub achieved_on: Option<NaiveDate>,
    /// Date on which the milestone was waived or canceled. From then on it earns nothing, whatever work was done.
    pub dropped_on: Option<NaiveDate>,
    /// Recorded percentages, oldest first.
    pub progress: &'a [Progress],
    /// Rule that says how much of the weight is earned before the achievement.
    pub rule: CreditRule,
}

impl Valued<'_> {
    /// Returns the share of the weight earned by the end of `as_of`, from 0 to 1.
    pub fn credit(&self, as_of: NaiveDate) -> f64 {
        let by_then = |on: Option<NaiveDate>| on.is_some_and(|on| on <= as_of);
        if by_then(self.achieved_on) {
            return 1.0;
        }
        if by_then(self.dropped_on) {
            return 0.0;
        }
        match self.rule {
            CreditRule::FiftyFifty if by_then(self.started_on) => 0.5,
            CreditRule::ZeroHundred | CreditRule::FiftyFifty => 0.0,
            CreditRule::PercentComplete => {
                let known = self.progress.partition_point(|entry| entry.recorded_on <= as_of);
                self.progress[..known].last().map_or(0.0, |entry| entry.percent / 100.0)
            }
        }
    }
}

/// The three sums from which all other figures follow, in the plan's weight unit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EarnedValue {
    /// Budget at completion (BAC): the sum of the weights in the baseline in force.
    pub budget_at_completion: f64,
    /// Planned value (PV): the sum of the weights planned on or before the date.
    pub planned_value: f64,
    /// Earned value (EV): the sum of the weights earned by the date.
    pub earned_value: f64,
}

impl EarnedValue {
    /// Computes the sums over the milestones of a baseline.
    pub fn measure<'a>(milestones: impl IntoIterator<Item = Valued<'a>>, as_of: NaiveDate) -> Self {
        let mut sums = Self::default();
        for milestone in milestones {
            sums.budget_at_completion += milestone.weight;
            if milestone.planned_on <= as_of {
                sums.planned_value += milestone.weight;
            }
            sums.earned_value += milestone.weight * milestone.credit(as_of);
        }
        sums
    }

    /// Adds the sums of another plan. A portfolio's indices are quotients of sums, never means of quotients.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            budget_at_completion: self.budget_at_completion + other.budget_at_completion,
            planned_value: self.planned_value + other.planned_value,
            earned_value: self.earned_value + other.earned_value,
        }
    }

    /// Returns PV in percent of the scope. `None` without scope.
    pub fn planned_percent(&self) -> Option<f64> {
        percent_of(self.planned_value, self.budget_at_completion)
    }

    /// Returns EV in percent of the scope. `None` without scope.
    pub fn earned_percent(&self) -> Option<f64> {
        percent_of(self.earned_value, self.budget_at_completion)
    }

    /// Returns the schedule variance (SV), EV − PV, in the weight unit; negative if behind.
    pub fn schedule_variance(&self) -> f64 {
        self.earned_value - self.planned_value
    }

    /// Returns the schedule performance index (SPI), EV / PV, or the reason that it is undefined.
    pub fn spi(&self) -> Result<f64, Undefined> {
        if self.budget_at_completion <= 0.0 {
            Err(Undefined::NoScope)
        } else if self.planned_value <= 0.0 {
            Err(Undefined::NothingPlannedYet)
        } else {
            Ok(self.earned_value / self.planned_value)
        }
    }

    /// Returns the same sums in money, together with the actual cost. An error without scope.
    pub fn cost(&self, budget_minor: i64, actual_cost_minor: i64) -> Result<Cost, Undefined> {
        if self.budget_at_completion <= 0.0 {
            return Err(Undefined::NoScope);
        }
        #[expect(clippy::cast_precision_loss, reason = "amounts are bounded far below 2^53 minor units")]
        let (budget, actual_cost) = (budget_minor as f64, actual_cost_minor as f64);
        let in_money = |figure: f64| figure / self.budget_at_completion * budget;
        Ok(Cost {
            budget_at_completion: budget,
            planned_value: in_money(self.planned_value),
            earned_value: in_money(self.earned_value),
            actual_cost,
        })
    }

    /// Converts a figure from the weight unit into money, in the smallest unit of the budget's currency, rounded to
    /// the nearest. `None` without scope.
    pub fn in_money(&self, figure: f64, budget_minor: i64) -> Option<i64> {
        if self.budget_at_completion <= 0.0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "budgets are bounded far below 2^53 minor units")]
        let exact = figure / self.budget_at_completion * budget_minor as f64;
        #[expect(clippy::cast_possible_truncation, reason = "rounded, and within the budget's own range")]
        Some(exact.round() as i64)
    }
}

fn percent_of(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(n: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date") + chrono::Duration::days(n)
    }

    fn valued(weight: f64, planned: i64, started: Option<i64>, achieved: Option<i64>) -> Valued<'static> {
        Valued {
            planned_on: day(planned),
            weight,
            started_on: started.map(day),
            achieved_on: achieved.map(day),
            dropped_on: None,
            progress: &[],
            rule: CreditRule::ZeroHundred,
        }
    }

    fn close(actual: f64, expected: f64) -> bool {
        (actual - expected).abs() < 1e-9
    }

    /// The example of the delivery article: half of the milestones are due by week 6, two fifths are done, and SPI is
    /// 0.8.
    #[test]
    fn half_planned_two_fifths_done_is_point_eight() {
        let milestones: Vec<_> =
            (0..10).map(|n| valued(1.0, if n < 5 { 42 } else { 84 }, None, (n < 4).then_some(40))).collect();
        let sums = EarnedValue::measure(milestones, day(42));
        assert!(
            close(sums.planned_percent().expect("scope"), 50.0) && close(sums.earned_percent().expect("scope"), 40.0)
        );
        assert!(close(sums.spi().expect("planned"), 0.8));
    }

    /// Worked by hand: of a scope of 100, weights of 60 were due and 45 achieved, so SV is −15 and SPI 0.75.
    #[test]
    fn variance_and_index() {
        let milestones = [
            valued(20.0, 10, None, Some(9)),
            valued(25.0, 20, None, Some(22)),
            valued(15.0, 25, None, None),
            valued(40.0, 60, None, None),
        ];
        let sums = EarnedValue::measure(milestones, day(30));
        assert_eq!((sums.budget_at_completion, sums.planned_value, sums.earned_value), (100.0, 60.0, 45.0));
        assert!(close(sums.schedule_variance(), -15.0) && close(sums.spi().expect("planned"), 0.75));
        assert_eq!(sums.in_money(sums.earned_value, 1_000_001), Some(450_000));
    }

    #[test]
    fn credit_by_rule() {
        let progress =
            [Progress { recorded_on: day(2), percent: 30.0 }, Progress { recorded_on: day(6), percent: 80.0 }];
        let milestone = Valued { progress: &progress, ..valued(1.0, 5, Some(1), Some(9)) };
        for (rule, expected) in [
            (CreditRule::ZeroHundred, [0.0, 0.0, 0.0, 0.0, 1.0]),
            (CreditRule::FiftyFifty, [0.0, 0.5, 0.5, 0.5, 1.0]),
            (CreditRule::PercentComplete, [0.0, 0.0, 0.3, 0.8, 1.0]),
        ] {
            let milestone = Valued { rule, ..milestone };
            for (as_of, credit) in [0, 1, 5, 8, 9].into_iter().zip(expected) {
                assert!(close(milestone.credit(day(as_of)), credit), "{rule} on day {as_of}");
            }
        }
    }

    #[test]
    fn undefined_has_a_reason() {
        assert_eq!(EarnedValue::default().spi(), Err(Undefined::NoScope));
        let before = EarnedValue::measure([valued(1.0, 5, None, None)], day(0));
        assert_eq!(before.spi(), Err(Undefined::NothingPlannedYet));
        let early = EarnedValue::measure([valued(1.0, 5, None, Some(0))], day(0));
        assert_eq!(early.spi(), Err(Undefined::NothingPlannedYet), "early work does not make an index out of nothing");
    }

    #[test]
    fn a_portfolio_divides_sums() {
        let small = EarnedValue { budget_at_completion: 10.0, planned_value: 1.0, earned_value: 2.0 };
        let large = EarnedValue { budget_at_completion: 100.0, planned_value: 99.0, earned_value: 48.0 };
        assert!(close(small.plus(large).spi().expect("planned"), 0.5));
    }

    proptest! {
        /// EV and PV never exceed the scope and never fall over time, and SPI × PV equals EV.
        #[test]
        fn laws(rows in prop::collection::vec((1u32..1000, 0i64..200, prop::option::of(0i64..200)), 1..40), as_of in 0i64..220) {
            let milestones: Vec<_> = rows.iter().map(|(w, p, a)| valued(f64::from(*w), *p, *a, *a)).collect();
            for rule in [CreditRule::ZeroHundred, CreditRule::FiftyFifty] {
                let milestones = || milestones.iter().map(|one| Valued { rule, ..*one });
                let now = EarnedValue::measure(milestones(), day(as_of));
                let later = EarnedValue::measure(milestones(), day(as_of + 1));
                prop_assert!(now.planned_value <= later.planned_value && now.earned_value <= later.earned_value);
                prop_assert!(now.planned_value <= now.budget_at_completion && now.earned_value <= now.budget_at_completion);
                if let Ok(spi) = now.spi() {
                    prop_assert!((spi * now.planned_value - now.earned_value).abs() < 1e-6);
                }
            }
        }

        /// A plan in which every milestone was achieved on its planned date has an SPI of 1 at every date on which it
        /// is defined.
        #[test]
        fn on_time_is_one(rows in prop::collection::vec((1u32..1000, 0i64..200), 1..40), as_of in 0i64..220) {
            let milestones = rows.iter().map(|(w, p)| valued(f64::from(*w), *p, Some(*p), Some(*p)));
            let sums = EarnedValue::measure(milestones, day(as_of));
            prop_assert!(sums.spi().is_err() || sums.spi() == Ok(1.0));
        }
    }
}
