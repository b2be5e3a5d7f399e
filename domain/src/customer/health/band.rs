//! Bands: ranges of the score, with hysteresis and a dwell time against frequent changes.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::customer::rule::CustomerRule;
use crate::rule::{Rule as _, Violations};
use crate::values::dates::plus_days;

/// Health band of a customer.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = HealthBand)]
pub enum Band {
    /// Too few inputs for a score, or a coverage below the minimum of the model.
    Unknown,
    /// Score below `at_risk_from`.
    Critical,
    /// Score from `at_risk_from` to below `healthy_from`.
    AtRisk,
    /// Score of `healthy_from` or more. With `bounds: upper_inclusive`, a score on a bound belongs to the band below it.
    Healthy,
}

/// Bounds of the bands, and the conditions for a change of band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = HealthBands, example = json!({"healthy_from": 70, "at_risk_from": 40, "hysteresis_points": 2, "dwell_days": 2}))]
pub struct Bands {
    /// Lowest score that is healthy.
    #[schema(minimum = 0, maximum = 100, default = 70)]
    pub healthy_from: f64,
    /// Lowest score that is at risk; lower scores are critical.
    #[schema(minimum = 0, maximum = 100, default = 40)]
    pub at_risk_from: f64,
    /// Band that a score exactly on a bound belongs to. Defaults to `lower_inclusive`.
    pub bounds: Bounds,
    /// Hysteresis: points by which a score must pass a bound, in either direction, before the band changes. Defaults to
    /// 0.
    #[schema(minimum = 0, maximum = 20, default = 0)]
    pub hysteresis_points: f64,
    /// Dwell time: number of consecutive days that the score must stay there before the band changes. Defaults to 1.
    #[schema(minimum = 1, maximum = 30, default = 1)]
    pub dwell_days: u32,
}

/// Band that a score exactly on a bound belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HealthBandBounds)]
pub enum Bounds {
    /// The band above the bound: 70 is healthy from 70.
    #[default]
    LowerInclusive,
    /// The band below the bound: 70 is at risk up to 70.
    UpperInclusive,
}

impl Bounds {
    /// Returns whether a score has reached the band above a bound.
    fn reach(self, score: f64, bound: f64) -> bool {
        match self {
            Self::LowerInclusive => score >= bound,
            Self::UpperInclusive => score > bound,
        }
    }
}

impl Default for Bands {
    fn default() -> Self {
        let bounds = Bounds::default();
        Self { healthy_from: 70.0, at_risk_from: 40.0, bounds, hysteresis_points: 0.0, dwell_days: 1 }
    }
}

/// Maximum number of days to look back in order to determine the band of a customer.
pub const MOST_DAYS_BACK: i64 = 366;

impl Bands {
    /// Checks that the bounds are in order.
    pub fn check(&self, at: &str, violations: &mut Violations) {
        if self.at_risk_from >= self.healthy_from {
            violations.push(CustomerRule::BandsOutOfOrder.at(format!("{at}/at_risk_from")));
        }
    }

    /// Returns the band of a score without regard to the previous band.
    pub fn plain(&self, score: Option<f64>) -> Band {
        match score {
            None => Band::Unknown,
            Some(score) if self.bounds.reach(score, self.healthy_from) => Band::Healthy,
            Some(score) if self.bounds.reach(score, self.at_risk_from) => Band::AtRisk,
            Some(_) => Band::Critical,
        }
    }

    /// Returns the band of a score given the previous band: a Schmitt trigger, so that a score near a bound does not
    /// flap.
    fn reluctant(&self, score: Option<f64>, from: Band) -> Band {
        let Some(score) = score else { return Band::Unknown };
        let (lower, upper) = match from {
            Band::Unknown => return self.plain(Some(score)),
            Band::Critical => (f64::MIN, self.at_risk_from),
            Band::AtRisk => (self.at_risk_from, self.healthy_from),
            Band::Healthy => (self.healthy_from, f64::MAX),
        };
        let reaches = |bound| self.bounds.reach(score, bound);
        if reaches(lower - self.hysteresis_points) && !reaches(upper + self.hysteresis_points) {
            from
        } else {
            self.plain(Some(score))
        }
    }

    /// Returns whether the band of a score is independent of the previous band.
    fn is_unambiguous(&self, score: Option<f64>) -> bool {
        let is_away = |bound: f64, score: f64| {
            let reaches = |bound| self.bounds.reach(score, bound);
            !reaches(bound - self.hysteresis_points) || reaches(bound + self.hysteresis_points)
        };
        score.is_none_or(|score| is_away(self.healthy_from, score) && is_away(self.at_risk_from, score))
    }

    /// Returns the bands of the days from `first_on` to `last_on`, given the score of each day (`None` where unknown).
    ///
    /// The band of a day depends on the band of the day before. The function looks back from `first_on` until the band
    /// no longer depends on earlier days: until `dwell_days` consecutive days have the same unambiguous band, or a day
    /// has no score. Therefore the result depends on the scores alone and not on `first_on`. If there are no such days
    /// within a year, the plain band of the earliest day counts.
    pub fn settle(
        &self,
        first_on: NaiveDate,
        last_on: NaiveDate,
        mut score_on: impl FnMut(NaiveDate) -> Option<f64>,
    ) -> Vec<Band> {
        let needed = self.dwell_days.max(1);
        let mut before = vec![];
        let (mut alike, mut last) = (0, None);
        for days in 0..=MOST_DAYS_BACK {
            let score = score_on(plus_days(first_on, -days));
            let plain = self.plain(score);
            alike = if !self.is_unambiguous(score) {
                0
            } else if last == Some(plain) && alike > 0 {
                alike + 1
            } else {
                1
            };
            last = Some(plain);
            before.push(score);
            if score.is_none() || alike == needed {
                break;
            }
        }
        let mut scores = before.into_iter().rev();
        let mut state = Settling { band: self.plain(scores.next().flatten()), candidate: None };
        // The days that settle the band all have the same band, so it is correct to start with it on the first of them.
        for score in scores {
            state.step(self, score);
        }
        let mut bands = vec![state.band];
        let mut on = first_on;
        while on < last_on {
            on = plus_days(on, 1);
            state.step(self, score_on(on));
            bands.push(state.band);
        }
        bands
    }
}

