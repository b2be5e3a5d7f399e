//! Identity providers of organizations: from a token to the person whom it means.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use jsonwebtoken::Header;
use milepost_domain::access::Scopes;
use milepost_domain::people::identity::{IdentityClaims, NoPerson, PersonBy, Sought, sought};
use milepost_domain::people::{PersonContent, PersonKind};
use milepost_domain::values::text::{Email, ExternalRef, Name, folded};
use serde_json::Value;
use uuid::Uuid;

use super::claims::Claims;
use super::external::External;
use crate::clock::date_in;
use crate::config::ExternalIssuer;
use crate::error::{ApiError, Code};
use crate::resource;
use crate::state::App;
use crate::store::author::Author;
use crate::store::identity_providers::{self, Provider};
use crate::store::people::Person;
use crate::store::row::{self, Column as _, Condition};
use crate::store::{Conn, Db, people, roles};
use crate::unit::{Entity, Origin, Unit};

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
    provider: Provider,
    claims: Claims,
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

/// A refusal of a token that means nobody.
pub fn refused(reason: NoPerson) -> ApiError {
    ApiError::new(Code::Forbidden, reason.to_string())
}

/// Returns the person whom a token means. The first time, they are looked up as the provider says, or created if it allows that; from then
/// on, the subject means the same person.
pub async fn person_of(app: &Arc<App>, verified: &Verified) -> Result<Uuid, ApiError> {
    let Verified { organization_id, provider, claims } = verified;
    let key = (provider.issuer.as_str(), claims.sub.as_str());
    let tenant = app.tenants.tenant(&app.db, *organization_id).await?.ok_or_else(ApiError::not_found)?;
    let today = date_in(tenant.zone, app.clock.now());
    {
        let mut conn = app.db.read().await?;
        if let Some(id) = roles::identified(&mut conn, *organization_id, key.0, key.1).await?
            && is_there(&mut conn, *organization_id, id, today).await?
        {
            return Ok(id);
        }
        // Only who is found, or may come into being, is worth a turn to write.
        if find(&mut conn, *organization_id, provider, claims, today).await?.is_none() {
            // Nobody comes back by being created anew.
            if roles::identified(&mut conn, *organization_id, key.0, key.1).await?.is_some() {
                return Err(refused(NoPerson::HasLeft));
            }
            if !provider.creates_people {
                return Err(refused(NoPerson::Unknown));
            }
        }
    }
    let origin = Origin {
        organization_id: *organization_id,
        zone: tenant.zone,
        author: Author::job(),
        request_id: app.clock.new_id().to_string(),
        scopes: Scopes::default(),
    };
    let turn = app.turns.take(*organization_id).await?;
    let mut unit = Unit::begin(&app.db, &app.clock, origin).await?.holding(turn);
    let found = match find(&mut unit.conn, *organization_id, provider, claims, today).await? {
        Some(person) => person,
        None if provider.creates_people => create(&mut unit, provider, claims).await?,
        None => return Err(refused(NoPerson::Unknown)),
    };
    roles::identify(&mut unit.conn, *organization_id, key, found.id, unit.now).await?;
    let linked = serde_json::json!({ "issuer": key.0, "subject": key.1 });
    let of = (Entity::Person, found.id);
    let change =
        crate::unit::Change { verb: "identity_linked", entity: of, root: of, before: None, after: Some(&linked) };
    unit.record(change).await?;
    unit.commit().await?;
    Ok(found.id)
}

fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    if name == "sub" { Some(&claims.sub) } else { claims.other.get(name).and_then(Value::as_str) }
}

fn whom<'a>(provider: &Provider, claims: &'a Claims) -> Result<Sought<'a>, ApiError> {
    let identity = IdentityClaims {
        reference: text(claims, &provider.claim),
        email: text(claims, "email"),
        is_email_verified: claims.other.get("email_verified") == Some(&Value::Bool(true)),
    };
    sought(provider.person_by, identity).map_err(refused)
}

/// Whether a person, or the one that they were merged into, is still with the organization.
async fn is_there(conn: &mut Conn, organization_id: Uuid, id: Uuid, today: NaiveDate) -> Result<bool, ApiError> {
    let found = people::find(conn, organization_id, id).await?;
    Ok(found.is_some_and(|person| {
        person.merged_into_id().is_some() || !person.has_left(today) && person.stamp.archived_at.is_none()
    }))
}

async fn find(
    conn: &mut Conn,
    organization_id: Uuid,
    provider: &Provider,
    claims: &Claims,
    today: NaiveDate,
) -> Result<Option<Person>, ApiError> {
    match whom(provider, claims)? {
        Sought::ByRef(reference) => match people::find_by_ref(conn, organization_id, reference).await? {
            Some(person)
                if person.has_left(today)
                    || person.stamp.archived_at.is_some() && person.merged_into_id().is_none() =>
            {
                Err(refused(NoPerson::HasLeft))
            }
            found => Ok(found),
        },
        Sought::ByEmail(email) => {
            let stands = Condition::IsPresent("merged_into_id", false);
            let conditions = [Condition::Equals("email_folded", folded(email).to_value()), stands];
            let mut found: Vec<Person> = row::all(conn, organization_id, &conditions, "id").await?;
            // Letters of other scripts that only look like another one when case is ignored are another address.
            found.retain(|person| person.email.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(email)));
            let was_known = !found.is_empty();
            found.retain(|person| !person.has_left(today) && person.stamp.archived_at.is_none());
            match found.len() {
                0 if was_known => Err(refused(NoPerson::HasLeft)),
                0 | 1 => Ok(found.pop()),
                _ => Err(refused(NoPerson::Ambiguous)),
            }
        }
    }
}

async fn create(unit: &mut Unit, provider: &Provider, claims: &Claims) -> Result<Person, ApiError> {
    let is_verified = claims.other.get("email_verified") == Some(&Value::Bool(true));
    let email = text(claims, "email").and_then(|email| Email::parse(email).ok());
    let named = ["name", "preferred_username", "email", "sub"].into_iter().find_map(|name| text(claims, name));
    let name = named.and_then(|name| Name::parse(name).ok()).ok_or_else(|| refused(NoPerson::NoClaim))?;
    let external_ref = match provider.person_by {
        PersonBy::ExternalRef => text(claims, &provider.claim).and_then(|text| ExternalRef::parse(text).ok()),
        PersonBy::VerifiedEmail => None,
    };
    let content = PersonContent {
        external_ref,
        email_verified: is_verified && email.is_some(),
        email,
        ..PersonContent::named(name, PersonKind::Employee)
    };
    resource::insert(unit, content).await
}
