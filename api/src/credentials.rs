//! Credentials of Open Badges: the keys that sign them, kept in memory with the status lists that are signed.
//!
//! A signature is made where it is asked for: RS256 and Ed25519 give the same one every time, so nothing signed is stored. `jsonwebtoken`
//! would read and check the key again for each, which costs more than the signature; so the key is kept, and the compact form is put
//! together here (RFC 7515, section 7.1).

pub mod baking;
pub mod data_integrity;
pub mod form;
pub mod json_ld;
pub mod sealed;

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
use crate::store::public_key::PublicKey;
use data_integrity::{Sealer, multikey};

/// Media type of a credential as a JWT.
pub const JWT: &str = "application/vc+jwt";
/// Media type of a credential with an embedded proof.
pub const EMBEDDED: &str = "application/vc";
/// Media type of the same, for whoever asks for JSON.
pub const JSON: &str = "application/json";

/// Form in which a document is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// As a JWT.
    Jwt,
    /// As JSON with an embedded proof.
    Embedded,
}

/// Number of keys and of lists that are kept in memory.
const CAPACITY: u64 = 1_000;

/// Keys and lists in memory.
#[derive(Debug)]
pub struct Credentials {
    /// Keys that sign JWTs, by their identifiers.
    pub signers: moka::sync::Cache<Uuid, Arc<Signer>>,
    /// Keys that seal documents, by their identifiers.
    pub sealers: moka::sync::Cache<Uuid, Arc<Sealer>>,
    /// Signed lists, by organization, purpose, number and form.
    pub lists: moka::sync::Cache<(Uuid, StatusPurpose, i64, Form), Arc<SignedList>>,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            signers: moka::sync::Cache::new(CAPACITY),
            sealers: moka::sync::Cache::new(CAPACITY),
            lists: moka::sync::Cache::new(CAPACITY),
        }
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
    pub text: String,
}

/// A key that signs JWTs.
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

/// Public part of a key for JWTs (RFC 7517).
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
    n: String,
    /// Public exponent, in base64url.
    #[schema(max_length = 20)]
    e: String,
}

impl Jwk {
    /// Returns the public part of a key; `None` if it is not for JWTs.
    pub fn of(key: &CredentialKey) -> Option<Self> {
        let PublicKey::Rsa { n, e } = key.public_key.clone() else { return None };
        Some(Self { kty: "RSA", alg: "RS256", purpose: "sig", kid: key.id, n, e })
    }
}

/// Returns the public part of a key as it stands in a set of keys (RFC 7517; RFC 8037 for Ed25519).
pub fn jwk(key: &CredentialKey) -> Value {
    match &key.public_key {
        PublicKey::Rsa { .. } => json!(Jwk::of(key)),
        PublicKey::Ed25519 { x } => {
            json!({ "kty": "OKP", "alg": "EdDSA", "use": "sig", "kid": key.id, "crv": "Ed25519", "x": x })
        }
    }
}

/// Public key of an issuer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(example = json!({
    "kty": "RSA", "alg": "RS256", "use": "sig", "kid": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "n": "0vx7ago…", "e": "AQAB"
}))]
pub enum IssuerKey {
    /// Key for JWTs.
    Jwk(Jwk),
    /// Key for embedded proofs.
    Multikey(Multikey),
}

/// Public part of a key for embedded proofs (Multikey of W3C Controlled Identifiers 1.0, section 2.2.2).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "@context": "https://w3id.org/security/multikey/v1", "type": "Multikey",
    "id": "https://milepost.example.com/issuers/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11/keys/1",
    "controller": "https://milepost.example.com/issuers/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
    "publicKeyMultibase": "z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi"
}))]
pub struct Multikey {
    /// Context.
    #[serde(rename = "@context")]
    #[schema(max_length = 200)]
    context: &'static str,
    /// Address of the key.
    #[schema(max_length = 2000)]
    pub id: String,
    /// Type.
    #[serde(rename = "type")]
    #[schema(max_length = 20)]
    kind: &'static str,
    /// Address of the issuer.
    #[schema(max_length = 2000)]
    controller: String,
    /// Public key in base58btc, behind the signs of its type and of that encoding.
    #[serde(rename = "publicKeyMultibase")]
    #[schema(max_length = 100)]
    public_key_multibase: String,
}

impl Multikey {
    /// Returns the public part of a key, at its address; `None` if it is not for embedded proofs.
    pub fn of(key: &CredentialKey, id: String, controller: String) -> Option<Self> {
        let PublicKey::Ed25519 { x } = &key.public_key else { return None };
        let public_key_multibase = multikey(&BASE64_URL_SAFE_NO_PAD.decode(x).ok()?);
        let context = "https://w3id.org/security/multikey/v1";
        Some(Self { context, id, kind: "Multikey", controller, public_key_multibase })
    }
}
