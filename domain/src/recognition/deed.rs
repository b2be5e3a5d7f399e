//! Deeds: what somebody has achieved, dated, as boards and celebrations count it.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use super::award::Life;
use super::badge::BadgeTier;
use crate::values::dates::days_between;

/// Circle in which somebody's achievements are shown. People decide for themselves.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RecognitionConsent {
    /// Nowhere: neither on boards nor among celebrations. The person still sees their own standing.
    Private,
    /// Within the organization; of a customer's participants, among those of the same customer.
    #[default]
    Organization,
    /// To the world, too.
    Public,
}

/// Where an achievement belongs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Plan.
    pub plan_id: Option<Uuid>,
    /// Template that the plan was made from: the program.
    pub template_id: Option<Uuid>,
    /// Track: the phase of the milestone.
    pub track: Option<Arc<str>>,
}

/// Achieved milestone.
#[derive(Debug, Clone, PartialEq)]
pub struct AchievedMilestone {
    /// Day of the achievement.
    pub on: NaiveDate,
    /// Key of the milestone.
    pub key: Arc<str>,
    /// Name of the milestone.
    pub name: Arc<str>,
    /// Weight: its points.
    pub points: f64,
    /// Way in which the achievement is made known, as its program says.
    pub celebration: Option<Arc<str>>,
    /// Where it belongs.
    pub place: Place,
}

/// Badge that was awarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwardedBadge {
    /// Identifier of the award.
    pub id: Uuid,
    /// Key of the badge.
    pub badge_key: Arc<str>,
    /// Name of the badge.
    pub name: Arc<str>,
    /// Tier of the badge.
    pub tier: Option<BadgeTier>,
    /// Whether it stands for a certification.
    pub is_certification: bool,
    /// Whether it renews an earlier one.
    pub is_renewal: bool,
    /// Dates, and what was done to it.
    pub life: Life,
}

/// Impact that was verified, as money for a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedMoney {
    /// Day of the verification.
    pub on: NaiveDate,
    /// Currency.
    pub currency: String,
    /// Share that is owed to the person, in the smallest unit.
    pub attributed_minor: i64,
    /// Where it belongs.
    pub place: Place,
}

/// Plan that somebody has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// First day.
    pub on: NaiveDate,
    /// Where it belongs.
    pub place: Place,
    /// Name of the plan.
    pub name: Arc<str>,
}

/// Level of a track whose milestones are all achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedLevel {
    /// Level.
    pub level: Arc<str>,
    /// Day of the last achievement.
    pub on: NaiveDate,
    /// Where it belongs.
    pub place: Place,
}

/// Returns the levels whose milestones are all achieved: of milestones with their track, their level and the day of their achievement.
pub fn finished_levels<'a>(
    milestones: impl IntoIterator<Item = (Option<&'a str>, &'a str, Option<NaiveDate>)>,
) -> Vec<(Option<&'a str>, &'a str, NaiveDate)> {
    type Level<'a> = ((Option<&'a str>, &'a str), Option<NaiveDate>);
    let mut levels: Vec<Level<'a>> = vec![];
    for (track, level, on) in milestones {
        match levels.iter_mut().find(|(own, _)| *own == (track, level)) {
            Some((_, last)) => *last = last.zip(on).map(|(last, on)| last.max(on)),
            None => levels.push(((track, level), on)),
        }
    }
    levels.into_iter().filter_map(|((track, level), on)| Some((track, level, on?))).collect()
}

/// Story that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldStory {
    /// Identifier.
    pub id: Uuid,
    /// Day of the publication.
    pub on: NaiveDate,
    /// Title.
    pub title: Arc<str>,
    /// Circle to which the person agreed.
    pub shown_to: RecognitionConsent,
}

/// Deeds of one person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deeds {
    /// Plans that serve the person.
    pub begun: Vec<Begun>,
    /// Achieved milestones.
    pub milestones: Vec<AchievedMilestone>,
    /// Levels whose milestones are all achieved.
    pub levels: Vec<FinishedLevel>,
    /// Badges.
    pub awards: Vec<AwardedBadge>,
    /// Verified impacts.
    pub impacts: Vec<VerifiedMoney>,
    /// Published stories.
    pub stories: Vec<ToldStory>,
}

/// Measure of a board: the figure by which people are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = BoardMeasure)]
pub enum Measure {
    /// Points: the weights of the milestones that were achieved.
    #[default]
    Points,
    /// Number of milestones that were achieved.
    Milestones,
    /// Number of badges that count on the day.
    Awards,
    /// Verified impact: the amounts of money for a year in one currency, in its smallest unit.
    VerifiedImpact,
    /// Velocity: the number of milestones for every 30 days since the person began.
    Velocity,
}

/// Deeds that are counted: those in a span of days, of a program, of a track.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Span<'a> {
    /// First day; `None` for all that was before.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: NaiveDate,
    /// Program that the deeds belong to. Badges belong to none.
    pub template_id: Option<Uuid>,
    /// Track that the deeds belong to.
    pub track: Option<&'a str>,
    /// Currency of amounts of money.
    pub currency: Option<&'a str>,
}

impl Span<'_> {
    fn has(&self, on: NaiveDate) -> bool {
        on <= self.to && self.from.is_none_or(|from| from <= on)
    }

    fn is_at(&self, place: &Place) -> bool {
        self.template_id.is_none_or(|id| place.template_id == Some(id))
            && self.track.is_none_or(|track| place.track.as_deref() == Some(track))
    }
}

