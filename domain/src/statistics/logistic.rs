//! Logistic regression with a ridge penalty: it predicts probabilities from figures.
//!
//! This module fits and applies models; it does not choose figures or penalties.

use crate::values::count::real;
use serde::{Deserialize, Serialize};

/// A fitted model. The probability is 1/(1 + exp(−(intercept + Σ coefficient × figure))).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    /// Intercept.
    pub intercept: f64,
    /// Coefficients, one for each figure, in the figures' own units.
    pub coefficients: Vec<f64>,
}

/// Step size below which the fit has converged.
const TOLERANCE: f64 = 1e-10;
/// Maximum number of steps.
const MOST_STEPS: usize = 100;

impl Logistic {
    /// Fits a model by Newton's method (penalized likelihood as in S. le Cessie and J. C. van Houwelingen, *Ridge
    /// Estimators in Logistic Regression*, Applied Statistics 41, 1992). The figures are standardized so that `ridge`
    /// penalizes them equally; the intercept is not penalized. With one row for each customer and period, this is the
    /// discrete-time model of P. D. Allison (*Discrete-Time Methods for the Analysis of Event Histories*,
    /// Sociological Methodology 13, 1982). `None` if the rows do not include both outcomes, or if the fit does not
    /// converge, as with linearly dependent figures or perfectly separated rows and no ridge.
    pub fn fit(rows: &[Vec<f64>], happened: &[bool], ridge: f64) -> Option<Self> {
        let width = rows.first()?.len();
        if happened.iter().all(|one| *one) || !happened.iter().any(|one| *one) {
            return None;
        }
        let (means, scales): (Vec<f64>, Vec<f64>) = (0..width).map(|at| spread(rows, at)).unzip();
        let standardized = |row: &Vec<f64>| -> Vec<f64> {
            let figures =
                row.iter().zip(means.iter().zip(&scales)).map(|(figure, (mean, scale))| (figure - mean) / scale);
            std::iter::once(1.0).chain(figures).collect()
        };
        let design: Vec<Vec<f64>> = rows.iter().map(standardized).collect();
        let penalty = |at: usize| if at == 0 { 0.0 } else { ridge };
        let mut beta = vec![0.0; width + 1];
        for _ in 0..MOST_STEPS {
            let mut gradient: Vec<f64> = beta.iter().enumerate().map(|(at, one)| -one * penalty(at)).collect();
            let mut curvature: Vec<Vec<f64>> = (0..=width).map(|_| vec![0.0; width + 1]).collect();
            for (figures, happened) in design.iter().zip(happened) {
                let chance = chance(dot(figures, &beta));
                let miss = f64::from(u8::from(*happened)) - chance;
                for (at, figure) in figures.iter().enumerate() {
                    gradient[at] += figure * miss;
                    // The matrix is symmetric: its lower half says all.
                    for (other, sum) in figures[..=at].iter().zip(&mut curvature[at]) {
                        *sum += figure * other * chance * (1.0 - chance);
                    }
                }
            }
            for (at, row) in curvature.iter_mut().enumerate() {
                row[at] += penalty(at);
            }
            let step = solve(curvature, gradient)?;
            for (one, by) in beta.iter_mut().zip(&step) {
                *one += by;
            }
            if !beta.iter().all(|one| one.is_finite()) {
                return None;
            }
            if step.iter().all(|one| one.abs() < TOLERANCE) {
                return Some(Self::unscaled(&beta, &means, &scales));
            }
        }
        None
    }

    /// Converts coefficients of standardized figures into the figures' own units.
    fn unscaled(beta: &[f64], means: &[f64], scales: &[f64]) -> Self {
        let coefficients: Vec<f64> = scales.iter().enumerate().map(|(at, scale)| beta[at + 1] / scale).collect();
        let shift: f64 = coefficients.iter().zip(means).map(|(coefficient, mean)| coefficient * mean).sum();
        Self { intercept: beta[0] - shift, coefficients }
    }

    /// Returns the probability for a row, from 0 to 1.
    pub fn probability(&self, row: &[f64]) -> f64 {
        chance(self.intercept + dot(&self.coefficients, row))
    }
}

fn chance(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves a system of equations whose matrix is symmetric and positive definite, given its lower half, by Cholesky's
/// decomposition (G. H. Golub and C. F. Van Loan, *Matrix Computations*, 4th edition, 4.2.5). `None` if the matrix is not
/// positive definite.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    for at in 0..right.len() {
        let (above, own) = matrix.split_at_mut(at);
        let own = &mut own[0];
        for (column, before) in above.iter().enumerate() {
            own[column] = (own[column] - dot(&own[..column], &before[..column])) / before[column];
        }
        let square = own[at] - dot(&own[..at], &own[..at]);
        if !square.is_finite() || square <= 0.0 {
            return None;
        }
        own[at] = square.sqrt();
        right[at] = (right[at] - dot(&own[..at], &right[..at])) / own[at];
    }
    for at in (0..right.len()).rev() {
        let below: f64 = (at + 1..right.len()).map(|row| matrix[row][at] * right[row]).sum();
        right[at] = (right[at] - below) / matrix[at][at];
    }
    Some(right)
}

