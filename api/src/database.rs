//! The database that the settings name: its directory, its lock, and its opening with the schema up to date or for reading only.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::config::Storage;
use crate::error::ApiError;
use crate::storage_state::give_up_reserve;
use crate::store::{self, Db, connect, migrations};

/// Name of the database file in a data directory.
pub const DATABASE: &str = "milepost.db";

/// Why a server did not start. The texts are for the person who started it.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum StartError {
    #[error("cannot use the data directory: {0}")]
    DataDirectory(std::io::Error),
    #[error("another server is using {0}: stop it first, or choose another --data-dir")]
    DatabaseInUse(String),
    #[error("there is no database in {0}")]
    NoDatabase(String),
    #[error("cannot open the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("cannot bring the schema up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    #[error("{0}")]
    Other(String),
}

impl From<ApiError> for StartError {
    fn from(error: ApiError) -> Self {
        Self::Other(error.cause().map_or_else(|| error.to_string(), ToOwned::to_owned))
    }
}

/// Locks the data directory, which only its owner may look into. A second server on the same file would not notice the data
/// that the first one writes.
pub fn lock_data_directory(storage: &Storage) -> Result<Option<File>, StartError> {
    if storage.database_url.is_some() {
        return Ok(None);
    }
    prepare_directory(&storage.data_dir).map_err(StartError::DataDirectory)?;
    let file = File::create(storage.data_dir.join("milepost.lock")).map_err(StartError::DataDirectory)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            Err(StartError::DatabaseInUse(storage.data_dir.join(DATABASE).display().to_string()))
        }
        Err(TryLockError::Error(error)) => Err(StartError::DataDirectory(error)),
    }
}

/// Makes the data directory, and closes it and the database's files to everybody else if they are open to them. New files
/// are closed by the mask that the program sets.
fn prepare_directory(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let close = |path: &Path, mode: u32| {
            let permissions = fs::metadata(path)?.permissions();
            if permissions.mode() & 0o077 != 0 {
                tracing::warn!(path = %path.display(), "is open to other users, and is closed to them if possible");
                match fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
                    // Somebody else's directory, such as a mounted volume: its owner decides.
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                        tracing::warn!(path = %path.display(), "is open to other users and cannot be closed");
                    }
                    outcome => outcome?,
                }
            }
            io::Result::Ok(())
        };
        close(directory, 0o700)?;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && entry.file_name().to_string_lossy().starts_with("milepost") {
                close(&entry.path(), 0o600)?;
            }
        }
    }
    Ok(())
}

/// Opens the database of the configuration, with its schema up to date.
pub async fn open_database(storage: &Storage) -> Result<Db, StartError> {
    let db = match &storage.database_url {
        Some(url) => connect::postgres(url)?,
        None => {
            prepare_directory(&storage.data_dir).map_err(StartError::DataDirectory)?;
            let file = storage.data_dir.join(DATABASE);
            match connect::sqlite(&file).await {
                Err(error) if store::is_storage_full(&error) && give_up_reserve(&storage.data_dir) => {
                    connect::sqlite(&file).await?
                }
                opened => opened?,
            }
        }
    };
    migrations::run(&db).await?;
    Ok(db)
}

/// Opens the database of the configuration for reading only, with the schema that it has.
pub async fn open_read_only(storage: &Storage) -> Result<Db, StartError> {
    Ok(match &storage.database_url {
        Some(url) => connect::postgres(url)?,
        None => {
            let file = storage.data_dir.join(DATABASE);
            if !file.exists() {
                return Err(StartError::NoDatabase(storage.data_dir.display().to_string()));
            }
            connect::sqlite_read_only(&file).await?
        }
    })
}
