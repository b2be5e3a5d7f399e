//! Files shown as evidence for validations. Their contents are read and written apart from what is said about them.

use chrono::{DateTime, Utc};
use milepost_domain::proof::evidence::FileKind;
use milepost_domain::values::text::Name;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::row::{self, Column as _, Condition};
use crate::{Conn, columns, on, table};

/// File shown as evidence for a validation.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "validation_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "plan_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "impact_id": null, "title": "Figures of May", "media_type": "application/pdf",
    "size_bytes": 48_211, "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "author": {"type": "person", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T12:00:00Z"
}))]
pub struct EvidenceFile {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the validation.
    pub validation_id: Uuid,
    /// Identifier of the plan; null for an impact.
    pub plan_id: Option<Uuid>,
    /// Identifier of the impact; null for a milestone.
    pub impact_id: Option<Uuid>,
    /// Title.
    pub title: Name,
    /// Media type, by what the file contains.
    pub media_type: FileKind,
    /// Size in bytes.
    #[schema(minimum = 1, maximum = 5_242_880)]
    pub size_bytes: i64,
    /// SHA-256 of the content, in hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    pub sha256: String,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
}

columns!(EvidenceFile {
    id,
    validation_id,
    plan_id,
    impact_id,
    title,
    media_type,
    size_bytes,
    sha256,
    author,
    recorded_at
});
table!(EvidenceFile, "evidence_files");

/// Those of a validation, in the order in which they were added.
pub async fn of_validation(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Vec<EvidenceFile>> {
    row::all(conn, organization_id, &[Condition::Equals("validation_id", id.to_value())], "id").await
}

/// Adds the content to a file.
pub async fn set_content(conn: &mut Conn, organization_id: Uuid, id: Uuid, content: &[u8]) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE evidence_files SET content = $3 WHERE organization_id = $1 AND id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(id).bind(content).execute(db).await.map(|_| ()))
}

/// Returns the content of a file of a validation, with its media type.
pub async fn content(
    conn: &mut Conn,
    organization_id: Uuid,
    validation_id: Uuid,
    id: Uuid,
) -> sqlx::Result<Option<Vec<u8>>> {
    const SQL: &str = "SELECT content FROM evidence_files \
                       WHERE organization_id = $1 AND validation_id = $2 AND id = $3 AND content IS NOT NULL";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(validation_id).bind(id).fetch_optional(db).await)
}
