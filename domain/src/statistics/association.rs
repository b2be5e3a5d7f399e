//! Measures of association in 2×2 tables, with 95 % intervals. Association does not show causation.
//!
//! This module computes from counts alone; it does no I/O.

use statrs::distribution::{ChiSquared, ContinuousCDF};
use statrs::stats_tests::Alternative;
use statrs::stats_tests::fisher::fishers_exact;

use crate::statistics::roc::{Z_95, two_sided};

/// Counts of an event among exposed and unexposed customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TwoByTwo {
    /// Exposed, with the event.
    pub exposed_yes: u64,
    /// Exposed, without the event.
    pub exposed_no: u64,
    /// Unexposed, with the event.
    pub unexposed_yes: u64,
    /// Unexposed, without the event.
    pub unexposed_no: u64,
}

/// An estimate with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Estimated value.
    pub value: f64,
    /// Lower end of the interval.
    pub from: f64,
    /// Upper end of the interval.
    pub to: f64,
}

/// Statistical test that gave a p-value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AssociationTest)]
pub enum Test {
    /// Fisher's exact test, used when an expected count is below five.
    FisherExact,
    /// Pearson's chi-squared test, used otherwise.
    ChiSquared,
}

/// Reason why a table does not determine a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UndeterminedReason)]
pub enum Undetermined {
    /// No customer was exposed.
    NobodyExposed,
    /// Every customer was exposed.
    EverybodyExposed,
    /// The event came about for every customer.
    EventForEverybody,
    /// The event came about for no customer.
    EventForNobody,
    /// One of the groups has no customer with the event.
    GroupWithoutEvent,
    /// There are fewer than four customers.
    TooFew,
    /// No stratum has customers of both groups, with and without the event.
    NoMixedStratum,
    /// All strata point the same way: none has an exposed customer without the event and an unexposed one with it, or the reverse.
    NoContrast,
    /// There are fewer than two strata that can be compared.
    OneStratum,
}

impl TwoByTwo {
    /// Returns the reason why nothing can be said of the association, if all customers are alike in exposure or in the event.
    pub const fn undetermined(&self) -> Option<Undetermined> {
        let Self { exposed_yes, exposed_no, unexposed_yes, unexposed_no } = *self;
        if exposed_yes + exposed_no == 0 {
            Some(Undetermined::NobodyExposed)
        } else if unexposed_yes + unexposed_no == 0 {
            Some(Undetermined::EverybodyExposed)
        } else if exposed_no + unexposed_no == 0 {
            Some(Undetermined::EventForEverybody)
        } else if exposed_yes + unexposed_yes == 0 {
            Some(Undetermined::EventForNobody)
        } else {
            None
        }
    }

    /// Counts one more customer.
    pub const fn add(&mut self, is_exposed: bool, came_about: bool) {
        *match (is_exposed, came_about) {
            (true, true) => &mut self.exposed_yes,
            (true, false) => &mut self.exposed_no,
            (false, true) => &mut self.unexposed_yes,
            (false, false) => &mut self.unexposed_no,
        } += 1;
    }

    /// Returns the sum of all four counts.
    pub const fn total(&self) -> u64 {
        self.exposed_yes + self.exposed_no + self.unexposed_yes + self.unexposed_no
    }

    /// Returns the share with the event among the exposed and among the unexposed. `None` if either group is empty.
    pub fn shares(&self) -> Option<(f64, f64)> {
        let [a, b, c, d] = self.real();
        (a + b > 0.0 && c + d > 0.0).then(|| (a / (a + b), c / (c + d)))
    }

    /// Returns the ratio of the two shares, with the interval of D. Katz et al. (*Obtaining Confidence Intervals for
    /// the Risk Ratio in Cohort Studies*, Biometrics 34, 1978). `None` if a group is empty or has no events, or if the event came about
    /// for everybody: a standard error of 0 would pass for certainty.
    pub fn risk_ratio(&self) -> Option<Estimate> {
        let [a, b, c, d] = self.real();
        let (exposed, unexposed) = self.shares().filter(|_| self.undetermined().is_none())?;
        let error = (1.0 / a - 1.0 / (a + b) + 1.0 / c - 1.0 / (c + d)).sqrt();
        (a > 0.0 && c > 0.0).then(|| on_log_scale(exposed / unexposed, error))
    }

    /// Returns the odds ratio, with the interval of B. Woolf (*On Estimating the Relation between Blood Group and
    /// Disease*, Annals of Human Genetics 19, 1955). If one of the counts is 0, ½ is added to each ([`Self::has_zero`]; J. B. S. Haldane,
    /// *The Estimation and Significance of the Logarithm of a Ratio of Frequencies*, Annals of Human Genetics 20, 1956). `None` if all
    /// customers are alike in exposure or in the event.
    pub fn odds_ratio(&self) -> Option<Estimate> {
        let correction = if self.has_zero() { 0.5 } else { 0.0 };
        let [a, b, c, d] = self.real().map(|count| count + correction);
        let error = (1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d).sqrt();
        self.undetermined().is_none().then(|| on_log_scale(a * d / (b * c), error))
    }

