//! Where a plan stands: earned value, schedule, costs, simulation and the quality of the plan.

pub mod cost_figures;
pub mod costs;
pub mod explain;
pub mod figures;
pub mod lint;
pub mod read;
pub mod schedule;
pub mod series;
pub mod simulation;
pub mod time_figures;
