//! Weights of factors: alone or in groups, of which only those count that are known.

use super::model::{Combine, Effect, ModelContent};
use super::score::FactorScore;

/// A part of a score: a group, or a factor without one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unit {
    /// Weight in the model.
    weight: f64,
    combine: Combine,
    /// Positions of the factors.
    pub(super) members: Vec<usize>,
}

/// Returns the units of a model: its groups in their order, then the factors without one.
pub(super) fn units(model: &ModelContent) -> Vec<Unit> {
    let weighted = || model.factors.iter().enumerate().filter(|(_, factor)| factor.effect == Effect::Weighted);
    let group = |group: &super::model::Group| Unit {
        weight: group.weight,
        combine: group.combine,
        members: weighted().filter(|(_, one)| one.group.as_ref() == Some(&group.key)).map(|(at, _)| at).collect(),
    };
    let alone = weighted().filter(|(_, factor)| factor.group.is_none());
    let alone = alone.map(|(at, factor)| Unit { weight: factor.weight, combine: Combine::Mean, members: vec![at] });
    model.groups.iter().map(group).chain(alone).collect()
}

/// Sub-score of a group, from the factors of it that count.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GroupScore {
    /// Sub-score from 0 to 100; `None` if no factor of the group counts.
    pub sub_score: Option<f64>,
    /// Weight as a share of the weights of all groups and factors that count, from 0 to 1.
    pub effective_weight: f64,
    /// Points contributed to the score.
    pub contribution: f64,
    /// Position of the factor that decides alone; `None` if they decide together, or none counts.
    pub decided_by: Option<usize>,
}

/// The sub-score of a unit, and the factors that make it with their shares.
struct Resolved {
    sub_score: Option<f64>,
    shares: Vec<(usize, f64)>,
}

impl Unit {
    fn resolve(&self, model: &ModelContent, parts: &[FactorScore]) -> Resolved {
        let counting = || {
            let known = |at: &usize| Some((*at, model.factors[*at].weight, parts[*at].sub_score?));
            self.members.iter().filter_map(known).filter(|(_, weight, _)| *weight > 0.0)
        };
        if self.combine == Combine::Worst {
            let worst = counting().min_by(|one, other| one.2.total_cmp(&other.2));
            let shares = worst.map(|(at, ..)| (at, 1.0)).into_iter().collect();
            return Resolved { sub_score: worst.map(|(.., sub_score)| sub_score), shares };
        }
        let total: f64 = counting().map(|(_, weight, _)| weight).sum();
        let mean: f64 = counting().map(|(_, weight, sub_score)| weight / total * sub_score).sum();
        let shares = counting().map(|(at, weight, _)| (at, weight / total)).collect();
        Resolved { sub_score: (total > 0.0).then_some(mean), shares }
    }
}

/// Sets the effective weights of factors; returns the sub-scores of the units. Weight of what does not count is distributed to the rest.
pub(super) fn weigh(model: &ModelContent, units: &[Unit], parts: &mut [FactorScore]) -> Vec<GroupScore> {
    let resolved: Vec<(&Unit, Resolved)> = units.iter().map(|unit| (unit, unit.resolve(model, parts))).collect();
    let counting = resolved.iter().filter(|(_, found)| found.sub_score.is_some());
    let total: f64 = counting.map(|(unit, _)| unit.weight).sum();
    let mut scores = vec![];
    for (unit, Resolved { sub_score, shares }) in resolved {
        let counts = sub_score.is_some() && unit.weight > 0.0;
        let effective_weight = if counts { unit.weight / total } else { 0.0 };
        for (at, share) in &shares {
            parts[*at].effective_weight = effective_weight * share;
        }
        let decided_by = shares.first().filter(|_| unit.combine == Combine::Worst).map(|(at, _)| *at);
        scores.push(GroupScore { sub_score, effective_weight, contribution: 0.0, decided_by });
    }
    scores
}

/// Weights are added in units of a millionth.
const WEIGHT_GRID: f64 = 1e6;

/// Returns the share of a model's weight that is known, if of each factor a part is known, from 0 to 1.
pub(super) fn known_share(model: &ModelContent, units: &[Unit], known: impl Fn(usize) -> f64) -> f64 {
    let parts: Vec<(f64, f64)> = units
        .iter()
        .map(|unit| {
            let own: Vec<(f64, f64)> = unit.members.iter().map(|at| (model.factors[*at].weight, known(*at))).collect();
            (unit.weight, if own.len() == 1 { own[0].1 } else { share(&own) })
        })
        .collect();
    share(&parts)
}

