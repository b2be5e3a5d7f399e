//! Listing templates.

use actix_web::get;

use super::TemplateSummary;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::paging::{Page, Paging};
use crate::store::keyset::{Direction, Key, Order, Position};
use crate::store::templates;

/// Lists templates
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:read"])), params(Paging),
    responses((status = 200, description = "A page of templates by key.", body = Page<TemplateSummary>)))]
#[get("/v1/templates")]
pub async fn list_templates(cx: Context, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let slice = paging.slice(Order::Text("key"), Direction::Ascending)?;
    let rows = templates::list(&mut conn, cx.organization_id(), &slice).await?;
    let ids: Vec<_> = rows.iter().map(|template| template.id).collect();
    let versions = templates::versions(&mut conn, cx.organization_id(), &ids).await?;
    let summaries = rows.into_iter().filter_map(|template| TemplateSummary::of(template, &versions)).collect();
    let position = |summary: &TemplateSummary| Position { key: Some(Key::Text(summary.key.clone())), id: summary.id };
    paging.answer(summaries, position, |summary| summary)
}