    /// Whether one of the counts is 0.
    pub const fn has_zero(&self) -> bool {
        self.exposed_yes == 0 || self.exposed_no == 0 || self.unexposed_yes == 0 || self.unexposed_no == 0
    }

    /// Returns the difference between the two shares, with the score interval of R. G. Newcombe (*Interval Estimation
    /// for the Difference between Independent Proportions*, Statistics in Medicine 17, 1998, method 10). `None` if
    /// either group is empty.
    pub fn risk_difference(&self) -> Option<Estimate> {
        let [a, b, c, d] = self.real();
        let (exposed, unexposed) = self.shares()?;
        let ((low_1, high_1), (low_2, high_2)) = (wilson(a, a + b), wilson(c, c + d));
        let value = exposed - unexposed;
        let below = (exposed - low_1).hypot(high_2 - unexposed);
        let above = (high_1 - exposed).hypot(unexposed - low_2);
        Some(Estimate { value, from: value - below, to: value + above })
    }

    /// Returns the phi coefficient: the correlation of exposure and event, with the interval of Fisher's z
    /// transformation. `None` if all customers are alike in exposure or in the event, or if there are fewer than
    /// four.
    pub fn phi(&self) -> Option<Estimate> {
        let [a, b, c, d] = self.real();
        let margins = (a + b) * (c + d) * (a + c) * (b + d);
        if margins <= 0.0 || self.total() < 4 {
            return None;
        }
        let value = (a * d - b * c) / margins.sqrt();
        let half = Z_95 / (a + b + c + d - 3.0).sqrt();
        let (from, to) = ((value.atanh() - half).tanh(), (value.atanh() + half).tanh());
        Some(Estimate { value, from, to })
    }

    /// Returns the p-value and the test that gave it: the probability of an association at least this strong if there
    /// were none. `None` if all customers are alike in exposure or in the event.
    pub fn p_value(&self) -> Option<(f64, Test)> {
        let [a, b, c, d] = self.real();
        let total = a + b + c + d;
        let margins = [(a + b) * (a + c), (a + b) * (b + d), (c + d) * (a + c), (c + d) * (b + d)];
        if margins.iter().any(|product| *product <= 0.0) {
            return None;
        }
        if margins.iter().any(|product| product / total < 5.0) {
            let table = [self.exposed_yes, self.exposed_no, self.unexposed_yes, self.unexposed_no];
            let exact = fishers_exact(&table, Alternative::TwoSided).ok()?;
            return Some((exact.min(1.0), Test::FisherExact));
        }
        let phi = (a * d - b * c) / (margins[0] * margins[3]).sqrt();
        Some((two_sided(phi * total.sqrt()), Test::ChiSquared))
    }

    /// Returns the squared distance of the number of exposed with the event from what an odds ratio lets expect, in units of its variance.
    fn distance(&self, odds_ratio: f64) -> f64 {
        let [a, b, c, d] = self.real();
        let (exposed, events) = (a + b, a + c);
        // The expected count solves E (d - a + E) = ratio (exposed - E) (events - E), a quadratic equation unless the ratio is 1.
        let (square, line, constant) =
            (1.0 - odds_ratio, d - a + odds_ratio * (exposed + events), -odds_ratio * exposed * events);
        // Written so that nothing cancels as the ratio approaches 1.
        let expected = -2.0 * constant / (line + (line * line - 4.0 * square * constant).sqrt());
        let parts = [expected, exposed - expected, events - expected, d - a + expected];
        let variance = 1.0 / parts.iter().map(|part| 1.0 / part).sum::<f64>();
        (a - expected).powi(2) / variance
    }

    fn real(&self) -> [f64; 4] {
        [self.exposed_yes, self.exposed_no, self.unexposed_yes, self.unexposed_no].map(real)
    }
}

/// Returns the common odds ratio of several strata (N. Mantel and W. Haenszel, *Statistical Aspects of the Analysis
/// of Data from Retrospective Studies of Disease*, Journal of the National Cancer Institute 22, 1959), with the
/// interval of J. Robins, N. Breslow and S. Greenland (*Estimators of the Mantel-Haenszel Variance*, Biometrics 42,
/// 1986). `None` if the strata together do not determine a ratio.
pub fn mantel_haenszel(strata: &[TwoByTwo]) -> Option<Estimate> {
    let (mut above, mut below) = (0.0, 0.0);
    let (mut pr, mut ps_qr, mut qs) = (0.0, 0.0, 0.0);
    for stratum in strata.iter().filter(|stratum| stratum.total() > 0) {
        let [a, b, c, d] = stratum.real();
        let total = a + b + c + d;
        // P, Q, R and S in the paper.
        let (same, other) = ((a + d) / total, (b + c) / total);
        let (for_it, against) = (a * d / total, b * c / total);
        above += for_it;
        below += against;
        pr += same * for_it;
        ps_qr += same * against + other * for_it;
        qs += other * against;
    }
    if above <= 0.0 || below <= 0.0 {
        return None;
    }
    let variance = pr / (2.0 * above * above) + ps_qr / (2.0 * above * below) + qs / (2.0 * below * below);
    Some(on_log_scale(above / below, variance.sqrt()))
}

