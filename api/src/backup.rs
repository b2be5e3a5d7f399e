//! Backups of an SQLite database: a consistent copy of a running server's file, checked before it counts.
//!
//! A plain copy of the file is none: what was committed last is in the log beside it, and both change while they are copied.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use milepost_domain::ledger::hex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::auth::issuer;
use crate::clock::Clock;
use crate::database::DATABASE;
use crate::error::ApiError;
use crate::store::{Db, connect, ledger, migrations, organizations};
use crate::verification::{Wanted, verify};

/// Description beside a backup: its contents, and the means to tell that it is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Time of the backup.
    pub made_at: DateTime<Utc>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Where the ledger of each organization stood.
    pub ledgers: Vec<LedgerHead>,
}

/// Where the ledger of an organization stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHead {
    /// The organization.
    pub organization_id: Uuid,
    /// Number of the last entry.
    pub sequence: i64,
    /// Hash of it, in hexadecimal.
    pub hash: String,
}

/// Why a backup or a restore failed. The texts are for the operator.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum BackupError {
    #[error("{0} exists already: choose another name")]
    Exists(String),
    #[error("{path}: {error}")]
    File { path: String, error: io::Error },
    #[error("the database cannot be read: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the ledgers cannot be read: {0}")]
    Ledger(String),
    #[error("{0} is not whole: {1}")]
    NotWhole(String, String),
    #[error("{0} has a database: move it away, or pass --replace to keep it beside the restored one")]
    Occupied(String),
}

impl From<ApiError> for BackupError {
    fn from(error: ApiError) -> Self {
        Self::Ledger(error.cause().map_or_else(|| error.to_string(), ToOwned::to_owned))
    }
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> BackupError + '_ {
    |error| BackupError::File { path: path.display().to_string(), error }
}

/// Writes a backup of the database in a data directory, whether a server uses it or not, with its manifest beside it. The
/// file has its name only once it is whole.
pub async fn make(data_dir: &Path, target: &Path, clock: &Clock) -> Result<Manifest, BackupError> {
    if target.exists() {
        return Err(BackupError::Exists(target.display().to_string()));
    }
    let unfinished = beside(target, ".unfinished");
    // What an earlier attempt left behind is nobody's.
    let _ = fs::remove_file(&unfinished);
    let outcome = copy(data_dir, &unfinished, clock).await;
    if outcome.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    let manifest = outcome?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| BackupError::Ledger(error.to_string()))?;
    let beside = manifest_of(target);
    fs::write(&beside, text).map_err(file_error(&beside))?;
    fs::rename(&unfinished, target).map_err(file_error(target))?;
    sync_directory(target);
    Ok(manifest)
}

async fn copy(data_dir: &Path, to: &Path, clock: &Clock) -> Result<Manifest, BackupError> {
    connect::copy_sqlite(&data_dir.join(DATABASE), to).await?;
    let file = File::open(to).map_err(file_error(to))?;
    file.sync_all().map_err(file_error(to))?;
    Ok(Manifest {
        made_at: clock.now(),
        bytes: file.metadata().map_err(file_error(to))?.len(),
        sha256: checksum(to)?,
        ledgers: verified_ledgers(to).await?,
    })
}

/// Checks a backup: the file against its manifest, and its ledgers entry by entry.
pub async fn check(backup: &Path) -> Result<Manifest, BackupError> {
    let beside = manifest_of(backup);
    let text = fs::read(&beside).map_err(file_error(&beside))?;
    let not_whole = |what: &str| BackupError::NotWhole(backup.display().to_string(), what.to_owned());
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| not_whole(&error.to_string()))?;
    if checksum(backup)? != manifest.sha256 {
        return Err(not_whole("its checksum is not that of its manifest"));
    }
    if verified_ledgers(backup).await? != manifest.ledgers {
        return Err(not_whole("its ledgers do not end where its manifest says"));
    }
    Ok(manifest)
}

