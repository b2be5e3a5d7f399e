//! The job that updates customers' health scores and lets playbooks react.

use std::sync::Arc;

use chrono::Duration as Span;
use uuid::Uuid;

use crate::context::Context;
use crate::customer_health::keep;
use crate::customer_health::models::Models;
use crate::error::ApiError;
use crate::state::App;
use crate::store::marks::{self, Upkeep};
use crate::store::organizations;

/// Updates every organization. A failure in one organization does not affect the others.
pub async fn keep_health(app: &Arc<App>) -> Result<(), ApiError> {
    let ids = organizations::ids(&mut app.db.read().await?).await?;
    for organization_id in ids {
        if let Err(error) = keep_one(app, organization_id).await {
            tracing::warn!(%error, %organization_id, "health scores could not be updated; the update will be retried");
        }
    }
    Ok(())
}

/// Updates an organization if its interval has elapsed or its date has changed.
async fn keep_one(app: &Arc<App>, organization_id: Uuid) -> Result<(), ApiError> {
    let Some(cx) = Context::of_job(app, organization_id).await? else { return Ok(()) };
    let mut conn = cx.read().await?;
    if let Some(marks) = marks::find(&mut conn, organization_id, Upkeep::Health).await? {
        let interval = Models::load(&mut conn, organization_id, None).await?.update_interval_minutes();
        let is_due = cx.now - marks.computed_at >= Span::minutes(i64::from(interval));
        if !is_due && marks.as_of == cx.today() {
            return Ok(());
        }
    }
    drop(conn);
    keep::keep_health(&cx).await.map(|_| ())
}
