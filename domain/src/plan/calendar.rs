//! Calendars of plans: they count calendar days, or business days (Monday to Friday, except holidays).
//!
//! This module does date arithmetic only; it does no I/O and reads no clock.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use crate::values::dates::LAST_DAY;

/// Days that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Counts {
    /// Every day.
    #[default]
    CalendarDays,
    /// Monday to Friday, except the calendar's holidays.
    BusinessDays,
}

/// Treatment of a planned date that falls on a day off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DaysOff {
    /// The date stays. A lint finding names it.
    #[default]
    Keep,
    /// The date moves to the next day that counts.
    Move,
    /// The request is refused.
    Refuse,
}

/// A plan's calendar. Durations, lags, float and variances are counted in its days.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "PlanCalendar", into = "PlanCalendar")]
pub struct Calendar {
    counts: Counts,
    /// Sorted, without duplicates.
    holidays: Vec<NaiveDate>,
    /// Holidays that fall on weekdays, as days of the common era.
    days_off: Vec<i64>,
    planned_on_days_off: DaysOff,
}

/// A plan's calendar. Durations, lags, float and variances are counted in its days.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"counts": "business_days", "holidays": ["2026-12-25", "2027-01-01"], "planned_on_days_off": "move"}))]
pub struct PlanCalendar {
    /// Days that count.
    #[serde(default)]
    #[schema(value_type = Counts, required = false)]
    pub counts: Counts,
    /// Holidays: weekdays that do not count. They have no effect if the calendar counts calendar days.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub holidays: Vec<NaiveDate>,
    /// Treatment of planned dates that fall on days off.
    #[serde(default)]
    #[schema(value_type = DaysOff, required = false)]
    pub planned_on_days_off: DaysOff,
}

impl From<PlanCalendar> for Calendar {
    fn from(written: PlanCalendar) -> Self {
        let mut holidays = written.holidays;
        holidays.sort_unstable();
        holidays.dedup();
        let days = holidays.iter().map(|on| i64::from(on.num_days_from_ce()));
        let days_off = days.filter(|day| weekdays_through(*day) > weekdays_through(day - 1)).collect();
        Self { counts: written.counts, holidays, days_off, planned_on_days_off: written.planned_on_days_off }
    }
}

impl From<Calendar> for PlanCalendar {
    fn from(calendar: Calendar) -> Self {
        Self { counts: calendar.counts, holidays: calendar.holidays, planned_on_days_off: calendar.planned_on_days_off }
    }
}

impl utoipa::PartialSchema for Calendar {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        PlanCalendar::schema()
    }
}

impl ToSchema for Calendar {
    fn name() -> std::borrow::Cow<'static, str> {
        PlanCalendar::name()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        PlanCalendar::schemas(schemas);
    }
}

impl Calendar {
    /// Creates a calendar that counts every day.
    pub const fn every_day() -> Self {
        Self { counts: Counts::CalendarDays, holidays: vec![], days_off: vec![], planned_on_days_off: DaysOff::Keep }
    }

    /// Returns the number of a date among the days that count. A date that does not count has the number of the next
    /// date that does: work that ends on a Sunday is available when work begins on Monday.
    pub fn ordinal(&self, date: NaiveDate) -> i64 {
        let day = i64::from(date.num_days_from_ce());
        match self.counts {
            Counts::CalendarDays => day,
            Counts::BusinessDays => weekdays_through(day - 1) - self.days_off_before(day),
        }
    }

    /// Returns the date of a number, at most [`LAST_DAY`].
    pub fn date(&self, ordinal: i64) -> NaiveDate {
        let day = match self.counts {
            Counts::CalendarDays => ordinal,
            Counts::BusinessDays => {
                // Each holiday passed moves the date on, possibly past another holiday.
                let (mut passed, mut day) = (0, weekday(ordinal));
                while self.days_off_before(day + 1) > passed {
                    passed = self.days_off_before(day + 1);
                    day = weekday(ordinal + passed);
                }
                day
            }
        };
        let end = if day < 0 { NaiveDate::MIN } else { LAST_DAY };
        i32::try_from(day).ok().and_then(NaiveDate::from_num_days_from_ce_opt).unwrap_or(end).min(LAST_DAY)
    }

    /// Returns whether a date is a day off: it does not count.
    pub fn is_day_off(&self, date: NaiveDate) -> bool {
        self.date(self.ordinal(date)) != date
    }

    /// Returns a planned date as the calendar takes it: on the next day that counts, if it moves dates on days off.
    #[must_use]
    pub fn taken(&self, planned_on: NaiveDate) -> NaiveDate {
        match self.planned_on_days_off {
            DaysOff::Move => self.date(self.ordinal(planned_on)),
            DaysOff::Keep | DaysOff::Refuse => planned_on,
        }
    }

    /// Returns whether the calendar refuses a planned date.
    pub fn refuses(&self, planned_on: NaiveDate) -> bool {
        self.planned_on_days_off == DaysOff::Refuse && self.is_day_off(planned_on)
    }

