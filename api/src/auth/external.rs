//! Verification of tokens of the configured external issuer, whose keys are fetched, cached and refreshed here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use milepost_domain::access::Scopes;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::caller::Caller;
use super::claims::{Claims, Expected, KeySet, verify};
use crate::config::ExternalIssuer;
use crate::store::author::{Author, AuthorKind};

/// Age at which the keys are fetched again. The old keys remain in use if the fetch fails.
const FRESH_FOR: Duration = Duration::from_secs(600);
/// Minimum time between two fetches, so that tokens with invented key identifiers cannot cause excessive requests to
/// the issuer.
const FETCH_AT_MOST_EVERY: Duration = Duration::from_secs(10);

/// The external issuer and its fetched keys.
#[derive(Debug)]
pub struct External {
    settings: ExternalIssuer,
    http: reqwest::Client,
    keys: ArcSwapOption<Fetched>,
    last_attempt: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Fetched {
    at: Instant,
    keys: KeySet,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl External {
    /// Creates a verifier for the configured issuer. Fetches nothing before the first token arrives.
    pub fn new(settings: ExternalIssuer) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        Ok(Self { settings, http, keys: ArcSwapOption::empty(), last_attempt: Mutex::default() })
    }

    /// Returns the issuer's name, as in `iss`.
    pub fn name(&self) -> &str {
        &self.settings.issuer
    }

    /// Returns the caller of a token of this issuer, if the token is valid.
    pub async fn verify(&self, token: &str, header: &Header, now: DateTime<Utc>) -> Option<Caller> {
        let key_id = header.kid.as_deref()?;
        let usable = |fetched: &Arc<Fetched>| fetched.keys.has(key_id) && fetched.at.elapsed() < FRESH_FOR;
        if !self.keys.load().as_ref().is_some_and(usable) {
            self.refresh(key_id).await;
        }
        let fetched = self.keys.load_full()?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            audience: &self.settings.audience,
            token_type: &self.settings.token_type,
        };
        self.caller_of(&verify(token, header, &fetched.keys, expected, now)?)
    }

    fn caller_of(&self, claims: &Claims) -> Option<Caller> {
        Some(Caller {
            organization_id: claims.other.get(&self.settings.organization_claim)?.as_str()?.parse().ok()?,
            author: Author { kind: AuthorKind::User, id: claims.sub.chars().take(200).collect() },
            scopes: Scopes::read(claims.scope.as_deref().unwrap_or_default()),
        })
    }

    /// Fetches the keys, one request at a time. Callers that wait use the fetched keys. A failure keeps the last good
    /// set.
    async fn refresh(&self, key_id: &str) {
        let mut last_attempt = self.last_attempt.lock().await;
        let arrived = self.keys.load().as_ref().is_some_and(|now| now.keys.has(key_id) && now.at.elapsed() < FRESH_FOR);
        if arrived || last_attempt.is_some_and(|at| at.elapsed() < FETCH_AT_MOST_EVERY) {
            return;
        }
        *last_attempt = Some(Instant::now());
        match self.fetch().await {
            Ok(set) => {
                let keys = KeySet::of(set.keys.iter().filter_map(usable_key));
                self.keys.store(Some(Arc::new(Fetched { at: Instant::now(), keys })));
            }
            Err(error) => {
                tracing::warn!(%error, issuer = self.name(), "the external issuer's keys could not be fetched");
            }
        }
    }

    async fn fetch(&self) -> Result<JwkSet, String> {
        let get = async |url: &str| {
            let answer = self.http.get(url).send().await.and_then(reqwest::Response::error_for_status);
            answer.map_err(|error| error.to_string())
        };
        let url = match &self.settings.jwks_url {
            Some(url) => url.clone(),
            None => {
                let base = self.settings.issuer.trim_end_matches('/');
                let answer = get(&format!("{base}/.well-known/openid-configuration")).await?;
                let discovery: Discovery = answer.json().await.map_err(|error| error.to_string())?;
                if discovery.issuer != self.settings.issuer {
                    return Err(format!("discovery names another issuer: {}", discovery.issuer));
                }
                discovery.jwks_uri
            }
        };
        get(&url).await?.json().await.map_err(|error| error.to_string())
    }
}

/// Returns a key with its identifier and its only algorithm. Symmetric keys are refused, because a published set must
/// not contain them.
fn usable_key(jwk: &Jwk) -> Option<(String, DecodingKey, Algorithm)> {
    let declared = jwk.common.key_algorithm.and_then(|algorithm| algorithm.to_string().parse::<Algorithm>().ok());
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => declared.unwrap_or(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => Algorithm::ES256,
            EllipticCurve::P384 => Algorithm::ES384,
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDSA,
        _ => return None,
    };
    if matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
        return None;
    }
    Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?, algorithm))
}
