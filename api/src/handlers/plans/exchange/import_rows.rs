//! Milestones of a plan as lines of a CSV file: reading and writing of each column.
//!
//! All errors are collected, with line and column, before the file is refused.

pub mod cell;

use chrono::NaiveDate;
use milepost_domain::plan::draft::{ForecastDraft, MilestoneDraft, ProgressDraft};
use milepost_domain::rule::{Rule, Violation};
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Key, Label, Name, Note};
use milepost_domain::values::weight::{Percent, Weight};

use self::cell::{criteria, date, dependencies, duration, rule};
use crate::error::{ApiError, Code, FieldError, MOST_ERRORS};

/// Columns in the order of output. All but the first three are optional.
pub const COLUMNS: [&str; 17] = [
    "key",
    "name",
    "planned_on",
    "phase",
    "owner",
    "weight",
    "depends_on",
    "started_on",
    "forecast_on",
    "actual_on",
    "acceptance_criteria",
    "note",
    "duration_days",
    "credit_rule",
    "percent_complete",
    "percent_complete_on",
    "owner_ref",
];
/// Number of required columns: the first ones of [`COLUMNS`].
const REQUIRED: usize = 3;
/// Maximum number of columns of which each unknown one is named.
const MOST_COLUMNS: usize = 50;
/// Maximum number of milestones that a plan may start with.
pub const MOST: usize = 2000;

/// Contents of a file.
#[derive(Debug)]
pub struct Rows {
    /// Milestones of the file.
    pub milestones: Vec<MilestoneDraft>,
    /// Line on which each milestone begins.
    lines: Vec<u64>,
    /// Delimiter between cells.
    pub delimiter: char,
}

impl Rows {
    /// Reads a file. The delimiter is the one that its first line uses: a comma, a semicolon or a tab.
    pub fn read(text: &str, today: NaiveDate) -> Result<Self, ApiError> {
        if text.matches('"').count() % 2 == 1 {
            let detail = "has a cell whose quotation mark is not closed";
            return Err(ApiError::field("", "unclosed_quote", detail));
        }
        // A delimiter hint that some spreadsheets write and read on the first line.
        let hint = text.lines().next().and_then(|line| line.trim().strip_prefix("sep="));
        let (text, skipped) = match hint {
            Some(_) => (text.split_once('\n').map_or("", |(_, rest)| rest), 1),
            None => (text, 0),
        };
        let hinted = hint.and_then(|hint| hint.chars().next()).filter(|hint| [',', ';', '\t'].contains(hint));
        let delimiter = hinted.unwrap_or_else(|| delimiter_of(text.lines().next().unwrap_or_default()));
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(u8::try_from(delimiter).unwrap_or(b','))
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let malformed =
            |error: csv::Error| ApiError::new(Code::MalformedBody, format!("The body is not CSV: {error}."));
        let columns = reader.headers().map_err(malformed)?.len();
        if columns > MOST_COLUMNS {
            let detail = format!("has {columns} columns, but there are only {} that can be read", COLUMNS.len());
            return Err(ApiError::field("", "too_many_items", detail));
        }
        let header: Vec<String> =
            reader.headers().map_err(malformed)?.iter().map(|name| name.to_lowercase().replace(' ', "_")).collect();
        let mut errors = header_errors(&header);
        if !errors.is_empty() {
            return Err(ApiError::with_errors(Code::ValidationFailed, errors));
        }
        let (mut milestones, mut lines, mut count) = (vec![], vec![], 0);
        for record in reader.records() {
            let record = record.map_err(malformed)?;
            if record.iter().all(str::is_empty) {
                continue;
            }
            let line = record.position().map_or(0, csv::Position::line) + skipped;
            count += 1;
            if count > MOST || errors.len() > MOST_ERRORS {
                continue;
            }
            if record.len() > header.len() {
                let detail = format!("has {} cells, but there are {} columns", record.len(), header.len());
                errors.push(at(line, "", "too_many_cells", &detail));
                continue;
            }
            let cells = Cells { header: &header, record: &record, line, decimal_comma: delimiter == ';' };
            match cells.milestone(today, &mut errors) {
                Some(milestone) => {
                    milestones.push(milestone);
                    lines.push(line);
                }
                None if errors.is_empty() => errors.push(at(line, "", "not_valid", "is not a milestone")),
                None => {}
            }
        }
        if count > MOST {
            let detail = format!("has {count} milestones, but a plan may start with at most {MOST}");
            errors.insert(0, FieldError::in_body("", "too_many_items", detail));
        }
        if errors.is_empty() {
            Ok(Self { milestones, lines, delimiter })
        } else {
            Err(ApiError::with_errors(Code::ValidationFailed, errors))
        }
    }

