//! The commands that make, check and restore backups of an SQLite database.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, print};
use crate::backup::{self, BackupError, Manifest};
use crate::clock::Clock;
use crate::config::Storage;
use crate::database::lock_data_directory;

/// Refusal for those who keep their data in PostgreSQL.
const POSTGRES: &str = "PostgreSQL has tools of its own for this: see \"Back up and restore\" in the README";

/// Where to write the backup.
#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    storage: Storage,
    /// File to write. Its manifest, with a checksum and the end of every ledger, is written beside it as FILE.json.
    file: PathBuf,
    /// Check FILE, an existing backup, instead of writing one.
    #[arg(long)]
    check: bool,
}

/// Backup to restore, and how.
#[derive(Debug, Args)]
pub struct Restore {
    #[command(flatten)]
    storage: Storage,
    /// Backup to restore, with its manifest beside it. No server may be using the data directory.
    file: PathBuf,
    /// Replace the database that is there. It is kept beside the restored one.
    #[arg(long)]
    replace: bool,
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Self::new(error)
    }
}

/// Makes or checks a backup.
pub async fn run(options: Backup) -> Result<(), Failure> {
    if options.storage.database_url.is_some() {
        return Err(Failure::new(POSTGRES));
    }
    let manifest = if options.check {
        backup::check(&options.file).await?
    } else {
        backup::make(&options.storage.data_dir, &options.file, &Clock::system()).await?
    };
    print(&summary(&options.file.display().to_string(), &manifest))
}

/// Restores a backup.
pub async fn restore(options: Restore) -> Result<(), Failure> {
    if options.storage.database_url.is_some() {
        return Err(Failure::new(POSTGRES));
    }
    let _lock = lock_data_directory(&options.storage)?;
    let directory = &options.storage.data_dir;
    let (manifest, kept) = backup::restore(&options.file, directory, options.replace, &Clock::system()).await?;
    print(&summary(&directory.display().to_string(), &manifest))?;
    match kept {
        Some(kept) => print(&format!("The database that was there is kept in {}\n", kept.display())),
        None => Ok(()),
    }
}

fn summary(place: &str, manifest: &Manifest) -> String {
    let Manifest { bytes, sha256, ledgers, made_at } = manifest;
    let heads = ledgers.iter().map(|one| format!("  {} {}:{}\n", one.organization_id, one.sequence, one.hash));
    format!(
        "{place}: {bytes} bytes of {made_at}, SHA-256 {sha256}, {} ledgers verified\n{}",
        ledgers.len(),
        heads.collect::<String>()
    )
}
