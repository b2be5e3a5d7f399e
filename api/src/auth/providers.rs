//! Identity providers of organizations: from a token to the person whom it means.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::Header;
use milepost_domain::people::identity::{IdentityClaims, NoPerson, PersonBy, Sought, sought};
use milepost_domain::people::{PersonContent, PersonKind};
use milepost_domain::values::text::{Email, ExternalRef, Name, folded};
use serde_json::Value;
use uuid::Uuid;

use super::claims::Claims;
use super::external::External;
use crate::config::ExternalIssuer;
use crate::error::{ApiError, Code};
use crate::resource;
use crate::state::App;
use crate::store::author::Author;
use crate::store::identity_providers::{self, Provider};
use crate::store::people::Person;
use crate::store::row::{self, Column as _, Condition};
use crate::store::{Conn, people, roles};
use crate::unit::{Entity, Origin, Unit};

/// Maximum number of providers whose keys are in memory.
const CAPACITY: u64 = 1000;

/// Keys of providers in memory.
#[derive(Debug)]
pub struct Providers {
    known: moka::sync::Cache<String, External>,
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
        Self { known: moka::sync::Cache::new(CAPACITY), allows_private }
    }

    /// Returns a token's claims, if it is a valid one of a provider in use.
    pub async fn verify(
        &self,
        (token, header): (&str, &Header),
        (issuer, audiences): (&str, &[String]),
        conn: &mut Conn,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Verified>> {
        let Some((organization_id, provider)) = identity_providers::of_token(conn, issuer, audiences).await? else {
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
    {
        let mut conn = app.db.read_to_keep().await?;
        if let Some(id) = roles::identified(&mut conn, *organization_id, key.0, key.1).await? {
            return Ok(id);
        }
    }
    let tenant = app.tenants.tenant(&app.db, *organization_id).await?.ok_or_else(ApiError::not_found)?;
    let origin = Origin {
        organization_id: *organization_id,
        zone: tenant.zone,
        author: Author::job(),
        request_id: app.clock.new_id().to_string(),
    };
    let turn = app.turns.take(*organization_id).await?;
    let mut unit = Unit::begin(&app.db, &app.clock, origin).await?.holding(turn);
    let found = match find(&mut unit, provider, claims).await? {
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

async fn find(unit: &mut Unit, provider: &Provider, claims: &Claims) -> Result<Option<Person>, ApiError> {
    let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
    match whom(provider, claims)? {
        Sought::ByRef(reference) => Ok(people::find_by_ref(conn, organization_id, reference).await?),
        Sought::ByEmail(email) => {
            let stands = Condition::IsPresent("merged_into_id", false);
            let conditions = [Condition::Equals("email_folded", folded(email).to_value()), stands];
            let mut found: Vec<Person> = row::all(conn, organization_id, &conditions, "id").await?;
            if found.len() > 1 { Err(refused(NoPerson::Ambiguous)) } else { Ok(found.pop()) }
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
