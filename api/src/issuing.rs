//! Issuing of credentials: the addresses of an issuer, its keys, and its status lists.

use std::io::Write as _;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Duration;
use flate2::Compression;
use flate2::write::GzEncoder;
use milepost_domain::recognition::credential::status_list_credential;
use milepost_domain::recognition::status_list::{StatusPurpose, bits};
use serde_json::json;
use uuid::Uuid;

use crate::context::Context;
use crate::credentials::{SignedList, Signer};
use crate::error::ApiError;
use crate::state::App;
use crate::store::credential_keys::{self, CredentialKey};
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

    /// Returns the address of a key of the issuer.
    pub fn key(&self, id: Uuid) -> String {
        format!("{}/keys/{id}", self.issuer())
    }

    /// Returns the address of the issuer's status lists.
    pub fn lists(&self) -> String {
        format!("{}/status-lists", self.issuer())
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
    /// Returns the key that signs the organization's credentials. The first time, one is made.
    pub async fn signer(&self) -> Result<Arc<Signer>, ApiError> {
        let known = credential_keys::current(&mut self.read().await?, self.organization_id()).await?;
        let key = match known {
            Some(key) => key,
            None => self.first_key().await?,
        };
        if let Some(signer) = self.app.credentials.keys.get(&key.id) {
            return Ok(signer);
        }
        let private =
            self.app.issuer.vault().open(&key.id.to_string(), &key.private_der).map_err(ApiError::internal)?;
        let pair = KeyPair::from_pkcs8(&private).map_err(ApiError::internal)?;
        let kid = Addresses::of(&self.app, self.organization_id()).key(key.id);
        let signer = Arc::new(Signer::new(pair, kid));
        self.app.credentials.keys.insert(key.id, Arc::clone(&signer));
        Ok(signer)
    }

    async fn first_key(&self) -> Result<CredentialKey, ApiError> {
        let made = self.make_key().await?;
        let mut unit = self.begin().await?;
        // Somebody else may have been first.
        if let Some(key) = credential_keys::current(&mut unit.conn, unit.organization_id).await? {
            return Ok(key);
        }
        keep_key(&mut unit, &made).await?;
        unit.commit().await?;
        Ok(made)
    }

    /// Makes a key pair, beside the requests because that takes a while.
    pub async fn make_key(&self) -> Result<CredentialKey, ApiError> {
        let (app, id, created_at) = (Arc::clone(&self.app), self.app.clock.new_id(), self.now);
        let made = tokio::task::spawn_blocking(move || {
            let pair = KeyPair::generate(KeySize::Rsa2048).map_err(ApiError::internal)?;
            let private = pair.as_der().map_err(ApiError::internal)?;
            let private_der = app.issuer.vault().seal(&id.to_string(), private.as_ref()).map_err(ApiError::internal)?;
            let public = pair.public_key();
            let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
            let public_n = text(public.modulus().big_endian_without_leading_zero());
            let public_e = text(public.exponent().big_endian_without_leading_zero());
            Ok(CredentialKey { id, private_der, public_n, public_e, created_at, retired_at: None })
        });
        made.await.map_err(ApiError::internal)?
    }

    /// Returns a status list of the organization as a signed credential; 404 if it has not begun.
    pub async fn status_list(&self, purpose: StatusPurpose, number: i64) -> Result<String, ApiError> {
        let (sequence, now) = (self.who.tenant.sequence, self.now);
        let key = (self.organization_id(), purpose, number);
        let is_current = |list: &Arc<SignedList>| {
            list.sequence == sequence && list.signed_at <= now && now - list.signed_at < Duration::minutes(LIST_MINUTES)
        };
        if let Some(list) = self.app.credentials.lists.get(&key).filter(is_current) {
            return Ok(list.token.clone());
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
        let token =
            self.signer().await?.sign(&status_list_credential(&id, &addresses.issuer(), purpose, &encoded, times))?;
        self.app.credentials.lists.insert(key, Arc::new(SignedList { sequence, signed_at: now, token: token.clone() }));
        Ok(token)
    }
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
    let public = json!({ "key_id": key.id, "n": key.public_n, "e": key.public_e });
    unit.record(Change { verb: "credential_key_added", entity: of, root: of, before: None, after: Some(&public) }).await
}
