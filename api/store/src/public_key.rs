//! Public parts of keys that sign credentials.

use serde::{Deserialize, Serialize};

/// Public part of a key, in base64url as a JWK has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "algorithm")]
pub enum PublicKey {
    /// RSA, for JWTs.
    #[serde(rename = "RS256")]
    Rsa {
        /// Modulus.
        n: String,
        /// Public exponent.
        e: String,
    },
    /// Ed25519, for embedded proofs.
    Ed25519 {
        /// Public key.
        x: String,
    },
}

/// Algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA, for JWTs.
    Rsa,
    /// Ed25519, for embedded proofs.
    Ed25519,
}

impl PublicKey {
    /// Returns the algorithm.
    pub const fn algorithm(&self) -> KeyAlgorithm {
        match self {
            Self::Rsa { .. } => KeyAlgorithm::Rsa,
            Self::Ed25519 { .. } => KeyAlgorithm::Ed25519,
        }
    }
}
