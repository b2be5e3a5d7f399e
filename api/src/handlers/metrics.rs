//! Metrics: named aggregates over usage events.

pub mod define;
pub mod measure;

use chrono::{DateTime, Utc};
use milepost_domain::metric::Aggregate;
use milepost_domain::text::{Key, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::metrics::MetricRow;

/// Which events a metric reckons with, by a property of their data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"property": "plan", "equals": "pro"}))]
pub struct MetricFilter {
    /// The property; parts of a path with dots between them.
    pub property: Label,
    /// What it must be: a text, or a number or boolean written as one.
    pub equals: Label,
}

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

    /// Whether it reckons with events of a type.
    fn admits(&self, kind: &str) -> bool {
        self.event_type.strip_suffix('*').map_or(self.event_type == kind, |prefix| kind.starts_with(prefix))
    }
}
