//! Schedule status: computed from dates at every question, never stored.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::plan::calendar::Calendar;
use crate::plan::milestone::{MilestoneRule, State};
use crate::values::dates::days_between;

/// How a milestone stands against its planned date.
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
    /// Forecast late, but by no more than the plan's limit (7 days unless set otherwise).
    AtRisk,
    /// Forecast late by more than the limit.
    Delayed,
    /// Done; its variance stays what it was.
    Achieved,
    /// Agreed not to be needed.
    Waived,
    /// Dropped.
    Cancelled,
}

/// One recorded change of a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// The day the change was recorded.
    pub recorded_on: NaiveDate,
    /// The date expected from then on.
    pub forecast_on: NaiveDate,
}

/// The default limit between at risk and delayed, in days (one week, as in the delivery article).
pub const DEFAULT_AT_RISK_LIMIT_DAYS: i64 = 7;
/// The default of how long a forecast may go without a look, in days (weekly, as in the delivery article).
pub const DEFAULT_UPDATE_INTERVAL_DAYS: i64 = 7;

/// What a plan has agreed on about time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The largest variance that is still at risk and not delayed, in days of the calendar.
    pub at_risk_limit_days: i64,
    /// How long an open milestone's forecast may go without being looked at, in calendar days.
    pub update_interval_days: i64,
    /// The days that count.
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

/// A planned date that passed, and was explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Miss {
    /// The planned date that was missed.
    pub missed_on: NaiveDate,
    /// The day it was explained.
    pub recorded_on: NaiveDate,
}

/// The dates of one milestone: what [`assess`] looks at.
#[derive(Debug, Clone, Copy)]
pub struct Timeline<'a> {
    /// Date in the baseline in force.
    pub planned_on: NaiveDate,
    /// State now.
    pub state: State,
    /// The day it was achieved, waived or cancelled.
    pub closed_on: Option<NaiveDate>,
    /// Every forecast change, oldest first.
    pub forecasts: &'a [Forecast],
    /// The day its forecast was last given or confirmed, or work on it reported; nothing where that is not known.
    pub touched_on: Option<NaiveDate>,
    /// Misses that were explained.
    pub misses: &'a [Miss],
}

/// What can be said of a milestone's schedule at a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The status at that date.
    pub status: Status,
    /// The planned date it is measured against.
    pub planned_on: NaiveDate,
    /// What the owner had said by then; the planned date if nothing.
    pub forecast_on: NaiveDate,
    /// The same, but never in the past while the milestone is open; the actual date once achieved.
    pub effective_forecast_on: NaiveDate,
    /// Effective forecast (or actual date) minus planned date, in days of the plan's calendar; negative is early.
    pub variance_days: i64,
    /// Open, and its forecast has passed without a new one, or nobody has looked at it for longer than agreed.
    pub stale: bool,
    /// Open, and its planned date has passed.
    pub overdue: bool,
    /// How often the forecast had changed by then.
    pub forecast_changes: usize,
    /// Whether some change took it from on track to delayed with no at-risk in between.
    pub skipped_warning: bool,
    /// Overdue, and nobody has explained why.
    pub unexplained_miss: bool,
}

/// Status of a late or early forecast: `<= 0` on track, up to `at_risk_limit_days` at risk, beyond it delayed.
pub const fn status_of(variance_days: i64, at_risk_limit_days: i64) -> Status {
    if variance_days <= 0 {
        Status::OnTrack
    } else if variance_days <= at_risk_limit_days {
        Status::AtRisk
    } else {
        Status::Delayed
    }
}

/// How the milestone stood at the end of `as_of`, from what was recorded by then.
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

/// The changes recorded on or before `as_of`; they are kept oldest first.
fn recorded_by(forecasts: &[Forecast], as_of: NaiveDate) -> &[Forecast] {
    let known = forecasts.partition_point(|change| change.recorded_on <= as_of);
    &forecasts[..known]
}

/// The warning is skipped when what was reported at the end of one day was on track, and at the end of the day of a change delayed.
/// A date that was mistyped and mended within the day was never reported.
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

/// A milestone's status over time: each day on which what was reported of it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusChange {
    /// The first day of it.
    pub from_on: NaiveDate,
    /// The status from then on.
    pub status: Status,
    /// The effective forecast on that day.
    pub effective_forecast_on: NaiveDate,
}

/// Every change of status from `start_on` to `until`, oldest first; the first entry is how it began.
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
        /// The system does not lie: an open milestone is never reported with a forecast in the past.
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
