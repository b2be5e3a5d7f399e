//! Activation of health models: which version scores customers, and from which day on.

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::health::model::{ModelContent, check_activation_day};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::version::may_activate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{HealthModel, HealthModelVersion};
use crate::answer::Answer;
use crate::clock::date_in;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::store::versions::{self, Activation};
use crate::unit::{Change, Entity, Unit};
use crate::versioned::{self, Definable, Found};

/// Activation of a version of a health model.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"from_on": "2026-01-01"}))]
pub struct HealthActivationDraft {
    /// First day that the version scores. Defaults to today.
    from_on: Option<NaiveDate>,
}

/// Activate a published version of a health model
///
/// From today on, health scores are computed by the version. A customer is scored by the active model with the lowest priority
/// that applies to its segment. Earlier days keep the model that applied on them, unless `from_on` names an earlier day: that is for
/// history that was imported, and not possible for days since a model was last activated or deactivated.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])), request_body = Option<HealthActivationDraft>,
    responses((status = 200, description = "The activated version.", body = HealthModelVersion)))]
#[post("/v1/health-models/{health_model}/versions/{number}/activate")]
pub async fn activate_health_model_version(
    cx: Context,
    path: Path<(String, i64)>,
    body: Body<HealthActivationDraft>,
) -> Result<Answer, ApiError> {
    let ((model, number), from_on) = (path.into_inner(), body.0.from_on);
    cx.write(async |unit| {
        let mut found = versioned::load::<ModelContent>(&mut unit.conn, unit.organization_id, &model).await?;
        let version = found.version(number)?.clone();
        found.check_in_use("")?;
        may_activate(number, version.published_at.is_some()).map_err(|rule| rule.at(""))?;
        let before = ModelContent::resource(&found, &version);
        if found.active_number() != Some(number) {
            let from_on = from_on.unwrap_or(unit.today);
            let decided = versions::activations::<ModelContent>(&mut unit.conn, unit.organization_id).await?;
            let decided_on = decided.last().map(|last| date_in(cx.who.tenant.zone, last.activated_at));
            check_activation_day(from_on, unit.today, decided_on).map_err(|rule| rule.at("/from_on"))?;
            found.activation = Some(activate(unit, &found, Some(number), from_on).await?);
            let after = ModelContent::resource(&found, &version);
            let of = (Entity::HealthModel, found.definition.id);
            let change =
                Change { verb: "version_activated", entity: of, root: of, before: Some(&before), after: Some(&after) };
            unit.record(change).await?;
        }
        Ok(Answer::ok(&ModelContent::resource(&found, &version))?.version_and_content(version.version))
    })
    .await
}

/// Deactivate a health model
///
/// From today on, no health score is computed by the model.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The deactivated model.", body = HealthModel)))]
#[post("/v1/health-models/{health_model}/deactivate")]
pub async fn deactivate_health_model(cx: Context, model: Path<String>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let mut found = versioned::load::<ModelContent>(&mut unit.conn, unit.organization_id, &model).await?;
        if found.active_number().is_none() {
            return Err(ApiError::new(Code::Conflict, "No version of this model is active."));
        }
        let before = HealthModel::of(&found)?;
        found.activation = Some(activate(unit, &found, None, unit.today).await?);
        let (after, of) = (HealthModel::of(&found)?, (Entity::HealthModel, found.definition.id));
        let change = Change { verb: "deactivated", entity: of, root: of, before: Some(&before), after: Some(&after) };
        unit.record(change).await?;
        Ok(Answer::ok(&after)?.content_tag())
    })
    .await
}

async fn activate(
    unit: &mut Unit,
    found: &Found<ModelContent>,
    number: Option<i64>,
    activated_on: NaiveDate,
) -> Result<Activation, ApiError> {
    let (id, model_id) = (unit.new_id(), found.definition.id);
    let activation = Activation { id, model_id, number, activated_at: unit.now, activated_on };
    versions::insert_activation::<ModelContent>(&mut unit.conn, unit.organization_id, &activation).await?;
    Ok(activation)
}
