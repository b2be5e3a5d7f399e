//! The ledger: read in order, and verified.

pub mod list;
pub mod verify;
