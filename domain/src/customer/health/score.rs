//! Health score: the weighted mean of the sub-scores of the factors, with the contribution of each part.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use super::model::{Effect, Factor, Missing, ModelContent};
use super::weights::{GroupScore, known_share, units, weigh};

/// Resolution of scores and their parts: the number of grid steps per point. It is a power of two, so that sums and
/// differences are exact in binary floating point in any order, and the parts in a response add up to the score
/// exactly.
const GRID: f64 = 1_048_576.0;

/// Rounds to the nearest number on the grid.
pub fn on_grid(value: f64) -> f64 {
    (value * GRID).round() / GRID
}

/// Rounds parts to the grid so that their sum is exactly `total`; the largest part absorbs the rounding residue.
pub fn apportion(parts: &mut [f64], total: f64) {
    for part in &mut *parts {
        *part = on_grid(*part);
    }
    let residue = total - parts.iter().sum::<f64>();
    if let Some(largest) = parts.iter_mut().max_by(|a, b| a.abs().total_cmp(&b.abs())) {
        *largest += residue;
    }
}

/// Input of a factor on a day.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Value of the input; `None` if missing.
    pub value: Option<f64>,
    /// Age of the input in days; 0 unless it is carried forward.
    pub age_days: i64,
}

/// Source of the sub-score of a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = FactorSource)]
pub enum Source {
    /// Input of the day.
    Measured,
    /// Input of an earlier day.
    CarriedForward,
    /// Assumed value for a missing input, as set in the model.
    Assumed,
    /// No sub-score; weight redistributed to the other factors.
    Missing,
}

/// Part of a factor in a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FactorScore {
    /// Input.
    pub input: Reading,
    /// Sub-score from 0 to 100; `None` if the factor does not count, or adds points instead.
    pub sub_score: Option<f64>,
    /// Source of the sub-score.
    pub source: Source,
    /// Weight as a share of the weights of all factors that count, from 0 to 1.
    pub effective_weight: f64,
    /// Points contributed to the score.
    pub contribution: f64,
}

/// Impact of an achieved or missed milestone on the score of a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImpactScore {
    /// Position in the model's list of impacts.
    pub impact: usize,
    /// Number of days since it happened.
    pub age_days: i64,
    /// Points contributed to the score on that day.
    pub contribution: f64,
}

/// Health score with its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Score from 0 to 100; `None` if no factor counts or if a factor that blocks the score has no input.
    pub value: Option<f64>,
    /// Factors in the order of the model. The contributions of factors and impacts and `limit` add up to the score
    /// exactly.
    pub factors: Vec<FactorScore>,
    /// Groups in the order of the model; their contributions are those of their factors.
    pub groups: Vec<GroupScore>,
    /// Impacts of milestones.
    pub impacts: Vec<ImpactScore>,
    /// Correction that limits the score to 0 to 100.
    pub limit: f64,
    /// Coverage: share of the weight that has an input, from 0 to 1.
    pub coverage: f64,
    /// Confidence: coverage in which an input that is carried forward counts less the older it is.
    pub confidence: f64,
}

impl Score {
    /// Returns the score if the coverage reaches the minimum of the model.
    pub fn covered(&self, model: &ModelContent) -> Option<f64> {
        self.value.filter(|_| self.coverage >= model.minimum_coverage)
    }
}

