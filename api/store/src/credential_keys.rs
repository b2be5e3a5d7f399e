//! Keys that sign the credentials of an organization.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// Public part of a key, in base64url as a JWK has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "algorithm")]
pub enum PublicKey {
    /// RSA, for JWTs.
    #[serde(rename = "RS256")]
    Rsa {
        /// Modulus.
        n: String,
        /// Public exponent.
        e: String,
    },
    /// Ed25519, for embedded proofs.
    Ed25519 {
        /// Public key.
        x: String,
    },
}

/// Algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA, for JWTs.
    Rsa,
    /// Ed25519, for embedded proofs.
    Ed25519,
}

impl PublicKey {
    /// Returns the algorithm.
    pub const fn algorithm(&self) -> KeyAlgorithm {
        match self {
            Self::Rsa { .. } => KeyAlgorithm::Rsa,
            Self::Ed25519 { .. } => KeyAlgorithm::Ed25519,
        }
    }
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
