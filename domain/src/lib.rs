//! The domain rules of Milepost, as pure functions on plain values.
//!
//! This crate does no I/O, reads neither the clock nor the environment, and contains no HTTP or SQL. Dates and
//! instants are arguments; decisions and figures are results. The calling code loads data, calls this crate, and
//! saves.

pub mod association;
pub mod backtest;
pub mod baseline;
pub mod calendar;
pub mod cascade;
pub mod cost;
pub mod curves;
pub mod cycle;
pub mod dependency;
pub mod draft;
pub mod earned_schedule;
pub mod earned_value;
pub mod health;
pub mod intervention;
pub mod ledger;
pub mod lint;
pub mod logistic;
pub mod metric;
pub mod milestone;
pub mod network;
pub mod outcome;
pub mod plan;
pub mod playbook;
#[cfg(test)]
mod published;
pub mod reference;
pub mod retention;
pub mod review;
pub mod risk;
pub mod roc;
pub mod rule;
pub mod schedule;
pub mod share;
pub mod simulation;
pub mod start;
pub mod survival;
pub mod template;
pub mod text;
pub mod trend;
pub mod usage_event;
pub mod variance;
pub mod weight;

pub use rule::{BrokenRule, Violation, Violations};
