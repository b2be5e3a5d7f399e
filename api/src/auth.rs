//! Who is calling and what they may do.
//!
//! A request proves itself with a bearer token of one of three kinds: an API key, a token we issued for one, or a token of
//! the external issuer in the configuration. All three end in a [`caller::Caller`] of exactly one organization.

pub mod api_key;
pub mod caller;
pub mod claims;
pub mod external;
pub mod issuer;
pub mod share_token;
pub mod tenants;
