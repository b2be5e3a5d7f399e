//! Metrics: named aggregates over usage events. Each one is a function of the set of events and does not depend on their order of
//! arrival. This module does not read the events; [`tally`](super::tally) gets them as plain facts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use super::number::Number;
use crate::rule::{About, Rule};
use crate::values::dates::plus_days;
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
    /// Number of calendar months with at least one event.
    ActiveMonths,
    /// Largest number of days from a day with events to the next one that has any; undefined with fewer than two such days.
    LongestPause,
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
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

/// A rule that the definition of a metric broke. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum MetricRule {
    #[error("must name a property: the aggregate {aggregate} needs one")]
    PropertyRequired { aggregate: Aggregate },
    #[error("must be left out: the aggregate {aggregate} uses no property")]
    PropertyUnused { aggregate: Aggregate },
    #[error("there is no metric '{key}'")]
    UnknownMetric { key: String },
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

    #[test]
    fn a_property_comes_where_it_is_looked_at() {
        assert_eq!(check_property(Aggregate::Sum, true), Ok(()));
        assert_eq!(check_property(Aggregate::Count, false), Ok(()));
        assert!(
            check_property(Aggregate::Last, false).is_err() && check_property(Aggregate::ActiveDays, true).is_err()
        );
    }
}
