//! Health models: versioned definitions of what health scores are computed by. Of each model at most one version is active.

pub mod activate;
pub mod backtest;
pub mod simulate;

use std::sync::Arc;

use actix_web::web::Path;
use actix_web::{get, post, put};
use chrono::{DateTime, Utc};
use milepost_domain::customer::health::model::{InputKind, ModelContent};
use milepost_domain::customer::health::shipped::{SHIPPED_KEY, shipped_model};
use milepost_domain::rule::{Rule as _, Violations, within};
use milepost_domain::usage::metric::MetricRule;
use milepost_domain::values::text::{Key, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::archiving::ArchivedFilter;
use crate::context::Context;
use crate::customer_health::models::AppliedModel;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::paging::{Page, Paging};
use crate::precondition::{IfMatch, IfMatchOptional};
use crate::store::health_models::ModelVersion;
use crate::store::keyset::{Direction, Key as PositionKey, Order, Position};
use crate::store::versions::Definition;
use crate::store::{Conn, metrics, row};
use crate::unit::{Entity, Unit};
use crate::versioned::{self, Definable, Found};

/// Status of a version of a health model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionStatus {
    /// Draft: the version can still change.
    Draft,
    /// Published: the version cannot change and can be activated.
    Published,
    /// Active: health scores are computed by the version.
    Active,
}

/// A version of a health model.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "key": "activity", "number": 1, "status": "draft", "content": {
        "name": "Activity", "description": null, "segments": [], "priority": 100, "minimum_coverage": 0.5,
        "bands": {"healthy_from": 70.0, "at_risk_from": 40.0, "hysteresis_points": 0.0, "dwell_days": 1},
        "factors": [{"key": "pulse", "name": "Pulse", "weight": 1.0, "input": {"kind": "pulse"}, "curve": [{"x": 0.0, "y": 0.0}, {"x": 100.0, "y": 100.0}]}],
        "impacts": [], "protocols": [], "update_interval_minutes": 15
    }, "published_at": null, "activated_at": null, "version": 1, "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:00:00Z"
}))]
pub struct HealthModelVersion {
    /// Identifier of the health model.
    id: Uuid,
    /// Key of the health model.
    #[schema(value_type = Key)]
    key: String,
    /// Number, counting from 1.
    #[schema(minimum = 1)]
    number: i64,
    /// Status.
    status: VersionStatus,
    /// Content of the version.
    content: ModelContent,
    /// Time of publication; null for a draft.
    published_at: Option<DateTime<Utc>>,
    /// Time of activation; null if the version is not active.
    activated_at: Option<DateTime<Utc>>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    version: i64,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Time of the last change.
    updated_at: DateTime<Utc>,
}

/// A health model.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "key": "activity", "name": "Activity", "segments": [], "priority": 100,
    "latest_version": 2, "published_version": 1, "active_version": 1, "created_at": "2026-05-04T12:00:00Z",
    "archived_at": null
}))]
pub struct HealthModel {
    /// Identifier.
    id: Uuid,
    /// Key. Unique within the organization.
    #[schema(value_type = Key)]
    key: String,
    /// Name of the newest version.
    name: Name,
    /// Segments that the newest version applies to; empty for all.
    #[schema(max_items = 100)]
    segments: Vec<Label>,
    /// Priority of the newest version.
    #[schema(maximum = 10_000)]
    priority: u32,
    /// Number of the newest version.
    #[schema(minimum = 1)]
    latest_version: i64,
    /// Number of the newest published version; null if there is none.
    #[schema(minimum = 1)]
    published_version: Option<i64>,
    /// Number of the active version; null if there is none.
    #[schema(minimum = 1)]
    active_version: Option<i64>,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Time of archiving; null while in use.
    archived_at: Option<DateTime<Utc>>,
}

/// Health model to create, with its first version as a draft.
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
    /// Key. Unique within the organization.
    key: Key,
    /// Content of the first version.
    content: ModelContent,
}

impl Definable for ModelContent {
    type Summary = HealthModel;
    type Resource = HealthModelVersion;
    const ENTITY: Entity = Entity::HealthModel;
    const PATH: &'static str = "/v1/health-models";

