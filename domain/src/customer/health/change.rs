//! Explanation of a score change: parts that add up to the difference exactly.

use super::model::{Combine, Effect, Factor, ModelContent};
use super::score::{FactorScore, Score, Source, apportion, on_grid};

/// Cause of a score change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Factor of the later model, by position.
    Factor(usize),
    /// Inputs that became available or unavailable.
    MissingData,
    /// Change of the model or of its version.
    Model,
    /// Impacts of achieved and missed milestones, including their decay.
    Milestones,
    /// Limiting of the score to 0 to 100.
    Limit,
}

/// Splits the difference between two scores by cause. The change of the model comes first, with the earlier inputs;
/// then inputs that became available or unavailable; then the sub-score of each factor. `before_in_model` is the score
/// of the earlier day by the model of the later day.
///
/// Returns `None` if either day has no score. Parts that are zero are omitted, except those of factors.
pub fn explain(
    before: &Score,
    before_in_model: &Score,
    after: &Score,
    model: &ModelContent,
) -> Option<Vec<(Cause, f64)>> {
    let difference = after.value? - before.value?;
    let mean = |score: &Score| score.factors.iter().map(|part| part.contribution).sum::<f64>();
    let impacts = |score: &Score| score.impacts.iter().map(|part| part.contribution).sum::<f64>();
    // If the later model has no score on the earlier day, the change of the model has no part of its own.
    let (mean_then, impacts_then) = match before_in_model.value {
        Some(_) => (mean(before_in_model), impacts(before_in_model)),
        None => (mean(before), impacts(before)),
    };
    let model_change = (mean_then - mean(before)) + (impacts_then - impacts(before));
    let mut factors: Vec<f64> = model
        .factors
        .iter()
        .enumerate()
        .map(|(index, factor)| worth_change(factor, before_in_model.factors.get(index), &after.factors[index]))
        .collect();
    worst_changes(model, before_in_model, after, &mut factors);
    let moved = on_grid(factors.iter().sum());
    apportion(&mut factors, moved);
    let missing = mean(after) - mean_then - moved;
    let milestones = impacts(after) - impacts_then;
    let limit = after.limit - before.limit;
    let mut parts: Vec<(Cause, f64)> =
        factors.into_iter().enumerate().map(|(index, part)| (Cause::Factor(index), part)).collect();
    for (cause, part) in [
        (Cause::MissingData, missing),
        (Cause::Model, model_change),
        (Cause::Milestones, milestones),
        (Cause::Limit, limit),
    ] {
        if part != 0.0 {
            parts.push((cause, part));
        }
    }
    debug_assert!((parts.iter().map(|(_, part)| part).sum::<f64>() - difference).abs() == 0.0, "parts add up");
    Some(parts)
}

/// Returns the change of a factor's sub-score at its later weight, or of the points that it adds, if it was measured, or assumed, on both
/// days alike; 0 otherwise.
fn worth_change(factor: &Factor, before: Option<&FactorScore>, after: &FactorScore) -> f64 {
    match before.filter(|before| is_alike(before, after)) {
        Some(before) if factor.effect == Effect::Additive => after.contribution - before.contribution,
        Some(before) => match (before.sub_score, after.sub_score) {
            (Some(then), Some(now)) => after.effective_weight * (now - then),
            _ => 0.0,
        },
        None => 0.0,
    }
}

/// Whether a factor was known on both days, or on neither, in the same way.
fn is_alike(before: &FactorScore, after: &FactorScore) -> bool {
    let kind = |part: &FactorScore| (part.source == Source::Assumed, part.source == Source::Missing);
    kind(before) == kind(after)
}