/// Returns the share of weights of which parts are known. Weights are decimal numbers that people chose, so they are added as such: .3
/// of .1 + .2 + .3 is one half.
fn share(parts: &[(f64, f64)]) -> f64 {
    let sum = |in_units: fn(f64) -> f64| {
        let known: f64 = parts.iter().map(|(weight, known)| in_units(*weight) * known).sum();
        (known, parts.iter().map(|(weight, _)| in_units(*weight)).sum::<f64>())
    };
    let (known, all) = sum(|weight| (weight * WEIGHT_GRID).round());
    if all > 0.0 {
        return known / all;
    }
    let (known, all) = sum(|weight| weight);
    if all > 0.0 { known / all } else { 0.0 }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::customer::health::model::tests::{factor, group, model};
    use crate::customer::health::model::{Factor, Missing};
    use crate::customer::health::score::{Reading, Score, score};
    use crate::values::text::Key;

    fn within(group: &str, key: &str, weight: f64) -> Factor {
        Factor { group: Some(Key::parse(group).expect("a key")), ..factor(key, weight, Missing::Redistribute) }
    }

    fn scored(content: &ModelContent, values: &[Option<f64>]) -> Score {
        let readings: Vec<Reading> = values.iter().map(|value| Reading { value: *value, age_days: 0 }).collect();
        score(content, &readings, &[])
    }

    #[test]
    fn weights_are_decimal_numbers() {
        let of = |weights: [f64; 3], known: [f64; 3]| share(&weights.into_iter().zip(known).collect::<Vec<_>>());
        assert_eq!(of([0.1, 0.2, 0.3], [0.0, 0.0, 1.0]), 0.5);
        assert_eq!(of([0.3, 0.1, 0.2], [0.0, 1.0, 1.0]), 0.5);
        assert_eq!(share(&[(1e-9, 1.0), (1e-9, 0.0)]), 0.5, "however small");
        assert_eq!(share(&[(0.0, 1.0)]), 0.0);
    }

    /// The deprivation scores of four households: three dimensions weigh a third each, and so do two, two and six indicators within them.
    /// Source: UNDP, Human Development Report, technical note on the multidimensional poverty index (22.2, 72.2, 38.9 and 50.0 percent).
    #[test]
    fn groups_as_in_the_multidimensional_poverty_index() {
        let sizes = [("health", 2), ("education", 2), ("living", 6)];
        let factors =
            sizes.iter().flat_map(|(name, size)| (0..*size).map(move |at| within(name, &format!("{name}{at}"), 1.0)));
        let mut content = model(factors.collect());
        content.groups = sizes.iter().map(|(name, _)| group(name, 1.0, Combine::Mean)).collect();
        for (deprived, expected) in [
            ([1, 0, 0, 0, 0, 0, 0, 0, 0, 1], 22.2),
            ([1, 1, 0, 1, 1, 1, 0, 1, 1, 0], 72.2),
            ([0, 0, 1, 0, 1, 1, 0, 1, 1, 0], 38.9),
            ([0, 1, 0, 1, 1, 1, 1, 0, 0, 0], 50.0),
        ] {
            let values: Vec<Option<f64>> = deprived.iter().map(|one| Some(100.0 * f64::from(*one))).collect();
            let found = scored(&content, &values).value.expect("a score");
            assert_eq!((found * 10.0).round() / 10.0, expected);
        }
    }

    #[test]
    fn the_worst_of_a_group_decides() {
        let mut content = model(vec![
            within("g", "a", 1.0),
            within("g", "b", 5.0),
            within("g", "unweighted", 0.0),
            factor("c", 25.0, Missing::Redistribute),
        ]);
        content.groups = vec![group("g", 75.0, Combine::Worst)];
        let found = scored(&content, &[Some(80.0), Some(40.0), Some(0.0), Some(100.0)]);
        assert_eq!(found.value, Some(55.0), "three quarters of 40 and a quarter of 100");
        let weights: Vec<f64> = found.factors.iter().map(|part| part.effective_weight).collect();
        assert_eq!(weights, [0.0, 0.75, 0.0, 0.25]);
        assert_eq!(
            found.groups,
            [GroupScore { sub_score: Some(40.0), effective_weight: 0.75, contribution: 30.0, decided_by: Some(1) }]
        );
        let found = scored(&content, &[Some(80.0), None, None, Some(100.0)]);
        assert_eq!((found.value, found.groups[0].decided_by), (Some(85.0), Some(0)), "of what is known");
        assert_eq!(found.coverage, (75.0 / 6.0 + 25.0) / 100.0);
        let found = scored(&content, &[None, None, None, Some(100.0)]);
        assert_eq!((found.value, found.coverage, found.groups[0].sub_score), (Some(100.0), 0.25, None));
    }

    proptest! {
        /// A group of means is the flat mean whose weights are multiplied, whatever is missing in all groups alike.
        #[test]
        fn groups_of_means_are_flat_means(
            weights in prop::collection::vec((1u32..100, 1u32..100), 1..6), values in prop::collection::vec(0u32..1000, 12),
        ) {
            let groups = weights.iter().enumerate().map(|(at, (of_group, _))| group(&format!("g{at}"), f64::from(*of_group), Combine::Mean));
            let grouped = weights.iter().enumerate().flat_map(|(at, (_, within_it))| {
                [("a", 1.0), ("b", f64::from(*within_it))].map(|(key, weight)| within(&format!("g{at}"), &format!("{key}{at}"), weight))
            });
            let flat = weights.iter().enumerate().flat_map(|(at, (of_group, within_it))| {
                let (of_group, within_it) = (f64::from(*of_group), f64::from(*within_it));
                [("a", 1.0), ("b", within_it)].map(|(key, weight)| {
                    factor(&format!("{key}{at}"), of_group * weight / (1.0 + within_it), Missing::Redistribute)
                })
            });
            let mut grouped = model(grouped.collect());
            grouped.groups = groups.collect();
            let flat = model(flat.collect());
            let values: Vec<Option<f64>> = values.iter().take(2 * weights.len()).map(|one| Some(f64::from(*one) / 10.0)).collect();
            let (one, other) = (scored(&grouped, &values), scored(&flat, &values));
            let difference = one.value.expect("a score") - other.value.expect("a score");
            prop_assert!(difference.abs() < 1e-5);
            let of_groups: f64 = one.groups.iter().map(|part| part.contribution).sum();
            prop_assert_eq!(Some(of_groups), one.value);
        }
    }
}
