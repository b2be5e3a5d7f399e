//! Turns of an organization's writers.
//!
//! An organization's writes are one after another anyway, because each holds the organization's ledger head. They wait here,
//! in the process, and not in the database: an organization then takes one connection for writing however many of its
//! requests want to write, and the others find the rest free. A line that is too long, or that moves too slowly, refuses
//! whoever comes last, and with it only callers of the organization that fills it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

use crate::error::ApiError;

/// Requests of one organization that may wait at once.
const LONGEST_LINE: usize = 128;
/// Time that a request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// The lines of all organizations.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Uuid, Arc<Line>>>);

/// Writers of one organization.
#[derive(Debug)]
struct Line {
    /// One permit: the turn. Waiters get it in the order of their arrival.
    turn: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A place among those who wait, given up in whatever way the waiting ends.
struct Place<'a>(&'a Line);

/// The turn to write, until it is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Turns {
    /// Waits for the organization's turn; refuses with 503 when too many wait already or the wait is too long.
    pub async fn take(&self, organization_id: Uuid) -> Result<Turn, ApiError> {
        let line = self.line(organization_id);
        if let Ok(turn) = Arc::clone(&line.turn).try_acquire_owned() {
            return Ok(Turn(turn));
        }
        let place = line.queue().ok_or_else(|| refused("Too many changes of this organization are waiting."))?;
        let turn = timeout(LONGEST_WAIT, Arc::clone(&line.turn).acquire_owned()).await;
        drop(place);
        match turn {
            Ok(turn) => Ok(Turn(turn.map_err(ApiError::internal)?)),
            Err(_) => Err(refused("Other changes of this organization took too long to finish.")),
        }
    }

    /// Returns the number of requests that wait for their turn.
    pub fn waiting(&self) -> usize {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.values().map(|line| line.waiting.load(Ordering::Relaxed)).sum()
    }

    /// Drops the lines in which nobody stands.
    pub fn forget_idle(&self) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| Arc::strong_count(line) > 1 || line.turn.available_permits() == 0);
    }

    fn line(&self, organization_id: Uuid) -> Arc<Line> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            lines
                .entry(organization_id)
                .or_insert_with(|| Arc::new(Line { turn: Arc::new(Semaphore::new(1)), waiting: AtomicUsize::new(0) })),
        )
    }
}

impl Line {
    fn queue(&self) -> Option<Place<'_>> {
        let place = Place(self);
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        (before < LONGEST_LINE).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

fn refused(detail: &str) -> ApiError {
    ApiError::try_again(format!("{detail} Nothing was changed. Try again shortly."))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::error::Code;

    const GREEDY: Uuid = Uuid::from_u128(1);
    const MODEST: Uuid = Uuid::from_u128(2);

    #[tokio::test]
    async fn a_full_line_refuses_only_its_own_organization() {
        let turns = Turns::default();
        let _writing = turns.take(GREEDY).await.expect("the first turn");
        let mut waiting: Vec<_> = (0..LONGEST_LINE).map(|_| Box::pin(turns.take(GREEDY))).collect();
        for one in &mut waiting {
            assert!(one.now_or_never_by_ref().is_none(), "it waits");
        }
        assert_eq!(turns.waiting(), LONGEST_LINE);
        assert!(turns.take(GREEDY).await.is_err_and(|refused| refused.code() == Code::Unavailable));
        let _other = turns.take(MODEST).now_or_never().expect("at once").expect("a turn");
        drop(waiting);
        assert_eq!(turns.waiting(), 0, "whoever leaves gives up the place");
    }

    /// Polls a future once without giving it up.
    trait Look: Future + Unpin {
        fn now_or_never_by_ref(&mut self) -> Option<Self::Output> {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            match std::pin::Pin::new(self).poll(&mut context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            }
        }
    }
    impl<F: Future + Unpin> Look for F {}
}
