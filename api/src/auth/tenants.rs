//! Authentication: from a bearer token to an authenticated caller.
//!
//! Data of an organization and its API clients is kept in memory and is valid for one ledger sequence. Each request
//! reads the organization's sequence; if the sequence has moved on, the kept data is dropped. A revoked key therefore
//! stops working at once on every replica, and an unchanged organization costs one small query.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use milepost_domain::access::Scopes;
use serde::Deserialize;
use uuid::Uuid;

use super::api_key::ApiKey;
use super::caller::Caller;
use super::external::External;
use super::issuer::Issuer;
use super::share_token::ShareToken;
use crate::ledger_sequence::Heads;
use crate::store::api_clients::{self, KeyWithClient};
use crate::store::author::Author;
use crate::store::share_links::ShareLinkRow;
use crate::store::{Db, organizations, row};

/// Maximum number of organizations in memory.
const CAPACITY: u64 = 10_000;

/// Organizations in memory and the times at which their keys were last used.
#[derive(Debug)]
pub struct Tenants {
    known: moka::sync::Cache<Uuid, Arc<Tenant>>,
    heads: Heads,
    used: Mutex<HashMap<(Uuid, Uuid), DateTime<Utc>>>,
}

/// An organization at one ledger sequence.
#[derive(Debug)]
pub struct Tenant {
    /// Ledger sequence for which the data is valid.
    pub sequence: i64,
    /// Time zone of the organization, which determines when "today" ends.
    pub zone: Tz,
    keys: Mutex<HashMap<Uuid, Arc<KeyWithClient>>>,
    clients: Mutex<HashMap<Uuid, Scopes>>,
}

/// An authenticated caller and its organization.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The caller.
    pub caller: Caller,
    /// The caller's organization.
    pub tenant: Arc<Tenant>,
}

impl Default for Tenants {
    fn default() -> Self {
        Self { known: moka::sync::Cache::new(CAPACITY), heads: Heads::default(), used: Mutex::default() }
    }
}

/// Claimed issuer of an unverified token. Selects only the keys to try.
#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

impl Tenants {
    /// Authenticates the bearer of a token. Returns `None` on any failure, without distinguishing the reasons.
    pub async fn authenticate(
        &self,
        token: &str,
        db: &Db,
        issuer: &Issuer,
        external: Option<&External>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Authenticated>> {
        if ApiKey::is_one(token) {
            let Some(key) = ApiKey::parse(token) else { return Ok(None) };
            return self.by_key(&key, db, now).await;
        }
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Ok(None) };
        let Ok(claimed) = jsonwebtoken::dangerous::insecure_decode::<Unverified>(token) else { return Ok(None) };
        let claimed = claimed.claims.iss;
        if claimed == issuer.name() {
            let Some(grant) = issuer.verify(token, &header, db, now).await else { return Ok(None) };
            let Some(tenant) = self.tenant(db, grant.organization_id).await? else { return Ok(None) };
            let granted = tenant.client_scopes(db, grant.organization_id, grant.client_id).await?;
            let Some(granted) = granted else { return Ok(None) };
            let caller = Caller {
                organization_id: grant.organization_id,
                author: Author::client(grant.client_id),
                scopes: granted.restricted_to(&grant.scopes),
            };
            return Ok(Some(Authenticated { caller, tenant }));
        }
        let Some(external) = external.filter(|external| claimed == external.name()) else { return Ok(None) };
        let Some(caller) = external.verify(token, &header, now).await else { return Ok(None) };
        let tenant = self.tenant(db, caller.organization_id).await?;
        Ok(tenant.map(|tenant| Authenticated { caller, tenant }))
    }

    /// Authenticates an API key.
    pub async fn by_key(&self, key: &ApiKey, db: &Db, now: DateTime<Utc>) -> sqlx::Result<Option<Authenticated>> {
        let Some(tenant) = self.tenant(db, key.organization_id).await? else { return Ok(None) };
        let Some(found) = tenant.key(db, key).await? else { return Ok(None) };
        if !found.is_usable(now) || !key.matches(&found.secret_hash) {
            return Ok(None);
        }
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert((key.organization_id, key.id), now);
        let caller = Caller {
            organization_id: key.organization_id,
            author: Author::client(found.client_id),
            scopes: found.scopes.clone(),
        };
        Ok(Some(Authenticated { caller, tenant }))
    }

    /// Authenticates the token of a share link. The caller has no scopes, so it can use only the pages of the link.
    pub async fn by_share(
        &self,
        token: &ShareToken,
        db: &Db,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<(Authenticated, ShareLinkRow)>> {
        let organization_id = token.organization_id();
        let Some(tenant) = self.tenant(db, organization_id).await? else { return Ok(None) };
        let found = row::find::<ShareLinkRow>(&mut db.read().await?, organization_id, token.link_id()).await?;
        let is_usable = |link: &ShareLinkRow| {
            token.matches(&link.secret_hash) && link.expires_at > now && link.revoked_at.is_none_or(|at| at > now)
        };
        let Some(link) = found.filter(is_usable) else { return Ok(None) };
        let caller = Caller { organization_id, author: Author::share_link(link.id), scopes: Scopes::default() };
        Ok(Some((Authenticated { caller, tenant }, link)))
    }

    /// Returns the organization's ledger sequence as last seen; none if it is not in memory.
    pub fn known_sequence(&self, organization_id: Uuid) -> Option<i64> {
        self.known.get(&organization_id).map(|known| known.sequence)
    }

    /// Takes the pending times of last use, by organization and key.
    pub fn take_used(&self) -> HashMap<(Uuid, Uuid), DateTime<Utc>> {
        std::mem::take(&mut self.used.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the data of an organization; `None` if there is no such organization.
    pub async fn tenant(&self, db: &Db, organization_id: Uuid) -> sqlx::Result<Option<Arc<Tenant>>> {
        let Some(sequence) = self.heads.sequence(db, organization_id).await? else { return Ok(None) };
        if let Some(known) = self.known.get(&organization_id).filter(|known| known.sequence == sequence) {
            return Ok(Some(known));
        }
        let Some(organization) = organizations::find(&mut db.read().await?, organization_id).await? else {
            return Ok(None);
        };
        let tenant = Arc::new(Tenant {
            sequence,
            zone: organization.time_zone.parse().unwrap_or(Tz::UTC),
            keys: Mutex::default(),
            clients: Mutex::default(),
        });
        self.known.insert(organization_id, Arc::clone(&tenant));
        Ok(Some(tenant))
    }
}

impl Tenant {
    async fn key(&self, db: &Db, key: &ApiKey) -> sqlx::Result<Option<Arc<KeyWithClient>>> {
        if let Some(known) = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&key.id) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(found) = api_clients::find_key(&mut db.read().await?, key.organization_id, key.id).await? else {
            return Ok(None);
        };
        let found = Arc::new(found);
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.id, Arc::clone(&found));
        Ok(Some(found))
    }

    /// Returns the scopes of a client, unless it is revoked.
    async fn client_scopes(&self, db: &Db, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<Scopes>> {
        if let Some(known) = self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Ok(Some(known.clone()));
        }
        let client = api_clients::find(&mut db.read().await?, organization_id, id)
            .await?
            .filter(|client| client.revoked_at.is_none());
        let Some(client) = client else { return Ok(None) };
        let scopes = client.scopes;
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(id, scopes.clone());
        Ok(Some(scopes))
    }
}
