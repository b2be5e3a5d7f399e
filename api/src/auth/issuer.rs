//! Tokens that this server issues: short-lived JWTs signed with Ed25519, and the public keys that verify them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use milepost_domain::access::Scopes;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::claims::{Claims, Expected, KeySet, verify};
use super::vault::Vault;
use crate::clock::Clock;
use crate::error::ApiError;
use crate::store::signing_keys::SigningKey;
use crate::store::{Conn, Db, signing_keys};

/// Lifetime of a token, in seconds.
pub const TOKEN_SECONDS: i64 = 15 * 60;
/// Lifetime of the token of a person who has signed in themselves, in seconds.
pub const SESSION_SECONDS: i64 = 60 * 60;
/// `typ` of an access token (RFC 9068).
pub const TOKEN_TYPE: &str = "at+jwt";
/// The beginning of `sub` in a token for a person.
const PERSON: &str = "person:";
/// `aud` of our own tokens.
pub const AUDIENCE: &str = "milepost";
/// Age at which the keys are read again, which limits the time in which a rotation by another process stays unnoticed.
const RELOAD_AFTER: Duration = Duration::from_secs(60);
/// Minimum age at which the keys are read again because a token names an unknown key.
const RELOAD_FOR_UNKNOWN_AFTER: Duration = Duration::from_secs(5);

/// Issuer that signs and verifies the server's own tokens.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    vault: Vault,
    keys: ArcSwap<Loaded>,
    reloading: Mutex<()>,
}

#[derive(Debug)]
struct Loaded {
    at: Instant,
    signing: Option<(String, EncodingKey)>,
    verifying: KeySet,
    published: Value,
}

/// Grant of a token: the organization, the API client and the scopes.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Identifier of the organization.
    pub organization_id: Uuid,
    /// API client, and the API key that was its secret, with which the token ends; `None` for a person who has signed in themselves.
    pub client: Option<(Uuid, Uuid)>,
    /// Scopes that the token grants; those of a person come from their roles.
    pub scopes: Scopes,
    /// Identifier of the person who has signed in, or for whom the client acts.
    pub person_id: Option<Uuid>,
}

/// A grant of a token that was issued.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The grant.
    pub grant: Grant,
    /// Time of issue, to the millisecond.
    pub issued_at: DateTime<Utc>,
}

impl Grant {
    /// Returns the lifetime of the token, in seconds.
    pub const fn seconds(&self) -> i64 {
        if self.client.is_some() { TOKEN_SECONDS } else { SESSION_SECONDS }
    }
}

impl Issuer {
    /// Loads an issuer with the keys in the database.
    pub async fn load(db: &Db, name: String, vault: Vault) -> Result<Self, ApiError> {
        let loaded = read_keys(db, &vault).await?;
        Ok(Self { name, vault, keys: ArcSwap::from_pointee(loaded), reloading: Mutex::default() })
    }

