//! Content of a version of a health model: factors, weights, curves and bands.

mod factor;
mod group;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

pub use self::factor::{CurvePoint, CurveShape, Factor, Input, InputKind, Missing, PlanMeasure};
pub use self::group::{Combine, Effect, Group};
use super::band::{Band, Bands};
use crate::customer::rule::CustomerRule;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{Key, Label, Name, Note};

/// Content of a version of a health model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HealthModelContent, example = json!({
    "name": "Activity", "segments": ["Enterprise"], "priority": 10, "minimum_coverage": 0.5,
    "bands": {"healthy_from": 70, "at_risk_from": 40, "hysteresis_points": 2, "dwell_days": 2},
    "factors": [
        {"key": "recency", "name": "Days since the last commit", "weight": 40, "input": {"kind": "metric", "metric": "recency"},
         "curve": [{"x": 0, "y": 100}, {"x": 30, "y": 50}, {"x": 90, "y": 0}]},
        {"key": "milestones", "name": "Milestones met", "weight": 60, "input": {"kind": "plans", "measure": "milestone_completion"},
         "curve": [{"x": 0, "y": 0}, {"x": 100, "y": 100}], "missing": "neutral"}
    ],
    "impacts": [{"milestone": "first-value", "on": "missed", "points": -10, "half_life_days": 30}],
    "protocols": [{"band": "critical", "monitored_by": "Head of customer success", "response": "Call within two working days."}]
}))]
pub struct ModelContent {
    /// Display name.
    pub name: Name,
    /// Description.
    pub description: Option<Note>,
    /// Segments of customers that the model applies to; all if empty. Defaults to all.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub segments: Vec<Label>,
    /// Priority: of the active models that apply to the segment of a customer, the model with the lowest value is used;
    /// of equal values, the first by key.
    #[serde(default = "usual_priority")]
    #[schema(minimum = 0, maximum = 10_000, default = 100)]
    pub priority: u32,
    /// Factors that make up the score.
    #[schema(min_items = 1, max_items = 50)]
    pub factors: Vec<Factor>,
    /// Groups of factors.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub groups: Vec<Group>,
    /// Limit of what all additive factors together add or take, in points.
    #[serde(default = "usual_additive_limit")]
    #[schema(minimum = 0, maximum = 100, default = 100)]
    pub additive_limit_points: f64,
    /// Minimum coverage: share of the weight of the factors that must have an input, from 0 to 1. Below it, the band is
    /// `unknown`.
    #[serde(default = "usual_coverage")]
    #[schema(minimum = 0, maximum = 1, default = 0.5)]
    pub minimum_coverage: f64,
    /// Bounds of the bands, and the conditions for a change of band.
    #[serde(default)]
    pub bands: Bands,
    /// Impacts of achieved and missed milestones on the score.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub impacts: Vec<MilestoneImpact>,
    /// Protocols: the response to customers in each band.
    #[serde(default)]
    #[schema(max_items = 4)]
    pub protocols: Vec<Protocol>,
    /// Interval between updates of the scores, in minutes.
    #[serde(default = "usual_interval")]
    #[schema(minimum = 1, maximum = 10_080, default = 15)]
    pub update_interval_minutes: u32,
}

const fn usual_priority() -> u32 {
    100
}

const fn usual_coverage() -> f64 {
    0.5
}

const fn usual_additive_limit() -> f64 {
    100.0
}

const fn usual_interval() -> u32 {
    15
}

/// Impact of an achieved or missed milestone on the score. The impact halves with every half-life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"milestone": "first-value", "on": "missed", "points": -10, "half_life_days": 30}))]
pub struct MilestoneImpact {
    /// Key of the milestone, in any of the customer's plans.
    pub milestone: Key,
    /// Trigger of the impact.
    pub on: ImpactOn,
    /// Points added to the score; negative to subtract.
    #[schema(minimum = -100, maximum = 100)]
    pub points: f64,
    /// Half-life of the impact, in days.
    #[schema(minimum = 1, maximum = 3650)]
    pub half_life_days: u32,
}

/// Trigger of a milestone impact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ImpactOn {
    /// Milestone achieved.
    Achieved,
    /// Planned date passed while the milestone was open.
    Missed,
}

/// Protocol: the response to customers in a band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BandProtocol, example = json!({"band": "critical", "monitored_by": "Head of customer success", "response": "Call within two working days.", "playbook": "rescue"}))]
pub struct Protocol {
    /// Band.
    pub band: Band,
    /// Person or role that monitors the customers in the band.
    pub monitored_by: Option<Label>,
    /// Response to take.
    pub response: Note,
    /// Key of the playbook for the response.
    pub playbook: Option<Key>,
}

