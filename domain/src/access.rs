//! What a caller may do.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

/// One permission. Every operation of the document names the one it needs.
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
    /// Everything, including API clients and the organization's settings.
    #[serde(rename = "admin")]
    #[strum(serialize = "admin")]
    Admin,
    /// See customers.
    #[serde(rename = "customers:read")]
    #[strum(serialize = "customers:read")]
    CustomersRead,
    /// Add and change customers.
    #[serde(rename = "customers:write")]
    #[strum(serialize = "customers:write")]
    CustomersWrite,
    /// See people.
    #[serde(rename = "people:read")]
    #[strum(serialize = "people:read")]
    PeopleRead,
    /// Add and change people.
    #[serde(rename = "people:write")]
    #[strum(serialize = "people:write")]
    PeopleWrite,
    /// See templates, plans, milestones and reports.
    #[serde(rename = "plans:read")]
    #[strum(serialize = "plans:read")]
    PlansRead,
    /// Add and change templates, plans and milestones.
    #[serde(rename = "plans:write")]
    #[strum(serialize = "plans:write")]
    PlansWrite,
    /// See usage events.
    #[serde(rename = "events:read")]
    #[strum(serialize = "events:read")]
    EventsRead,
    /// Send usage events.
    #[serde(rename = "events:write")]
    #[strum(serialize = "events:write")]
    EventsWrite,
    /// See metrics, health, risk, playbooks and interventions.
    #[serde(rename = "health:read")]
    #[strum(serialize = "health:read")]
    HealthRead,
    /// Define metrics, health models and playbooks, fit risks, and work on interventions.
    #[serde(rename = "health:write")]
    #[strum(serialize = "health:write")]
    HealthWrite,
    /// Read and verify the ledger.
    #[serde(rename = "ledger:read")]
    #[strum(serialize = "ledger:read")]
    LedgerRead,
}

/// A caller's permissions, as stored and as they stand in tokens: names separated by spaces.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// The known names in a text; unknown ones, as other issuers use, grant nothing.
    pub fn read(text: &str) -> Self {
        Self::of(text.split_ascii_whitespace().filter_map(|name| name.parse().ok()))
    }

    /// These permissions, sorted and each once.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut list: Vec<Scope> = scopes.into_iter().collect();
        list.sort_unstable();
        list.dedup();
        Self(list)
    }

    /// Whether they allow something that needs `scope`. `admin` allows everything; writing does not imply reading.
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&Scope::Admin) || self.0.contains(&scope)
    }

    /// Those among `wanted` that are allowed here.
    #[must_use]
    pub fn restricted_to(&self, wanted: &Self) -> Self {
        Self(wanted.0.iter().copied().filter(|scope| self.allow(*scope)).collect())
    }

    /// One by one, sorted.
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
