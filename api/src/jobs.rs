//! Background jobs, one file per job, each with its own interval.

pub mod backups;
pub mod checkpoints;
pub mod keep_health;
pub mod keep_proofs;
pub mod key_usage;
pub mod prune;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

pub use self::backups::make_backup;
pub use self::checkpoints::make_checkpoints;
use self::keep_health::keep_health;
use self::keep_proofs::keep_proofs;
pub use self::key_usage::note_key_usage;
pub use self::prune::prune;
use crate::error::ApiError;
use crate::reminding::remind_all;
use crate::state::App;

/// Interval at which the last use of API keys is written.
const KEY_USAGE_EVERY: Duration = Duration::from_secs(60);
/// Interval at which outdated data is deleted.
const PRUNING_EVERY: Duration = Duration::from_secs(3600);
/// Interval at which the job checks whether an organization's health scores need an update.
const HEALTH_EVERY: Duration = Duration::from_secs(60);
/// Interval at which milestones are judged by what has become known.
const PROOFS_EVERY: Duration = Duration::from_secs(60);

/// Interval at which the job looks for those who are to be reminded of a question.
const REMINDERS_EVERY: Duration = Duration::from_secs(3600);

/// Time after the start within which every job runs for the first time.
const FIRST_RUN_WITHIN: Duration = Duration::from_secs(60);

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
    jobs.spawn(repeat(Arc::clone(app), "key_usage", KEY_USAGE_EVERY, async |app| note_key_usage(app).await));
    jobs.spawn(repeat(Arc::clone(app), "prune", PRUNING_EVERY, async |app| prune(app).await));
    jobs.spawn(repeat(Arc::clone(app), "keep_health", HEALTH_EVERY, async |app| keep_health(app).await));
    jobs.spawn(repeat(Arc::clone(app), "keep_proofs", PROOFS_EVERY, async |app| keep_proofs(app).await));
    jobs.spawn(repeat(Arc::clone(app), "reminders", REMINDERS_EVERY, async |app| remind_all(app).await));
    let every = Duration::from_secs(60 * u64::from(app.settings.checkpoint_every_minutes));
    jobs.spawn(repeat(Arc::clone(app), "checkpoints", every, async |app| make_checkpoints(app).await));
    if app.settings.backup_dir.is_some() {
        let every = Duration::from_secs(3600 * u64::from(app.settings.backup_every_hours));
        jobs.spawn(repeat(Arc::clone(app), "backups", every, async |app| make_backup(app).await));
    }
    Jobs(jobs)
}

/// Runs a job for ever, with a pause after each run. A run that fails is logged, counted and repeated.
async fn repeat(
    app: Arc<App>,
    name: &'static str,
    pause: Duration,
    job: impl AsyncFn(&Arc<App>) -> Result<(), ApiError>,
) {
    let mut wait = pause.min(FIRST_RUN_WITHIN);
    loop {
        tokio::time::sleep(wait).await;
        wait = pause;
        let outcome = job(&app).await;
        if let Err(error) = &outcome {
            tracing::warn!(job = name, %error, cause = error.cause(), "a job failed and will be repeated");
        }
        app.metrics.note_job(name, outcome.is_ok(), app.clock.now());
    }
}
