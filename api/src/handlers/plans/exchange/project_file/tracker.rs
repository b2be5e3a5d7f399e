//! Exports of issue trackers as CSV or JSON: which of their columns become which fields of milestones.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::network::Relation;
use milepost_domain::values::text::Label;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumString};
use utoipa::ToSchema;

use super::super::import::FileFormat;
use super::{Lost, Project, Task, TaskLink};
use crate::error::{ApiError, Code, FieldError, MOST_ERRORS};

/// Issue tracker whose export is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IssueTracker)]
pub enum Tracker {
    /// Jira: its CSV export, or the answer of its search as JSON.
    Jira,
    /// GitHub: issues as JSON, of its API or its command line.
    #[serde(rename = "github")]
    GitHub,
}

/// Field of a milestone that a column can become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = MappedField)]
pub enum Field {
    /// Key.
    Key,
    /// Name.
    Name,
    /// Planned date.
    PlannedOn,
    /// Phase or track.
    Phase,
    /// Owner.
    Owner,
    /// Weight, such as story points.
    Weight,
    /// Duration in days.
    DurationDays,
    /// Keys of the milestones that it waits for.
    DependsOn,
    /// Date on which work started.
    StartedOn,
    /// Forecast date.
    ForecastOn,
    /// Date of achievement.
    ActualOn,
    /// Percentage of completion.
    PercentComplete,
    /// Note.
    Note,
}

/// Columns of the trackers by field: the first that the export has is taken.
const KNOWN: [(Tracker, Field, &[&str]); 15] = [
    (Tracker::Jira, Field::Key, &["Issue key", "key"]),
    (Tracker::Jira, Field::Name, &["Summary", "fields.summary"]),
    (Tracker::Jira, Field::PlannedOn, &["Due date", "Due Date", "fields.duedate"]),
    (
        Tracker::Jira,
        Field::Phase,
        &["Parent summary", "fields.parent.fields.summary", "Fix versions", "fields.fixVersions.*.name"],
    ),
    (Tracker::Jira, Field::Owner, &["Assignee", "fields.assignee.displayName"]),
    (
        Tracker::Jira,
        Field::Weight,
        &["Custom field (Story Points)", "Custom field (Story point estimate)", "fields.customfield_10016"],
    ),
    (Tracker::Jira, Field::DependsOn, &["Inward issue link (Blocks)", "fields.issuelinks.*.inwardIssue.key"]),
    (Tracker::Jira, Field::ActualOn, &["Resolved", "fields.resolutiondate"]),
    (Tracker::Jira, Field::StartedOn, &["Custom field (Start date)", "fields.customfield_10015"]),
    (Tracker::GitHub, Field::Key, &["number"]),
    (Tracker::GitHub, Field::Name, &["title"]),
    (Tracker::GitHub, Field::PlannedOn, &["milestone.due_on", "milestone.dueOn"]),
    (Tracker::GitHub, Field::Phase, &["milestone.title"]),
    (Tracker::GitHub, Field::Owner, &["assignees.*.login", "assignee.login"]),
    (Tracker::GitHub, Field::ActualOn, &["closed_at", "closedAt"]),
];

/// Most columns of an export that are looked at.
const MOST_COLUMNS: usize = 500;

/// Most items of an export in JSON.
const MOST_ITEMS: usize = 20_000;
/// Most cells of a line; an export has a column for each comment on an item.
const MOST_CELLS: usize = 2000;

/// Use of a column.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"column": "Due date", "field": "planned_on", "filled": 17}))]
pub struct ColumnUse {
    /// Column: its name, or in JSON its path, in which `*` stands for every item of a list.
    #[schema(max_length = 500)]
    column: String,
    /// Field of a milestone that it becomes; null if it is not taken over.
    field: Option<Field>,
    /// Number of items in which it is filled.
    #[schema(maximum = 1_000_000)]
    filled: usize,
}

