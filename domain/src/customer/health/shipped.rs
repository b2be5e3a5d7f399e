//! Shipped health model, which applies if an organization has no model of its own.

use super::band::Bands;
use super::model::{CurvePoint, CurveShape, Effect, Factor, Input, InputKind, Missing, ModelContent, PlanMeasure};
use crate::usage::metric::{Aggregate, Definition};
use crate::values::text::{Key, Label, Name};

/// Key of the shipped model.
pub const SHIPPED_KEY: &str = "shipped";

/// Returns the shipped model. It has the four factors that matter to an onboarding plan: feature adoption, engagement,
/// support tickets and milestone completion. Over 30 days, adoption counts the distinct event types, engagement the
/// active days, and support the events whose type begins with `support.`.
pub fn shipped_model() -> ModelContent {
    let factors = [
        factor(
            "feature_adoption",
            "Feature adoption",
            25.0,
            adoption(),
            &[(0.0, 0.0), (1.0, 50.0), (3.0, 80.0), (6.0, 100.0)],
        ),
        factor(
            "engagement",
            "Engagement",
            35.0,
            events("*", Aggregate::ActiveDays, None),
            &[(0.0, 0.0), (2.0, 40.0), (8.0, 80.0), (16.0, 100.0)],
        ),
        factor(
            "support_tickets",
            "Support tickets",
            15.0,
            events("support.*", Aggregate::Count, None),
            &[(0.0, 100.0), (2.0, 80.0), (5.0, 40.0), (10.0, 0.0)],
        ),
        factor("milestone_completion", "Milestone completion", 25.0, completion(), &[(0.0, 0.0), (100.0, 100.0)]),
    ];
    ModelContent {
        name: name("Adoption, engagement, support and milestones"),
        description: None,
        segments: vec![],
        priority: 10_000,
        factors: factors.into_iter().collect(),
        groups: vec![],
        additive_limit_points: 100.0,
        minimum_coverage: 0.5,
        bands: Bands { hysteresis_points: 2.0, ..Bands::default() },
        impacts: vec![],
        protocols: vec![],
        update_interval_minutes: 15,
    }
}

fn adoption() -> Input {
    events("*", Aggregate::Distinct, Some("@type"))
}

fn completion() -> Input {
    let measure = Some(PlanMeasure::MilestoneCompletion);
    Input { kind: InputKind::Plans, metric: None, definition: None, window_days: None, measure }
}

fn events(event_type: &str, aggregate: Aggregate, property: Option<&str>) -> Input {
    let property = property.and_then(|text| Label::parse(text).ok());
    let definition = Some(Definition { event_type: name(event_type), aggregate, property, filter: None });
    Input { kind: InputKind::Metric, metric: None, definition, window_days: Some(30), measure: None }
}

fn factor(key: &str, named: &str, weight: f64, input: Input, curve: &[(f64, f64)]) -> Factor {
    Factor {
        key: Key::parse(key).unwrap_or_else(|_| unreachable!("a key of this file")),
        name: name(named),
        weight,
        input,
        curve: curve.iter().map(|(x, y)| CurvePoint { x: *x, y: *y }).collect(),
        effect: Effect::Weighted,
        group: None,
        curve_shape: CurveShape::Linear,
        missing: Missing::Redistribute,
        max_age_days: None,
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap_or_else(|_| unreachable!("a name of this file"))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_rules() {
        assert_eq!(shipped_model().check(), Ok(()));
        assert_eq!(shipped_model().factors.iter().map(|factor| factor.weight).sum::<f64>(), 100.0);
    }
}
