//! Changing a draft, and publishing it.

use actix_web::web::Path;
use actix_web::{post, put};
use milepost_domain::plan::template;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::version::VersionRule;

use super::{TemplateContent, draft_version, find};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::precondition::{IfMatch, IfMatchOptional};
use crate::resources::templates::TemplateVersion;
use crate::store::templates::{self, Template, Version};
use crate::unit::{Change, Entity, Unit};

/// Replaces a draft version
///
/// A published version never changes: add another.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])), params(IfMatch), request_body = TemplateContent,
    responses((status = 200, description = "As changed.", body = TemplateVersion)))]
#[put("/v1/templates/{template_key}/versions/{number}")]
pub async fn replace_template_version(
    cx: Context,
    path: Path<(String, i64)>,
    body: Body<TemplateContent>,
) -> Result<Answer, ApiError> {
    template::check(&body.0.milestones)?;
    let (key, number) = path.into_inner();
    cx.write(async |unit| {
        let (template, before) = load_draft(unit, &key, number).await?;
        cx.check_version(before.version)?;
        let after = Version {
            version: before.version,
            created_at: before.created_at,
            ..draft_version(unit, template.id, number, body.0.clone())
        };
        save(unit, &template, before, after, "version_updated").await
    })
    .await
}

/// Publishes a draft version: from now on plans can be made from it, and it cannot change
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])), params(IfMatchOptional), responses((status = 200, description = "As published.", body = TemplateVersion)))]
#[post("/v1/templates/{template_key}/versions/{number}/publish")]
pub async fn publish_template_version(cx: Context, path: Path<(String, i64)>) -> Result<Answer, ApiError> {
    let (key, number) = path.into_inner();
    cx.write(async |unit| {
        let (template, before) = load_draft(unit, &key, number).await?;
        cx.check_version(before.version)?;
        let after = Version { published_at: Some(unit.now), ..before.clone() };
        save(unit, &template, before, after, "version_published").await
    })
    .await
}

async fn load_draft(unit: &mut Unit, key: &str, number: i64) -> Result<(Template, Version), ApiError> {
    let found = find(&mut unit.conn, unit.organization_id, key).await?;
    let (template, versions) = found.ok_or_else(ApiError::not_found)?;
    let version = versions.into_iter().find(|version| version.number == number).ok_or_else(ApiError::not_found)?;
    match version.published_at {
        Some(_) => Err(VersionRule::Published { version: number }.at("").into()),
        None => Ok((template, version)),
    }
}

async fn save(
    unit: &mut Unit,
    template: &Template,
    before: Version,
    after: Version,
    verb: &str,
) -> Result<Answer, ApiError> {
    let after = Version { version: after.version + 1, updated_at: unit.now, ..after };
    templates::update_version(&mut unit.conn, unit.organization_id, &after).await?;
    let etag = after.version;
    let (before, after) = (TemplateVersion::of(template, before), TemplateVersion::of(template, after));
    let of = (Entity::Template, template.id);
    unit.record(Change { verb, entity: of, root: of, before: Some(&before), after: Some(&after) }).await?;
    Ok(Answer::ok(&after)?.version(etag))
}
