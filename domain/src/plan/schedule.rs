//! Schedule status, computed from dates on every request and never stored.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::plan::calendar::Calendar;
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

/// Dates of one milestone; the input of [`assess`].
#[derive(Debug, Clone, Copy)]
pub struct Timeline<'a> {
    /// Planned date in the baseline in force.
    pub planned_on: NaiveDate,
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
}

/// Schedule of a milestone as of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Status as of the date.
    pub status: Status,
    /// Planned date that the milestone is measured against.
    pub planned_on: NaiveDate,
    /// Forecast date recorded by then; the planned date if there was none.
    pub forecast_on: NaiveDate,
    /// Forecast date, but never in the past while the milestone is open; the actual date once achieved.
    pub effective_forecast_on: NaiveDate,
    /// Effective forecast (or actual date) minus planned date, in days of the plan's calendar; negative means early.
    pub variance_days: i64,
    /// Whether the milestone is open and its forecast has passed, or was not updated within the agreed interval.
    pub stale: bool,
    /// Whether the milestone is open and its planned date has passed.
    pub overdue: bool,
    /// Number of forecast changes recorded by then.
    pub forecast_changes: usize,
    /// Whether a forecast change took it from on track to delayed without being at risk in between.
    pub skipped_warning: bool,
    /// Whether the milestone is overdue and the miss was not explained.
    pub unexplained_miss: bool,
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

/// Assesses the milestone at the end of `as_of`, from the records made by then.
pub fn assess(timeline: &Timeline<'_>, as_of: NaiveDate, terms: &Terms) -> Standing {
    let known = recorded_by(timeline.forecasts, as_of);
    let forecast_on = known.last().map_or(timeline.planned_on, |change| change.forecast_on);
    let closed = timeline.closed_on.filter(|on| *on <= as_of && !timeline.state.is_open());
    let effective_forecast_on = match (closed, timeline.state) {
        (Some(actual_on), State::Achieved) => actual_on,
        (Some(_), _) => forecast_on,
        (None, _) => forecast_on.max(as_of),
    };
    let variance_days = terms.calendar.days_between(timeline.planned_on, effective_forecast_on);
    let is_untouched = timeline.touched_on.is_some_and(|on| days_between(on, as_of) > terms.update_interval_days);
    let overdue = closed.is_none() && timeline.planned_on < as_of;
    let is_explained =
        timeline.misses.iter().any(|miss| miss.missed_on == timeline.planned_on && miss.recorded_on <= as_of);
    Standing {
        planned_on: timeline.planned_on,
        status: match (closed, timeline.state) {
            (Some(_), State::Achieved) => Status::Achieved,
            (Some(_), State::Waived) => Status::Waived,
            (Some(_), State::Cancelled) => Status::Cancelled,
            _ => status_of(variance_days, terms.at_risk_limit_days),
        },
        forecast_on,
        effective_forecast_on,
        variance_days,
        stale: closed.is_none() && (forecast_on < as_of || is_untouched),
        overdue,
        unexplained_miss: overdue && !is_explained,
        forecast_changes: known.len(),
        skipped_warning: skipped_warning(timeline.planned_on, known, terms),
    }
}

/// Returns the changes recorded on or before `as_of`; the input is sorted oldest first.
fn recorded_by(forecasts: &[Forecast], as_of: NaiveDate) -> &[Forecast] {
    let known = forecasts.partition_point(|change| change.recorded_on <= as_of);
    &forecasts[..known]
}