/// Computes the score of one day from the inputs of the factors, in the order of the model, and the impacts that have
/// happened: positions in the model's list of impacts with their ages in days.
pub fn score(model: &ModelContent, readings: &[Reading], happened: &[(usize, i64)]) -> Score {
    let mut factors: Vec<FactorScore> =
        model.factors.iter().zip(readings).map(|(factor, input)| part(factor, *input)).collect();
    let is_blocked = model
        .factors
        .iter()
        .zip(readings)
        .any(|(factor, input)| input.value.is_none() && factor.missing == Missing::Block && factor.weight > 0.0);
    let units = units(model);
    let known = |at: usize| if readings[at].value.is_some() { 1.0 } else { 0.0 };
    let trusted = |at: usize| known(at) * freshness(readings[at].age_days, model.factors[at].carried_days());
    let coverage = known_share(model, &units, known);
    let confidence = known_share(model, &units, trusted).min(coverage);
    let groups = weigh(model, &units, &mut factors);
    let is_defined = !is_blocked && factors.iter().any(|part| part.effective_weight > 0.0);
    let mut found =
        Score { value: None, factors, groups, impacts: impacts(model, happened), limit: 0.0, coverage, confidence };
    if is_defined {
        contribute(model, &mut found);
        for (group, unit) in found.groups.iter_mut().zip(&units) {
            group.contribution = unit.members.iter().map(|at| found.factors[*at].contribution).sum();
        }
    } else {
        found.impacts.clear();
        for part in &mut found.factors {
            part.effective_weight = 0.0;
        }
        for group in &mut found.groups {
            group.effective_weight = 0.0;
        }
    }
    found.groups.truncate(model.groups.len());
    found
}

/// Returns the part of a factor before it is weighed.
fn part(factor: &Factor, input: Reading) -> FactorScore {
    let (worth, source) = match (input.value, factor.missing) {
        (Some(value), _) if input.age_days > 0 => (Some(factor.worth(value)), Source::CarriedForward),
        (Some(value), _) => (Some(factor.worth(value)), Source::Measured),
        (None, Missing::Neutral) => (Some(50.0), Source::Assumed),
        (None, Missing::Worst) => (Some(0.0), Source::Assumed),
        (None, Missing::Redistribute | Missing::CarryForward | Missing::Block) => (None, Source::Missing),
    };
    let sub_score = worth.filter(|_| factor.effect == Effect::Weighted);
    FactorScore { input, sub_score, source, effective_weight: 0.0, contribution: 0.0 }
}

fn contribute(model: &ModelContent, found: &mut Score) {
    let mut parts: Vec<f64> =
        found.factors.iter().map(|part| part.effective_weight * part.sub_score.unwrap_or_default()).collect();
    let mean = on_grid(parts.iter().sum());
    apportion(&mut parts, mean);
    let points = additions(model, &found.factors);
    for ((part, contribution), points) in found.factors.iter_mut().zip(parts).zip(&points) {
        part.contribution = contribution + points;
    }
    let impacts = found.impacts.iter().map(|impact| impact.contribution).sum::<f64>();
    let unlimited = mean + points.iter().sum::<f64>() + impacts;
    let value = unlimited.clamp(0.0, 100.0);
    found.limit = value - unlimited;
    found.value = Some(value);
}

/// Returns the points of the additive factors: as their curves say, and together within the model's limit, which each shares in proportion.
fn additions(model: &ModelContent, parts: &[FactorScore]) -> Vec<f64> {
    let points = |(factor, part): (&Factor, &FactorScore)| match (factor.effect, part.input.value) {
        (Effect::Additive, Some(value)) => factor.worth(value),
        _ => 0.0,
    };
    let mut points: Vec<f64> = model.factors.iter().zip(parts).map(points).collect();
    let sum: f64 = points.iter().sum();
    let limited = on_grid(sum.clamp(-model.additive_limit_points, model.additive_limit_points));
    if sum.abs() > model.additive_limit_points {
        for one in &mut points {
            *one *= limited / sum;
        }
    }
    apportion_known(&mut points, limited);
    points
}

/// Rounds parts to the grid as [`apportion`] does, unless there are none.
fn apportion_known(parts: &mut [f64], total: f64) {
    if parts.iter().any(|part| *part != 0.0) {
        apportion(parts, total);
    }
}

