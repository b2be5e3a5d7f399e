//! Reasons for which a figure has no value.

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};
use utoipa::ToSchema;

/// Why an index has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Undefined {
    /// There is nothing in scope.
    NoScope,
    /// Nothing was planned to be done by that date, so there is nothing to compare with.
    NothingPlannedYet,
    /// No time has passed since the plan's start.
    NotStarted,
    /// Nothing has been earned, so there is no pace to reckon with.
    NothingEarnedYet,
    /// The planned duration is over, so no pace can still meet it.
    PlannedDurationPassed,
    /// The plan has no budget to compare with.
    NoBudget,
    /// Nothing has been spent, so there is nothing to compare with.
    NothingSpentYet,
    /// The budget is spent, so no performance can still keep to it.
    BudgetSpent,
}

/// Splits a figure into its value and the reason that it is undefined.
pub fn split(figure: Result<f64, Undefined>) -> (Option<f64>, Option<Undefined>) {
    match figure {
        Ok(figure) => (Some(figure), None),
        Err(reason) => (None, Some(reason)),
    }
}
