//! The clock and the generator of identifiers. No other module reads the system clock or generates identifiers.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, LocalResult, NaiveDate, NaiveTime, SubsecRound, Utc};
use chrono_tz::Tz;
use uuid::{ContextV7, Timestamp, Uuid};

/// Source of the current time: the system clock, or a manual clock that a test moves.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    ids: Arc<Mutex<ContextV7>>,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// Returns the system clock.
    pub fn system() -> Self {
        Self { source: Source::System, ids: Arc::default() }
    }

    /// Returns a clock that stands still until it is moved.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self { source: Source::Manual(Arc::new(AtomicI64::new(start.timestamp_micros()))), ids: Arc::default() }
    }

    /// Returns the current instant in whole microseconds, the precision that both database engines store without loss.
    #[expect(clippy::disallowed_methods, reason = "this is clock.rs")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.source {
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Manual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::Relaxed)).unwrap_or(DateTime::UNIX_EPOCH)
            }
        }
    }

    /// Moves a manual clock. Has no effect on the system clock.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(micros) = &self.source {
            micros.fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::Relaxed);
        }
    }

    /// Returns a new UUIDv7 with the current millisecond. Identifiers generated later are greater.
    pub fn new_id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&*self.ids, seconds, now.timestamp_subsec_nanos()))
    }
}

/// Returns the calendar date of an instant in a time zone, such as an organization's "today".
pub fn date_in(zone: Tz, instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// Returns the first instant after a day in a time zone.
pub fn end_of_day(zone: Tz, on: NaiveDate) -> DateTime<Utc> {
    let next = on.succ_opt().unwrap_or(on).and_time(NaiveTime::MIN);
    // If midnight is skipped or occurs twice, take the earliest instant that can begin the next day.
    match next.and_local_timezone(zone) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => next.and_utc(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_where_it_is() {
        let on = NaiveDate::from_ymd_opt(2026, 5, 4).expect("a date");
        assert_eq!(end_of_day(Tz::UTC, on).to_rfc3339(), "2026-05-05T00:00:00+00:00");
        assert_eq!(end_of_day(Tz::Asia__Tokyo, on).to_rfc3339(), "2026-05-04T15:00:00+00:00");
        let before_skipped_midnight = NaiveDate::from_ymd_opt(2018, 11, 3).expect("a date");
        assert_eq!(
            end_of_day(Tz::America__Sao_Paulo, before_skipped_midnight).to_rfc3339(),
            "2018-11-04T00:00:00+00:00"
        );
    }
}
