//! Scopes: the permissions of callers; roles and relations, from which people have them.

pub mod may;
pub mod role;
pub mod rule;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::values::text::{ExternalRef, Name};

/// A permission. Every operation names the scope that it requires.
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
pub enum Scope {
    /// All operations, including API clients and the organization's settings.
    #[serde(rename = "admin")]
    #[strum(serialize = "admin")]
    Admin,
    /// Read customers.
    #[serde(rename = "customers:read")]
    #[strum(serialize = "customers:read")]
    CustomersRead,
    /// Create, update and delete customers.
    #[serde(rename = "customers:write")]
    #[strum(serialize = "customers:write")]
    CustomersWrite,
    /// Read people.
    #[serde(rename = "people:read")]
    #[strum(serialize = "people:read")]
    PeopleRead,
    /// Create, update and delete people.
    #[serde(rename = "people:write")]
    #[strum(serialize = "people:write")]
    PeopleWrite,
    /// Act for people, by token exchange.
    #[serde(rename = "people:act")]
    #[strum(serialize = "people:act")]
    PeopleAct,
    /// Read templates, plans, milestones and reports.
    #[serde(rename = "plans:read")]
    #[strum(serialize = "plans:read")]
    PlansRead,
    /// Create and update templates, plans, milestones and share links.
    #[serde(rename = "plans:write")]
    #[strum(serialize = "plans:write")]
    PlansWrite,
    /// Read usage events.
    #[serde(rename = "events:read")]
    #[strum(serialize = "events:read")]
    EventsRead,
    /// Send and release usage events.
    #[serde(rename = "events:write")]
    #[strum(serialize = "events:write")]
    EventsWrite,
    /// Read metrics, health, risk, playbooks and interventions.
    #[serde(rename = "health:read")]
    #[strum(serialize = "health:read")]
    HealthRead,
    /// Define metrics, health models and playbooks, record pulses, overrides and outcomes, fit risk models, and work on
    /// interventions.
    #[serde(rename = "health:write")]
    #[strum(serialize = "health:write")]
    HealthWrite,
    /// Read badges and awards, and verify credentials.
    #[serde(rename = "recognition:read")]
    #[strum(serialize = "recognition:read")]
    RecognitionRead,
    /// Define badges and award them.
    #[serde(rename = "recognition:write")]
    #[strum(serialize = "recognition:write")]
    RecognitionWrite,
    /// Read and verify the ledger.
    #[serde(rename = "ledger:read")]
    #[strum(serialize = "ledger:read")]
    LedgerRead,
}

/// Scopes of a caller, in the form used in the database and in tokens: names separated by spaces.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Parses the known names in a text. Unknown names, such as those of other issuers, grant nothing.
    pub fn read(text: &str) -> Self {
        Self::of(text.split_ascii_whitespace().filter_map(|name| name.parse().ok()))
    }

    /// Returns these scopes, sorted and without duplicates.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut list: Vec<Scope> = scopes.into_iter().collect();
        list.sort_unstable();
        list.dedup();
        Self(list)
    }

    /// Returns whether these scopes allow an operation that requires `scope`. `admin` allows everything. Writing does
    /// not imply reading.
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&Scope::Admin) || self.0.contains(&scope)
    }

    /// Returns the scopes among `wanted` that these scopes allow.
    #[must_use]
    pub fn restricted_to(&self, wanted: &Self) -> Self {
        Self(wanted.0.iter().copied().filter(|scope| self.allow(*scope)).collect())
    }

    /// Returns the first of some scopes that these do not allow.
    pub fn lacking(&self, wanted: &Self) -> Option<Scope> {
        wanted.0.iter().copied().find(|scope| !self.allow(*scope))
    }

    /// Returns the individual scopes, sorted.
    pub fn list(&self) -> &[Scope] {
        &self.0
    }
}

impl From<String> for Scopes {
    fn from(text: String) -> Self {
        Self::read(&text)
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(Into::into).collect();
        f.write_str(&names.join(" "))
    }
}

/// Effect that a caller may have on a field that another system keeps, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Change a value that is there.
    Change,
    /// Fill a field that is empty, and nothing more.
    Fill,
}

impl Reach {
    /// Returns the reach of a caller who has the scope for changes, or has it not.
    pub const fn of(may_change: bool) -> Self {
        if may_change { Self::Change } else { Self::Fill }
    }

    /// Returns the value of a field after a value was sent, or none.
    pub fn settle<T>(self, now: Option<T>, sent: Option<T>) -> Option<T> {
        match self {
            Self::Change => sent.or(now),
            Self::Fill => now.or(sent),
        }
    }

    /// Returns a name after one was sent, or none. A name that only repeats the reference counts as empty.
    pub fn settle_name(self, now: Name, sent: Option<Name>, reference: &ExternalRef) -> Name {
        let is_filled = now.as_str() != reference.as_str();
        self.settle(is_filled.then(|| now.clone()), sent).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_may_change_replaces_what_is_there() {
        for (now, sent, changed, filled) in [
            (None, None, None, None),
            (None, Some(1), Some(1), Some(1)),
            (Some(2), None, Some(2), Some(2)),
            (Some(2), Some(1), Some(1), Some(2)),
        ] {
            let settled = [true, false].map(|may_change| Reach::of(may_change).settle(now, sent));
            assert_eq!(settled, [changed, filled], "{now:?} {sent:?}");
        }
        let name = |text: &str| Name::parse(text).expect("a name");
        let reference = ExternalRef::parse("crm-1").expect("a reference");
        for (now, sent, changed, filled) in [
            ("crm-1", None, "crm-1", "crm-1"),
            ("crm-1", Some("Northwind"), "Northwind", "Northwind"),
            ("Contoso", Some("Northwind"), "Northwind", "Contoso"),
        ] {
            let settled =
                [true, false].map(|may| Reach::of(may).settle_name(name(now), sent.map(name), &reference).to_string());
            assert_eq!(settled, [changed, filled], "{now} {sent:?}");
        }
    }
}
