//! What happens to a usage event that arrives: counted, known already, contradicting, or held until somebody looks.
//!
//! An event is a fact: it is told from others by its source and id, and what is kept of it never changes. Derived figures are functions of the
//! set of events, so the order in which they arrive does not matter.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

/// The first 16 bytes of a SHA-256: long enough to rule out collisions, short enough to keep the index narrow.
pub type Hash = [u8; 16];

/// A valid usage event.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageEvent {
    /// Identifier. Unique within the source.
    pub id: String,
    /// Source: the system that the event comes from.
    pub source: String,
    /// Type of the event.
    pub kind: String,
    /// Subject: the external reference of the customer.
    pub subject: Option<String>,
    /// External reference of the person.
    pub person: Option<String>,
    /// Time at which the event happened.
    pub occurred_at: DateTime<Utc>,
    /// Payload, as JSON.
    pub data: Option<String>,
    /// Extension attributes, which the standard does not define, as JSON.
    pub extensions: Option<String>,
    /// Hash of everything except source and id.
    pub payload_hash: Hash,
}

/// How far ahead of our clock an event's time may be, in minutes: clocks differ.
pub const TOLERATED_MINUTES: i64 = 5;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Intake {
    /// New, and it counts.
    Accepted,
    /// The same event was there already.
    Duplicate,
    /// Another event with its source and id was there already; that one stays.
    Conflict,
    /// It is not an event that can be kept.
    Rejected,
    /// Kept, but it does not count yet.
    Quarantined,
}

/// Why an event that is kept does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Held {
    /// No customer has this reference. It counts as soon as one has.
    UnknownCustomer,
    /// Its time lies in the future. It counts when it is released.
    FutureTime,
}

/// What an event is, given the payload of the one with its source and id that is there, if there is one.
pub fn identify<H: PartialEq>(known: Option<&H>, payload: &H) -> Option<Intake> {
    known.map(|known| if known == payload { Intake::Duplicate } else { Intake::Conflict })
}

/// Why a new event does not count, if it does not.
pub fn hold(occurred_at: DateTime<Utc>, received_at: DateTime<Utc>, is_customer_known: bool) -> Option<Held> {
    if occurred_at > received_at + Duration::minutes(TOLERATED_MINUTES) {
        Some(Held::FutureTime)
    } else if is_customer_known {
        None
    } else {
        Some(Held::UnknownCustomer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wins() {
        assert_eq!(identify(None, &1), None);
        assert_eq!(identify(Some(&1), &1), Some(Intake::Duplicate));
        assert_eq!(identify(Some(&1), &2), Some(Intake::Conflict));
    }

    #[test]
    fn what_is_not_sure_does_not_count() {
        let at = |minutes: i64| DateTime::from_timestamp(1_777_896_000 + minutes * 60, 0).expect("an instant");
        assert_eq!(hold(at(5), at(0), true), None, "clocks differ");
        assert_eq!(hold(at(6), at(0), true), Some(Held::FutureTime));
        assert_eq!(hold(at(-1_000_000), at(0), true), None, "late is welcome");
        assert_eq!(hold(at(0), at(0), false), Some(Held::UnknownCustomer));
        assert_eq!(hold(at(6), at(0), false), Some(Held::FutureTime));
    }
}
