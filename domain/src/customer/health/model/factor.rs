//! Factors of a health model: where an input comes from, and the curve that maps it to a sub-score.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use super::group::Effect;
use crate::customer::rule::CustomerRule;
use crate::rule::{Rule as _, Violations};
use crate::usage::metric::{self, Definition};
use crate::values::rule::ValueRule;
use crate::values::text::{Key, Name};

/// Factor of a health score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HealthFactor, example = json!({
    "key": "recency", "name": "Days since the last commit", "weight": 40, "input": {"kind": "metric", "metric": "recency"},
    "curve": [{"x": 0, "y": 100}, {"x": 30, "y": 50}, {"x": 90, "y": 0}], "missing": "redistribute"
}))]
pub struct Factor {
    /// Key. Unique within the model.
    pub key: Key,
    /// Display name.
    pub name: Name,
    /// Weight, relative to the sum of all weights, or to those within its group. Must be 0 for an additive factor.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub weight: f64,
    /// Effect on the score.
    #[serde(default)]
    pub effect: Effect,
    /// Key of the group that the factor belongs to; null if it stands for itself.
    pub group: Option<Key>,
    /// Source of the input.
    pub input: Input,
    /// Curve that maps the input to a sub-score from 0 to 100, or of an additive factor to points from -100 to 100: between the points as
    /// `curve_shape` says, constant beyond the ends.
    #[schema(min_items = 1, max_items = 20)]
    pub curve: Vec<CurvePoint>,
    /// Shape of the curve between its points.
    #[serde(default)]
    pub curve_shape: CurveShape,
    /// Policy for a missing input.
    #[serde(default)]
    pub missing: Missing,
    /// Maximum age of the last input, in days. Required if `missing` is `carry_forward`, not allowed otherwise.
    #[schema(minimum = 1, maximum = 365)]
    pub max_age_days: Option<u32>,
}

/// Shape of a curve between its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FactorCurveShape)]
pub enum CurveShape {
    /// Straight line from point to point.
    #[default]
    Linear,
    /// Steps: each point's sub-score holds from its input to below that of the next point.
    Step,
}

/// Point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"x": 30, "y": 50}))]
pub struct CurvePoint {
    /// Input.
    #[schema(minimum = -1e12, maximum = 1e12)]
    pub x: f64,
    /// Sub-score, from 0 to 100; points of an additive factor, from -100 to 100.
    #[schema(minimum = -100, maximum = 100)]
    pub y: f64,
}

/// Source of the input of a factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FactorInput, example = json!({"kind": "metric", "metric": "commits", "window_days": 30}))]
pub struct Input {
    /// Kind of input. `metric` requires `metric` or `definition`, `plans` requires `measure`, and `pulse` takes
    /// no other field.
    pub kind: InputKind,
    /// Key of a metric. The definition of the metric is copied into the version: later changes to the metric do not
    /// change the model.
    #[serde(default)]
    pub metric: Option<Key>,
    /// Definition of a metric that only this model uses.
    #[serde(default)]
    pub definition: Option<Definition>,
    /// Window of the metric in days, ending on the date of the score. Defaults to 30.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3660)]
    pub window_days: Option<u32>,
    /// Figure of the customer's plans. Required if `kind` is `plans`.
    #[serde(default)]
    pub measure: Option<PlanMeasure>,
}

/// Kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = FactorInputKind)]
pub enum InputKind {
    /// Metric of the customer's usage events. Support tickets, training and surveys can be recorded as events too.
    Metric,
    /// Figure of the customer's plans.
    Plans,
    /// Latest pulse: an assessment by a person who knows the customer.
    Pulse,
}

/// Figure of a customer's plans that are not archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PlanMeasure {
    /// Share of the due milestones that are achieved, in percent. A milestone achieved early counts as due.
    MilestoneCompletion,
    /// Number of open milestones whose planned date has passed.
    OverdueMilestones,
    /// Schedule performance index (SPI): total earned value divided by total planned value.
    Spi,
    /// Number of days since a milestone was last achieved.
    DaysSinceAchievement,
}

/// Policy for a missing input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = MissingPolicy)]
pub enum Missing {
    /// Weight redistributed to the other factors.
    #[default]
    Redistribute,
    /// Sub-score of 50 assumed.
    Neutral,
    /// Sub-score of 0 assumed.
    Worst,
    /// Last input carried forward for up to `max_age_days`; weight redistributed to the other factors after that.
    CarryForward,
    /// No score, unless the weight of the factor is 0.
    Block,
}

