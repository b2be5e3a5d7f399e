//! Explanations of a plan's earned value figures: formula, inputs, unit and source.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::cost_figures::CostFigures;
use super::figures::Figures;
use super::time_figures::TimeFigures;

/// Explanation of a figure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "figure": "spi", "value": 0.8, "formula": "EV / PV", "inputs": {"EV": 31.2, "PV": 39.0}, "unit": "ratio",
    "source": "PMI, Practice Standard for Earned Value Management, 2nd ed., chapter 3"
}))]
pub struct Explanation {
    /// Name of the figure's field.
    #[schema(max_length = 50)]
    figure: &'static str,
    /// Value; null if undefined.
    value: Option<f64>,
    /// Formula.
    #[schema(max_length = 200)]
    formula: &'static str,
    /// Inputs of the formula, by symbol.
    inputs: BTreeMap<&'static str, Option<f64>>,
    /// Unit of the value.
    #[schema(max_length = 100)]
    unit: String,
    /// Source of the formula.
    #[schema(max_length = 200)]
    source: &'static str,
}

const STANDARD: &str = "PMI, Practice Standard for Earned Value Management, 2nd ed., chapter 3";
const SCHEDULE: &str = "W. Lipke, Schedule is Different, The Measurable News, Summer 2003";
const CONNECTING: &str = "W. Lipke, Connecting Earned Value to the Schedule, The Measurable News, Winter 2004";

/// A formula and its figure: name, value, formula, inputs, unit, source.
type Row = (&'static str, Option<f64>, &'static str, Vec<(&'static str, Option<f64>)>, String, &'static str);

/// Explains every figure.
pub fn explanations(
    value: &Figures,
    time: &TimeFigures,
    cost: &CostFigures,
    budget_minor: Option<i64>,
) -> Vec<Explanation> {
    let rows = of_value(value).into_iter().chain(of_time(time)).chain(of_cost(value, cost, budget_minor));
    rows.map(|(figure, value, formula, inputs, unit, source)| Explanation {
        figure,
        value,
        formula,
        inputs: inputs.into_iter().collect(),
        unit,
        source,
    })
    .collect()
}

fn of_value(value: &Figures) -> Vec<Row> {
    let unit = || value.unit.clone().unwrap_or_default();
    let (bac, pv, ev) = (Some(value.budget_at_completion), Some(value.planned_value), Some(value.earned_value));
    let percent = || "percent of scope".to_owned();
    vec![
        ("planned_value", pv, "sum of the weights planned on or before the date", vec![], unit(), STANDARD),
        ("earned_value", ev, "sum of weight × credit by the plan's rule", vec![], unit(), STANDARD),
        (
            "planned_percent",
            value.planned_percent,
            "PV / BAC × 100",
            vec![("PV", pv), ("BAC", bac)],
            percent(),
            STANDARD,
        ),
        ("earned_percent", value.earned_percent, "EV / BAC × 100", vec![("EV", ev), ("BAC", bac)], percent(), STANDARD),
        ("schedule_variance", Some(value.schedule_variance), "EV − PV", vec![("EV", ev), ("PV", pv)], unit(), STANDARD),
        ("spi", value.spi, "EV / PV", vec![("EV", ev), ("PV", pv)], "ratio".to_owned(), STANDARD),
    ]
}

fn of_time(time: &TimeFigures) -> Vec<Row> {
    let unit = || format!("{}s", time.period);
    let ratio = || "ratio".to_owned();
    let (pd, at, es) = (time.planned_duration, time.actual_time, time.earned_schedule);
    vec![
        (
            "earned_schedule",
            es,
            "C + (EV − PV_C) / (PV_C+1 − PV_C), C whole periods earned; AT, kept within the stretch, where PV stays at EV",
            vec![("PD", pd), ("AT", at)],
            unit(),
            SCHEDULE,
        ),
        ("sv_t", time.sv_t, "ES − AT", vec![("ES", es), ("AT", at)], unit(), SCHEDULE),
        ("spi_t", time.spi_t, "ES / AT", vec![("ES", es), ("AT", at)], ratio(), SCHEDULE),
        ("ieac_t", time.ieac_t, "PD / SPI(t)", vec![("PD", pd), ("SPI(t)", time.spi_t)], unit(), SCHEDULE),
        ("tspi", time.tspi, "(PD − ES) / (PD − AT)", vec![("PD", pd), ("ES", es), ("AT", at)], ratio(), SCHEDULE),
        ("p_factor", time.p_factor, "Σ min(EV_i, PV_i at ES) / Σ PV_i at ES", vec![("ES", es)], ratio(), CONNECTING),
    ]
}

fn of_cost(value: &Figures, cost: &CostFigures, budget_minor: Option<i64>) -> Vec<Row> {
    let unit = || "minor units of the currency".to_owned();
    let ratio = || "ratio".to_owned();
    #[expect(clippy::cast_precision_loss, reason = "amounts are bounded far below 2^53 minor units")]
    let exact = |amount: Option<i64>| amount.map(|amount| amount as f64);
    let bac = exact(budget_minor);
    let in_money = |percent: Option<f64>| bac.zip(percent).map(|(budget, percent)| budget * percent / 100.0);
    let (pv, ev, ac) = (in_money(value.planned_percent), in_money(value.earned_percent), exact(Some(cost.actual_cost)));
    let eac = exact(cost.eac_cpi);
    let both = || vec![("AC", ac), ("BAC", bac), ("EV", ev), ("PV", pv), ("CPI", cost.cpi), ("SPI", value.spi)];
    vec![
        ("actual_cost", ac, "sum of the costs incurred by the date", vec![], unit(), STANDARD),
        ("cv", exact(cost.cv), "EV − AC", vec![("EV", ev), ("AC", ac)], unit(), STANDARD),
        ("cpi", cost.cpi, "EV / AC", vec![("EV", ev), ("AC", ac)], ratio(), STANDARD),
        ("eac_cpi", eac, "BAC / CPI", vec![("BAC", bac), ("CPI", cost.cpi)], unit(), STANDARD),
        (
            "eac_budgeted",
            exact(cost.eac_budgeted),
            "AC + (BAC − EV)",
            vec![("AC", ac), ("BAC", bac), ("EV", ev)],
            unit(),
            STANDARD,
        ),
        ("eac_cpi_spi", exact(cost.eac_cpi_spi), "AC + (BAC − EV) / (CPI × SPI)", both(), unit(), STANDARD),
        ("etc", exact(cost.etc), "EAC − AC", vec![("EAC", eac), ("AC", ac)], unit(), STANDARD),
        ("vac", exact(cost.vac), "BAC − EAC", vec![("BAC", bac), ("EAC", eac)], unit(), STANDARD),
        ("tcpi", cost.tcpi, "(BAC − EV) / (BAC − AC)", vec![("BAC", bac), ("EV", ev), ("AC", ac)], ratio(), STANDARD),
    ]
}
