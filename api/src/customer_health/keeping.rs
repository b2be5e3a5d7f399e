//! Turns: one request or job at a time brings an organization's kept health up to date.

use std::sync::Arc;

use tokio::sync::Mutex;
use uuid::Uuid;

/// Locks for updating each organization's scores: one update at a time, so that concurrent callers find it done.
#[derive(Debug)]
pub struct Keeping(pub(super) moka::sync::Cache<Uuid, Arc<Mutex<()>>>);

impl Default for Keeping {
    fn default() -> Self {
        Self(moka::sync::Cache::new(10_000))
    }
}
