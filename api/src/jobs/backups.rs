//! The job that makes scheduled backups and deletes those that are too many.

use std::fs;

use chrono::Duration as Span;

use crate::backup;
use crate::error::ApiError;
use crate::state::App;

/// Makes a backup in the configured directory, and deletes the oldest beyond the configured number.
pub async fn make_backup(app: &App) -> Result<(), ApiError> {
    let settings = &app.settings;
    let Some(directory) = settings.backup_dir.as_ref().filter(|_| settings.storage.database_url.is_none()) else {
        return Ok(());
    };
    fs::create_dir_all(directory).map_err(ApiError::internal)?;
    let now = app.clock.now();
    let since = backup::name_at(now - Span::hours(i64::from(settings.backup_every_hours)) + Span::minutes(5));
    let newest = backup::list(directory).map_err(ApiError::internal)?.pop();
    if newest.is_some_and(|newest| newest > directory.join(since)) {
        // A server that is started again and again does not make a backup each time.
        return Ok(());
    }
    let (data_dir, file, clock) =
        (settings.storage.data_dir.clone(), directory.join(backup::name_at(now)), app.clock.clone());
    // On a thread of its own, because a large file takes long to be read and hashed.
    let making = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(backup::make(&data_dir, &file, &clock)).map_err(std::io::Error::other)
    });
    making.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    let backups = backup::list(directory).map_err(ApiError::internal)?;
    let too_many = backups.len().saturating_sub(usize::from(settings.backup_keep));
    for old in &backups[..too_many] {
        let removed = fs::remove_file(old).and_then(|()| fs::remove_file(backup::manifest_of(old)));
        removed.map_err(ApiError::internal)?;
    }
    Ok(())
}