impl ModelContent {
    /// Returns whether the model applies to customers of a segment.
    pub fn admits(&self, segment: Option<&str>) -> bool {
        self.segments.is_empty() || segment.is_some_and(|own| self.segments.iter().any(|label| label.as_str() == own))
    }

    /// Returns the protocol for customers in a band, if any.
    pub fn protocol(&self, band: Band) -> Option<&Protocol> {
        self.protocols.iter().find(|protocol| protocol.band == band)
    }

    /// Returns the number of preceding days that can affect the score of a day.
    pub fn reach_days(&self) -> i64 {
        let days = self.factors.iter().map(|factor| factor.input.window_days() + factor.carried_days());
        days.max().unwrap_or_default()
    }

    /// Checks the rules that a JSON schema cannot express. Pointers start at the content.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        let mut keys: Vec<&str> = vec![];
        for (index, factor) in self.factors.iter().enumerate() {
            let at = format!("/factors/{index}");
            if keys.contains(&factor.key.as_str()) {
                violations.push(ValueRule::RepeatedKey { key: factor.key.to_string() }.at(format!("{at}/key")));
            }
            keys.push(factor.key.as_str());
            factor.check(&at, &mut violations);
        }
        self.check_groups(&mut violations);
        self.bands.check("/bands", &mut violations);
        for (index, protocol) in self.protocols.iter().enumerate() {
            if self.protocols[..index].iter().any(|other| other.band == protocol.band) {
                let key = protocol.band.to_string();
                violations.push(ValueRule::RepeatedKey { key }.at(format!("/protocols/{index}/band")));
            }
        }
        all_kept(violations)
    }
}

impl ModelContent {
    fn check_groups(&self, violations: &mut Violations) {
        let weight = |group: Option<&Key>| {
            let own = self.factors.iter().filter(|factor| factor.group.as_ref() == group);
            own.map(|factor| factor.weight).sum::<f64>()
        };
        for (index, group) in self.groups.iter().enumerate() {
            let at = format!("/groups/{index}");
            if self.groups[..index].iter().any(|other| other.key == group.key) {
                violations.push(ValueRule::RepeatedKey { key: group.key.to_string() }.at(format!("{at}/key")));
            } else if weight(Some(&group.key)) <= 0.0 {
                violations.push(CustomerRule::NoWeight.at(at));
            }
        }
        for (index, factor) in self.factors.iter().enumerate() {
            if let Some(key) = factor.group.as_ref().filter(|key| self.groups.iter().all(|group| group.key != **key)) {
                let rule = CustomerRule::UnknownGroup { key: key.to_string() };
                violations.push(rule.at(format!("/factors/{index}/group")));
            }
        }
        if weight(None) + self.groups.iter().map(|group| group.weight).sum::<f64>() <= 0.0 {
            violations.push(CustomerRule::NoWeight.at("/factors"));
        }
    }
}

