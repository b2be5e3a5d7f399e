//! Aggregates over usage events. Each one is a function of the set of events and does not depend on their order of
//! arrival. This module does not read the events: it gets them as plain facts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;
use xsum::{Xsum, XsumSmall};

use crate::rule::{About, Rule};
use crate::values::dates::{days_between, plus_days};
use crate::values::text::{Key, Label, Name};

/// Aggregate function: the way that a metric turns events into a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Aggregate {
    /// Number of events.
    Count,
    /// Sum of a property.
    Sum,
    /// Smallest value of a property.
    Min,
    /// Largest value of a property.
    Max,
    /// Value of a property in the most recent event.
    Last,
    /// Mean of a property.
    Average,
    /// Number of distinct values of a property.
    Distinct,
    /// Number of days with at least one event.
    ActiveDays,
    /// Days from the most recent event to the requested date, regardless of the window.
    DaysSinceLast,
}

impl Aggregate {
    /// Whether the aggregate uses a property of the events.
    pub const fn needs_property(self) -> bool {
        matches!(self, Self::Sum | Self::Min | Self::Max | Self::Last | Self::Average | Self::Distinct)
    }
}

/// Checks that a property is given exactly when the aggregate uses one.
pub const fn check_property(aggregate: Aggregate, has_property: bool) -> Result<(), MetricRule> {
    match (aggregate.needs_property(), has_property) {
        (true, false) => Err(MetricRule::PropertyRequired { aggregate }),
        (false, true) => Err(MetricRule::PropertyUnused { aggregate }),
        (true, true) | (false, false) => Ok(()),
    }
}

/// Filter that limits a metric to events with a certain value of a property of their data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"property": "plan", "equals": "pro"}))]
pub struct MetricFilter {
    /// Property: a path into the event's data, with dots between its parts.
    pub property: Label,
    /// Value that the property must have, as text. Numbers and booleans are compared in their JSON form.
    pub equals: Label,
}

/// The property name that stands for the event's type.
pub const TYPE_PROPERTY: &str = "@type";

/// Definition of a metric: the events that it counts and the way that it aggregates them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MetricDefinition, example = json!({"event_type": "repo.*", "aggregate": "active_days"}))]
pub struct Definition {
    /// Event type that the metric counts. A type that ends in `*` matches every type with that prefix.
    pub event_type: Name,
    /// Aggregate function.
    pub aggregate: Aggregate,
    /// Property to aggregate: a path into the event's data, with dots between its parts, or `@type` for the event's
    /// type. Required by the aggregates that use a property, and not allowed with the others.
    pub property: Option<Label>,
    /// Filter of the events. If omitted, every event of the type counts.
    pub filter: Option<MetricFilter>,
}

impl Definition {
    /// Whether the metric counts events of the given type.
    pub fn admits(&self, kind: &str) -> bool {
        let own = self.event_type.as_str();
        own.strip_suffix('*').map_or(own == kind, |prefix| kind.starts_with(prefix))
    }
}

/// A metric: a named aggregate over usage events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "files-changed", "name": "Files changed", "event_type": "repo.*", "aggregate": "sum", "property": "files", "filter": null
}))]
pub struct MetricContent {
    /// Key. Unique within the organization.
    pub key: Key,
    /// Display name. Defaults to the key.
    pub name: Option<Name>,
    /// Event type that the metric counts. A type that ends in `*` matches every type with that prefix.
    pub event_type: Name,
    /// Aggregate function.
    pub aggregate: Aggregate,
    /// Property to aggregate: a path into the event's data, with dots between its parts, or `@type` for the event's
    /// type. Required by the aggregates that use a property, and not allowed with the others.
    pub property: Option<Label>,
    /// Filter of the events. If omitted, every event of the type counts.
    pub filter: Option<MetricFilter>,
}

impl MetricContent {
    /// The definition that figures are computed by.
    pub fn definition(&self) -> Definition {
        Definition {
            event_type: self.event_type.clone(),
            aggregate: self.aggregate,
            property: self.property.clone(),
            filter: self.filter.clone(),
        }
    }
}

/// A number as an event states it. Integers keep all their digits, as identifiers must; other numbers are binary floating point of
/// 64 bits (IEEE 754).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// An integer.
    Integer(i128),
    /// Any other number.
    Real(f64),
}

impl Number {
    /// Returns the nearest number in floating point.
    #[expect(clippy::cast_precision_loss, reason = "the nearest is what is asked for")]
    pub const fn nearest(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
        }
    }

    /// Returns two numbers in floating point whose exact sum it is.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the second is what the first lacks"
    )]
    const fn parts(self) -> [f64; 2] {
        match self {
            Self::Integer(integer) => {
                let most = integer as f64;
                [most, (integer - most as i128) as f64]
            }
            Self::Real(real) => [real, 0.0],
        }
    }

    /// Returns its text, which is the same for equal numbers: 1 and 1.0 are one.
    #[expect(clippy::cast_possible_truncation, reason = "whole, and small enough")]
    fn text(self) -> String {
        match self {
            Self::Integer(integer) => integer.to_string(),
            Self::Real(real) if real.fract() == 0.0 && real.abs() < 1e18 => (real as i128).to_string(),
            Self::Real(real) => real.to_string(),
        }
    }
}

