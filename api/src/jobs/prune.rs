//! The job that deletes outdated data.

use std::sync::Arc;

use chrono::Duration as Span;
use uuid::Uuid;

use crate::context::{Context, IDEMPOTENCY_HOURS};
use crate::error::ApiError;
use crate::handlers::events::erase::Erased;
use crate::ingest::dead_letters;
use crate::state::App;
use crate::store::{idempotency, organizations, rejected_messages, sign_in_codes, signing_keys, usage_events};
use crate::unit::{Change, Entity};

/// Number of days after which the private part of a retired signing key is forgotten.
const RETIRED_KEY_DAYS: i64 = 7;

/// Deletes stored responses that are too old to be replayed, usage events beyond their organization's retention,
/// the private part of signing keys that were retired long ago, and quotas that are full again.
pub async fn prune(app: &Arc<App>) -> Result<(), ApiError> {
    app.limiter.forget_idle();
    app.share_limiter.forget_idle();
    app.refusals.forget_idle();
    app.turns.forget_idle();
    app.questions.forget_idle();
    app.storage.keep_reserve();
    let now = app.clock.now();
    let ids = organizations::ids(&mut app.db.read().await?).await?;
    for organization_id in ids {
        let mut conn = app.db.begin().await?;
        idempotency::delete_before(&mut conn, organization_id, now - Span::hours(IDEMPOTENCY_HOURS)).await?;
        let kept_since = now - Span::days(dead_letters::KEPT_DAYS);
        sign_in_codes::prune(&mut conn, organization_id, now - Span::days(1)).await?;
        rejected_messages::prune(&mut conn, organization_id, kept_since, dead_letters::MOST_KEPT).await?;
        conn.commit().await?;
        prune_events(app, organization_id).await?;
    }
    let mut conn = app.db.begin().await?;
    signing_keys::forget_retired_before(&mut conn, now - Span::days(RETIRED_KEY_DAYS)).await?;
    Ok(conn.commit().await?)
}

/// Deletes events that are too old in portions, so that other writers get their turn in between.
async fn prune_events(app: &Arc<App>, organization_id: Uuid) -> Result<(), ApiError> {
    let found = organizations::find(&mut app.db.read().await?, organization_id).await?;
    let Some(days) = found.and_then(|organization| organization.event_retention_days) else { return Ok(()) };
    let Some(cx) = Context::of_job(app, organization_id).await? else { return Ok(()) };
    loop {
        let mut unit = cx.begin().await?;
        let erased = usage_events::prune(&mut unit.conn, organization_id, cx.now - Span::days(days), unit.now).await?;
        if erased == 0 {
            return Ok(());
        }
        let entity = (Entity::Organization, organization_id);
        let change =
            Change { verb: "events_pruned", entity, root: entity, before: None, after: Some(&Erased { erased }) };
        unit.record(change).await?;
        unit.commit().await?;
    }
}
