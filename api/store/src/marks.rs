//! Marks: how far what is kept up to date with usage events and the ledger has come.

use chrono::{DateTime, NaiveDate, Utc};
use strum::Display;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::{Conn, on};

/// Kind of what is kept up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Upkeep {
    /// Customers' health scores, and what playbooks have reacted to.
    Health,
    /// Proofs of milestones.
    Proofs,
}

/// The last event, ledger entry and date that were taken into account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Marks {
    pub event_sequence: i64,
    pub ledger_sequence: i64,
    pub as_of: NaiveDate,
    pub computed_at: DateTime<Utc>,
}

from_row!(Marks { event_sequence, ledger_sequence, as_of, computed_at });

/// Returns the marks of a kind.
pub async fn find(conn: &mut Conn, organization_id: Uuid, kind: Upkeep) -> sqlx::Result<Option<Marks>> {
    const SQL: &str = "SELECT event_sequence, ledger_sequence, as_of, computed_at FROM keeping_marks \
                       WHERE organization_id = $1 AND kind = $2";
    let kind = kind.to_string();
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(&kind).fetch_optional(db).await)
}

/// Saves the marks of a kind.
pub async fn save(conn: &mut Conn, organization_id: Uuid, kind: Upkeep, marks: Marks) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO keeping_marks (organization_id, kind, event_sequence, ledger_sequence, as_of, computed_at) \
                       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization_id, kind) DO UPDATE SET \
                       event_sequence = excluded.event_sequence, ledger_sequence = excluded.ledger_sequence, \
                       as_of = excluded.as_of, computed_at = excluded.computed_at";
    let (kind, m) = (kind.to_string(), marks);
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(&kind).bind(m.event_sequence).bind(m.ledger_sequence).bind(m.as_of).bind(m.computed_at)
        .execute(db).await.map(|_| ()))
}
