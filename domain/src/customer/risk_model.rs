//! Fitted risk models: what must be shown before one applies.
//!
//! A model that learned nothing, or that is worse than chance on days it has not seen, would move customers between
//! levels at random. [`lacks`] is the gate: it says what is missing, and a person may go past it with a reason.

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

/// Minimum number of losses for each coefficient that is not zero (E. Vittinghoff and C. E. McCulloch, *Relaxing the Rule of Ten Events
/// per Variable in Logistic and Cox Regression*, American Journal of Epidemiology 165, 2007).
pub const FEWEST_LOSSES_PER_COEFFICIENT: usize = 5;
/// Coefficients below this are zero: a severity of 1 would change the odds by less than a hundredth.
pub const LEAST_COEFFICIENT: f64 = 0.01;
/// Level of significance at which stated probabilities are taken to be wrong.
pub const LEAST_CALIBRATION_P: f64 = 0.05;

/// Quality of a model on later days than those it was fitted on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// Lower bound of the 95 % confidence interval of the area under the curve (AUC).
    pub area_from: f64,
    /// Brier skill.
    pub brier_skill: f64,
    /// P-value of the calibration; `None` if it cannot be tested.
    pub calibration_p: Option<f64>,
}

/// Something that a model lacks. The text of each variant is its documentation.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum Lack {
    #[error("all coefficients are practically zero: the model states the same probability for every customer")]
    LearnedNothing,
    #[error("{losses} losses are too few for {coefficients} coefficients; at least {needed} are needed")]
    TooFewLosses { losses: usize, coefficients: usize, needed: usize },
    #[error("it could not be tested on later days: there were too few days, or too few losses on them")]
    NotTested,
    #[error("on later days it may be no better than chance: the interval of its AUC begins at {area_from:.2}")]
    NoBetterThanChance { area_from: f64 },
    #[error("on later days its probabilities are no better than the overall loss rate: its Brier skill is {skill:.2}")]
    NoSkill { skill: f64 },
    #[error("on later days customers are not lost as often as it states (p = {p_value:.4})")]
    Miscalibrated { p_value: f64 },
}

/// Status of a risk model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RiskModelStatus)]
pub enum ModelStatus {
    /// Fitted, and never activated.
    Draft,
    /// Applies today.
    Active,
    /// Applied before.
    Retired,
}

/// Returns what a model lacks to be activated; nothing if it has earned its place.
pub fn lacks(losses: usize, coefficients: &[f64], tested: Option<Tested>) -> Vec<Lack> {
    let effective = coefficients.iter().filter(|one| one.abs() >= LEAST_COEFFICIENT).count();
    let needed = effective * FEWEST_LOSSES_PER_COEFFICIENT;
    let mut lacks = vec![];
    if effective == 0 {
        lacks.push(Lack::LearnedNothing);
    } else if losses < needed {
        lacks.push(Lack::TooFewLosses { losses, coefficients: effective, needed });
    }
    match tested {
        None => lacks.push(Lack::NotTested),
        Some(Tested { area_from, brier_skill: skill, calibration_p }) => {
            lacks.extend((area_from <= 0.5).then_some(Lack::NoBetterThanChance { area_from }));
            lacks.extend((skill <= 0.0).then_some(Lack::NoSkill { skill }));
            let wrong = calibration_p.filter(|p_value| *p_value < LEAST_CALIBRATION_P);
            lacks.extend(wrong.map(|p_value| Lack::Miscalibrated { p_value }));
        }
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Tested = Tested { area_from: 0.68, brier_skill: 0.2, calibration_p: Some(0.4) };

    #[test]
    fn the_gate() {
        assert_eq!(lacks(10, &[1.2, 0.0, -2.0], Some(GOOD)), []);
        assert_eq!(lacks(10, &[0.0, 0.001], Some(GOOD)), [Lack::LearnedNothing]);
        assert_eq!(
            lacks(9, &[1.2, 0.0, -2.0], Some(GOOD)),
            [Lack::TooFewLosses { losses: 9, coefficients: 2, needed: 10 }]
        );
        assert_eq!(lacks(10, &[1.0], None), [Lack::NotTested]);
        let bad = Tested { area_from: 0.44, brier_skill: -2.0, calibration_p: Some(0.001) };
        assert_eq!(
            lacks(10, &[1.0], Some(bad)),
            [
                Lack::NoBetterThanChance { area_from: 0.44 },
                Lack::NoSkill { skill: -2.0 },
                Lack::Miscalibrated { p_value: 0.001 }
            ]
        );
        assert_eq!(lacks(10, &[1.0], Some(Tested { calibration_p: None, ..GOOD })), []);
    }
}
