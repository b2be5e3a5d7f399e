//! Risk of losing a customer: early indicators and risk factors, each a named function of the customer's activities and
//! plans.

mod finding;
mod words;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

pub use self::finding::days_without_activation;
use self::finding::{active_days, count, days_in, finding, real};
pub use self::words::difference;
use crate::customer::deed::Deed;
use crate::statistics::trend::theil_sen;
use crate::values::dates::plus_days;

/// Length of the window in days, and of the earlier window that it is compared with.
pub const WINDOW_DAYS: i64 = 30;
/// Number of pauses between active days from which the usual pause is taken.
pub const USUAL_PAUSES: usize = 10;
/// Number of weeks over which the slope of engagement is computed.
pub const SLOPE_WEEKS: i64 = 8;

/// Known facts about a customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Activities by day and kind with their number, oldest first. They reach back as far as anything is compared with them.
    pub deeds: Vec<(NaiveDate, Deed, u32)>,
    /// First day on which it was a customer.
    pub customer_since: Option<NaiveDate>,
    /// First day from which activities of the customer would be known; `None` if the organization reports no usage, or
    /// the customer has no reference to report it by.
    pub observed_from: Option<NaiveDate>,
    /// Number of days by which each open milestone is overdue; `None` if the customer has no plan.
    pub overdue_days: Option<Vec<i64>>,
}

/// Early indicator of risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = RiskIndicatorKind)]
pub enum IndicatorKind {
    /// Weekly change in the number of active days per week, over eight weeks (Theil–Sen slope).
    EngagementSlope,
    /// Number of learning events in the last 30 days.
    LearningVelocity,
    /// Number of attempts in the last 30 days.
    AttemptFrequency,
    /// Number of days with community activity in the last 30 days.
    CommunityParticipation,
    /// Number of support requests in the last 30 days.
    SupportInteractions,
}

/// Risk factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = RiskFactorKind)]
pub enum FactorKind {
    /// Overdue milestones. Severity is highest once the most overdue open milestone is 30 days late.
    MilestoneDelay,
    /// Fewer active days in the last 30 days than in the latest earlier 30 days with at least three active days. Severity is highest with
    /// no active days; unknown if there was no such time.
    EngagementDecline,
    /// Silence: days since the last event, compared with the usual pause between active days (the median of the last ten). Severity
    /// rises from three usual pauses (at least 7 days) to six (at least 30 days), or from 14 to 60 days if there were fewer than three
    /// active days to tell what is usual.
    GoneSilent,
    /// No event since the customer became one, or since the organization began to report usage. Severity rises from 14 to 60 days; unknown
    /// if no usage is reported, or if the customer has no external reference.
    NeverActivated,
    /// Share of attempts in the last 30 days that failed. Severity is highest when all failed; unknown with fewer than
    /// three attempts.
    FailedAttempts,
    /// Fewer days with community activity in the last 30 days than in the latest earlier 30 days with at least two. Severity is
    /// highest with none; unknown if there was no such time.
    CommunityWithdrawal,
    /// Escalated support requests in the last 30 days. Severity is highest from three on.
    SupportEscalations,
}

/// Factors with the points that each contributes at its highest severity. A customer that never began cannot have gone
/// silent or declined, so the points of one customer add up to 100 at most.
pub const FACTORS: [(FactorKind, f64); 7] = [
    (FactorKind::MilestoneDelay, 20.0),
    (FactorKind::EngagementDecline, 20.0),
    (FactorKind::GoneSilent, 30.0),
    (FactorKind::NeverActivated, 50.0),
    (FactorKind::FailedAttempts, 10.0),
    (FactorKind::CommunityWithdrawal, 5.0),
    (FactorKind::SupportEscalations, 15.0),
];

/// Level of risk.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = RiskLevel)]
pub enum Level {
    /// Fewer than 25 points, or a probability below 10 %.
    Low,
    /// At least 25 and fewer than 50 points, or a probability from 10 % to below 25 %.
    Medium,
    /// At least 50 and fewer than 75 points, or a probability from 25 % to below 50 %.
    High,
    /// At least 75 points, or a probability of at least 50 %.
    Critical,
}

