//! Bringing customers' scores up to date, and letting playbooks react.

use std::sync::Arc;

use chrono::Duration as Span;

use crate::app::App;
use crate::context::Context;
use crate::error::ApiError;
use crate::health::models::Models;
use crate::store::{health_scores, organizations};

/// Looks at every organization whose interval is over, or whose day has changed.
pub async fn keep_health(app: &Arc<App>) -> Result<(), ApiError> {
    let ids = organizations::ids(&mut app.db.read().await?).await?;
    for organization_id in ids {
        let Some(cx) = Context::of_job(app, organization_id).await? else { continue };
        let mut conn = cx.read().await?;
        if let Some(marks) = health_scores::marks(&mut conn, organization_id).await? {
            let interval = Models::load(&mut conn, organization_id, None).await?.update_interval_minutes();
            let is_due = cx.now - marks.computed_at >= Span::minutes(i64::from(interval));
            if !is_due && marks.as_of == cx.today() {
                continue;
            }
        }
        drop(conn);
        if let Err(error) = cx.keep_health().await {
            tracing::warn!(%error, %organization_id, "scores could not be brought up to date; it will be tried again");
        }
    }
    Ok(())
}
