//! The domain rules of Milepost, as pure functions on plain values.
//!
//! This crate does no I/O, reads neither the clock nor the environment, and contains no HTTP or SQL. Dates and
//! instants are arguments; decisions and figures are results. The calling code loads data, calls this crate, and
//! saves.

pub mod access;
pub mod customer;
pub mod earned_value;
pub mod ledger;
pub mod merge;
pub mod people;
pub mod plan;
pub mod proof;
#[cfg(test)]
mod published;
pub mod recognition;
pub mod rule;
pub mod statistics;
pub mod usage;
pub mod values;

pub use rule::{Rule, Violation, Violations};
