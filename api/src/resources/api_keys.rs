//! Keys of API clients as they are shown once.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::api_clients::ClientKey;

/// A key with its secret: shown in this one answer and never again.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevealedKey {
    /// The key's record.
    #[serde(flatten)]
    pub key: ClientKey,
    /// What to send as the bearer token, and as `client_secret` at the token endpoint; null when a request is replayed.
    #[schema(max_length = 200)]
    pub secret: Option<String>,
}

impl RevealedKey {
    /// What may be kept of it.
    #[must_use]
    pub fn without_secret(&self) -> Self {
        Self { key: self.key.clone(), secret: None }
    }
}