/// Returns the mean and the standard deviation of a figure. The deviation is 1 if the figure never varies.
fn spread(rows: &[Vec<f64>], at: usize) -> (f64, f64) {
    let count = real(rows.len());
    let mean = rows.iter().map(|row| row[at]).sum::<f64>() / count;
    let deviation = (rows.iter().map(|row| (row[at] - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean, if deviation > 0.0 { deviation } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S. R. Dalal, E. B. Fowlkes and B. Hoadley, *Risk Analysis of the Space Shuttle: Pre-Challenger Prediction of
    /// Failure*, Journal of the American Statistical Association 84 (1989): temperature in °F and whether an O-ring
    /// was damaged. Agresti (2002), 5.1: 15.043, -0.2322.
    const LAUNCHES: [(f64, bool); 23] = [
        (66.0, false),
        (70.0, true),
        (69.0, false),
        (68.0, false),
        (67.0, false),
        (72.0, false),
        (73.0, false),
        (70.0, false),
        (57.0, true),
        (63.0, true),
        (70.0, true),
        (78.0, false),
        (67.0, false),
        (53.0, true),
        (67.0, false),
        (75.0, false),
        (70.0, false),
        (81.0, false),
        (76.0, false),
        (79.0, false),
        (75.0, true),
        (76.0, false),
        (58.0, true),
    ];

    fn launches() -> (Vec<Vec<f64>>, Vec<bool>) {
        LAUNCHES.iter().map(|(temperature, damaged)| (vec![*temperature], *damaged)).unzip()
    }

    #[test]
    fn challenger() {
        let (rows, damaged) = launches();
        let found = Logistic::fit(&rows, &damaged, 0.0).expect("both kinds");
        assert!(
            (found.intercept - 15.0429).abs() < 5e-5 && (found.coefficients[0] + 0.232_16).abs() < 5e-6,
            "{found:?}"
        );
        assert!(found.probability(&[31.0]) > 0.999, "the morning of the launch");
    }

    #[test]
    fn a_ridge_shrinks_and_holds() {
        let (rows, damaged) = launches();
        let slopes: Vec<f64> = [0.0, 1.0, 10.0, 1e9]
            .iter()
            .filter_map(|ridge| Some(Logistic::fit(&rows, &damaged, *ridge)?.coefficients[0].abs()))
            .collect();
        assert!(slopes.is_sorted_by(|a, b| a > b) && slopes[3] < 1e-6, "{slopes:?}");
        let rate = Logistic::fit(&rows, &damaged, 1e9).expect("both kinds").probability(&[70.0]);
        assert!((rate - 7.0 / 23.0).abs() < 1e-6, "all that is left is the rate");
        let apart: (Vec<Vec<f64>>, Vec<bool>) = (0..10).map(|one| (vec![f64::from(one)], one > 4)).unzip();
        let held = Logistic::fit(&apart.0, &apart.1, 1.0).expect("a ridge holds what would run away");
        assert!(held.coefficients[0].is_finite() && held.probability(&[9.0]) > 0.9);
        assert_eq!(Logistic::fit(&rows, &[true; 23], 1.0), None);
        assert_eq!(Logistic::fit(&[], &[], 1.0), None);
    }

    #[test]
    fn a_figure_that_never_changes_says_nothing() {
        let (rows, damaged) = launches();
        let wider: Vec<Vec<f64>> = rows.iter().map(|row| vec![row[0], 5.0]).collect();
        let found = Logistic::fit(&wider, &damaged, 0.5).expect("both kinds");
        assert!(found.coefficients[1].abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn systems_of_equations() {
        // The decomposition is [[2], [6, 1], [-8, 5, 3]]; the upper half is not read.
        let lower = vec![vec![4.0, 0.0, 0.0], vec![12.0, 37.0, 0.0], vec![-16.0, -43.0, 98.0]];
        let right = vec![4.0 + 24.0 - 48.0, 12.0 + 74.0 - 129.0, -16.0 - 86.0 + 294.0];
        let found = solve(lower, right).expect("positive definite");
        assert!(found.iter().zip([1.0, 2.0, 3.0]).all(|(one, expected)| (one - expected).abs() < 1e-9), "{found:?}");
        assert_eq!(solve(vec![vec![1.0, 0.0], vec![2.0, 1.0]], vec![1.0, 1.0]), None, "not positive definite");
        assert_eq!(solve(vec![vec![0.0]], vec![1.0]), None);
    }
}
