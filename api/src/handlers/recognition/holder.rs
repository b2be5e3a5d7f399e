//! Awards in the hands of their holders, who take the credential and show it to the world.

use std::sync::Arc;

use actix_web::http::header::VARY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, put};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use milepost_domain::recognition::audience::may_publish;
use milepost_domain::recognition::award::{AwardState, Publication};
use milepost_domain::recognition::credential::{Evidence, Recipient, Statement, StatusEntry, claims, credential};
use milepost_domain::rule::Rule as _;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::awards::{Award, shown};
use super::issuer::{OpenBadgesDocument, public};
use crate::answer::Answer;
use crate::awarding::save;
use crate::context::Context;
use crate::credentials::CREDENTIAL;
use crate::error::{ApiError, Code, Problem};
use crate::extract::Body;
use crate::gate::negotiate;
use crate::issuing::Addresses;
use crate::precondition::IfMatchOptional;
use crate::state::App;
use crate::store::Conn;
use crate::store::awards::AwardRow;
use crate::store::organizations;
use crate::store::people::Person;
use crate::store::profiles;
use crate::store::row;
use crate::views::credential_page::{self, PublicAward};

/// Way in which an award is shown to the world.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"publication": "hashed"}))]
pub struct PublicationDraft {
    /// Way in which the credential names the holder. Null makes the award private again.
    #[schema(required)]
    publication: Option<Publication>,
}

/// Get the credential of an award
///
/// Returns the award as an Open Badges 3.0 credential, signed (VC-JWT, RS256), for its holder to keep. It names the holder by the salted
/// hash of their e-mail address, or by the address itself if they publish it so.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("person"))),
    responses((status = 200, description = "The credential.", body = String, content_type = "application/vc+jwt")))]
#[get("/v1/people/{id}/awards/{award_id}/credential")]
pub async fn read_credential(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (person_id, award_id) = *path;
    let mut conn = cx.snapshot().await?;
    let award = find(&mut conn, cx.organization_id(), person_id, award_id).await?;
    let stated = stated(&cx, &mut conn, &award).await?;
    drop(conn);
    Ok(Answer::text(CREDENTIAL, cx.signer().await?.sign(&stated)?))
}

/// Publish an award
///
/// Switches the public page of an award on or off, and says how its credential names the holder. People decide for themselves; deciding
/// for others takes the scope, and is refused for somebody who shows their achievements to nobody.
#[utoipa::path(tag = "recognition", security(("bearer" = ["people:write"])), extensions(("x-related" = json!("profile"))),
    params(IfMatchOptional), request_body = PublicationDraft,
    responses((status = 200, description = "The award as it is shown.", body = Award)))]
#[put("/v1/people/{id}/awards/{award_id}/publication")]
pub async fn publish_award(
    cx: Context,
    path: Path<(Uuid, Uuid)>,
    body: Body<PublicationDraft>,
) -> Result<Answer, ApiError> {
    let (person_id, award_id) = *path;
    cx.write(async |unit| {
        let before = find(&mut unit.conn, unit.organization_id, person_id, award_id).await?;
        cx.check_version(before.version)?;
        let published = body.0.publication;
        if published == before.published {
            return shown(&cx, &mut unit.conn, before).await;
        }
        let is_own = cx.who.caller.person_id() == Some(person_id);
        if published.is_some() {
            let found = profiles::find(&mut unit.conn, unit.organization_id, person_id).await?;
            let (_, profile) = found.ok_or_else(ApiError::not_found)?;
            may_publish(profile.recognition, is_own).map_err(|rule| rule.at(""))?;
        }
        let verb = if published.is_some() { "published" } else { "withdrawn" };
        let after = save(unit, &before, AwardRow { published, ..before.clone() }, verb).await?;
        shown(&cx, &mut unit.conn, after).await
    })
    .await
}

