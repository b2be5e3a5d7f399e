//! The job that makes checkpoints of ledgers.

use crate::checkpoints;
use crate::error::ApiError;
use crate::state::App;
use crate::store::organizations;

/// Makes a checkpoint of every ledger that has grown. A failure in one organization does not affect the others.
pub async fn make_checkpoints(app: &App) -> Result<(), ApiError> {
    let ids = organizations::ids(&mut app.db.read().await?).await?;
    let mut outcome = Ok(());
    for organization_id in ids {
        if let Err(error) = checkpoints::make(app, organization_id).await {
            outcome = Err(error);
        }
    }
    outcome
}
