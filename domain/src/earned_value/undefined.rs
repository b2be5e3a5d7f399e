//! Reasons for which a figure has no value.

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};
use utoipa::ToSchema;

/// Reason that a figure is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Undefined {
    /// Nothing is in scope.
    NoScope,
    /// Nothing was planned by that date, so there is no basis for comparison.
    NothingPlannedYet,
    /// No time has passed since the plan's start.
    NotStarted,
    /// Nothing has been earned, so there is no pace to project.
    NothingEarnedYet,
    /// The planned duration has passed, so no pace can still meet it.
    PlannedDurationPassed,
    /// The plan has no budget.
    NoBudget,
    /// Nothing has been spent, so there is no basis for comparison.
    NothingSpentYet,
    /// The budget is spent, so no cost performance can still meet it.
    BudgetSpent,
}

/// Splits a figure into its value and the reason that it is undefined.
pub fn split(figure: Result<f64, Undefined>) -> (Option<f64>, Option<Undefined>) {
    match figure {
        Ok(figure) => (Some(figure), None),
        Err(reason) => (None, Some(reason)),
    }
}
