//! Milestones of plans, one file for each verb.

pub mod act;
pub mod cascade;
pub mod communicate;
pub mod confirm;
pub mod corrections;
pub mod create;
pub mod forecasts;
pub mod list;
pub mod misses;
pub mod read;
pub mod status_history;
pub mod update;