/// Returns the sum of numbers, exact until it is rounded once, so that their order does not matter (R. M. Neal, *Fast Exact Summation
/// Using Small and Large Superaccumulators*, 2015). The sum of nothing is 0.
fn sum(numbers: impl Iterator<Item = Number>) -> f64 {
    let mut exact = XsumSmall::new();
    for number in numbers {
        exact.add_list(&number.parts());
    }
    exact.sum() + 0.0
}

/// The value of the metric's property in one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Number(Number),
    /// Any other value, as text; only [`Aggregate::Distinct`] uses it.
    Other(String),
}

/// One event, reduced to the facts that a metric needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Time of the event.
    pub at: DateTime<Utc>,
    /// Date of the event in the organization's time zone.
    pub on: NaiveDate,
    /// Value of the metric's property; `None` if the metric has no property or the event has no value for it.
    pub value: Option<Value>,
}

/// A metric's value and the number of events behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Value; `None` if it is undefined, such as the mean of no events.
    pub value: Option<f64>,
    /// Number of events that the value is computed from.
    pub events: usize,
    /// Number of events left out because the property is missing or not a number.
    pub ignored: usize,
}

/// Returns the first day of a window of `window_days` days that ends with `as_of`.
pub fn window_start(as_of: NaiveDate, window_days: i64) -> NaiveDate {
    plus_days(as_of, 1 - window_days)
}

/// Aggregates the facts in a window that ends with `as_of`, including that day. Without a window, aggregates all facts
/// up to that day.
pub fn measure(aggregate: Aggregate, facts: &[Fact], as_of: NaiveDate, window_days: Option<i64>) -> Measured {
    let first_on = window_days.filter(|_| aggregate != Aggregate::DaysSinceLast).map(|days| window_start(as_of, days));
    let in_window: Vec<&Fact> =
        facts.iter().filter(|fact| fact.on <= as_of && first_on.is_none_or(|first| fact.on >= first)).collect();
    let stated: Vec<(DateTime<Utc>, Number)> = in_window
        .iter()
        .filter_map(|fact| match fact.value {
            Some(Value::Number(number)) => Some((fact.at, number)),
            Some(Value::Other(_)) | None => None,
        })
        .collect();
    let numbers: Vec<(DateTime<Utc>, f64)> = stated.iter().map(|(at, number)| (*at, number.nearest())).collect();
    let sum = || sum(stated.iter().map(|(_, number)| *number));
    let (value, events) = match aggregate {
        Aggregate::Count => (Some(real(in_window.len())), in_window.len()),
        Aggregate::Sum => (Some(sum()), numbers.len()),
        Aggregate::Min => (numbers.iter().map(|(_, number)| *number).reduce(f64::min), numbers.len()),
        Aggregate::Max => (numbers.iter().map(|(_, number)| *number).reduce(f64::max), numbers.len()),
        // Among events at the same instant, the largest value wins, so the order of arrival does not matter.
        Aggregate::Last => {
            let last = numbers.iter().max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            (last.map(|(_, number)| *number), numbers.len())
        }
        Aggregate::Average => ((!numbers.is_empty()).then(|| sum() / real(numbers.len())), numbers.len()),
        Aggregate::Distinct => {
            let text = |fact: &&Fact| match fact.value.as_ref()? {
                Value::Number(number) => Some(number.text()),
                Value::Other(text) => Some(text.clone()),
            };
            let mut values: Vec<String> = in_window.iter().filter_map(text).collect();
            let events = values.len();
            values.sort_unstable();
            values.dedup();
            (Some(real(values.len())), events)
        }
        Aggregate::ActiveDays => {
            let mut days: Vec<NaiveDate> = in_window.iter().map(|fact| fact.on).collect();
            days.sort_unstable();
            days.dedup();
            (Some(real(days.len())), in_window.len())
        }
        Aggregate::DaysSinceLast => {
            let last = in_window.iter().map(|fact| fact.on).max();
            let days = last.map(|on| i32::try_from(days_between(on, as_of)).map_or(f64::MAX, f64::from));
            (days, in_window.len())
        }
    };
    Measured { value, events, ignored: in_window.len() - events }
}

#[expect(clippy::cast_precision_loss, reason = "events of one customer are far fewer")]
fn real(count: usize) -> f64 {
    count as f64
}

/// A rule that the definition of a metric broke. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum MetricRule {
    #[error("must name a property: the aggregate {aggregate} needs one")]
    PropertyRequired { aggregate: Aggregate },
    #[error("must be left out: the aggregate {aggregate} uses no property")]
    PropertyUnused { aggregate: Aggregate },
}

