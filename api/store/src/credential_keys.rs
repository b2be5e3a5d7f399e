//! Keys that sign the credentials of an organization.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::row::{self, Condition};
use crate::{Conn, columns, table};

/// An RSA key pair.
pub struct CredentialKey {
    /// Identifier.
    pub id: Uuid,
    /// Private key (PKCS#8), perhaps encrypted; empty once it is retired.
    pub private_der: Vec<u8>,
    /// Modulus, base64url-encoded.
    pub public_n: String,
    /// Public exponent, base64url-encoded.
    pub public_e: String,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time at which the key stopped signing. What it signed can still be verified.
    pub retired_at: Option<DateTime<Utc>>,
}

columns!(CredentialKey { id, private_der, public_n, public_e, created_at, retired_at });
table!(CredentialKey, "credential_keys");

/// Returns the key that signs at present.
pub async fn current(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Option<CredentialKey>> {
    let in_use = [Condition::IsPresent("retired_at", false)];
    Ok(row::all(conn, organization_id, &in_use, "id").await?.pop())
}
