//! Authentication and authorization of callers.
//!
//! A request authenticates with a bearer token of one of three kinds: an API key, a token that this server issued for
//! an API client, or a token of the configured external issuer. All three lead to a [`caller::Caller`] of exactly one
//! organization.

pub mod api_key;
pub mod caller;
pub mod claims;
pub mod external;
pub mod issuer;
pub mod refusals;
pub mod share_token;
pub mod tenants;
pub mod vault;
