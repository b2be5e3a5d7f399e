//! Health models and their versions.

use actix_web::get;
use actix_web::web::Path;
use milepost_domain::customer::health::model::ModelContent;
use milepost_domain::customer::health::shipped::shipped_model;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Found, HealthModel, HealthModelVersion, find};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::health_models;

/// All health models of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthModels {
    /// By key.
    #[schema(max_items = 1000)]
    data: Vec<HealthModel>,
}

/// Lists health models, by key
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "All of them.", body = HealthModels)))]
#[get("/v1/health-models")]
pub async fn list_health_models(cx: Context) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let models = health_models::all(&mut conn, cx.organization_id()).await?;
    let versions = health_models::versions(&mut conn, cx.organization_id(), None).await?;
    let activations = health_models::activations(&mut conn, cx.organization_id()).await?;
    let found = models.into_iter().map(|model| Found {
        versions: versions.iter().filter(|version| version.model_id == model.id).cloned().collect(),
        activation: activations.iter().rfind(|activation| activation.model_id == model.id).copied(),
        model,
    });
    let data = found.map(|found| found.summary()).collect::<Result<_, _>>()?;
    Ok(Answer::ok(&HealthModels { data })?.content_tag())
}

/// Reads the model that applies where an organization has none of its own
///
/// Four factors: feature adoption, engagement, support tickets, milestone completion.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "What it says.", body = ModelContent)))]
#[get("/v1/health-models/shipped")]
pub async fn read_shipped_health_model(_: Context) -> Result<Answer, ApiError> {
    Ok(Answer::ok(&shipped_model())?.content_tag())
}

/// Reads one health model, by its id or its key
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The model.", body = HealthModel)))]
#[get("/v1/health-models/{health_model}")]
pub async fn read_health_model(cx: Context, model: Path<String>) -> Result<Answer, ApiError> {
    let found = find(&mut cx.snapshot().await?, cx.organization_id(), &model).await?;
    Ok(Answer::ok(&found.summary()?)?.content_tag())
}

/// Reads one version of a health model
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The version.", body = HealthModelVersion)))]
#[get("/v1/health-models/{health_model}/versions/{number}")]
pub async fn read_health_model_version(cx: Context, path: Path<(String, i64)>) -> Result<Answer, ApiError> {
    let (model, number) = path.into_inner();
    let found = find(&mut cx.snapshot().await?, cx.organization_id(), &model).await?;
    let version = found.version(number)?;
    Ok(Answer::ok(&found.resource(version))?.version_and_content(version.version))
}
