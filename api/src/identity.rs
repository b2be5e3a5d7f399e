//! From the token of an identity provider to the person whom it means.

use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::people::identity::{IdentityClaims, NoPerson, PersonBy, Sought, sought, with_address};
use milepost_domain::people::{PersonContent, PersonKind};
use milepost_domain::values::text::{Email, ExternalRef, Name};
use serde_json::Value;
use uuid::Uuid;

use crate::auth::claims::Claims;
use crate::auth::providers::Verified;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::resource;
use crate::state::App;
use crate::store::identity_providers::Provider;
use crate::store::people::Person;
use crate::store::{Conn, people, roles};
use crate::unit::{Change, Entity, Unit};

/// A refusal of a token that means nobody.
pub fn refused(reason: NoPerson) -> ApiError {
    ApiError::new(Code::Forbidden, reason.to_string())
}

/// Returns the person whom a token means. The first time, they are looked up as the provider says, or created if it allows that; from then
/// on, the subject means the same person.
pub async fn person_of(app: &Arc<App>, verified: &Verified) -> Result<Uuid, ApiError> {
    let Verified { organization_id, provider, claims } = verified;
    let cx = Context::of_job(app, *organization_id).await?.ok_or_else(ApiError::not_found)?;
    let (issuer, subject, today) = (provider.issuer.as_str(), claims.sub.as_str(), cx.today());
    let mut conn = cx.read().await?;
    let known = roles::identified(&mut conn, *organization_id, issuer, subject).await?;
    if let Some(id) = known
        && people::find(&mut conn, *organization_id, id).await?.is_some_and(|person| may_be_there(&person, today))
    {
        return Ok(id);
    }
    // Only who is found, or may come into being, is worth a turn to write. Nobody comes back by being created anew.
    match find(&mut conn, *organization_id, provider, claims, today).await? {
        None if known.is_some() => return Err(refused(NoPerson::HasLeft)),
        None if !provider.creates_people => return Err(refused(NoPerson::Unknown)),
        _ => drop(conn),
    }
    let mut unit = cx.begin().await?;
    let found = match find(&mut unit.conn, *organization_id, provider, claims, today).await? {
        Some(person) => person,
        None if provider.creates_people => create(&mut unit, provider, claims).await?,
        None => return Err(refused(NoPerson::Unknown)),
    };
    roles::identify(&mut unit.conn, *organization_id, (issuer, subject), found.id, unit.now).await?;
    let linked = serde_json::json!({ "issuer": issuer, "subject": subject });
    let of = (Entity::Person, found.id);
    unit.record(Change { verb: "identity_linked", entity: of, root: of, before: None, after: Some(&linked) }).await?;
    unit.commit().await?;
    Ok(found.id)
}

/// The only person with an e-mail address who is with the organization on a day; `None` if nobody has ever had it.
pub async fn by_address(
    conn: &mut Conn,
    organization_id: Uuid,
    address: &str,
    day: NaiveDate,
) -> sqlx::Result<Result<Option<Person>, NoPerson>> {
    Ok(with_address(people::with_address(conn, organization_id, address).await?, address, day))
}

/// Whether a person is with the organization on a day, or the one may be whom they were merged into.
fn may_be_there(person: &Person, day: NaiveDate) -> bool {
    person.merged_into_id().is_some() || person.is_active(day)
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

async fn find(
    conn: &mut Conn,
    organization_id: Uuid,
    provider: &Provider,
    claims: &Claims,
    today: NaiveDate,
) -> Result<Option<Person>, ApiError> {
    match whom(provider, claims)? {
        Sought::ByRef(reference) => match people::find_by_ref(conn, organization_id, reference).await? {
            Some(person) if !may_be_there(&person, today) => Err(refused(NoPerson::HasLeft)),
            found => Ok(found),
        },
        Sought::ByEmail(address) => by_address(conn, organization_id, address, today).await?.map_err(refused),
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
