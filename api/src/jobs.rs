//! Background jobs, one file per job, each with its own interval.

pub mod keep_health;
pub mod key_usage;
pub mod prune;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use self::keep_health::keep_health;
pub use self::key_usage::note_key_usage;
pub use self::prune::prune;
use crate::state::App;

/// Interval at which the last use of API keys is written.
const KEY_USAGE_EVERY: Duration = Duration::from_secs(60);
/// Interval at which outdated data is deleted.
const PRUNING_EVERY: Duration = Duration::from_secs(3600);
/// Interval at which the job checks whether an organization's health scores need an update.
const HEALTH_EVERY: Duration = Duration::from_secs(60);

/// The running jobs. They end when this value is dropped or `abort_all` is called.
#[derive(Debug)]
pub struct Jobs(JoinSet<()>);

impl Jobs {
    /// Ends all jobs.
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
                tracing::warn!(%error, "pruning failed and will be retried");
            }
            tokio::time::sleep(PRUNING_EVERY).await;
        }
    });
    let shared = Arc::clone(app);
    jobs.spawn(async move {
        loop {
            tokio::time::sleep(HEALTH_EVERY).await;
            if let Err(error) = keep_health(&shared).await {
                tracing::warn!(%error, "health scores could not be updated; the update will be retried");
            }
        }
    });
    Jobs(jobs)
}
