//! Generation, parsing and verification of API keys of the form `mp_<id>_<random>_<crc>`.
//!
//! The id names the organization and the key, so that a lookup is bound to the organization. With the checksum, a
//! scanner or a client can tell a typing mistake from a wrong key. Only the SHA-256 of the random part is stored.

use aws_lc_rs::{constant_time, digest, rand};
use uuid::Uuid;

/// Prefix of an API key.
const PREFIX: &str = "mp_";
/// Number of digits of a 128-bit number in base 62.
const WIDE: usize = 22;
/// Number of digits of a 32-bit number in base 62.
const NARROW: usize = 6;

/// An API key as presented by its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKey {
    /// Identifier of the organization.
    pub organization_id: Uuid,
    /// Identifier of the key.
    pub id: Uuid,
    secret: [u8; 32],
}

impl ApiKey {
    /// Generates a key with 256 random bits; returns `None` if the system provides no randomness.
    pub fn generate(organization_id: Uuid, id: Uuid) -> Option<Self> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).ok()?;
        Some(Self { organization_id, id, secret })
    }

    /// Parses a key and checks its form and checksum.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_as(PREFIX, text)
    }

    /// Parses a text of the same form with another prefix.
    pub(super) fn parse_as(prefix: &str, text: &str) -> Option<Self> {
        let (body, checksum) = text.rsplit_once('_')?;
        if checksum != checksum_of(body) {
            return None;
        }
        let (id, secret) = body.strip_prefix(prefix)?.split_once('_')?;
        let id = wide_bytes(id)?;
        let (organization_id, key_id) = id.split_at(16);
        Some(Self {
            organization_id: Uuid::from_slice(organization_id).ok()?,
            id: Uuid::from_slice(key_id).ok()?,
            secret: wide_bytes(secret)?,
        })
    }

    /// Returns the text of the key, which is shown to its owner once.
    pub fn reveal(&self) -> String {
        self.reveal_as(PREFIX)
    }

    /// Returns the text of the key with another prefix.
    pub(super) fn reveal_as(&self, prefix: &str) -> String {
        let id = format!("{}{}", wide(self.organization_id.as_u128()), wide(self.id.as_u128()));
        let (high, low) = self.secret.split_at(16);
        let number = |half: &[u8]| half.iter().fold(0u128, |sum, byte| (sum << 8) | u128::from(*byte));
        let body = format!("{prefix}{id}_{}{}", wide(number(high)), wide(number(low)));
        let checksum = checksum_of(&body);
        format!("{body}_{checksum}")
    }

    /// Returns the hash of the secret, the only part that is stored.
    pub fn secret_hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, &self.secret).as_ref().to_vec()
    }

    /// Compares the secret with a stored hash in constant time.
    pub fn matches(&self, stored_hash: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.secret_hash(), stored_hash).is_ok()
    }
}

fn wide(number: u128) -> String {
    format!("{:0>WIDE$}", base62::encode(number))
}

fn wide_bytes(text: &str) -> Option<[u8; 32]> {
    if text.len() != 2 * WIDE || !text.is_ascii() {
        return None;
    }
    let (high, low) = text.split_at(WIDE);
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&base62::decode(high).ok()?.to_be_bytes());
    bytes[16..].copy_from_slice(&base62::decode(low).ok()?.to_be_bytes());
    Some(bytes)
}

fn checksum_of(body: &str) -> String {
    format!("{:0>NARROW$}", base62::encode(crc32fast::hash(body.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ApiKey {
        ApiKey::generate(Uuid::from_u128(7), Uuid::from_u128(u128::MAX)).expect("randomness")
    }

    #[test]
    fn a_key_survives_its_text() {
        let key = key();
        let text = key.reveal();
        assert_eq!(ApiKey::parse(&text), Some(key));
        assert!(key.matches(&key.secret_hash()));
        assert!(!key.matches(&super::tests::key().secret_hash()));
    }

    #[test]
    fn a_typing_mistake_is_seen_without_the_database() {
        let text = key().reveal();
        for position in 3..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'a' { b'b' } else { b'a' };
            assert_eq!(ApiKey::parse(&String::from_utf8(changed).expect("ASCII")), None, "position {position}");
        }
        for other in ["", "mp_", "mp_a_b_c", "mp__", "Bearer", "mp_é_é_é"] {
            assert_eq!(ApiKey::parse(other), None, "{other}");
        }
    }
}
