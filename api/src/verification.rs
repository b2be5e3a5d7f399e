//! Verification of a ledger: the chain itself, the points it must have, and on request the rows against their last entries.

pub mod rows;

use milepost_domain::ledger::{Point, States, Stored, Verifier};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::claims::KeySet;
use crate::checkpoints::Statement;
use crate::erasure;
use crate::error::ApiError;
use crate::store::ledger::Entry;
use crate::store::{Conn, ledger, ledger_checkpoints};
use crate::unit::with_content;

/// Number of entries read at a time, so that verification needs constant memory.
const STRETCH: i64 = 1000;

/// Result of a ledger verification.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "intact": true, "verified_entries": 1204, "head_sequence": 1204,
    "head_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "verified_checkpoints": 12,
    "verified_rows": null, "first_broken_sequence": null, "detail": null
}))]
pub struct Verification {
    /// Whether every entry is unchanged and in place, and everything else that was compared agrees.
    pub intact: bool,
    /// Number of intact entries, counted from the first entry.
    #[schema(minimum = 0)]
    pub verified_entries: i64,
    /// Sequence number of the recorded head: the last entry. Note it with the hash, and pass both as `expect` later.
    #[schema(minimum = 0)]
    pub head_sequence: i64,
    /// Hash of the recorded head, in hexadecimal.
    #[schema(max_length = 64)]
    pub head_hash: String,
    /// Number of checkpoints that the chain agrees with, including an expected one.
    #[schema(minimum = 0)]
    pub verified_checkpoints: usize,
    /// Number of rows that agree with their last entry; null unless they were compared.
    #[schema(minimum = 0)]
    pub verified_rows: Option<usize>,
    /// Sequence number of the first broken entry; null if the ledger is intact or the problem has no entry.
    #[schema(minimum = 1)]
    pub first_broken_sequence: Option<i64>,
    /// Description of the problem; null if the ledger is intact.
    #[schema(max_length = 500)]
    pub detail: Option<String>,
}

/// Something that is broken: the entry, if there is one, and a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Number of the entry.
    pub sequence: Option<i64>,
    /// What is wrong.
    pub detail: String,
}

/// Verification beyond the chain itself.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Points that the chain must have, known from elsewhere.
    pub points: Vec<Point>,
    /// Whether to compare rows with their last entries.
    pub is_deep: bool,
}

/// Verifies an organization's ledger inside one snapshot. Checkpoints in the database must be signed by one of the keys.
pub async fn verify(
    conn: &mut Conn,
    organization_id: Uuid,
    keys: &KeySet,
    wanted: Wanted,
) -> Result<Verification, ApiError> {
    let head = ledger::head(conn, organization_id).await?.ok_or_else(ApiError::not_found)?;
    let mut points = wanted.points;
    let signed = read_checkpoints(conn, organization_id, keys, &mut points).await?;
    let mut verifier = Verifier::through(points);
    let chain = walk(conn, organization_id, &mut verifier).await?;
    let end = || verifier.finish(head.sequence, &head.hash).map_err(Broken::from);
    let mut found = chain.and_then(|()| end()).and(signed);
    let mut verified_rows = None;
    if wanted.is_deep && found.is_ok() {
        match rows::compare(conn, organization_id).await? {
            Ok(rows) => verified_rows = Some(rows),
            Err(broken) => found = Err(broken),
        }
    }
    let broken = found.err();
    Ok(Verification {
        intact: broken.is_none(),
        verified_entries: verifier.point().sequence,
        head_sequence: head.sequence,
        head_hash: milepost_domain::ledger::hex(&head.hash),
        verified_checkpoints: verifier.points_verified(),
        verified_rows,
        first_broken_sequence: broken.as_ref().and_then(|broken| broken.sequence),
        detail: broken.map(|broken| broken.detail),
    })
}

impl From<milepost_domain::ledger::Break> for Broken {
    fn from(found: milepost_domain::ledger::Break) -> Self {
        Self { sequence: Some(found.sequence()), detail: found.to_string() }
    }
}

/// Adds the stored checkpoints to the points that the chain must have. Returns the first that no key has signed.
async fn read_checkpoints(
    conn: &mut Conn,
    organization_id: Uuid,
    keys: &KeySet,
    points: &mut Vec<Point>,
) -> Result<Result<(), Broken>, ApiError> {
    let (mut before, mut outcome) = (None, Ok(()));
    loop {
        let rows = ledger_checkpoints::list(conn, organization_id, before, 1000).await?;
        let Some(last) = rows.last() else { return Ok(outcome) };
        before = Some(last.sequence);
        for row in rows {
            let says_so = |said: &Statement| {
                said.organization_id == organization_id
                    && said.sequence == row.sequence
                    && said.iat == row.made_at.timestamp()
            };
            match Statement::read(&row.token, keys).filter(says_so).and_then(|said| said.point()) {
                Some(point) if point.hash.as_slice() == row.hash => points.push(point),
                _ => {
                    let detail =
                        format!("the checkpoint at entry {} is not signed by a key of this server", row.sequence);
                    outcome = Err(Broken { sequence: Some(row.sequence), detail });
                }
            }
        }
    }
}

/// The states of an entry as they are stored.
fn states(entry: &Entry) -> States<'_> {
    if entry.erased_at.is_some() {
        return match (&entry.content_salt, &entry.before, &entry.after) {
            (None, None, None) => States::Erased { has_digest: entry.content_digest.is_some() },
            _ => States::Contradictory,
        };
    }
    entry.content_digest.as_deref().map_or(States::Fields, |digest| States::Sealed {
        salt: entry.content_salt.as_deref().unwrap_or_default(),
        digest,
        before: entry.before.as_deref(),
        after: entry.after.as_deref(),
    })
}

/// Recomputes the chain from the first entry to the last.
async fn walk(conn: &mut Conn, organization_id: Uuid, verifier: &mut Verifier) -> Result<Result<(), Broken>, ApiError> {
    let organization = organization_id.to_string();
    loop {
        let entries = ledger::stretch(conn, organization_id, verifier.point().sequence, STRETCH).await?;
        for entry in &entries {
            let erases = erasure::entries_erased_by(entry);
            let checked = with_content(&organization, entry, |content| {
                verifier.next(&Stored {
                    content: *content,
                    states: states(entry),
                    erases: &erases,
                    previous: &entry.previous_hash,
                    hash: &entry.hash,
                })
            });
            if let Err(found) = checked {
                return Ok(Err(found.into()));
            }
        }
        if entries.is_empty() {
            return Ok(Ok(()));
        }
    }
}
