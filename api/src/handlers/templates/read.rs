//! One template, and its versions.

use actix_web::get;
use actix_web::web::Path;

use super::{TemplateSummary, find};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::resources::templates::TemplateVersion;

/// One template
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:read"])), responses((status = 200, description = "The template.", body = TemplateSummary)))]
#[get("/v1/templates/{template_key}")]
pub async fn read_template(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    let found = find(&mut cx.snapshot().await?, cx.organization_id(), &key).await?;
    let (template, versions) = found.ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(&TemplateSummary::of(template, &versions).ok_or_else(ApiError::not_found)?)?.content_tag())
}

/// One version of a template, with its milestones
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:read"])), responses((status = 200, description = "The version.", body = TemplateVersion)))]
#[get("/v1/templates/{template_key}/versions/{number}")]
pub async fn read_template_version(cx: Context, path: Path<(String, i64)>) -> Result<Answer, ApiError> {
    let (key, number) = path.into_inner();
    let found = find(&mut cx.snapshot().await?, cx.organization_id(), &key).await?;
    let (template, versions) = found.ok_or_else(ApiError::not_found)?;
    let version = versions.into_iter().find(|version| version.number == number).ok_or_else(ApiError::not_found)?;
    let etag = version.version;
    Ok(Answer::ok(&TemplateVersion::of(&template, version))?.version(etag))
}
