//! Cost performance as answers carry it.

use chrono::NaiveDate;
use milepost_domain::earned_value::EarnedValue;
use milepost_domain::earned_value::cost::{Cost, actual_cost_minor};
use milepost_domain::earned_value::undefined::{Undefined, split};
use serde::Serialize;
use utoipa::ToSchema;

use crate::read_model::PlanView;

/// What was earned against what was spent. Amounts are in minor units of the budget's currency, each rounded by itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "actual_cost": 4_500_000, "cv": 500_000, "cpi": 1.111, "cpi_reason": null, "eac_cpi": 9_000_000, "eac_budgeted": 9_500_000,
    "eac_cpi_spi": 9_450_000, "eac_reason": null, "etc": 4_500_000, "vac": 1_000_000, "tcpi": 0.909, "tcpi_reason": null
}))]
pub struct CostFigures {
    /// AC: what was spent by the date.
    pub actual_cost: i64,
    /// CV = EV − AC; negative is over cost.
    pub cv: Option<i64>,
    /// CPI = EV / AC.
    #[schema(minimum = 0)]
    pub cpi: Option<f64>,
    /// Why there is no CPI.
    pub cpi_reason: Option<Undefined>,
    /// EAC = BAC / CPI: the rest costs what it has cost so far.
    pub eac_cpi: Option<i64>,
    /// EAC = AC + (BAC − EV): the rest costs what was budgeted.
    pub eac_budgeted: Option<i64>,
    /// EAC = AC + (BAC − EV) / (CPI × SPI): the rest costs more for being late as well.
    pub eac_cpi_spi: Option<i64>,
    /// Why there is no estimate by CPI.
    pub eac_reason: Option<Undefined>,
    /// ETC = EAC − AC, by CPI.
    pub etc: Option<i64>,
    /// VAC = BAC − EAC, by CPI; negative is over budget.
    pub vac: Option<i64>,
    /// TCPI = (BAC − EV) / (BAC − AC): the cost performance that the rest needs.
    #[schema(minimum = 0)]
    pub tcpi: Option<f64>,
    /// Why there is no TCPI.
    pub tcpi_reason: Option<Undefined>,
}

impl CostFigures {
    /// A plan at a date. Without a budget there is only what was spent.
    pub fn at(view: &PlanView, as_of: NaiveDate, sums: &EarnedValue) -> Self {
        let actual_cost = actual_cost_minor(&view.facts.costs, as_of);
        let budget = view.row.budget_minor.ok_or(Undefined::NoBudget);
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

/// Minor units, rounded to the nearest: the last step.
fn rounded(amount: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded; beyond the range it stops at the end, which no budget reaches"
    )]
    let whole = amount.round() as i64;
    whole
}
