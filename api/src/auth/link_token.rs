//! Tokens in links: `ms_<id>_<random>_<crc>` opens a share link, `mo_…` signs a person in once, `mi_…` lets somebody outside
//! decide about a validation once. They have the form of an API key, and each
//! kind opens only what it is for.

use uuid::Uuid;

use super::api_key::ApiKey;

/// A token as contained in a link of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkToken<const KIND: char>(ApiKey);

/// The token of a share link.
pub type ShareToken = LinkToken<'s'>;
/// The token by which somebody outside decides about a validation.
pub type InvitationToken = LinkToken<'i'>;
/// The token that signs a person in once.
pub type SignInToken = LinkToken<'o'>;

impl<const KIND: char> LinkToken<KIND> {
    fn prefix() -> String {
        format!("m{KIND}_")
    }

    /// Generates a token with 256 random bits; returns `None` if the system provides no randomness.
    pub fn generate(organization_id: Uuid, link_id: Uuid) -> Option<Self> {
        ApiKey::generate(organization_id, link_id).map(Self)
    }

    /// Parses a token and checks its form and checksum.
    pub fn parse(text: &str) -> Option<Self> {
        ApiKey::parse_as(&Self::prefix(), text).map(Self)
    }

    /// Returns the text of the token, which is shown once.
    pub fn reveal(&self) -> String {
        self.0.reveal_as(&Self::prefix())
    }

    /// Returns the identifier of the organization.
    pub const fn organization_id(&self) -> Uuid {
        self.0.organization_id
    }

    /// Returns the identifier of the link.
    pub const fn link_id(&self) -> Uuid {
        self.0.id
    }

    /// Returns the hash of the secret, the only part that is stored.
    pub fn secret_hash(&self) -> Vec<u8> {
        self.0.secret_hash()
    }

    /// Compares the secret with a stored hash in constant time.
    pub fn matches(&self, stored_hash: &[u8]) -> bool {
        self.0.matches(stored_hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_a_key_and_a_key_is_no_token() {
        let (organization_id, id) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let token = ShareToken::generate(organization_id, id).expect("randomness");
        let key = ApiKey::generate(organization_id, id).expect("randomness");
        assert_eq!(ShareToken::parse(&token.reveal()), Some(token));
        assert_eq!((ApiKey::parse(&token.reveal()), ShareToken::parse(&key.reveal())), (None, None));
        assert_eq!(SignInToken::parse(&token.reveal()), None);
    }
}
