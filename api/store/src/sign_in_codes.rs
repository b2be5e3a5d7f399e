//! One-time codes by which people sign in. Only the hash of a code is kept.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Conn, columns, on, table};

/// A one-time code.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SignInCode {
    pub id: Uuid,
    pub person_id: Uuid,
    pub secret_hash: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
}

columns!(SignInCode { id, person_id, secret_hash, created_at, expires_at, used_at });
table!(SignInCode, "sign_in_codes");

/// Returns the number of codes that a person was sent since an instant.
pub async fn sent_since(
    conn: &mut Conn,
    organization_id: Uuid,
    person_id: Uuid,
    since: DateTime<Utc>,
) -> sqlx::Result<i64> {
    const SQL: &str =
        "SELECT COUNT(*) FROM sign_in_codes WHERE organization_id = $1 AND person_id = $2 AND created_at > $3";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(person_id).bind(since).fetch_one(db).await)
}

/// Deletes codes that were created before an instant.
pub async fn prune(conn: &mut Conn, organization_id: Uuid, before: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM sign_in_codes WHERE organization_id = $1 AND created_at < $2";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(before).execute(db).await.map(|_| ()))
}
