//! People with their deeds, and boards of them, in memory. A leaf: [`crate::deeds`] keeps them current.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::recognition::audience::Audience;
use milepost_domain::recognition::deed::{Deeds, RecognitionConsent};
use milepost_domain::recognition::ranking::Ranked;
use uuid::Uuid;

use crate::store::people::Person;

/// Number of people, in all organizations, whose deeds are kept in memory.
const MOST_PEOPLE: u64 = 500_000;
/// Number of ranked people, on all boards, that are kept in memory.
const MOST_RANKED: u64 = 2_000_000;

/// A person with their deeds.
#[derive(Debug)]
pub struct Honoured {
    /// Person.
    pub person: Person,
    /// Circle in which the deeds are shown.
    pub consent: RecognitionConsent,
    /// Deeds.
    pub deeds: Deeds,
}

/// Deeds of an organization's people, as of a ledger sequence.
#[derive(Debug)]
pub struct Honours {
    /// Ledger sequence.
    pub sequence: i64,
    /// People, by identifier.
    pub people: HashMap<Uuid, Arc<Honoured>>,
}

/// A board: people in the order of their scores.
#[derive(Debug)]
pub struct Board {
    /// People with their ranks.
    pub entries: Vec<Ranked<Arc<Honoured>>>,
    /// Places on the board by person.
    pub places: HashMap<Uuid, usize>,
}

/// Deeds and boards of all organizations.
#[derive(Debug)]
pub struct DeedMemory {
    /// Deeds by organization.
    pub honours: moka::sync::Cache<Uuid, Arc<Honours>>,
    /// Boards by organization, ledger sequence and question.
    pub boards: moka::sync::Cache<(Uuid, i64, String), Arc<Board>>,
}

impl Default for DeedMemory {
    fn default() -> Self {
        let many = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
        Self {
            honours: moka::sync::Cache::builder()
                .max_capacity(MOST_PEOPLE)
                .weigher(move |_, honours: &Arc<Honours>| many(honours.people.len()))
                .build(),
            boards: moka::sync::Cache::builder()
                .max_capacity(MOST_RANKED)
                .weigher(move |_, board: &Arc<Board>| many(board.entries.len()))
                .build(),
        }
    }
}

impl Honoured {
    /// Whether an audience sees the person's achievements.
    pub fn is_seen_by(&self, audience: Audience) -> bool {
        audience.sees(self.consent, self.person.customer_id)
    }

    /// Whether the person is on boards of a day that an audience sees: with the organization, and shown.
    pub fn is_listed(&self, on: NaiveDate, audience: Audience) -> bool {
        self.person.is_active(on) && self.is_seen_by(audience)
    }
}
