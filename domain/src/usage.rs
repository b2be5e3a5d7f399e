//! Usage: events that integrations push, and metrics over them.

pub mod event;
pub mod metric;
pub mod number;
pub mod tally;