/// Mapping of columns to fields.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    columns: Vec<(Field, Vec<String>)>,
    date_format: Option<String>,
}

impl Mapping {
    /// Returns the mapping of a tracker with changes of the form `field=column`; `None` if there is neither.
    pub fn of(
        tracker: Option<Tracker>,
        changes: &[Label],
        date_format: Option<&str>,
    ) -> Result<Option<Self>, ApiError> {
        if tracker.is_none() && changes.is_empty() {
            return Ok(None);
        }
        let mut columns: Vec<(Field, Vec<String>)> = vec![];
        for change in changes {
            let read =
                change.as_str().split_once('=').and_then(|(field, column)| Some((field.parse().ok()?, column.trim())));
            let (field, column): (Field, &str) = read.filter(|(_, column)| !column.is_empty()).ok_or_else(|| {
                let detail = "must be a field and a column, such as planned_on=Due date";
                ApiError::parameter("map", "not_an_option", detail.to_owned())
            })?;
            if columns.iter().any(|(known, _)| *known == field) {
                return Err(ApiError::parameter("map", "repeated", format!("gives {field} more than once")));
            }
            columns.push((field, vec![column.to_owned()]));
        }
        let usual = KNOWN
            .iter()
            .filter(|(of, field, _)| Some(*of) == tracker && columns.iter().all(|(known, _)| known != field));
        let usual: Vec<(Field, Vec<String>)> =
            usual.map(|(_, field, names)| (*field, names.iter().map(|name| (*name).to_owned()).collect())).collect();
        columns.extend(usual);
        for needed in [Field::Name, Field::PlannedOn] {
            if columns.iter().all(|(field, _)| *field != needed) {
                return Err(ApiError::parameter("map", "required", format!("must give the column of {needed}")));
            }
        }
        Ok(Some(Self { columns, date_format: date_format.map(str::to_owned) }))
    }

    /// Returns the column that each field is taken from, of those that there are.
    fn taken(&self, items: &Items) -> Vec<(Field, String)> {
        let there = |names: &Vec<String>| names.iter().find(|name| items.columns.contains_key(*name)).cloned();
        self.columns.iter().filter_map(|(field, names)| Some((*field, there(names)?))).collect()
    }

    /// Returns the date at the beginning of a text.
    fn date(&self, text: &str) -> Option<NaiveDate> {
        let begins = |format: &str| {
            let (on, rest) = NaiveDate::parse_and_remainder(text, format).ok()?;
            (!rest.starts_with(|c: char| c.is_ascii_digit())).then_some(on)
        };
        match &self.date_format {
            Some(format) => begins(format),
            None => ["%Y-%m-%d", "%d/%b/%y", "%d/%b/%Y"].into_iter().find_map(begins),
        }
    }
}

/// Items of an export.
#[derive(Debug, Default)]
pub struct Items {
    /// Values by column, of which a list has several.
    items: Vec<BTreeMap<String, Vec<String>>>,
    /// Columns with the number of items in which they are filled.
    columns: BTreeMap<String, usize>,
}

impl Items {
    /// Reads CSV. Columns of the same name are one column with several values.
    pub fn of_csv(text: &str) -> Result<Self, ApiError> {
        let malformed =
            |error: csv::Error| ApiError::new(Code::MalformedBody, format!("The body is not CSV: {error}."));
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(malformed)?.clone();
        if header.len() > MOST_CELLS {
            let detail = format!("has {} columns, but at most {MOST_CELLS} can be read", header.len());
            return Err(ApiError::field("", "too_many_items", detail));
        }
        let mut items = Self::default();
        for record in reader.records() {
            let record = record.map_err(malformed)?;
            let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (column, value) in header.iter().zip(&record).filter(|(_, value)| !value.is_empty()) {
                values.entry(column.to_owned()).or_default().push(value.to_owned());
            }
            items.push(values)?;
        }
        for column in header.iter().filter(|column| !column.is_empty()) {
            items.columns.entry(column.to_owned()).or_default();
        }
        Ok(items)
    }

