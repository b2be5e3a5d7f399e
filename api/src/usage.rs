//! Usage events summed up for metrics, health and risk.
//!
//! A [`digest::Digest`] sums up the events of a customer or a person; [`memory::UsageMemory`] keeps those of customers and follows
//! the events, so that a question costs the days it asks about and not the events behind them.

pub mod digest;
mod fact;
pub mod memory;
