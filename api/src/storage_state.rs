//! What is known of the room that the database has: whether its last write failed for lack of it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Storage;

/// Size of what is written to learn whether there is room again, and of the reserve.
const ROOM_BYTES: usize = 1024 * 1024;
/// Time between two attempts to find room.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Time after which a full disk of a database server counts as writable again, before anybody has tried.
const FORGET_AFTER: Duration = Duration::from_secs(60);
/// File that is given up at the start if the disk is full: SQLite needs a little room even for reading.
const RESERVE: &str = "milepost.reserve";

/// Whether the database can be written to, and where its files are.
#[derive(Debug)]
pub struct StorageState {
    /// Directory of the SQLite file; none with PostgreSQL, whose disk is elsewhere.
    directory: Option<PathBuf>,
    full: Mutex<Option<Full>>,
}

/// Storage that was full when somebody last looked.
#[derive(Debug, Clone, Copy)]
struct Full {
    since: Instant,
    looked_at: Instant,
}

/// Sizes on the disk of an SQLite file, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Free space for the user who runs the server.
    pub free: u64,
    /// Size of the database file.
    pub database: u64,
    /// Size of the log of changes that are not in the file yet.
    pub log: u64,
}

impl StorageState {
    /// Creates the state of a database that can be written to.
    pub fn new(storage: &Storage) -> Self {
        let directory = storage.database_url.is_none().then(|| storage.data_dir.clone());
        Self { directory, full: Mutex::default() }
    }

    /// Notes that a write failed because storage is full.
    pub fn note_full(&self) {
        let now = Instant::now();
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let since = full.map_or(now, |full| full.since);
        *full = Some(Full { since, looked_at: now });
    }

    /// Notes that a write succeeded.
    pub fn note_written(&self) {
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns whether writes fail because storage is full, as far as is known. Looks for room now and then.
    pub fn is_full(&self) -> bool {
        let mut state = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(full) = state.as_mut() else { return false };
        let has_room = match &self.directory {
            Some(directory) if full.looked_at.elapsed() >= LOOK_EVERY => {
                full.looked_at = Instant::now();
                has_room(directory)
            }
            Some(_) => false,
            None => full.since.elapsed() >= FORGET_AFTER,
        };
        if has_room {
            *state = None;
        }
        !has_room
    }

    /// Makes the reserve, if there is none and there is room for it.
    pub fn keep_reserve(&self) {
        let Some(reserve) = self.directory.as_ref().map(|directory| directory.join(RESERVE)) else { return };
        if !reserve.exists() && write_room(&reserve).is_err() {
            // A part of a reserve is none.
            let _ = fs::remove_file(&reserve);
        }
    }

    /// Returns the sizes on disk; none with PostgreSQL.
    pub fn sizes(&self) -> Option<Sizes> {
        let directory = self.directory.as_ref()?;
        let disk = rustix::fs::statvfs(directory).ok()?;
        let size = |name: &str| std::fs::metadata(directory.join(name)).map_or(0, |file| file.len());
        Some(Sizes {
            free: disk.f_bavail.saturating_mul(disk.f_frsize),
            database: size("milepost.db"),
            log: size("milepost.db-wal"),
        })
    }
}

/// Gives up the reserve of a directory; returns whether there was one.
pub fn give_up_reserve(directory: &Path) -> bool {
    fs::remove_file(directory.join(RESERVE)).is_ok()
}

/// Returns whether there is room in a directory. Writing is the only way to know: a disk may be full only for this user.
fn has_room(directory: &Path) -> bool {
    let attempt = directory.join("milepost.room");
    let written = write_room(&attempt);
    let _ = fs::remove_file(&attempt);
    written.is_ok()
}

fn write_room(file: &Path) -> io::Result<()> {
    let mut file = File::create(file)?;
    file.write_all(&vec![0; ROOM_BYTES])?;
    file.sync_all()
}
