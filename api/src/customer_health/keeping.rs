//! Turns: one request or job at a time brings an organization's kept health up to date.

use std::sync::Arc;

use tokio::sync::Mutex;
use uuid::Uuid;

/// Whose turn it is to keep each organization's health: one at a time, so that those who ask at once find it done.
#[derive(Debug)]
pub struct Keeping(pub(super) moka::sync::Cache<Uuid, Arc<Mutex<()>>>);

impl Default for Keeping {
    fn default() -> Self {
        Self(moka::sync::Cache::new(10_000))
    }
}
