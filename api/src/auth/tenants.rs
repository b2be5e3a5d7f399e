//! Authentication: from a bearer token to an authenticated caller.
//!
//! Data of an organization and its API clients is kept in memory and is valid for one ledger sequence. Each request
//! reads the organization's sequence; if the sequence has moved on, the kept data is dropped. A revoked key therefore
//! stops working at once on every replica, and an unchanged organization costs one small query.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use milepost_domain::access::may::Circle;
use milepost_domain::access::{Scope, Scopes};
use milepost_domain::customer::deed::EventMeaning;
use milepost_domain::people::identity::NoPerson;
use serde::Deserialize;
use uuid::Uuid;

use super::api_key::ApiKey;
use super::caller::Caller;
use super::external::External;
use super::issuer::{Granted, Issuer};
use super::link_token::ShareToken;
use super::providers::{Providers, Verified};
use super::{circle, claims};
use crate::ledger_sequence::Heads;
use crate::store::api_clients::{self, KeyWithClient};
use crate::store::author::Author;
use crate::store::share_links::ShareLinkRow;
use crate::store::{Db, organizations, row};

/// Maximum number of organizations in memory.
const CAPACITY: u64 = 10_000;

/// Maximum number of keys that are remembered as used.
const PROVEN_KEYS: u64 = 100_000;
/// Number of audiences of a token that are looked up.
const MOST_AUDIENCES: usize = 5;
/// Hash of no secret, to compare with where there is no key.
const NO_HASH: &[u8] = &[0; 32];

/// Organizations in memory and the times at which their keys were last used.
#[derive(Debug)]
pub struct Tenants {
    known: moka::sync::Cache<Uuid, Arc<Tenant>>,
    heads: Heads,
    used: Mutex<HashMap<(Uuid, Uuid), DateTime<Utc>>>,
    /// Keys and share links with which somebody authenticated within the hour.
    proven: moka::sync::Cache<Uuid, ()>,
}

/// An organization at one ledger sequence.
#[derive(Debug)]
pub struct Tenant {
    /// Ledger sequence for which the data is valid.
    pub sequence: i64,
    /// Time zone of the organization, which determines when "today" ends.
    pub zone: Tz,
    /// Meanings of its own event types.
    pub event_meanings: Arc<[EventMeaning]>,
    keys: Mutex<HashMap<Uuid, Arc<KeyWithClient>>>,
    circles: Mutex<HashMap<Uuid, (NaiveDate, Arc<Circle>)>>,
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
        let proven =
            moka::sync::Cache::builder().max_capacity(PROVEN_KEYS).time_to_live(Duration::from_hours(1)).build();
        Self { known: moka::sync::Cache::new(CAPACITY), heads: Heads::default(), used: Mutex::default(), proven }
    }
}

/// Claimed issuer of an unverified token. Selects only the keys to try.
#[derive(Deserialize)]
struct Unverified {
    iss: String,
    #[serde(default)]
    aud: Audiences,
}

/// Claimed audiences: one, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Several(Vec<String>),
}

impl Default for Audiences {
    fn default() -> Self {
        Self::Several(vec![])
    }
}

impl Audiences {
    /// The audiences: the first few, because each is looked up.
    fn list(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Several(several) => several.into_iter().take(MOST_AUDIENCES).collect(),
        }
    }
}

/// Bearer of a valid token.
#[derive(Debug)]
pub enum Bearer {
    /// A caller that is no person.
    Caller(Authenticated),
    /// A person whom this server knows by a token of its own.
    Person {
        /// The organization's data.
        tenant: Arc<Tenant>,
        /// Identifier of the organization.
        organization_id: Uuid,
        /// Identifier of the person.
        person_id: Uuid,
        /// The client that acts for the person, with its scopes; `None` for a person who signed in themselves.
        client: Option<(Uuid, Scopes)>,
        /// Time of issue of the token.
        issued_at: DateTime<Utc>,
    },
    /// A subject of an identity provider.
    Subject(Verified),
}

