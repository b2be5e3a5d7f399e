//! Credentials of Open Badges: the keys that sign them, kept in memory with the status lists that are signed.
//!
//! A signature is made where it is asked for: RS256 gives the same one every time, so nothing signed is stored. `jsonwebtoken` would read
//! and check the key again for each, which costs more than the signature; so the key is kept, and the compact form is put together here
//! (RFC 7515, section 7.1).

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use milepost_domain::recognition::credential::claims;
use milepost_domain::recognition::status_list::StatusPurpose;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::credential_keys::CredentialKey;

/// Media type of a credential as a JWT.
pub const CREDENTIAL: &str = "application/vc+jwt";

/// Number of keys and of lists that are kept in memory.
const CAPACITY: u64 = 1_000;

/// Keys and lists in memory.
#[derive(Debug)]
pub struct Credentials {
    /// Keys that sign, by their identifiers.
    pub keys: moka::sync::Cache<Uuid, Arc<Signer>>,
    /// Signed lists, by organization, purpose and number.
    pub lists: moka::sync::Cache<(Uuid, StatusPurpose, i64), Arc<SignedList>>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { keys: moka::sync::Cache::new(CAPACITY), lists: moka::sync::Cache::new(CAPACITY) }
    }
}

/// A status list at one ledger sequence.
#[derive(Debug)]
pub struct SignedList {
    /// Ledger sequence that it is right for.
    pub sequence: i64,
    /// Time of the signature.
    pub signed_at: DateTime<Utc>,
    /// List as a signed credential.
    pub token: String,
}

/// A key that signs.
#[derive(Debug)]
pub struct Signer {
    pair: KeyPair,
    kid: String,
}

impl Signer {
    /// Returns a key that signs, with the address of its public part.
    pub const fn new(pair: KeyPair, kid: String) -> Self {
        Self { pair, kid }
    }

    /// Signs a credential: returns it as a JWT.
    pub fn sign(&self, credential: &Value) -> Result<String, ApiError> {
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": self.kid });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims(credential)));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(ApiError::internal)?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Public part of a key (RFC 7517).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "n": "0vx7ago…", "e": "AQAB"
}))]
pub struct Jwk {
    /// Type of the key.
    #[schema(max_length = 10)]
    kty: &'static str,
    /// Algorithm.
    #[schema(max_length = 10)]
    alg: &'static str,
    /// Use of the key.
    #[serde(rename = "use")]
    #[schema(max_length = 10)]
    purpose: &'static str,
    /// Identifier.
    kid: Uuid,
    /// Modulus, in base64url.
    #[schema(max_length = 2000)]
    pub n: String,
    /// Public exponent, in base64url.
    #[schema(max_length = 20)]
    pub e: String,
}

impl Jwk {
    /// Returns the public part of a key.
    pub fn of(key: &CredentialKey) -> Self {
        let (n, e) = (key.public_n.clone(), key.public_e.clone());
        Self { kty: "RSA", alg: "RS256", purpose: "sig", kid: key.id, n, e }
    }
}
