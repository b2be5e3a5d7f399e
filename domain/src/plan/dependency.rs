//! What a milestone waits for: another milestone, in some relation, with some days in between.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;

use crate::plan::network::Relation;
use crate::values::text::Key;

/// A dependency on another milestone of the same plan. Written as the key alone where it is finish-to-start without a lag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Dependency {
    /// Key of the milestone waited for.
    pub key: Key,
    /// What waits for what.
    pub relation: Relation,
    /// Days of the plan's calendar in between; negative is an overlap.
    pub lag_days: i64,
}

impl Dependency {
    /// Finish-to-start, without a lag.
    pub const fn on(key: Key) -> Self {
        Self { key, relation: Relation::FinishToStart, lag_days: 0 }
    }

    /// The key of the milestone waited for.
    pub fn as_str(&self) -> &str {
        self.key.as_str()
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

/// A dependency with its relation and lag.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "pipeline", "relation": "start_to_start", "lag_days": 5}))]
pub struct DependencyLink {
    /// Key of the milestone waited for.
    pub key: Key,
    /// What waits for what; `finish_to_start` if left out.
    #[serde(default)]
    #[schema(value_type = Relation, required = false)]
    pub relation: Relation,
    /// Days of the plan's calendar in between; negative is an overlap.
    #[serde(default)]
    #[schema(minimum = -365, maximum = 365)]
    pub lag_days: i64,
}

/// How a dependency is written.
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
