//! Interventions, and what is noted of them.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::intervention::Outcome;
use milepost_domain::customer::playbook::{InterventionKind, Tier};
use milepost_domain::values::text::{ExternalRef, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::json_text::JsonText;
use crate::{columns, table};

/// An intervention.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct InterventionRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub customer_ref: Option<ExternalRef>,
    pub playbook_id: Option<Uuid>,
    pub kind: InterventionKind,
    pub title: String,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub opened_on: NaiveDate,
    pub due_on: NaiveDate,
    pub escalations: JsonText<Vec<Tier>>,
    pub snoozed_until: Option<NaiveDate>,
    pub snooze_reason: Option<String>,
    pub done_on: Option<NaiveDate>,
    pub outcome: Option<Outcome>,
    pub outcome_note: Option<String>,
    pub score_at_opening: Option<f64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A note on an intervention.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "intervention_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "text": "They will call back.", "author": {"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T12:00:00Z"
}))]
pub struct InterventionNote {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the intervention.
    pub intervention_id: Uuid,
    /// Text of the note.
    pub text: Note,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
}

columns!(InterventionNote { id, intervention_id, text, author, recorded_at });
table!(InterventionNote, "intervention_notes");

columns!(InterventionRow {
    id,
    customer_id,
    playbook_id,
    kind,
    title,
    reason,
    owner,
    opened_on,
    due_on,
    escalations,
    snoozed_until,
    snooze_reason,
    done_on,
    outcome,
    outcome_note,
    score_at_opening,
    version,
    created_at,
    updated_at;
    customer_ref: CUSTOMER_REF
});
table!(InterventionRow, "interventions");
