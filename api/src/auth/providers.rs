//! Identity providers of organizations: the checking of their tokens. Whom these mean is in `identity.rs`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::Header;
use uuid::Uuid;

use super::claims::Claims;
use super::external::External;
use crate::config::ExternalIssuer;
use crate::store::Db;
use crate::store::identity_providers::{self, Provider};

/// Maximum number of providers whose keys are in memory.
const CAPACITY: u64 = 1000;

/// Time for which an issuer that no organization has named is not looked up again.
const ABSENT_FOR: Duration = Duration::from_secs(5);
/// Time for which a sign-in speaks for its issuer.
const PROVEN_FOR: Duration = Duration::from_hours(1);

/// Keys of providers in memory.
#[derive(Debug)]
pub struct Providers {
    known: moka::sync::Cache<String, External>,
    /// Issuers with audiences that no organization has named.
    absent: moka::sync::Cache<String, ()>,
    /// Issuers with audiences that somebody has signed in with within the hour.
    proven: moka::sync::Cache<String, ()>,
    allows_private: bool,
}

/// A token of a provider that is valid.
#[derive(Debug)]
pub struct Verified {
    /// The organization.
    pub organization_id: Uuid,
    /// The provider.
    pub provider: Provider,
    /// Claims of the token.
    pub claims: Claims,
}

impl Providers {
    /// Creates an empty memory.
    pub fn new(allows_private: bool) -> Self {
        let kept_for = |time| moka::sync::Cache::builder().max_capacity(10 * CAPACITY).time_to_live(time).build();
        Self {
            known: moka::sync::Cache::new(CAPACITY),
            absent: kept_for(ABSENT_FOR),
            proven: kept_for(PROVEN_FOR),
            allows_private,
        }
    }

    /// Looks every issuer up again, after a provider has changed. Other processes do so a few seconds later.
    pub fn forget_absent(&self) {
        self.absent.invalidate_all();
    }

    /// Returns a token's claims, if it is a valid one of a provider in use.
    pub async fn verify(
        &self,
        (token, header): (&str, &Header),
        (issuer, audiences): (&str, &[String]),
        (db, is_limited): (&Db, bool),
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Verified>> {
        let claimed = format!("{issuer}\n{}", audiences.join("\n"));
        // Whoever has failed too often is looked up only with what somebody has signed in with lately.
        if self.absent.contains_key(&claimed) || is_limited && !self.proven.contains_key(&claimed) {
            return Ok(None);
        }
        // The connection is given back before anybody else's server is waited for.
        let found = identity_providers::of_token(&mut db.read_to_keep().await?, issuer, audiences).await?;
        let Some((organization_id, provider)) = found else {
            self.absent.insert(claimed, ());
            return Ok(None);
        };
        let settings = ExternalIssuer {
            issuer: provider.issuer.to_string(),
            jwks_url: provider.jwks_url.as_ref().map(ToString::to_string),
            audience: provider.audience.clone(),
            organization_claim: String::new(),
            token_type: provider.token_type.clone(),
        };
        let key = format!("{settings:?}");
        let made = self.known.try_get_with(key, || External::of_caller(settings, self.allows_private));
        let Ok(external) = made else { return Ok(None) };
        let claims = external.claims(token, header, now).await;
        if claims.is_some() {
            self.proven.insert(claimed, ());
        }
        Ok(claims.map(|claims| Verified { organization_id, provider, claims }))
    }
}
