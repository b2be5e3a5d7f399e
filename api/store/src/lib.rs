//! The storage layer, which contains all SQL of the service. Statements are the same for both engines; the few that
//! differ use [`per_engine!`].
//!
//! Functions take the connection first and the organization second, bind the organization, and return [`sqlx::Result`].
//! This module deliberately has no business rules, no HTTP, and no trait over the two engines.

use std::sync::Arc;

use sqlx::{Database, Postgres, Sqlite};

use self::handle::Handle;
use self::lane::{Lane, Usage};

pub mod api_clients;
pub mod artworks;
pub mod author;
pub mod authored;
pub mod awards;
pub mod badges;
pub mod baselines;
pub mod communications;
pub mod competitions;
pub mod congratulations;
pub mod connect;
pub mod corrections;
pub mod costs;
pub mod credential_keys;
pub mod customer_records;
pub mod customers;
pub mod erasure;
pub mod evidence_files;
mod from_row;
mod handle;
pub mod health_models;
pub mod health_scores;
pub mod holds;
pub mod idempotency;
pub mod identity_providers;
pub mod impacts;
pub mod interventions;
pub mod json_text;
pub mod kept;
pub mod keyset;
pub mod lane;
pub mod ledger;
pub mod ledger_checkpoints;
mod many;
pub mod marks;
pub mod measured_events;
pub mod memberships;
pub mod merges;
pub mod metrics;
pub mod migrations;
pub mod milestone_proofs;
pub mod milestones;
pub mod organizations;
pub mod owner;
pub mod people;
pub mod plan_dependencies;
pub mod plans;
pub mod playbooks;
pub mod profiles;
pub mod public_key;
pub mod reference_periods;
pub mod rejected_messages;
pub mod reporting_lines;
pub mod responsibilities;
pub mod reviews;
pub mod rewards;
pub mod risk_models;
pub mod roles;
pub mod row;
pub mod segment_marks;
pub mod share_links;
pub mod sign_in_codes;
pub mod signing_keys;
pub mod stories;
pub mod teams;
pub mod templates;
pub mod undated_milestones;
pub mod unknown_subjects;
pub mod usage_events;
pub mod usage_rewrites;
pub mod validations;
pub mod valuations;
pub mod versions;

/// Beginning of a read-only transaction on PostgreSQL whose statements all see the same commit.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// A database of either engine. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    /// An SQLite file with many readers and one writer.
    Sqlite(Arc<Pools<Sqlite>>),
    /// A PostgreSQL server.
    Postgres(Arc<Pools<Postgres>>),
}

/// The pools of a database. Reading, writing and the probe have connections of their own, so that writers who wait for each
/// other keep nobody from reading, and an overloaded server can still say that it is alive.
#[derive(Debug)]
pub struct Pools<D: Database> {
    /// Connections for reading.
    pub readers: Lane<D>,
    /// Connections for what is kept in memory: sequences, keys, plans. A request that holds a reader may wait for these, so
    /// they must not be the same; and no long report keeps anybody from authenticating.
    pub keepers: Lane<D>,
    /// Connections for writing. SQLite has one, so that writers queue in the pool and not at the file's lock.
    pub writers: Lane<D>,
    /// The connection that asks whether the database can be reached.
    pub probe: Lane<D>,
}

/// A connection of either engine, plain or inside a transaction.
#[derive(Debug)]
pub enum Conn {
    /// A connection to SQLite.
    Sqlite(Handle<Sqlite>),
    /// A connection to PostgreSQL.
    Postgres(Handle<Postgres>),
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

/// Purpose of a connection, which decides from which pool it comes.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Read,
    Keep,
    Write,
    Probe,
}

impl Db {
    /// Returns a connection for reading. Each statement sees the latest commit.
    pub async fn read(&self) -> sqlx::Result<Conn> {
        self.plain(Purpose::Read).await
    }

