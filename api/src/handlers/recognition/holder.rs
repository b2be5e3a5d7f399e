//! Awards in the hands of their holders, who take the credential and show it to the world.

use std::sync::Arc;

use actix_web::http::header::VARY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, put};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use milepost_domain::recognition::audience::may_publish;
use milepost_domain::recognition::award::{AwardState, Publication};
use milepost_domain::recognition::credential::{Evidence, Recipient, Statement, StatusEntry, credential};
use milepost_domain::rule::Rule as _;
use serde::Deserialize;
use serde_json::Value;
use strum::EnumString;
use utoipa::ToSchema;
use uuid::Uuid;

use super::awards::{Award, shown};
use super::issuer::{OpenBadgesDocument, public};
use crate::answer::Answer;
use crate::awarding::save;
use crate::context::Context;
use crate::credentials::{EMBEDDED, Form, JSON, JWT, baking};
use crate::error::{ApiError, Code, Problem};
use crate::extract::Body;
use crate::gate::negotiate;
use crate::images::ImageFile;
use crate::issuing::Addresses;
use crate::precondition::IfMatchOptional;
use crate::state::App;
use crate::store::Conn;
use crate::store::authored::name_all;
use crate::store::awards::AwardRow;
use crate::store::organizations;
use crate::store::people::Person;
use crate::store::profiles;
use crate::store::row;
use crate::views::credential_page::{self, PublicAward};
use crate::views::{badge_picture, pictures, preview_picture, raster};

/// Media type of pictures in pixels.
const PNG: &str = "image/png";
/// Width and height of a badge in pixels.
const BADGE_SIDE: u32 = 640;

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
/// Returns the award as an Open Badges 3.0 credential, signed, for its holder to keep. By `Accept` it is a JWT (RS256), JSON with an embedded proof
/// (`eddsa-rdfc-2022`), or the badge's picture with the JWT baked in. It names the holder by the salted hash of their e-mail address, or by the
/// address itself if they publish it so.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("person"))),
    responses((status = 200, description = "The credential.", content(
        (String = "application/vc+jwt"), (OpenBadgesDocument = "application/vc"), (OpenBadgesDocument = "application/json"),
        (ImageFile = "image/png"), (String = "image/svg+xml")
    ))))]
#[get("/v1/people/{id}/awards/{award_id}/credential")]
pub async fn read_credential(request: HttpRequest, cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (person_id, award_id) = *path;
    let mut conn = cx.snapshot().await?;
    let award = find(&mut conn, cx.organization_id(), person_id, award_id).await?;
    let stated = stated(&cx, &mut conn, &award).await?;
    let offered = [JWT, EMBEDDED, JSON, PNG, pictures::MEDIA_TYPE].map(str::to_owned);
    let answer = match negotiate(&request, &offered).unwrap_or(JWT) {
        PNG => picture(&cx, conn, &award, Some(&stated), PublicPicture::Png).await?,
        pictures::MEDIA_TYPE => picture(&cx, conn, &award, Some(&stated), PublicPicture::Svg).await?,
        media => {
            drop(conn);
            let form = if media == JWT { Form::Jwt } else { Form::Embedded };
            Answer::text(media, cx.signed(&stated, form).await?)
        }
    };
    Ok(answer.header(VARY, "accept"))
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
/// Returns the page of an award that its holder shows to the world, or by `Accept` the credential: as a JWT, or as JSON with an embedded proof. An
/// award that is not public responds with 404, a revoked one with 410.
#[utoipa::path(tag = "recognition", responses(
    (status = 200, description = "The page, or the credential.", content(
        (String = "text/html"), (String = "application/vc+jwt"), (OpenBadgesDocument = "application/vc"),
        (OpenBadgesDocument = "application/json")
    )),
    (status = 410, description = "The award was revoked.", body = Problem, content_type = "application/problem+json"),
))]
#[get("/credentials/{organization_id}/{award_id}")]
pub async fn read_public_credential(
    request: HttpRequest,
    app: Data<App>,
    path: Path<(Uuid, Uuid)>,
) -> Result<Answer, ApiError> {
    let (cx, mut conn, award, state) = published(&app.into_inner(), *path).await?;
    let offered = ["text/html", JWT, EMBEDDED, JSON].map(str::to_owned);
    let answer = match negotiate(&request, &offered) {
        Some(media @ (JWT | EMBEDDED | JSON)) => {
            let stated = stated(&cx, &mut conn, &award).await?;
            drop(conn);
            let form = if media == JWT { Form::Jwt } else { Form::Embedded };
            Answer::text(media, cx.signed(&stated, form).await?)
        }
        _ => {
            let organization = organizations::find(&mut conn, cx.organization_id()).await?;
            let organization = &organization.ok_or_else(ApiError::not_found)?;
            let picture = &badge_picture::load(&mut conn, cx.organization_id(), &award.badge).await?;
            let address = &Addresses::of(&cx.app, cx.organization_id()).credential(award.id);
            credential_page::render(&PublicAward { organization, award: &award, state, address, picture })?
        }
    };
    Ok(answer.header(VARY, "accept"))
}

