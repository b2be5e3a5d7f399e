//! Schedule status, computed from dates on every request and never stored.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::plan::calendar::Calendar;
use crate::plan::hold::{Hold, on_hold_since};
use crate::plan::milestone::{MilestoneRule, State};
use crate::values::dates::days_between;

/// Status of a milestone relative to its planned date.
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
pub enum Status {
    /// Forecast on or before the planned date.
    OnTrack,
    /// Forecast after the planned date, but by no more than the limit of the plan (7 days by default).
    AtRisk,
    /// Forecast after the planned date by more than the limit.
    Delayed,
    /// Achieved; the variance no longer changes.
    Achieved,
    /// Agreed to be unnecessary.
    Waived,
    /// Canceled.
    Cancelled,
}

/// Recorded forecast change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// Day on which the change was recorded.
    pub recorded_on: NaiveDate,
    /// Forecast date from then on.
    pub forecast_on: NaiveDate,
}

/// Default limit between at risk and delayed, in days (one week, as in the delivery article).
pub const DEFAULT_AT_RISK_LIMIT_DAYS: i64 = 7;
/// Default interval within which a forecast must be confirmed, in days (weekly, as in the delivery article).
pub const DEFAULT_UPDATE_INTERVAL_DAYS: i64 = 7;

/// Terms of a plan for time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Largest variance that counts as at risk instead of delayed, in days of the calendar of the plan.
    pub at_risk_limit_days: i64,
    /// Interval within which the forecast of an open milestone must be updated or confirmed, in calendar days.
    pub update_interval_days: i64,
    /// Calendar of the plan.
    pub calendar: Calendar,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            at_risk_limit_days: DEFAULT_AT_RISK_LIMIT_DAYS,
            update_interval_days: DEFAULT_UPDATE_INTERVAL_DAYS,
            calendar: Calendar::every_day(),
        }
    }
}

/// Missed planned date that was explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Miss {
    /// Missed planned date.
    pub missed_on: NaiveDate,
    /// Day on which it was explained.
    pub recorded_on: NaiveDate,
}

/// Planned date of a milestone from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// First day on which the planned date is in force. The first promise is also in force on all earlier days.
    pub from_on: NaiveDate,
    /// Planned date.
    pub planned_on: NaiveDate,
}

/// Dates of one milestone; the input of [`assess`].
#[derive(Debug, Clone, Copy)]
pub struct Timeline<'a> {
    /// Planned dates by baseline, oldest first; never empty.
    pub promises: &'a [Promise],
    /// Current state.
    pub state: State,
    /// Day on which it was achieved, waived or canceled.
    pub closed_on: Option<NaiveDate>,
    /// All forecast changes, oldest first.
    pub forecasts: &'a [Forecast],
    /// Day on which the forecast was last given or confirmed, or work was last reported; `None` if unknown.
    pub touched_on: Option<NaiveDate>,
    /// Explained misses.
    pub misses: &'a [Miss],
    /// Times in which the plan was on hold: dates in them are not missed.
    pub holds: &'a [Hold],
}

impl Timeline<'_> {
    /// Returns the planned date in force on a day.
    pub fn planned_on(&self, day: NaiveDate) -> NaiveDate {
        let in_force = self.promises.iter().rev().find(|promise| promise.from_on <= day);
        in_force.or_else(|| self.promises.first()).map_or(day, |promise| promise.planned_on)
    }

    /// Returns the latest planned date that passed by the end of `as_of` while the milestone was open, and that no miss
    /// report explains. A later baseline does not undo a miss; a report also covers the misses before the one that it names.
    fn unexplained_miss_on(&self, as_of: NaiveDate) -> Option<NaiveDate> {
        let replaced_on = self.promises.iter().skip(1).map(|next| next.from_on).chain([NaiveDate::MAX]);
        let missed = self.promises.iter().zip(replaced_on).filter(|(promise, replaced_on)| {
            promise.from_on <= as_of
                && promise.planned_on < as_of.min(*replaced_on)
                && on_hold_since(self.holds, promise.planned_on).is_none()
        });
        let missed_on = missed.map(|(promise, _)| promise.planned_on).max()?;
        let mut reports = self.misses.iter().filter(|miss| miss.recorded_on <= as_of);
        (!reports.any(|miss| miss.missed_on >= missed_on)).then_some(missed_on)
    }
}

