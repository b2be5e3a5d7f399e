//! Dependencies between milestones of a plan, with their relations and lags.
//!
//! This module defines their written forms; it does not check them against a plan.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;

use crate::plan::network::Relation;
use crate::values::text::Key;

/// A dependency on another milestone of the same plan. A finish-to-start dependency without a lag is written as the
/// key alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Dependency {
    /// Key of the predecessor: the milestone that must start or finish first.
    pub key: Key,
    /// Relation between the two milestones.
    pub relation: Relation,
    /// Lag between the two milestones, in days of the plan's calendar. A negative lag is an overlap.
    pub lag_days: i64,
}

impl Dependency {
    /// Creates a finish-to-start dependency without a lag.
    pub const fn on(key: Key) -> Self {
        Self { key, relation: Relation::FinishToStart, lag_days: 0 }
    }

    /// Returns the key of the predecessor.
    pub fn as_str(&self) -> &str {
        self.key.as_str()
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

/// A dependency with a relation and a lag.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "pipeline", "relation": "start_to_start", "lag_days": 5}))]
pub struct DependencyLink {
    /// Key of the predecessor: the milestone that must start or finish first.
    pub key: Key,
    /// Relation between the two milestones. Defaults to `finish_to_start`.
    #[serde(default)]
    #[schema(value_type = Relation, required = false)]
    pub relation: Relation,
    /// Lag between the two milestones, in days of the plan's calendar. A negative lag is an overlap.
    #[serde(default)]
    #[schema(minimum = -365, maximum = 365)]
    pub lag_days: i64,
}

/// A dependency: the key of a milestone alone, or the key with a relation and a lag.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
enum Written {
    Key(Key),
    Link(DependencyLink),
}

impl From<Written> for Dependency {
    fn from(written: Written) -> Self {
        match written {
            Written::Key(key) => Self::on(key),
            Written::Link(DependencyLink { key, relation, lag_days }) => Self { key, relation, lag_days },
        }
    }
}

impl From<Dependency> for Written {
    fn from(dependency: Dependency) -> Self {
        let Dependency { key, relation, lag_days } = dependency;
        if relation == Relation::FinishToStart && lag_days == 0 {
            Self::Key(key)
        } else {
            Self::Link(DependencyLink { key, relation, lag_days })
        }
    }
}

impl utoipa::PartialSchema for Dependency {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        Written::schema()
    }
}

impl ToSchema for Dependency {
    fn name() -> std::borrow::Cow<'static, str> {
        "Dependency".into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<Schema>)>) {
        Written::schemas(schemas);
    }
}
