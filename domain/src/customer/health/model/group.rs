//! Groups of factors, which have a weight and a sub-score in common.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::values::text::{Key, Name};

/// Group of factors. It stands in the score like one factor; what its factors weigh matters only within it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FactorGroup, example = json!({"key": "adoption", "name": "Adoption", "weight": 60, "combine": "worst"}))]
pub struct Group {
    /// Key, by which factors name the group. Unique within the model.
    pub key: Key,
    /// Display name.
    pub name: Name,
    /// Weight, relative to the sum of the weights of all groups and of the factors without one.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub weight: f64,
    /// Rule by which the sub-scores of the factors become that of the group.
    #[serde(default)]
    pub combine: Combine,
}

/// Rule by which the sub-scores of a group's factors become that of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GroupCombination)]
pub enum Combine {
    /// Mean, weighted by the factors' weights.
    #[default]
    Mean,
    /// Worst: the lowest sub-score. Factors without weight do not count.
    Worst,
}

/// Effect of a factor on the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FactorEffect)]
pub enum Effect {
    /// Sub-score in the weighted mean.
    #[default]
    Weighted,
    /// Points that are added to the mean, or taken from it, as the curve says: never more than its highest point or less than its lowest.
    Additive,
}
