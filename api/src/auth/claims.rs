//! Verification of JWTs (RFC 9068) from any issuer.
//!
//! The library checks the signature with the single algorithm of the key that the token names. All times are checked
//! here against our clock, because the library's defaults accept tokens without expiry, audience or type.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Maximum difference between clocks, in seconds.
const LEEWAY_SECONDS: i64 = 30;
/// Maximum accepted lifetime of a token, in seconds. A longer lifetime indicates a mistake or an attack.
const MAX_LIFETIME_SECONDS: i64 = 24 * 3600;

/// Maximum length of `sub`, in characters. A longer one is refused and not cut, because two could become one.
const LONGEST_SUBJECT: usize = 200;

/// A set of keys by identifier, each with the only algorithm that it may be used with.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: HashMap<String, (DecodingKey, Algorithm)>,
}

impl KeySet {
    /// Creates a set of keys.
    pub fn of(keys: impl IntoIterator<Item = (String, DecodingKey, Algorithm)>) -> Self {
        Self { keys: keys.into_iter().map(|(id, key, algorithm)| (id, (key, algorithm))).collect() }
    }

    /// Returns whether the set contains a key with this identifier.
    pub fn has(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }
}

/// Expected properties of a token.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Expected `iss`.
    pub issuer: &'a str,
    /// Value that `aud` must contain.
    pub audience: &'a str,
    /// Expected `typ`, compared without regard to case and to a leading `application/`.
    pub token_type: &'a str,
}

/// Claims of a token that are read.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    /// Subject.
    pub sub: String,
    /// Expiry, in seconds since 1970.
    pub exp: i64,
    /// Time of issue, in seconds since 1970.
    pub iat: i64,
    /// Time from which the token is valid, in seconds since 1970.
    pub nbf: Option<i64>,
    /// Granted scopes, separated by spaces.
    pub scope: Option<String>,
    /// All other claims.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Returns the claims of a token that passes every check, or `None`. The caller does not learn which check failed.
pub fn verify(
    token: &str,
    header: &Header,
    keys: &KeySet,
    expected: Expected<'_>,
    now: DateTime<Utc>,
) -> Option<Claims> {
    let token_type = header.typ.as_deref()?.to_ascii_lowercase();
    if token_type.strip_prefix("application/").unwrap_or(&token_type) != expected.token_type.to_ascii_lowercase() {
        return None;
    }
    let (key, algorithm) = keys.keys.get(header.kid.as_deref()?)?;
    let mut validation = Validation::new(*algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_audience(&[expected.audience]);
    validation.set_issuer(&[expected.issuer]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).ok()?.claims;
    let has_subject = (1..=LONGEST_SUBJECT).contains(&claims.sub.chars().count());
    (has_subject && is_timely(&claims, now.timestamp())).then_some(claims)
}

/// Returns what a signed statement says: a token of another type, without expiry or audience.
pub fn read_statement<T: DeserializeOwned + Clone>(token: &str, token_type: &str, keys: &KeySet) -> Option<T> {
    let header = header_of(token)?;
    if header.typ.as_deref() != Some(token_type) {
        return None;
    }
    let (key, algorithm) = keys.keys.get(header.kid.as_deref()?)?;
    let mut validation = Validation::new(*algorithm);
    validation.set_required_spec_claims::<&str>(&[]);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    jsonwebtoken::decode::<T>(token, key, &validation).ok().map(|read| read.claims)
}

/// Returns the header of a token. One with `crit` names extensions that must be understood (RFC 7515, section 4.1.11), and
/// none is.
pub fn header_of(token: &str) -> Option<Header> {
    let part = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let fields: Map<String, Value> = serde_json::from_slice(&part).ok()?;
    if fields.contains_key("crit") {
        return None;
    }
    jsonwebtoken::decode_header(token).ok()
}

fn is_timely(claims: &Claims, now: i64) -> bool {
    let not_before = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
    let lifetime = claims.exp.saturating_sub(claims.iat);
    now < claims.exp.saturating_add(LEEWAY_SECONDS)
        && not_before <= now + LEEWAY_SECONDS
        && (1..=MAX_LIFETIME_SECONDS).contains(&lifetime)
}
