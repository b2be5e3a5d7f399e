//! Criteria: the single conditions of a proof.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use super::rule::ProofRule;
use super::validation::{Need, check_needs};
use crate::recognition::badge::BadgeTier;
use crate::recognition::impact::ImpactKind;
use crate::rule::{Rule as _, Violations, within};
use crate::usage::metric::{self, Aggregate, Definition};
use crate::values::rule::ValueRule;
use crate::values::text::{Currency, Key};

/// Criterion of a proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProofCriterion, example = json!({"kind": "metric", "metric": "agents-deployed", "window_days": 30, "at_least": 3}))]
pub struct Criterion {
    /// Kind of criterion. It determines the fields that are required or allowed.
    pub kind: CriterionKind,
    /// `metric`: key of the metric. Its definition is copied into the version of the template: later changes to the metric do not change
    /// what was promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Key>,
    /// `metric`: definition of a metric that only this criterion uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Definition>,
    /// `metric`: subject whose usage events count. Defaults to `person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Whose>,
    /// `metric`: number of days up to the day in question whose events count. By default, all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3660)]
    pub window_days: Option<u32>,
    /// `metric`: whether events before the start of the plan count, too. Defaults to `false`. For the days since the last event, they always
    /// do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_before: bool,
    /// `impact`: kind of impact. Impacts that were verified since the start of the plan are added up, each with the share that is owed to the
    /// person; of growths in productivity, the largest counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<ImpactKind>,
    /// `impact`: currency of amounts of money. Impacts in others do not count, and thresholds are in its smallest unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// `metric`, `impact`, `spi` and `percent_complete`: threshold that the figure has to reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1e12, maximum = 1e12)]
    pub at_least: Option<f64>,
    /// `metric`: threshold that the figure must not exceed. A figure that is undefined, such as the mean of no events, does not meet it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1e12, maximum = 1e12)]
    pub at_most: Option<f64>,
    /// `metric` and `impact`: tiers with growing thresholds. The lowest one achieves the milestone; each one earns a badge of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 3)]
    pub tiers: Vec<Tier>,
    /// `awards`: keys of badges. `milestones`: keys of milestones of the same template.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub keys: Vec<Key>,
    /// `milestones`: whether the named milestones are alternatives, a pathway: they have no date of their own, this milestone stands for them, so
    /// its weight counts once, and those that are not needed do not count in the progress. Defaults to `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alternatives: bool,
    /// `validation`: policy, the kinds of validation that are needed with the number of people for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 8)]
    pub needs: Vec<Need>,
    /// `validation`: whether nobody may validate in two ways. Defaults to `false`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub different_people: bool,
    /// `awards` and `milestones`: number of the named ones that suffice. By default, all are needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub any: Option<u32>,
}

/// Kind of criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CriterionKind {
    /// Metric of usage events compared with a threshold.
    Metric,
    /// Badges that the person holds. Awards that are expired, suspended or revoked do not count.
    Awards,
    /// Impacts of the person that were verified.
    Impact,
    /// Milestones of the same plan that are achieved.
    Milestones,
    /// Schedule performance index (SPI) of the plan.
    Spi,
    /// Share of the plan's scope that is earned, in percent.
    PercentComplete,
    /// Decision of people who were shown evidence.
    Validation,
}

/// Subject of a metric: the one whose usage events count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = CriterionSubject)]
pub enum Whose {
    /// Those of the person whom the plan serves.
    #[default]
    Person,
    /// Those of the customer whom the plan serves.
    Customer,
}

/// Tier of a criterion: a threshold with the metal that it earns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CriterionTier, example = json!({"tier": "bronze", "at_least": 5000}))]
pub struct Tier {
    /// Tier.
    pub tier: BadgeTier,
    /// Threshold that the figure has to reach.
    #[schema(minimum = -1e12, maximum = 1e12)]
    pub at_least: f64,
}

/// Threshold of a criterion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// The figure has to reach it.
    AtLeast(f64),
    /// The figure must not exceed it.
    AtMost(f64),
}

