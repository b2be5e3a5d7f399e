//! Roles of people: what somebody may do everywhere in the organization. What they may do with what is theirs is in `may`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::rule::AccessRule;
use super::{Scope, Scopes};
use crate::values::text::{Key, Name};

/// A role that the product has itself.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = BuiltInRoleName)]
pub enum Role {
    /// What is one's own, and nothing more. Everybody has it.
    Member,
    /// The people whose coach one is, and the programs that they are coached by.
    Coach,
    /// Reading people, and awarding them what one certifies.
    Certifier,
    /// Running plans and programs, and reading whom they serve.
    ProgramManager,
    /// Keeping people, teams and roles.
    PeopleAdmin,
    /// Reading everything, the ledger included.
    Auditor,
    /// Everything.
    Admin,
}

impl Role {
    /// Returns the scopes that the role grants everywhere.
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Member => &[],
            Self::Coach => &[Scope::PeopleRead],
            Self::Certifier => &[Scope::PeopleRead, Scope::RecognitionRead, Scope::RecognitionWrite],
            Self::ProgramManager => &[
                Scope::CustomersRead,
                Scope::PeopleRead,
                Scope::PlansRead,
                Scope::PlansWrite,
                Scope::EventsRead,
                Scope::HealthRead,
                Scope::RecognitionRead,
                Scope::RecognitionWrite,
            ],
            Self::PeopleAdmin => &[Scope::PeopleRead, Scope::PeopleWrite],
            Self::Auditor => &[
                Scope::CustomersRead,
                Scope::PeopleRead,
                Scope::PlansRead,
                Scope::EventsRead,
                Scope::HealthRead,
                Scope::RecognitionRead,
                Scope::LedgerRead,
            ],
            Self::Admin => &[Scope::Admin],
        }
    }
}

/// A role of the organization's own: a set of scopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "analyst", "name": "Analyst", "scopes": ["plans:read", "health:read"]}))]
pub struct RoleContent {
    /// Key. Unique within the organization; not the name of a role that the product has itself.
    pub key: Key,
    /// Name.
    pub name: Name,
    /// Scopes that the role grants everywhere.
    #[schema(min_items = 1, max_items = 20, value_type = Vec<Scope>)]
    pub scopes: Scopes,
}

impl RoleContent {
    /// Checks that the key is not that of a role that the product has itself.
    pub fn check(&self) -> Result<(), AccessRule> {
        if self.key.parse::<Role>().is_ok() { Err(AccessRule::BuiltInRole) } else { Ok(()) }
    }
}

/// Roles that there are: those that the product has itself, and an organization's own.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    own: HashMap<String, Scopes>,
}

impl Catalogue {
    /// Creates the catalogue of an organization from its own roles.
    pub fn of<'a>(own: impl IntoIterator<Item = &'a RoleContent>) -> Self {
        Self { own: own.into_iter().map(|role| (role.key.to_string(), role.scopes.clone())).collect() }
    }

    /// Returns the scopes that a role grants; `None` if there is no such role.
    pub fn scopes_of(&self, name: &str) -> Option<Scopes> {
        match name.parse::<Role>() {
            Ok(role) => Some(Scopes::of(role.scopes().iter().copied())),
            Err(_) => self.own.get(name).cloned(),
        }
    }

    /// Returns the scopes that some roles grant together. Roles that do not exist grant nothing.
    pub fn granted<'a>(&self, names: impl IntoIterator<Item = &'a String>) -> Scopes {
        let each = names.into_iter().filter_map(|name| self.scopes_of(name));
        Scopes::of(each.flat_map(|scopes| scopes.list().to_vec()))
    }
}

/// Checks that somebody has everything that they grant.
pub fn check_grant(giver: &Scopes, granted: &Scopes) -> Result<(), AccessRule> {
    giver.lacking(granted).map_or(Ok(()), |scope| Err(AccessRule::GrantsMore { scope }))
}

/// Checks that a caller has everything that somebody's roles grant: only then may they change who that is.
pub fn check_protected(caller: &Scopes, held: &Scopes) -> Result<(), AccessRule> {
    caller.lacking(held).map_or(Ok(()), |scope| Err(AccessRule::ProtectedPerson { scope }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_grants_what_they_do_not_have() {
        let of = |scopes: &[Scope]| Scopes::of(scopes.iter().copied());
        for (giver, granted, expected) in [
            (vec![Scope::PeopleWrite], vec![], Ok(())),
            (vec![Scope::PeopleWrite], vec![Scope::PeopleWrite], Ok(())),
            (
                vec![Scope::PeopleWrite],
                vec![Scope::PeopleRead],
                Err(AccessRule::GrantsMore { scope: Scope::PeopleRead }),
            ),
            (vec![Scope::PeopleWrite], vec![Scope::Admin], Err(AccessRule::GrantsMore { scope: Scope::Admin })),
            (vec![Scope::Admin], vec![Scope::Admin, Scope::PlansRead], Ok(())),
        ] {
            let is_protected = check_protected(&of(&giver), &of(&granted)).is_err();
            assert_eq!(is_protected, expected.is_err(), "{giver:?} {granted:?}");
            assert_eq!(check_grant(&of(&giver), &of(&granted)), expected, "{giver:?} {granted:?}");
        }
    }

    #[test]
    fn roles_grant_together() {
        let own = RoleContent {
            key: Key::parse("analyst").expect("a key"),
            name: Name::parse("Analyst").expect("a name"),
            scopes: Scopes::of([Scope::HealthRead, Scope::PeopleRead]),
        };
        let catalogue = Catalogue::of([&own]);
        for (names, expected) in [
            (vec![], vec![]),
            (vec!["member"], vec![]),
            (vec!["analyst"], vec![Scope::HealthRead, Scope::PeopleRead]),
            (vec!["analyst", "coach", "people_admin"], vec![Scope::HealthRead, Scope::PeopleRead, Scope::PeopleWrite]),
            (vec!["gone"], vec![]),
        ] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(catalogue.granted(&names), Scopes::of(expected), "{names:?}");
        }
        assert_eq!(catalogue.scopes_of("gone"), None);
        assert_eq!(catalogue.scopes_of("member"), Some(Scopes::default()));
    }

    #[test]
    fn own_roles_have_names_of_their_own() {
        let role = |key: &str| RoleContent {
            key: Key::parse(key).expect("a key"),
            name: Name::parse("R").expect("a name"),
            scopes: Scopes::default(),
        };
        assert_eq!(role("analyst").check(), Ok(()));
        assert_eq!(role("program_manager").check(), Err(AccessRule::BuiltInRole));
    }
}
