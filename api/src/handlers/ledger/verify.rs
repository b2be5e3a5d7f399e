//! Whether the ledger is what was written.

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

/// Entries read at a time: verification takes the same memory for any ledger.
const STRETCH: i64 = 1000;

/// The outcome of walking the whole chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"intact": true, "verified_entries": 1204, "first_broken_sequence": null, "detail": null}))]
pub struct Verification {
    /// Whether every entry is what was written.
    pub intact: bool,
    /// How many entries were found sound, from the first on.
    #[schema(minimum = 0)]
    pub verified_entries: i64,
    /// The first entry that is not, if any.
    #[schema(minimum = 1)]
    pub first_broken_sequence: Option<i64>,
    /// What is wrong with it.
    #[schema(max_length = 500)]
    pub detail: Option<String>,
}

/// Verifies the ledger from its first entry to its head
#[utoipa::path(tag = "ledger", security(("bearer" = ["ledger:read"])), responses((status = 200, description = "The outcome.", body = Verification)))]
#[get("/v1/ledger/verification")]
pub async fn verify_ledger(cx: Context) -> Result<Answer, ApiError> {
    Ok(Answer::ok(&verification(&mut cx.snapshot().await?, cx.organization_id()).await?)?.content_tag())
}

/// Walks an organization's chain inside one snapshot.
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
