//! Checkpoints of the ledger: their list, and one on demand.

use actix_web::http::StatusCode;
use actix_web::{get, post};
use uuid::Uuid;

use crate::answer::Answer;
use crate::checkpoints::{Checkpoint, make};
use crate::context::Context;
use crate::error::ApiError;
use crate::paging::{Page, Paging};
use crate::store::keyset::{Key, Position};
use crate::store::ledger_checkpoints::{self, CheckpointRow};

/// List checkpoints
///
/// Returns the signed statements of where the ledger stood, newest first. The server makes one for every interval in which
/// the ledger has grown. Keep them elsewhere: they show that entries were cut off or rewritten, even by somebody who can
/// write to the database.
#[utoipa::path(tag = "ledger", security(("bearer" = ["ledger:read"])), params(Paging),
    responses((status = 200, description = "A page of checkpoints.", body = Page<Checkpoint>)))]
#[get("/v1/ledger/checkpoints")]
pub async fn list_checkpoints(cx: Context, paging: Paging) -> Result<Answer, ApiError> {
    let id = cx.organization_id();
    let rows = ledger_checkpoints::list(&mut cx.read().await?, id, paging.after_number(), paging.limit + 1).await?;
    let position = |row: &CheckpointRow| Position { key: Some(Key::Number(row.sequence)), id: Uuid::nil() };
    paging.answer(rows, position, |row| Checkpoint::of(id, row))
}

/// Create a checkpoint
///
/// Signs where the ledger stands now. Responds with 200 and the last checkpoint if the ledger has not grown since.
#[utoipa::path(tag = "ledger", security(("bearer" = ["admin"])), responses(
    (status = 201, description = "The new checkpoint.", body = Checkpoint),
    (status = 200, description = "The last checkpoint, which is of the same entry.", body = Checkpoint)))]
#[post("/v1/ledger/checkpoints")]
pub async fn create_checkpoint(cx: Context) -> Result<Answer, ApiError> {
    let (checkpoint, is_new) = make(&cx.app, cx.organization_id()).await?;
    Answer::json(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &checkpoint)
}
