//! What runs beside requests, one file a job, each on its own interval.

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

/// How often the keys' last use is written.
const KEY_USAGE_EVERY: Duration = Duration::from_secs(60);
/// How often what is outdated is forgotten.
const PRUNING_EVERY: Duration = Duration::from_secs(3600);
/// How often it is looked whether some organization's scores are to be brought up to date.
const HEALTH_EVERY: Duration = Duration::from_secs(60);

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
    let shared = Arc::clone(app);
    jobs.spawn(async move {
        loop {
            tokio::time::sleep(HEALTH_EVERY).await;
            if let Err(error) = keep_health(&shared).await {
                tracing::warn!(%error, "scores could not be brought up to date; it will be tried again");
            }
        }
    });
    Jobs(jobs)
}
