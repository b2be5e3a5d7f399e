//! The organization, its API clients and their keys, and the token endpoint.

pub mod client_keys;
pub mod clients;
pub mod me;
pub mod organization;
pub mod providers;
pub mod roles;
pub mod sign_in;
pub mod tokens;
