//! Drift of a distribution between two times.

use crate::values::count::real;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Verdict on a population stability index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DriftLevel)]
pub enum Drift {
    /// Index below 0.1: no significant change.
    Stable,
    /// Index from 0.1 to below 0.25: a change to look into.
    Moderate,
    /// Index of 0.25 or more: another population.
    Significant,
}

/// Returns the population stability index (PSI) of two counts of the same classes: the sum of `(after − before) × ln(after ÷ before)`
/// over the shares of each class (N. Siddiqi, *Credit Risk Scorecards*, 2006; it is the divergence J of H. Jeffreys, 1946). Where a class
/// is empty on either side, one half is added to every count. `None` if either side has no members.
pub fn population_stability(before: &[usize], after: &[usize]) -> Option<f64> {
    let is_empty = |counts: &[usize]| counts.iter().all(|count| *count == 0);
    if is_empty(before) || is_empty(after) || before.len() != after.len() {
        return None;
    }
    let both = || before.iter().zip(after).filter(|(before, after)| **before + **after > 0);
    let added = if both().any(|(before, after)| *before == 0 || *after == 0) { 0.5 } else { 0.0 };
    let pairs: Vec<(f64, f64)> = both().map(|(before, after)| (real(*before) + added, real(*after) + added)).collect();
    let (all_before, all_after): (f64, f64) =
        pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    let part = |(before, after): &(f64, f64)| {
        let (before, after) = (before / all_before, after / all_after);
        (after - before) * (after / before).ln()
    };
    Some(pairs.iter().map(part).sum())
}

/// Returns the usual verdict on a population stability index.
pub fn drift(index: f64) -> Drift {
    match index {
        _ if index < 0.1 => Drift::Stable,
        _ if index < 0.25 => Drift::Moderate,
        _ => Drift::Significant,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Drift::{Moderate, Significant, Stable};
    use super::*;

    fn near(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?} {expected}");
    }

    /// Python's `scipy.stats`: `entropy(after, before) + entropy(before, after)`.
    #[test]
    fn as_in_scipy() {
        near(population_stability(&[12, 30, 41, 57, 60], &[25, 35, 40, 50, 50]), 0.065_387_293_462_768_21);
        near(population_stability(&[0, 10, 20, 30], &[5, 15, 20, 10]), 0.593_673_533_768_066_8);
        near(population_stability(&[0, 10, 20, 30, 0], &[5, 15, 20, 10, 0]), 0.593_673_533_768_066_8);
    }

    #[test]
    fn what_can_be_said() {
        assert_eq!(population_stability(&[0, 0], &[1, 2]), None);
        assert_eq!(population_stability(&[1, 2], &[0, 0]), None);
        let levels = [0.0, 0.0999, 0.1, 0.249, 0.25, 3.0].map(drift);
        assert_eq!(levels, [Stable, Stable, Moderate, Moderate, Significant, Significant]);
    }

    proptest! {
        /// It is 0 for equal shares, never negative, and the same in both directions.
        #[test]
        fn a_divergence(
            before in prop::collection::vec(0usize..50, 10),
            after in prop::collection::vec(0usize..50, 10),
            times in 1usize..5,
        ) {
            let some = population_stability(&before, &after);
            prop_assert!(some.is_none_or(|index| index >= 0.0));
            let back = population_stability(&after, &before);
            prop_assert!(some.zip(back).is_none_or(|(some, back)| (some - back).abs() < 1e-9));
            let more: Vec<usize> = before.iter().map(|count| count * times).collect();
            prop_assert!(population_stability(&before, &more).is_none_or(|index| index.abs() < 1e-9));
        }
    }
}
