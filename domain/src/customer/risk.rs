//! Risk of losing a customer: early indicators and risk factors, each a named function of the customer's events and
//! plans.
//!
//! The prefix of an event's type determines its kind: `training.` (learning), `attempt.` (an attempt; `attempt.failed`
//! is a failed one), `community.`, and `support.` (`support.escalated` is an escalation). All other events are plain
//! use.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use crate::statistics::trend::theil_sen;
use crate::values::dates::plus_days;

/// Length of the window in days, and of the preceding window that it is compared with.
pub const WINDOW_DAYS: i64 = 30;
/// Number of weeks over which the slope of engagement is computed.
pub const SLOPE_WEEKS: i64 = 8;

/// Kind of activity that an event reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Learning.
    Learning,
    /// Attempt.
    Attempt,
    /// Failed attempt.
    FailedAttempt,
    /// Participation in the community.
    Community,
    /// Support request.
    Support,
    /// Escalated support request.
    Escalation,
    /// Any other use.
    Use,
}

impl Deed {
    /// Returns the kind of activity for the type of an event.
    pub fn of(kind: &str) -> Self {
        match kind {
            "attempt.failed" => Self::FailedAttempt,
            "support.escalated" => Self::Escalation,
            _ if kind.starts_with("training.") => Self::Learning,
            _ if kind.starts_with("attempt.") => Self::Attempt,
            _ if kind.starts_with("community.") => Self::Community,
            _ if kind.starts_with("support.") => Self::Support,
            _ => Self::Use,
        }
    }
}

/// Known facts about a customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// Activities, each with its day.
    pub deeds: Vec<(NaiveDate, Deed)>,
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
    /// Fewer active days in the last 30 days than in the 30 days before. Severity is highest with no active days;
    /// unknown if the earlier period had fewer than three.
    EngagementDecline,
    /// Share of attempts in the last 30 days that failed. Severity is highest when all failed; unknown with fewer than
    /// three attempts.
    FailedAttempts,
    /// Fewer days with community activity in the last 30 days than in the 30 days before. Severity is highest with
    /// none; unknown if the earlier period had fewer than two.
    CommunityWithdrawal,
    /// Escalated support requests in the last 30 days. Severity is highest from three on.
    SupportEscalations,
}

/// Factors with the points that each contributes at its highest severity. The points add up to 100.
pub const FACTORS: [(FactorKind, f64); 5] = [
    (FactorKind::MilestoneDelay, 25.0),
    (FactorKind::EngagementDecline, 30.0),
    (FactorKind::FailedAttempts, 15.0),
    (FactorKind::CommunityWithdrawal, 10.0),
    (FactorKind::SupportEscalations, 20.0),
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
        factors,
    }
}

/// Returns the features of a fitted model: the severity of each factor, and the share of the last 30 days on which the
/// customer was active.
pub fn features(known: &Known, as_of: NaiveDate) -> Vec<f64> {
    let risk = assess(known, as_of);
    let active = active_days(known, as_of, 0, |_| true) / f64::from(30);
    risk.factors.iter().map(|factor| factor.severity.unwrap_or_default()).chain([active]).collect()
}

/// Returns the names of the features, in order.
pub fn feature_names() -> Vec<String> {
    FACTORS.iter().map(|(kind, _)| kind.to_string()).chain(["active_share".to_owned()]).collect()
}

fn indicator(kind: IndicatorKind, known: &Known, as_of: NaiveDate) -> Option<f64> {
    let is_there = |of: fn(Deed) -> bool| known.deeds.iter().any(|(on, deed)| *on <= as_of && of(*deed));
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
        IndicatorKind::CommunityParticipation => Some(active_days(known, as_of, 0, of)),
        IndicatorKind::LearningVelocity | IndicatorKind::AttemptFrequency | IndicatorKind::SupportInteractions => {
            Some(count(known, as_of, of))
        }
    }
}

