//! Verification of tokens of the configured external issuer, whose keys are fetched, cached and refreshed here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use milepost_domain::access::Scopes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::caller::Caller;
use super::claims::{Claims, Expected, KeySet, verify};
use crate::config::ExternalIssuer;
use crate::outbound;
use crate::store::author::{Author, AuthorKind};

/// Age at which the keys are fetched again. The old keys remain in use if the fetch fails.
const FRESH_FOR: Duration = Duration::from_secs(600);
/// Minimum time between two fetches, so that tokens with invented key identifiers cannot cause excessive requests to
/// the issuer.
const FETCH_AT_MOST_EVERY: Duration = Duration::from_secs(10);

/// Time that a token with an unknown key waits for a fetch.
const WAIT_FOR_FETCH: Duration = Duration::from_secs(2);
/// Maximum size of a document of the issuer, in bytes.
const LARGEST_DOCUMENT: usize = 256 * 1024;
/// Maximum number of keys of the issuer.
const MOST_KEYS: usize = 100;

/// The external issuer and its fetched keys.
#[derive(Debug, Clone)]
pub struct External(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: ExternalIssuer,
    http: reqwest::Client,
    allows_private: bool,
    keys: ArcSwapOption<Fetched>,
    fetching: Mutex<Fetching>,
    /// Number of fetches that have ended, for those who wait for the next one.
    ended: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Fetching {
    last_started_at: Option<Instant>,
    is_on_the_way: bool,
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
        Self::of_caller(settings, true)
    }

    /// Creates a verifier for an issuer that a caller has named, whose address may be private only if that is allowed.
    pub fn of_caller(settings: ExternalIssuer, allows_private: bool) -> reqwest::Result<Self> {
        let http = outbound::client(allows_private)?;
        let keys = ArcSwapOption::empty();
        Ok(Self(Arc::new(Shared {
            settings,
            http,
            allows_private,
            keys,
            fetching: Mutex::default(),
            ended: watch::Sender::new(0),
        })))
    }

    /// Returns the issuer's name, as in `iss`.
    pub fn name(&self) -> &str {
        &self.0.settings.issuer
    }

    /// Returns the caller of a token of this issuer, if the token is valid. Keys that are old are fetched beside the request,
    /// which uses those that are there; only a token with an unknown key waits.
    pub async fn verify(&self, token: &str, header: &Header, now: DateTime<Utc>) -> Option<Caller> {
        self.caller_of(self.claims(token, header, now).await?)
    }

    /// Returns the claims of a token of this issuer, if the token is valid.
    pub async fn claims(&self, token: &str, header: &Header, now: DateTime<Utc>) -> Option<Claims> {
        let shared = &self.0;
        let key_id = header.kid.as_deref()?;
        let (is_known, is_fresh) = shared
            .keys
            .load()
            .as_ref()
            .map_or((false, false), |fetched| (fetched.keys.has(key_id), fetched.at.elapsed() < FRESH_FOR));
        if !is_known || !is_fresh {
            let mut ended = shared.ended.subscribe();
            ended.mark_unchanged();
            let is_fetching = self.start_fetch();
            if !is_known && is_fetching {
                // Whether it ends in time or not, the keys that are there by then decide.
                let _ = tokio::time::timeout(WAIT_FOR_FETCH, ended.changed()).await;
            }
        }
        let fetched = shared.keys.load_full()?;
        let expected = Expected {
            issuer: &shared.settings.issuer,
            audience: &shared.settings.audience,
            token_type: &shared.settings.token_type,
        };
        verify(token, header, &fetched.keys, expected, now)
    }

    fn caller_of(&self, claims: Claims) -> Option<Caller> {
        Some(Caller {
            organization_id: claims.other.get(&self.0.settings.organization_claim)?.as_str()?.parse().ok()?,
            author: Author::of(AuthorKind::User, claims.sub),
            scopes: Scopes::read(claims.scope.as_deref().unwrap_or_default()),
            person: None,
        })
    }

    /// Starts a fetch in a task of its own, unless one was started a moment ago. Returns whether one is on the way.
    fn start_fetch(&self) -> bool {
        let mut fetching = self.0.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        if fetching.is_on_the_way || fetching.last_started_at.is_some_and(|at| at.elapsed() < FETCH_AT_MOST_EVERY) {
            return fetching.is_on_the_way;
        }
        *fetching = Fetching { last_started_at: Some(Instant::now()), is_on_the_way: true };
        drop(fetching);
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            match shared.fetch().await {
                Ok(set) => {
                    let keys = KeySet::of(set.keys.iter().filter_map(usable_key));
                    shared.keys.store(Some(Arc::new(Fetched { at: Instant::now(), keys })));
                }
                Err(error) => {
                    let issuer = &shared.settings.issuer;
                    tracing::warn!(%error, issuer, "the external issuer's keys could not be fetched");
                }
            }
            shared.fetching.lock().unwrap_or_else(PoisonError::into_inner).is_on_the_way = false;
            shared.ended.send_modify(|number| *number += 1);
        });
        true
    }
}

impl Shared {
    async fn fetch(&self) -> Result<JwkSet, String> {
        let url = match &self.settings.jwks_url {
            Some(url) => url.clone(),
            None => {
                let base = self.settings.issuer.trim_end_matches('/');
                let discovery: Discovery = self.get(&format!("{base}/.well-known/openid-configuration")).await?;
                if discovery.issuer != self.settings.issuer {
                    return Err(format!("discovery names another issuer: {}", discovery.issuer));
                }
                discovery.jwks_uri
            }
        };
        let set: JwkSet = self.get(&url).await?;
        if set.keys.len() > MOST_KEYS { Err(format!("more than {MOST_KEYS} keys")) } else { Ok(set) }
    }

    /// Fetches a document of bounded size. A redirect is not followed, because it could lead anywhere.
    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, String> {
        let text = |error: reqwest::Error| error.to_string();
        outbound::check_host(url, self.allows_private)?;
        let mut answer = self.http.get(url).send().await.and_then(reqwest::Response::error_for_status).map_err(text)?;
        if !answer.status().is_success() {
            return Err(format!("{url} answers {}", answer.status()));
        }
        let mut bytes = vec![];
        while let Some(chunk) = answer.chunk().await.map_err(text)? {
            if bytes.len() + chunk.len() > LARGEST_DOCUMENT {
                return Err(format!("{url} has more than {LARGEST_DOCUMENT} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())
    }
}

/// Returns a key with its identifier and its only algorithm. Symmetric keys are refused, because a published set must
/// not contain them, and so are keys that are not for signatures.
pub fn usable_key(jwk: &Jwk) -> Option<(String, DecodingKey, Algorithm)> {
    let is_for_signatures =
        jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature)
            && jwk.common.key_operations.as_ref().is_none_or(|listed| listed.contains(&KeyOperations::Verify));
    if !is_for_signatures {
        return None;
    }
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
