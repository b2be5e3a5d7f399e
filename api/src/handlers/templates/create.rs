//! Creating a template, and further versions of it.

use actix_web::post;
use actix_web::web::Path;
use milepost_domain::plan::template;

use super::{TemplateContent, TemplateDraft, draft_version, find};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::Body;
use crate::resources::templates::TemplateVersion;
use crate::store::templates::{self, Template, Version};
use crate::unit::{Change, Entity, Unit};

/// Creates a template with its first version
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])), request_body = TemplateDraft,
    responses((status = 201, description = "The first version.", body = TemplateVersion)))]
#[post("/v1/templates")]
pub async fn create_template(cx: Context, body: Body<TemplateDraft>) -> Result<Answer, ApiError> {
    template::check(&body.0.milestones)?;
    cx.write(async |unit| {
        let TemplateDraft { key, name, kind, description, milestones, publish } = body.0.clone();
        let template = Template { id: unit.new_id(), key: key.into(), created_at: unit.now };
        if !templates::insert(&mut unit.conn, unit.organization_id, &template).await? {
            let error = FieldError::in_body(
                "/key",
                "taken",
                "belongs to another template: add a version to it, or choose another key",
            );
            return Err(ApiError::with_errors(Code::Conflict, vec![error]));
        }
        let content = TemplateContent { name, kind, description, milestones };
        let mut version = draft_version(unit, template.id, 1, content);
        version.published_at = publish.then_some(unit.now);
        add(unit, &template, version).await
    })
    .await
}

/// Adds a version to a template, as a draft
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])), request_body = TemplateContent,
    responses((status = 201, description = "The draft.", body = TemplateVersion)))]
#[post("/v1/templates/{template_key}/versions")]
pub async fn create_template_version(
    cx: Context,
    key: Path<String>,
    body: Body<TemplateContent>,
) -> Result<Answer, ApiError> {
    template::check(&body.0.milestones)?;
    cx.write(async |unit| {
        let found = find(&mut unit.conn, unit.organization_id, &key).await?;
        let (template, versions) = found.ok_or_else(ApiError::not_found)?;
        let number = versions.last().map_or(1, |last| last.number + 1);
        let version = draft_version(unit, template.id, number, body.0.clone());
        add(unit, &template, version).await
    })
    .await
}

async fn add(unit: &mut Unit, template: &Template, version: Version) -> Result<Answer, ApiError> {
    templates::insert_version(&mut unit.conn, unit.organization_id, &version).await?;
    let location = format!("/v1/templates/{}/versions/{}", template.key, version.number);
    let etag = version.version;
    let resource = TemplateVersion::of(template, version);
    let of = (Entity::Template, template.id);
    unit.record(Change { verb: "version_created", entity: of, root: of, before: None, after: Some(&resource) }).await?;
    Ok(Answer::created(location, &resource)?.version(etag))
}
