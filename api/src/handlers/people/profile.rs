//! Profiles: what people say of themselves to others, with their pictures. People keep their own.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, delete, get, patch, put};
use chrono::{DateTime, Utc};
use maud::html;
use milepost_domain::ledger::hex;
use milepost_domain::people::PersonContent;
use milepost_domain::people::profile::{ProfileContent, ProfileVisibility, background, initials};
use milepost_domain::recognition::deed::RecognitionConsent;
use milepost_domain::values::text::{Label, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::{Body, collect_up_to};
use crate::images::ImageFile;
use crate::precondition::{IfMatch, IfMatchOptional};
use crate::resource::{By, Managed, MergePatch, find};
use crate::store::kept::Kept;
use crate::store::people::Person;
use crate::store::profiles::{self, Pictured, Profile};
use crate::store::{Conn, row};
use crate::unit::{Change, Entity, Unit};
use crate::views::pictures::MEDIA_TYPE;

type ProfilePatch = MergePatch<ProfileContent>;

/// Largest picture that is taken, in bytes.
const MOST_AVATAR_BYTES: usize = 5 * 1024 * 1024;

impl Managed for ProfileContent {
    type Stamp = Pictured;
    const ENTITY: Entity = Entity::Profile;
    const PATH: &'static str = "/v1/people";

    async fn settle(&mut self, _unit: &mut Unit, _before: Option<&Profile>) -> Result<(), ApiError> {
        Ok(())
    }

    fn part(kept: &Profile) -> String {
        format!("{}/profile", kept.id)
    }
}

/// Profile of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "person_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova", "initials": "AP",
    "pronunciation": "AH-nah peh-TROH-vah", "visibility": "organization", "recognition": "organization",
    "avatar_sha256": null, "version": 1,
    "updated_at": "2026-03-02T09:00:00Z"
}))]
#[schema(as = Profile)]
pub struct ShownProfile {
    /// Identifier of the person.
    person_id: Uuid,
    /// Name of the person.
    person_name: Name,
    /// Initials: the first letters of the first and the last word of the name.
    #[schema(max_length = 10)]
    initials: String,
    /// Pronunciation of the name.
    pronunciation: Option<Label>,
    /// Circle of those who see the profile.
    visibility: ProfileVisibility,
    /// Circle in which the person's achievements are shown.
    recognition: RecognitionConsent,
    /// SHA-256 of the uploaded avatar as it is served, in hexadecimal; null for one that is drawn.
    #[schema(min_length = 64, max_length = 64)]
    avatar_sha256: Option<String>,
    /// Version. 0 for a profile that nobody has changed; the value of `ETag`.
    #[schema(minimum = 0)]
    version: i64,
    /// Time of the last change; that of the person's creation for a profile that nobody has changed.
    updated_at: DateTime<Utc>,
}

/// Get a person's profile
///
/// Returns what the person tells others: the pronunciation of their name, who sees the profile, and who sees their achievements. Without
/// changes of their own, both are visible to the organization.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("profile"))),
    responses((status = 200, description = "The profile.", body = ShownProfile)))]
#[get("/v1/people/{id}/profile")]
pub async fn read_profile(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let (person, profile) = load(&mut cx.snapshot().await?, cx.organization_id(), *id).await?;
    shown(&person, profile)
}

/// Update a person's profile
///
/// People keep their own profile; changing others' takes the scope. A patch that changes nothing leaves the version as it is.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), extensions(("x-related" = json!("profile"))), params(IfMatch),
    request_body(content = ProfilePatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The updated profile.", body = ShownProfile)))]
#[patch("/v1/people/{id}/profile")]
pub async fn update_profile(cx: Context, id: Path<Uuid>, body: Body<ProfilePatch>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (person, before) = load(&mut unit.conn, unit.organization_id, *id).await?;
        cx.check_version(before.version())?;
        let after = before.with(body.0.applied_to(&before.content, &cx.app.contract)?, unit.now);
        save(unit, &before, &after).await?;
        shown(&person, after)
    })
    .await
}

/// Get a person's avatar
///
/// Returns the picture that was uploaded, as a PNG of 256 × 256 pixels, or else a drawing of the person's initials as SVG.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("profile"))),
    responses((status = 200, description = "The picture.", content((ImageFile = "image/png"), (String = "image/svg+xml")))))]
#[get("/v1/people/{id}/avatar")]
pub async fn read_avatar(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let person: Person = find::<PersonContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    Ok(match profiles::avatar(&mut conn, cx.organization_id(), *id).await? {
        Some(png) => Answer::text("image/png", png),
        None => Answer::text(MEDIA_TYPE, draw(&person)),
    })
}