/// Test of whether the odds ratios of strata are equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homogeneity {
    /// Chi-squared statistic.
    pub chi_squared: f64,
    /// Degrees of freedom: the number of strata that can be compared, less one.
    pub degrees_of_freedom: usize,
    /// Probability of odds ratios that differ at least this much if they were equal.
    pub p_value: f64,
}

/// Tests whether the odds ratios of strata are equal (N. E. Breslow and N. E. Day, *Statistical Methods in Cancer Research I*, IARC
/// 1980, 4.4): a common ratio hides the truth where they are not. `None` with fewer than two strata in which both exposure and event
/// vary, or without a common ratio.
pub fn breslow_day(strata: &[TwoByTwo]) -> Option<Homogeneity> {
    let common = mantel_haenszel(strata)?.value;
    let compared: Vec<f64> =
        strata.iter().filter(|one| one.undetermined().is_none()).map(|one| one.distance(common)).collect();
    let degrees_of_freedom = compared.len().checked_sub(1).filter(|degrees| *degrees > 0)?;
    let chi_squared = compared.iter().sum();
    let p_value = ChiSquared::new(count(degrees_of_freedom)).ok()?.sf(chi_squared);
    Some(Homogeneity { chi_squared, degrees_of_freedom, p_value })
}

/// Adjusts p-values for multiple testing: returns, in the given order, the lowest false discovery rate at which each
/// result counts as significant (Y. Benjamini and Y. Hochberg, *Controlling the False Discovery Rate*, Journal of the
/// Royal Statistical Society B 57, 1995).
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_unstable_by(|a, b| p_values[*b].total_cmp(&p_values[*a]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut least: f64 = 1.0;
    for (from_last, at) in order.into_iter().enumerate() {
        let rank = p_values.len() - from_last;
        least = least.min(p_values[at] * count(p_values.len()) / count(rank));
        adjusted[at] = least;
    }
    adjusted
}

fn on_log_scale(value: f64, error: f64) -> Estimate {
    let factor = (Z_95 * error).exp();
    Estimate { value, from: value / factor, to: value * factor }
}

/// Returns Wilson's score interval of a share.
fn wilson(yes: f64, all: f64) -> (f64, f64) {
    let (share, z2) = (yes / all, Z_95 * Z_95);
    let centre = share + z2 / (2.0 * all);
    let half = Z_95 * (share * (1.0 - share) / all + z2 / (4.0 * all * all)).sqrt();
    let scale = 1.0 + z2 / all;
    ((centre - half) / scale, (centre + half) / scale)
}

#[expect(clippy::cast_precision_loss, reason = "customers are far fewer")]
fn real(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "milestones are far fewer")]
fn count(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn table(exposed_yes: u64, exposed_no: u64, unexposed_yes: u64, unexposed_no: u64) -> TwoByTwo {
        TwoByTwo { exposed_yes, exposed_no, unexposed_yes, unexposed_no }
    }

    #[track_caller]
    fn near(found: Option<Estimate>, expected: (f64, f64, f64), by: f64) {
        let found = found.expect("an estimate");
        for (found, expected) in [(found.value, expected.0), (found.from, expected.1), (found.to, expected.2)] {
            assert!((found - expected).abs() < by, "{found} is not {expected}");
        }
    }

    /// A. Agresti, *Categorical Data Analysis* (2nd ed., 2002), 2.2 and 3.1: heart attacks among 11,034 physicians on
    /// a placebo and 11,037 on aspirin.
    #[test]
    fn physicians_on_aspirin() {
        let physicians = table(189, 10_845, 104, 10_933);
        near(physicians.risk_ratio(), (1.82, 1.43, 2.31), 0.006);
        near(physicians.odds_ratio(), (1.832, 1.440, 2.331), 0.0006);
        let (p_value, test) = physicians.p_value().expect("a chance");
        assert!(p_value < 1e-6 && test == Test::ChiSquared);
    }

    /// R. G. Newcombe (1998), table II, example (a), method 10: 56 of 70 against 48 of 80.
    #[test]
    fn newcombes_difference() {
        near(table(56, 14, 48, 32).risk_difference(), (0.2, 0.0524, 0.3339), 0.00006);
    }

    /// R. A. Fisher, *The Design of Experiments* (1935), II: the lady tasting tea, with three of four cups right.
    /// Two-sided 0.4857 (Agresti, 3.5).
    #[test]
    fn the_lady_who_tasted_tea() {
        let tea = table(3, 1, 1, 3);
        let (p_value, test) = tea.p_value().expect("a chance");
        assert!((p_value - 0.4857).abs() < 5e-5 && test == Test::FisherExact, "{p_value}");
        assert!((tea.phi().expect("a correlation").value - 0.5).abs() < 1e-12);
    }

    /// P. J. Bickel, E. A. Hammel and J. W. O'Connell, *Sex Bias in Graduate Admissions: Data from Berkeley*, Science
    /// 187 (1975): six departments. R's `mantelhaen.test` gives 0.9046968 and 0.7719074 to 1.0603298; all departments
    /// pooled give 1.84.
    #[test]
    fn admissions_at_berkeley() {
        let departments = [
            table(512, 313, 89, 19),
            table(353, 207, 17, 8),
            table(120, 205, 202, 391),
            table(138, 279, 131, 244),
            table(53, 138, 94, 299),
            table(22, 351, 24, 317),
        ];
        near(mantel_haenszel(&departments), (0.904_696_8, 0.771_907_4, 1.060_329_8), 5e-8);
        near(table(1198, 1493, 557, 1278).odds_ratio(), (1.841, 1.624, 2.087), 0.0006);
    }

    /// Y. Benjamini and Y. Hochberg (1995), 4.1: four of fifteen p-values are significant at 0.05.
    #[test]
    fn benjaminis_fifteen() {
        let fifteen = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        let adjusted = benjamini_hochberg(&fifteen);
        assert_eq!(adjusted.iter().filter(|p| **p <= 0.05).count(), 4);
        for (found, expected) in adjusted.iter().zip([0.0015, 0.0030, 0.0095, 0.035_625, 0.0603]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
        assert!((adjusted[14] - 1.0).abs() < 1e-12);
    }

    /// N. E. Breslow and N. E. Day (1980), 4.4: alcohol and cancer of the oesophagus in Ille-et-Vilaine, in six age groups. The
    /// common odds ratio is 5.158, and the test for its homogeneity 9.32 with five degrees of freedom.
    #[test]
    fn alcohol_in_brittany() {
        let ages = [
            table(1, 9, 0, 106),
            table(4, 26, 5, 164),
            table(25, 29, 21, 138),
            table(42, 27, 34, 139),
            table(19, 18, 36, 88),
            table(5, 0, 8, 31),
        ];
        assert!((mantel_haenszel(&ages).expect("a ratio").value - 5.158).abs() < 0.0005);
        let found = breslow_day(&ages).expect("six strata");
        assert!((found.chi_squared - 9.32).abs() < 0.005 && found.degrees_of_freedom == 5, "{found:?}");
        assert!((found.p_value - 0.097).abs() < 0.0005, "{found:?}");
        let alike = breslow_day(&[table(10, 5, 4, 6), table(20, 10, 8, 12)]).expect("two strata");
        assert!(alike.chi_squared < 1e-20 && alike.p_value > 0.999, "{alike:?}");
        assert_eq!(breslow_day(&ages[..1]), None);
        assert_eq!(breslow_day(&[ages[1], table(5, 0, 3, 0)]), None, "a stratum without variety says nothing");
    }

    #[test]
    fn a_count_of_nothing() {
        let found = table(5, 0, 3, 2).odds_ratio().expect("Haldane's correction");
        assert!((found.value - 5.5 * 2.5 / (0.5 * 3.5)).abs() < 1e-12, "{found:?}");
        let everybody = table(5, 0, 3, 0);
        assert_eq!((everybody.risk_ratio(), everybody.odds_ratio()), (None, None), "no false certainty");
        assert_eq!(everybody.undetermined(), Some(Undetermined::EventForEverybody));
        assert_eq!(table(0, 5, 0, 3).undetermined(), Some(Undetermined::EventForNobody));
        assert_eq!(table(0, 0, 1, 3).undetermined(), Some(Undetermined::NobodyExposed));
        assert_eq!(table(1, 3, 0, 0).undetermined(), Some(Undetermined::EverybodyExposed));
    }

    #[test]
    fn what_cannot_be_said_is_not() {
        let nobody = table(0, 5, 0, 5);
        assert_eq!(
            (nobody.risk_ratio(), nobody.odds_ratio(), nobody.phi(), nobody.p_value()),
            (None, None, None, None)
        );
        assert_eq!((table(1, 1, 0, 0).shares(), table(1, 1, 0, 0).risk_difference()), (None, None));
        assert_eq!((mantel_haenszel(&[]), benjamini_hochberg(&[])), (None, vec![]));
    }
}
