//! Cost performance: earned value compared with actual cost.
//!
//! The formulas follow the PMI *Practice Standard for Earned Value Management* (2nd ed., 2011), chapter 3, and
//! ISO 21508:2018. All amounts are in the smallest unit of the budget's currency. The cost performance index (CPI) and
//! the schedule performance index (SPI) are defined independently: one may exist without the other.

use chrono::NaiveDate;

use crate::earned_value::undefined::Undefined;

/// A cost, or the correction of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Date on which the cost was incurred.
    pub incurred_on: NaiveDate,
    /// Amount in the smallest unit of the currency. A negative amount corrects an earlier entry.
    pub amount_minor: i64,
}

/// Returns the actual cost (AC): the sum of all costs incurred by the end of `as_of`.
pub fn actual_cost_minor(entries: &[Entry], as_of: NaiveDate) -> i64 {
    entries.iter().filter(|entry| entry.incurred_on <= as_of).map(|entry| entry.amount_minor).sum()
}

/// The four sums of money from which all other cost figures follow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Budget at completion (BAC).
    pub budget_at_completion: f64,
    /// Planned value (PV).
    pub planned_value: f64,
    /// Earned value (EV).
    pub earned_value: f64,
    /// Actual cost (AC).
    pub actual_cost: f64,
}

impl Cost {
    /// Returns the cost variance (CV), EV − AC; negative if over cost.
    pub fn cost_variance(&self) -> f64 {
        self.earned_value - self.actual_cost
    }

    /// Returns the cost performance index (CPI), EV / AC, or the reason that it is undefined.
    pub fn cost_performance_index(&self) -> Result<f64, Undefined> {
        if self.actual_cost > 0.0 { Ok(self.earned_value / self.actual_cost) } else { Err(Undefined::NothingSpentYet) }
    }

    /// Returns the estimate at completion (EAC), BAC / CPI: assumes that the cost performance so far continues.
    pub fn estimate_at_cpi(&self) -> Result<f64, Undefined> {
        match self.cost_performance_index()? {
            index if index > 0.0 => Ok(self.budget_at_completion / index),
            _ => Err(Undefined::NothingEarnedYet),
        }
    }

    /// Returns the estimate at completion (EAC), AC + (BAC − EV): assumes that the remaining work costs what was
    /// budgeted.
    pub fn estimate_at_budgeted_rate(&self) -> f64 {
        self.actual_cost + self.budget_at_completion - self.earned_value
    }

    /// Returns the estimate at completion (EAC), AC + (BAC − EV) / (CPI × SPI): assumes that both cost and schedule
    /// performance affect the remaining work.
    pub fn estimate_at_cpi_and_spi(&self) -> Result<f64, Undefined> {
        let cpi = self.cost_performance_index()?;
        if self.planned_value <= 0.0 {
            return Err(Undefined::NothingPlannedYet);
        }
        let both = cpi * self.earned_value / self.planned_value;
        if both <= 0.0 {
            return Err(Undefined::NothingEarnedYet);
        }
        Ok(self.actual_cost + (self.budget_at_completion - self.earned_value) / both)
    }

    /// Returns the estimate to complete (ETC), EAC − AC, with the EAC from [`Self::estimate_at_cpi`].
    pub fn estimate_to_complete(&self) -> Result<f64, Undefined> {
        Ok(self.estimate_at_cpi()? - self.actual_cost)
    }

    /// Returns the variance at completion (VAC), BAC − EAC, with the EAC from [`Self::estimate_at_cpi`]; negative if
    /// over budget.
    pub fn variance_at_completion(&self) -> Result<f64, Undefined> {
        Ok(self.budget_at_completion - self.estimate_at_cpi()?)
    }

    /// Returns the to-complete performance index (TCPI), (BAC − EV) / (BAC − AC): the cost performance that the
    /// remaining work needs to stay within the budget.
    pub fn to_complete_index(&self) -> Result<f64, Undefined> {
        if self.actual_cost >= self.budget_at_completion {
            Err(Undefined::BudgetSpent)
        } else {
            Ok((self.budget_at_completion - self.earned_value) / (self.budget_at_completion - self.actual_cost))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(budget_at_completion: f64, planned_value: f64, earned_value: f64, actual_cost: f64) -> Cost {
        Cost { budget_at_completion, planned_value, earned_value, actual_cost }
    }

    fn close(actual: Result<f64, Undefined>, expected: f64) -> bool {
        actual.is_ok_and(|actual| (actual - expected).abs() < 1e-6 * expected.abs().max(1.0))
    }

    /// University of Texas at Dallas, Project Management Symposium slides on earned schedule (after Lipke): half of a
    /// year-long project of $100,000 is done, $55,000 was budgeted to date and $45,000 was spent: CPI 1.11, EAC
    /// $90,000.
    #[test]
    fn half_way_under_cost() {
        let seen = cost(100_000.0, 55_000.0, 50_000.0, 45_000.0);
        assert!(close(seen.cost_performance_index(), 50.0 / 45.0) && close(seen.estimate_at_cpi(), 90_000.0));
        assert!(close(Ok(seen.cost_variance()), 5_000.0) && close(Ok(seen.estimate_at_budgeted_rate()), 95_000.0));
        assert!(close(seen.estimate_to_complete(), 45_000.0) && close(seen.variance_at_completion(), 10_000.0));
        assert!(close(seen.to_complete_index(), 50.0 / 55.0));
        // CPI × SPI = (50/45) × (50/55); the remaining 50,000 at that rate is 49,500.
        assert!(close(seen.estimate_at_cpi_and_spi(), 94_500.0));
    }

    #[test]
    fn what_is_undefined_says_why() {
        let nothing_spent = cost(100.0, 50.0, 25.0, 0.0);
        assert_eq!(nothing_spent.cost_performance_index(), Err(Undefined::NothingSpentYet));
        assert_eq!(nothing_spent.estimate_at_cpi(), Err(Undefined::NothingSpentYet));
        assert!(close(nothing_spent.to_complete_index(), 0.75));
        let nothing_earned = cost(100.0, 50.0, 0.0, 10.0);
        assert!(close(nothing_earned.cost_performance_index(), 0.0), "an index of nothing is 0, not undefined");
        assert_eq!(nothing_earned.estimate_at_cpi(), Err(Undefined::NothingEarnedYet));
        assert_eq!(nothing_earned.estimate_at_cpi_and_spi(), Err(Undefined::NothingEarnedYet));
        assert_eq!(cost(100.0, 0.0, 10.0, 10.0).estimate_at_cpi_and_spi(), Err(Undefined::NothingPlannedYet));
        assert_eq!(cost(100.0, 100.0, 90.0, 100.0).to_complete_index(), Err(Undefined::BudgetSpent));
    }

    #[test]
    fn costs_count_from_their_day() {
        let day = |d| NaiveDate::from_ymd_opt(2026, 5, d).expect("a date");
        let entries =
            [(3, 500), (5, -100), (9, 50)].map(|(d, amount_minor)| Entry { incurred_on: day(d), amount_minor });
        let at = |d| actual_cost_minor(&entries, day(d));
        assert_eq!((at(2), at(3), at(5), at(30)), (0, 500, 400, 450));
    }
}