impl Threshold {
    /// Returns the number.
    pub const fn number(self) -> f64 {
        match self {
            Self::AtLeast(number) | Self::AtMost(number) => number,
        }
    }

    /// Returns whether a figure meets the threshold.
    pub fn is_met_by(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }

    /// Returns how far a figure has come, in percent: the share of the number to reach, or of a number to come down to.
    pub fn percent(self, figure: f64) -> f64 {
        if self.is_met_by(figure) {
            return 100.0;
        }
        let share = match self {
            Self::AtLeast(least) if least > 0.0 => figure / least,
            Self::AtMost(most) if figure > 0.0 => most / figure,
            _ => 0.0,
        };
        (100.0 * share).clamp(0.0, 100.0)
    }
}

impl Criterion {
    /// Returns the threshold of the figure: that of the lowest tier, where there are tiers.
    pub fn threshold(&self) -> Option<Threshold> {
        let lowest = self.tiers.first().map(|tier| tier.at_least);
        let most = self.at_most.map(Threshold::AtMost);
        self.at_least.or(lowest).map(Threshold::AtLeast).or(most)
    }

    /// Returns the number of the named ones that are needed.
    pub fn needed(&self) -> usize {
        self.any.and_then(|any| usize::try_from(any).ok()).unwrap_or(self.keys.len())
    }

    /// Returns whose usage events count.
    pub fn whose(&self) -> Whose {
        self.of.unwrap_or_default()
    }

    /// Returns what it compares, in words.
    pub fn subject(&self) -> String {
        let keys = || self.keys.iter().map(Key::as_str).collect::<Vec<_>>().join(", ");
        match (self.kind, &self.metric, &self.definition) {
            (CriterionKind::Metric, Some(key), _) => key.to_string(),
            (CriterionKind::Metric, None, Some(own)) => format!("{} of {}", own.aggregate, own.event_type),
            (CriterionKind::Metric, None, None) => "metric".to_owned(),
            (CriterionKind::Impact, ..) => {
                let kind = self.impact.map(|kind| kind.to_string().replace('_', " ")).unwrap_or_default();
                let unit = self.currency.as_ref().map(|currency| format!(" ({currency})")).unwrap_or_default();
                format!("verified {kind}{unit}")
            }
            (CriterionKind::Awards, ..) => format!("badges {}", keys()),
            (CriterionKind::Milestones, ..) => format!("milestones {}", keys()),
            (CriterionKind::Spi, ..) => "SPI".to_owned(),
            (CriterionKind::PercentComplete, ..) => "percent complete".to_owned(),
            (CriterionKind::Validation, ..) => {
                let kinds: Vec<String> = self.needs.iter().map(|need| need.kind.to_string()).collect();
                format!("approvals ({})", kinds.join(", "))
            }
        }
    }

    /// Returns whether it holds for ever once it holds, as far as the facts stay what they are.
    pub fn is_lasting(&self) -> bool {
        match self.kind {
            CriterionKind::Impact | CriterionKind::Milestones | CriterionKind::Validation => true,
            CriterionKind::Metric => self.grows(),
            CriterionKind::Awards | CriterionKind::Spi | CriterionKind::PercentComplete => false,
        }
    }

    /// Returns whether the figure of the metric moves toward the threshold only.
    fn grows(&self) -> bool {
        let aggregate = self.definition.as_ref().map(|definition| definition.aggregate);
        let to_reach = matches!(
            aggregate,
            Some(
                Aggregate::Count
                    | Aggregate::ActiveDays
                    | Aggregate::ActiveMonths
                    | Aggregate::LongestPause
                    | Aggregate::Distinct
                    | Aggregate::Max
            )
        );
        let to_fall = aggregate == Some(Aggregate::Min);
        self.window_days.is_none() && if self.at_most.is_some() { to_fall } else { to_reach }
    }