/// State of the band of a customer from day to day.
struct Settling {
    band: Band,
    /// Band that it may change to, with the number of days in that band.
    candidate: Option<(Band, u32)>,
}

impl Settling {
    fn step(&mut self, bands: &Bands, score: Option<f64>) {
        let target = bands.reluctant(score, self.band);
        // Changes to and from unknown take effect immediately.
        let at_once = target == Band::Unknown || self.band == Band::Unknown;
        let days = match self.candidate {
            Some((candidate, days)) if candidate == target => days + 1,
            _ => 1,
        };
        if target == self.band {
            self.candidate = None;
        } else if at_once || days >= bands.dwell_days {
            (self.band, self.candidate) = (target, None);
        } else {
            self.candidate = Some((target, days));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Band::{AtRisk, Critical, Healthy};
    use super::*;
    use proptest::prelude::*;

    fn day(number: i64) -> NaiveDate {
        plus_days(NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date"), number)
    }

    /// Scores of days 0, 1, 2 and so on; none before.
    fn bands_of(bands: &Bands, scores: &[f64], first: i64) -> Vec<Band> {
        let last = i64::try_from(scores.len()).expect("few") - 1;
        bands.settle(day(first), day(last), |on| {
            let index = usize::try_from((on - day(0)).num_days()).ok()?;
            scores.get(index).copied()
        })
    }

    #[test]
    fn lower_bounds_are_inclusive() {
        let bands = Bands::default();
        for (score, band) in [
            (100.0, Band::Healthy),
            (70.0, Band::Healthy),
            (69.999, Band::AtRisk),
            (40.0, Band::AtRisk),
            (39.9, Band::Critical),
            (0.0, Band::Critical),
        ] {
            assert_eq!((bands.plain(Some(score)), bands_of(&bands, &[score], 0)), (band, vec![band]), "{score}");
        }
        assert_eq!(bands.plain(None), Band::Unknown);
    }

    #[test]
    fn upper_bounds_may_be_inclusive() {
        let bands = Bands { bounds: Bounds::UpperInclusive, ..Bands::default() };
        for (score, band) in [(70.001, Healthy), (70.0, AtRisk), (40.001, AtRisk), (40.0, Critical), (0.0, Critical)] {
            assert_eq!((bands.plain(Some(score)), bands_of(&bands, &[score], 0)), (band, vec![band]), "{score}");
        }
        let reluctant = Bands { hysteresis_points: 3.0, ..bands };
        assert_eq!(
            bands_of(&reluctant, &[75.0, 67.1, 67.0, 73.0, 73.1], 0),
            [Healthy, Healthy, AtRisk, AtRisk, Healthy]
        );
    }

    #[test]
    fn a_margin_keeps_what_hovers_from_flapping() {
        let bands = Bands { hysteresis_points: 3.0, ..Bands::default() };
        let found = bands_of(&bands, &[75.0, 69.0, 71.0, 67.0, 66.9, 71.0, 72.9, 73.0], 0);
        assert_eq!(found, [Healthy, Healthy, Healthy, Healthy, AtRisk, AtRisk, AtRisk, Healthy]);
    }

    #[test]
    fn a_band_changes_after_its_days() {
        let bands = Bands { dwell_days: 3, ..Bands::default() };
        let found = bands_of(&bands, &[80.0, 50.0, 50.0, 80.0, 50.0, 50.0, 50.0, 20.0, 50.0, 20.0, 20.0, 20.0], 0);
        assert_eq!(
            found,
            [Healthy, Healthy, Healthy, Healthy, Healthy, Healthy, AtRisk, AtRisk, AtRisk, AtRisk, AtRisk, Critical]
        );
    }

    #[test]
    fn what_is_not_known_is_said_at_once() {
        let bands = Bands { dwell_days: 3, hysteresis_points: 5.0, ..Bands::default() };
        let scores = [Some(80.0), None, Some(69.0)];
        let found = bands.settle(day(0), day(2), |on| {
            scores.get(usize::try_from((on - day(0)).num_days()).ok()?).copied().flatten()
        });
        assert_eq!(found, [Band::Healthy, Band::Unknown, Band::AtRisk]);
    }

    proptest! {
        /// The band does not depend on the first day requested.
        #[test]
        fn the_band_of_a_day_is_the_same_from_wherever(
            scores in prop::collection::vec((0u32..20).prop_map(|step| f64::from(step) * 5.0), 40),
            margin in 0u32..3, dwell_days in 1u32..5, first in 0i64..40, is_upper in any::<bool>(),
        ) {
            let bounds = if is_upper { Bounds::UpperInclusive } else { Bounds::LowerInclusive };
            let bands = Bands { bounds, hysteresis_points: f64::from(margin) * 2.5, dwell_days, ..Bands::default() };
            let (all, some) = (bands_of(&bands, &scores, 0), bands_of(&bands, &scores, first));
            prop_assert_eq!(&all[usize::try_from(first).expect("small")..], &some[..]);
        }
    }
}
