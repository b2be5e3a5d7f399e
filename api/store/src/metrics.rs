//! Storage of metric definitions.

use milepost_domain::usage::metric::MetricContent;
use uuid::Uuid;

use crate::kept::{Content, Kept, Versioned};
use crate::{Conn, columns, row};

/// A metric.
pub type Metric = Kept<MetricContent, Versioned>;

columns!(MetricContent { key, name, event_type, aggregate, property, filter });

impl Content for MetricContent {
    const TABLE: &'static str = "metrics";
    const UNIQUE: Option<&'static str> = Some("key");
}

/// All metrics by key: an organization has at most a few hundred.
pub async fn all(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Metric>> {
    row::all(conn, organization_id, &[], "key").await
}
