//! What a JWT must say before it is believed (RFC 9068), whoever issued it.
//!
//! The library checks the signature with the one algorithm of the one key that the token names; everything about time is
//! checked here against our clock, because the library's defaults accept tokens without expiry, audience or type.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

/// How far clocks may differ, in seconds.
const LEEWAY_SECONDS: i64 = 30;
/// The longest lifetime believed, in seconds: a token for longer is a mistake or an attack.
const MAX_LIFETIME_SECONDS: i64 = 24 * 3600;

/// Keys by id, each with the only algorithm it may be used with.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: HashMap<String, (DecodingKey, Algorithm)>,
}

impl KeySet {
    /// A set of keys.
    pub fn of(keys: impl IntoIterator<Item = (String, DecodingKey, Algorithm)>) -> Self {
        Self { keys: keys.into_iter().map(|(id, key, algorithm)| (id, (key, algorithm))).collect() }
    }

    /// Whether the set has a key of this id.
    pub fn has(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }
}

/// What is expected of a token.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Its `iss`.
    pub issuer: &'a str,
    /// One of its `aud`.
    pub audience: &'a str,
    /// Its `typ`, compared without case and without an `application/` in front.
    pub token_type: &'a str,
}

/// The claims we read.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    /// Subject.
    pub sub: String,
    /// Expiry, seconds since 1970.
    pub exp: i64,
    /// Issued at.
    pub iat: i64,
    /// Not before.
    pub nbf: Option<i64>,
    /// The scopes granted, separated by spaces.
    pub scope: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The claims of a token that passes every check, or `None`: why not is nobody's business but the log's.
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
    is_timely(&claims, now.timestamp()).then_some(claims)
}

fn is_timely(claims: &Claims, now: i64) -> bool {
    let not_before = claims.nbf.unwrap_or(claims.iat).max(claims.iat);
    let lifetime = claims.exp.saturating_sub(claims.iat);
    now < claims.exp.saturating_add(LEEWAY_SECONDS)
        && not_before <= now + LEEWAY_SECONDS
        && (1..=MAX_LIFETIME_SECONDS).contains(&lifetime)
}
