//! Trend of a series of points.

/// Maximum number of points that are compared in pairs: the latest.
const MOST_POINTS: usize = 500;

/// Computes the Theil–Sen slope: the median of the slopes between all pairs of points, which is robust against outliers
/// (P. K. Sen, *Estimates of the Regression Coefficient Based on Kendall's Tau*, Journal of the American Statistical
/// Association 63, 1968). Expects points as `(x, y)` in order of x and uses the latest 500. Returns `None` if no two
/// points differ in x.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let points = &points[points.len().saturating_sub(MOST_POINTS)..];
    let pairs =
        points.iter().enumerate().flat_map(|(at, first)| points[at + 1..].iter().map(move |second| (first, second)));
    let slopes = pairs
        .filter(|(first, second)| first.0 < second.0)
        .map(|(first, second)| (second.1 - first.1) / (second.0 - first.0));
    let mut slopes: Vec<f64> = slopes.collect();
    slopes.sort_unstable_by(f64::total_cmp);
    let middle = slopes.len() / 2;
    match slopes.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(slopes[middle]),
        _ => Some(f64::midpoint(slopes[middle - 1], slopes[middle])),
    }
}

/// Computes the exponentially weighted moving average after each value: `λ × value + (1 − λ) × average before` (S. W. Roberts,
/// *Control Chart Tests Based on Geometric Moving Averages*, Technometrics 1, 1959). `lambda` is the weight of the latest value, from 0
/// to 1; `start` is the average before the first one.
pub fn moving_average(values: impl Iterator<Item = f64>, lambda: f64, start: f64) -> impl Iterator<Item = f64> {
    values.scan(start, move |average, value| {
        *average += lambda * (value - *average);
        Some(*average)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.4: λ = 0.3, target 50.
    #[test]
    fn as_in_the_handbook() {
        let values = [
            52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4,
            53.6, 52.1,
        ];
        let expected = [
            50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33, 50.11, 49.36, 49.52, 50.05, 49.38,
            49.92, 50.73, 51.23, 51.94, 51.99,
        ];
        let found: Vec<f64> = moving_average(values.into_iter(), 0.3, 50.0).collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 0.005, "{found} {expected}");
        }
    }

    /// Sen (1968), section 6: x 1, 2, 3, 4, 10, 12, 18 and y 9, 15, 19, 20, 45, 55, 78 have the slope 4.
    #[test]
    fn as_in_sens_paper() {
        let x = [1.0, 2.0, 3.0, 4.0, 10.0, 12.0, 18.0];
        let y = [9.0, 15.0, 19.0, 20.0, 45.0, 55.0, 78.0];
        let points: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        assert_eq!(theil_sen(&points), Some(4.0));
    }

    #[test]
    fn one_outlier_does_not_bend_it() {
        assert_eq!(theil_sen(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 100.0)]), Some(1.0));
        assert_eq!(
            theil_sen(&[(0.0, 0.0), (1.0, 1.0), (1.0, 3.0)]),
            Some(2.0),
            "points above each other have no slope"
        );
        assert_eq!((theil_sen(&[(1.0, 1.0)]), theil_sen(&[])), (None, None));
    }
}