/// Replace a person's avatar
///
/// Takes a PNG, JPEG, WebP or GIF image of at most 5 MiB and 24 million pixels, whatever `Content-Type` says. Its middle is kept, upright,
/// as a PNG of 256 × 256 pixels, without anything else that is in the file.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), extensions(("x-related" = json!("profile"))),
    params(IfMatchOptional), request_body(content(
        (ImageFile = "image/png"), (ImageFile = "image/jpeg"), (ImageFile = "image/webp"), (ImageFile = "image/gif")
    )),
    responses((status = 200, description = "The profile with the new picture.", body = ShownProfile)))]
#[put("/v1/people/{id}/avatar")]
pub async fn replace_avatar(
    request: HttpRequest,
    cx: Context,
    id: Path<Uuid>,
    payload: Payload,
) -> Result<Answer, ApiError> {
    // What cannot be changed is not worth reading a picture.
    cx.check_version(load(&mut cx.read().await?, cx.organization_id(), *id).await?.1.version())?;
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !sent.starts_with("image/") {
        return Err(ApiError::new(Code::UnsupportedMediaType, format!("Send an image, not '{sent}'.")));
    }
    let bytes = collect_up_to(&request, payload.into_inner(), MOST_AVATAR_BYTES).await?;
    let png = cx.app.images.avatar(bytes.to_vec()).await?;
    change_avatar(&cx, *id, Some(&png)).await
}

/// Delete a person's avatar
///
/// From then on, the avatar is drawn. Deleting one that is drawn changes nothing.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), extensions(("x-related" = json!("profile"))),
    params(IfMatchOptional), responses((status = 200, description = "The profile without the picture.", body = ShownProfile)))]
#[delete("/v1/people/{id}/avatar")]
pub async fn delete_avatar(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    change_avatar(&cx, *id, None).await
}

async fn change_avatar(cx: &Context, id: Uuid, png: Option<&[u8]>) -> Result<Answer, ApiError> {
    let digest = png.map(|png| hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, png).as_ref()));
    cx.write(async |unit| {
        let (person, before) = load(&mut unit.conn, unit.organization_id, id).await?;
        cx.check_version(before.version())?;
        let mut after = before.clone();
        if after.stamp.avatar_sha256 != digest {
            after.stamp.avatar_sha256.clone_from(&digest);
            after.touch(unit.now);
            save(unit, &before, &after).await?;
            profiles::set_avatar(&mut unit.conn, unit.organization_id, id, png).await?;
        }
        shown(&person, after)
    })
    .await
}

async fn load(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> Result<(Person, Profile), ApiError> {
    profiles::find(conn, organization_id, id).await?.ok_or_else(ApiError::not_found)
}

async fn save(unit: &mut Unit, before: &Profile, after: &Profile) -> Result<(), ApiError> {
    if before == after {
        return Ok(());
    }
    let known = (before.version() > 0).then_some(before);
    match known {
        Some(_) => row::update(&mut unit.conn, unit.organization_id, after).await?,
        None => row::insert(&mut unit.conn, unit.organization_id, after).await?,
    };
    let verb = if known.is_some() { "updated" } else { "created" };
    record(unit, verb, known, Some(after)).await
}

/// Removes the profile of a person who is being deleted.
pub async fn forget(unit: &mut Unit, id: Uuid) -> Result<(), ApiError> {
    let kept: Option<Profile> = row::find(&mut unit.conn, unit.organization_id, id).await?;
    let Some(kept) = kept else { return Ok(()) };
    row::delete::<Profile>(&mut unit.conn, unit.organization_id, id).await?;
    record(unit, "deleted", Some(&kept), None).await
}

async fn record(
    unit: &mut Unit,
    verb: &str,
    before: Option<&Profile>,
    after: Option<&Profile>,
) -> Result<(), ApiError> {
    let id = before.or(after).map_or(Uuid::nil(), |one| one.id);
    unit.record(Change { verb, entity: (Entity::Profile, id), root: (Entity::Person, id), before, after }).await
}

fn shown(person: &Person, profile: Profile) -> Result<Answer, ApiError> {
    let Kept { id: person_id, content, stamp } = profile;
    let ProfileContent { pronunciation, visibility, recognition } = content;
    let Pictured { avatar_sha256, version, updated_at } = stamp;
    let (person_name, initials) = (person.name.clone(), initials(&person.name));
    let shown = ShownProfile {
        person_id,
        person_name,
        initials,
        pronunciation,
        visibility,
        recognition,
        avatar_sha256,
        version,
        updated_at,
    };
    Ok(Answer::ok(&shown)?.version_and_content(version))
}

/// Draws the initials of a person.
fn draw(person: &Person) -> String {
    let fill = format!("#{:06x}", background(person.id));
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" width="256" height="256" role="img" {
            title { (person.name.as_str()) }
            rect width="256" height="256" fill=(fill) {}
            text x="128" y="128" fill="#ffffff" font-family="sans-serif" font-size="104" text-anchor="middle"
                dominant-baseline="central" { (initials(&person.name)) }
        }
    };
    drawing.into_string()
}