impl Deeds {
    /// Returns the score by a measure; `None` of somebody without any deed that counts.
    pub fn score(&self, measure: Measure, span: &Span<'_>) -> Option<f64> {
        let milestones = || self.milestones.iter().filter(|one| span.has(one.on) && span.is_at(&one.place));
        let figure = match measure {
            Measure::Points => milestones().map(|one| one.points).sum(),
            Measure::Milestones => count(milestones().count()),
            Measure::Awards => {
                let counts = |one: &&AwardedBadge| span.has(one.life.awarded_on) && one.life.counts(span.to);
                count(self.awards.iter().filter(counts).count())
            }
            Measure::VerifiedImpact => {
                let counts = |one: &&VerifiedMoney| {
                    span.has(one.on) && span.is_at(&one.place) && span.currency == Some(one.currency.as_str())
                };
                let minor: i64 = self.impacts.iter().filter(counts).map(|one| one.attributed_minor).sum();
                count_minor(minor)
            }
            Measure::Velocity => {
                let is_meant = |own: &Place| span.template_id.is_none_or(|id| own.template_id == Some(id));
                let begun = self.begun.iter().filter(|one| is_meant(&one.place)).map(|one| one.on).min()?;
                let days = days_between(span.from.map_or(begun, |from| from.max(begun)), span.to) + 1;
                count(milestones().count()) * 30.0 / count_minor(days.max(30))
            }
        };
        (figure > 0.0).then_some(figure)
    }
}

fn count(number: usize) -> f64 {
    crate::values::count::real(number)
}

#[expect(clippy::cast_precision_loss, reason = "amounts and days are below 2^53")]
const fn count_minor(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    fn place(template: u128, track: &str) -> Place {
        Place { plan_id: None, template_id: Some(Uuid::from_u128(template)), track: Some(track.into()) }
    }

    fn deeds() -> Deeds {
        let milestone = |day, points, at: Place| AchievedMilestone {
            on: on(day),
            key: "m".into(),
            name: "M".into(),
            points,
            celebration: None,
            place: at,
        };
        let award = |day, expires_on| AwardedBadge {
            id: Uuid::nil(),
            badge_key: "b".into(),
            name: "B".into(),
            tier: None,
            is_certification: false,
            is_renewal: false,
            life: Life { awarded_on: on(day), expires_on, is_suspended: false, is_revoked: false },
        };
        let begun = |day, template| Begun { on: on(day), place: place(template, ""), name: "P".into() };
        let money = |day, currency: &str, attributed_minor| VerifiedMoney {
            on: on(day),
            currency: currency.to_owned(),
            attributed_minor,
            place: place(1, "a"),
        };
        Deeds {
            begun: vec![begun(1, 1), begun(16, 2)],
            milestones: vec![
                milestone(4, 2.0, place(1, "a")),
                milestone(9, 1.0, place(1, "b")),
                milestone(20, 4.0, place(2, "b")),
            ],
            levels: vec![],
            awards: vec![award(4, None), award(5, Some(on(10)))],
            impacts: vec![money(6, "USD", 500), money(7, "EUR", 900), money(8, "USD", 40)],
            stories: vec![],
        }
    }

    #[test]
    fn a_level_is_finished_with_its_last_milestone() {
        let (may, june) = (Some(on(4)), Some(on(24)));
        let all = [
            (Some("T"), "one", june),
            (Some("T"), "one", may),
            (Some("B"), "one", may),
            (Some("B"), "one", None),
            (None, "one", may),
        ];
        assert_eq!(finished_levels(all), [(Some("T"), "one", on(24)), (None, "one", on(4))]);
    }

    #[test]
    fn scores() {
        let deeds = deeds();
        let until = |day| Span { to: on(day), ..Span::default() };
        let of = |template, track| Span { template_id: template, track, ..until(31) };
        let usd = Span { currency: Some("USD"), ..until(31) };
        for (measure, span, expected) in [
            (Measure::Points, until(31), Some(7.0)),
            (Measure::Points, until(3), None),
            (Measure::Points, Span { from: Some(on(5)), ..until(31) }, Some(5.0)),
            (Measure::Points, of(Some(Uuid::from_u128(1)), None), Some(3.0)),
            (Measure::Points, of(None, Some("b")), Some(5.0)),
            (Measure::Milestones, until(9), Some(2.0)),
            (Measure::Awards, until(9), Some(2.0)),
            (Measure::Awards, until(10), Some(1.0)),
            (Measure::Awards, Span { from: Some(on(5)), ..until(10) }, None),
            (Measure::VerifiedImpact, usd.clone(), Some(540.0)),
            (Measure::VerifiedImpact, Span { to: on(7), ..usd }, Some(500.0)),
            (Measure::VerifiedImpact, until(31), None),
            (Measure::Velocity, until(31), Some(3.0 * 30.0 / 31.0)),
            (Measure::Velocity, until(9), Some(2.0)),
            (Measure::Velocity, of(Some(Uuid::from_u128(2)), Some("b")), Some(1.0)),
        ] {
            assert_eq!(deeds.score(measure, &span), expected, "{measure} {span:?}");
        }
        assert_eq!(Deeds::default().score(Measure::Velocity, &until(31)), None);
    }
}
