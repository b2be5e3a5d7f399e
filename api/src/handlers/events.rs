//! Usage events: recording, listing, quarantine and erasure.

pub mod erase;
pub mod intake;
pub mod list;
pub mod quarantine;
pub mod rejected;
pub mod types;

use chrono::{DateTime, Utc};
use milepost_domain::usage::event::Held;
use milepost_domain::values::text::{ExternalRef, Name};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::store::usage_events::EventRow;

/// A usage event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "sequence": 4711, "id": "fdb37682b21b26aa", "source": "git/citus", "type": "repo.commit", "subject": "acct-585d817b57", "person": "p-14dc8d96fa",
    "time": "2016-02-05T20:18:54Z", "received_at": "2026-05-04T12:00:00Z", "data": {"person": "p-14dc8d96fa", "files": 55}, "extensions": null,
    "held": null
}))]
pub struct KeptEvent {
    /// Sequence number: 1, 2, 3 in the order of arrival. Numbers can be missing.
    #[schema(minimum = 1)]
    sequence: i64,
    /// Identifier. Unique within the source.
    #[schema(value_type = Name)]
    id: String,
    /// Source: the system that the event comes from.
    #[schema(value_type = Name)]
    source: String,
    /// Type of the event.
    #[serde(rename = "type")]
    #[schema(value_type = Name)]
    kind: String,
    /// Subject: the external reference of the customer.
    #[schema(value_type = Option<ExternalRef>)]
    subject: Option<String>,
    /// External reference of the person.
    #[schema(value_type = Option<ExternalRef>)]
    person: Option<String>,
    /// Time at which the event happened.
    time: DateTime<Utc>,
    /// Time at which the event was received.
    received_at: DateTime<Utc>,
    /// Payload of the event.
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
    /// Extension attributes: attributes that CloudEvents does not define.
    #[schema(value_type = Option<Object>)]
    extensions: Option<Box<RawValue>>,
    /// Reason why the event does not count; null if it counts.
    held: Option<Held>,
}

impl KeptEvent {
    fn of(row: EventRow) -> Result<Self, ApiError> {
        let json = |text: Option<String>| text.map(RawValue::from_string).transpose();
        Ok(Self {
            sequence: row.sequence,
            id: row.event_id,
            source: row.source,
            kind: row.kind,
            subject: row.subject,
            person: row.person,
            time: row.occurred_at,
            received_at: row.received_at,
            data: json(row.data)?,
            extensions: json(row.extensions)?,
            held: row.held_for.map(|held| held.0).or((!row.is_known).then_some(Held::UnknownCustomer)),
        })
    }
}
