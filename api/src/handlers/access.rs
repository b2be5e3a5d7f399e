//! The organization, its API clients and their keys, and the token endpoint.

pub mod client_keys;
pub mod clients;
pub mod organization;
pub mod tokens;