/// A milestone that pushes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pusher {
    /// Milestone of the same plan, by position.
    Own(usize),
    /// Milestone of another plan, by position among those that the plan waits for.
    External(usize),
}

impl Pusher {
    /// Returns the position of a milestone of the same plan.
    pub const fn own(self) -> Option<usize> {
        match self {
            Self::Own(position) => Some(position),
            Self::External(_) => None,
        }
    }
}

/// What pushes the reckoned date of a milestone beyond its owner's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Push {
    /// Milestone that it waits for.
    pub by: Pusher,
    /// Days of the plan's calendar between the owner's word, or today if that has passed, and the reckoned date.
    pub days: i64,
}

/// Schedule of a milestone as of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Status as of the date.
    pub status: Status,
    /// Planned date that the milestone is measured against.
    pub planned_on: NaiveDate,
    /// Planned date in the first baseline that includes the milestone.
    pub first_planned_on: NaiveDate,
    /// Owner's own word: the forecast date recorded by then, or the planned date if there was none.
    pub forecast_on: NaiveDate,
    /// Reckoned date: while the milestone is open, the owner's word, but not before `as_of` and not before what it waits
    /// for allows; the actual date once achieved.
    pub reckoned_on: NaiveDate,
    /// What pushes the reckoned date beyond the owner's word.
    pub pushed: Option<Push>,
    /// Reckoned date minus planned date, in days of the plan's calendar; negative means early.
    pub variance_days: i64,
    /// Reckoned date minus first planned date, in days of the plan's calendar; negative means early.
    pub first_variance_days: i64,
    /// Whether the milestone is open and its forecast has passed, or was not updated within the agreed interval.
    pub stale: bool,
    /// Whether the milestone is open and its planned date has passed.
    pub overdue: bool,
    /// Number of forecast changes recorded by then.
    pub forecast_changes: usize,
    /// Whether a forecast change took it from on track to delayed without being at risk in between.
    pub skipped_warning: bool,
    /// Planned date, of this or of an earlier baseline, that passed while the milestone was open and was not explained.
    /// `None` if there is none or the milestone is closed.
    pub missed_on: Option<NaiveDate>,
}

impl Standing {
    /// Whether the milestone is open at the date.
    pub const fn is_open(&self) -> bool {
        matches!(self.status, Status::OnTrack | Status::AtRisk | Status::Delayed)
    }

    /// Moves the reckoned date of an open milestone to what a milestone that it waits for allows.
    #[must_use]
    pub fn pushed_to(self, on: NaiveDate, by: Pusher, terms: &Terms) -> Self {
        let days = terms.calendar.days_between(self.reckoned_on, on);
        let variance_days = terms.calendar.days_between(self.planned_on, on);
        Self {
            reckoned_on: on,
            pushed: Some(Push { by, days }),
            variance_days,
            first_variance_days: terms.calendar.days_between(self.first_planned_on, on),
            status: status_of(variance_days, terms.at_risk_limit_days),
            ..self
        }
    }
}

/// Returns the status for a variance: `<= 0` is on track, up to `at_risk_limit_days` is at risk, beyond is delayed.
pub const fn status_of(variance_days: i64, at_risk_limit_days: i64) -> Status {
    if variance_days <= 0 {
        Status::OnTrack
    } else if variance_days <= at_risk_limit_days {
        Status::AtRisk
    } else {
        Status::Delayed
    }
}

