//! The ledger: its list page and its verification.

pub mod checkpoints;
pub mod list;
pub mod verify;
