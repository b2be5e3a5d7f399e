//! Verification of the ledger.

use actix_web::get;
use milepost_domain::ledger::Point;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::answer::Answer;
use crate::auth::issuer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::verification::{Verification, Wanted, verify};

/// Verification beyond the chain itself.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerificationOptions {
    /// Entry that the ledger must have, as `sequence:hash`: the head of an earlier verification, or a checkpoint.
    #[param(max_length = 100)]
    expect: Option<String>,
    /// Whether to compare rows with their last entries, too. Takes longer.
    deep: Option<bool>,
}

/// Verify the ledger
///
/// Recomputes the hash chain from the first entry to the recorded head, compares it with every checkpoint, and reports the
/// first broken entry. With `expect` it must have that entry, too. With `deep`, the organization, API clients and keys,
/// customers, people, metrics, playbooks, plans and milestones are compared with their last entries, so that a row that was
/// edited past the API is found.
#[utoipa::path(tag = "ledger", security(("bearer" = ["ledger:read"])), params(VerificationOptions),
    responses((status = 200, description = "The result of the verification.", body = Verification)))]
#[get("/v1/ledger/verification")]
pub async fn verify_ledger(cx: Context, options: Query<VerificationOptions>) -> Result<Answer, ApiError> {
    let expected = options.0.expect.as_deref().map(str::parse::<Point>).transpose();
    let expected = expected.map_err(|rule| ApiError::parameter("expect", "wrong_format", rule.to_string()))?;
    let wanted = Wanted { points: expected.into_iter().collect(), is_deep: options.0.deep.unwrap_or_default() };
    let mut conn = cx.snapshot().await?;
    let keys = issuer::public_keys(&mut conn).await?;
    Ok(Answer::ok(&verify(&mut conn, cx.organization_id(), &keys, wanted).await?)?.content_tag())
}
