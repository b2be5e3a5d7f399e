//! Measures of how well a figure separates the cases in which an event happened from the cases in which it did not.

use crate::values::count::real;

use statrs::distribution::{ContinuousCDF, Normal};

/// Standard normal quantile of a 95 % confidence interval.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// Area under the receiver operating characteristic curve (AUC), with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Auc {
    /// Probability that a case with the event has a higher figure than a case without it; ties count half.
    pub area: f64,
    /// Standard error.
    pub standard_error: f64,
    /// 95 % confidence interval, limited to 0 to 1.
    pub interval: (f64, f64),
}

/// Comparison of two figures for the same cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Area of the first figure minus the area of the second.
    pub difference: f64,
    /// Standard error.
    pub standard_error: f64,
    /// Probability of a difference at least this large if there were none; 1 if the standard error is zero, such as
    /// when both figures order all cases alike.
    pub p_value: f64,
}

/// Contribution of each case to the area: DeLong's structural components.
struct Components {
    area: f64,
    /// Components of the cases with the event.
    positive: Vec<f64>,
    /// Components of the cases without the event.
    negative: Vec<f64>,
}

/// Computes the area under the curve, with the standard error of E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson
/// (*Comparing the Areas under Two or More Correlated Receiver Operating Characteristic Curves*, Biometrics 44, 1988),
/// computed from midranks as in X. Sun and W. Xu (*Fast Implementation of DeLong's Algorithm*, IEEE Signal Processing
/// Letters 21, 2014). Higher figures mean that the event is more likely. Returns `None` with fewer than two cases of
/// either kind.
pub fn auc(figures: &[f64], happened: &[bool]) -> Option<Auc> {
    let found = components(figures, happened)?;
    let standard_error = (variance(&found.positive, &found.positive) / real(found.positive.len())
        + variance(&found.negative, &found.negative) / real(found.negative.len()))
    .sqrt();
    let half = Z_95 * standard_error;
    let interval = ((found.area - half).max(0.0), (found.area + half).min(1.0));
    Some(Auc { area: found.area, standard_error, interval })
}

/// Compares two figures for the same cases with DeLong's test. Returns `None` with fewer than two cases of either kind.
pub fn compare(first: &[f64], second: &[f64], happened: &[bool]) -> Option<Comparison> {
    let (a, b) = (components(first, happened)?, components(second, happened)?);
    let of_difference = |a: &[f64], b: &[f64]| variance(a, a) + variance(b, b) - 2.0 * variance(a, b);
    let squared = of_difference(&a.positive, &b.positive) / real(a.positive.len())
        + of_difference(&a.negative, &b.negative) / real(a.negative.len());
    let (difference, standard_error) = (a.area - b.area, squared.max(0.0).sqrt());
    let p_value = if standard_error > 0.0 { two_sided(difference / standard_error) } else { 1.0 };
    Some(Comparison { difference, standard_error, p_value })
}

/// Returns the probability that a standard normal variable is at least as far from 0 as `z`.
pub fn two_sided(z: f64) -> f64 {
    2.0 * Normal::standard().sf(z.abs())
}

fn components(figures: &[f64], happened: &[bool]) -> Option<Components> {
    let of = |wanted: bool| -> Vec<f64> {
        figures.iter().zip(happened).filter(|(_, one)| **one == wanted).map(|(figure, _)| *figure).collect()
    };
    let (positive, negative) = (of(true), of(false));
    if positive.len() < 2 || negative.len() < 2 {
        return None;
    }
    let all: Vec<f64> = positive.iter().chain(&negative).copied().collect();
    let (among_all, among_positive, among_negative) = (midranks(&all), midranks(&positive), midranks(&negative));
    let (count_positive, count_negative) = (real(positive.len()), real(negative.len()));
    let (of_positive, of_negative) = among_all.split_at(positive.len());
    let positive: Vec<f64> =
        of_positive.iter().zip(among_positive).map(|(all, own)| (all - own) / count_negative).collect();
    let negative: Vec<f64> =
        of_negative.iter().zip(among_negative).map(|(all, own)| 1.0 - (all - own) / count_positive).collect();
    let area = positive.iter().sum::<f64>() / count_positive;
    Some(Components { area, positive, negative })
}

