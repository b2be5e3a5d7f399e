//! Storage of the keys that sign the server's own tokens. They belong to the server, not to an organization.

use chrono::{DateTime, Utc};

use crate::from_row::from_row;
use crate::{Conn, on};

/// An Ed25519 key pair.
#[derive()]
pub struct SigningKey {
    /// Identifier of the key.
    pub id: String,
    /// Private key (PKCS#8), perhaps encrypted; empty once it is forgotten.
    pub private_der: Vec<u8>,
    /// Public coordinate, base64url-encoded.
    pub public_x: String,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time at which the key stopped signing. What it signed can still be verified.
    pub retired_at: Option<DateTime<Utc>>,
}

from_row!(SigningKey { id, private_der, public_x, created_at, retired_at });

/// Returns all keys, oldest first.
pub async fn list(conn: &mut Conn) -> sqlx::Result<Vec<SigningKey>> {
    const SQL: &str =
        "SELECT id, private_der, public_x, created_at, retired_at FROM signing_keys ORDER BY created_at, id";
    on!(conn, db => sqlx::query_as(SQL).fetch_all(db).await)
}

/// Adds a key.
pub async fn insert(conn: &mut Conn, key: &SigningKey) -> sqlx::Result<()> {
    const SQL: &str =
        "INSERT INTO signing_keys (id, private_der, public_x, created_at, retired_at) VALUES ($1, $2, $3, $4, $5)";
    on!(conn, db => sqlx::query(SQL)
        .bind(&key.id).bind(&key.private_der).bind(&key.public_x).bind(key.created_at).bind(key.retired_at)
        .execute(db).await.map(|_| ()))
}

/// Retires all keys, which then no longer sign.
pub async fn retire_all(conn: &mut Conn, now: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE signing_keys SET retired_at = $1 WHERE retired_at IS NULL";
    on!(conn, db => sqlx::query(SQL).bind(now).execute(db).await.map(|_| ()))
}

/// Replaces what is stored of a private key.
pub async fn replace_private(conn: &mut Conn, id: &str, private: &[u8]) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE signing_keys SET private_der = $2 WHERE id = $1";
    on!(conn, db => sqlx::query(SQL).bind(id).bind(private).execute(db).await.map(|_| ()))
}

/// Forgets the private part of keys that were retired before an instant. The public part stays, because it verifies
/// checkpoints.
pub async fn forget_retired_before(conn: &mut Conn, instant: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE signing_keys SET private_der = $2 WHERE retired_at < $1 AND LENGTH(private_der) > 0";
    let nothing: &[u8] = &[];
    on!(conn, db => sqlx::query(SQL).bind(instant).bind(nothing).execute(db).await.map(|_| ()))
}
