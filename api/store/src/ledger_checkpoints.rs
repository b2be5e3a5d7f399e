//! Storage of checkpoints: signed statements of where an organization's ledger stood.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::from_row::from_row;
use crate::{Conn, on};

/// Row of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRow {
    /// Number of the ledger's last entry.
    pub sequence: i64,
    /// Hash of that entry.
    pub hash: Vec<u8>,
    /// Time at which the checkpoint was made.
    pub made_at: DateTime<Utc>,
    /// Identifier of the key that signed it.
    pub key_id: String,
    /// The signed statement.
    pub token: String,
}

from_row!(CheckpointRow { sequence, hash, made_at, key_id, token });

/// Returns the checkpoints before a sequence number, the last one first.
pub async fn list(
    conn: &mut Conn,
    organization_id: Uuid,
    before: Option<i64>,
    rows: usize,
) -> sqlx::Result<Vec<CheckpointRow>> {
    const SQL: &str = "SELECT sequence, hash, made_at, key_id, token FROM ledger_checkpoints \
                       WHERE organization_id = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3";
    let (before, rows) = (before.unwrap_or(i64::MAX), i64::try_from(rows).unwrap_or(i64::MAX));
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(before).bind(rows).fetch_all(db).await)
}

/// Adds a checkpoint, unless there is one for its entry already; returns whether it was added.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, checkpoint: &CheckpointRow) -> sqlx::Result<bool> {
    const SQL: &str = "INSERT INTO ledger_checkpoints (organization_id, sequence, hash, made_at, key_id, token) \
                       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization_id, sequence) DO NOTHING";
    let c = checkpoint;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(c.sequence).bind(&c.hash).bind(c.made_at).bind(&c.key_id).bind(&c.token)
        .execute(db).await.map(|done| done.rows_affected() == 1))
}
