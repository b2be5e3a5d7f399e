//! The organization itself, the programs that may call for it, and the tokens they get.

pub mod client_keys;
pub mod clients;
pub mod organization;
pub mod tokens;