    /// Reports violations of the milestones as a whole by line and column instead of by position and field.
    pub fn locate(&self, violations: Vec<Violation>) -> ApiError {
        let located = violations.into_iter().map(|violation| {
            let mut parts = violation.at.split('/').skip(2);
            let line = parts.next().and_then(|index| self.lines.get(index.parse::<usize>().ok()?));
            let column = match parts.next().unwrap_or_default() {
                "forecast_changes" => "forecast_on",
                "progress" => "percent_complete_on",
                column => column,
            };
            let (code, detail) = (violation.code, violation.text);
            line.map_or_else(|| FieldError::in_body("", code, detail.clone()), |line| at(*line, column, code, &detail))
        });
        ApiError::with_errors(Code::ValidationFailed, located.collect())
    }
}

fn delimiter_of(first_line: &str) -> char {
    let count = |delimiter: char| first_line.matches(delimiter).count();
    [',', ';', '\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(',')
}

fn header_errors(header: &[String]) -> Vec<FieldError> {
    let mut errors = vec![];
    for (index, name) in header.iter().enumerate() {
        let known = COLUMNS.join(", ");
        if !COLUMNS.contains(&name.as_str()) {
            errors.push(at(1, name, "unknown_column", &format!("is not a known column; known columns: {known}")));
        } else if header[..index].contains(name) {
            errors.push(at(1, name, "repeated", "appears more than once"));
        }
    }
    let missing = COLUMNS[..REQUIRED].iter().filter(|name| !header.iter().any(|known| known == *name));
    errors.extend(missing.map(|name| at(1, name, "required", "must be present")));
    errors
}

/// An error at a line and column.
fn at(line: u64, column: &str, code: &str, detail: &str) -> FieldError {
    let place = if column.is_empty() { format!("line {line}") } else { format!("line {line}, column {column}") };
    FieldError::in_body(format!("/{line}/{column}").trim_end_matches('/'), code, format!("{place}: {detail}"))
}

/// One line of the file.
struct Cells<'a> {
    header: &'a [String],
    record: &'a csv::StringRecord,
    line: u64,
    decimal_comma: bool,
}