    /// Returns the encryption of the private keys.
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Signs a statement of a type. Returns it with the identifier of the key.
    pub async fn state<T: Serialize>(
        &self,
        token_type: &str,
        statement: &T,
        db: &Db,
    ) -> Result<(String, String), ApiError> {
        self.reload_after(RELOAD_AFTER, db).await;
        let keys = self.keys.load();
        let (id, key) = keys.signing.as_ref().ok_or_else(|| ApiError::internal("there is no signing key"))?;
        let header =
            Header { typ: Some(token_type.to_owned()), kid: Some(id.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok((id.clone(), jsonwebtoken::encode(&header, statement, key).map_err(ApiError::internal)?))
    }

    /// Issues a signed token.
    pub async fn issue(&self, grant: &Grant, token_id: Uuid, db: &Db, now: DateTime<Utc>) -> Result<String, ApiError> {
        let seconds = grant.seconds();
        let mut claims = json!({
            "iss": self.name, "aud": AUDIENCE, "organization_id": grant.organization_id, "scope": grant.scopes.to_string(),
            "iat": now.timestamp(), "nbf": now.timestamp(), "exp": now.timestamp() + seconds, "jti": token_id,
        });
        if let Some((client_id, key_id)) = grant.client {
            claims["sub"] = json!(client_id);
            claims["client_id"] = json!(client_id);
            claims["key_id"] = json!(key_id);
        }
        if let Some(person_id) = grant.person_id {
            claims["sub"] = json!(format!("{PERSON}{person_id}"));
            if let Some((client_id, _)) = grant.client {
                // Delegation (RFC 8693, section 4.1): the subject is the person, the actor the client.
                claims["act"] = json!({ "sub": client_id });
            }
        }
        Ok(self.state(TOKEN_TYPE, &claims, db).await?.1)
    }

    /// Returns the grant of a token, if this server issued it and it is valid.
    pub async fn verify(&self, token: &str, header: &Header, db: &Db, now: DateTime<Utc>) -> Option<Granted> {
        let key_id = header.kid.as_deref()?;
        let is_known = self.keys.load().verifying.has(key_id);
        self.reload_after(if is_known { RELOAD_AFTER } else { RELOAD_FOR_UNKNOWN_AFTER }, db).await;
        let expected = Expected { issuer: &self.name, audience: AUDIENCE, token_type: TOKEN_TYPE };
        let claims = verify(token, header, &self.keys.load().verifying, expected, now)?;
        grant_of(&claims)
    }

    /// Returns the name of this issuer. The server's keys are tried only if a token's unverified claims contain it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the public keys as a JWK set (RFC 7517).
    pub async fn published(&self, db: &Db) -> Value {
        self.reload_after(RELOAD_AFTER, db).await;
        self.keys.load().published.clone()
    }

    /// Reads the keys again if they are older than `patience`. One caller reads, and callers that wait find the work
    /// done. A failure keeps the last good set.
    async fn reload_after(&self, patience: Duration, db: &Db) {
        if self.keys.load().at.elapsed() <= patience {
            return;
        }
        let _turn = self.reloading.lock().await;
        if self.keys.load().at.elapsed() <= patience {
            return;
        }
        match read_keys(db, &self.vault).await {
            Ok(loaded) => self.keys.store(Arc::new(loaded)),
            Err(error) => tracing::warn!(%error, cause = error.cause(), "signing keys could not be read again"),
        }
    }
}

/// Creates a signing key and retires the previous key, which continues to verify tokens but no longer signs.
pub async fn rotate(db: &Db, clock: &Clock, vault: &Vault) -> Result<String, ApiError> {
    let pair = Ed25519KeyPair::generate().map_err(ApiError::internal)?;
    let private = pair.to_pkcs8v1().map_err(ApiError::internal)?;
    let id = clock.new_id().simple().to_string();
    let key = SigningKey {
        private_der: vault.seal(&id, private.as_ref()).map_err(ApiError::internal)?,
        id,
        public_x: BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
        created_at: clock.now(),
        retired_at: None,
    };
    let mut conn = db.begin().await?;
    signing_keys::retire_all(&mut conn, clock.now()).await?;
    signing_keys::insert(&mut conn, &key).await?;
    conn.commit().await?;
    Ok(key.id)
}

/// Encrypts the private keys that are still in the clear, if a secret key is configured.
pub async fn seal_all(db: &Db, vault: &Vault) -> Result<(), ApiError> {
    let open: Vec<SigningKey> = {
        let keys = signing_keys::list(&mut db.read_to_keep().await?).await?;
        keys.into_iter().filter(|key| vault.is_open(&key.private_der)).collect()
    };
    if open.is_empty() {
        return Ok(());
    }
    let mut conn = db.begin().await?;
    for key in open {
        let sealed = vault.seal(&key.id, &key.private_der).map_err(ApiError::internal)?;
        signing_keys::replace_private(&mut conn, &key.id, &sealed).await?;
    }
    Ok(conn.commit().await?)
}

/// Returns the public keys of this server, by which its tokens and checkpoints are verified.
pub async fn public_keys(conn: &mut Conn) -> sqlx::Result<KeySet> {
    Ok(verifying(&signing_keys::list(conn).await?))
}

fn verifying(rows: &[SigningKey]) -> KeySet {
    let decoding = |key: &SigningKey| {
        let public = DecodingKey::from_ed_components(&key.public_x).ok()?;
        Some((key.id.clone(), public, Algorithm::EdDSA))
    };
    KeySet::of(rows.iter().filter_map(decoding))
}

async fn read_keys(db: &Db, vault: &Vault) -> Result<Loaded, ApiError> {
    let rows = signing_keys::list(&mut db.read_to_keep().await?).await?;
    let signing = rows.iter().rev().find(|key| key.retired_at.is_none());
    let signing = signing.map(|key| {
        let private = vault.open(&key.id, &key.private_der).map_err(ApiError::internal)?;
        Ok::<_, ApiError>((key.id.clone(), EncodingKey::from_ed_der(&private)))
    });
    let jwk = |key: &SigningKey| json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.id, "x": key.public_x });
    Ok(Loaded {
        at: Instant::now(),
        signing: signing.transpose()?,
        verifying: verifying(&rows),
        published: json!({ "keys": rows.iter().map(jwk).collect::<Vec<_>>() }),
    })
}

fn grant_of(claims: &Claims) -> Option<Granted> {
    let organization_id = claims.other.get("organization_id")?.as_str()?;
    let token_id: Uuid = claims.other.get("jti")?.as_str()?.parse().ok()?;
    let (seconds, nanos) = token_id.get_timestamp()?.to_unix();
    let issued_at = DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)?;
    let grant = Grant {
        organization_id: organization_id.parse().ok()?,
        client: match (claims.other.get("client_id"), claims.other.get("key_id")) {
            (None, None) => None,
            (client_id, key_id) => Some((client_id?.as_str()?.parse().ok()?, key_id?.as_str()?.parse().ok()?)),
        },
        person_id: claims.sub.strip_prefix(PERSON).map(str::parse).transpose().ok()?,
        scopes: Scopes::read(claims.scope.as_deref().unwrap_or_default()),
    };
    Some(Granted { grant, issued_at })
}