/// Picture of a published award.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString)]
enum PublicPicture {
    /// The badge as PNG, with the credential inside.
    #[strum(serialize = "badge.png")]
    Png,
    /// The badge as SVG, with the credential inside.
    #[strum(serialize = "badge.svg")]
    Svg,
    /// A preview for links.
    #[strum(serialize = "preview.png")]
    Preview,
}

/// Draw a published credential
///
/// Returns a picture of an award that its holder shows to the world: `badge.png` and `badge.svg` are the badge with the credential baked in (Open
/// Badges 3.0), `preview.png` is what previews of links show (1200 × 630 pixels).
#[utoipa::path(tag = "recognition", responses(
    (status = 200, description = "The picture.", content((ImageFile = "image/png"), (String = "image/svg+xml"))),
    (status = 410, description = "The award was revoked.", body = Problem, content_type = "application/problem+json"),
))]
#[get("/credentials/{organization_id}/{award_id}/{picture_name}")]
pub async fn draw_public_credential(app: Data<App>, path: Path<(Uuid, Uuid, String)>) -> Result<Answer, ApiError> {
    let (organization_id, award_id, name) = path.into_inner();
    let which: PublicPicture = name.parse().map_err(|_| ApiError::not_found())?;
    let (cx, mut conn, award, _) = published(&app.into_inner(), (organization_id, award_id)).await?;
    let stated = match which {
        PublicPicture::Preview => None,
        PublicPicture::Png | PublicPicture::Svg => Some(stated(&cx, &mut conn, &award).await?),
    };
    picture(&cx, conn, &award, stated.as_ref(), which).await
}

/// A published award with its state as of today; 404 if it is not published, 410 if it was revoked.
async fn published(
    app: &Arc<App>,
    (organization_id, award_id): (Uuid, Uuid),
) -> Result<(Context, Conn, AwardRow, AwardState), ApiError> {
    let cx = public(app, organization_id).await?;
    let mut conn = cx.snapshot().await?;
    let found: Option<AwardRow> = row::find(&mut conn, organization_id, award_id).await?;
    let mut award = found.filter(|award| award.published.is_some()).ok_or_else(ApiError::not_found)?;
    name_all(&mut conn, organization_id, std::slice::from_mut(&mut award)).await?;
    match award.life().state(cx.today()) {
        AwardState::Revoked => Err(ApiError::new(Code::Gone, "The award was revoked and counts for nothing.")),
        state => Ok((cx, conn, award, state)),
    }
}

/// A picture of an award, with its credential baked in if there is one.
async fn picture(
    cx: &Context,
    mut conn: Conn,
    award: &AwardRow,
    stated: Option<&Value>,
    which: PublicPicture,
) -> Result<Answer, ApiError> {
    let drawing = badge_picture::load(&mut conn, cx.organization_id(), &award.badge).await?;
    let organization = organizations::find(&mut conn, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
    drop(conn);
    let token = match stated {
        Some(stated) => Some(cx.signed(stated, Form::Jwt).await?),
        None => None,
    };
    if let (PublicPicture::Svg, Some(token)) = (which, &token) {
        return Ok(Answer::text(pictures::MEDIA_TYPE, baking::svg(&drawing, token)));
    }
    let (name, holder) =
        (award.badge.name.to_string(), award.person_name.as_ref().map_or_else(String::new, ToString::to_string));
    let drawn = cx.app.images.in_turn(move || {
        let pixels = match which {
            PublicPicture::Preview => preview_picture::draw(&drawing, &name, &holder, &organization.name)?,
            _ => raster::draw(&raster::read(&drawing).map_err(ApiError::internal)?, (BADGE_SIDE, BADGE_SIDE))?,
        };
        baking::png(&pixels, token.as_deref())
    });
    Ok(Answer::text(PNG, drawn.await?))
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
        badge_version: award.badge_version,
        results: &award.results,
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
