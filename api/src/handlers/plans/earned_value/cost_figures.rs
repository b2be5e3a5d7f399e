//! Cost performance figures of a plan in responses.

use chrono::NaiveDate;
use milepost_domain::earned_value::EarnedValue;
use milepost_domain::earned_value::cost::{Cost, actual_cost_minor};
use milepost_domain::earned_value::undefined::{Undefined, split};
use serde::Serialize;
use utoipa::ToSchema;

use crate::read_model::PlanView;

/// Cost performance of a plan. Amounts are in the smallest unit of the budget's currency, each rounded separately.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "actual_cost": 4_500_000, "cv": 500_000, "cpi": 1.111, "cpi_reason": null, "eac_cpi": 9_000_000, "eac_budgeted": 9_500_000,
    "eac_cpi_spi": 9_450_000, "eac_reason": null, "etc": 4_500_000, "vac": 1_000_000, "tcpi": 0.909, "tcpi_reason": null
}))]
pub struct CostFigures {
    /// Actual cost (AC): the amount spent by the date.
    pub actual_cost: i64,
    /// Cost variance: CV = EV − AC. Negative means over cost.
    pub cv: Option<i64>,
    /// Cost performance index: CPI = EV / AC.
    #[schema(minimum = 0)]
    pub cpi: Option<f64>,
    /// Reason that CPI is undefined.
    pub cpi_reason: Option<Undefined>,
    /// Estimate at completion (EAC) by CPI: EAC = BAC / CPI. Assumes that the remaining work costs as much as the work
    /// so far.
    pub eac_cpi: Option<i64>,
    /// Estimate at completion (EAC) at the budgeted rate: EAC = AC + (BAC − EV). Assumes that the remaining work costs
    /// as much as budgeted.
    pub eac_budgeted: Option<i64>,
    /// Estimate at completion (EAC) by CPI and SPI: EAC = AC + (BAC − EV) / (CPI × SPI). Assumes that delay makes the
    /// remaining work more expensive too.
    pub eac_cpi_spi: Option<i64>,
    /// Reason that the estimate by CPI is undefined.
    pub eac_reason: Option<Undefined>,
    /// Estimate to complete by CPI: ETC = EAC − AC.
    pub etc: Option<i64>,
    /// Variance at completion by CPI: VAC = BAC − EAC. Negative means over budget.
    pub vac: Option<i64>,
    /// To-complete cost performance index: TCPI = (BAC − EV) / (BAC − AC). The cost performance that the remaining work
    /// needs.
    #[schema(minimum = 0)]
    pub tcpi: Option<f64>,
    /// Reason that TCPI is undefined.
    pub tcpi_reason: Option<Undefined>,
}

impl CostFigures {
    /// The figures of a plan at a date. Without a budget, only the actual cost is known.
    pub fn at(view: &PlanView, as_of: NaiveDate, sums: &EarnedValue) -> Self {
        let actual_cost = actual_cost_minor(&view.facts.costs, as_of);
        let budget = view.facts.valuation(as_of).budget_minor.ok_or(Undefined::NoBudget);
        let cost = budget.and_then(|budget| sums.cost(budget, actual_cost));
        let figure = |figure: fn(&Cost) -> Result<f64, Undefined>| {
            split(cost.as_ref().map_err(|reason| *reason).and_then(figure))
        };
        let amount = |amount: fn(&Cost) -> Result<f64, Undefined>| figure(amount).0.map(rounded);
        let (cpi, cpi_reason) = figure(Cost::cost_performance_index);
        let (tcpi, tcpi_reason) = figure(Cost::to_complete_index);
        Self {
            actual_cost,
            cv: amount(|cost| Ok(cost.cost_variance())),
            cpi,
            cpi_reason,
            eac_cpi: amount(Cost::estimate_at_cpi),
            eac_budgeted: amount(|cost| Ok(cost.estimate_at_budgeted_rate())),
            eac_cpi_spi: amount(Cost::estimate_at_cpi_and_spi),
            eac_reason: figure(Cost::estimate_at_cpi).1,
            etc: amount(Cost::estimate_to_complete),
            vac: amount(Cost::variance_at_completion),
            tcpi,
            tcpi_reason,
        }
    }
}

/// Rounds to whole minor units, as the last step of a calculation.
fn rounded(amount: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded; the cast saturates beyond the range, which no budget reaches"
    )]
    let whole = amount.round() as i64;
    whole
}