    /// Copies the definitions of the metrics that factors name into the content.
    async fn settle(mut self, unit: &mut Unit, at: &str) -> Result<Self, ApiError> {
        let mut violations: Violations = self.check().err().unwrap_or_default();
        let known = metrics::all(&mut unit.conn, unit.organization_id).await?;
        for (index, factor) in self.factors.iter_mut().enumerate() {
            let Some(key) = factor.input.metric.as_ref().filter(|_| factor.input.kind == InputKind::Metric) else {
                continue;
            };
            match known.iter().find(|row| row.key == *key) {
                Some(row) => factor.input.definition = Some(row.definition()),
                // A copy of a version may name a metric that is gone: its definition is there.
                None if factor.input.definition.is_some() => {}
                None => {
                    let rule = MetricRule::UnknownMetric { key: key.to_string() };
                    violations.push(rule.at(format!("/factors/{index}/input/metric")));
                }
            }
        }
        if violations.is_empty() { Ok(self) } else { Err(within(at, violations).into()) }
    }

    fn resource(found: &Found<Self>, version: &ModelVersion) -> HealthModelVersion {
        let active = found.activation.filter(|activation| activation.number == Some(version.number));
        let status = match (version.published_at, active) {
            (None, _) => VersionStatus::Draft,
            (Some(_), None) => VersionStatus::Published,
            (Some(_), Some(_)) => VersionStatus::Active,
        };
        HealthModelVersion {
            id: found.definition.id,
            key: found.definition.key.clone(),
            number: version.number,
            status,
            content: version.content.clone(),
            published_at: version.published_at,
            activated_at: active.map(|activation| activation.activated_at),
            version: version.version,
            created_at: version.created_at,
            updated_at: version.updated_at,
        }
    }

    fn summary(found: &Found<Self>) -> Result<HealthModel, ApiError> {
        HealthModel::of(found)
    }

    fn part(definition: &Definition<Self>) -> String {
        definition.id.to_string()
    }

    fn is_reserved(key: &Key) -> bool {
        key.as_str() == SHIPPED_KEY
    }
}

impl HealthModel {
    fn of(found: &Found<ModelContent>) -> Result<Self, ApiError> {
        let latest = found.latest()?;
        Ok(Self {
            id: found.definition.id,
            key: found.definition.key.clone(),
            name: latest.content.name.clone(),
            segments: latest.content.segments.clone(),
            priority: latest.content.priority,
            latest_version: latest.number,
            published_version: found.published().map(|version| version.number),
            active_version: found.active_number(),
            created_at: found.definition.created_at,
            archived_at: found.definition.archived_at,
        })
    }
}

/// Returns the version to try: the one named, or the newest; or the shipped model.
async fn find_candidate(
    conn: &mut Conn,
    organization_id: Uuid,
    id_or_key: &str,
    number: Option<i64>,
) -> Result<Arc<AppliedModel>, ApiError> {
    if id_or_key == SHIPPED_KEY {
        return Ok(Arc::new(AppliedModel::shipped()));
    }
    let found = versioned::load::<ModelContent>(conn, organization_id, id_or_key).await?;
    let version = match number {
        Some(number) => found.version(number)?,
        None => found.latest()?,
    };
    Ok(Arc::new(AppliedModel::of(&found.definition.key, version.clone())))
}

/// List health models
///
/// Returns a page of the health models, by key.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])), params(Paging, ArchivedFilter),
    responses((status = 200, description = "A page of health models.", body = Page<HealthModel>)))]
#[get("/v1/health-models")]
pub async fn list_health_models(
    cx: Context,
    paging: Paging,
    archived: Query<ArchivedFilter>,
) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let slice = paging.slice(Order::Text("key"), Direction::Ascending)?;
    let rows: Vec<Definition<ModelContent>> =
        row::page(&mut conn, cx.organization_id(), &[archived.0.condition()], &slice).await?;
    let all = versioned::all_of(&mut conn, cx.organization_id(), rows).await?;
    let position = |found: &Found<ModelContent>| {
        let definition = &found.definition;
        Position { key: Some(PositionKey::Text(definition.key.clone())), id: definition.id }
    };
    paging.try_answer(all, position, |found| HealthModel::of(&found))
}

