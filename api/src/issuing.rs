//! Issuing of credentials: the addresses of an issuer, its keys, and its status lists.

use std::io::Write as _;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Duration;
use flate2::Compression;
use flate2::write::GzEncoder;
use milepost_domain::recognition::credential::status_list_credential;
use milepost_domain::recognition::status_list::{StatusPurpose, bits};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::context::Context;
use crate::credentials::data_integrity::Sealer;
use crate::credentials::{Form, SignedList, Signer};
use crate::error::ApiError;
use crate::state::App;
use crate::store::credential_keys::{self, CredentialKey};
use crate::store::public_key::{KeyAlgorithm, PublicKey};
use crate::store::{awards, row};
use crate::unit::{Change, Entity, Unit};

/// Time after which a list is signed anew although nothing has changed, in minutes.
const LIST_MINUTES: i64 = 60;
/// Time for which a list is valid, in hours. A reader must not trust an older copy.
const LIST_HOURS: i64 = 24;

/// Addresses of an issuer and of what it issues.
#[derive(Debug, Clone)]
pub struct Addresses {
    base: String,
    organization_id: Uuid,
}

impl Addresses {
    /// Returns the addresses of an organization.
    pub fn of(app: &App, organization_id: Uuid) -> Self {
        let own = || format!("http://{}", app.settings.listen);
        let base = app.settings.public_url.clone().unwrap_or_else(own);
        Self { base: base.trim_end_matches('/').to_owned(), organization_id }
    }

    /// Returns the address of somebody's public portfolio.
    pub fn portfolio(&self, person_id: Uuid) -> String {
        format!("{}/portfolios/{}/{person_id}", self.base, self.organization_id)
    }

    /// Returns the address of the server.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the address of the issuer.
    pub fn issuer(&self) -> String {
        format!("{}/issuers/{}", self.base, self.organization_id)
    }

    /// Returns the address of the public feed of celebrations.
    pub fn feed(&self) -> String {
        format!("{}/celebrations.atom", self.issuer())
    }

    /// Returns the address of the issuer's keys.
    pub fn keys(&self) -> String {
        format!("{}/jwks.json", self.issuer())
    }

    /// Returns the address of a key of the issuer.
    pub fn key(&self, id: Uuid) -> String {
        format!("{}/keys/{id}", self.issuer())
    }

    /// Returns the address of the issuer's status lists.
    pub fn lists(&self) -> String {
        format!("{}/status-lists", self.issuer())
    }

    /// Returns the address of the list of revoked credentials.
    pub fn revocation_list(&self) -> String {
        format!("{}/revocation-list", self.issuer())
    }

    /// Returns the address of a badge.
    pub fn badge(&self, id: Uuid) -> String {
        format!("{}/badges/{id}", self.issuer())
    }

    /// Returns the address of a credential, which is that of its public page.
    pub fn credential(&self, id: Uuid) -> String {
        format!("{}/credentials/{}/{id}", self.base, self.organization_id)
    }
}

impl Context {
    /// Signs a document of the organization.
    pub async fn signed(&self, document: &Value, form: Form) -> Result<String, ApiError> {
        match form {
            Form::Jwt => self.signer().await?.sign(document),
            Form::Embedded => {
                let sealed = self.sealer().await?.seal(document, document["validFrom"].as_str().unwrap_or_default());
                Ok(sealed.map_err(ApiError::internal)?.to_string())
            }
        }
    }

    /// Returns the key that signs the organization's JWTs.
    pub async fn signer(&self) -> Result<Arc<Signer>, ApiError> {
        let key = self.key(KeyAlgorithm::Rsa).await?;
        let made = |private: &[u8], address| {
            Ok(Signer::new(KeyPair::from_pkcs8(private).map_err(ApiError::internal)?, address))
        };
        self.opened(&self.app.credentials.signers, &key, made)
    }

    /// Returns the key that seals the organization's documents.
    async fn sealer(&self) -> Result<Arc<Sealer>, ApiError> {
        let key = self.key(KeyAlgorithm::Ed25519).await?;
        let made = |private: &[u8], address| {
            Ok(Sealer::new(Ed25519KeyPair::from_pkcs8(private).map_err(ApiError::internal)?, address))
        };
        self.opened(&self.app.credentials.sealers, &key, made)
    }

