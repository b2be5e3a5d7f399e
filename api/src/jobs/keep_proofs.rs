//! The job that lets milestones prove themselves.

use std::sync::Arc;

use crate::context::Context;
use crate::error::ApiError;
use crate::proving;
use crate::state::App;
use crate::store::organizations;

/// Brings every organization's proofs up to date. A failure in one organization does not affect the others.
pub async fn keep_proofs(app: &Arc<App>) -> Result<(), ApiError> {
    let ids = organizations::ids(&mut app.db.read().await?).await?;
    for organization_id in ids {
        let Some(cx) = Context::of_job(app, organization_id).await? else { continue };
        if let Err(error) = proving::up_to_date(&cx).await {
            tracing::warn!(%error, %organization_id, "proofs could not be brought up to date; this will be retried");
        }
    }
    Ok(())
}
