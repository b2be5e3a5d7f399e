//! Keys that sign the credentials of an organization.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::public_key::{KeyAlgorithm, PublicKey};
use crate::row::{self, Condition};
use crate::{Conn, columns, table};

/// A key pair.
#[derive(Debug, Clone)]
pub struct CredentialKey {
    /// Identifier.
    pub id: Uuid,
    /// Private key (PKCS#8), perhaps encrypted; empty once it is retired.
    pub private_der: Vec<u8>,
    /// Public part.
    pub public_key: PublicKey,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time at which the key stopped signing. What it signed can still be verified.
    pub retired_at: Option<DateTime<Utc>>,
}

columns!(CredentialKey { id, private_der, public_key, created_at, retired_at });
table!(CredentialKey, "credential_keys");

/// Returns the keys that sign at present: one of each algorithm that was needed.
pub async fn in_use(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<CredentialKey>> {
    row::all(conn, organization_id, &[Condition::IsPresent("retired_at", false)], "id").await
}

/// Returns the key of an algorithm that signs at present.
pub async fn current(
    conn: &mut Conn,
    organization_id: Uuid,
    algorithm: KeyAlgorithm,
) -> sqlx::Result<Option<CredentialKey>> {
    let keys = in_use(conn, organization_id).await?;
    Ok(keys.into_iter().rfind(|key| key.public_key.algorithm() == algorithm))
}