/// Puts a backup in the place of the database in a data directory that no server uses. With `is_replacing`, a database that
/// is there is kept beside it; returns where.
pub async fn restore(
    backup: &Path,
    data_dir: &Path,
    is_replacing: bool,
    clock: &Clock,
) -> Result<(Manifest, Option<PathBuf>), BackupError> {
    let manifest = check(backup).await?;
    let target = data_dir.join(DATABASE);
    // A log without its file would be replayed into whatever file comes beside it.
    let there = [target.clone(), connect::log_of(&target), beside(&target, "-shm")];
    let has_log = fs::metadata(&there[1]).is_ok_and(|log| log.len() > 0);
    let is_occupied = target.exists() || has_log;
    if is_occupied && !is_replacing {
        return Err(BackupError::Occupied(data_dir.display().to_string()));
    }
    let incoming = beside(&target, ".incoming");
    fs::copy(backup, &incoming).map_err(file_error(&incoming))?;
    let copied = File::open(&incoming).and_then(|file| file.sync_all());
    copied.map_err(file_error(&incoming))?;
    let kept = is_occupied.then(|| data_dir.join(format!("before-{}", clock.now().format("%Y%m%dT%H%M%SZ"))));
    if let Some(kept) = &kept {
        if target.exists()
            && let Ok(db) = connect::sqlite(&target).await
        {
            // Closing it writes the log back, so that the file alone is whole and one step moves it. One that is too damaged
            // for that is moved with its log as it is.
            db.close().await;
        }
        fs::create_dir(kept).map_err(file_error(kept))?;
        for from in there.iter().filter(|from| from.exists()) {
            let to = kept.join(from.file_name().unwrap_or_default());
            fs::rename(from, to).map_err(file_error(from))?;
        }
        sync_directory(&target);
    }
    // What is left is an empty log and its index.
    for file in there.iter().filter(|file| file.exists()) {
        fs::remove_file(file).map_err(file_error(file))?;
    }
    fs::rename(&incoming, &target).map_err(file_error(&target))?;
    sync_directory(&target);
    if verified_ledgers(&target).await? != manifest.ledgers {
        return Err(BackupError::NotWhole(target.display().to_string(), "it is not what the backup was".to_owned()));
    }
    Ok((manifest, kept))
}

/// The backups of a directory by name, which is by time, oldest first.
pub fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?.filter_map(Result::ok).map(|entry| entry.path());
    let mut backups: Vec<PathBuf> = entries.filter(|path| is_backup(path)).collect();
    backups.sort_unstable();
    Ok(backups)
}

/// Name of a scheduled backup.
pub fn name_at(at: DateTime<Utc>) -> String {
    format!("milepost-{}.db", at.format("%Y%m%dT%H%M%SZ"))
}

fn is_backup(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_named = name.strip_prefix("milepost-").and_then(|rest| rest.strip_suffix("Z.db"));
    is_named.is_some() && manifest_of(path).exists()
}

/// The file of a backup's manifest.
pub fn manifest_of(backup: &Path) -> PathBuf {
    beside(backup, ".json")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn sync_directory(file: &Path) {
    // A directory that cannot be synced (not on every system) leaves the rename to the operating system.
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
}

fn checksum(path: &Path) -> Result<String, BackupError> {
    let mut file = File::open(path).map_err(file_error(path))?;
    let (mut hash, mut buffer) = (digest::Context::new(&digest::SHA256), vec![0; 1024 * 1024]);
    loop {
        match file.read(&mut buffer).map_err(file_error(path))? {
            0 => return Ok(hex(hash.finish().as_ref())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Verifies every ledger of a file; returns where they end. A file with an older schema is verified in a copy that is brought
/// up to date, so that a backup can be made before an upgrade and restored after it.
async fn verified_ledgers(file: &Path) -> Result<Vec<LedgerHead>, BackupError> {
    let db = connect::sqlite_read_only(file).await?;
    let is_current = migrations::is_current(&db).await;
    if is_current? {
        return ledgers_of(&db, file).await;
    }
    db.close().await;
    let upgraded = beside(file, ".upgraded");
    fs::copy(file, &upgraded).map_err(file_error(&upgraded))?;
    let found = async {
        let db = connect::sqlite(&upgraded).await?;
        migrations::run(&db).await.map_err(|error| BackupError::Ledger(error.to_string()))?;
        ledgers_of(&db, file).await
    }
    .await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(beside(&upgraded, suffix));
    }
    found
}

async fn ledgers_of(db: &Db, file: &Path) -> Result<Vec<LedgerHead>, BackupError> {
    let mut conn = db.snapshot().await?;
    let keys = issuer::public_keys(&mut conn).await?;
    let mut heads = vec![];
    for organization_id in organizations::ids(&mut conn).await? {
        let found = verify(&mut conn, organization_id, &keys, Wanted::default()).await?;
        if let Some(detail) = found.detail {
            return Err(BackupError::NotWhole(file.display().to_string(), format!("{organization_id}: {detail}")));
        }
        let head = ledger::head(&mut conn, organization_id).await?;
        let hash = head.map(|head| hex(&head.hash)).unwrap_or_default();
        heads.push(LedgerHead { organization_id, sequence: found.verified_entries, hash });
    }
    drop(conn);
    db.close().await;
    Ok(heads)
}