/// Finding for one risk factor, with its evidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FactorFinding {
    /// Risk factor.
    pub kind: FactorKind,
    /// Severity from 0 (none) to 1 (highest); `None` without enough data.
    pub severity: Option<f64>,
    /// Points that the severity contributes.
    pub points: f64,
    /// Measured figure: a number of days or of events.
    pub found: f64,
    /// Figure that it is compared with, if any.
    pub compared_with: Option<f64>,
}

/// Risk of losing a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Risk {
    /// Indicators; `None` if the customer has no events of the kind.
    pub indicators: Vec<(IndicatorKind, Option<f64>)>,
    /// Findings for the risk factors.
    pub factors: Vec<FactorFinding>,
    /// Sum of the points of the factors, from 0 to 100.
    pub points: f64,
    /// Share of the last 30 days on which the customer was active.
    pub active_share: f64,
}

/// Returns the level for a sum of points.
pub fn level_of_points(points: f64) -> Level {
    level(points, [25.0, 50.0, 75.0])
}

/// Returns the level for a probability from 0 to 1.
pub fn level_of_probability(probability: f64) -> Level {
    level(probability, [0.10, 0.25, 0.50])
}

fn level(figure: f64, bounds: [f64; 3]) -> Level {
    match bounds.iter().filter(|bound| figure >= **bound).count() {
        0 => Level::Low,
        1 => Level::Medium,
        2 => Level::High,
        _ => Level::Critical,
    }
}

/// Assesses a customer at the end of a day.
pub fn assess(known: &Known, as_of: NaiveDate) -> Risk {
    let factors: Vec<FactorFinding> =
        FACTORS.into_iter().map(|(kind, most)| finding(kind, most, known, as_of)).collect();
    let indicators = [
        IndicatorKind::EngagementSlope,
        IndicatorKind::LearningVelocity,
        IndicatorKind::AttemptFrequency,
        IndicatorKind::CommunityParticipation,
        IndicatorKind::SupportInteractions,
    ];
    Risk {
        indicators: indicators.into_iter().map(|kind| (kind, indicator(kind, known, as_of))).collect(),
        points: factors.iter().map(|factor| factor.points).sum(),
        active_share: active_days(known, as_of, |_| true) / real(WINDOW_DAYS),
        factors,
    }
}

/// Returns the finding with the most points; `None` if none has any.
fn worst(factors: &[FactorFinding]) -> Option<&FactorFinding> {
    factors.iter().filter(|one| one.points > 0.0).max_by(|a, b| a.points.total_cmp(&b.points))
}

impl Risk {
    /// Returns the features of a fitted model, in the order of [`feature_names`]: the severity of each factor, and the
    /// share of active days.
    pub fn features(&self) -> Vec<f64> {
        let severities = self.factors.iter().map(|factor| factor.severity.unwrap_or_default());
        severities.chain([self.active_share]).collect()
    }

    /// Returns the finding with the most points; `None` if none has any.
    pub fn worst(&self) -> Option<&FactorFinding> {
        worst(&self.factors)
    }
}

/// Returns the names of the features, in order.
pub fn feature_names() -> Vec<String> {
    FACTORS.iter().map(|(kind, _)| kind.to_string()).chain(["active_share".to_owned()]).collect()
}

