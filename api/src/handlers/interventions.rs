//! Interventions: tasks for customers, opened by playbooks or by people.

pub mod act;
pub mod open;
pub mod read;

use chrono::{DateTime, Utc};
use milepost_domain::values::text::Note;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::interventions::NoteRow;

/// A note on an intervention.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "text": "They will call back.", "author": "api_client:0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
    "recorded_at": "2026-05-04T12:00:00Z"}))]
pub struct InterventionNote {
    /// Identifier.
    id: Uuid,
    /// Text of the note.
    #[schema(value_type = Note)]
    text: String,
    /// Author of the note.
    #[schema(max_length = 300)]
    author: String,
    /// Time of recording.
    recorded_at: DateTime<Utc>,
}

impl From<NoteRow> for InterventionNote {
    fn from(row: NoteRow) -> Self {
        let NoteRow { id, text, author, recorded_at } = row;
        Self { id, text, author, recorded_at }
    }
}
