//! What speaks for a customer being lost: early indicators and risk factors, each a named function of its events and plans.
//!
//! The kinds of events that are looked at are told by the beginning of their type: `training.` (learning), `attempt.` (something was tried;
//! `attempt.failed` did not work), `community.`, `support.` (`support.escalated` went to somebody higher up). All others are plain use.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use crate::statistics::trend::theil_sen;
use crate::values::dates::plus_days;

/// How many days are looked at, and how many before them they are compared with.
pub const WINDOW_DAYS: i64 = 30;
/// Over how many weeks the slope of engagement is taken.
pub const SLOPE_WEEKS: i64 = 8;

/// What an event tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Something was learned.
    Learning,
    /// Something was tried.
    Attempt,
    /// Something was tried and did not work.
    FailedAttempt,
    /// Taking part in the community.
    Community,
    /// Asking for help.
    Support,
    /// A call for help that went to somebody higher up.
    Escalation,
    /// Any other use.
    Use,
}

impl Deed {
    /// By an event's type.
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

/// What is known of a customer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// What it did, by day.
    pub deeds: Vec<(NaiveDate, Deed)>,
    /// By how many days each open milestone's planned date has passed; nothing where it has no plan.
    pub overdue_days: Option<Vec<i64>>,
}

/// An early indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = RiskIndicatorKind)]
pub enum IndicatorKind {
    /// By how many active days a week engagement grows each week, over eight weeks (slope by Theil and Sen).
    EngagementSlope,
    /// Events of learning in 30 days.
    LearningVelocity,
    /// Events of trying in 30 days.
    AttemptFrequency,
    /// Days in the community in 30 days.
    CommunityParticipation,
    /// Calls for help in 30 days.
    SupportInteractions,
}

/// A risk factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = RiskFactorKind)]
pub enum FactorKind {
    /// Open milestones are overdue: 30 days of the worst one are the most.
    MilestoneDelay,
    /// Fewer active days in 30 days than in the 30 before, where those had at least three: none are the most.
    EngagementDecline,
    /// What was tried in 30 days did not work: all of at least three are the most.
    FailedAttempts,
    /// Fewer days in the community in 30 days than in the 30 before, where those had at least two.
    CommunityWithdrawal,
    /// Calls for help went to somebody higher up in 30 days: three are the most.
    SupportEscalations,
}

/// The factors with the points that the most of each counts. They add up to 100.
pub const FACTORS: [(FactorKind, f64); 5] = [
    (FactorKind::MilestoneDelay, 25.0),
    (FactorKind::EngagementDecline, 30.0),
    (FactorKind::FailedAttempts, 15.0),
    (FactorKind::CommunityWithdrawal, 10.0),
    (FactorKind::SupportEscalations, 20.0),
];

/// How large a risk is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = RiskLevel)]
pub enum Level {
    /// Below 25 points, or a chance below 10 %.
    Low,
    /// Below 50 points, or 25 %.
    Medium,
    /// Below 75 points, or 50 %.
    High,
    /// More.
    Critical,
}

/// What a factor says of a customer, and on what ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FactorFinding {
    /// The factor.
    pub kind: FactorKind,
    /// From 0, nothing, to 1, the most; nothing where there is nothing to judge by.
    pub severity: Option<f64>,
    /// How many points that is.
    pub points: f64,
    /// What was found: days, a share or a count.
    pub found: f64,
    /// What it is compared with, where it is.
    pub compared_with: Option<f64>,
}

/// What speaks for a customer being lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Risk {
    /// The indicators; nothing where the customer has done no such thing.
    pub indicators: Vec<(IndicatorKind, Option<f64>)>,
    /// The factors.
    pub factors: Vec<FactorFinding>,
    /// The sum of their points, from 0 to 100.
    pub points: f64,
}

/// The level of a sum of points.
pub fn level_of_points(points: f64) -> Level {
    level(points, [25.0, 50.0, 75.0])
}

/// The level of a chance from 0 to 1.
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

/// Looks at a customer at the end of a day.
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

/// What a fitted model looks at: how severe each factor is, and on which share of the last 30 days the customer was active.
pub fn features(known: &Known, as_of: NaiveDate) -> Vec<f64> {
    let risk = assess(known, as_of);
    let active = active_days(known, as_of, 0, |_| true) / f64::from(30);
    risk.factors.iter().map(|factor| factor.severity.unwrap_or_default()).chain([active]).collect()
}

/// What the features are called, in their order.
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

/// By which part active days have become fewer, where there were enough of them.
fn decline(known: &Known, as_of: NaiveDate, enough: f64, of: fn(Deed) -> bool) -> (Option<f64>, f64, Option<f64>) {
    let (now, before) = (active_days(known, as_of, 0, of), active_days(known, as_of, 1, of));
    ((before >= enough).then(|| (1.0 - now / before).max(0.0)), now, Some(before))
}

/// On how many days of a window there was such a deed: the window that ends with the day, or that many before.
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
        // One more active day every week.
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
