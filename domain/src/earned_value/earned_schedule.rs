//! Earned schedule (ES): the progress of a project along its own plan, in units of time.
//!
//! ES is the time at which the plan expected the value earned so far (W. Lipke, *Schedule is Different*, The
//! Measurable News, Summer 2003; PMI, *Practice Standard for Earned Value Management*, 2nd ed., 2011, appendix D):
//! ES = C + I, where C is the number of whole periods whose PV has been earned and I is the earned share of the next
//! period. SV(t) = ES − AT, SPI(t) = ES / AT, IEAC(t) = PD / SPI(t) and TSPI = (PD − ES) / (PD − AT). The p-factor is
//! the share of the value expected by ES that was earned as planned (W. Lipke, *Connecting Earned Value to the
//! Schedule*, The Measurable News, Winter 2004). Unlike SPI, SPI(t) does not return to 1 when a late project ends.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::earned_value::undefined::Undefined;
use crate::plan::calendar::Calendar;
use crate::values::dates::{days_between, plus_days};

/// Unit of time of the earned schedule.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
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
pub enum Period {
    /// Calendar days.
    Day,
    /// Periods of seven days, counted from the plan's start.
    #[default]
    Week,
    /// Calendar months, counted from the plan's start.
    Month,
}

impl Period {
    /// Returns the first day of a period. Periods are counted from 0 at the plan's start.
    pub fn starts_on(self, start_on: NaiveDate, number: u32) -> NaiveDate {
        match self {
            Self::Day => plus_days(start_on, i64::from(number)),
            Self::Week => plus_days(start_on, i64::from(number) * 7),
            Self::Month => start_on.checked_add_months(Months::new(number)).unwrap_or(NaiveDate::MAX),
        }
    }

    /// Returns the number of the period that contains a day; 0 for days before the plan's start.
    pub fn number_of(self, start_on: NaiveDate, day: NaiveDate) -> u32 {
        let days = u32::try_from(days_between(start_on, day)).unwrap_or(0);
        let mut number = match self {
            Self::Day => days,
            Self::Week => days / 7,
            // A lower bound: no month has more than 31 days. The loop below counts on from there.
            Self::Month => days / 31,
        };
        // At the end of the calendar the next period no longer begins later than this one.
        let next_on = |number: u32| {
            Some(self.starts_on(start_on, number + 1)).filter(|on| *on > self.starts_on(start_on, number))
        };
        while next_on(number).is_some_and(|on| on <= day) {
            number += 1;
        }
        number
    }
}

/// How time is counted: in periods from a plan's start, of which only the days of the plan's calendar count.
#[derive(Debug, Clone, Copy)]
pub struct Timescale<'a> {
    /// First day of the plan.
    pub start_on: NaiveDate,
    /// Unit of time.
    pub period: Period,
    /// Calendar of the plan.
    pub calendar: &'a Calendar,
}

impl Timescale<'_> {
    /// Returns the time from the plan's start to the end of a day, in periods; 0 before the start. Days off pass no time.
    pub fn elapsed(&self, day: NaiveDate) -> f64 {
        if day < self.start_on {
            return 0.0;
        }
        let passed = self.calendar.days_between(self.first_of(self.number_of(day)), plus_days(day, 1));
        f64::from(self.number_of(day)) + share(passed.max(0), self.days_of(self.number_of(day)))
    }

    /// Returns the number of the period that contains a day; 0 for days before the plan's start.
    fn number_of(&self, day: NaiveDate) -> u32 {
        match self.period {
            Period::Day => u32::try_from(self.calendar.days_between(self.start_on, day)).unwrap_or(0),
            Period::Week | Period::Month => self.period.number_of(self.start_on, day),
        }
    }

    fn first_of(&self, number: u32) -> NaiveDate {
        match self.period {
            Period::Day => self.calendar.plus_days(self.start_on, number.into()),
            Period::Week | Period::Month => self.period.starts_on(self.start_on, number),
        }
    }

    /// Returns the number of days of a period that count, at least one.
    fn days_of(&self, number: u32) -> i64 {
        self.calendar.days_between(self.first_of(number), self.first_of(number + 1)).max(1)
    }

    /// Returns the day on which a plan with a duration in periods ends. `None` if the duration is out of range.
    pub fn finish_on(&self, duration: f64) -> Option<NaiveDate> {
        if !(0.0..=120_000.0).contains(&duration) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 120,000")]
        let whole = duration.floor() as u32;
        #[expect(clippy::cast_precision_loss, reason = "days of one period")]
        let days = (duration - f64::from(whole)) * self.days_of(whole) as f64;
        // A whole number of days ends with the day before the next one begins; part of a day ends on that day.
        #[expect(clippy::cast_possible_truncation, reason = "at most a month")]
        let days = (days - 1e-6).ceil() as i64;
        Some(self.calendar.plus_days(self.first_of(whole), days - 1))
    }
}

