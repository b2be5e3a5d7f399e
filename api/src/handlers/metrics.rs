//! Metrics: named aggregates over usage events.

pub mod define;
pub mod measure;
pub mod series;

use chrono::{DateTime, Utc};
use milepost_domain::usage::metric::{Aggregate, Definition, MetricFilter};
use milepost_domain::values::text::{Key, Label, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::metrics::MetricRow;

/// A metric's definition.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "key": "commits", "name": "Commits", "event_type": "repo.commit", "aggregate": "count",
    "property": null, "filter": null, "created_at": "2026-05-04T12:00:00Z"
}))]
pub struct Metric {
    /// Its id.
    id: Uuid,
    /// Its key, unique in the organization.
    #[schema(value_type = Key)]
    key: String,
    /// Its name.
    #[schema(value_type = Name)]
    name: String,
    /// The type of events it reckons with; one that ends in `*` stands for all that begin so.
    #[schema(value_type = Name)]
    event_type: String,
    /// How they become a number.
    aggregate: Aggregate,
    /// The property of their data; parts of a path with dots between them.
    #[schema(value_type = Option<Label>)]
    property: Option<String>,
    /// Which of them.
    filter: Option<MetricFilter>,
    /// When it was defined.
    created_at: DateTime<Utc>,
}

impl Metric {
    fn of(row: MetricRow) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.id,
            key: row.key,
            name: row.name,
            event_type: row.event_type,
            aggregate: row.aggregate.0,
            property: row.property,
            filter: row.filter.map(|text| serde_json::from_str(&text)).transpose()?,
            created_at: row.created_at,
        })
    }
}

/// What a metric is taken from and how.
pub fn definition(row: MetricRow) -> Result<Definition, ApiError> {
    Ok(Definition {
        event_type: Name::try_from(row.event_type).map_err(ApiError::internal)?,
        aggregate: row.aggregate.0,
        property: row.property.map(Label::try_from).transpose().map_err(ApiError::internal)?,
        filter: row.filter.map(|text| serde_json::from_str(&text)).transpose()?,
    })
}
