//! The ledger's account of an erasure, from which whoever verifies the chain knows which content is missing rightly.

use milepost_domain::ledger::Range;
use serde::{Deserialize, Serialize};

use crate::store::ledger::Entry;

/// Verb of the entry by which the content of earlier entries was erased.
pub const ERASED: &str = "erased";

/// Ledger's account of an erasure.
#[derive(Debug, Serialize, Deserialize)]
pub struct Erasure {
    /// Number of people.
    pub people: usize,
    /// Number of plans.
    pub plans: usize,
    /// Number of interventions.
    pub interventions: usize,
    /// Number of usage events.
    pub usage_events: u64,
    /// Ranges of entries whose content was erased.
    pub erased_entries: Vec<Range>,
}

/// Returns the entries whose content was erased with an entry.
pub fn entries_erased_by(entry: &Entry) -> Vec<Range> {
    let is_erasure = entry.action.rsplit('.').next() == Some(ERASED);
    let content = entry.after.as_deref().filter(|_| is_erasure);
    content.and_then(|text| serde_json::from_str(text).ok()).map_or(vec![], |erasure: Erasure| erasure.erased_entries)
}