/// Checks the first day that an activated version scores: not in the future, and not before the day on which it was last
/// decided which model applies, because the days since then have been scored.
pub fn check_activation_day(
    from_on: NaiveDate,
    today: NaiveDate,
    decided_on: Option<NaiveDate>,
) -> Result<(), CustomerRule> {
    match decided_on {
        _ if from_on > today => Err(ValueRule::InTheFuture { today }.into()),
        Some(decided_on) if from_on < decided_on => Err(CustomerRule::AlreadyScored { decided_on }),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
pub(super) mod tests {
    use super::*;
    use crate::customer::health::shipped::shipped_model;

    pub(in crate::customer::health) fn factor(key: &str, weight: f64, missing: Missing) -> Factor {
        Factor {
            key: Key::parse(key).expect("a key"),
            name: Name::parse(key).expect("a name"),
            weight,
            effect: Effect::Weighted,
            group: None,
            input: Input { kind: InputKind::Pulse, metric: None, definition: None, window_days: None, measure: None },
            curve: vec![CurvePoint { x: 0.0, y: 0.0 }, CurvePoint { x: 100.0, y: 100.0 }],
            curve_shape: CurveShape::Linear,
            missing,
            max_age_days: None,
        }
    }

    pub(in crate::customer::health) fn group(key: &str, weight: f64, combine: Combine) -> Group {
        Group { key: Key::parse(key).expect("a key"), name: Name::parse(key).expect("a name"), weight, combine }
    }

    pub(in crate::customer::health) fn model(factors: Vec<Factor>) -> ModelContent {
        ModelContent { factors, impacts: vec![], protocols: vec![], bands: Bands::default(), ..shipped_model() }
    }

    #[test]
    fn days_that_were_scored_stay_so() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        assert_eq!(check_activation_day(day(1), day(4), None), Ok(()), "nothing has been decided yet");
        assert_eq!(check_activation_day(day(3), day(4), Some(day(3))), Ok(()));
        assert_eq!(
            check_activation_day(day(2), day(4), Some(day(3))),
            Err(CustomerRule::AlreadyScored { decided_on: day(3) })
        );
        assert_eq!(check_activation_day(day(5), day(4), None), Err(ValueRule::InTheFuture { today: day(4) }.into()));
    }

    #[test]
    fn a_curve_is_straight_between_its_points_and_flat_beyond() {
        let mut one = factor("a", 1.0, Missing::Worst);
        one.curve = [(0.0, 100.0), (30.0, 50.0), (90.0, 0.0)].map(|(x, y)| CurvePoint { x, y }).to_vec();
        for (input, worth) in
            [(-5.0, 100.0), (0.0, 100.0), (15.0, 75.0), (30.0, 50.0), (60.0, 25.0), (90.0, 0.0), (1e9, 0.0)]
        {
            assert_eq!(one.worth(input), worth, "{input}");
        }
        one.curve_shape = CurveShape::Step;
        for (input, worth) in
            [(-5.0, 100.0), (0.0, 100.0), (29.9, 100.0), (30.0, 50.0), (89.9, 50.0), (90.0, 0.0), (1e9, 0.0)]
        {
            assert_eq!(one.worth(input), worth, "{input} in steps");
        }
        one.curve.truncate(1);
        assert_eq!((one.worth(-1.0), one.worth(1.0)), (100.0, 100.0), "one point is a constant");
    }

    #[test]
    fn what_a_model_must_be() {
        let broken = |change: fn(&mut ModelContent)| {
            let mut content = model(vec![factor("a", 1.0, Missing::Redistribute), factor("b", 2.0, Missing::Worst)]);
            change(&mut content);
            let found = content.check().err().unwrap_or_default();
            found.into_iter().map(|violation| (violation.at, violation.code)).collect::<Vec<_>>()
        };
        assert_eq!(broken(|_| {}), []);
        let at = |place: &str, code| vec![(place.to_owned(), code)];
        assert_eq!(broken(|m| m.factors.iter_mut().for_each(|f| f.weight = 0.0)), at("/factors", "no_weight"));
        assert_eq!(broken(|m| m.factors[1].curve[1].x = 0.0), at("/factors/1/curve/1/x", "curve_not_increasing"));
        assert_eq!(broken(|m| m.factors[1].key = m.factors[0].key.clone()), at("/factors/1/key", "repeated_key"));
        assert_eq!(broken(|m| m.factors[0].missing = Missing::CarryForward), at("/factors/0/max_age_days", "required"));
        assert_eq!(broken(|m| m.factors[0].max_age_days = Some(3)), at("/factors/0/max_age_days", "unused"));
        assert_eq!(broken(|m| m.factors[0].input.kind = InputKind::Metric), at("/factors/0/input/metric", "required"));
        assert_eq!(broken(|m| m.factors[0].input.kind = InputKind::Plans), at("/factors/0/input/measure", "required"));
        assert_eq!(broken(|m| m.bands.at_risk_from = 80.0), at("/bands/at_risk_from", "bands_out_of_order"));
        let key = |text| Key::parse(text).ok();
        assert_eq!(broken(|m| m.factors[0].curve[0].y = -1.0), at("/factors/0/curve/0/y", "percent_out_of_range"));
        assert_eq!(broken(|m| m.factors[1].group = Key::parse("g").ok()), at("/factors/1/group", "unknown_group"));
        assert_eq!(broken(|m| m.groups = vec![group("g", 1.0, Combine::Mean)]), at("/groups/0", "no_weight"));
        let additive = |m: &mut ModelContent| {
            m.factors[0].effect = Effect::Additive;
            m.factors[0].curve[0].y = -20.0;
        };
        let mut content = model(vec![factor("a", 0.0, Missing::Redistribute), factor("b", 2.0, Missing::Worst)]);
        additive(&mut content);
        assert_eq!(content.check(), Ok(()));
        (content.factors[0].weight, content.factors[0].missing) = (1.0, Missing::Worst);
        content.factors[0].group = key("g");
        content.groups = vec![group("g", 1.0, Combine::Worst)];
        let found: Vec<_> =
            content.check().err().unwrap_or_default().into_iter().map(|one| (one.at, one.code)).collect();
        let unused = ["weight", "group", "missing"].map(|name| (format!("/factors/0/{name}"), "unused"));
        assert_eq!(found, unused);
    }

    #[test]
    fn segments() {
        let mut content = shipped_model();
        assert!(content.admits(None) && content.admits(Some("Enterprise")));
        content.segments = vec![Label::parse("Enterprise").expect("a label")];
        assert!(content.admits(Some("Enterprise")) && !content.admits(Some("SMB")) && !content.admits(None));
    }
}
