//! Combined health of the parts of a customer.

use super::band::Band;

/// Part of a customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Health score; `None` if unknown.
    pub score: Option<f64>,
    /// Health band.
    pub band: Band,
    /// Annual revenue in the smallest unit of the currency.
    pub annual_revenue_minor: Option<i64>,
}

/// Combined health of all parts. Parts without a score are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Together {
    /// Lowest score.
    pub worst: Option<f64>,
    /// Mean of the scores.
    pub mean: Option<f64>,
    /// Mean of the scores weighted by annual revenue; `None` without revenue.
    pub revenue_weighted: Option<f64>,
    /// Worst known band.
    pub worst_band: Band,
    /// Number of parts without a score.
    pub without_score: usize,
}

/// Combines the health of parts.
pub fn roll_up(parts: &[Part]) -> Together {
    let scores = || parts.iter().filter_map(|part| part.score);
    let weighted =
        || parts.iter().filter_map(|part| Some((part.score?, revenue(part)))).filter(|(_, paid)| *paid > 0.0);
    let paid: f64 = weighted().map(|(_, paid)| paid).sum();
    let known = parts.iter().map(|part| part.band).filter(|band| *band != Band::Unknown);
    let count: f64 = scores().map(|_| 1.0).sum();
    Together {
        worst: scores().reduce(f64::min),
        mean: (count > 0.0).then(|| scores().sum::<f64>() / count),
        revenue_weighted: (paid > 0.0).then(|| weighted().map(|(score, paid)| score * paid).sum::<f64>() / paid),
        worst_band: known.min().unwrap_or(Band::Unknown),
        without_score: parts.len() - scores().count(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a weight")]
fn revenue(part: &Part) -> f64 {
    part.annual_revenue_minor.unwrap_or_default() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worst_mean_and_weighted() {
        let part = |score, band, paid| Part { score, band, annual_revenue_minor: paid };
        let parts = [
            part(Some(80.0), Band::Healthy, Some(300)),
            part(Some(40.0), Band::AtRisk, Some(100)),
            part(Some(60.0), Band::AtRisk, None),
            part(None, Band::Unknown, Some(1000)),
        ];
        let found = roll_up(&parts);
        assert_eq!((found.worst, found.mean, found.revenue_weighted), (Some(40.0), Some(60.0), Some(70.0)));
        assert_eq!((found.worst_band, found.without_score), (Band::AtRisk, 1));
        let nothing = roll_up(&parts[3..]);
        assert_eq!((nothing.worst, nothing.mean, nothing.worst_band), (None, None, Band::Unknown));
    }
}