fn finding(kind: FactorKind, most: f64, known: &Known, as_of: NaiveDate) -> FactorFinding {
    let (severity, found, compared_with) = match kind {
        FactorKind::MilestoneDelay => {
            let worst = known.overdue_days.as_ref().map(|days| real(days.iter().copied().max().unwrap_or(0).max(0)));
            (worst.map(|days| (days / 30.0).min(1.0)), worst.unwrap_or_default(), None)
        }
        FactorKind::EngagementDecline => decline(known, as_of, 3.0, |_| true),
        FactorKind::CommunityWithdrawal => decline(known, as_of, 2.0, |deed| deed == Deed::Community),
        FactorKind::FailedAttempts => {
            let tried = count(known, as_of, |deed| matches!(deed, Deed::Attempt | Deed::FailedAttempt));
            let failed = count(known, as_of, |deed| deed == Deed::FailedAttempt);
            ((tried >= 3.0).then(|| failed / tried), failed, Some(tried))
        }
        FactorKind::SupportEscalations => {
            let escalated = count(known, as_of, |deed| deed == Deed::Escalation);
            let is_judged = known.deeds.iter().any(|(on, _)| *on <= as_of);
            (is_judged.then(|| (escalated / 3.0).min(1.0)), escalated, None)
        }
    };
    FactorFinding { kind, severity, points: severity.unwrap_or_default() * most, found, compared_with }
}

/// Returns the relative decline in active days (`None` if there were too few before), then the current and earlier
/// counts.
fn decline(known: &Known, as_of: NaiveDate, enough: f64, of: fn(Deed) -> bool) -> (Option<f64>, f64, Option<f64>) {
    let (now, before) = (active_days(known, as_of, 0, of), active_days(known, as_of, 1, of));
    ((before >= enough).then(|| (1.0 - now / before).max(0.0)), now, Some(before))
}

/// Counts the days with a matching activity in the window that ends on `as_of`, or in one `windows_before` earlier.
fn active_days(known: &Known, as_of: NaiveDate, windows_before: i64, of: fn(Deed) -> bool) -> f64 {
    let last = plus_days(as_of, -WINDOW_DAYS * windows_before);
    days_in(known, plus_days(last, 1 - WINDOW_DAYS), last, of)
}

fn days_in(known: &Known, first: NaiveDate, last: NaiveDate, of: fn(Deed) -> bool) -> f64 {
    let own = known.deeds.iter().filter(|(on, deed)| (first..=last).contains(on) && of(*deed));
    let mut days: Vec<NaiveDate> = own.map(|(on, _)| *on).collect();
    days.sort_unstable();
    days.dedup();
    i32::try_from(days.len()).map_or(f64::MAX, f64::from)
}

fn count(known: &Known, as_of: NaiveDate, of: fn(Deed) -> bool) -> f64 {
    let first = plus_days(as_of, 1 - WINDOW_DAYS);
    let own = known.deeds.iter().filter(|(on, deed)| (first..=as_of).contains(on) && of(*deed));
    i32::try_from(own.count()).map_or(f64::MAX, f64::from)
}

fn real(days: i64) -> f64 {
    i32::try_from(days).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;

    fn day(number: i64) -> NaiveDate {
        plus_days(NaiveDate::from_ymd_opt(2026, 5, 31).expect("a date"), number)
    }

    fn known(deeds: &[(i64, Deed)], overdue_days: Option<Vec<i64>>) -> Known {
        let mut deeds: Vec<(NaiveDate, Deed)> = deeds.iter().map(|(number, deed)| (day(*number), *deed)).collect();
        deeds.sort_by_key(|(on, _)| *on);
        Known { deeds, overdue_days }
    }

    fn factor(known: &Known, kind: FactorKind) -> FactorFinding {
        assess(known, day(0)).factors.into_iter().find(|one| one.kind == kind).expect("all factors")
    }

    #[test]
    fn types_tell_what_they_are_of() {
        for (kind, deed) in [
            ("training.completed", Deed::Learning),
            ("attempt.failed", Deed::FailedAttempt),
            ("attempt.started", Deed::Attempt),
            ("community.post", Deed::Community),
            ("support.ticket", Deed::Support),
            ("support.escalated", Deed::Escalation),
            ("trainings", Deed::Use),
        ] {
            assert_eq!(Deed::of(kind), deed, "{kind}");
        }
    }

    #[test]
    fn each_factor() {
        let late = known(&[], Some(vec![3, 15]));
        assert_eq!(
            (factor(&late, FactorKind::MilestoneDelay).severity, factor(&late, FactorKind::MilestoneDelay).points),
            (Some(0.5), 12.5)
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
        assert_eq!(factor(&gone, FactorKind::CommunityWithdrawal).points, 10.0);
        let loud = known(
            &[(0, Deed::Escalation), (0, Deed::Escalation), (-1, Deed::Escalation), (-2, Deed::Escalation)],
            None,
        );
        assert_eq!(factor(&loud, FactorKind::SupportEscalations).points, 20.0);
        assert_eq!(FACTORS.iter().map(|(_, most)| most).sum::<f64>(), 100.0);
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
        assert_eq!(features(&known(&[(0, Deed::Use)], None), day(0)).len(), feature_names().len());
    }
}
