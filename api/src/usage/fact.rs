//! Conversion of stored usage events into the facts from which metrics are computed.

use std::cell::OnceCell;

use chrono::NaiveDate;
use milepost_domain::usage::metric::{Definition, Fact, TYPE_PROPERTY, Value};
use milepost_domain::usage::number::Number;
use milepost_domain::values::text::Label;

use crate::store::measured_events::MeasuredRow;

/// An event whose data is read when the first metric asks for it, and once for all of them.
#[derive(Debug)]
pub struct Event<'a> {
    row: &'a MeasuredRow,
    on: NaiveDate,
    data: OnceCell<serde_json::Value>,
}

impl<'a> Event<'a> {
    /// An event with its date in the organization's time zone.
    pub const fn new(row: &'a MeasuredRow, on: NaiveDate) -> Self {
        Self { row, on, data: OnceCell::new() }
    }

    /// Returns the fact that a metric takes from an event of a type that it admits, or `None` if its filter does not.
    pub fn fact(&self, definition: &Definition) -> Option<Fact> {
        if let Some(filter) = &definition.filter {
            let found = match self.at(filter.property.as_str())? {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if found != filter.equals.as_str() {
                return None;
            }
        }
        let value = definition.property.as_ref().map(Label::as_str).and_then(|property| {
            if property == TYPE_PROPERTY {
                return Some(Value::Other(self.row.kind.clone()));
            }
            match self.at(property)? {
                serde_json::Value::Null => None,
                serde_json::Value::Number(number) => numeric(number).map(Value::Number),
                serde_json::Value::String(text) => Some(Value::Other(text.clone())),
                other => Some(Value::Other(other.to_string())),
            }
        });
        Some(Fact { at: self.row.occurred_at, on: self.on, value })
    }

    /// Returns the value at a path whose parts are separated by dots.
    fn at(&self, path: &str) -> Option<&serde_json::Value> {
        let read = || self.row.data.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        path.split('.').try_fold(self.data.get_or_init(read), |value, part| value.get(part))
    }
}

fn numeric(number: &serde_json::Number) -> Option<Number> {
    number.as_i128().map(Number::Integer).or_else(|| number.as_f64().map(Number::Real))
}
