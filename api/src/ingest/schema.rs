//! The shapes in which usage events arrive, for the document. What reads them takes more than these say and explains each mistake.

use chrono::{DateTime, Utc};
use milepost_domain::values::text::{ExternalRef, Name};
use serde::Deserialize;
use utoipa::ToSchema;

/// A usage event: a CloudEvent (CloudEvents 1.0) whose subject is a customer. Other attributes are kept as extensions.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "specversion": "1.0", "id": "e-1", "source": "app", "type": "report.exported", "subject": "crm-4711",
    "time": "2026-05-04T12:00:00Z", "data": {"person": "hr-17", "rows": 120}
}))]
#[expect(dead_code, reason = "describes the document")]
pub struct CloudEvent {
    /// Version of CloudEvents: `1.0`. May be left out of plain JSON.
    #[schema(max_length = 3, required = false)]
    specversion: Option<String>,
    /// Identifier. Unique within the source.
    id: Name,
    /// Source: the system that sends the event.
    source: Name,
    /// Type of the event, such as `report.exported`.
    r#type: Name,
    /// External reference of the customer.
    #[schema(required = false)]
    subject: Option<ExternalRef>,
    /// External reference of the person. May be given as `data.person` instead.
    #[schema(required = false)]
    person: Option<ExternalRef>,
    /// Time of the event. Defaults to the time of arrival.
    #[schema(required = false)]
    time: Option<DateTime<Utc>>,
    /// Data of the event, which metrics aggregate and filter by.
    #[schema(required = false)]
    data: Option<serde_json::Value>,
}

/// Usage events in a list.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(max_items = 5000)]
#[expect(dead_code, reason = "describes the document")]
pub struct CloudEventBatch(Vec<CloudEvent>);

/// One usage event, or a list of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!({"id": "e-1", "source": "app", "type": "report.exported", "subject": "crm-4711", "time": "2026-05-04T12:00:00Z"}))]
pub enum CloudEventInput {
    /// One event.
    One(CloudEvent),
    /// A list of events.
    Many(CloudEventBatch),
}

/// A message of Segment's libraries. Which fields count depends on its type; others are ignored.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "track", "messageId": "m-1", "userId": "hr-17", "event": "Report exported", "timestamp": "2026-05-04T12:00:00Z",
    "properties": {"rows": 120}, "context": {"groupId": "crm-4711"}
}))]
#[expect(dead_code, non_snake_case, reason = "describes the document in the names of the libraries")]
pub struct SegmentMessage {
    /// Type of the message. Required in a batch; otherwise the path says it.
    #[schema(max_length = 20, required = false)]
    r#type: Option<String>,
    /// Identifier of the message.
    #[schema(max_length = 200, required = false)]
    messageId: Option<String>,
    /// External reference of the person.
    #[schema(max_length = 200, required = false)]
    userId: Option<String>,
    /// External reference of the customer, in `group` messages.
    #[schema(max_length = 200, required = false)]
    groupId: Option<String>,
    /// Name of the event, in `track` messages.
    #[schema(max_length = 200, required = false)]
    event: Option<String>,
    /// Time of the message.
    #[schema(required = false)]
    timestamp: Option<DateTime<Utc>>,
}

/// A batch of messages of Segment's libraries.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"batch": [{"type": "track", "messageId": "m-1", "userId": "hr-17", "event": "Report exported"}]}))]
#[expect(dead_code, reason = "describes the document")]
pub struct SegmentBatch {
    /// Messages.
    #[schema(max_items = 5000)]
    batch: Vec<SegmentMessage>,
}
