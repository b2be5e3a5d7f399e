//! A pool with what an operator wants to know of it: who waits, and for how long.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};

/// Connections for one purpose.
#[derive(Debug)]
pub struct Lane<D: Database> {
    /// The connections.
    pub pool: Pool<D>,
    waiting: AtomicUsize,
    acquired: AtomicU64,
    waited_micros: AtomicU64,
}

/// Use of a pool.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Maximum number of connections.
    pub most: u32,
    /// Open connections.
    pub open: u32,
    /// Connections in use.
    pub in_use: u32,
    /// Requests that wait for a connection.
    pub waiting: usize,
    /// Connections taken since the start.
    pub acquired: u64,
    /// Time spent waiting for them.
    pub waited: Duration,
}

/// A place among those who wait, given up in whatever way the waiting ends.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<D: Database> Lane<D> {
    /// Counts the use of a pool.
    pub(crate) fn of(pool: Pool<D>) -> Self {
        Self { pool, waiting: AtomicUsize::new(0), acquired: AtomicU64::new(0), waited_micros: AtomicU64::new(0) }
    }

    /// Takes a connection.
    pub(crate) async fn acquire(&self) -> sqlx::Result<PoolConnection<D>> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.waiting);
        let began = Instant::now();
        let connection = self.pool.acquire().await;
        let waited = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.acquired.fetch_add(1, Ordering::Relaxed);
        self.waited_micros.fetch_add(waited, Ordering::Relaxed);
        connection
    }

    /// Returns the use of the pool.
    pub(crate) fn usage(&self) -> Usage {
        let open = self.pool.size();
        Usage {
            most: self.pool.options().get_max_connections(),
            open,
            in_use: open.saturating_sub(u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX)),
            waiting: self.waiting.load(Ordering::Relaxed),
            acquired: self.acquired.load(Ordering::Relaxed),
            waited: Duration::from_micros(self.waited_micros.load(Ordering::Relaxed)),
        }
    }
}
