//! Cost performance: what was earned against what was spent.
//!
//! Formulas of the PMI *Practice Standard for Earned Value Management* (2nd ed., 2011), chapter 3, and ISO 21508:2018. All amounts
//! are in minor units of the budget's currency. CPI and SPI are decided each on its own.

use chrono::NaiveDate;

use crate::earned_value::undefined::Undefined;

/// Something spent, or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The day it was incurred.
    pub incurred_on: NaiveDate,
    /// How much; negative corrects an earlier entry.
    pub amount_minor: i64,
}

/// AC: everything incurred by the end of `as_of`.
pub fn actual_cost_minor(entries: &[Entry], as_of: NaiveDate) -> i64 {
    entries.iter().filter(|entry| entry.incurred_on <= as_of).map(|entry| entry.amount_minor).sum()
}

/// The four sums in money from which the rest follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// BAC.
    pub budget_at_completion: f64,
    /// PV.
    pub planned_value: f64,
    /// EV.
    pub earned_value: f64,
    /// AC.
    pub actual_cost: f64,
}

impl Cost {
    /// CV = EV − AC; negative is over cost.
    pub fn cost_variance(&self) -> f64 {
        self.earned_value - self.actual_cost
    }

    /// CPI = EV / AC, or why there is none.
    pub fn cost_performance_index(&self) -> Result<f64, Undefined> {
        if self.actual_cost > 0.0 { Ok(self.earned_value / self.actual_cost) } else { Err(Undefined::NothingSpentYet) }
    }

    /// EAC = BAC / CPI: the rest costs what it has cost so far.
    pub fn estimate_at_cpi(&self) -> Result<f64, Undefined> {
        match self.cost_performance_index()? {
            index if index > 0.0 => Ok(self.budget_at_completion / index),
            _ => Err(Undefined::NothingEarnedYet),
        }
    }

    /// EAC = AC + (BAC − EV): the rest costs what was budgeted.
    pub fn estimate_at_budgeted_rate(&self) -> f64 {
        self.actual_cost + self.budget_at_completion - self.earned_value
    }

    /// EAC = AC + (BAC − EV) / (CPI × SPI): the rest costs more for being late as well.
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

    /// ETC = EAC − AC, by the first of the three estimates.
    pub fn estimate_to_complete(&self) -> Result<f64, Undefined> {
        Ok(self.estimate_at_cpi()? - self.actual_cost)
    }

    /// VAC = BAC − EAC, by the first of the three estimates; negative is over budget.
    pub fn variance_at_completion(&self) -> Result<f64, Undefined> {
        Ok(self.budget_at_completion - self.estimate_at_cpi()?)
    }

    /// TCPI = (BAC − EV) / (BAC − AC): the cost performance that the rest needs to end within the budget.
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

    /// University of Texas at Dallas, Project Management Symposium slides on earned schedule (after Lipke): half of a year-long
    /// project of $100,000 is done, $55,000 was budgeted by now, $45,000 was spent: CPI 1.11, EAC $90,000.
    #[test]
    fn half_way_under_cost() {
        let seen = cost(100_000.0, 55_000.0, 50_000.0, 45_000.0);
        assert!(close(seen.cost_performance_index(), 50.0 / 45.0) && close(seen.estimate_at_cpi(), 90_000.0));
        assert!(close(Ok(seen.cost_variance()), 5_000.0) && close(Ok(seen.estimate_at_budgeted_rate()), 95_000.0));
        assert!(close(seen.estimate_to_complete(), 45_000.0) && close(seen.variance_at_completion(), 10_000.0));
        assert!(close(seen.to_complete_index(), 50.0 / 55.0));
        // CPI × SPI = (50/45) × (50/55); the rest of 50,000 at that rate is 49,500.
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
