//! Bringing customers' scores up to date, and letting playbooks react.

use std::sync::Arc;

use chrono::Duration as Span;
use uuid::Uuid;

use crate::context::Context;
use crate::customer_health::keep;
use crate::customer_health::models::Models;
use crate::error::ApiError;
use crate::state::App;
use crate::store::{health_scores, organizations};

/// Looks at every organization; what is wrong with one does not hold up the others.
pub async fn keep_health(app: &Arc<App>) -> Result<(), ApiError> {
    let ids = organizations::ids(&mut app.db.read().await?).await?;
    for organization_id in ids {
        if let Err(error) = keep_one(app, organization_id).await {
            tracing::warn!(%error, %organization_id, "scores could not be brought up to date; it will be tried again");
        }
    }
    Ok(())
}

/// Looks at an organization whose interval is over, or whose day has changed.
async fn keep_one(app: &Arc<App>, organization_id: Uuid) -> Result<(), ApiError> {
    let Some(cx) = Context::of_job(app, organization_id).await? else { return Ok(()) };
    let mut conn = cx.read().await?;
    if let Some(marks) = health_scores::marks(&mut conn, organization_id).await? {
        let interval = Models::load(&mut conn, organization_id, None).await?.update_interval_minutes();
        let is_due = cx.now - marks.computed_at >= Span::minutes(i64::from(interval));
        if !is_due && marks.as_of == cx.today() {
            return Ok(());
        }
    }
    drop(conn);
    keep::keep_health(&cx).await.map(|_| ())
}
