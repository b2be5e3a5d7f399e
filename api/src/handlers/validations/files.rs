//! Files as evidence of validations.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, delete, get, post};
use milepost_domain::ledger::hex;
use milepost_domain::proof::evidence::{FileKind, MOST_BYTES, check_number};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::Name;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::invitation::invited;
use super::read::{again, seen};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Query, collect_up_to};
use crate::paging::{Page, Paging};
use crate::state::App;
use crate::store::evidence_files::{self, EvidenceFile};
use crate::store::keyset::{Direction, Position};
use crate::store::{Conn, row};
use crate::unit::{Change, Entity};
use crate::views::security::ATTACHED;

/// Name of a file.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileOptions {
    /// Title of the file. Defaults to `Evidence`.
    #[param(inline)]
    title: Option<Name>,
}

/// File as its bytes.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary, max_length = 5_242_880)]
#[expect(dead_code, reason = "the document's word for what is sent as it is")]
pub struct EvidenceBytes(Vec<u8>);

/// Add a file to a validation
///
/// Takes a PNG or JPEG image, a PDF, or plain text in UTF-8, of at most 5 MiB, and what it is by what it contains, whatever `Content-Type` says.
/// A validation has at most 20 files.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))), params(FileOptions),
    request_body(content(
        (EvidenceBytes = "image/png"), (EvidenceBytes = "image/jpeg"), (EvidenceBytes = "application/pdf"), (EvidenceBytes = "text/plain")
    )),
    responses((status = 201, description = "The file, without its content.", body = EvidenceFile)))]
#[post("/v1/validations/{validation_id}/files")]
pub async fn add_validation_file(
    request: HttpRequest,
    cx: Context,
    id: Path<Uuid>,
    options: Query<FileOptions>,
    payload: Payload,
) -> Result<Answer, ApiError> {
    let (_, matter) = seen(&cx, *id).await?;
    cx.check_may_submit(&matter)?;
    let bytes = collect_up_to(&request, payload.into_inner(), MOST_BYTES).await?.freeze();
    let kind = FileKind::of(&bytes).map_err(|rule| rule.at(""))?;
    if kind.is_picture() {
        cx.app.images.check(bytes.to_vec()).await?;
    }
    let sha256 = hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes).as_ref());
    cx.write(async |unit| {
        let (loaded, matter) = again(unit, *id, &matter).await?;
        let there = evidence_files::of_validation(&mut unit.conn, unit.organization_id, *id).await?;
        check_number(there.len()).map_err(|rule| rule.at(""))?;
        let file = EvidenceFile {
            id: unit.new_id(),
            validation_id: *id,
            plan_id: loaded.row.plan_id,
            impact_id: loaded.row.impact_id,
            title: options.0.title.clone().unwrap_or_else(|| Name::trusted("Evidence".to_owned())),
            media_type: kind,
            size_bytes: i64::try_from(bytes.len()).map_err(ApiError::internal)?,
            sha256: sha256.clone(),
            author: unit.author(),
            recorded_at: unit.now,
        };
        row::insert(&mut unit.conn, unit.organization_id, &file).await?;
        evidence_files::set_content(&mut unit.conn, unit.organization_id, file.id, &bytes).await?;
        let (entity, root) = ((Entity::EvidenceFile, file.id), matter.root());
        unit.record(Change { verb: "created", entity, root, before: None, after: Some(&file) }).await?;
        Answer::created(format!("/v1/validations/{id}/files/{}", file.id), &file)
    })
    .await
}

/// List the files of a validation
///
/// Returns a page of what is said about the files, in the order in which they were added.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("list"))), params(Paging),
    responses((status = 200, description = "A page of files.", body = Page<EvidenceFile>)))]
#[get("/v1/validations/{validation_id}/files")]
pub async fn list_validation_files(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    check_seen(&cx, *id).await?;
    let rows = evidence_files::of_validation(&mut cx.read().await?, cx.organization_id(), *id).await?;
    paging.answer_sorted(Direction::Ascending, rows, |row| Position { key: None, id: row.id }, |row| row)
}

/// Get a file of a validation
///
/// Returns the file as an attachment.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("list"))),
    responses((status = 200, description = "The file.", content(
        (EvidenceBytes = "image/png"), (EvidenceBytes = "image/jpeg"), (EvidenceBytes = "application/pdf"), (EvidenceBytes = "text/plain")
    ))))]
#[get("/v1/validations/{validation_id}/files/{file_id}")]
pub async fn read_validation_file(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    check_seen(&cx, path.0).await?;
    attached(&mut cx.read().await?, cx.organization_id(), *path).await
}

/// Get a file of an invitation
///
/// Returns a file that is shown as evidence to whoever has the link, as an attachment.
#[utoipa::path(tag = "shares", responses((status = 200, description = "The file.", content(
        (EvidenceBytes = "image/png"), (EvidenceBytes = "image/jpeg"), (EvidenceBytes = "application/pdf"), (EvidenceBytes = "text/plain")
    ))))]
#[get("/invitations/{invitation_token}/files/{file_id}")]
pub async fn read_invitation_file(app: Data<App>, path: Path<(String, Uuid)>) -> Result<Answer, ApiError> {
    let (cx, loaded, ..) = invited(&app.into_inner(), &path.0).await?;
    attached(&mut cx.read().await?, cx.organization_id(), (loaded.row.id, path.1)).await
}

/// Delete a file of a validation
///
/// Removes a file while the validation is open.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))),
    responses((status = 204, description = "Deleted.")))]
#[delete("/v1/validations/{validation_id}/files/{file_id}")]
pub async fn delete_validation_file(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (id, file_id) = *path;
    let (_, matter) = seen(&cx, id).await?;
    cx.check_may_submit(&matter)?;
    cx.write(async |unit| {
        let (_, matter) = again(unit, id, &matter).await?;
        let found: Option<EvidenceFile> = row::find(&mut unit.conn, unit.organization_id, file_id).await?;
        let file = found.filter(|file| file.validation_id == id).ok_or_else(ApiError::not_found)?;
        row::delete::<EvidenceFile>(&mut unit.conn, unit.organization_id, file_id).await?;
        let (entity, root) = ((Entity::EvidenceFile, file_id), matter.root());
        unit.record(Change { verb: "deleted", entity, root, before: Some(&file), after: None }).await?;
        Ok(Answer::no_content())
    })
    .await
}

/// Refuses whoever may not see a validation.
async fn check_seen(cx: &Context, id: Uuid) -> Result<(), ApiError> {
    let (loaded, matter) = seen(cx, id).await?;
    if cx.may_see_validation(&matter, &loaded.asks) { Ok(()) } else { Err(ApiError::not_found()) }
}

/// A file as an attachment, under a name of plain letters.
async fn attached(
    conn: &mut Conn,
    organization_id: Uuid,
    (validation_id, id): (Uuid, Uuid),
) -> Result<Answer, ApiError> {
    let file: Option<EvidenceFile> = row::find(conn, organization_id, id).await?;
    let file = file.ok_or_else(ApiError::not_found)?;
    let content = evidence_files::content(conn, organization_id, validation_id, id).await?;
    let content = content.ok_or_else(ApiError::not_found)?;
    let name = format!("attachment; filename=\"evidence-{id}.{}\"", file.media_type.ending());
    let charset = if file.media_type == FileKind::Text { "; charset=utf-8" } else { "" };
    let answer = Answer::text(&format!("{}{charset}", file.media_type), content).header(CONTENT_DISPOSITION, name);
    Ok(answer.header(CONTENT_SECURITY_POLICY, ATTACHED))
}
