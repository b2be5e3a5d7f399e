//! The keys our own tokens are signed with. They belong to the server, not to an organization.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{Conn, on};

/// An Ed25519 key pair.
#[derive(FromRow)]
pub struct SigningKey {
    /// Its key id.
    pub id: String,
    /// PKCS#8.
    pub private_der: Vec<u8>,
    /// The public coordinate, base64url.
    pub public_x: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stopped signing; it verifies until it is deleted.
    pub retired_at: Option<DateTime<Utc>>,
}

/// All keys, oldest first.
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

/// Stops every key from signing.
pub async fn retire_all(conn: &mut Conn, now: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE signing_keys SET retired_at = $1 WHERE retired_at IS NULL";
    on!(conn, db => sqlx::query(SQL).bind(now).execute(db).await.map(|_| ()))
}

/// Forgets keys retired before an instant: no token they signed can still be alive.
pub async fn delete_retired_before(conn: &mut Conn, instant: DateTime<Utc>) -> sqlx::Result<()> {
    const SQL: &str = "DELETE FROM signing_keys WHERE retired_at < $1";
    on!(conn, db => sqlx::query(SQL).bind(instant).execute(db).await.map(|_| ()))
}
