//! What runs beside requests, one function a job, each on its own interval.

use std::sync::Arc;
use std::time::Duration;

use chrono::Duration as Span;
use tokio::task::JoinSet;

use crate::app::App;
use crate::store::{api_clients, idempotency, organizations, signing_keys};
use crate::unit::IDEMPOTENCY_HOURS;

/// How often the keys' last use is written.
const KEY_USAGE_EVERY: Duration = Duration::from_secs(60);
/// How often what is outdated is forgotten.
const PRUNING_EVERY: Duration = Duration::from_secs(3600);
/// How long a retired signing key goes on verifying: far longer than any token lives.
const RETIRED_KEY_DAYS: i64 = 7;

/// The running jobs; they end when this is dropped or told to.
#[derive(Debug)]
pub struct Jobs(JoinSet<()>);

impl Jobs {
    /// Ends them.
    pub fn abort_all(mut self) {
        self.0.abort_all();
    }
}

/// Starts every job.
pub fn start(app: &Arc<App>) -> Jobs {
    let mut jobs = JoinSet::new();
    let shared = Arc::clone(app);
    jobs.spawn(async move {
        loop {
            tokio::time::sleep(KEY_USAGE_EVERY).await;
            note_key_usage(&shared).await;
        }
    });
    let shared = Arc::clone(app);
    jobs.spawn(async move {
        loop {
            if let Err(error) = prune(&shared).await {
                tracing::warn!(%error, "pruning failed; it will be tried again");
            }
            tokio::time::sleep(PRUNING_EVERY).await;
        }
    });
    Jobs(jobs)
}

/// Writes when each API key was last used.
pub async fn note_key_usage(app: &App) {
    let used = app.tenants.take_used();
    if used.is_empty() {
        return;
    }
    let written: sqlx::Result<()> = async {
        let mut conn = app.db.begin().await?;
        for ((organization_id, id), at) in used {
            api_clients::touch_key(&mut conn, organization_id, id, at).await?;
        }
        conn.commit().await
    }
    .await;
    if let Err(error) = written {
        tracing::warn!(%error, "the last use of API keys could not be written");
    }
}

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