    /// Begins a read-only transaction. All its statements see the same commit.
    pub async fn snapshot(&self) -> sqlx::Result<Conn> {
        self.transaction(Purpose::Read, "BEGIN", SNAPSHOT).await
    }

    /// Returns a connection for reading what is kept in memory. Whoever has it waits for nothing else.
    pub async fn read_to_keep(&self) -> sqlx::Result<Conn> {
        self.plain(Purpose::Keep).await
    }

    /// Begins a read-only transaction for what is kept in memory. Whoever has it waits for nothing else.
    pub async fn snapshot_to_keep(&self) -> sqlx::Result<Conn> {
        self.transaction(Purpose::Keep, "BEGIN", SNAPSHOT).await
    }

    /// Begins a transaction for writing. On SQLite it holds the write lock from the start, because a transaction that
    /// starts with a read and upgrades later could fail.
    pub async fn begin(&self) -> sqlx::Result<Conn> {
        self.transaction(Purpose::Write, "BEGIN IMMEDIATE", "BEGIN").await
    }

    /// Returns the connection that asks whether the database answers. Nothing else waits for it.
    pub async fn probe(&self) -> sqlx::Result<Conn> {
        self.plain(Purpose::Probe).await
    }

    async fn plain(&self, purpose: Purpose) -> sqlx::Result<Conn> {
        Ok(match self {
            Self::Sqlite(pools) => Conn::Sqlite(Handle::of(pools.lane(purpose)).await?),
            Self::Postgres(pools) => Conn::Postgres(Handle::of(pools.lane(purpose)).await?),
        })
    }

    async fn transaction(
        &self,
        purpose: Purpose,
        on_sqlite: &'static str,
        on_postgres: &'static str,
    ) -> sqlx::Result<Conn> {
        Ok(match self {
            Self::Sqlite(pools) => Conn::Sqlite(Handle::begin(pools.lane(purpose), on_sqlite).await?),
            Self::Postgres(pools) => Conn::Postgres(Handle::begin(pools.lane(purpose), on_postgres).await?),
        })
    }

    /// Returns the use of each pool, by its name.
    pub fn usage(&self) -> [(&'static str, Usage); 4] {
        match self {
            Self::Sqlite(pools) => pools.usage(),
            Self::Postgres(pools) => pools.usage(),
        }
    }

    /// Closes all connections after waiting for those in use.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pools) => pools.close().await,
            Self::Postgres(pools) => pools.close().await,
        }
    }
}

impl<D: Database> Pools<D> {
    const fn lane(&self, purpose: Purpose) -> &Lane<D> {
        match purpose {
            Purpose::Read => &self.readers,
            Purpose::Keep => &self.keepers,
            Purpose::Write => &self.writers,
            Purpose::Probe => &self.probe,
        }
    }

    async fn close(&self) {
        for lane in [&self.probe, &self.keepers, &self.readers, &self.writers] {
            lane.pool.close().await;
        }
    }

    fn usage(&self) -> [(&'static str, Usage); 4] {
        let lanes =
            [("read", &self.readers), ("keep", &self.keepers), ("write", &self.writers), ("probe", &self.probe)];
        lanes.map(|(name, lane)| (name, lane.usage()))
    }
}

impl Conn {
    /// Commits a transaction. Has no effect on a plain connection.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(handle) => handle.commit().await,
            Self::Postgres(handle) => handle.commit().await,
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

/// Returns whether the disk of the database is full, or cannot be written to. SQLite reports the latter as an I/O error too.
pub fn is_storage_full(error: &sqlx::Error) -> bool {
    let Some(code) = error.as_database_error().and_then(sqlx::error::DatabaseError::code) else { return false };
    // PostgreSQL: disk full, I/O error. SQLite: full, and the I/O errors of writing, syncing and making room.
    let full = ["53100", "58030", "13", "778", "1034", "1290", "1546", "4618", "4874", "5386"];
    full.contains(&code.as_ref())
}
