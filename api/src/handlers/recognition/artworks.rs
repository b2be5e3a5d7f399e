//! Artwork: uploaded pictures that badges can show in place of a drawing.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::{Path, Payload};
use actix_web::{HttpRequest, get, post};
use milepost_domain::ledger::hex;
use uuid::Uuid;

use crate::answer::Answer;
use crate::artwork::cleaned;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::collect_up_to;
use crate::images::ImageFile;
use crate::paging::{Page, Paging};
use crate::store::artworks::{self, Artwork};
use crate::store::keyset::{Direction, Order, Position};
use crate::store::row::{self, Column as _, Condition};
use crate::unit::{Change, Entity};
use crate::views::security::ATTACHED;

/// Largest number of bytes of a file.
const MOST_BYTES: usize = 5 * 1024 * 1024;

/// List artworks
///
/// Returns a page of what is said about the artworks, latest first.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), params(Paging),
    responses((status = 200, description = "A page of artworks.", body = Page<Artwork>)))]
#[get("/v1/artworks")]
pub async fn list_artworks(cx: Context, paging: Paging) -> Result<Answer, ApiError> {
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let rows: Vec<Artwork> = row::page(&mut cx.read().await?, cx.organization_id(), &[], &slice).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| row)
}

/// Add an artwork
///
/// Takes a PNG of at most 5 MiB and 24 million pixels, or an SVG of at most 512 KiB, whatever `Content-Type` says. A PNG is kept with at most 640
/// pixels on a side, without anything else that is in the file. Of an SVG, only what is drawn is kept; one with a script, an embedded picture, a
/// filter, a mask, a pattern, an animation, or a reference to something outside itself is refused. The same picture is kept once. A badge shows it when its design names
/// it (`artwork_id`); awards that were given before keep their picture.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])),
    request_body(content = ImageFile, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "The artwork, without its content.", body = Artwork),
        (status = 200, description = "The artwork that has this picture.", body = Artwork),
    ))]
#[post("/v1/artworks")]
pub async fn add_artwork(request: HttpRequest, cx: Context, payload: Payload) -> Result<Answer, ApiError> {
    let bytes = collect_up_to(&request, payload.into_inner(), MOST_BYTES).await?.to_vec();
    let (media_type, content) = cx.app.images.in_turn(move || cleaned(&bytes)).await?;
    let sha256 = hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content).as_ref());
    cx.write(async |unit| {
        let same = [Condition::Equals("sha256", sha256.to_value())];
        let known: Vec<Artwork> = row::all(&mut unit.conn, unit.organization_id, &same, "id").await?;
        if let Some(known) = known.first() {
            return Answer::ok(known);
        }
        let artwork = Artwork {
            id: unit.new_id(),
            media_type,
            size_bytes: i64::try_from(content.len()).map_err(ApiError::internal)?,
            sha256: sha256.clone(),
            author: unit.author(),
            recorded_at: unit.now,
        };
        row::insert(&mut unit.conn, unit.organization_id, &artwork).await?;
        artworks::set_content(&mut unit.conn, unit.organization_id, artwork.id, &content).await?;
        let of = (Entity::Artwork, artwork.id);
        unit.record(Change { verb: "created", entity: of, root: of, before: None, after: Some(&artwork) }).await?;
        Answer::created(format!("/v1/artworks/{}", artwork.id), &artwork)
    })
    .await
}

/// Get an artwork
///
/// Returns the picture as it is kept.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])),
    responses((status = 200, description = "The picture.", content((ImageFile = "image/png"), (String = "image/svg+xml")))))]
#[get("/v1/artworks/{artwork_id}")]
pub async fn read_artwork(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let found: Option<Artwork> = row::find(&mut conn, cx.organization_id(), *id).await?;
    let artwork = found.ok_or_else(ApiError::not_found)?;
    let content = artworks::content(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    let answer = Answer::bytes(StatusCode::OK, &artwork.media_type.to_string(), content.into()).content_tag();
    Ok(answer.header(CONTENT_SECURITY_POLICY, ATTACHED))
}
