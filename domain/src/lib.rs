//! The rules of Milepost as pure functions on plain values.
//!
//! Nothing here does I/O, reads a clock or the environment, or knows HTTP or SQL: dates and instants come in as arguments,
//! decisions and figures go out. A caller loads, asks this crate, and saves.

pub mod access;
pub mod customer;
pub mod earned_value;
pub mod ledger;
pub mod plan;
#[cfg(test)]
mod published;
pub mod rule;
pub mod statistics;
pub mod usage;
pub mod values;

pub use rule::{Rule, Violation, Violations};