/// Assesses the milestone by itself at the end of `as_of`, from the records made by then. What it waits for is left to
/// [`Standing::pushed_to`].
pub fn assess(timeline: &Timeline<'_>, as_of: NaiveDate, terms: &Terms) -> Standing {
    let known = recorded_by(timeline.forecasts, as_of);
    let planned_on = timeline.planned_on(as_of);
    let first_planned_on = timeline.promises.first().map_or(planned_on, |first| first.planned_on);
    let forecast_on = known.last().map_or(planned_on, |change| change.forecast_on);
    let closed = timeline.closed_on.filter(|on| *on <= as_of && !timeline.state.is_open());
    let reckoned_on = match (closed, timeline.state) {
        (Some(actual_on), State::Achieved) => actual_on,
        (Some(_), _) => forecast_on,
        (None, _) => forecast_on.max(as_of),
    };
    let variance_days = terms.calendar.days_between(planned_on, reckoned_on);
    let is_untouched = timeline.touched_on.is_some_and(|on| days_between(on, as_of) > terms.update_interval_days);
    let is_open = closed.is_none();
    Standing {
        planned_on,
        first_planned_on,
        status: match (closed, timeline.state) {
            (Some(_), State::Achieved) => Status::Achieved,
            (Some(_), State::Waived) => Status::Waived,
            (Some(_), State::Cancelled) => Status::Cancelled,
            _ => status_of(variance_days, terms.at_risk_limit_days),
        },
        forecast_on,
        reckoned_on,
        pushed: None,
        variance_days,
        first_variance_days: terms.calendar.days_between(first_planned_on, reckoned_on),
        stale: is_open && (forecast_on < as_of || is_untouched),
        overdue: is_open && planned_on < as_of,
        missed_on: is_open.then(|| timeline.unexplained_miss_on(as_of)).flatten(),
        forecast_changes: known.len(),
        skipped_warning: skipped_warning(timeline, known, terms),
    }
}

/// Returns the changes recorded on or before `as_of`; the input is sorted oldest first.
fn recorded_by(forecasts: &[Forecast], as_of: NaiveDate) -> &[Forecast] {
    let known = forecasts.partition_point(|change| change.recorded_on <= as_of);
    &forecasts[..known]
}

/// Returns whether the status reported at the end of a day of changes was delayed although it was on track before.
/// A date that was mistyped and corrected within the day counts as never reported.
fn skipped_warning(timeline: &Timeline<'_>, known: &[Forecast], terms: &Terms) -> bool {
    let mut forecast_on: Option<NaiveDate> = None;
    known.chunk_by(|one, next| one.recorded_on == next.recorded_on).filter_map(<[Forecast]>::last).any(|change| {
        let planned_on = timeline.planned_on(change.recorded_on);
        let reported = |forecast: NaiveDate| {
            let days = terms.calendar.days_between(planned_on, forecast.max(change.recorded_on));
            status_of(days, terms.at_risk_limit_days)
        };
        let before_on = forecast_on.unwrap_or(planned_on);
        let skipped = reported(before_on) == Status::OnTrack && reported(change.forecast_on) == Status::Delayed;
        forecast_on = Some(change.forecast_on);
        skipped
    })
}

/// Change in the status of a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusChange {
    /// First day of the status.
    pub from_on: NaiveDate,
    /// Status from then on.
    pub status: Status,
    /// Reckoned date on that day.
    pub reckoned_on: NaiveDate,
    /// Planned date on that day.
    pub planned_on: NaiveDate,
}

