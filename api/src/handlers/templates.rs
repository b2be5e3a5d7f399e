//! Templates: versioned lists of milestones that plans are created from.

use actix_web::web::Path;
use actix_web::{get, post, put};
use chrono::{DateTime, Utc};
use milepost_domain::plan::Kind;
use milepost_domain::plan::template::{MilestoneDefinition, TemplateContent, check};
use milepost_domain::rule::{Rule as _, Violations, all_kept};
use milepost_domain::usage::metric::MetricRule;
use milepost_domain::values::text::{Key, Name, Note};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::archiving::ArchivedFilter;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{Page, Paging};
use crate::precondition::{IfMatch, IfMatchOptional};
use crate::resources::templates::TemplateVersion;
use crate::store::keyset::{Direction, Key as PositionKey, Order, Position};
use crate::store::metrics;
use crate::store::row;
use crate::store::templates::{Template, TemplateVersionRow};
use crate::unit::{Entity, Unit};
use crate::versioned::{self, Definable, Found};

impl Definable for TemplateContent {
    type Summary = TemplateSummary;
    type Resource = TemplateVersion;
    const ENTITY: Entity = Entity::Template;
    const PATH: &'static str = "/v1/templates";

    /// Copies the definitions of the metrics that proofs name into the content.
    async fn settle(mut self, unit: &mut Unit, _: &str) -> Result<Self, ApiError> {
        check(&self.milestones)?;
        let known = metrics::all(&mut unit.conn, unit.organization_id).await?;
        let mut violations = Violations::new();
        for (index, milestone) in self.milestones.iter_mut().enumerate() {
            let criteria = milestone.proof.iter_mut().flat_map(|proof| &mut proof.criteria);
            for (at, criterion) in criteria.enumerate() {
                let Some(key) = &criterion.metric else { continue };
                match known.iter().find(|row| row.key == *key) {
                    Some(row) => criterion.definition = Some(row.definition()),
                    // A copy of a version may name a metric that is gone: its definition is there.
                    None if criterion.definition.is_some() => {}
                    None => {
                        let rule = MetricRule::UnknownMetric { key: key.to_string() };
                        violations.push(rule.at(format!("/milestones/{index}/proof/criteria/{at}/metric")));
                    }
                }
            }
        }
        all_kept(violations)?;
        Ok(self)
    }

    fn resource(found: &Found<Self>, version: &TemplateVersionRow) -> TemplateVersion {
        TemplateVersion::of(&found.definition, version)
    }

    fn summary(found: &Found<Self>) -> Result<TemplateSummary, ApiError> {
        TemplateSummary::of(found)
    }
}

/// Template to create, with its first version.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "pilot", "name": "Two-week pilot", "kind": "onboarding", "publish": true, "milestones": [
        {"key": "kick-off", "name": "Goals agreed", "offset_days": 1},
        {"key": "review", "name": "Result reviewed", "offset_days": 14, "depends_on": ["kick-off"], "weight": 3}
    ]
}))]
pub struct TemplateDraft {
    /// Key. Unique within the organization.
    key: Key,
    /// Name.
    name: Name,
    /// Kind of the plans that are created from it.
    kind: Kind,
    /// Description.
    description: Option<Note>,
    /// Milestones, in order.
    #[schema(min_items = 1, max_items = 500)]
    milestones: Vec<MilestoneDefinition>,
    /// Whether to publish the version at once. Otherwise it is a draft.
    #[serde(default)]
    publish: bool,
}

/// A template, with a summary of its newest version.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "key": "pilot", "name": "Two-week pilot", "kind": "onboarding",
    "description": null, "milestones": 2, "latest_version": 2, "published_version": 1, "created_at": "2026-03-02T09:00:00Z",
    "archived_at": null
}))]
pub struct TemplateSummary {
    /// Identifier.
    id: Uuid,
    /// Key. Unique within the organization.
    #[schema(value_type = Key)]
    key: String,
    /// Name of the newest version.
    name: Name,
    /// Kind of the newest version.
    kind: Kind,
    /// Description of the newest version.
    description: Option<Note>,
    /// Number of milestones of the newest version.
    #[schema(maximum = 500)]
    milestones: usize,
    /// Number of the newest version.
    #[schema(minimum = 1)]
    latest_version: i64,
    /// Number of the newest published version, from which plans are created unless they name another; null if there is none.
    #[schema(minimum = 1)]
    published_version: Option<i64>,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Time of archiving; null while in use.
    archived_at: Option<DateTime<Utc>>,
}

