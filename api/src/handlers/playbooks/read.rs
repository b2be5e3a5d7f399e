//! Playbooks.

use actix_web::get;
use actix_web::web::Path;
use serde::Serialize;
use utoipa::ToSchema;

use super::KeptPlaybook;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::playbooks;

/// All playbooks of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct Playbooks {
    /// By key.
    #[schema(max_items = 200)]
    data: Vec<KeptPlaybook>,
}

/// Lists playbooks, by key
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "All of them.", body = Playbooks)))]
#[get("/v1/playbooks")]
pub async fn list_playbooks(cx: Context) -> Result<Answer, ApiError> {
    let rows = playbooks::all(&mut cx.read().await?, cx.organization_id()).await?;
    Ok(Answer::ok(&Playbooks { data: rows.into_iter().map(KeptPlaybook::from).collect() })?.content_tag())
}

/// Reads one playbook
#[utoipa::path(tag = "playbooks", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The playbook.", body = KeptPlaybook)))]
#[get("/v1/playbooks/{playbook_key}")]
pub async fn read_playbook(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    let row = playbooks::find(&mut cx.read().await?, cx.organization_id(), &key).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    let version = row.version;
    Ok(Answer::ok(&KeptPlaybook::from(row))?.version(version))
}
