//! Records about customers: pulses, overrides of their health, outcomes. Appended, never changed, except for the end
//! of an override and the withdrawal of a mistake.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::outcome::OutcomeKind;
use milepost_domain::values::text::{ExternalRef, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::many::ROWS_PER_INSERT;
use crate::row::{self, Condition, Table, Value};
use crate::{Conn, columns, table};

/// A pulse: somebody's view of a customer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "score": 70.0,
    "note": "The sponsor is content, the users are not.", "recorded_on": "2026-05-04", "expires_on": "2026-06-03",
    "author": {"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T12:00:00Z",
    "withdrawn_at": null, "withdrawal_reason": null
}))]
pub struct Pulse {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the customer.
    pub customer_id: Uuid,
    /// External reference of the customer.
    pub customer_ref: Option<ExternalRef>,
    /// Score, from 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub score: f64,
    /// Reason for the score.
    pub note: Option<Note>,
    /// Day of recording.
    pub recorded_on: NaiveDate,
    /// Last day on which the pulse counts.
    pub expires_on: NaiveDate,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
    /// Time at which the record was withdrawn as a mistake; null if it was not.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Reason for the withdrawal; null if there was none.
    pub withdrawal_reason: Option<Note>,
}

/// An override: a score that somebody set in place of the computed one.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "score": 30.0,
    "reason": "Their sponsor has left.", "from_on": "2026-05-04", "expires_on": "2026-06-04", "ended_on": null, "ended_at": null,
    "author": {"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T12:00:00Z"
}))]
pub struct HealthOverride {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the customer.
    pub customer_id: Uuid,
    /// External reference of the customer.
    pub customer_ref: Option<ExternalRef>,
    /// Score in place of the computed one, from 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub score: f64,
    /// Reason for the override.
    pub reason: Note,
    /// First day on which the override applies.
    pub from_on: NaiveDate,
    /// Last day on which the override applies.
    pub expires_on: NaiveDate,
    /// Day on which the override was ended early; null if it was not.
    pub ended_on: Option<NaiveDate>,
    /// Time at which the override was ended early; null if it was not.
    pub ended_at: Option<DateTime<Utc>>,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
}

/// An outcome of a customer, such as a renewal or a loss.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711", "kind": "renewed",
    "occurred_on": "2026-05-01", "amount_minor": 2_400_000, "note": null,
    "author": {"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T12:00:00Z",
    "withdrawn_at": null, "withdrawal_reason": null
}))]
pub struct CustomerOutcome {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the customer.
    pub customer_id: Uuid,
    /// External reference of the customer.
    pub customer_ref: Option<ExternalRef>,
    /// Kind of outcome.
    pub kind: OutcomeKind,
    /// Day of the outcome.
    pub occurred_on: NaiveDate,
    /// Amount at stake, in the smallest unit of the organization's currency.
    #[schema(minimum = 0)]
    pub amount_minor: Option<i64>,
    /// Note.
    pub note: Option<Note>,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
    /// Time at which the record was withdrawn as a mistake; null if it was not.
    pub withdrawn_at: Option<DateTime<Utc>>,
    /// Reason for the withdrawal; null if there was none.
    pub withdrawal_reason: Option<Note>,
}

columns!(Pulse {
    id,
    customer_id,
    score,
    note,
    recorded_on,
    expires_on,
    author,
    recorded_at,
    withdrawn_at,
    withdrawal_reason;
    customer_ref: CUSTOMER_REF
});
columns!(HealthOverride {
    id,
    customer_id,
    score,
    reason,
    from_on,
    expires_on,
    ended_on,
    ended_at,
    author,
    recorded_at;
    customer_ref: CUSTOMER_REF
});
columns!(CustomerOutcome {
    id,
    customer_id,
    kind,
    occurred_on,
    amount_minor,
    note,
    author,
    recorded_at,
    withdrawn_at,
    withdrawal_reason;
    customer_ref: CUSTOMER_REF
});
table!(Pulse, "customer_pulses");
table!(HealthOverride, "health_overrides");
table!(CustomerOutcome, "customer_outcomes");

/// The records of some customers, or of all, in the order of their recording.
pub async fn of_customers<T: Table>(
    conn: &mut Conn,
    organization_id: Uuid,
    customer_ids: Option<&[Uuid]>,
) -> sqlx::Result<Vec<T>> {
    let Some(ids) = customer_ids else { return row::all(conn, organization_id, &[], "id").await };
    let mut found = vec![];
    for some in ids.chunks(ROWS_PER_INSERT) {
        let some = some.iter().map(|id| Value::Uuid(Some(*id))).collect();
        found.extend(row::all(conn, organization_id, &[Condition::OneOf("customer_id", some)], "id").await?);
    }
    Ok(found)
}