    /// Reads JSON: a list of items, or an object that has one.
    pub fn of_json(text: &str) -> Result<Self, ApiError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| ApiError::new(Code::MalformedBody, format!("The body is not JSON: {error}.")))?;
        let lists = match &value {
            Value::Array(list) => Some(list),
            Value::Object(members) => members.values().find_map(Value::as_array),
            _ => None,
        };
        let list = lists.ok_or_else(|| ApiError::new(Code::MalformedBody, "The JSON has no list of items."))?;
        if list.len() > MOST_ITEMS {
            let detail = format!("has {} items, but at most {MOST_ITEMS} can be read", list.len());
            return Err(ApiError::field("", "too_many_items", detail));
        }
        let mut items = Self::default();
        for item in list {
            let mut values = BTreeMap::new();
            flatten(item, String::new(), &mut values);
            items.push(values)?;
        }
        Ok(items)
    }

    fn push(&mut self, values: BTreeMap<String, Vec<String>>) -> Result<(), ApiError> {
        for column in values.keys() {
            *self.columns.entry(column.clone()).or_default() += 1;
        }
        if self.columns.len() > MOST_COLUMNS {
            let detail = format!("has more than {MOST_COLUMNS} columns");
            return Err(ApiError::field("", "too_many_items", detail));
        }
        self.items.push(values);
        Ok(())
    }

    /// Returns the project that the mapping makes of the items, and the use of each column.
    pub fn project(&self, mapping: &Mapping, format: FileFormat) -> Result<(Project, Vec<ColumnUse>), ApiError> {
        let taken = mapping.taken(self);
        let missing =
            [Field::Name, Field::PlannedOn].into_iter().find(|needed| taken.iter().all(|(field, _)| field != needed));
        if let Some(field) = missing {
            let detail = format!("has no column for {field}: name it with map={field}=…");
            return Err(ApiError::field("", "required", detail));
        }
        let (mut errors, mut lost, mut tasks) = (vec![], Lost::default(), vec![]);
        for (index, item) in self.items.iter().enumerate() {
            let item = Item { number: index + 1, values: item, taken: &taken, mapping };
            match item.task(&mut errors, &mut lost) {
                Some(task) => tasks.push(task),
                None => lost.add("items without a name", 1),
            }
            if errors.len() > MOST_ERRORS {
                break;
            }
        }
        if !errors.is_empty() {
            return Err(ApiError::with_errors(Code::ValidationFailed, errors));
        }
        let field = |column: &str| taken.iter().find(|(_, own)| own == column).map(|(field, _)| *field);
        let uses = self.columns.iter().map(|(column, filled)| ColumnUse {
            column: column.chars().take(500).collect(),
            field: field(column),
            filled: *filled,
        });
        let project = Project { format, name: None, start_on: None, calendar: Calendar::default(), tasks, lost };
        Ok((project, uses.collect()))
    }
}

/// Adds the values of an item by their paths; the items of lists have the same path.
fn flatten(value: &Value, path: String, values: &mut BTreeMap<String, Vec<String>>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| flatten(member, below(name), values)),
        Value::Array(list) => list.iter().for_each(|one| flatten(one, below("*"), values)),
        Value::Null => {}
        Value::String(text) if text.trim().is_empty() => {}
        Value::String(text) => values.entry(path).or_default().push(text.trim().to_owned()),
        Value::Bool(_) | Value::Number(_) => values.entry(path).or_default().push(value.to_string()),
    }
}

/// An item, read by a mapping.
struct Item<'a> {
    /// Number in the export, counted from 1.
    number: usize,
    values: &'a BTreeMap<String, Vec<String>>,
    taken: &'a [(Field, String)],
    mapping: &'a Mapping,
}

