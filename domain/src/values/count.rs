//! Counts in arithmetic.

/// Returns a count as a real number, exactly: what is counted here is far from 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "counts of milestones, people, events and days are far below 2^53")]
pub const fn real(count: usize) -> f64 {
    count as f64
}