    /// Checks that the fields are there that the kind needs, and no others.
    pub(crate) fn check(&self, own_key: &str, at: &str, violations: &mut Violations) {
        use CriterionKind as Kind;
        let is_set = matches!(self.kind, Kind::Awards | Kind::Milestones);
        let (is_metric, by_people) = (self.kind == Kind::Metric, self.kind == Kind::Validation);
        let is_impact = self.kind == Kind::Impact;
        let is_money = is_impact && self.impact.is_some_and(ImpactKind::is_money);
        let unused = [
            ("metric", is_metric, self.metric.is_some(), "kind is metric"),
            ("definition", is_metric, self.definition.is_some(), "kind is metric"),
            ("of", is_metric, self.of.is_some(), "kind is metric"),
            ("window_days", is_metric, self.window_days.is_some(), "kind is metric"),
            ("from_before", is_metric, self.from_before, "kind is metric"),
            ("at_most", is_metric, self.at_most.is_some(), "kind is metric"),
            ("impact", is_impact, self.impact.is_some(), "kind is impact"),
            ("currency", is_money, self.currency.is_some(), "impact is cost_savings or revenue"),
            ("tiers", is_metric || is_impact, !self.tiers.is_empty(), "kind is metric or impact"),
            ("alternatives", self.kind == Kind::Milestones, self.alternatives, "kind is milestones"),
            ("needs", by_people, !self.needs.is_empty(), "kind is validation"),
            ("different_people", by_people, self.different_people, "kind is validation"),
            (
                "at_least",
                !is_set && !by_people,
                self.at_least.is_some(),
                "kind is metric, impact, spi or percent_complete",
            ),
            ("keys", is_set, !self.keys.is_empty(), "kind is awards or milestones"),
            ("any", is_set, self.any.is_some(), "kind is awards or milestones"),
        ];
        let unused = unused.into_iter().filter(|(_, is_allowed, is_given, _)| *is_given && !is_allowed);
        violations.extend(unused.map(|(name, .., unless)| ValueRule::Unused { unless }.at(format!("{at}/{name}"))));
        if is_set {
            self.check_set(own_key, at, violations);
        } else if by_people {
            self.check_needs(at, violations);
        } else {
            self.check_figure(at, violations);
        }
    }

    fn check_set(&self, own_key: &str, at: &str, violations: &mut Violations) {
        if self.keys.is_empty() {
            violations.push(ProofRule::NamesNothing.at(format!("{at}/keys")));
        } else if !(1..=self.keys.len()).contains(&self.needed()) {
            violations.push(ProofRule::TooMany { of: self.keys.len() }.at(format!("{at}/any")));
        }
        for (index, key) in self.keys.iter().enumerate() {
            if self.keys[..index].contains(key) {
                violations.push(ValueRule::RepeatedKey { key: key.to_string() }.at(format!("{at}/keys/{index}")));
            }
            if self.kind == CriterionKind::Milestones && key.as_str() == own_key {
                violations.push(ProofRule::ProvesItself.at(format!("{at}/keys/{index}")));
            }
        }
    }

    fn check_needs(&self, at: &str, violations: &mut Violations) {
        if self.needs.is_empty() {
            violations.push(ProofRule::NamesNothing.at(format!("{at}/needs")));
        }
        violations.extend(within(at, check_needs(&self.needs).err().unwrap_or_default()));
    }

    fn check_impact(&self, at: &str, violations: &mut Violations) {
        let required = |what| ValueRule::Required { what };
        match self.impact {
            None => violations.push(required("the kind of impact").at(format!("{at}/impact"))),
            Some(ImpactKind::Other) => {
                let options = "cost_savings, revenue, productivity, hours_per_week".to_owned();
                violations.push(ValueRule::NotAnOption { options }.at(format!("{at}/impact")));
            }
            Some(kind) if kind.is_money() && self.currency.is_none() => {
                violations.push(required("the currency of the amounts").at(format!("{at}/currency")));
            }
            Some(_) => {}
        }
    }