/// Get a published credential
///
/// Returns the page of an award that its holder shows to the world, or by `Accept` the credential: as a JWT, or as the JSON that the JWT
/// signs. An award that is not public responds with 404, a revoked one with 410.
#[utoipa::path(tag = "recognition", responses(
    (status = 200, description = "The page, or the credential.",
        content((String = "text/html"), (String = "application/vc+jwt"), (OpenBadgesDocument = "application/json"))),
    (status = 410, description = "The award was revoked.", body = Problem, content_type = "application/problem+json"),
))]
#[get("/credentials/{organization_id}/{award_id}")]
pub async fn read_public_credential(
    request: HttpRequest,
    app: Data<App>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Answer, ApiError> {
    let (organization_id, award_id) = *path;
    let cx = public(&Arc::clone(&app), organization_id).await?;
    let mut conn = cx.snapshot().await?;
    let found: Option<AwardRow> = row::find(&mut conn, organization_id, award_id).await?;
    let award = found.filter(|award| award.published.is_some()).ok_or_else(ApiError::not_found)?;
    let state = award.life().state(cx.today());
    if state == AwardState::Revoked {
        return Err(ApiError::new(Code::Gone, "The award was revoked and counts for nothing."));
    }
    let organization = organizations::find(&mut conn, organization_id).await?.ok_or_else(ApiError::not_found)?;
    let stated = stated(&cx, &mut conn, &award).await?;
    drop(conn);
    let address = Addresses::of(&app, organization_id).credential(award_id);
    let page = || {
        let (organization, award) = (&organization, &award);
        credential_page::render(&PublicAward { organization, award, state, address: &address })
    };
    let offered = ["text/html", CREDENTIAL, "application/json"].map(str::to_owned);
    let answer = match negotiate(&request, &offered) {
        Some("application/json") => Answer::ok(&claims(&stated))?.content_tag(),
        Some(CREDENTIAL) => Answer::text(CREDENTIAL, cx.signer().await?.sign(&stated)?),
        _ => page()?,
    };
    Ok(answer.header(VARY, "accept"))
}

async fn find(conn: &mut Conn, organization_id: Uuid, person_id: Uuid, id: Uuid) -> Result<AwardRow, ApiError> {
    let found: Option<AwardRow> = row::find(conn, organization_id, id).await?;
    found.filter(|award| award.person_id == person_id).ok_or_else(ApiError::not_found)
}

/// The credential of an award, before it is signed.
async fn stated(cx: &Context, conn: &mut Conn, award: &AwardRow) -> Result<Value, ApiError> {
    let organization = organizations::find(conn, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
    let person: Option<Person> = row::find(conn, cx.organization_id(), award.person_id).await?;
    let person = person.ok_or_else(ApiError::not_found)?;
    let addresses = Addresses::of(&cx.app, cx.organization_id());
    let recipient = match (&person.email, award.published) {
        (Some(email), Some(Publication::Email)) => Recipient::Email(email),
        (Some(email), _) => Recipient::Hashed { email, salt: &award.salt },
        (None, _) => Recipient::Identifier(person.id),
    };
    let evidence: Vec<Evidence<'_>> =
        award.evidence.iter().map(|one| Evidence { name: &one.name, url: one.url.as_ref() }).collect();
    let zone = cx.who.tenant.zone;
    let badge_id = addresses.badge(award.badge_id);
    Ok(credential(&Statement {
        id: &addresses.credential(award.id),
        issuer_id: &addresses.issuer(),
        issuer_name: &organization.name,
        badge_id: &badge_id,
        badge: &award.badge,
        picture: &format!("{badge_id}/picture.svg"),
        recipient,
        awarded_at: begins(award.awarded_on, zone),
        valid_from: begins(award.issued_on, zone),
        valid_until: award.expires_on.map(|on| begins(on, zone)),
        evidence: &evidence,
        status: StatusEntry { lists: &addresses.lists(), list: award.status_list, index: award.status_index },
    }))
}

/// The instant at which a day begins in a time zone; where it begins with a leap of the clock, the first that there is.
fn begins(on: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = on.and_time(NaiveTime::MIN);
    let local = zone.from_local_datetime(&midnight).earliest();
    local.map_or_else(|| midnight.and_utc(), |local| local.to_utc())
}
