//! How a customer's parts are, together.

use super::band::Band;

/// One part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Its score.
    pub score: Option<f64>,
    /// Its band.
    pub band: Band,
    /// What it pays in a year, in the smallest unit of money.
    pub annual_revenue_minor: Option<i64>,
}

/// All parts together; what has no score is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Together {
    /// The lowest score.
    pub worst: Option<f64>,
    /// The mean of the scores.
    pub mean: Option<f64>,
    /// Their mean weighted by what each pays.
    pub revenue_weighted: Option<f64>,
    /// The worst band that is known.
    pub worst_band: Band,
    /// How many have no score.
    pub without_score: usize,
}

/// Takes parts together.
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
