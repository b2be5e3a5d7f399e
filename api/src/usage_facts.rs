//! Conversion of stored usage events into the facts from which metrics are computed.

use chrono_tz::Tz;
use milepost_domain::usage::metric::{Definition, Fact, Number, TYPE_PROPERTY, Value};
use milepost_domain::values::text::Label;

use crate::clock::date_in;
use crate::store::metrics::MeasuredRow;

/// Returns the fact that a metric takes from an event of a type that it admits, or `None` if its filter does not.
pub fn fact(definition: &Definition, event: &MeasuredRow, zone: Tz) -> Option<Fact> {
    let property = definition.property.as_ref().map(Label::as_str);
    let needs_data = definition.filter.is_some() || property.is_some_and(|property| property != TYPE_PROPERTY);
    let data = event.data.as_deref().filter(|_| needs_data);
    let data: serde_json::Value = data.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if let Some(filter) = &definition.filter {
        let found = match at(&data, filter.property.as_str())? {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if found != filter.equals.as_str() {
            return None;
        }
    }
    let value = property.and_then(|property| {
        if property == TYPE_PROPERTY {
            return Some(Value::Other(event.kind.clone()));
        }
        match at(&data, property)? {
            serde_json::Value::Null => None,
            serde_json::Value::Number(number) => numeric(number).map(Value::Number),
            serde_json::Value::String(text) => Some(Value::Other(text.clone())),
            other => Some(Value::Other(other.to_string())),
        }
    });
    Some(Fact { at: event.occurred_at, on: date_in(zone, event.occurred_at), value })
}

fn numeric(number: &serde_json::Number) -> Option<Number> {
    number.as_i128().map(Number::Integer).or_else(|| number.as_f64().map(Number::Real))
}

/// Returns the value at a path whose parts are separated by dots.
fn at<'a>(data: &'a serde_json::Value, path: &str) -> Option<&'a serde_json::Value> {
    path.split('.').try_fold(data, |value, part| value.get(part))
}
