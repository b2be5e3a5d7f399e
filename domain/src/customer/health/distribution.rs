//! Health scores in number: their classes, and their smoothed course.

use crate::statistics::trend::moving_average;

/// Number of classes of scores, of ten points each.
pub const CLASSES: usize = 10;
/// Weight of the latest day in a smoothed score.
const LATEST_WEIGHT: f64 = 0.25;

/// Returns the class of a score, from 0 to 9. The highest one includes 100.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score is from 0 to 100")]
pub fn class_of(score: f64) -> usize {
    ((score.clamp(0.0, 100.0) / 10.0) as usize).min(CLASSES - 1)
}

/// Returns the exponentially weighted moving average of daily scores, oldest first; `None` without any.
pub fn smoothed(mut scores: impl Iterator<Item = f64>) -> Option<f64> {
    let first = scores.next()?;
    Some(moving_average(scores, LATEST_WEIGHT, first).last().unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_cover_all_scores() {
        let classes = [0.0, 9.999, 10.0, 55.0, 89.999, 90.0, 100.0].map(class_of);
        assert_eq!(classes, [0, 0, 1, 5, 8, 9, 9]);
    }

    #[test]
    fn the_latest_day_has_a_quarter_of_the_weight() {
        assert_eq!(smoothed([].into_iter()), None);
        assert_eq!(smoothed([60.0].into_iter()), Some(60.0));
        assert_eq!(smoothed([60.0, 80.0, 45.0].into_iter()), Some(60.0));
    }
}