impl Input {
    /// Returns the window of the metric, in days.
    pub fn window_days(&self) -> i64 {
        self.window_days.map_or(30, i64::from)
    }
}

impl Factor {
    /// Returns the sub-score or the points of an input: constant beyond the ends of the curve.
    pub fn worth(&self, input: f64) -> f64 {
        let above = self.curve.partition_point(|point| point.x <= input);
        match (above.checked_sub(1).and_then(|below| self.curve.get(below)), self.curve.get(above)) {
            (Some(below), Some(_)) if self.curve_shape == CurveShape::Step => below.y,
            (Some(below), Some(above)) => below.y + (above.y - below.y) * ((input - below.x) / (above.x - below.x)),
            (Some(end), None) | (None, Some(end)) => end.y,
            (None, None) => 0.0,
        }
    }

    /// Returns the number of days for which an input is carried forward.
    pub fn carried_days(&self) -> i64 {
        if self.missing == Missing::CarryForward { self.max_age_days.map_or(0, i64::from) } else { 0 }
    }
}

impl Factor {
    pub(super) fn check(&self, at: &str, violations: &mut Violations) {
        if self.curve.is_empty() {
            violations.push(CustomerRule::CurveEmpty.at(format!("{at}/curve")));
        }
        for (index, pair) in self.curve.windows(2).enumerate() {
            if pair[1].x <= pair[0].x {
                violations.push(CustomerRule::CurveNotIncreasing.at(format!("{at}/curve/{}/x", index + 1)));
            }
        }
        if self.effect == Effect::Additive {
            self.check_additive(at, violations);
        } else if let Some(index) = self.curve.iter().position(|point| point.y < 0.0) {
            violations.push(ValueRule::PercentOutOfRange.at(format!("{at}/curve/{index}/y")));
        }
        match (self.missing, self.max_age_days) {
            (Missing::CarryForward, None) => {
                violations
                    .push(ValueRule::Required { what: "the input's maximum age" }.at(format!("{at}/max_age_days")));
            }
            (Missing::CarryForward, Some(_)) | (_, None) => {}
            (_, Some(_)) => violations
                .push(ValueRule::Unused { unless: "missing is carry_forward" }.at(format!("{at}/max_age_days"))),
        }
        self.input.check(&format!("{at}/input"), violations);
    }
}

impl Factor {
    /// An additive factor has no weight and no group, and adds nothing while its input is missing.
    fn check_additive(&self, at: &str, violations: &mut Violations) {
        let unless = "effect is weighted";
        let assumes = matches!(self.missing, Missing::Neutral | Missing::Worst | Missing::Block);
        for (name, is_given) in [("weight", self.weight > 0.0), ("group", self.group.is_some()), ("missing", assumes)] {
            if is_given {
                violations.push(ValueRule::Unused { unless }.at(format!("{at}/{name}")));
            }
        }
    }
}

impl Input {
    fn check(&self, at: &str, violations: &mut Violations) {
        let is_metric = self.kind == InputKind::Metric;
        let unused = |violations: &mut Violations, name: &str, is_given: bool, unless: &'static str| {
            if is_given {
                violations.push(ValueRule::Unused { unless }.at(format!("{at}/{name}")));
            }
        };
        if is_metric && self.metric.is_none() && self.definition.is_none() {
            violations.push(ValueRule::Required { what: "the key of a metric" }.at(format!("{at}/metric")));
        }
        if self.kind == InputKind::Plans && self.measure.is_none() {
            violations.push(ValueRule::Required { what: "a figure of the plans" }.at(format!("{at}/measure")));
        }
        unused(violations, "measure", self.kind != InputKind::Plans && self.measure.is_some(), "kind is plans");
        unused(violations, "metric", !is_metric && self.metric.is_some(), "kind is metric");
        unused(violations, "definition", !is_metric && self.definition.is_some(), "kind is metric");
        unused(violations, "window_days", !is_metric && self.window_days.is_some(), "kind is metric");
        if let Some(definition) = self.definition.as_ref().filter(|_| is_metric) {
            let kept = metric::check_property(definition.aggregate, definition.property.is_some());
            violations.extend(kept.err().map(|rule| rule.at(format!("{at}/definition/property"))));
        }
    }
}
