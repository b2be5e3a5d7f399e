//! Opening databases: pools, timeouts and the settings each connection starts with.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::{ACQUIRE_TIMEOUT, Db};

/// How many SQLite readers: more than cores gains nothing, fewer starves long reports.
const SQLITE_READERS: u32 = 4;
/// How many PostgreSQL connections one replica holds at most.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Page cache of each SQLite connection, in KiB (negative: KiB, not pages).
const SQLITE_CACHE: &str = "-65536";

/// Pages the log may hold before they are written into the file: the more, the fewer times a page that changes often is written.
const SQLITE_CHECKPOINT: &str = "8192";

/// Opens the SQLite file, creating it if need be.
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
    // A file does not go away: testing a connection before use would double the cost of a small read.
    let pool = || SqlitePoolOptions::new().acquire_timeout(Duration::from_secs(10)).test_before_acquire(false);
    let writer = pool().max_connections(1).connect_with(options.clone()).await?;
    let readers = pool().max_connections(SQLITE_READERS).connect_with(options.read_only(true)).await?;
    Ok(Db::Sqlite { readers, writer })
}

/// Opens a pool on a PostgreSQL server. The server may be away: requests answer 503 until it is back.
pub fn postgres(url: &str) -> sqlx::Result<Db> {
    let options = PgConnectOptions::from_str(url)?.application_name("milepost").options([
        ("statement_timeout", "30000"),
        ("lock_timeout", "10000"),
        ("idle_in_transaction_session_timeout", "60000"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(Duration::from_secs(300))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            // A connection used a moment ago is almost surely alive; an older one is asked, so that an outage heals by itself.
            Box::pin(async move {
                if meta.idle_for > Duration::from_secs(1) {
                    sqlx::Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    Ok(Db::Postgres(pool))
}
