//! The SPI report as CSV.

use milepost_domain::plan::StatusCounts;

use super::spi_row::{SpiRow, Totals};
use crate::csv_text::{date, harmless, line, number};
use crate::error::ApiError;
use crate::handlers::plans::earned_value::figures::Figures;

const COLUMNS: [&str; 33] = [
    "row_type",
    "plan_id",
    "name",
    "customer_id",
    "customer_ref",
    "customer_name",
    "kind",
    "owner_name",
    "status",
    "unit",
    "budget_at_completion",
    "planned_value",
    "earned_value",
    "planned_percent",
    "earned_percent",
    "schedule_variance",
    "spi",
    "spi_reason",
    "on_track",
    "at_risk",
    "delayed",
    "achieved",
    "waived",
    "cancelled",
    "next_milestone",
    "next_milestone_on",
    "currency",
    "budget_minor",
    "actual_cost",
    "cpi",
    "cpi_reason",
    "eac",
    "plan_ref",
];

/// Returns the line of column names.
pub fn header() -> Result<Vec<u8>, ApiError> {
    line(COLUMNS)
}

/// Returns the line of one plan.
pub fn plan(row: &SpiRow) -> Result<Vec<u8>, ApiError> {
    let next = row.next_milestone.as_ref();
    let mut cells = vec![
        "plan".to_owned(),
        row.plan_id.to_string(),
        harmless(&row.name),
        row.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        harmless(row.customer_ref.as_deref().unwrap_or_default()),
        harmless(row.customer_name.as_deref().unwrap_or_default()),
        row.kind.to_string(),
        harmless(row.owner_name.as_deref().unwrap_or_default()),
        row.status.to_string(),
    ];
    cells.extend(figures(&row.figures));
    cells.push(harmless(next.map_or("", |next| &next.key)));
    cells.push(date(next.map(|next| next.expected_on)));
    let amount = |amount: Option<i64>| amount.map(|amount| amount.to_string()).unwrap_or_default();
    cells.extend([
        row.cost.currency.clone().unwrap_or_default(),
        amount(row.cost.budget_minor),
        row.cost.actual_cost.to_string(),
        number(row.cost.cpi),
        row.cost.cpi_reason.map(|reason| reason.to_string()).unwrap_or_default(),
        amount(row.cost.eac),
        harmless(row.plan_ref.as_deref().unwrap_or_default()),
    ]);
    line(&cells)
}

/// Returns the lines of the totals: one for each weight unit, and one for each currency, with row types of their own.
pub fn totals(totals: &Totals) -> Result<Vec<u8>, ApiError> {
    let mut lines = vec![];
    let by_unit = totals.by_unit();
    let none = totals.total().filter(|_| by_unit.is_empty());
    for total in by_unit.iter().chain(&none) {
        let mut cells = vec!["total".to_owned()];
        cells.resize(9, String::new());
        cells.extend(figures(&total.figures));
        cells.resize(COLUMNS.len(), String::new());
        lines.extend(line(&cells)?);
    }
    for total in totals.by_currency() {
        let mut cells = vec!["currency_total".to_owned()];
        cells.resize(COLUMNS.len() - 7, String::new());
        cells.extend([
            total.currency,
            total.budget_minor.to_string(),
            total.actual_cost_minor.to_string(),
            number(total.cpi),
            total.cpi_reason.map(|reason| reason.to_string()).unwrap_or_default(),
            total.eac_minor.to_string(),
        ]);
        cells.resize(COLUMNS.len(), String::new());
        lines.extend(line(&cells)?);
    }
    Ok(lines)
}

fn figures(figures: &Figures) -> Vec<String> {
    let StatusCounts { on_track, at_risk, delayed, achieved, waived, cancelled } = figures.status_counts;
    let mut cells = vec![
        harmless(figures.unit.as_deref().unwrap_or_default()),
        figures.budget_at_completion.to_string(),
        figures.planned_value.to_string(),
        figures.earned_value.to_string(),
        number(figures.planned_percent),
        number(figures.earned_percent),
        figures.schedule_variance.to_string(),
        number(figures.spi),
        figures.spi_reason.map(|reason| reason.to_string()).unwrap_or_default(),
    ];
    cells.extend([on_track, at_risk, delayed, achieved, waived, cancelled].map(|count| count.to_string()));
    cells
}
