//! Turns of keeping what is derived up to date. A leaf, because the state that every request shares holds it.

use std::sync::Arc;

use tokio::sync::Mutex;
use uuid::Uuid;

use crate::store::marks::Upkeep;

/// Turns: one request or job at a time brings something of an organization up to date, so that whoever comes next finds it done.
#[derive(Debug)]
pub struct Keeping(moka::sync::Cache<(Uuid, Upkeep), Arc<Mutex<()>>>);

impl Default for Keeping {
    fn default() -> Self {
        Self(moka::sync::Cache::new(20_000))
    }
}

impl Keeping {
    /// The turn of an organization.
    pub fn turn(&self, organization_id: Uuid, kind: Upkeep) -> Arc<Mutex<()>> {
        self.0.get_with((organization_id, kind), Arc::default)
    }
}
