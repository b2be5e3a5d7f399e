//! Authentication and authorization of callers.
//!
//! A request authenticates with a bearer token of one of four kinds: an API key, a token that this server issued for
//! an API client or for a person, a token of the configured external issuer, or one of an organization's identity provider.
//! All of them lead to a [`caller::Caller`] of exactly one organization.

pub mod api_key;
pub mod caller;
pub mod circle;
pub mod claims;
pub mod external;
pub mod issuer;
pub mod link_token;
pub mod providers;
pub mod refusals;
pub mod tenants;
pub mod vault;
