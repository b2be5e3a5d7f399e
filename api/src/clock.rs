//! The only reader of the clock and maker of ids.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, NaiveDate, SubsecRound, Utc};
use chrono_tz::Tz;
use uuid::{ContextV7, Timestamp, Uuid};

/// Where "now" comes from: the system, or a hand that a test moves.
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
    /// The system's clock.
    pub fn system() -> Self {
        Self { source: Source::System, ids: Arc::default() }
    }

    /// A clock that stands still until it is moved.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self { source: Source::Manual(Arc::new(AtomicI64::new(start.timestamp_micros()))), ids: Arc::default() }
    }

    /// The present instant, in whole microseconds: what both engines store without loss.
    #[expect(clippy::disallowed_methods, reason = "this is clock.rs")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.source {
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Manual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::Relaxed)).unwrap_or(DateTime::UNIX_EPOCH)
            }
        }
    }

    /// Moves a manual clock; the system's clock does not listen.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(micros) = &self.source {
            micros.fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::Relaxed);
        }
    }

    /// A new UUIDv7 carrying the present millisecond; ids made later are greater.
    pub fn new_id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&*self.ids, seconds, now.timestamp_subsec_nanos()))
    }
}

/// The calendar date of an instant in a time zone: an organization's "today".
pub fn date_in(zone: Tz, instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}
