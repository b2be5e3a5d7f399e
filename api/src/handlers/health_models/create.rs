//! Creating health models, and drafts of versions of them.

use actix_web::post;
use actix_web::web::Path;
use milepost_domain::customer::health::model::ModelContent;
use milepost_domain::values::text::Key;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Found, HealthModelVersion, find, is_reserved, settle};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::Body;
use crate::store::health_models::{self, ModelRow, ModelVersion};
use crate::store::json_text::JsonText;
use crate::unit::{Change, Entity, Unit};

/// A health model to create, with its first version as a draft.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "activity", "content": {
        "name": "Activity", "factors": [
            {"key": "milestones", "name": "Milestones met", "weight": 60, "input": {"kind": "plans", "measure": "milestone_completion"},
             "curve": [{"x": 0, "y": 0}, {"x": 100, "y": 100}]},
            {"key": "pulse", "name": "Pulse", "weight": 40, "input": {"kind": "pulse"}, "curve": [{"x": 0, "y": 0}, {"x": 100, "y": 100}]}
        ]
    }
}))]
pub struct HealthModelDraft {
    /// Under which it is found, unique in the organization.
    key: Key,
    /// What its first version says.
    content: ModelContent,
}

/// Creates a health model with its first version, as a draft
///
/// Where a factor names a metric, the metric's definition is copied into the version.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])), request_body = HealthModelDraft,
    responses((status = 201, description = "The first version.", body = HealthModelVersion)))]
#[post("/v1/health-models")]
pub async fn create_health_model(cx: Context, body: Body<HealthModelDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let HealthModelDraft { key, content } = body.0.clone();
        let is_reserved = is_reserved(&key);
        let model = ModelRow { id: unit.new_id(), key: key.into(), created_at: unit.now };
        let content = settle(unit, content, "/content").await?;
        if is_reserved || !health_models::insert(&mut unit.conn, unit.organization_id, &model).await? {
            let error = FieldError::in_body(
                "/key",
                "taken",
                "belongs to another model: add a version to it, or choose another key",
            );
            return Err(ApiError::with_errors(Code::Conflict, vec![error]));
        }
        add(unit, Found { model, versions: vec![], activation: None }, content).await
    })
    .await
}

/// Adds a version to a health model, as a draft
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])), request_body = ModelContent,
    responses((status = 201, description = "The draft.", body = HealthModelVersion)))]
#[post("/v1/health-models/{health_model}/versions")]
pub async fn create_health_model_version(
    cx: Context,
    model: Path<String>,
    body: Body<ModelContent>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let found = find(&mut unit.conn, unit.organization_id, &model).await?;
        let content = settle(unit, body.0.clone(), "").await?;
        add(unit, found, content).await
    })
    .await
}

async fn add(unit: &mut Unit, found: Found, content: ModelContent) -> Result<Answer, ApiError> {
    let version = ModelVersion {
        model_id: found.model.id,
        number: found.versions.last().map_or(1, |last| last.number + 1),
        content: JsonText(content),
        published_at: None,
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    };
    health_models::insert_version(&mut unit.conn, unit.organization_id, &version).await?;
    let resource = found.resource(&version);
    let of = (Entity::HealthModel, found.model.id);
    unit.record(Change { verb: "version_created", entity: of, root: of, before: None, after: Some(&resource) }).await?;
    let location = format!("/v1/health-models/{}/versions/{}", found.model.id, version.number);
    Ok(Answer::created(location, &resource)?.version(version.version))
}
