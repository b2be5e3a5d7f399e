//! Forgetting what is outdated.

use chrono::Duration as Span;

use crate::app::App;
use crate::store::{idempotency, organizations, signing_keys};
use crate::unit::IDEMPOTENCY_HOURS;

/// How long a retired signing key goes on verifying: far longer than any token lives.
const RETIRED_KEY_DAYS: i64 = 7;

/// Forgets idempotent answers that are too old to be replayed, signing keys long retired, and quotas that are whole again.
pub async fn prune(app: &App) -> sqlx::Result<()> {
    app.limiter.forget_idle();
    let now = app.clock.now();
    let ids = organizations::ids(&mut app.db.read().await?).await?;
    for organization_id in ids {
        let mut conn = app.db.begin().await?;
        idempotency::delete_before(&mut conn, organization_id, now - Span::hours(IDEMPOTENCY_HOURS)).await?;
        conn.commit().await?;
    }
    let mut conn = app.db.begin().await?;
    signing_keys::delete_retired_before(&mut conn, now - Span::days(RETIRED_KEY_DAYS)).await?;
    conn.commit().await
}