    fn check_figure(&self, at: &str, violations: &mut Violations) {
        let is_metric = self.kind == CriterionKind::Metric;
        if self.kind == CriterionKind::Impact {
            self.check_impact(at, violations);
        }
        if is_metric && self.metric.is_none() && self.definition.is_none() {
            violations.push(ValueRule::Required { what: "the key of a metric" }.at(format!("{at}/metric")));
        }
        if let Some(definition) = self.definition.as_ref().filter(|_| is_metric) {
            let kept = metric::check_property(definition.aggregate, definition.property.is_some());
            violations.extend(kept.err().map(|rule| rule.at(format!("{at}/definition/property"))));
        }
        let given = [self.at_least.is_some(), self.at_most.is_some(), !self.tiers.is_empty()];
        if given.into_iter().filter(|is_given| *is_given).count() != 1 {
            violations.push(ProofRule::OneThreshold.at(format!("{at}/at_least")));
        }
        for (index, pair) in self.tiers.windows(2).enumerate() {
            let is_higher = pair[0].tier < pair[1].tier && pair[0].at_least < pair[1].at_least;
            if !is_higher {
                violations.push(ProofRule::TiersNotIncreasing.at(format!("{at}/tiers/{}", index + 1)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Proof;
    use super::*;

    fn read(text: serde_json::Value) -> Criterion {
        serde_json::from_value(text).expect("a criterion")
    }

    /// The broken rules of a proof of the milestone `m` that needs all of some criteria.
    fn broken(criteria: serde_json::Value) -> Vec<(String, &'static str)> {
        let proof =
            Proof { criteria: serde_json::from_value(criteria).expect("criteria"), any: None, must_hold: false };
        let mut violations = vec![];
        proof.check("m", "", &mut violations);
        violations.into_iter().map(|one| (one.at, one.code)).collect()
    }

    #[test]
    fn what_a_kind_needs_is_there() {
        use serde_json::json;
        let definition = json!({ "event_type": "x", "aggregate": "count" });
        let of = |kind: &str, more: serde_json::Value| {
            let mut all = json!({ "kind": kind });
            all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            json!([all])
        };
        let tier = |tier: &str, at_least: f64| json!({ "tier": tier, "at_least": at_least });
        let cases = [
            (of("metric", json!({ "metric": "x", "at_least": 3 })), vec![]),
            (of("metric", json!({ "definition": definition, "at_most": 3, "window_days": 7 })), vec![]),
            (of("metric", json!({ "at_least": 3 })), vec![("/criteria/0/metric", "required")]),
            (of("impact", json!({ "impact": "revenue", "currency": "USD", "at_least": 3 })), vec![]),
            (of("impact", json!({ "impact": "hours_per_week", "at_least": 3 })), vec![]),
            (of("impact", json!({ "at_least": 3 })), vec![("/criteria/0/impact", "required")]),
            (of("impact", json!({ "impact": "other", "at_least": 3 })), vec![("/criteria/0/impact", "not_an_option")]),
            (of("impact", json!({ "impact": "revenue", "at_least": 3 })), vec![("/criteria/0/currency", "required")]),
            (
                of("impact", json!({ "impact": "productivity", "currency": "USD", "at_least": 3 })),
                vec![("/criteria/0/currency", "unused")],
            ),
            (
                of("metric", json!({ "metric": "x", "impact": "revenue", "at_least": 3 })),
                vec![("/criteria/0/impact", "unused")],
            ),
            (of("metric", json!({ "metric": "x" })), vec![("/criteria/0/at_least", "one_threshold")]),
            (
                of("metric", json!({ "metric": "x", "at_least": 1, "at_most": 2 })),
                vec![("/criteria/0/at_least", "one_threshold")],
            ),
            (
                of("metric", json!({ "definition": { "event_type": "x", "aggregate": "sum" }, "at_least": 1 })),
                vec![("/criteria/0/definition/property", "property_required")],
            ),
            (of("metric", json!({ "metric": "x", "tiers": [tier("bronze", 1.0), tier("gold", 2.0)] })), vec![]),
            (
                of("metric", json!({ "metric": "x", "tiers": [tier("bronze", 2.0), tier("gold", 2.0)] })),
                vec![("/criteria/0/tiers/1", "tiers_not_increasing")],
            ),
            (
                of("metric", json!({ "metric": "x", "tiers": [tier("gold", 1.0), tier("bronze", 2.0)] })),
                vec![("/criteria/0/tiers/1", "tiers_not_increasing")],
            ),
            (
                of("spi", json!({ "at_least": 1, "tiers": [tier("gold", 1.0)] })),
                vec![("/criteria/0/tiers", "unused"), ("/criteria/0/at_least", "one_threshold")],
            ),
            (of("percent_complete", json!({ "at_least": 50 })), vec![]),
            (of("awards", json!({ "keys": ["a", "b"], "any": 1 })), vec![]),
            (of("awards", json!({ "keys": [] })), vec![("/criteria/0/keys", "names_nothing")]),
            (of("awards", json!({ "keys": ["a"], "any": 2 })), vec![("/criteria/0/any", "too_many")]),
            (of("awards", json!({ "keys": ["a", "a"] })), vec![("/criteria/0/keys/1", "repeated_key")]),
            (of("milestones", json!({ "keys": ["m"] })), vec![("/criteria/0/keys/0", "proves_itself")]),
            (of("validation", json!({ "needs": [{ "kind": "peer_review", "quorum": 2 }] })), vec![]),
            (of("validation", json!({})), vec![("/criteria/0/needs", "names_nothing")]),
            (
                of(
                    "validation",
                    json!({ "needs": [{ "kind": "peer_review" }, { "kind": "peer_review" }], "at_least": 1 }),
                ),
                vec![("/criteria/0/at_least", "unused"), ("/criteria/0/needs/1/kind", "repeated_key")],
            ),
            (of("awards", json!({ "keys": ["m"], "metric": "x" })), vec![("/criteria/0/metric", "unused")]),
            (json!([]), vec![("/criteria", "no_criteria")]),
        ];
        for (criteria, expected) in cases {
            let expected: Vec<_> = expected.into_iter().map(|(at, code)| (at.to_owned(), code)).collect();
            assert_eq!(broken(criteria.clone()), expected, "{criteria}");
        }
        let tiered = json!({ "kind": "metric", "metric": "x", "tiers": [tier("gold", 1.0)] });
        let by_peers = json!({ "kind": "validation", "needs": [{ "kind": "peer_review" }] });
        assert_eq!(broken(json!([by_peers, by_peers])), [("/criteria/1/kind".to_owned(), "second_validation")]);
        assert_eq!(broken(json!([tiered, tiered])), [("/criteria/1/tiers".to_owned(), "second_tiers")]);
    }

    #[test]
    fn how_far_a_figure_has_come() {
        use Threshold::{AtLeast, AtMost};
        let cases = [
            (AtLeast(10.0), 2.5, 25.0),
            (AtLeast(10.0), 10.0, 100.0),
            (AtLeast(10.0), -1.0, 0.0),
            (AtLeast(0.0), -1.0, 0.0),
            (AtMost(5.0), 20.0, 25.0),
            (AtMost(5.0), 5.0, 100.0),
            (AtMost(0.0), 3.0, 0.0),
        ];
        for (threshold, figure, percent) in cases {
            assert!((threshold.percent(figure) - percent).abs() < 1e-12, "{threshold:?} {figure}");
        }
    }

    #[test]
    fn what_only_grows_lasts() {
        use serde_json::json;
        let metric = |aggregate: &str, more: serde_json::Value| {
            let mut all = json!({ "kind": "metric", "definition": { "event_type": "x", "aggregate": aggregate, "property": "p" } });
            all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            read(all).is_lasting()
        };
        for (aggregate, more, expected) in [
            ("count", json!({ "at_least": 1 }), true),
            ("count", json!({ "at_most": 1 }), false),
            ("count", json!({ "at_least": 1, "window_days": 7 }), false),
            ("distinct", json!({ "tiers": [{ "tier": "gold", "at_least": 1 }] }), true),
            ("min", json!({ "at_most": 1 }), true),
            ("min", json!({ "at_least": 1 }), false),
            ("sum", json!({ "at_least": 1 }), false),
            ("days_since_last", json!({ "at_least": 1 }), false),
        ] {
            assert_eq!(metric(aggregate, more.clone()), expected, "{aggregate} {more}");
        }
        assert!(read(json!({ "kind": "milestones", "keys": ["a"] })).is_lasting());
        assert!(!read(json!({ "kind": "awards", "keys": ["a"] })).is_lasting());
    }
}
