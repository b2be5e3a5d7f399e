//! Merges of customers and of people, and what each of them moved.

use chrono::{DateTime, Utc};
use milepost_domain::merge::MovedKind;
use milepost_domain::values::text::Reason;
use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::{Conn, columns, on, table};

/// Number of things of one kind that a merge moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"kind": "plans", "count": 2}))]
pub struct MovedCount {
    /// Kind.
    pub kind: MovedKind,
    /// Number.
    #[schema(minimum = 1)]
    pub count: i64,
}

/// A merge: one customer or person was kept, and its duplicate points to it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "survivor_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "duplicate_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "moved": [{"kind": "plans", "count": 2}],
    "reason": "Imported twice.", "author": {"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"},
    "recorded_at": "2026-05-04T12:00:00Z", "undone_at": null
}))]
pub struct Merge {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the one that was kept.
    pub survivor_id: Uuid,
    /// Identifier of its duplicate.
    pub duplicate_id: Uuid,
    /// Number of things that were moved, by kind.
    #[schema(max_items = 9)]
    pub moved: Vec<MovedCount>,
    /// Reason.
    pub reason: Option<Reason>,
    /// Author of the merge.
    pub author: Author,
    /// Time of the merge.
    pub recorded_at: DateTime<Utc>,
    /// Time at which it was undone; null if it was not.
    pub undone_at: Option<DateTime<Utc>>,
}

columns!(Merge { id, survivor_id, duplicate_id, moved, reason, author, recorded_at, undone_at });
table!(Merge, "merges");

/// Column that says to whom the rows of a table belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Kind of the rows.
    pub kind: MovedKind,
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
}

/// Returns the number of rows that belong to a customer or a person.
pub async fn count(conn: &mut Conn, organization_id: Uuid, link: Link, of: Uuid) -> sqlx::Result<i64> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT COUNT(*) FROM ");
        query.push(link.table).push(" WHERE organization_id = ").push_bind(organization_id);
        query.push(" AND ").push(link.column).push(" = ").push_bind(of);
        query.build_query_scalar().fetch_one(db).await
    })
}

/// Notes which rows a merge moves; returns their number.
pub async fn note(conn: &mut Conn, organization_id: Uuid, merge_id: Uuid, link: Link, from: Uuid) -> sqlx::Result<i64> {
    let noted = on!(conn, db => {
        let mut query = QueryBuilder::new("INSERT INTO merged_rows (organization_id, merge_id, kind, row_id) SELECT organization_id, ");
        query.push_bind(merge_id).push(", ").push_bind(link.kind.to_string()).push(", id FROM ").push(link.table);
        query.push(" WHERE organization_id = ").push_bind(organization_id);
        query.push(" AND ").push(link.column).push(" = ").push_bind(from);
        query.build().execute(db).await.map(|done| done.rows_affected())
    })?;
    Ok(i64::try_from(noted).unwrap_or(i64::MAX))
}

/// Adds the condition that a merge noted a row, and that it belongs to a customer or a person.
macro_rules! push_noted {
    ($query:ident, $organization_id:expr, $merge_id:expr, $link:expr, $of:expr) => {{
        $query.push(" WHERE organization_id = ").push_bind($organization_id);
        $query.push(" AND ").push($link.column).push(" = ").push_bind($of);
        $query.push(" AND id IN (SELECT row_id FROM merged_rows WHERE organization_id = ").push_bind($organization_id);
        $query.push(" AND merge_id = ").push_bind($merge_id);
        $query.push(" AND kind = ").push_bind($link.kind.to_string()).push(")");
    }};
}

/// Returns the rows that a merge noted and that belong to a customer or a person.
pub async fn noted(
    conn: &mut Conn,
    organization_id: Uuid,
    merge_id: Uuid,
    link: Link,
    of: Uuid,
) -> sqlx::Result<Vec<Uuid>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT id FROM ");
        query.push(link.table);
        push_noted!(query, organization_id, merge_id, link, of);
        query.push(" ORDER BY id");
        query.build_query_scalar().fetch_all(db).await
    })
}

/// Moves the rows that a merge noted from one to the other.
pub async fn relink(
    conn: &mut Conn,
    organization_id: Uuid,
    merge_id: Uuid,
    link: Link,
    (from, to): (Uuid, Uuid),
) -> sqlx::Result<()> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("UPDATE ");
        query.push(link.table).push(" SET ").push(link.column).push(" = ").push_bind(to);
        push_noted!(query, organization_id, merge_id, link, from);
        query.build().execute(db).await.map(|_| ())
    })
}