impl Item<'_> {
    fn task(&self, errors: &mut Vec<FieldError>, lost: &mut Lost) -> Option<Task> {
        let name = self.first(Field::Name)?;
        let owners = self.all(Field::Owner).len();
        lost.add("further owners of an item", owners.saturating_sub(1));
        let mut date = |field| {
            self.read(field, "not_a_date", "must be a date; say its form with date_format", errors, |text| {
                self.mapping.date(text)
            })
        };
        let planned_on = date(Field::PlannedOn);
        let (forecast_on, started_on, actual_on) =
            (date(Field::ForecastOn), date(Field::StartedOn), date(Field::ActualOn));
        let number = |text: &str| {
            text.trim_end_matches('%').trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
        };
        let mut number = |field| self.read(field, "wrong_type", "must be a number", errors, number);
        let (weight, duration_days, percent) =
            (number(Field::Weight), number(Field::DurationDays), number(Field::PercentComplete));
        let keys = self.all(Field::DependsOn).iter().flat_map(|cell| cell.split([',', ';', ' ', '\n']));
        let link = |key: &str| TaskLink { to: key.to_owned(), relation: Relation::FinishToStart, lag_days: 0 };
        let key = self.first(Field::Key).map(str::to_owned);
        Some(Task {
            id: key.clone().unwrap_or_else(|| format!("item {}", self.number)),
            key,
            name: name.to_owned(),
            phase: self.first(Field::Phase).map(str::to_owned),
            owner: self.first(Field::Owner).map(str::to_owned),
            finish_on: forecast_on.or(planned_on),
            baseline_finish_on: planned_on,
            duration_days,
            weight,
            started_on,
            actual_on,
            percent: percent.unwrap_or_default(),
            links: keys.map(str::trim).filter(|key| !key.is_empty()).map(link).collect(),
            note: self.first(Field::Note).map(str::to_owned),
        })
    }

    fn all(&self, field: Field) -> &[String] {
        let column = self.taken.iter().find(|(own, _)| *own == field).map(|(_, column)| column);
        column.and_then(|column| self.values.get(column)).map_or(&[], Vec::as_slice)
    }

    fn first(&self, field: Field) -> Option<&str> {
        self.all(field).first().map(String::as_str)
    }

    /// Reads the first value of a field; one that cannot be read is an error at its place.
    fn read<T>(
        &self,
        field: Field,
        code: &str,
        detail: &str,
        errors: &mut Vec<FieldError>,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.first(field)?;
        let value = read(text);
        if value.is_none() {
            let (number, column) =
                (self.number, self.taken.iter().find(|(own, _)| *own == field).map_or("", |(_, column)| column));
            let place = format!("item {number}, column {column}: {detail}");
            errors.push(FieldError::in_body(format!("/{number}/{field}"), code, place));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_trackers() {
        let usual = Mapping::default();
        let on = |text: &str| usual.date(text).map(|on| on.to_string());
        for text in ["2026-05-12", "2026-05-12T09:00:00.000+0000", "12/May/26 9:00 AM", "12/May/2026"] {
            assert_eq!(on(text).as_deref(), Some("2026-05-12"), "{text}");
        }
        assert_eq!([on("05/12/2026"), on("soon"), on("")], [None, None, None]);
        let german = Mapping { date_format: Some("%d.%m.%Y".to_owned()), ..Mapping::default() };
        assert_eq!(german.date("12.05.2026 09:00").map(|on| on.to_string()).as_deref(), Some("2026-05-12"));
    }

    #[test]
    fn paths_of_json() {
        let items = Items::of_json(
            r#"{"total": 1, "issues": [{"key": "A-1", "fields": {"labels": ["x", "y"], "n": 2, "none": null}}]}"#,
        );
        let items = items.expect("items");
        assert_eq!(items.columns.keys().collect::<Vec<_>>(), ["fields.labels.*", "fields.n", "key"]);
        assert_eq!(items.items[0]["fields.labels.*"], ["x", "y"]);
        assert!(Items::of_json("{}").is_err() && Items::of_json("[").is_err());
    }
}