/// Returns whether the status reported at the end of a day of changes was delayed although it was on track before.
/// A date that was mistyped and corrected within the day counts as never reported.
fn skipped_warning(planned_on: NaiveDate, known: &[Forecast], terms: &Terms) -> bool {
    let mut forecast_on = planned_on;
    known.chunk_by(|one, next| one.recorded_on == next.recorded_on).filter_map(<[Forecast]>::last).any(|change| {
        let reported = |forecast: NaiveDate| {
            let days = terms.calendar.days_between(planned_on, forecast.max(change.recorded_on));
            status_of(days, terms.at_risk_limit_days)
        };
        let skipped = reported(forecast_on) == Status::OnTrack && reported(change.forecast_on) == Status::Delayed;
        forecast_on = change.forecast_on;
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
    /// Effective forecast on that day.
    pub effective_forecast_on: NaiveDate,
}

/// Returns every change of status from `start_on` to `until`, oldest first; the first entry is the initial status.
pub fn status_history(
    timeline: &Timeline<'_>,
    start_on: NaiveDate,
    until: NaiveDate,
    terms: &Terms,
) -> Vec<StatusChange> {
    let mut changes: Vec<StatusChange> = vec![];
    for day in start_on.iter_days().take_while(|day| *day <= until) {
        let standing = assess(timeline, day, terms);
        if changes.last().is_none_or(|last| last.status != standing.status) {
            let Standing { status, effective_forecast_on, .. } = standing;
            changes.push(StatusChange { from_on: day, status, effective_forecast_on });
        }
        if timeline.closed_on.is_some_and(|on| on <= day) && !timeline.state.is_open() {
            break;
        }
    }
    changes
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
        let timeline = Timeline {
            planned_on: day(planned),
            state,
            closed_on,
            forecasts: &forecasts,
            touched_on: None,
            misses: &[],
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
        assert_eq!(standing.effective_forecast_on, day(13));
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
            let (planned_on, state) = (day(10), State::Planned);
            let timeline =
                Timeline { planned_on, state, closed_on: None, forecasts: &[], touched_on: None, misses: &misses };
            assess(&timeline, day(as_of), &Terms::default()).unexplained_miss
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
                planned_on: day(60),
                state: State::Planned,
                closed_on: None,
                forecasts: &[],
                touched_on,
                misses: &[],
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
            planned_on: day(13),
            state: State::Planned,
            closed_on: None,
            forecasts: &forecasts,
            touched_on: None,
            misses: &[],
        };
        assert_eq!(assess(&timeline, day(2), &terms).variance_days, 3, "16, 17, 18, and not the holiday on the 19th");
    }

    #[test]
    fn the_history_of_a_status() {
        let forecasts = [Forecast { recorded_on: day(5), forecast_on: day(14) }];
        let timeline = |closed: Option<i64>| Timeline {
            planned_on: day(10),
            state: if closed.is_some() { State::Achieved } else { State::InProgress },
            closed_on: closed.map(day),
            forecasts: &forecasts,
            touched_on: None,
            misses: &[],
        };
        let history = |closed, until| {
            let changes = status_history(&timeline(closed), day(0), day(until), &Terms::default());
            changes.iter().map(|one| (days_between(day(0), one.from_on), one.status)).collect::<Vec<_>>()
        };
        let open = vec![(0, Status::OnTrack), (5, Status::AtRisk), (18, Status::Delayed)];
        assert_eq!(history(None, 40), open);
        assert_eq!(history(Some(16), 40), [(0, Status::OnTrack), (5, Status::AtRisk), (16, Status::Achieved)]);
        assert_eq!(history(None, 4), open[..1]);
    }

    proptest! {
        /// An open milestone is never reported with a forecast in the past.
        #[test]
        fn open_is_never_in_the_past(planned in 0i64..60, changes in prop::collection::vec((0i64..60, -20i64..90), 0..6), as_of in 0i64..120) {
            let mut changes = changes;
            changes.sort_unstable();
            let standing = at(planned, &changes, State::InProgress, None, as_of);
            prop_assert!(standing.effective_forecast_on >= day(as_of));
            prop_assert_eq!(standing.variance_days, (standing.effective_forecast_on - day(planned)).num_days());
            prop_assert_eq!(standing.stale, standing.forecast_on < day(as_of));
        }
    }
}