impl Cells<'_> {
    fn milestone(&self, today: NaiveDate, errors: &mut Vec<FieldError>) -> Option<MilestoneDraft> {
        let key = self.required("key", Key::parse, errors);
        let name = self.required("name", Name::parse, errors);
        let planned_on = self.required("planned_on", date, errors);
        let phase = self.optional("phase", Label::parse, errors);
        let owner_name = self.optional("owner", Name::parse, errors);
        let owner_ref = self.optional("owner_ref", ExternalRef::parse, errors);
        let weight = self.optional("weight", |text| self.weight(text), errors);
        let depends_on = self.optional("depends_on", dependencies, errors);
        let started_on = self.optional("started_on", date, errors);
        let forecast_on = self.optional("forecast_on", date, errors);
        let actual_on = self.optional("actual_on", date, errors);
        let criteria = self.optional("acceptance_criteria", criteria, errors);
        let note = self.optional("note", Note::parse, errors);
        let duration_days = self.optional("duration_days", duration, errors);
        let credit_rule = self.optional("credit_rule", rule, errors);
        let percent = self.optional("percent_complete", |text| self.percent(text), errors);
        let percent_on = self.optional("percent_complete_on", date, errors);
        let planned_on = planned_on?;
        let moved = forecast_on.filter(|on| *on != planned_on && actual_on.is_none());
        let change = moved.map(|forecast_on| ForecastDraft { recorded_on: today, forecast_on, reason: None });
        Some(MilestoneDraft {
            key: key?,
            name: name?,
            phase,
            owner_id: None,
            owner_ref,
            owner_name,
            weight: weight.unwrap_or_default(),
            planned_on,
            depends_on: depends_on.unwrap_or_default(),
            acceptance_criteria: criteria.unwrap_or_default(),
            forecast_changes: change.into_iter().collect(),
            duration_days,
            credit_rule,
            progress: percent
                .map(|percent| ProgressDraft { recorded_on: percent_on.unwrap_or(today), percent })
                .into_iter()
                .collect(),
            started_on,
            actual_on,
            note,
        })
    }

    /// A cell without the leading apostrophe that keeps spreadsheets from evaluating it as a formula.
    fn cell(&self, column: &str) -> &str {
        let position = self.header.iter().position(|name| name == column);
        let cell = position.and_then(|position| self.record.get(position)).unwrap_or_default();
        match cell.strip_prefix('\'') {
            Some(rest) if rest.trim_start_matches('\'').starts_with(['=', '+', '-', '@']) => rest,
            _ => cell,
        }
    }

    fn required<T, R: Rule>(
        &self,
        column: &str,
        read: impl Fn(&str) -> Result<T, R>,
        errors: &mut Vec<FieldError>,
    ) -> Option<T> {
        if self.cell(column).is_empty() {
            errors.push(at(self.line, column, "required", "must be given"));
            return None;
        }
        self.optional(column, read, errors)
    }

    fn optional<T, R: Rule>(
        &self,
        column: &str,
        read: impl Fn(&str) -> Result<T, R>,
        errors: &mut Vec<FieldError>,
    ) -> Option<T> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return None;
        }
        match read(cell) {
            Ok(value) => Some(value),
            Err(rule) => {
                errors.push(at(self.line, column, rule.code(), &rule.to_string()));
                None
            }
        }
    }

    /// Parses a percentage, with or without its sign.
    fn percent(&self, text: &str) -> Result<Percent, ValueRule> {
        let text = text.trim_end_matches('%').trim_end();
        let text = if self.decimal_comma { text.replace(',', ".") } else { text.to_owned() };
        Percent::try_from(text.parse::<f64>().unwrap_or(f64::NAN))
    }

    /// Parses a weight. With semicolons as delimiters, a comma is a decimal point.
    fn weight(&self, text: &str) -> Result<Weight, ValueRule> {
        let text = if self.decimal_comma { text.replace(',', ".") } else { text.to_owned() };
        Weight::try_from(text.parse::<f64>().unwrap_or(f64::NAN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, 4).expect("a date")
    }

    #[test]
    fn what_spreadsheets_add_is_passed_over() {
        let rows = Rows::read("sep=;\nkey;name;planned_on\na;A;2026-06-01\n;;\n", today()).expect("a row");
        assert_eq!((rows.milestones.len(), rows.lines[0]), (1, 3));
        assert!(
            Rows::read("key,name,planned_on\na,\"A,2026-06-01\n", today())
                .is_err_and(|error| error.to_string().contains("not closed"))
        );
    }

    #[test]
    fn cells_are_told_apart_by_what_the_first_line_uses() {
        for (text, delimiter) in
            [("key,name,planned_on", ','), ("key;name;planned_on", ';'), ("key\tname\tplanned_on", '\t')]
        {
            assert_eq!(Rows::read(text, today()).expect("no rows").delimiter, delimiter);
        }
        let rows = Rows::read("Key;Name;Planned on;weight\na;A;2026-06-01;2,5\n", today()).expect("a row");
        assert!((rows.milestones[0].weight.value() - 2.5).abs() < 1e-9);
    }
}
