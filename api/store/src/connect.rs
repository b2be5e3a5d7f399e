//! Opening of databases: pools, timeouts and the initial settings of each connection.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::lane::Lane;
use crate::{Db, Pools};

/// Time that a request waits for a connection to PostgreSQL before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(1500);
/// Number of SQLite readers. More than the number of cores gains nothing; too few would let long reports block other
/// reads.
const SQLITE_READERS: u32 = 4;
/// Maximum number of PostgreSQL connections of one replica for reading. With the others, a replica has 16.
const POSTGRES_READERS: u32 = 7;
/// Maximum number of PostgreSQL connections of one replica for what is kept in memory.
const POSTGRES_KEEPERS: u32 = 3;
/// Maximum number of PostgreSQL connections of one replica for writing: so many organizations write at once.
const POSTGRES_WRITERS: u32 = 5;
/// Number of SQLite connections for what is kept in memory.
const SQLITE_KEEPERS: u32 = 2;
/// Page cache of each SQLite connection. A negative value is in KiB rather than pages.
const SQLITE_CACHE: &str = "-65536";

/// Number of pages that the log may contain before they are written to the file. With a larger log, a page that changes
/// often is written less often.
const SQLITE_CHECKPOINT: &str = "8192";

/// Opens the SQLite file and creates it if it does not exist.
pub async fn sqlite(file: &Path) -> sqlx::Result<Db> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("cache_size", SQLITE_CACHE)
        .pragma("wal_autocheckpoint", SQLITE_CHECKPOINT)
        .row_buffer_size(512)
        .statement_cache_capacity(256);
    // A file does not become unavailable, and testing a connection before use would double the cost of a small read.
    let pool = |connections| {
        let pool = SqlitePoolOptions::new().max_connections(connections);
        pool.acquire_timeout(Duration::from_secs(10)).test_before_acquire(false)
    };
    let writers = Lane::of(pool(1).connect_with(options.clone()).await?);
    let options = options.read_only(true);
    let readers = Lane::of(pool(SQLITE_READERS).connect_with(options.clone()).await?);
    let keepers = Lane::of(pool(SQLITE_KEEPERS).connect_lazy_with(options.clone()));
    Ok(Db::Sqlite(Arc::new(Pools { readers, keepers, writers, probe: Lane::of(pool(1).connect_lazy_with(options)) })))
}

/// Opens an SQLite file for reading only. A file that cannot even be locked, on a medium that is read-only, is read as it
/// is, if no changes are left in its log.
pub async fn sqlite_read_only(file: &Path) -> sqlx::Result<Db> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let open = async |options: SqliteConnectOptions| {
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        sqlx::query("SELECT COUNT(*) FROM sqlite_schema").execute(&pool).await?;
        Ok::<_, sqlx::Error>(pool)
    };
    let has_log = std::fs::metadata(log_of(file)).is_ok_and(|log| log.len() > 0);
    let pool = match open(options.clone()).await {
        Err(_) if file.exists() && !has_log => open(options.immutable(true)).await?,
        opened => opened?,
    };
    let lane = || Lane::of(pool.clone());
    Ok(Db::Sqlite(Arc::new(Pools { readers: lane(), keepers: lane(), writers: lane(), probe: lane() })))
}

/// Writes a consistent copy of an SQLite file to a new file, while others read and write it. The copy contains what was
/// committed when it began, and needs no log.
pub async fn copy_sqlite(file: &Path, target: &Path) -> sqlx::Result<()> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true).busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(target.to_string_lossy().into_owned()).execute(&pool).await;
    pool.close().await;
    copied.map(|_| ())
}

/// Returns the file in which SQLite keeps the changes that are not in the database file yet.
pub fn log_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Opens pools on a PostgreSQL server. The server may be unavailable; requests then fail with 503 until it is back.
pub fn postgres(url: &str) -> sqlx::Result<Db> {
    let options = PgConnectOptions::from_str(url)?.application_name("milepost").options([
        ("statement_timeout", "30000"),
        ("lock_timeout", "10000"),
        ("idle_in_transaction_session_timeout", "60000"),
    ]);
    let pool = |connections| {
        let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
        let pool = pool.idle_timeout(Duration::from_secs(300)).test_before_acquire(false);
        let pool = pool.before_acquire(|connection, meta| {
            // A connection that was used a moment ago is almost certainly alive. An older connection is tested, so that
            // the pool recovers from an outage by itself.
            Box::pin(async move {
                if meta.idle_for > Duration::from_secs(1) {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        });
        Lane::of(pool.connect_lazy_with(options.clone()))
    };
    Ok(Db::Postgres(Arc::new(Pools {
        readers: pool(POSTGRES_READERS),
        keepers: pool(POSTGRES_KEEPERS),
        writers: pool(POSTGRES_WRITERS),
        probe: pool(1),
    })))
}
