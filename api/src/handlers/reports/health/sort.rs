//! Orders of the health report.

use chrono::Datelike;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::paging::NameSort;
use crate::store::health_scores::{ListedScore, ScoreRow};
use crate::store::keyset::{Key, Position};

/// Order of a health report. Customers without the figure come last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthSort {
    /// By name, without regard to case.
    #[default]
    Name,
    /// Lowest score first.
    Score,
    /// Highest score first.
    #[serde(rename = "-score")]
    ScoreDescending,
    /// Score that has fallen most in 30 days first.
    Delta,
    /// Steepest fall of the trend first.
    PointsPerWeek,
    /// Highest annual revenue first.
    #[serde(rename = "-annual_revenue")]
    RevenueDescending,
    /// Next renewal first.
    RenewsOn,
}

impl HealthSort {
    /// The position of a customer, the first one the smallest.
    pub fn position(self, one: &ListedScore) -> Position {
        let score = &one.score;
        #[expect(clippy::cast_possible_truncation, reason = "a few hundred points at most")]
        let points = |value: Option<f64>| value.map_or(i64::MAX, |points| (points * 1e6).round() as i64);
        let number = match self {
            Self::Name => return NameSort::Name.position(&one.name, one.id),
            Self::Score => points(score.score),
            Self::ScoreDescending => points(score.score.map(|points| -points)),
            Self::Delta => points(delta(score)),
            Self::PointsPerWeek => points(score.trend_per_week),
            Self::RevenueDescending => one.annual_revenue_minor.map_or(i64::MAX, |revenue| -revenue),
            Self::RenewsOn => one.renews_on.map_or(i64::MAX, |on| i64::from(on.num_days_from_ce())),
        };
        Position { key: Some(Key::Number(number)), id: one.id }
    }
}

/// The change of a score in 30 days; `None` if either score is unknown.
pub fn delta(score: &ScoreRow) -> Option<f64> {
    score.score.zip(score.score_before).map(|(now, before)| now - before)
}
