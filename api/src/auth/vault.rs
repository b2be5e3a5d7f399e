//! Encryption of private keys at rest, with a key that is not in the database.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest;

use crate::config::Storage;

/// First bytes of what is encrypted. A private key in the clear (PKCS#8, DER) begins otherwise.
const MARK: &[u8] = b"mp1:";
/// Minimum length of the configured key, in characters: 32 random bytes in base64 have 44.
const SHORTEST_KEY: usize = 32;
/// Name under which systemd hands the key over (`LoadCredential=milepost-secret-key:…`).
const CREDENTIAL: &str = "milepost-secret-key";

/// A secret setting, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl Secret {
    /// Returns the secret, for whoever needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Why a private key cannot be used, or the configured key cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum VaultError {
    #[error("the secret key cannot be read from {0}: {1}")]
    Unreadable(String, std::io::Error),
    #[error("the secret key must have at least {SHORTEST_KEY} characters: make one with `openssl rand -base64 32`")]
    TooShort,
    #[error("the signing keys are encrypted: name the secret key by --secret-key-file or MILEPOST_SECRET_KEY")]
    Locked,
    #[error("the signing keys are encrypted with another secret key")]
    WrongKey,
    #[error("the private key could not be encrypted")]
    NotSealed,
}

/// The configured key; without one, private keys are kept in the clear.
#[derive(Default)]
pub struct Vault(Option<RandomizedNonceKey>);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Vault(a key)" } else { "Vault(no key)" })
    }
}

impl Vault {
    /// Takes the key that is configured: in the environment, in a file, or by systemd's credentials.
    pub fn of(storage: &Storage) -> Result<Self, VaultError> {
        let read = |path: &Path| {
            let unreadable = |error| VaultError::Unreadable(path.display().to_string(), error);
            fs::read_to_string(path).map_err(unreadable)
        };
        let credential =
            std::env::var_os("CREDENTIALS_DIRECTORY").map(|directory| Path::new(&directory).join(CREDENTIAL));
        let text = match (&storage.secret_key, &storage.secret_key_file, credential) {
            (Some(Secret(text)), ..) => text.clone(),
            (None, Some(file), _) => read(file)?,
            (None, None, Some(file)) if file.exists() => read(&file)?,
            (None, None, _) => return Ok(Self::default()),
        };
        Self::with(text.trim())
    }

    fn with(text: &str) -> Result<Self, VaultError> {
        if text.chars().count() < SHORTEST_KEY {
            return Err(VaultError::TooShort);
        }
        let key = digest::digest(&digest::SHA256, text.as_bytes());
        RandomizedNonceKey::new(&AES_256_GCM, key.as_ref()).map(|key| Self(Some(key))).map_err(|_| VaultError::TooShort)
    }

    /// Returns whether a stored private key should be encrypted and is not.
    pub fn is_open(&self, stored: &[u8]) -> bool {
        self.0.is_some() && !stored.is_empty() && !stored.starts_with(MARK)
    }

    /// Returns what to store of a private key. `id` is bound to it, so that one cannot be put in the place of another.
    pub fn seal(&self, id: &str, private: &[u8]) -> Result<Vec<u8>, VaultError> {
        let Some(key) = &self.0 else { return Ok(private.to_vec()) };
        let mut sealed = private.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(id.as_bytes()), &mut sealed);
        let nonce = nonce.map_err(|_| VaultError::NotSealed)?;
        Ok([MARK, nonce.as_ref(), &sealed].concat())
    }

    /// Returns a private key from what is stored of it.
    pub fn open(&self, id: &str, stored: &[u8]) -> Result<Vec<u8>, VaultError> {
        let Some(sealed) = stored.strip_prefix(MARK) else { return Ok(stored.to_vec()) };
        let key = self.0.as_ref().ok_or(VaultError::Locked)?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(VaultError::WrongKey)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::WrongKey)?;
        let mut bytes = sealed.to_vec();
        let opened = key.open_in_place(nonce, Aad::from(id.as_bytes()), &mut bytes);
        opened.map(|private| private.to_vec()).map_err(|_| VaultError::WrongKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_its_key_and_in_its_place() {
        let [one, other] = ["1", "2"].map(|digit| Vault::with(&digit.repeat(32)).expect("a key"));
        let sealed = one.seal("k1", b"private").expect("sealed");
        assert!(!sealed.windows(7).any(|part| part == b"private"));
        assert_eq!(one.open("k1", &sealed).expect("opened"), b"private");
        assert!(matches!(one.open("k2", &sealed), Err(VaultError::WrongKey)));
        assert!(matches!(other.open("k1", &sealed), Err(VaultError::WrongKey)));
        assert!(matches!(Vault::default().open("k1", &sealed), Err(VaultError::Locked)));
        assert!(matches!(one.open("k1", &sealed[..10]), Err(VaultError::WrongKey)));
        assert_eq!(
            (one.is_open(b"0private"), one.is_open(&sealed), Vault::default().is_open(b"0")),
            (true, false, false)
        );
        assert!(matches!(Vault::with("short"), Err(VaultError::TooShort)));
        assert_eq!(format!("{:?}", Secret::from_str("hidden").expect("a secret")), "Secret(…)");
    }
}
