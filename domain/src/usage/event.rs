//! Intake of usage events: accepted, duplicate, conflict, rejected or quarantined.
//!
//! A usage event is a fact: its source and id identify it, and a stored event never changes. Derived figures are
//! functions of the set of events, so the order of arrival does not matter.

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
    /// Whether it is meant for a customer though it names none: that of its person.
    pub is_for_customer: bool,
}

/// Tolerance in minutes by which the time of an event may be ahead of the server clock.
pub const TOLERATED_MINUTES: i64 = 5;

/// Intake result of a usage event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Intake {
    /// New event that counts.
    Accepted,
    /// Event already stored with the same payload; nothing changes.
    Duplicate,
    /// Event already stored with the same source and id but another payload; the stored event stays.
    Conflict,
    /// Invalid event, or event of a request that is rejected as a whole; not stored.
    Rejected,
    /// Stored event that does not count yet.
    Quarantined,
}

/// Reason why a stored event does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Held {
    /// No customer has the external reference, or the event names none and its person belongs to none. The event counts as soon as
    /// one does.
    UnknownCustomer,
    /// Event time in the future. The event counts once it is released.
    FutureTime,
}

/// Compares an event with the stored event of the same source and id, if any. Returns `None` for a new event.
pub fn identify<H: PartialEq>(known: Option<&H>, payload: &H) -> Option<Intake> {
    known.map(|known| if known == payload { Intake::Duplicate } else { Intake::Conflict })
}

/// Returns the reason why a new event does not count, or `None` if it counts.
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
