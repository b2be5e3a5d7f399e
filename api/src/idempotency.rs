//! Idempotency keys that requests in progress hold. What finished requests answered is in the store.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Idempotency keys being worked on in this process.
#[derive(Debug, Default)]
pub struct InFlight(Mutex<HashSet<String>>);

/// One key being worked on; others may use it once this is dropped.
#[derive(Debug)]
pub struct InFlightGuard<'a> {
    all: &'a InFlight,
    name: String,
}

impl InFlight {
    /// Takes a key; `None` while another request works on it.
    pub fn enter(&self, name: String) -> Option<InFlightGuard<'_>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.clone()).then(|| InFlightGuard { all: self, name })
    }
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