/// Ranks figures in ascending order from 1, in the order of the input; equal figures share the mean of their ranks.
fn midranks(figures: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..figures.len()).collect();
    order.sort_unstable_by(|a, b| figures[*a].total_cmp(&figures[*b]));
    let mut ranks = vec![0.0; figures.len()];
    let mut first = 0;
    for run in order.chunk_by(|a, b| figures[*a].total_cmp(&figures[*b]).is_eq()) {
        let rank = f64::midpoint(real(first + 1), real(first + run.len()));
        for at in run {
            ranks[*at] = rank;
        }
        first += run.len();
    }
    ranks
}

/// Computes the sample covariance.
fn variance(a: &[f64], b: &[f64]) -> f64 {
    let count = real(a.len());
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / (count - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// J. A. Hanley and B. J. McNeil, *The Meaning and Use of the Area under a ROC Curve*, Radiology 143 (1982), table
    /// I: 109 images rated from 1 to 5. With DeLong's standard error, Stata's reference manual (`roctab`) gives 0.8932,
    /// 0.0307 and 0.83295 to 0.95339.
    #[test]
    fn hanley_and_mcneils_images() {
        let (mut ratings, mut abnormal) = (vec![], vec![]);
        for (rating, normal_images, abnormal_images) in
            [(1.0, 33, 3), (2.0, 6, 2), (3.0, 6, 2), (4.0, 11, 11), (5.0, 2, 33)]
        {
            ratings.extend(std::iter::repeat_n(rating, normal_images + abnormal_images));
            abnormal.extend(std::iter::repeat_n(false, normal_images));
            abnormal.extend(std::iter::repeat_n(true, abnormal_images));
        }
        let found = auc(&ratings, &abnormal).expect("both kinds");
        assert!((found.area - 0.8932).abs() < 5e-5, "{found:?}");
        assert!((found.standard_error - 0.0307).abs() < 5e-5, "{found:?}");
        assert!((found.interval.0 - 0.83295).abs() < 5e-6 && (found.interval.1 - 0.95339).abs() < 5e-6, "{found:?}");
    }

    #[test]
    fn too_few_of_a_kind_say_nothing() {
        assert_eq!(auc(&[1.0, 2.0, 3.0], &[true, false, false]), None);
        assert_eq!(compare(&[], &[], &[]), None);
    }

    proptest! {
        /// The area is the share of pairs in the right order, and a comparison agrees with the definition by pairs.
        #[test]
        fn as_defined_by_pairs(cases in prop::collection::vec((0i32..8, 0i32..8, any::<bool>()), 4..40)) {
            let first: Vec<f64> = cases.iter().map(|case| f64::from(case.0)).collect();
            let second: Vec<f64> = cases.iter().map(|case| f64::from(case.1)).collect();
            let happened: Vec<bool> = cases.iter().map(|case| case.2).collect();
            let by_pairs = |figures: &[f64]| {
                let pairs = (0..figures.len()).flat_map(|i| (0..figures.len()).map(move |j| (i, j)));
                let kernel: Vec<f64> = pairs.filter(|(i, j)| happened[*i] && !happened[*j]).map(|(i, j)| match figures[i].total_cmp(&figures[j]) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Greater => 1.0,
                }).collect();
                kernel.iter().sum::<f64>() / real(kernel.len())
            };
            if let (Some(a), Some(b), Some(both)) = (auc(&first, &happened), auc(&second, &happened), compare(&first, &second, &happened)) {
                prop_assert!((a.area - by_pairs(&first)).abs() < 1e-12);
                prop_assert!((both.difference - (a.area - b.area)).abs() < 1e-12);
                let turned = compare(&second, &first, &happened).expect("the same cases");
                prop_assert!((turned.difference + both.difference).abs() < 1e-12 && (turned.p_value - both.p_value).abs() < 1e-9);
                prop_assert!(compare(&first, &first, &happened).expect("the same cases").p_value > 0.999);
            }
        }
    }
}
