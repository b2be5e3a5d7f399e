//! Identity providers: whom the tokens of an organization's sign-in mean.

use std::ops::Deref;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use super::PersonContent;
use crate::access::{Scope, Scopes};
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
    /// `typ` of its tokens: `at+jwt` for access tokens (RFC 9068), `JWT` for issuers that do not follow that standard. Defaults to
    /// `at+jwt`.
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
    #[error("Only a client with the scope admin acts for somebody with the role admin.")]
    Admin,
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

/// Returns the only one of some people who has an e-mail address and is with the organization on a day; `None` if nobody has ever had it.
/// ASCII letters alone are the same in either case: a letter of another script that only folds to the same one makes another address.
pub fn with_address<P: Deref<Target = PersonContent>>(
    mut people: Vec<P>,
    address: &str,
    day: NaiveDate,
) -> Result<Option<P>, NoPerson> {
    people.retain(|person| person.email.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(address)));
    let was_known = !people.is_empty();
    people.retain(|person| person.is_active(day));
    match people.len() {
        0 if was_known => Err(NoPerson::HasLeft),
        0 | 1 => Ok(people.pop()),
        _ => Err(NoPerson::Ambiguous),
    }
}

/// Checks that a client may act for a person, by the scopes that each of them has: acting for an administrator takes one.
pub fn check_acting(client: &Scopes, person: &Scopes) -> Result<(), NoPerson> {
    if person.allow(Scope::Admin) && !client.allow(Scope::Admin) { Err(NoPerson::Admin) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{Employment, PersonKind};
    use crate::values::text::{Email, Name};

    #[test]
    fn an_address_means_one_person_who_is_there() {
        let day = NaiveDate::from_ymd_opt(2026, 5, 4).expect("a date");
        let person = |name: &str, address: &str| PersonContent {
            email: Some(Email::parse(address).expect("an address")),
            ..PersonContent::named(Name::parse(name).expect("a name"), PersonKind::Employee)
        };
        let gone =
            |name: &str| PersonContent { employment: Employment::Left, left_on: Some(day), ..person(name, "a@x.org") };
        let archived = PersonContent { archived: true, ..person("Archived", "a@x.org") };
        for (people, expected) in [
            (vec![], Ok(None)),
            (vec![person("Ana", "A@x.org")], Ok(Some("Ana"))),
            (vec![person("Ana", "b@x.org")], Ok(None)),
            (vec![person("Sven", "\u{17f}@x.org"), person("Ana", "a@x.org")], Ok(Some("Ana"))),
            (vec![gone("Gone")], Err(NoPerson::HasLeft)),
            (vec![archived.clone()], Err(NoPerson::HasLeft)),
            (vec![gone("Gone"), archived, person("Ana", "a@x.org")], Ok(Some("Ana"))),
            (vec![person("Ana", "a@x.org"), person("Ben", "a@X.org")], Err(NoPerson::Ambiguous)),
        ] {
            let people: Vec<Box<PersonContent>> = people.into_iter().map(Box::new).collect();
            let found = with_address(people, "a@x.org", day).map(|found| found.map(|person| person.name.to_string()));
            assert_eq!(found, expected.map(|name: Option<&str>| name.map(str::to_owned)));
        }
        let long_s = vec![Box::new(person("Sven", "\u{17f}@x.org"))];
        assert_eq!(with_address(long_s, "s@x.org", day), Ok(None));
    }

    #[test]
    fn only_an_admin_acts_for_an_admin() {
        let scopes = |scopes: &[Scope]| Scopes::of(scopes.iter().copied());
        for (client, person, expected) in [
            (vec![Scope::PeopleAct], vec![Scope::PlansWrite], Ok(())),
            (vec![Scope::PeopleAct], vec![Scope::Admin], Err(NoPerson::Admin)),
            (vec![Scope::Admin], vec![Scope::Admin], Ok(())),
        ] {
            assert_eq!(check_acting(&scopes(&client), &scopes(&person)), expected, "{client:?} {person:?}");
        }
    }

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