/// One milestone's planned and earned weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Planned date.
    pub planned_on: NaiveDate,
    /// Weight.
    pub weight: f64,
    /// Earned part of the weight.
    pub earned: f64,
}

/// A plan's earned schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct EarnedSchedule {
    /// Planned duration (PD), in periods.
    pub planned_duration: f64,
    /// Actual time (AT): the time passed, in periods. It stops when everything is earned.
    pub actual_time: f64,
    /// Earned schedule (ES): the time at which the plan expected the value earned so far, in periods, or the reason that it
    /// is undefined.
    pub earned_schedule: Result<f64, Undefined>,
    /// P-factor: the share of the value expected by ES that was earned as planned, from 0 to 1.
    pub p_factor: Result<f64, Undefined>,
    /// Positions of the lines that are behind the plan at ES and thus impeded.
    pub impeded: Vec<usize>,
    /// Positions of the lines that are ahead of the plan at ES: done out of order, and at risk of rework.
    pub ahead: Vec<usize>,
}

impl EarnedSchedule {
    /// Measures a plan at the end of `as_of`. `finished_on` is the day on which everything was earned, or `None`.
    ///
    /// The plan's curve is linear between the ends of periods. Where it is flat at the value earned, ES is AT, kept within
    /// the flat stretch: the plan expected this value all the while. If EV is exactly PV on the day, ES is AT, and what is
    /// behind or ahead of PV on the day is never ahead or behind in time. When everything is earned, ES is the planned
    /// duration. While nothing is planned and nothing is earned, ES is undefined. Returns an error if nothing is in scope.
    pub fn measure(
        lines: &[Line],
        timescale: Timescale<'_>,
        as_of: NaiveDate,
        finished_on: Option<NaiveDate>,
    ) -> Result<Self, Undefined> {
        let last_on = lines.iter().map(|line| line.planned_on).max().ok_or(Undefined::NoScope)?;
        let planned_duration = timescale.elapsed(last_on);
        let periods: Vec<u32> = lines.iter().map(|line| timescale.number_of(line.planned_on)).collect();
        let count = periods.iter().max().map_or(0, |last| *last as usize + 1);
        // PV of each single period.
        let mut planned = vec![0.0; count];
        for (line, number) in lines.iter().zip(&periods) {
            planned[*number as usize] += line.weight;
        }
        let total: f64 = lines.iter().map(|line| line.weight).sum();
        let earned: f64 = lines.iter().map(|line| line.earned).sum();
        // Sums of the same weights in a different order may differ in the last digits.
        let tolerance = total * 1e-9;
        let (mut whole, mut before) = (0, 0.0);
        while whole < count && before + planned[whole] <= earned + tolerance {
            before += planned[whole];
            whole += 1;
        }
        let part = planned.get(whole).map_or(0.0, |next| ((earned - before) / next).clamp(0.0, 1.0));
        let flat = planned[..whole].iter().rev().take_while(|value| **value == 0.0).count();
        #[expect(clippy::cast_precision_loss, reason = "periods of a plan are few")]
        let (since, until) = ((whole - flat) as f64, whole as f64);
        let actual_time = timescale.elapsed(finished_on.map_or(as_of, |on| on.min(as_of)));
        let due = lines.iter().filter(|line| line.planned_on <= as_of);
        let ahead = earned - due.map(|line| line.weight).sum::<f64>();
        let curve = if part * planned.get(whole).copied().unwrap_or_default() <= tolerance {
            actual_time.clamp(since, until)
        } else {
            until + part * (planned_duration - until).clamp(0.0, 1.0)
        };
        let earned_schedule = if whole == count {
            Ok(planned_duration)
        } else if earned <= tolerance && ahead.abs() <= tolerance {
            Err(if as_of < timescale.start_on { Undefined::NotStarted } else { Undefined::NothingPlannedYet })
        } else if ahead.abs() <= tolerance {
            Ok(actual_time.min(planned_duration))
        } else if ahead < 0.0 {
            Ok(curve.min(actual_time))
        } else {
            Ok(curve.max(actual_time))
        };
        let expected = |(line, number): (&Line, &u32)| match (*number as usize).cmp(&whole) {
            std::cmp::Ordering::Less => line.weight,
            std::cmp::Ordering::Equal => line.weight * part,
            std::cmp::Ordering::Greater => 0.0,
        };
        let expected: Vec<f64> = lines.iter().zip(&periods).map(expected).collect();
        let as_planned: f64 = lines.iter().zip(&expected).map(|(line, expected)| line.earned.min(*expected)).sum();
        let expected_total: f64 = expected.iter().sum();
        let differing = |differs: fn(f64, f64, f64) -> bool| {
            let lines = lines.iter().zip(&expected).enumerate();
            lines
                .filter(|(_, (line, expected))| differs(line.earned, **expected, tolerance))
                .map(|(at, _)| at)
                .collect()
        };
        Ok(Self {
            planned_duration,
            actual_time,
            earned_schedule,
            p_factor: if expected_total > 0.0 {
                Ok(as_planned / expected_total)
            } else {
                Err(Undefined::NothingEarnedYet)
            },
            impeded: differing(|earned, expected, tolerance| earned < expected - tolerance),
            ahead: differing(|earned, expected, tolerance| earned > expected + tolerance),
        })
    }