    /// Returns the number of counted days from one date to another; negative if `to` is before `from`.
    pub fn days_between(&self, from: NaiveDate, to: NaiveDate) -> i64 {
        self.ordinal(to) - self.ordinal(from)
    }

    /// Returns the date a number of counted days later, or earlier if negative.
    pub fn plus_days(&self, date: NaiveDate, days: i64) -> NaiveDate {
        self.date(self.ordinal(date) + days)
    }

    /// Creates a calendar that counts business days, with the given holidays.
    pub fn business_days(holidays: &[NaiveDate]) -> Self {
        PlanCalendar { counts: Counts::BusinessDays, holidays: holidays.to_vec(), ..PlanCalendar::default() }.into()
    }

    fn days_off_before(&self, day: i64) -> i64 {
        i64::try_from(self.days_off.partition_point(|off| *off < day)).unwrap_or(i64::MAX)
    }
}

/// Returns the number of weekdays from the first day of the common era, a Monday, through a day.
const fn weekdays_through(day: i64) -> i64 {
    let rest = day.rem_euclid(7);
    day.div_euclid(7) * 5 + if rest < 5 { rest } else { 5 }
}

/// Returns the day of the common era on which the weekday with a number, counted from 0, falls.
const fn weekday(number: i64) -> i64 {
    number.div_euclid(5) * 7 + number.rem_euclid(5) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, m, d).expect("a date")
    }

    /// May 2026 begins on a Friday. Microsoft documents NETWORKDAYS(2012-10-01, 2013-03-01) as 110 days, both ends
    /// counted, and as 107 with the holidays 2012-11-22, 2012-12-04 and 2013-01-21.
    #[test]
    fn business_days_leave_out_weekends_and_holidays() {
        let plain = Calendar::business_days(&[]);
        for (from, days, to) in
            [(1, 1, 4), (1, 5, 8), (4, -1, 1), (8, 1, 11), (2, 0, 4), (3, 1, 5), (11, 0, 11), (29, 1, 1)]
        {
            let expected = if from == 29 { day(6, to) } else { day(5, to) };
            assert_eq!(plain.plus_days(day(5, from), days), expected, "May {from} plus {days}");
        }
        let holidays = Calendar::business_days(&[day(5, 14), day(5, 15), day(5, 16), day(5, 25)]);
        assert_eq!(holidays.plus_days(day(5, 13), 1), day(5, 18), "two holidays and a weekend");
        assert_eq!(holidays.plus_days(day(5, 22), 1), day(5, 26));
        assert_eq!(holidays.days_between(day(5, 11), day(5, 27)), 9);
        let at = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).expect("a date");
        assert_eq!(plain.days_between(at(2012, 10, 1), at(2013, 3, 1)) + 1, 110);
        let published = Calendar::business_days(&[at(2012, 11, 22), at(2012, 12, 4), at(2013, 1, 21)]);
        assert_eq!(published.days_between(at(2012, 10, 1), at(2013, 3, 1)) + 1, 107);
    }

    #[test]
    fn planned_dates_on_days_off_stay_move_or_are_refused() {
        let calendar = |planned_on_days_off| {
            let holidays = vec![day(5, 4)];
            Calendar::from(PlanCalendar { counts: Counts::BusinessDays, holidays, planned_on_days_off })
        };
        let (keep, moves, refuse) = (calendar(DaysOff::Keep), calendar(DaysOff::Move), calendar(DaysOff::Refuse));
        let saturday = day(5, 2);
        assert_eq!((keep.taken(saturday), keep.refuses(saturday)), (saturday, false));
        assert_eq!(moves.taken(saturday), day(5, 5), "past a holiday");
        assert!(refuse.refuses(saturday) && refuse.refuses(day(5, 4)) && !refuse.refuses(day(5, 5)));
        assert!(keep.is_day_off(saturday) && !Calendar::every_day().is_day_off(saturday));
    }

    proptest! {
        /// Numbers and dates convert back and forth, in order; calendar days are plain arithmetic.
        #[test]
        fn laws(offset in 0i64..4000, days in -300i64..300, holidays in prop::collection::vec(0u64..4000, 0..40)) {
            let base = day(1, 1);
            let date = base + chrono::Duration::days(offset);
            let off: Vec<NaiveDate> = holidays.iter().map(|on| base + chrono::Days::new(*on)).collect();
            let business = Calendar::business_days(&off);
            let ordinal = business.ordinal(date);
            prop_assert_eq!(business.ordinal(business.date(ordinal)), ordinal);
            let on = business.date(ordinal);
            prop_assert!(on >= date && !off.contains(&on) && on.weekday().num_days_from_monday() < 5);
            prop_assert!(business.date(ordinal + 1) > on);
            prop_assert_eq!(business.days_between(on, business.plus_days(on, days)), days);
            prop_assert_eq!(Calendar::default().plus_days(date, days), date + chrono::Duration::days(days));
        }
    }
}