    /// Returns what a private key makes, kept in memory.
    fn opened<T: Send + Sync + 'static>(
        &self,
        kept: &moka::sync::Cache<Uuid, Arc<T>>,
        key: &CredentialKey,
        make: impl FnOnce(&[u8], String) -> Result<T, ApiError>,
    ) -> Result<Arc<T>, ApiError> {
        if let Some(made) = kept.get(&key.id) {
            return Ok(made);
        }
        let private =
            self.app.issuer.vault().open(&key.id.to_string(), &key.private_der).map_err(ApiError::internal)?;
        let made = Arc::new(make(&private, Addresses::of(&self.app, self.organization_id()).key(key.id))?);
        kept.insert(key.id, Arc::clone(&made));
        Ok(made)
    }

    /// Returns the key of an algorithm that signs at present. The first time, one is made.
    async fn key(&self, algorithm: KeyAlgorithm) -> Result<CredentialKey, ApiError> {
        let known = credential_keys::current(&mut self.read().await?, self.organization_id(), algorithm).await?;
        if let Some(key) = known {
            return Ok(key);
        }
        let made = self.make_key(algorithm).await?;
        let mut unit = self.begin().await?;
        // Somebody else may have been first.
        if let Some(key) = credential_keys::current(&mut unit.conn, unit.organization_id, algorithm).await? {
            return Ok(key);
        }
        keep_key(&mut unit, &made).await?;
        unit.commit().await?;
        Ok(made)
    }

    /// Makes a key pair, beside the requests because that takes a while.
    pub async fn make_key(&self, algorithm: KeyAlgorithm) -> Result<CredentialKey, ApiError> {
        let (app, id, created_at) = (Arc::clone(&self.app), self.app.clock.new_id(), self.now);
        let made = tokio::task::spawn_blocking(move || {
            let (private, public_key) = match algorithm {
                KeyAlgorithm::Rsa => rsa_pair(),
                KeyAlgorithm::Ed25519 => ed25519_pair(),
            }
            .map_err(ApiError::internal)?;
            let private_der = app.issuer.vault().seal(&id.to_string(), &private).map_err(ApiError::internal)?;
            Ok(CredentialKey { id, private_der, public_key, created_at, retired_at: None })
        });
        made.await.map_err(ApiError::internal)?
    }

    /// Returns a status list of the organization as a signed credential; 404 if it has not begun.
    pub async fn status_list(&self, purpose: StatusPurpose, number: i64, form: Form) -> Result<String, ApiError> {
        let (sequence, now) = (self.who.tenant.sequence, self.now);
        let key = (self.organization_id(), purpose, number, form);
        let is_current = |list: &Arc<SignedList>| {
            list.sequence == sequence && list.signed_at <= now && now - list.signed_at < Duration::minutes(LIST_MINUTES)
        };
        if let Some(list) = self.app.credentials.lists.get(&key).filter(is_current) {
            return Ok(list.text.clone());
        }
        let mut conn = self.snapshot().await?;
        if !(1..=awards::last_list(&mut conn, self.organization_id()).await?).contains(&number) {
            return Err(ApiError::not_found());
        }
        let set = awards::set_bits(&mut conn, self.organization_id(), number, purpose).await?;
        drop(conn);
        let addresses = Addresses::of(&self.app, self.organization_id());
        let id = format!("{}/{purpose}/{number}", addresses.lists());
        let encoded = encoded_list(set)?;
        let times = (now, now + Duration::hours(LIST_HOURS));
        let list = status_list_credential(&id, &addresses.issuer(), purpose, &encoded, times);
        let text = self.signed(&list, form).await?;
        self.app.credentials.lists.insert(key, Arc::new(SignedList { sequence, signed_at: now, text: text.clone() }));
        Ok(text)
    }
}

/// A private key as PKCS#8, and its public part.
type Pair = (Vec<u8>, PublicKey);

fn rsa_pair() -> Result<Pair, Unspecified> {
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let public = pair.public_key();
    let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let n = text(public.modulus().big_endian_without_leading_zero());
    let e = text(public.exponent().big_endian_without_leading_zero());
    Ok((pair.as_der()?.as_ref().to_vec(), PublicKey::Rsa { n, e }))
}

fn ed25519_pair() -> Result<Pair, Unspecified> {
    let pair = Ed25519KeyPair::generate()?;
    let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key());
    Ok((pair.to_pkcs8v1()?.as_ref().to_vec(), PublicKey::Ed25519 { x }))
}

/// Writes the bits of a list as its credential has them: packed, in base64url, behind the sign of that encoding.
fn encoded_list(set: Vec<i64>) -> Result<String, ApiError> {
    let bytes = bits(set.into_iter().filter_map(|index| u32::try_from(index).ok()));
    let mut packed = GzEncoder::new(vec![], Compression::default());
    packed.write_all(&bytes).map_err(ApiError::internal)?;
    Ok(format!("u{}", BASE64_URL_SAFE_NO_PAD.encode(packed.finish().map_err(ApiError::internal)?)))
}

/// Keeps a key that signs from now on. The ledger names it by its public part.
pub async fn keep_key(unit: &mut Unit, key: &CredentialKey) -> Result<(), ApiError> {
    row::insert(&mut unit.conn, unit.organization_id, key).await?;
    let of = (Entity::Organization, unit.organization_id);
    let public = json!({ "key_id": key.id, "public_key": key.public_key });
    unit.record(Change { verb: "credential_key_added", entity: of, root: of, before: None, after: Some(&public) }).await
}
