//! Identity providers: whom the tokens of an organization's sign-in mean.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{Key, WebAddress};

/// Way in which a person is found for the subject of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PersonBy {
    /// The claim is the person's external reference.
    #[default]
    ExternalRef,
    /// The token's `email` is the person's e-mail address, and `email_verified` is true.
    VerifiedEmail,
}

/// An identity provider: an OIDC issuer whose tokens mean people of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "issuer": "https://login.example.com", "audience": "milepost", "token_type": "at+jwt", "jwks_url": null, "person_by": "external_ref",
    "claim": "sub", "creates_people": false, "archived": false
}))]
pub struct ProviderContent {
    /// Issuer: the `iss` of its tokens. Together with the audience, it belongs to one organization only.
    pub issuer: WebAddress,
    /// Audience that its tokens must have.
    #[schema(min_length = 1, max_length = 200)]
    pub audience: String,
    /// `typ` of its tokens: `at+jwt` for access tokens (RFC 9068), `JWT` for issuers that do not follow that standard. Defaults to `at+jwt`.
    #[serde(default = "access_token")]
    #[schema(min_length = 1, max_length = 50)]
    pub token_type: String,
    /// Address of its keys (JWK set). Found by discovery if left out.
    pub jwks_url: Option<WebAddress>,
    /// Way in which a person is found the first time. From then on, a subject means the same person. Defaults to `external_ref`.
    #[serde(default)]
    pub person_by: PersonBy,
    /// Claim that is the external reference. Defaults to `sub`.
    #[serde(default = "subject")]
    pub claim: Key,
    /// Whether somebody who is not known yet becomes a person at their first request. Defaults to `false`.
    #[serde(default)]
    pub creates_people: bool,
    /// Whether the provider is archived: its tokens are no longer accepted.
    #[serde(default)]
    pub archived: bool,
}

fn access_token() -> String {
    "at+jwt".to_owned()
}

fn subject() -> Key {
    Key::trusted("sub".to_owned())
}

impl ProviderContent {
    /// Checks that tokens are asked for at addresses that nobody else can answer for: `https`, or this machine.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        for (at, address) in [("/issuer", Some(&self.issuer)), ("/jwks_url", self.jwks_url.as_ref())] {
            if address.is_some_and(|address| !address.is_safe()) {
                violations.push(ValueRule::NotHttps.at(at));
            }
        }
        all_kept(violations)
    }
}

/// Whom the claims of a token mean, before anybody is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought<'a> {
    /// The person with an external reference.
    ByRef(&'a str),
    /// The person with an e-mail address, which the issuer has verified.
    ByEmail(&'a str),
}

/// The claims of a token that say who somebody is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdentityClaims<'a> {
    /// Claim that is the external reference.
    pub reference: Option<&'a str>,
    /// E-mail address.
    pub email: Option<&'a str>,
    /// Whether the issuer has verified the address.
    pub is_email_verified: bool,
}

/// The reason for which a token means nobody. The text of each variant is its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum NoPerson {
    #[error("The token lacks the claim that names a person.")]
    NoClaim,
    #[error("The token's e-mail address is not verified by its issuer.")]
    EmailUnverified,
    #[error("Several people have the token's e-mail address.")]
    Ambiguous,
    #[error("The token means nobody whom the organization knows.")]
    Unknown,
    #[error("The person has left the organization.")]
    HasLeft,
}

/// Returns whom claims mean.
pub const fn sought(by: PersonBy, claims: IdentityClaims<'_>) -> Result<Sought<'_>, NoPerson> {
    match (by, claims.reference, claims.email) {
        (PersonBy::ExternalRef, Some(reference), _) => Ok(Sought::ByRef(reference)),
        (PersonBy::VerifiedEmail, _, Some(email)) if claims.is_email_verified => Ok(Sought::ByEmail(email)),
        (PersonBy::VerifiedEmail, _, Some(_)) => Err(NoPerson::EmailUnverified),
        (PersonBy::ExternalRef, None, _) | (PersonBy::VerifiedEmail, _, None) => Err(NoPerson::NoClaim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_mean_people() {
        let all = IdentityClaims { reference: Some("hr-1"), email: Some("a@b"), is_email_verified: true };
        let unverified = IdentityClaims { is_email_verified: false, ..all };
        for (by, claims, expected) in [
            (PersonBy::ExternalRef, all, Ok(Sought::ByRef("hr-1"))),
            (PersonBy::ExternalRef, unverified, Ok(Sought::ByRef("hr-1"))),
            (PersonBy::ExternalRef, IdentityClaims { reference: None, ..all }, Err(NoPerson::NoClaim)),
            (PersonBy::VerifiedEmail, all, Ok(Sought::ByEmail("a@b"))),
            (PersonBy::VerifiedEmail, unverified, Err(NoPerson::EmailUnverified)),
            (PersonBy::VerifiedEmail, IdentityClaims { email: None, ..all }, Err(NoPerson::NoClaim)),
        ] {
            assert_eq!(sought(by, claims), expected, "{by} {claims:?}");
        }
    }
}
