//! Verification of the ledger's hash chain.

use actix_web::get;
use milepost_domain::ledger::{Break, Stored, Verifier};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::{Conn, ledger};
use crate::unit::with_content;

/// Number of entries read at a time, so that verification needs constant memory.
const STRETCH: i64 = 1000;

/// Result of a ledger verification.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"intact": true, "verified_entries": 1204, "first_broken_sequence": null, "detail": null}))]
pub struct Verification {
    /// Whether every entry is unchanged and in place.
    pub intact: bool,
    /// Number of intact entries, counted from the first entry.
    #[schema(minimum = 0)]
    pub verified_entries: i64,
    /// Sequence number of the first broken entry; null if the ledger is intact.
    #[schema(minimum = 1)]
    pub first_broken_sequence: Option<i64>,
    /// Description of the problem; null if the ledger is intact.
    #[schema(max_length = 500)]
    pub detail: Option<String>,
}

/// Verify the ledger
///
/// Recomputes the hash chain from the first entry to the recorded head, and reports the first broken entry.
#[utoipa::path(tag = "ledger", security(("bearer" = ["ledger:read"])), responses((status = 200, description = "The result of the verification.", body = Verification)))]
#[get("/v1/ledger/verification")]
pub async fn verify_ledger(cx: Context) -> Result<Answer, ApiError> {
    Ok(Answer::ok(&verification(&mut cx.snapshot().await?, cx.organization_id()).await?)?.content_tag())
}

/// Verifies an organization's chain inside one snapshot.
pub async fn verification(conn: &mut Conn, organization_id: Uuid) -> Result<Verification, ApiError> {
    let head = ledger::head(conn, organization_id).await?.ok_or_else(ApiError::not_found)?;
    let mut verifier = Verifier::default();
    let organization = organization_id.to_string();
    loop {
        let entries = ledger::stretch(conn, organization_id, verifier.verified(), STRETCH).await?;
        for entry in &entries {
            let checked = with_content(&organization, entry, |content| {
                verifier.next(&Stored { content: *content, previous: &entry.previous_hash, hash: &entry.hash })
            });
            if let Err(found) = checked {
                return Ok(broken(&verifier, &found));
            }
        }
        if entries.is_empty() {
            break;
        }
    }
    Ok(match verifier.finish(head.sequence, &head.hash) {
        Ok(()) => Verification {
            intact: true,
            verified_entries: verifier.verified(),
            first_broken_sequence: None,
            detail: None,
        },
        Err(found) => broken(&verifier, &found),
    })
}

fn broken(verifier: &Verifier, found: &Break) -> Verification {
    Verification {
        intact: false,
        verified_entries: verifier.verified(),
        first_broken_sequence: Some(found.sequence()),
        detail: Some(found.to_string()),
    }
}
