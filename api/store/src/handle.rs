//! A pooled connection that never goes back to its pool inside a transaction.
//!
//! Transactions are begun and ended here and not by sqlx, which keeps their depth in memory: sqlx 0.9.0 loses a transaction
//! whose `BEGIN` is on its way when its future is dropped (launchbadge/sqlx, issues 4385 and 4393), and believes in one that
//! SQLite has ended by itself because the disk was full. Here a handle knows only whether it *may* be inside a transaction,
//! from before `BEGIN` is sent until the end is confirmed. If it is dropped in between, it is rolled back first, and a
//! connection that cannot be rolled back is closed.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Executor, Postgres, Sqlite};

use crate::lane::Lane;

/// Time within which a transaction that nobody waits for must be rolled back. A statement that still runs is waited for.
const ROLLBACK_WITHIN: Duration = Duration::from_secs(5);

/// A connection of an engine, plain or inside a transaction that is rolled back when dropped.
#[derive(Debug)]
pub struct Handle<D: Engine> {
    /// Present until the handle is dropped.
    connection: Option<PoolConnection<D>>,
    may_be_in_transaction: bool,
}

/// An engine, with the one thing that the two do through different types.
pub trait Engine: Database {
    /// Runs a statement without parameters.
    fn run(connection: &mut Self::Connection, sql: &'static str) -> impl Future<Output = sqlx::Result<()>> + Send;
}

impl Engine for Sqlite {
    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        connection.execute(sqlx::raw_sql(sql)).await.map(|_| ())
    }
}

impl Engine for Postgres {
    async fn run(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        connection.execute(sqlx::raw_sql(sql)).await.map(|_| ())
    }
}

impl<D: Engine> Handle<D> {
    /// Takes a plain connection: each statement is a transaction of its own.
    pub(crate) async fn of(lane: &Lane<D>) -> sqlx::Result<Self> {
        Ok(Self { connection: Some(lane.acquire().await?), may_be_in_transaction: false })
    }

    /// Takes a connection and begins a transaction.
    pub(crate) async fn begin(lane: &Lane<D>, begin: &'static str) -> sqlx::Result<Self> {
        let mut handle = Self::of(lane).await?;
        handle.may_be_in_transaction = true;
        D::run(&mut handle, begin).await?;
        Ok(handle)
    }

    /// Commits the transaction, if there is one. A connection whose commit failed is not used again.
    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        if !self.may_be_in_transaction {
            return Ok(());
        }
        let outcome = D::run(&mut self, "COMMIT").await;
        self.may_be_in_transaction = false;
        if outcome.is_err()
            && let Some(connection) = &mut self.connection
        {
            connection.close_on_drop();
        }
        outcome
    }
}

impl<D: Engine> Drop for Handle<D> {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take().filter(|_| self.may_be_in_transaction) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            connection.close_on_drop();
            return;
        };
        runtime.spawn(async move {
            let rollback = D::run(&mut connection, "ROLLBACK");
            if !matches!(tokio::time::timeout(ROLLBACK_WITHIN, rollback).await, Ok(Ok(()))) {
                connection.close_on_drop();
            }
        });
    }
}

#[expect(clippy::expect_used, reason = "only Drop takes the connection")]
impl<D: Engine> Deref for Handle<D> {
    type Target = D::Connection;
    fn deref(&self) -> &D::Connection {
        self.connection.as_ref().expect("present until dropped")
    }
}

#[expect(clippy::expect_used, reason = "only Drop takes the connection")]
impl<D: Engine> DerefMut for Handle<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        self.connection.as_mut().expect("present until dropped")
    }
}