/// Create a health model
///
/// Creates the model with its first version, as a draft. If a factor names a metric, the definition of the metric is copied
/// into the version.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])), request_body = HealthModelDraft,
    responses((status = 201, description = "The first version of the created model.", body = HealthModelVersion)))]
#[post("/v1/health-models")]
pub async fn create_health_model(cx: Context, body: Body<HealthModelDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let HealthModelDraft { key, content } = body.0.clone();
        versioned::create(unit, &key, content, "/content", false).await
    })
    .await
}

/// Get the shipped health model
///
/// The shipped model applies to customers for whom no model of the organization is active. It has four factors: feature
/// adoption, engagement, support tickets and milestone completion.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The content of the shipped model.", body = ModelContent)))]
#[get("/v1/health-models/shipped")]
pub async fn read_shipped_health_model(_: Context) -> Result<Answer, ApiError> {
    Ok(Answer::ok(&shipped_model())?.content_tag())
}

/// Get a health model
///
/// Returns a summary of the newest version; the versions themselves have paths of their own.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The health model.", body = HealthModel)))]
#[get("/v1/health-models/{health_model}")]
pub async fn read_health_model(cx: Context, model: Path<String>) -> Result<Answer, ApiError> {
    let found = versioned::load(&mut cx.snapshot().await?, cx.organization_id(), &model).await?;
    Ok(Answer::ok(&HealthModel::of(&found)?)?.content_tag())
}

/// Create a version of a health model
///
/// The version is a draft until it is published.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])), request_body = ModelContent,
    responses((status = 201, description = "The created draft.", body = HealthModelVersion)))]
#[post("/v1/health-models/{health_model}/versions")]
pub async fn create_health_model_version(
    cx: Context,
    model: Path<String>,
    body: Body<ModelContent>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| versioned::add(unit, &model, body.0.clone()).await).await
}

/// Get a version of a health model
///
/// Returns the version with its content and its status.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The version.", body = HealthModelVersion)))]
#[get("/v1/health-models/{health_model}/versions/{number}")]
pub async fn read_health_model_version(cx: Context, path: Path<(String, i64)>) -> Result<Answer, ApiError> {
    versioned::read_version::<ModelContent>(&cx, &path.0, path.1).await
}

/// Replace a draft version of a health model
///
/// A published version never changes; create another instead.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])), params(IfMatch), request_body = ModelContent,
    responses((status = 200, description = "The replaced draft.", body = HealthModelVersion)))]
#[put("/v1/health-models/{health_model}/versions/{number}")]
pub async fn replace_health_model_version(
    cx: Context,
    path: Path<(String, i64)>,
    body: Body<ModelContent>,
) -> Result<Answer, ApiError> {
    versioned::replace(&cx, &path.0, path.1, &body.0).await
}

/// Publish a draft version of a health model
///
/// From then on, the version cannot change and can be activated.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])), params(IfMatchOptional),
    responses((status = 200, description = "The published version.", body = HealthModelVersion)))]
#[post("/v1/health-models/{health_model}/versions/{number}/publish")]
pub async fn publish_health_model_version(cx: Context, path: Path<(String, i64)>) -> Result<Answer, ApiError> {
    versioned::publish::<ModelContent>(&cx, &path.0, path.1).await
}

/// Archive a health model
///
/// Takes the model out of the list. No version can be added to it or activated; scores by its versions stay. The active model is
/// refused with 409.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The archived health model.", body = HealthModel)))]
#[post("/v1/health-models/{health_model}/archive")]
pub async fn archive_health_model(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    versioned::set_archived::<ModelContent>(&cx, &key, true).await
}

/// Restore an archived health model
///
/// Puts the health model back into the list.
#[utoipa::path(tag = "health-models", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The restored health model.", body = HealthModel)))]
#[post("/v1/health-models/{health_model}/restore")]
pub async fn restore_health_model(cx: Context, key: Path<String>) -> Result<Answer, ApiError> {
    versioned::set_archived::<ModelContent>(&cx, &key, false).await
}