impl TemplateSummary {
    fn of(found: &Found<TemplateContent>) -> Result<Self, ApiError> {
        let latest = found.latest()?;
        Ok(Self {
            id: found.definition.id,
            key: found.definition.key.clone(),
            name: latest.content.name.clone(),
            kind: latest.content.kind,
            description: latest.content.description.clone(),
            milestones: latest.content.milestones.len(),
            latest_version: latest.number,
            published_version: found.published().map(|version| version.number),
            created_at: found.definition.created_at,
            archived_at: found.definition.archived_at,
        })
    }
}

/// List templates
///
/// Returns a page of the templates, by key.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:read"])), params(Paging, ArchivedFilter),
    responses((status = 200, description = "A page of templates.", body = Page<TemplateSummary>)))]
#[get("/v1/templates")]
pub async fn list_templates(cx: Context, paging: Paging, archived: Query<ArchivedFilter>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let slice = paging.slice(Order::Text("key"), Direction::Ascending)?;
    let rows: Vec<Template> = row::page(&mut conn, cx.organization_id(), &[archived.0.condition()], &slice).await?;
    let all = versioned::all_of(&mut conn, cx.organization_id(), rows).await?;
    let position = |found: &Found<TemplateContent>| {
        let definition = &found.definition;
        Position { key: Some(PositionKey::Text(definition.key.clone())), id: definition.id }
    };
    paging.try_answer(all, position, |found| TemplateSummary::of(&found))
}

/// Create a template
///
/// Creates the template with its first version, as a draft unless `publish` is set.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])), request_body = TemplateDraft,
    responses((status = 201, description = "The first version of the created template.", body = TemplateVersion)))]
#[post("/v1/templates")]
pub async fn create_template(cx: Context, body: Body<TemplateDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let TemplateDraft { key, name, kind, description, milestones, publish } = body.0.clone();
        let content = TemplateContent { name, kind, description, milestones };
        versioned::create(unit, &key, content, "", publish).await
    })
    .await
}

/// Get a template
///
/// Returns a summary of the newest version; the versions themselves have paths of their own.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:read"])),
    responses((status = 200, description = "The template.", body = TemplateSummary)))]
#[get("/v1/templates/{template_key}")]
pub async fn read_template(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    let found = versioned::load(&mut cx.snapshot().await?, cx.organization_id(), &key).await?;
    Ok(Answer::ok(&TemplateSummary::of(&found)?)?.content_tag())
}

/// Create a version of a template
///
/// The version is a draft until it is published.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])), request_body = TemplateContent,
    responses((status = 201, description = "The created draft.", body = TemplateVersion)))]
#[post("/v1/templates/{template_key}/versions")]
pub async fn create_template_version(
    cx: Context,
    key: Path<String>,
    body: Body<TemplateContent>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| versioned::add(unit, &key, body.0.clone()).await).await
}

/// Get a version of a template
///
/// Returns the version with its milestones.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:read"])),
    responses((status = 200, description = "The version.", body = TemplateVersion)))]
#[get("/v1/templates/{template_key}/versions/{number}")]
pub async fn read_template_version(cx: Context, path: Path<(String, i64)>) -> Result<Answer, ApiError> {
    versioned::read_version::<TemplateContent>(&cx, &path.0, path.1).await
}

/// Replace a draft version of a template
///
/// A published version never changes; create another instead.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])), params(IfMatch), request_body = TemplateContent,
    responses((status = 200, description = "The replaced draft.", body = TemplateVersion)))]
#[put("/v1/templates/{template_key}/versions/{number}")]
pub async fn replace_template_version(
    cx: Context,
    path: Path<(String, i64)>,
    body: Body<TemplateContent>,
) -> Result<Answer, ApiError> {
    versioned::replace(&cx, &path.0, path.1, &body.0).await
}

/// Publish a draft version of a template
///
/// From then on, plans can be created from the version, and it cannot change.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])), params(IfMatchOptional),
    responses((status = 200, description = "The published version.", body = TemplateVersion)))]
#[post("/v1/templates/{template_key}/versions/{number}/publish")]
pub async fn publish_template_version(cx: Context, path: Path<(String, i64)>) -> Result<Answer, ApiError> {
    versioned::publish::<TemplateContent>(&cx, &path.0, path.1).await
}

/// Archive a template
///
/// Takes the template out of the list. No version can be added to it, and no plan created from it; plans that were stay as they are.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])),
    responses((status = 200, description = "The archived template.", body = TemplateSummary)))]
#[post("/v1/templates/{template_key}/archive")]
pub async fn archive_template(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    versioned::set_archived::<TemplateContent>(&cx, &key, true).await
}

/// Restore an archived template
///
/// Puts the template back into the list.
#[utoipa::path(tag = "templates", security(("bearer" = ["plans:write"])),
    responses((status = 200, description = "The restored template.", body = TemplateSummary)))]
#[post("/v1/templates/{template_key}/restore")]
pub async fn restore_template(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    versioned::set_archived::<TemplateContent>(&cx, &key, false).await
}