    /// Returns the schedule variance in time, SV(t) = ES − AT, in periods, negative if behind; or the reason that it is
    /// undefined.
    pub fn schedule_variance(&self) -> Result<f64, Undefined> {
        Ok(self.earned_schedule? - self.actual_time)
    }

    /// Returns the schedule performance index in time, SPI(t) = ES / AT, or the reason that it is undefined.
    pub fn schedule_performance_index(&self) -> Result<f64, Undefined> {
        let earned_schedule = self.earned_schedule?;
        if self.actual_time > 0.0 { Ok(earned_schedule / self.actual_time) } else { Err(Undefined::NotStarted) }
    }

    /// Returns the estimated duration at the current pace, IEAC(t) = PD / SPI(t), in periods, or the reason that it
    /// is undefined.
    pub fn estimated_duration(&self) -> Result<f64, Undefined> {
        match self.schedule_performance_index()? {
            index if index > 0.0 => Ok(self.planned_duration / index),
            _ => Err(Undefined::NothingEarnedYet),
        }
    }

    /// Returns the to-complete schedule performance index, TSPI = (PD − ES) / (PD − AT): the pace that the remaining
    /// work needs to end as planned, or the reason that it is undefined.
    pub fn to_complete_index(&self) -> Result<f64, Undefined> {
        if self.actual_time >= self.planned_duration {
            Err(Undefined::PlannedDurationPassed)
        } else {
            Ok((self.planned_duration - self.earned_schedule?) / (self.planned_duration - self.actual_time))
        }
    }