impl Rule for MetricRule {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn about(&self) -> About {
        About::Input
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_property_comes_where_it_is_looked_at() {
        assert_eq!(check_property(Aggregate::Sum, true), Ok(()));
        assert_eq!(check_property(Aggregate::Count, false), Ok(()));
        assert!(
            check_property(Aggregate::Last, false).is_err() && check_property(Aggregate::ActiveDays, true).is_err()
        );
    }

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, d).expect("a date")
    }

    fn fact(d: u32, value: Option<Value>) -> Fact {
        let on = day(d);
        Fact { at: on.and_hms_opt(12, 0, 0).expect("noon").and_utc(), on, value }
    }

    fn number(d: u32, value: f64) -> Fact {
        fact(d, Some(Value::Number(Number::Real(value))))
    }

    #[test]
    fn each_aggregate_in_its_window() {
        let facts = [number(1, 9.0), number(5, 2.0), number(5, 4.0), number(7, 3.0), number(9, 100.0)];
        let at = |aggregate, window| measure(aggregate, &facts, day(8), window).value;
        for (aggregate, expected) in [
            (Aggregate::Count, 3.0),
            (Aggregate::Sum, 9.0),
            (Aggregate::Min, 2.0),
            (Aggregate::Max, 4.0),
            (Aggregate::Last, 3.0),
            (Aggregate::Average, 3.0),
            (Aggregate::Distinct, 3.0),
            (Aggregate::ActiveDays, 2.0),
            (Aggregate::DaysSinceLast, 1.0),
        ] {
            assert_eq!(at(aggregate, Some(7)), Some(expected), "{aggregate}: the 2nd to the 8th");
        }
        assert_eq!(at(Aggregate::Count, Some(8)), Some(4.0), "the 1st is in it");
        assert_eq!((at(Aggregate::Count, None), at(Aggregate::DaysSinceLast, Some(1))), (Some(4.0), Some(1.0)));
    }

    #[test]
    fn sums_are_exact() {
        let sum_of = |values: &[Number]| {
            let facts: Vec<Fact> = values.iter().map(|value| fact(5, Some(Value::Number(*value)))).collect();
            measure(Aggregate::Sum, &facts, day(8), None).value.expect("a sum")
        };
        let real = |values: &[f64]| sum_of(&values.iter().map(|value| Number::Real(*value)).collect::<Vec<_>>());
        assert_eq!(real(&[1e16, 1.0, -1e16]).to_bits(), 1.0_f64.to_bits());
        assert_eq!(real(&[0.1; 10]).to_bits(), 1.0_f64.to_bits());
        assert_eq!(real(&[]).to_bits(), 0.0_f64.to_bits(), "and not -0");
        assert_eq!(real(&[1e308, 1e308, -1e308, -1e308]).to_bits(), 0.0_f64.to_bits(), "whatever comes in between");
        let big = 9_007_199_254_740_993;
        assert_eq!(sum_of(&[Number::Integer(big), Number::Integer(-big + 1)]).to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn identifiers_keep_their_digits() {
        let distinct = |values: &[Number]| {
            let facts: Vec<Fact> = values.iter().map(|value| fact(5, Some(Value::Number(*value)))).collect();
            measure(Aggregate::Distinct, &facts, day(8), None).value
        };
        let big = 9_007_199_254_740_992;
        assert_eq!(distinct(&[Number::Integer(big), Number::Integer(big + 1)]), Some(2.0));
        assert_eq!(distinct(&[Number::Integer(1), Number::Real(1.0)]), Some(1.0), "the same number");
        assert_eq!(distinct(&[Number::Real(1.5), Number::Real(1.5)]), Some(1.0));
    }

    #[test]
    fn nothing_is_not_zero_where_zero_would_be_a_claim() {
        let at = |aggregate| measure(aggregate, &[], day(8), Some(7)).value;
        for aggregate in [Aggregate::Count, Aggregate::Sum, Aggregate::Distinct, Aggregate::ActiveDays] {
            assert_eq!(at(aggregate), Some(0.0), "{aggregate}");
        }
        for aggregate in [Aggregate::Min, Aggregate::Max, Aggregate::Last, Aggregate::Average, Aggregate::DaysSinceLast]
        {
            assert_eq!(at(aggregate), None, "{aggregate}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_left_out_and_counted() {
        let facts = [number(5, 2.0), fact(6, Some(Value::Other("many".into()))), fact(7, None)];
        let found = measure(Aggregate::Average, &facts, day(8), Some(7));
        assert_eq!(found, Measured { value: Some(2.0), events: 1, ignored: 2 });
        assert_eq!(measure(Aggregate::Distinct, &facts, day(8), Some(7)).value, Some(2.0));
    }

    proptest! {
        /// The order of arrival does not matter.
        #[test]
        fn order_does_not_matter(values in prop::collection::vec((1u32..28, -50i32..50), 0..20), seed in 0usize..20) {
            let facts: Vec<Fact> = values.iter().map(|(d, value)| number(*d, f64::from(*value))).collect();
            let mut turned = facts.clone();
            turned.rotate_left(seed.min(facts.len()));
            turned.reverse();
            for aggregate in [Aggregate::Count, Aggregate::Sum, Aggregate::Last, Aggregate::Average, Aggregate::Distinct, Aggregate::ActiveDays] {
                prop_assert_eq!(measure(aggregate, &facts, day(20), Some(10)), measure(aggregate, &turned, day(20), Some(10)));
            }
        }
    }
}