fn impacts(model: &ModelContent, happened: &[(usize, i64)]) -> Vec<ImpactScore> {
    let one = |(impact, age_days): &(usize, i64)| {
        let rule = model.impacts.get(*impact)?;
        let halvings = real(*age_days) / f64::from(rule.half_life_days);
        let contribution = on_grid(rule.points * (-halvings).exp2());
        (contribution != 0.0).then_some(ImpactScore { impact: *impact, age_days: *age_days, contribution })
    };
    happened.iter().filter_map(one).collect()
}

/// Returns the confidence in an input by its age: 1 on its day, falling to near 0 on the last day on which it counts.
fn freshness(age_days: i64, most_days: i64) -> f64 {
    if age_days <= 0 { 1.0 } else { 1.0 - real(age_days) / (real(most_days) + 1.0) }
}

fn real(days: i64) -> f64 {
    i32::try_from(days).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;
    use crate::customer::health::model::tests::{factor, model};
    use crate::customer::health::model::{ImpactOn, MilestoneImpact};
    use crate::values::text::Key;
    use proptest::prelude::*;

    fn readings(values: &[Option<f64>]) -> Vec<Reading> {
        values.iter().map(|value| Reading { value: *value, age_days: 0 }).collect()
    }

    #[test]
    fn a_weighted_mean() {
        let content = model(vec![factor("a", 30.0, Missing::Redistribute), factor("b", 70.0, Missing::Redistribute)]);
        let found = score(&content, &readings(&[Some(50.0), Some(90.0)]), &[]);
        assert_eq!(found.value, Some(78.0));
        assert_eq!((found.factors[0].contribution, found.factors[1].contribution), (15.0, 63.0));
        assert_eq!((found.coverage, found.confidence), (1.0, 1.0));
    }

    #[test]
    fn thirds_of_seventy_are_seventy() {
        let content = model(["a", "b", "c"].map(|key| factor(key, 1.0, Missing::Redistribute)).to_vec());
        assert_eq!(score(&content, &readings(&[Some(70.0); 3]), &[]).value, Some(70.0), "and so healthy");
    }

    #[test]
    fn each_policy_for_what_is_missing() {
        for (missing, expected, source) in [
            (Missing::Redistribute, Some(90.0), Source::Missing),
            (Missing::Neutral, Some(70.0), Source::Assumed),
            (Missing::Worst, Some(45.0), Source::Assumed),
            (Missing::CarryForward, Some(90.0), Source::Missing),
            (Missing::Block, None, Source::Missing),
        ] {
            let content = model(vec![factor("a", 50.0, missing), factor("b", 50.0, Missing::Redistribute)]);
            let found = score(&content, &readings(&[None, Some(90.0)]), &[]);
            assert_eq!((found.value, found.factors[0].source, found.coverage), (expected, source, 0.5), "{missing}");
        }
        let content = model(vec![factor("a", 1.0, Missing::Redistribute)]);
        assert_eq!(score(&content, &readings(&[None]), &[]).value, None, "nothing is known");
    }

    #[test]
    fn too_little_coverage_is_no_band() {
        let mut content = model(vec![factor("a", 60.0, Missing::Neutral), factor("b", 40.0, Missing::Redistribute)]);
        content.minimum_coverage = 0.5;
        let found = score(&content, &readings(&[None, Some(100.0)]), &[]);
        assert_eq!((found.value, found.covered(&content)), (Some(70.0), None), "what is assumed covers nothing");
    }

    #[test]
    fn what_is_carried_forward_is_trusted_less() {
        let mut carried = factor("a", 1.0, Missing::CarryForward);
        carried.max_age_days = Some(9);
        let content = model(vec![carried]);
        let found = score(&content, &[Reading { value: Some(60.0), age_days: 5 }], &[]);
        assert_eq!((found.value, found.coverage, found.confidence), (Some(60.0), 1.0, 0.5));
        assert_eq!(found.factors[0].source, Source::CarriedForward);
    }

    #[test]
    fn impacts_halve_and_the_score_keeps_its_limits() {
        let mut content = model(vec![factor("a", 1.0, Missing::Redistribute)]);
        let impact = |points| MilestoneImpact {
            milestone: Key::parse("m").expect("a key"),
            on: ImpactOn::Missed,
            points,
            half_life_days: 30,
        };
        content.impacts = vec![impact(-20.0), impact(30.0)];
        let at = |value, happened: &[(usize, i64)]| score(&content, &readings(&[Some(value)]), happened);
        assert_eq!(at(50.0, &[(0, 0)]).value, Some(30.0));
        assert_eq!(at(50.0, &[(0, 30)]).value, Some(40.0));
        assert_eq!(at(50.0, &[(0, 60), (1, 30)]).value, Some(60.0));
        let over = at(95.0, &[(1, 0)]);
        assert_eq!((over.value, over.limit), (Some(100.0), -25.0));
        assert_eq!(at(5.0, &[(0, 0)]).value, Some(0.0));
    }

    #[test]
    fn additive_factors_stay_within_their_bounds() {
        let additive = |key: &str, low: f64, high: f64| {
            let mut one = factor(key, 0.0, Missing::Redistribute);
            one.effect = Effect::Additive;
            (one.curve[0].y, one.curve[1].y) = (low, high);
            one
        };
        let mut content =
            model(vec![factor("a", 1.0, Missing::Redistribute), additive("b", -20.0, 10.0), additive("c", 0.0, 30.0)]);
        let at = |content: &ModelContent, values: [Option<f64>; 3]| {
            let found = score(content, &readings(&values), &[]);
            (found.value, found.factors[1].contribution, found.factors[2].contribution, found.coverage)
        };
        assert_eq!(
            at(&content, [Some(50.0), Some(-9.0), None]),
            (Some(30.0), -20.0, 0.0, 1.0),
            "no more than the curve's end"
        );
        assert_eq!(at(&content, [Some(50.0), Some(100.0), Some(50.0)]), (Some(75.0), 10.0, 15.0, 1.0));
        content.additive_limit_points = 20.0;
        assert_eq!(
            at(&content, [Some(50.0), Some(100.0), Some(100.0)]),
            (Some(70.0), 5.0, 15.0, 1.0),
            "shared in proportion"
        );
        assert_eq!(at(&content, [None, Some(100.0), Some(100.0)]), (None, 0.0, 0.0, 0.0), "nothing to add to");
    }

    proptest! {
        /// The parts add up to the score, in any order, to the last bit.
        #[test]
        fn parts_add_up_exactly(
            parts in prop::collection::vec((0u32..1000, prop::option::of(0u32..100_000)), 1..12),
            happened in prop::collection::vec((0usize..2, 0i64..400), 0..5),
        ) {
            let factors = parts.iter().enumerate().map(|(index, (weight, _))| factor(&format!("f{index}"), f64::from(*weight) / 7.0, Missing::Redistribute));
            let mut content = model(factors.collect());
            content.impacts = vec![
                MilestoneImpact { milestone: Key::parse("m").expect("a key"), on: ImpactOn::Missed, points: -13.7, half_life_days: 11 },
                MilestoneImpact { milestone: Key::parse("n").expect("a key"), on: ImpactOn::Achieved, points: 9.1, half_life_days: 97 },
            ];
            let values: Vec<Option<f64>> = parts.iter().map(|(_, value)| value.map(|value| f64::from(value) / 1000.0)).collect();
            let found = score(&content, &readings(&values), &happened);
            if let Some(value) = found.value {
                let mut all: Vec<f64> = found.factors.iter().map(|part| part.contribution).collect();
                all.extend(found.impacts.iter().map(|part| part.contribution));
                all.push(found.limit);
                prop_assert_eq!(all.iter().sum::<f64>(), value);
                prop_assert_eq!(all.iter().rev().sum::<f64>(), value);
                prop_assert!((0.0..=100.0).contains(&value));
            }
        }
    }
}