fn indicator(kind: IndicatorKind, known: &Known, as_of: NaiveDate) -> Option<f64> {
    let is_there = |of: fn(Deed) -> bool| known.deeds.iter().any(|(on, deed, _)| *on <= as_of && of(*deed));
    let of: fn(Deed) -> bool = match kind {
        IndicatorKind::EngagementSlope => |_| true,
        IndicatorKind::LearningVelocity => |deed| deed == Deed::Learning,
        IndicatorKind::AttemptFrequency => |deed| matches!(deed, Deed::Attempt | Deed::FailedAttempt),
        IndicatorKind::CommunityParticipation => |deed| deed == Deed::Community,
        IndicatorKind::SupportInteractions => |deed| matches!(deed, Deed::Support | Deed::Escalation),
    };
    if !is_there(of) {
        return None;
    }
    match kind {
        IndicatorKind::EngagementSlope => {
            let week = |number: i64| {
                let last = plus_days(as_of, -7 * (SLOPE_WEEKS - 1 - number));
                (real(number), days_in(known, plus_days(last, -6), last, of))
            };
            theil_sen(&(0..SLOPE_WEEKS).map(week).collect::<Vec<_>>())
        }
        IndicatorKind::CommunityParticipation => Some(active_days(known, as_of, of)),
        IndicatorKind::LearningVelocity | IndicatorKind::AttemptFrequency | IndicatorKind::SupportInteractions => {
            Some(count(known, as_of, of))
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;
    use crate::customer::health::band::Band;

    fn day(number: i64) -> NaiveDate {
        plus_days(NaiveDate::from_ymd_opt(2026, 5, 31).expect("a date"), number)
    }

    fn known(deeds: &[(i64, Deed)], overdue_days: Option<Vec<i64>>) -> Known {
        let mut deeds: Vec<(NaiveDate, Deed, u32)> =
            deeds.iter().map(|(number, deed)| (day(*number), *deed, 1)).collect();
        deeds.sort_by_key(|(on, ..)| *on);
        Known { deeds, overdue_days, ..Known::default() }
    }

    fn factor(known: &Known, kind: FactorKind) -> FactorFinding {
        assess(known, day(0)).factors.into_iter().find(|one| one.kind == kind).expect("all factors")
    }

    #[test]
    fn each_factor() {
        let late = known(&[], Some(vec![3, 15]));
        assert_eq!(
            (factor(&late, FactorKind::MilestoneDelay).severity, factor(&late, FactorKind::MilestoneDelay).points),
            (Some(0.5), 10.0)
        );
        assert_eq!(factor(&known(&[], None), FactorKind::MilestoneDelay).severity, None, "no plan");
        let declining =
            known(&[(-59, Deed::Use), (-50, Deed::Use), (-40, Deed::Use), (-31, Deed::Use), (-29, Deed::Use)], None);
        let found = factor(&declining, FactorKind::EngagementDecline);
        assert_eq!((found.severity, found.found, found.compared_with), (Some(0.75), 1.0, Some(4.0)));
        let seldom = known(&[(-59, Deed::Use), (-50, Deed::Use)], None);
        assert_eq!(
            factor(&seldom, FactorKind::EngagementDecline).severity,
            None,
            "two days are not enough to decline from"
        );
        let failing = known(
            &[(-1, Deed::FailedAttempt), (-2, Deed::FailedAttempt), (-3, Deed::Attempt), (-4, Deed::Attempt)],
            None,
        );
        assert_eq!(factor(&failing, FactorKind::FailedAttempts).severity, Some(0.5));
        let gone = known(&[(-40, Deed::Community), (-41, Deed::Community)], None);
        assert_eq!(factor(&gone, FactorKind::CommunityWithdrawal).points, 5.0);
        let loud = known(
            &[(0, Deed::Escalation), (0, Deed::Escalation), (-1, Deed::Escalation), (-2, Deed::Escalation)],
            None,
        );
        assert_eq!(factor(&loud, FactorKind::SupportEscalations).points, 15.0);
    }

    /// Active on each of thirty days until 29 May, and never again.
    fn silent(as_of: i64) -> Risk {
        let daily: Vec<(i64, Deed)> = (-31..=-2).map(|number| (number, Deed::Use)).collect();
        assess(&known(&daily, None), day(as_of))
    }

    #[test]
    fn silence_is_not_safety() {
        let points = |as_of| silent(as_of).points;
        assert_eq!(points(-2), 0.0);
        let course: Vec<f64> = (-2..400).map(points).collect();
        assert!(course.is_sorted(), "the longer the silence, the higher the risk: {course:?}");
        assert_eq!(level_of_points(points(28)), Level::High, "after thirty days");
        assert_eq!(level_of_points(points(365)), Level::High, "and after a year");
        let found = silent(60).factors.into_iter().find(|one| one.kind == FactorKind::GoneSilent).expect("it");
        assert_eq!((found.severity, found.found, found.compared_with), (Some(1.0), 62.0, Some(1.0)));
        assert_eq!(found.evidence(), "last event 62 days ago, usual pause 1 day");
        // A single visit long after does not make the customer's own past forgotten.
        let mut stray: Vec<(i64, Deed)> = (-131..=-102).map(|number| (number, Deed::Use)).collect();
        stray.push((-40, Deed::Use));
        assert_eq!(factor(&known(&stray, None), FactorKind::EngagementDecline).compared_with, Some(30.0));
    }

    #[test]
    fn rhythms_differ() {
        let every = |pause: i64, last: i64| -> Known {
            known(&(0..12).map(|nth| (last - pause * nth, Deed::Use)).collect::<Vec<_>>(), None)
        };
        let severity = |pause, last| factor(&every(pause, last), FactorKind::GoneSilent).severity;
        assert_eq!(severity(30, -45), Some(0.0), "who comes every month may be away for six weeks");
        assert_eq!(severity(1, -30), Some(1.0), "who comes every day may not");
        assert_eq!(severity(7, -21), Some(0.0));
        assert_eq!(severity(7, -42), Some(1.0));
        let once = factor(&known(&[(-37, Deed::Use)], None), FactorKind::GoneSilent);
        assert_eq!((once.severity, once.compared_with), (Some(0.5), None));
    }

    #[test]
    fn who_never_began() {
        let since =
            |days: i64| Known { customer_since: Some(day(-days)), observed_from: Some(day(-500)), ..Known::default() };
        let severity = |known: &Known| factor(known, FactorKind::NeverActivated).severity;
        assert_eq!([14, 37, 60, 400].map(|days| severity(&since(days))), [0.0, 0.5, 1.0, 1.0].map(Some));
        assert_eq!(level_of_points(assess(&since(60), day(0)).points), Level::High);
        assert_eq!(severity(&Known { observed_from: None, ..since(60) }), None, "nobody would know");
        assert_eq!(
            severity(&Known { observed_from: Some(day(-10)), ..since(60) }),
            Some(0.0),
            "usage is reported since then"
        );
        assert_eq!(severity(&Known { deeds: vec![(day(-59), Deed::Use, 1)], ..since(60) }), Some(0.0));
    }

    #[test]
    fn no_customer_has_more_than_a_hundred_points() {
        let most = |kind: FactorKind| FACTORS.iter().find(|(own, _)| *own == kind).map_or(0.0, |(_, most)| *most);
        let all: f64 = FACTORS.iter().map(|(_, most)| most).sum();
        assert_eq!(all - most(FactorKind::NeverActivated), 100.0);
        assert_eq!(
            most(FactorKind::NeverActivated),
            most(FactorKind::GoneSilent) + most(FactorKind::EngagementDecline)
        );
    }

    #[test]
    fn why_health_and_risk_differ() {
        let silent = silent(60);
        let level = level_of_points(silent.points);
        assert_eq!(
            difference(Band::Healthy, Some(81.6), Some("pulse"), level, &silent.factors).as_deref(),
            Some(
                "Health is healthy (82 points, lowest for pulse), while risk is high: last event 62 days ago, usual pause 1 day."
            )
        );
        assert_eq!(difference(Band::Critical, Some(12.0), None, level, &silent.factors), None);
        assert_eq!(
            difference(Band::Critical, Some(12.0), None, Level::Low, &[]).as_deref(),
            Some("Health is critical (12 points), while risk is low: no risk factor shows anything.")
        );
        assert_eq!(difference(Band::Unknown, None, None, Level::Low, &[]), None);
    }

    #[test]
    fn each_indicator() {
        // One more active day each week.
        let growing: Vec<(i64, Deed)> =
            (0..8).flat_map(|week| (0..week).map(move |nth| (-7 * (7 - week) - nth, Deed::Use))).collect();
        let slope = |known: &Known| indicator(IndicatorKind::EngagementSlope, known, day(0));
        assert_eq!((slope(&known(&growing, None)), slope(&known(&[], None))), (Some(1.0), None));
        let learned =
            known(&[(-1, Deed::Learning), (-29, Deed::Learning), (-30, Deed::Learning), (1, Deed::Learning)], None);
        assert_eq!(indicator(IndicatorKind::LearningVelocity, &learned, day(0)), Some(2.0));
        assert_eq!(indicator(IndicatorKind::AttemptFrequency, &learned, day(0)), None, "it has tried nothing");
    }

    #[test]
    fn levels() {
        assert_eq!(
            [0.0, 24.9, 25.0, 50.0, 75.0].map(level_of_points),
            [Level::Low, Level::Low, Level::Medium, Level::High, Level::Critical]
        );
        assert_eq!(
            [0.09, 0.1, 0.25, 0.5].map(level_of_probability),
            [Level::Low, Level::Medium, Level::High, Level::Critical]
        );
        assert_eq!(assess(&known(&[(0, Deed::Use)], None), day(0)).features().len(), feature_names().len());
    }
}
