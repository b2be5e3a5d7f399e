//! Calibration: whether events happen as often as stated probabilities say.

use super::roc::two_sided;

/// Agreement of stated probabilities with what happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Number of events that the probabilities state: their sum.
    pub expected: f64,
    /// Number of events that happened.
    pub observed: f64,
    /// Spiegelhalter's z.
    pub z: f64,
    /// Probability of a z at least this far from 0 if every stated probability were right.
    pub p_value: f64,
}

/// Tests whether the stated probabilities can be right (D. J. Spiegelhalter, *Probabilistic Prediction in Patient Management and
/// Clinical Trials*, Statistics in Medicine 5, 1986): z = Σ (y − p)(1 − 2p) / √(Σ (1 − 2p)² p (1 − p)). `None` without
/// cases, or if all probabilities are 0, ½ or 1, about which the test says nothing.
pub fn calibration(stated: &[f64], happened: &[bool]) -> Option<Calibration> {
    let result = |happened: &bool| f64::from(u8::from(*happened));
    let cases = || stated.iter().zip(happened);
    let difference: f64 = cases().map(|(p, y)| (result(y) - p) * (1.0 - 2.0 * p)).sum();
    let variance: f64 = stated.iter().map(|p| (1.0 - 2.0 * p).powi(2) * p * (1.0 - p)).sum();
    let z = difference / variance.sqrt();
    (variance > 0.0).then(|| Calibration {
        expected: stated.iter().sum(),
        observed: cases().map(|(_, y)| result(y)).sum(),
        z,
        p_value: two_sided(z),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // (1 − .2)·.6 + (0 − .1)·.8 = .4; .36·.16 + .64·.09 = .1152.
        let found = calibration(&[0.2, 0.1], &[true, false]).expect("two cases");
        assert!((found.z - 0.4 / 0.1152_f64.sqrt()).abs() < 1e-12);
        assert!((found.p_value - 0.238_592_829).abs() < 1e-8, "{}", found.p_value);
        assert!((found.expected - 0.3).abs() < 1e-12 && (found.observed - 1.0).abs() < 1e-12);
    }

    #[test]
    fn right_and_wrong_probabilities() {
        let happened: Vec<bool> = (0..400).map(|number| number % 5 == 0).collect();
        let right = calibration(&vec![0.2; 400], &happened).expect("cases");
        assert!(right.z.abs() < 1e-9 && right.p_value > 0.999);
        let wrong = calibration(&vec![0.1; 400], &happened).expect("cases");
        assert!(wrong.z > 5.0 && wrong.p_value < 1e-6);
        assert_eq!(calibration(&[], &[]), None);
        assert_eq!(calibration(&[0.5], &[true]), None);
    }
}
