//! Uploaded pictures of badges. Their contents are read and written apart from what is said about them.

use chrono::{DateTime, Utc};
use milepost_domain::recognition::artwork::ArtworkKind;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::{Conn, columns, on, table};

/// Picture that badges can show.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "media_type": "image/svg+xml", "size_bytes": 4_211,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "author": {"type": "person", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T12:00:00Z"
}))]
pub struct Artwork {
    /// Identifier.
    pub id: Uuid,
    /// Media type, by what the file contained.
    pub media_type: ArtworkKind,
    /// Size in bytes, as it is kept.
    #[schema(minimum = 1, maximum = 5_242_880)]
    pub size_bytes: i64,
    /// SHA-256 of what is kept, in hexadecimal.
    #[schema(min_length = 64, max_length = 64)]
    pub sha256: String,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
}

columns!(Artwork { id, media_type, size_bytes, sha256, author, recorded_at });
table!(Artwork, "artworks");

/// Adds the content to an artwork.
pub async fn set_content(conn: &mut Conn, organization_id: Uuid, id: Uuid, content: &[u8]) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE artworks SET content = $3 WHERE organization_id = $1 AND id = $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(id).bind(content).execute(db).await.map(|_| ()))
}

/// Returns the content of an artwork.
pub async fn content(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    const SQL: &str = "SELECT content FROM artworks WHERE organization_id = $1 AND id = $2 AND content IS NOT NULL";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(id).fetch_optional(db).await)
}
