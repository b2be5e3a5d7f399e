//! The storage layer, which contains all SQL of the service. Statements are the same for both engines; the few that
//! differ use [`per_engine!`].
//!
//! Functions take the connection first and the organization second, bind the organization, and return [`sqlx::Result`].
//! This module deliberately has no business rules, no HTTP, and no trait over the two engines.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

pub mod api_clients;
pub mod author;
pub mod baselines;
pub mod communications;
pub mod connect;
pub mod costs;
pub mod customer_records;
pub mod customers;
mod from_row;
pub mod health_models;
pub mod health_scores;
pub mod idempotency;
pub mod interventions;
pub mod json_text;
pub mod kept;
pub mod keyset;
pub mod ledger;
pub mod metrics;
pub mod migrations;
pub mod milestones;
pub mod organizations;
pub mod people;
pub mod plans;
pub mod playbooks;
pub mod reviews;
pub mod risk_models;
pub mod row;
pub mod share_links;
pub mod signing_keys;
pub mod templates;
pub mod usage_events;
pub mod versions;

/// Time that a request waits for a connection before the database counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(1500);

/// A database of either engine. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    /// An SQLite file with many readers and one writer.
    Sqlite {
        /// Connections for reading. Readers see the last commit and never wait for the writer.
        readers: SqlitePool,
        /// Single connection for writing, so that writers queue in the pool and not at the file's lock.
        writer: SqlitePool,
    },
    /// A PostgreSQL server.
    Postgres(PgPool),
}

/// A connection of either engine, plain or inside a transaction.
#[derive(Debug)]
pub enum Conn {
    /// A connection to SQLite.
    Sqlite(Handle<Sqlite>),
    /// A connection to PostgreSQL.
    Postgres(Handle<Postgres>),
}

/// A pooled connection, or a transaction that rolls back when dropped.
#[derive(Debug)]
pub enum Handle<D: Database> {
    /// A plain connection. Each statement is a transaction of its own.
    Pooled(PoolConnection<D>),
    /// A transaction.
    Transaction(Transaction<'static, D>),
}

impl<D: Database> Deref for Handle<D> {
    type Target = D::Connection;
    fn deref(&self) -> &D::Connection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl<D: Database> DerefMut for Handle<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

/// Runs an expression on the engine of the connection: `on!(conn, db => query(SQL).bind(id).execute(db).await)`.
macro_rules! on {
    ($conn:expr, $db:ident => $run:expr) => {
        match $conn {
            $crate::Conn::Sqlite(handle) => {
                let $db = &mut **handle;
                $run
            }
            $crate::Conn::Postgres(handle) => {
                let $db = &mut **handle;
                $run
            }
        }
    };
}
pub(crate) use on;

/// Selects a value by engine, for SQL that differs between the two.
macro_rules! per_engine {
    ($conn:expr, sqlite: $sqlite:expr, postgres: $postgres:expr) => {
        match $conn {
            $crate::Conn::Sqlite(_) => $sqlite,
            $crate::Conn::Postgres(_) => $postgres,
        }
    };
}
pub(crate) use per_engine;

impl Db {
    /// Returns a connection for reading. Each statement sees the latest commit.
    pub async fn read(&self) -> sqlx::Result<Conn> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Conn::Sqlite(Handle::Pooled(readers.acquire().await?)),
            Self::Postgres(pool) => Conn::Postgres(Handle::Pooled(pool.acquire().await?)),
        })
    }

    /// Begins a read-only transaction. All its statements see the same commit.
    pub async fn snapshot(&self) -> sqlx::Result<Conn> {
        match self.clone() {
            Self::Sqlite { readers, .. } => {
                to_the_end(async move { Ok(Conn::Sqlite(Handle::Transaction(readers.begin().await?))) }).await
            }
            Self::Postgres(pool) => {
                to_the_end(async move {
                    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
                    Ok(Conn::Postgres(Handle::Transaction(pool.begin_with(begin).await?)))
                })
                .await
            }
        }
    }

    /// Begins a transaction for writing. On SQLite it holds the write lock from the start, because a transaction that
    /// starts with a read and upgrades later could fail.
    pub async fn begin(&self) -> sqlx::Result<Conn> {
        match self.clone() {
            Self::Sqlite { writer, .. } => {
                to_the_end(
                    async move { Ok(Conn::Sqlite(Handle::Transaction(writer.begin_with("BEGIN IMMEDIATE").await?))) },
                )
                .await
            }
            Self::Postgres(pool) => {
                to_the_end(async move { Ok(Conn::Postgres(Handle::Transaction(pool.begin().await?))) }).await
            }
        }
    }

    /// Closes all connections after waiting for those in use.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Begins a transaction in a task of its own, which is carried to its end even if nobody waits for it any more. sqlx 0.9.0
/// forgets a transaction whose `BEGIN` is on its way when its future is dropped (launchbadge/sqlx, issues 4385 and 4393): the
/// connection would go back to the pool inside that transaction.
async fn to_the_end(begin: impl Future<Output = sqlx::Result<Conn>> + Send + 'static) -> sqlx::Result<Conn> {
    tokio::spawn(begin).await.map_err(|gone| sqlx::Error::Protocol(gone.to_string()))?
}

impl Conn {
    /// Commits a transaction. Has no effect on a plain connection.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(Handle::Transaction(transaction)) => transaction.commit().await,
            Self::Postgres(Handle::Transaction(transaction)) => transaction.commit().await,
            Self::Sqlite(Handle::Pooled(_)) | Self::Postgres(Handle::Pooled(_)) => Ok(()),
        }
    }
}

/// Returns whether repeating the transaction may succeed: after a serialization failure, a deadlock, a busy database, a
/// stale snapshot, or a name that another organization took between the check and the write. Uniqueness within one
/// organization is checked under its lock.
pub fn is_retryable(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|database| database.code().map(std::borrow::Cow::into_owned));
    matches!(code.as_deref(), Some("40001" | "40P01" | "23505" | "5" | "517"))
}
