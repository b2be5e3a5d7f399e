//! Calendar dates of four-digit years: what JSON (RFC 3339) and both databases can hold.

use chrono::{Days, NaiveDate};

/// The last day that calendars of four-digit years have (RFC 3339).
pub const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// The date so many days later, or earlier if negative; [`LAST_DAY`] for everything beyond it.
pub fn plus_days(date: NaiveDate, days: i64) -> NaiveDate {
    let distance = Days::new(days.unsigned_abs());
    let moved = if days < 0 { date.checked_sub_days(distance) } else { date.checked_add_days(distance) };
    moved.unwrap_or(if days < 0 { NaiveDate::MIN } else { LAST_DAY }).min(LAST_DAY)
}

/// Calendar days from one date to another.
pub fn days_between(from: NaiveDate, to: NaiveDate) -> i64 {
    (to - from).num_days()
}