/// Sets the changes of the factors of which the worst decides: a fall is that of the factor that is the worst now, a rise that of the one
/// that was.
fn worst_changes(model: &ModelContent, before: &Score, after: &Score, changes: &mut [f64]) {
    for (index, group) in model.groups.iter().enumerate().filter(|(_, group)| group.combine == Combine::Worst) {
        let members = || model.factors.iter().enumerate().filter(|(_, one)| one.group.as_ref() == Some(&group.key));
        let are_alike = members().all(|(at, _)| match (before.factors.get(at), after.factors.get(at)) {
            (Some(then), Some(now)) => is_alike(then, now),
            _ => false,
        });
        members().for_each(|(at, _)| changes[at] = 0.0);
        let (Some(then), Some(now)) = (before.groups.get(index), after.groups.get(index)) else { continue };
        if let (true, Some(was), Some(is)) = (are_alike, then.sub_score, now.sub_score)
            && let Some(at) = if is < was { now.decided_by } else { then.decided_by }
        {
            changes[at] = now.effective_weight * (is - was);
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;
    use crate::customer::health::model::Missing;
    use crate::customer::health::model::tests::{factor, group, model};
    use crate::customer::health::score::{Reading, score};
    use proptest::prelude::*;

    fn scored(content: &ModelContent, values: &[Option<f64>]) -> Score {
        let readings: Vec<Reading> = values.iter().map(|value| Reading { value: *value, age_days: 0 }).collect();
        score(content, &readings, &[])
    }

    fn two(weights: [f64; 2]) -> ModelContent {
        model(vec![factor("a", weights[0], Missing::Redistribute), factor("b", weights[1], Missing::Redistribute)])
    }

    #[test]
    fn a_factor_that_fell() {
        let content = two([25.0, 75.0]);
        let (then, now) = (scored(&content, &[Some(80.0), Some(60.0)]), scored(&content, &[Some(40.0), Some(60.0)]));
        let parts = explain(&then, &then, &now, &content).expect("both have a score");
        assert_eq!(parts, [(Cause::Factor(0), -10.0), (Cause::Factor(1), 0.0)]);
    }

    #[test]
    fn an_input_that_went_away() {
        let content = two([50.0, 50.0]);
        let (then, now) = (scored(&content, &[Some(80.0), Some(40.0)]), scored(&content, &[None, Some(50.0)]));
        let parts = explain(&then, &then, &now, &content).expect("both have a score");
        assert_eq!(parts, [(Cause::Factor(0), 0.0), (Cause::Factor(1), 10.0), (Cause::MissingData, -20.0)]);
    }

    #[test]
    fn another_model() {
        let (old, new) = (two([50.0, 50.0]), two([25.0, 75.0]));
        let (inputs, later) = ([Some(80.0), Some(40.0)], [Some(80.0), Some(48.0)]);
        let parts = explain(&scored(&old, &inputs), &scored(&new, &inputs), &scored(&new, &later), &new).expect("both");
        assert_eq!(parts, [(Cause::Factor(0), 0.0), (Cause::Factor(1), 6.0), (Cause::Model, -10.0)]);
    }

    #[test]
    fn the_worst_of_a_group_is_named() {
        let mut content = two([1.0, 1.0]);
        content.groups = vec![group("g", 1.0, Combine::Worst)];
        content.factors.iter_mut().for_each(|factor| factor.group = Some(content.groups[0].key.clone()));
        let parts = |then: [f64; 2], now: [f64; 2]| {
            let (then, now) = (scored(&content, &then.map(Some)), scored(&content, &now.map(Some)));
            explain(&then, &then, &now, &content).expect("both have a score")
        };
        let expected = |a, b| vec![(Cause::Factor(0), a), (Cause::Factor(1), b)];
        assert_eq!(parts([80.0, 60.0], [40.0, 70.0]), expected(-20.0, 0.0), "the first has fallen below the other");
        assert_eq!(parts([40.0, 60.0], [80.0, 60.0]), expected(20.0, 0.0), "the first has risen above the other");
        let (then, now) = (scored(&content, &[Some(80.0), None]), scored(&content, &[Some(80.0), Some(60.0)]));
        let parts = explain(&then, &then, &now, &content).expect("both have a score");
        assert_eq!(parts, [(Cause::Factor(0), 0.0), (Cause::Factor(1), 0.0), (Cause::MissingData, -20.0)]);
    }

    #[test]
    fn nothing_to_compare() {
        let content = two([50.0, 50.0]);
        let (none, some) = (scored(&content, &[None, None]), scored(&content, &[Some(1.0), None]));
        assert_eq!(explain(&none, &none, &some, &content), None);
    }

    proptest! {
        /// The parts add up to the difference, in any order, to the last bit.
        #[test]
        fn parts_add_up_exactly(
            then in prop::collection::vec(prop::option::of(0u32..100_000), 4), now in prop::collection::vec(prop::option::of(0u32..100_000), 4),
            old in prop::collection::vec(1u32..50, 4), new in prop::collection::vec(1u32..50, 4),
        ) {
            let policies = [Missing::Redistribute, Missing::Neutral, Missing::Worst, Missing::Redistribute];
            let content = |weights: &[u32]| {
                let factors = weights.iter().zip(policies).enumerate();
                model(factors.map(|(index, (weight, missing))| factor(&format!("f{index}"), f64::from(*weight), missing)).collect())
            };
            let values = |raw: &[Option<u32>]| raw.iter().map(|one| one.map(|one| f64::from(one) / 1000.0)).collect::<Vec<_>>();
            let (old, new) = (content(&old), content(&new));
            let (before, after) = (scored(&old, &values(&then)), scored(&new, &values(&now)));
            let parts = explain(&before, &scored(&new, &values(&then)), &after, &new).expect("something is always assumed");
            let difference = after.value.expect("a score") - before.value.expect("a score");
            prop_assert_eq!(parts.iter().map(|(_, part)| part).sum::<f64>(), difference);
            prop_assert_eq!(parts.iter().rev().map(|(_, part)| part).sum::<f64>(), difference);
        }
    }
}
