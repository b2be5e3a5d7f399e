//! Credentials as somebody gives them, before anything of them is known to be true.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use milepost_domain::recognition::verdict::{Check, Finding, check_claims};
use serde_json::Value;

use super::data_integrity::{CRYPTOSUITE, is_sealed_by, read_multikey, split};
use super::form::check_form;

/// A credential, or another document that is signed like one.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Content.
    pub payload: Value,
    /// Address of the key that it names.
    pub key: Option<String>,
    seal: Seal,
}

/// Way in which a document is signed.
#[derive(Debug, Clone)]
enum Seal {
    /// As a JWT.
    Jwt { token: String, algorithm: Option<String> },
    /// By a proof within it.
    Embedded { proof: Value },
    /// By nothing that is taken.
    Open,
}

/// A public key that may verify.
#[derive(Debug)]
pub enum VerifyingKey {
    /// RSA.
    Rsa(DecodingKey),
    /// Ed25519.
    Ed25519(Vec<u8>),
}

impl VerifyingKey {
    /// Reads a key: a JWK (RFC 7517), or a verification method that has a Multikey or a JWK.
    pub fn read(document: &Value) -> Option<Self> {
        let jwk = document.get("publicKeyJwk").unwrap_or(document);
        let text = |name: &str| jwk[name].as_str();
        if let (Some(n), Some(e)) = (text("n"), text("e")) {
            return DecodingKey::from_rsa_components(n, e).ok().map(Self::Rsa);
        }
        if let (Some("Ed25519"), Some(x)) = (text("crv"), text("x")) {
            return BASE64_URL_SAFE_NO_PAD.decode(x).ok().map(Self::Ed25519);
        }
        document["publicKeyMultibase"].as_str().and_then(read_multikey).map(Self::Ed25519)
    }
}

impl Sealed {
    /// Reads a JWT, or a JSON document; `None` if the text is neither.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with('{') { Self::read_document(text) } else { Self::read_token(text) }
    }

    fn read_token(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let part = |text: Option<&str>| -> Option<Value> {
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text?).ok()?).ok()
        };
        let (header, payload) = (part(parts.next())?, part(parts.next())?);
        parts.next().filter(|_| parts.next().is_none())?;
        let text = |name: &str| header[name].as_str().map(str::to_owned);
        let seal = Seal::Jwt { token: token.to_owned(), algorithm: text("alg") };
        payload.is_object().then(|| Self { payload, key: text("kid"), seal })
    }

    fn read_document(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        Some(match split(&document) {
            Some((payload, proof)) => {
                let key = proof["verificationMethod"].as_str().map(str::to_owned);
                Self { payload, key, seal: Seal::Embedded { proof } }
            }
            None => Self { payload: document, key: None, seal: Seal::Open },
        })
    }

    /// Checks that it is signed in a way that is taken.
    pub fn check_algorithm(&self) -> Finding {
        let of = |passed, good: &str, bad: &str| Finding::of(Check::Algorithm, passed, good, bad);
        match &self.seal {
            Seal::Jwt { algorithm, .. } => {
                let named: String = algorithm.as_deref().unwrap_or("missing").chars().take(50).collect();
                let bad = format!("The algorithm is {named}, but of JWTs only RS256 is taken.");
                of(named == "RS256", "The algorithm is RS256.", &bad)
            }
            Seal::Embedded { .. } => of(true, "The cryptosuite is eddsa-rdfc-2022.", ""),
            Seal::Open => of(
                false,
                "",
                &format!("It has no embedded proof of {CRYPTOSUITE}, or more than one, and no other is taken."),
            ),
        }
    }

    /// Checks that what is read is what is signed: of a JWT its claims, of a document its fields and its proof. What can be long is worked on beside
    /// the requests.
    pub async fn check_reading(&self, now: DateTime<Utc>) -> Finding {
        match self.covered(now).await {
            None => check_claims(&self.payload),
            Some(covered) => {
                let reason = covered.err().unwrap_or_default();
                Finding::of(Check::Fields, reason.is_empty(), "Every field is one that the proof covers.", &reason)
            }
        }
    }

    /// Whether the fields of a document are those that its proof covers, which has not expired; `None` of a JWT.
    pub async fn covered(&self, now: DateTime<Utc>) -> Option<Result<(), String>> {
        let Seal::Embedded { proof } = self.seal.clone() else { return None };
        let expires = match &proof["expires"] {
            Value::Null => None,
            at => Some(at.as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok())),
        };
        if expires.is_some_and(|at| at.is_none_or(|at| at <= now)) {
            return Some(Err("The proof has expired.".to_owned()));
        }
        let document = self.payload.clone();
        let checked = tokio::task::spawn_blocking(move || check_form(&document, &proof)).await;
        Some(checked.unwrap_or_else(|_| Err("The document could not be read.".to_owned())))
    }

    /// Whether the signature is that of a key. What can be long is worked on beside the requests.
    pub async fn is_by(&self, key: VerifyingKey) -> bool {
        let sealed = self.clone();
        tokio::task::spawn_blocking(move || sealed.is_by_now(&key)).await.unwrap_or(false)
    }

    fn is_by_now(&self, key: &VerifyingKey) -> bool {
        match (&self.seal, key) {
            (Seal::Jwt { token, .. }, VerifyingKey::Rsa(key)) => is_signed_by(token, key),
            (Seal::Embedded { proof }, VerifyingKey::Ed25519(key)) => {
                is_sealed_by(&self.payload, proof, key) == Ok(true)
            }
            _ => false,
        }
    }
}

fn is_signed_by(token: &str, key: &DecodingKey) -> bool {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_required_spec_claims::<&str>(&[]);
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    jsonwebtoken::decode::<HashMap<String, Value>>(token, key, &validation).is_ok()
}
