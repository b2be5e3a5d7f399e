//! Turns of keeping what is derived up to date. A leaf, because the state that every request shares holds it.

use std::sync::Arc;

use chrono::NaiveDate;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::store::marks::Upkeep;

/// Turns: one request or job at a time brings something of an organization up to date, so that whoever comes next finds it done.
#[derive(Debug)]
pub struct Keeping {
    turns: moka::sync::Cache<(Uuid, Upkeep), Arc<Mutex<()>>>,
    kept: moka::sync::Cache<(Uuid, Upkeep), State>,
}

/// State of an organization, on which everything derived depends: the last event, the last ledger entry, and the date.
pub type State = (i64, i64, NaiveDate);

/// Number of organizations of which something is remembered, times the kinds of upkeep.
const MOST: u64 = 20_000;

impl Default for Keeping {
    fn default() -> Self {
        Self { turns: moka::sync::Cache::new(MOST), kept: moka::sync::Cache::new(MOST) }
    }
}

impl Keeping {
    /// The turn of an organization.
    pub fn turn(&self, organization_id: Uuid, kind: Upkeep) -> Arc<Mutex<()>> {
        self.turns.get_with((organization_id, kind), Arc::default)
    }

    /// Whether nothing is due in a state, as far as this process knows. A state does not come again, so what was known once stays right.
    pub fn is_kept(&self, organization_id: Uuid, kind: Upkeep, state: State) -> bool {
        self.kept.get(&(organization_id, kind)) == Some(state)
    }

    /// The last state in which nothing was due, as far as this process knows.
    pub fn last_kept(&self, organization_id: Uuid, kind: Upkeep) -> Option<State> {
        self.kept.get(&(organization_id, kind))
    }

    /// Remembers that nothing is due in a state.
    pub fn note_kept(&self, organization_id: Uuid, kind: Upkeep, state: State) {
        self.kept.insert((organization_id, kind), state);
    }
}
