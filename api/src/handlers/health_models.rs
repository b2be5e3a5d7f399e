//! Health models: what they look like. A version can change until it is published, and never after; of each model at most one
//! version is active.

pub mod backtest;
pub mod change;
pub mod create;
pub mod read;
pub mod simulate;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_domain::Violations;
use milepost_domain::customer::health::model::{InputKind, ModelContent};
use milepost_domain::customer::health::shipped::SHIPPED_KEY;
use milepost_domain::customer::rule::CustomerRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{Key, Label, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::customer_health::models::AppliedModel;
use crate::error::ApiError;
use crate::store::health_models::{self, Activation, ModelRow, ModelVersion};
use crate::store::{Conn, metrics};
use crate::unit::Unit;

/// How far a version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionStatus {
    /// It can still change.
    Draft,
    /// It cannot change, and can be activated.
    Published,
    /// Customers are scored by it.
    Active,
}

/// One version of a health model.
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
    /// The model's id.
    pub id: Uuid,
    /// The model's key.
    #[schema(value_type = Key)]
    pub key: String,
    /// 1, 2, 3 and so on.
    #[schema(minimum = 1)]
    pub number: i64,
    /// How far it has come.
    pub status: VersionStatus,
    /// What it says.
    pub content: ModelContent,
    /// When it was published and became unchangeable; null for a draft.
    pub published_at: Option<DateTime<Utc>>,
    /// Since when it is active; null if it is not.
    pub activated_at: Option<DateTime<Utc>>,
    /// Goes up with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A health model.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "key": "activity", "name": "Activity", "segments": [], "priority": 100,
    "latest_version": 2, "published_version": 1, "active_version": 1, "created_at": "2026-05-04T12:00:00Z"
}))]
pub struct HealthModel {
    /// Its id.
    id: Uuid,
    /// Under which it is found.
    #[schema(value_type = Key)]
    key: String,
    /// Name of the newest version.
    #[schema(value_type = Name)]
    name: String,
    /// The segments that the newest version is for; all if there are none.
    #[schema(max_items = 100)]
    segments: Vec<Label>,
    /// Priority of the newest version.
    #[schema(maximum = 10_000)]
    priority: u32,
    /// Number of the newest version.
    #[schema(minimum = 1)]
    latest_version: i64,
    /// Number of the newest published version.
    #[schema(minimum = 1)]
    published_version: Option<i64>,
    /// Number of the version by which customers are scored; null if none is.
    #[schema(minimum = 1)]
    active_version: Option<i64>,
    /// When the model was created.
    created_at: DateTime<Utc>,
}

/// A model with all its versions and the activation that holds.
#[derive(Debug)]
pub struct Found {
    /// The model.
    pub model: ModelRow,
    /// Its versions by number.
    pub versions: Vec<ModelVersion>,
    /// The last activation, if there was one.
    pub activation: Option<Activation>,
}

impl Found {
    /// The number of the active version.
    pub fn active_number(&self) -> Option<i64> {
        self.activation.and_then(|activation| activation.number)
    }

    /// One of its versions.
    pub fn version(&self, number: i64) -> Result<&ModelVersion, ApiError> {
        self.versions.iter().find(|version| version.number == number).ok_or_else(ApiError::not_found)
    }

    /// A version as it is shown.
    pub fn resource(&self, version: &ModelVersion) -> HealthModelVersion {
        let active = self.activation.filter(|activation| activation.number == Some(version.number));
        let status = match (version.published_at, active) {
            (None, _) => VersionStatus::Draft,
            (Some(_), None) => VersionStatus::Published,
            (Some(_), Some(_)) => VersionStatus::Active,
        };
        HealthModelVersion {
            id: self.model.id,
            key: self.model.key.clone(),
            number: version.number,
            status,
            content: version.content.0.clone(),
            published_at: version.published_at,
            activated_at: active.map(|activation| activation.activated_at),
            version: version.version,
            created_at: version.created_at,
            updated_at: version.updated_at,
        }
    }

    /// The model as it is shown.
    fn summary(&self) -> Result<HealthModel, ApiError> {
        let latest = self.versions.last().ok_or_else(ApiError::not_found)?;
        let published = self.versions.iter().rfind(|version| version.published_at.is_some());
        Ok(HealthModel {
            id: self.model.id,
            key: self.model.key.clone(),
            name: latest.content.0.name.to_string(),
            segments: latest.content.0.segments.clone(),
            priority: latest.content.0.priority,
            latest_version: latest.number,
            published_version: published.map(|version| version.number),
            active_version: self.active_number(),
            created_at: self.model.created_at,
        })
    }
}

/// A model by its id or its key, whole.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id_or_key: &str) -> Result<Found, ApiError> {
    let model = health_models::find(conn, organization_id, id_or_key).await?.ok_or_else(ApiError::not_found)?;
    let versions = health_models::versions(conn, organization_id, Some(model.id)).await?;
    let activations = health_models::activations(conn, organization_id).await?;
    let activation = activations.into_iter().rfind(|activation| activation.model_id == model.id);
    Ok(Found { model, versions, activation })
}

/// A version to be tried: the one named, or the newest; or the shipped model.
async fn find_candidate(
    conn: &mut Conn,
    organization_id: Uuid,
    id_or_key: &str,
    number: Option<i64>,
) -> Result<Arc<AppliedModel>, ApiError> {
    if id_or_key == SHIPPED_KEY {
        return Ok(Arc::new(AppliedModel::shipped()));
    }
    let found = find(conn, organization_id, id_or_key).await?;
    let version = match number {
        Some(number) => found.version(number)?,
        None => found.versions.last().ok_or_else(ApiError::not_found)?,
    };
    Ok(Arc::new(AppliedModel::of(&found.model.key, version.clone())))
}

/// Checks a version's content and copies the definitions of the metrics it names into it. Pointers start at `at`.
async fn settle(unit: &mut Unit, mut content: ModelContent, at: &str) -> Result<ModelContent, ApiError> {
    let mut violations: Violations = content.check().err().unwrap_or_default();
    let known = metrics::all(&mut unit.conn, unit.organization_id).await?;
    for (index, factor) in content.factors.iter_mut().enumerate() {
        let Some(key) = factor.input.metric.as_ref().filter(|_| factor.input.kind == InputKind::Metric) else {
            continue;
        };
        match known.iter().find(|row| row.key == *key) {
            Some(row) => factor.input.definition = Some(row.definition()),
            // A copy of a version may name a metric that is gone: its definition is there.
            None if factor.input.definition.is_some() => {}
            None => {
                let rule = CustomerRule::UnknownMetric { key: key.to_string() };
                violations.push(rule.at(format!("/factors/{index}/input/metric")));
            }
        }
    }
    if violations.is_empty() {
        return Ok(content);
    }
    for violation in &mut violations {
        violation.at.insert_str(0, at);
    }
    Err(violations.into())
}

/// Whether a key can be had by a model of one's own.
fn is_reserved(key: &Key) -> bool {
    key.as_str() == SHIPPED_KEY
}
