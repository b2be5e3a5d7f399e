//! The SPI report as CSV (RFC 4180). Texts that a spreadsheet would run as a formula are made harmless.

use milepost_domain::plan::StatusCounts;

use super::spi_row::{SpiRow, SpiTotal};
use crate::error::ApiError;
use crate::handlers::plans::figures::Figures;

const COLUMNS: [&str; 25] = [
    "row_type",
    "plan_id",
    "name",
    "customer_id",
    "customer_name",
    "kind",
    "owner",
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
];

/// The line of column names.
pub fn header() -> Result<Vec<u8>, ApiError> {
    line(&COLUMNS.map(str::to_owned))
}

/// One plan.
pub fn plan(row: &SpiRow) -> Result<Vec<u8>, ApiError> {
    let next = row.next_milestone.as_ref();
    let mut cells = vec![
        "plan".to_owned(),
        row.plan_id.to_string(),
        harmless(&row.name),
        row.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        harmless(row.customer_name.as_deref().unwrap_or_default()),
        row.kind.to_string(),
        harmless(row.owner.as_deref().unwrap_or_default()),
        row.status.to_string(),
    ];
    cells.extend(figures(&row.figures));
    cells.push(harmless(next.map_or("", |next| &next.key)));
    cells.push(next.map(|next| next.expected_on.to_string()).unwrap_or_default());
    line(&cells)
}

/// The total, as a row of its own type.
pub fn total(total: &SpiTotal) -> Result<Vec<u8>, ApiError> {
    let mut cells = vec!["total".to_owned()];
    cells.resize(8, String::new());
    cells.extend(figures(&total.figures));
    cells.resize(COLUMNS.len(), String::new());
    line(&cells)
}

fn figures(figures: &Figures) -> Vec<String> {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
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

/// A text that no spreadsheet takes for a formula: an apostrophe in front of the signs that start one.
fn harmless(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

fn line(cells: &[String]) -> Result<Vec<u8>, ApiError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells).map_err(ApiError::internal)?;
    writer.into_inner().map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_harmless() {
        for (text, expected) in [("=1+1", "'=1+1"), ("-2", "'-2"), ("@x", "'@x"), ("Northwind", "Northwind"), ("", "")]
        {
            assert_eq!(harmless(text), expected);
        }
        let cells = line(&["a,b".to_owned(), "say \"hi\"".to_owned()]).expect("a line");
        assert_eq!(cells, b"\"a,b\",\"say \"\"hi\"\"\"\r\n");
    }
}