    /// Whether the plan is a watermelon, green outside and red inside: more than 66 % complete, with an SPI that
    /// exceeds SPI(t) by more than 0.10.
    pub fn is_watermelon(&self, earned_percent: f64, spi: f64) -> bool {
        earned_percent > 66.0 && self.schedule_performance_index().is_ok_and(|in_time| spi - in_time > 0.10)
    }
}

fn share(part: i64, whole: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "days of one period")]
    let (part, whole) = (part as f64, whole as f64);
    part / whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVERY_DAY: &Calendar = &Calendar::every_day();

    fn scale(start_on: NaiveDate, period: Period) -> Timescale<'static> {
        Timescale { start_on, period, calendar: EVERY_DAY }
    }

    fn weeks() -> Timescale<'static> {
        scale(start(), Period::Week)
    }

    fn start() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 5).expect("a Monday")
    }

    /// The last day of a week, counting from 1.
    fn week(number: i64) -> NaiveDate {
        plus_days(start(), number * 7 - 1)
    }

    /// Lines planned at the ends of weeks: `(week, weight, earned)`.
    fn lines(of: &[(i64, f64, f64)]) -> Vec<Line> {
        of.iter()
            .map(|(number, weight, earned)| Line { planned_on: week(*number), weight: *weight, earned: *earned })
            .collect()
    }

    fn at(of: &[(i64, f64, f64)], now: i64, finished: Option<i64>) -> EarnedSchedule {
        EarnedSchedule::measure(&lines(of), weeks(), week(now), finished.map(week)).expect("scope")
    }

    fn es(of: &EarnedSchedule) -> f64 {
        of.earned_schedule.expect("an earned schedule")
    }

    fn close(actual: f64, expected: f64) -> bool {
        (actual - expected).abs() < 1e-9
    }

    /// The situation in Lipke's first figure: it is month 7, and the value earned so far was planned for the end of
    /// month 5.
    #[test]
    fn seven_gone_by_five_earned() {
        let plan: Vec<_> = (1..=10).map(|week| (week, 10.0, if week <= 5 { 10.0 } else { 0.0 })).collect();
        let seen = at(&plan, 7, None);
        assert!(close(es(&seen), 5.0) && close(seen.actual_time, 7.0) && seen.schedule_variance() == Ok(-2.0));
        assert!(close(seen.schedule_performance_index().expect("an index"), 5.0 / 7.0));
        assert!(close(seen.estimated_duration().expect("an estimate"), 14.0));
        assert_eq!(weeks().finish_on(14.0), Some(week(14)));
        assert!(close(seen.to_complete_index().expect("an index"), 5.0 / 3.0));
        assert_eq!(seen.p_factor, Ok(1.0));
    }

    /// ES = C + I, by hand: PV 5, 15, 35, 60, 80, 90 and EV 45 give 3 + 10/25.
    #[test]
    fn between_two_points_it_is_linear() {
        let plan = [(1, 5.0, 5.0), (2, 10.0, 10.0), (3, 20.0, 20.0), (4, 25.0, 10.0), (5, 20.0, 0.0), (6, 10.0, 0.0)];
        let seen = at(&plan, 5, None);
        assert!(close(es(&seen), 3.4) && close(seen.planned_duration, 6.0));
        assert!(close(seen.schedule_performance_index().expect("an index"), 0.68));
    }

    /// 10 is planned for week 2 and 10 for week 6; nothing in between.
    #[test]
    fn on_a_flat_stretch_it_is_the_date_itself() {
        let plan = [(2, 10.0, 10.0), (6, 10.0, 0.0)];
        for (now, expected) in [(1, 2.0), (2, 2.0), (3, 3.0), (5, 5.0), (8, 5.0)] {
            assert!(close(es(&at(&plan, now, None)), expected), "week {now}");
        }
        assert_eq!(at(&plan, 4, None).schedule_performance_index(), Ok(1.0), "exactly on time");
        let untouched = [(4, 10.0, 0.0), (6, 10.0, 0.0)];
        assert!(close(es(&at(&untouched, 5, None)), 3.0), "what was planned for week 4 is missing");
    }

    /// Two milestones in the second week, on Tuesday and on Sunday.
    #[test]
    fn within_a_period_the_day_decides_the_side() {
        let day = |number: i64| plus_days(start(), number - 1);
        let line = |on, earned| Line { planned_on: day(on), weight: 10.0, earned };
        for (now, first, second, expected) in [
            (9, 10.0, 0.0, Ok(9.0 / 7.0)),
            (12, 10.0, 0.0, Ok(12.0 / 7.0)),
            (9, 9.0, 0.0, Ok(9.0 / 7.0)),
            (12, 9.0, 0.0, Ok(1.45)),
            (8, 10.0, 0.0, Ok(1.5)),
            (14, 10.0, 10.0, Ok(2.0)),
            (8, 0.0, 0.0, Err(Undefined::NothingPlannedYet)),
        ] {
            let lines = [line(9, first), line(14, second)];
            let seen = EarnedSchedule::measure(&lines, weeks(), day(now), None).expect("scope");
            let is = |expected: f64| seen.earned_schedule.is_ok_and(|found| close(found, expected));
            let as_expected = expected.map_or_else(|reason| seen.earned_schedule == Err(reason), is);
            assert!(as_expected, "day {now}: {first} and {second}: {:?}", seen.earned_schedule);
        }
    }

    #[test]
    fn while_nothing_is_planned_or_earned_there_is_no_index() {
        let plan = [(4, 10.0, 0.0)];
        for now in 1..4 {
            let seen = at(&plan, now, None);
            assert_eq!(seen.earned_schedule, Err(Undefined::NothingPlannedYet), "week {now}");
            assert_eq!(seen.schedule_performance_index(), Err(Undefined::NothingPlannedYet));
            assert_eq!(seen.estimated_duration(), Err(Undefined::NothingPlannedYet));
            assert_eq!((seen.planned_duration, seen.p_factor), (4.0, Err(Undefined::NothingEarnedYet)));
        }
        assert!(close(es(&at(&plan, 4, None)), 3.0));
    }

    /// A plan of 10 weeks that took 14: at the end SPI is 1, but SPI(t) is not.
    #[test]
    fn a_late_finish_stays_late() {
        let plan: Vec<_> = (1..=10).map(|week| (week, 10.0, 10.0)).collect();
        for now in [14, 20, 99] {
            let seen = at(&plan, now, Some(14));
            assert!(close(es(&seen), 10.0) && close(seen.actual_time, 14.0), "week {now}");
            assert!(close(seen.schedule_performance_index().expect("an index"), 10.0 / 14.0));
            assert_eq!(seen.to_complete_index(), Err(Undefined::PlannedDurationPassed));
        }
        assert!(at(&plan, 14, Some(14)).is_watermelon(100.0, 1.0));
    }

    /// 30 is earned, so ES is week 3. By then the plan expected 10 + 10 + 10 and got 10 + 0 + 10; the other 10 is out
    /// of order.
    #[test]
    fn the_p_factor_names_what_is_out_of_order() {
        let plan = [(1, 10.0, 10.0), (2, 10.0, 0.0), (3, 10.0, 10.0), (4, 10.0, 10.0), (5, 10.0, 0.0)];
        let seen = at(&plan, 4, None);
        assert!(close(es(&seen), 3.0));
        assert!(close(seen.p_factor.expect("a factor"), 20.0 / 30.0));
        assert_eq!((seen.impeded, seen.ahead), (vec![1], vec![3]));
    }

    #[test]
    fn before_the_start_there_is_no_index() {
        let plan = lines(&[(2, 1.0, 0.0)]);
        let before = EarnedSchedule::measure(&plan, weeks(), plus_days(start(), -1), None).expect("scope");
        assert_eq!(before.schedule_performance_index(), Err(Undefined::NotStarted));
        assert_eq!(before.estimated_duration(), Err(Undefined::NotStarted));
        let nothing = EarnedSchedule::measure(&[], weeks(), start(), None);
        assert_eq!(nothing, Err(Undefined::NoScope));
    }

    /// Monday, January 5, is the first day. The 12th is a holiday, so the second week has four days that count.
    #[test]
    fn days_off_pass_no_time() {
        let day = |d| NaiveDate::from_ymd_opt(2026, 1, d).expect("a date");
        let calendar = Calendar::business_days(&[day(12)]);
        for (period, on, elapsed) in [
            (Period::Week, 5, 0.2),
            (Period::Week, 9, 1.0),
            (Period::Week, 11, 1.0),
            (Period::Week, 12, 1.0),
            (Period::Week, 13, 1.25),
            (Period::Week, 18, 2.0),
            (Period::Day, 5, 1.0),
            (Period::Day, 9, 5.0),
            (Period::Day, 12, 5.0),
            (Period::Day, 13, 6.0),
        ] {
            let scale = Timescale { start_on: start(), period, calendar: &calendar };
            assert!(close(scale.elapsed(day(on)), elapsed), "{period}, January {on}: {}", scale.elapsed(day(on)));
        }
        let scale = |period| Timescale { start_on: start(), period, calendar: &calendar };
        assert_eq!(scale(Period::Day).finish_on(5.0), Some(day(9)));
        assert_eq!(scale(Period::Day).finish_on(6.0), Some(day(13)));
        assert_eq!(scale(Period::Week).finish_on(1.25), Some(day(13)));
    }

    #[test]
    fn periods_follow_the_calendar() {
        let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
        for (period, start_on, day, elapsed) in [
            (Period::Week, "2026-01-05", "2026-01-05", 1.0 / 7.0),
            (Period::Week, "2026-01-05", "2026-01-11", 1.0),
            (Period::Day, "2026-01-05", "2026-01-14", 10.0),
            (Period::Month, "2026-01-01", "2026-02-28", 2.0),
            (Period::Month, "2026-01-01", "2026-02-14", 1.5),
            (Period::Month, "2026-01-31", "2026-02-27", 1.0),
        ] {
            let seen = scale(date(start_on), period).elapsed(date(day));
            assert!(close(seen, elapsed), "{period} {start_on} {day}: {seen}");
        }
        assert_eq!(scale(date("2026-01-01"), Period::Month).finish_on(1.5), Some(date("2026-02-14")));
        assert_eq!(weeks().finish_on(f64::INFINITY), None);
    }

    proptest! {
        /// ES always lies between 0 and the planned duration and never falls when more is earned. The p-factor lies
        /// between 0 and 1. If exactly the value planned by a week's end is earned, ES is that week.
        #[test]
        fn laws(of in prop::collection::vec((1i64..12, 1.0f64..9.0, 0.0f64..=1.0), 1..10), more in 0usize..10, now in 1i64..15) {
            let mut of: Vec<_> = of.into_iter().map(|(week, weight, share)| (week, weight, weight * share)).collect();
            let seen = at(&of, now, None);
            let nothing = of.iter().all(|line| line.0 > now && line.2 == 0.0);
            prop_assert_eq!(seen.earned_schedule.is_err(), nothing);
            prop_assert!(nothing || (0.0..=seen.planned_duration).contains(&es(&seen)));
            if let Ok(factor) = seen.p_factor {
                prop_assert!((0.0..=1.0 + 1e-9).contains(&factor));
            }
            let more = more % of.len();
            of[more].2 = of[more].1;
            prop_assert!(nothing || es(&at(&of, now, None)) >= es(&seen) - 1e-9);
            for line in &mut of {
                line.2 = if line.0 <= now { line.1 } else { 0.0 };
            }
            let on_plan = at(&of, now, None);
            #[expect(clippy::cast_precision_loss, reason = "at most fifteen")]
            let passed = now as f64;
            let expected = passed.min(on_plan.planned_duration);
            prop_assert!(of.iter().all(|line| line.0 > now) || close(es(&on_plan), expected));
            prop_assert!(on_plan.impeded.is_empty() && on_plan.ahead.is_empty());
        }
    }
}
