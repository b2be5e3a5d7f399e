//! The job that makes scheduled backups and deletes those that are too many.

use std::fs;

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
    let file = directory.join(backup::name_at(app.clock.now()));
    backup::make(&settings.storage.data_dir, &file, &app.clock).await.map_err(ApiError::internal)?;
    let backups = backup::list(directory).map_err(ApiError::internal)?;
    let too_many = backups.len().saturating_sub(usize::from(settings.backup_keep));
    for old in &backups[..too_many] {
        let removed = fs::remove_file(old).and_then(|()| fs::remove_file(backup::manifest_of(old)));
        removed.map_err(ApiError::internal)?;
    }
    Ok(())
}