impl Tenants {
    /// Authenticates the bearer of a JWT. Returns `None` on any failure, without distinguishing the reasons.
    pub async fn by_token(
        &self,
        token: &str,
        db: &Db,
        issuer: &Issuer,
        (external, providers, is_limited): (Option<&External>, &Providers, bool),
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Bearer>> {
        let Some(header) = claims::header_of(token) else { return Ok(None) };
        let Ok(claimed) = jsonwebtoken::dangerous::insecure_decode::<Unverified>(token) else { return Ok(None) };
        let claimed = claimed.claims;
        if claimed.iss == issuer.name() {
            let Some(granted) = issuer.verify(token, &header, db, now).await else { return Ok(None) };
            let Granted { grant, issued_at } = granted;
            let Some(tenant) = self.tenant(db, grant.organization_id).await? else { return Ok(None) };
            let organization_id = grant.organization_id;
            let Some((client_id, key_id)) = grant.client else {
                let person_id = grant.person_id;
                return Ok(person_id.map(|person_id| Bearer::Person {
                    tenant,
                    organization_id,
                    person_id,
                    client: None,
                    issued_at,
                }));
            };
            // A token ends with the key that it was issued for.
            let (key, _) = tenant.key(db, organization_id, key_id).await?;
            let is_granted = |key: &Arc<KeyWithClient>| key.client_id == client_id && key.is_usable(now);
            let Some(key) = key.filter(is_granted) else { return Ok(None) };
            if let Some(person_id) = grant.person_id {
                let client = Some((client_id, key.scopes.clone()));
                let person = Bearer::Person { tenant, organization_id, person_id, client, issued_at };
                return Ok(key.scopes.allow(Scope::PeopleAct).then_some(person));
            }
            let caller = Caller {
                organization_id,
                author: Author::client(client_id),
                scopes: key.scopes.restricted_to(&grant.scopes),
                person: None,
            };
            return Ok(Some(Bearer::Caller(Authenticated { caller, tenant })));
        }
        if let Some(external) = external.filter(|external| claimed.iss == external.name()) {
            let Some(caller) = external.verify(token, &header, now).await else { return Ok(None) };
            let tenant = self.tenant(db, caller.organization_id).await?;
            return Ok(tenant.map(|tenant| Bearer::Caller(Authenticated { caller, tenant })));
        }
        let audiences = claimed.aud.list();
        let verified = providers.verify((token, &header), (&claimed.iss, &audiences), (db, is_limited), now).await?;
        Ok(verified.map(Bearer::Subject))
    }

    /// Returns a person as a caller on a day.
    pub async fn by_person(
        &self,
        db: &Db,
        tenant: Arc<Tenant>,
        (organization_id, person_id, client_id): (Uuid, Uuid, Option<Uuid>),
        day: NaiveDate,
    ) -> sqlx::Result<Result<Authenticated, NoPerson>> {
        let circle = match tenant.circle(db, organization_id, person_id, day).await? {
            Ok(circle) => circle,
            Err(reason) => return Ok(Err(reason)),
        };
        let author = Author::person(circle.person_id, client_id);
        let scopes = circle.scopes.clone();
        let caller = Caller { organization_id, author, scopes, person: Some(circle) };
        Ok(Ok(Authenticated { caller, tenant }))
    }

    /// Authenticates an API key. Every failure costs the same: a wrong secret of a key that is in memory, an unknown key and
    /// an unknown organization all ask the database once for the key.
    pub async fn by_key(&self, key: &ApiKey, db: &Db, now: DateTime<Utc>) -> sqlx::Result<Option<Authenticated>> {
        let (tenant, found, was_in_memory) = match self.tenant(db, key.organization_id).await? {
            Some(tenant) => {
                let (found, was_in_memory) = tenant.key(db, key.organization_id, key.id).await?;
                (Some(tenant), found, was_in_memory)
            }
            None => (None, None, true),
        };
        let stored = found.as_ref().map_or(NO_HASH, |found| found.secret_hash.as_slice());
        let is_match = key.matches(stored);
        if let (Some(tenant), Some(found)) = (tenant, found)
            && is_match
            && found.is_usable(now)
        {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            // The uses are taken every minute, so this notes each key about once a minute.
            if used.insert((key.organization_id, key.id), now).is_none() {
                self.proven.insert(key.id, ());
            }
            drop(used);
            let caller = Caller {
                organization_id: key.organization_id,
                author: Author::client(found.client_id),
                scopes: found.scopes.clone(),
                person: None,
            };
            return Ok(Some(Authenticated { caller, tenant }));
        }
        if was_in_memory {
            api_clients::find_key(&mut db.read_to_keep().await?, key.organization_id, key.id).await?;
        }
        Ok(None)
    }

    /// Returns whether somebody authenticated with this key or share link within the hour.
    pub fn was_used(&self, id: Uuid) -> bool {
        self.proven.contains_key(&id)
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
        let found = row::find::<ShareLinkRow>(&mut db.read_to_keep().await?, organization_id, token.link_id()).await?;
        let is_usable = |link: &ShareLinkRow| {
            token.matches(&link.secret_hash) && link.expires_at > now && link.revoked_at.is_none_or(|at| at > now)
        };
        let Some(link) = found.filter(is_usable) else { return Ok(None) };
        self.proven.insert(link.id, ());
        let caller =
            Caller { organization_id, author: Author::share_link(link.id), scopes: Scopes::default(), person: None };
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
        let Some(organization) = organizations::find(&mut db.read_to_keep().await?, organization_id).await? else {
            return Ok(None);
        };
        let tenant = Arc::new(Tenant {
            sequence,
            zone: organization.time_zone.parse().unwrap_or(Tz::UTC),
            event_meanings: organization.event_meanings.0.into(),
            keys: Mutex::default(),
            circles: Mutex::default(),
        });
        self.known.insert(organization_id, Arc::clone(&tenant));
        Ok(Some(tenant))
    }
}

impl Tenant {
    fn keys(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<KeyWithClient>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what a person may do on a day, and whom they have a relation to.
    async fn circle(
        &self,
        db: &Db,
        organization_id: Uuid,
        person_id: Uuid,
        day: NaiveDate,
    ) -> sqlx::Result<Result<Arc<Circle>, NoPerson>> {
        let lock = || self.circles.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&person_id).filter(|(of, _)| *of == day).map(|(_, circle)| Arc::clone(circle));
        if let Some(circle) = known {
            return Ok(Ok(circle));
        }
        let loaded = circle::load(&mut db.snapshot_to_keep().await?, organization_id, person_id, day).await?;
        Ok(loaded.map(|circle| {
            let circle = Arc::new(circle);
            lock().insert(person_id, (day, Arc::clone(&circle)));
            circle
        }))
    }

    /// Returns a key with its client, and whether it was in memory.
    async fn key(
        &self,
        db: &Db,
        organization_id: Uuid,
        key_id: Uuid,
    ) -> sqlx::Result<(Option<Arc<KeyWithClient>>, bool)> {
        let known = self.keys().get(&key_id).cloned();
        if known.is_some() {
            return Ok((known, true));
        }
        let found = api_clients::find_key(&mut db.read_to_keep().await?, organization_id, key_id).await?.map(Arc::new);
        if let Some(found) = &found {
            self.keys().insert(key_id, Arc::clone(found));
        }
        Ok((found, false))
    }
}