/// Whether a client can have taken note of a date change: only of one that was told.
pub const fn may_acknowledge(was_communicated: bool) -> Result<(), MilestoneRule> {
    if was_communicated { Ok(()) } else { Err(MilestoneRule::NotCommunicated) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(n: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date") + chrono::Duration::days(n)
    }

    fn at(planned: i64, forecasts: &[(i64, i64)], state: State, closed: Option<i64>, as_of: i64) -> Standing {
        let forecasts: Vec<Forecast> =
            forecasts.iter().map(|(on, to)| Forecast { recorded_on: day(*on), forecast_on: day(*to) }).collect();
        let closed_on = closed.map(day);
        let promises = [Promise { from_on: day(0), planned_on: day(planned) }];
        let timeline = Timeline {
            promises: &promises,
            state,
            closed_on,
            forecasts: &forecasts,
            touched_on: None,
            misses: &[],
            holds: &[],
        };
        assess(&timeline, day(as_of), &Terms::default())
    }

    /// Thresholds from the delivery article: on track, within one week, beyond one week.
    #[test]
    fn status_by_variance() {
        for (variance, expected) in [
            (-3, Status::OnTrack),
            (0, Status::OnTrack),
            (1, Status::AtRisk),
            (7, Status::AtRisk),
            (8, Status::Delayed),
        ] {
            assert_eq!(at(30, &[(1, 30 + variance)], State::InProgress, None, 2).status, expected, "{variance} days");
        }
    }

    #[test]
    fn a_passed_forecast_is_stale_and_counts_as_today() {
        let standing = at(10, &[], State::Planned, None, 13);
        assert_eq!((standing.stale, standing.overdue, standing.variance_days), (true, true, 3));
        assert_eq!(standing.reckoned_on, day(13));
        assert_eq!(standing.forecast_on, day(10));
        assert_eq!(standing.status, Status::AtRisk);
        let on_the_day = at(10, &[], State::Planned, None, 10);
        assert!(!on_the_day.stale && !on_the_day.overdue);
    }

    #[test]
    fn achieved_keeps_its_variance() {
        let standing = at(10, &[(5, 30)], State::Achieved, Some(22), 90);
        assert_eq!((standing.status, standing.variance_days, standing.stale), (Status::Achieved, 12, false));
        let before = at(10, &[(5, 30)], State::Achieved, Some(22), 21);
        assert_eq!((before.status, before.variance_days), (Status::Delayed, 20));
    }

    #[test]
    fn a_miss_is_explained_for_the_date_it_missed() {
        let unexplained = |misses: &[(i64, i64)], as_of| {
            let misses: Vec<Miss> =
                misses.iter().map(|(missed, on)| Miss { missed_on: day(*missed), recorded_on: day(*on) }).collect();
            let (promises, state) = (&[Promise { from_on: day(0), planned_on: day(10) }], State::Planned);
            let timeline = Timeline {
                promises,
                state,
                closed_on: None,
                forecasts: &[],
                touched_on: None,
                misses: &misses,
                holds: &[],
            };
            assess(&timeline, day(as_of), &Terms::default()).missed_on.is_some()
        };
        assert_eq!([unexplained(&[], 10), unexplained(&[], 11)], [false, true]);
        assert_eq!([unexplained(&[(10, 12)], 11), unexplained(&[(10, 12)], 12)], [true, false]);
        assert!(unexplained(&[(8, 9)], 11), "an earlier date's explanation is not this one's");
    }

    #[test]
    fn what_was_recorded_later_is_not_known_yet() {
        let standing = at(10, &[(5, 12), (8, 40)], State::InProgress, None, 7);
        assert_eq!((standing.forecast_on, standing.forecast_changes), (day(12), 1));
    }

    #[test]
    fn green_to_red_without_yellow() {
        assert!(at(10, &[(5, 40)], State::InProgress, None, 6).skipped_warning);
        assert!(!at(10, &[(5, 14), (6, 40)], State::InProgress, None, 7).skipped_warning);
        assert!(!at(10, &[(5, 400), (5, 12)], State::InProgress, None, 7).skipped_warning, "mistyped, and mended");
        assert!(
            !at(10, &[(13, 40)], State::InProgress, None, 14).skipped_warning,
            "it was reported at risk from day 11"
        );
    }

    #[test]
    fn an_unwatched_forecast_is_stale() {
        let untouched = |touched: Option<i64>, as_of| {
            let touched_on = touched.map(day);
            let timeline = Timeline {
                promises: &[Promise { from_on: day(0), planned_on: day(60) }],
                state: State::Planned,
                closed_on: None,
                forecasts: &[],
                touched_on,
                misses: &[],
                holds: &[],
            };
            assess(&timeline, day(as_of), &Terms::default()).stale
        };
        assert_eq!([untouched(Some(1), 8), untouched(Some(1), 9), untouched(None, 9)], [false, true, false]);
    }

    #[test]
    fn a_variance_counts_the_calendars_days() {
        // Sunday 1 March plus 13 is Saturday the 14th: business days see Monday the 16th.
        let terms = Terms { calendar: Calendar::business_days(&[day(18)]), ..Terms::default() };
        let forecasts = [Forecast { recorded_on: day(1), forecast_on: day(19) }];
        let timeline = Timeline {
            promises: &[Promise { from_on: day(0), planned_on: day(13) }],
            state: State::Planned,
            closed_on: None,
            forecasts: &forecasts,
            touched_on: None,
            misses: &[],
            holds: &[],
        };
        assert_eq!(assess(&timeline, day(2), &terms).variance_days, 3, "16, 17, 18, and not the holiday on the 19th");
    }

    /// A milestone planned for day 10 stays open; a baseline of day 25 promises day 40.
    #[test]
    fn a_new_baseline_erases_no_miss() {
        let promise = |from: i64, planned: i64| Promise { from_on: day(from), planned_on: day(planned) };
        let promises = [promise(0, 10), promise(25, 40)];
        let seen = |misses: &[Miss], closed: Option<i64>, as_of| {
            let state = if closed.is_some() { State::Achieved } else { State::InProgress };
            let (closed_on, promises) = (closed.map(day), &promises);
            let timeline =
                Timeline { promises, state, closed_on, forecasts: &[], touched_on: None, misses, holds: &[] };
            assess(&timeline, day(as_of), &Terms::default())
        };
        let of = |standing: Standing| {
            (standing.variance_days, standing.first_variance_days, standing.missed_on, standing.status)
        };
        assert_eq!(of(seen(&[], None, 24)), (14, 14, Some(day(10)), Status::Delayed));
        assert_eq!(of(seen(&[], None, 30)), (0, 30, Some(day(10)), Status::OnTrack));
        assert_eq!(of(seen(&[], None, 41)), (1, 31, Some(day(40)), Status::AtRisk));
        assert_eq!(of(seen(&[], Some(38), 41)), (-2, 28, None, Status::Achieved));
        let told = [Miss { missed_on: day(10), recorded_on: day(26) }];
        assert_eq!(seen(&told, None, 25).missed_on, Some(day(10)), "not explained yet");
        assert_eq!(seen(&told, None, 30).missed_on, None);
        assert_eq!(seen(&told, None, 41).missed_on, Some(day(40)), "the second miss needs its own report");
        let told = [Miss { missed_on: day(40), recorded_on: day(42) }];
        assert_eq!(seen(&told, None, 42).missed_on, None, "one report explains both");
    }

    #[test]
    fn a_baseline_in_time_leaves_no_miss() {
        let promises = [10, 40].map(|planned| Promise { from_on: day(planned - 1), planned_on: day(planned) });
        let state = State::Planned;
        let promises = [promises[0], Promise { from_on: day(10), ..promises[1] }];
        let timeline = Timeline {
            promises: &promises,
            state,
            closed_on: None,
            forecasts: &[],
            touched_on: None,
            misses: &[],
            holds: &[],
        };
        assert_eq!(assess(&timeline, day(30), &Terms::default()).missed_on, None);
    }

    proptest! {
        /// An open milestone is never reported with a forecast in the past.
        #[test]
        fn open_is_never_in_the_past(planned in 0i64..60, changes in prop::collection::vec((0i64..60, -20i64..90), 0..6), as_of in 0i64..120) {
            let mut changes = changes;
            changes.sort_unstable();
            let standing = at(planned, &changes, State::InProgress, None, as_of);
            prop_assert!(standing.reckoned_on >= day(as_of));
            prop_assert_eq!(standing.variance_days, (standing.reckoned_on - day(planned)).num_days());
            prop_assert_eq!(standing.stale, standing.forecast_on < day(as_of));
        }
    }
}
