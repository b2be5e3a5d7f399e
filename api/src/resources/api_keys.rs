//! Keys of API clients as they are shown once.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::api_clients::ClientKey;

/// An API key with its secret, which only this response contains.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevealedKey {
    /// API key.
    #[serde(flatten)]
    pub key: ClientKey,
    /// Secret: the bearer token, and the `client_secret` of the token endpoint. Null in the response to a repeated
    /// request.
    #[schema(max_length = 200)]
    pub secret: Option<String>,
}

impl RevealedKey {
    /// Returns the key without its secret, which may be stored.
    #[must_use]
    pub fn without_secret(&self) -> Self {
        Self { key: self.key.clone(), secret: None }
    }
}
