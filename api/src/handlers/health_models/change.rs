//! Changing a draft, publishing it, and saying which version applies.

use actix_web::web::Path;
use actix_web::{post, put};
use milepost_domain::customer::health::model::ModelContent;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::version::VersionRule;

use super::{Found, HealthModel, HealthModelVersion, find, settle};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::precondition::{IfMatch, IfMatchOptional};
use crate::store::health_models::{self, Activation, ModelVersion};
use crate::store::json_text::JsonText;
use crate::unit::{Change, Entity, Unit};

/// Replaces a draft version of a health model
///
/// A published version never changes: add another.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])), params(IfMatch), request_body = ModelContent,
    responses((status = 200, description = "As changed.", body = HealthModelVersion)))]
#[put("/v1/health-models/{health_model}/versions/{number}")]
pub async fn replace_health_model_version(
    cx: Context,
    path: Path<(String, i64)>,
    body: Body<ModelContent>,
) -> Result<Answer, ApiError> {
    let (model, number) = path.into_inner();
    cx.write(async |unit| {
        let (found, before) = load_draft(unit, &model, number).await?;
        cx.check_version(before.version)?;
        let content = JsonText(settle(unit, body.0.clone(), "").await?);
        let after = ModelVersion { content, ..before.clone() };
        save(unit, &found, &before, after, "version_updated").await
    })
    .await
}

/// Publishes a draft version of a health model: it cannot change any more, and can be activated
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])), params(IfMatchOptional),
    responses((status = 200, description = "As published.", body = HealthModelVersion)))]
#[post("/v1/health-models/{health_model}/versions/{number}/publish")]
pub async fn publish_health_model_version(cx: Context, path: Path<(String, i64)>) -> Result<Answer, ApiError> {
    let (model, number) = path.into_inner();
    cx.write(async |unit| {
        let (found, before) = load_draft(unit, &model, number).await?;
        cx.check_version(before.version)?;
        let after = ModelVersion { published_at: Some(unit.now), ..before.clone() };
        save(unit, &found, &before, after, "version_published").await
    })
    .await
}

/// Activates a published version of a health model: from today on customers are scored by it
///
/// Which model a customer is scored by: of those that are active and for its segment the one with the lowest priority. Days before a model
/// was first activated are scored by its first active version.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "As activated.", body = HealthModelVersion)))]
#[post("/v1/health-models/{health_model}/versions/{number}/activate")]
pub async fn activate_health_model_version(cx: Context, path: Path<(String, i64)>) -> Result<Answer, ApiError> {
    let (model, number) = path.into_inner();
    cx.write(async |unit| {
        let mut found = find(&mut unit.conn, unit.organization_id, &model).await?;
        let version = found.version(number)?.clone();
        if version.published_at.is_none() {
            return Err(VersionRule::NotPublished { version: number }.at("").into());
        }
        let before = found.resource(&version);
        if found.active_number() != Some(number) {
            found.activation = Some(activate(unit, &found, Some(number)).await?);
            let (after, of) = (found.resource(&version), (Entity::HealthModel, found.model.id));
            let change =
                Change { verb: "version_activated", entity: of, root: of, before: Some(&before), after: Some(&after) };
            unit.record(change).await?;
        }
        Ok(Answer::ok(&found.resource(&version))?.version_and_content(version.version))
    })
    .await
}

/// Deactivates a health model: from today on no customer is scored by it
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The model.", body = HealthModel)))]
#[post("/v1/health-models/{health_model}/deactivate")]
pub async fn deactivate_health_model(cx: Context, model: Path<String>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let mut found = find(&mut unit.conn, unit.organization_id, &model).await?;
        if found.active_number().is_none() {
            return Err(ApiError::new(Code::Conflict, "No version of this model is active."));
        }
        let before = found.summary()?;
        found.activation = Some(activate(unit, &found, None).await?);
        let (after, of) = (found.summary()?, (Entity::HealthModel, found.model.id));
        let change = Change { verb: "deactivated", entity: of, root: of, before: Some(&before), after: Some(&after) };
        unit.record(change).await?;
        Ok(Answer::ok(&after)?.content_tag())
    })
    .await
}

async fn activate(unit: &mut Unit, found: &Found, number: Option<i64>) -> Result<Activation, ApiError> {
    let (id, model_id) = (unit.new_id(), found.model.id);
    let activation = Activation { id, model_id, number, activated_at: unit.now, activated_on: unit.today };
    health_models::insert_activation(&mut unit.conn, unit.organization_id, &activation).await?;
    Ok(activation)
}

async fn load_draft(unit: &mut Unit, model: &str, number: i64) -> Result<(Found, ModelVersion), ApiError> {
    let found = find(&mut unit.conn, unit.organization_id, model).await?;
    let version = found.version(number)?.clone();
    match version.published_at {
        Some(_) => Err(VersionRule::Published { version: number }.at("").into()),
        None => Ok((found, version)),
    }
}

async fn save(
    unit: &mut Unit,
    found: &Found,
    before: &ModelVersion,
    after: ModelVersion,
    verb: &str,
) -> Result<Answer, ApiError> {
    let after = ModelVersion { version: after.version + 1, updated_at: unit.now, ..after };
    health_models::update_version(&mut unit.conn, unit.organization_id, &after).await?;
    let etag = after.version;
    let (before, after) = (found.resource(before), found.resource(&after));
    let of = (Entity::HealthModel, found.model.id);
    unit.record(Change { verb, entity: of, root: of, before: Some(&before), after: Some(&after) }).await?;
    Ok(Answer::ok(&after)?.version_and_content(etag))
}
