//! Turns of an organization's requests at what is scarce: connections for writing, and connections for long reads.
//!
//! An organization's writes are one after another anyway, because each holds the organization's ledger head. They wait here,
//! in the process, and not in the database: an organization then takes one connection for writing however many of its
//! requests want to write, and the others find the rest free. Questions about customers' usage may read a great many events;
//! an organization asks two of them at once, and all together leave a connection to quicker reads. A line that is too long, or
//! that moves too slowly, refuses whoever comes last, and with it only callers of the organization that fills it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

use crate::error::ApiError;

/// Requests of one organization that may wait at once.
const LONGEST_LINE: usize = 128;
/// Time that a request waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Questions about usage that one organization asks at once.
const QUESTIONS_AT_ONCE: usize = 2;
/// Questions about usage that all organizations ask at once: fewer than there are connections for reading.
const QUESTIONS_IN_ALL: usize = 3;

/// The lines of all organizations.
#[derive(Debug)]
pub struct Turns {
    lines: Mutex<HashMap<Uuid, Arc<Line>>>,
    /// Number of turns that an organization has at once.
    at_once: usize,
    /// The turns of all organizations.
    all: Arc<Semaphore>,
    /// Refusals of a line that is too long, and of one that moves too slowly.
    refusals: [&'static str; 2],
}

/// Requests of one organization.
#[derive(Debug)]
struct Line {
    /// The turns. Waiters get them in the order of their arrival.
    turn: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// A place among those who wait, given up in whatever way the waiting ends.
struct Place<'a>(&'a Line);

/// A turn, until it is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not read")] [OwnedSemaphorePermit; 2]);

impl Turns {
    /// The turns of writers: one an organization.
    pub fn of_writers() -> Self {
        let refusals = [
            "Too many changes of this organization are waiting. Nothing was changed. Try again shortly.",
            "Other changes of this organization took too long to finish. Nothing was changed. Try again shortly.",
        ];
        Self { lines: Mutex::default(), at_once: 1, all: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)), refusals }
    }

    /// The turns of questions about usage.
    pub fn of_questions() -> Self {
        let refusals = [
            "Too many questions of this organization about usage are waiting. Try again shortly.",
            "Other questions about usage took too long to answer. Try again shortly.",
        ];
        let all = Arc::new(Semaphore::new(QUESTIONS_IN_ALL));
        Self { lines: Mutex::default(), at_once: QUESTIONS_AT_ONCE, all, refusals }
    }

    /// Waits for the organization's turn; refuses with 503 when too many wait already or the wait is too long.
    pub async fn take(&self, organization_id: Uuid) -> Result<Turn, ApiError> {
        let line = self.line(organization_id);
        if let Ok(own) = Arc::clone(&line.turn).try_acquire_owned()
            && let Ok(shared) = Arc::clone(&self.all).try_acquire_owned()
        {
            return Ok(Turn([own, shared]));
        }
        let [too_long, too_slow] = self.refusals;
        let _place = line.queue().ok_or_else(|| ApiError::try_again(too_long))?;
        let both = async {
            let own = Arc::clone(&line.turn).acquire_owned().await?;
            Ok::<_, AcquireError>(Turn([own, Arc::clone(&self.all).acquire_owned().await?]))
        };
        match timeout(LONGEST_WAIT, both).await {
            Ok(turn) => turn.map_err(ApiError::internal),
            Err(_) => Err(ApiError::try_again(too_slow)),
        }
    }

    /// Returns the number of requests that wait for their turn.
    pub fn waiting(&self) -> usize {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.values().map(|line| line.waiting.load(Ordering::Relaxed)).sum()
    }

    /// Drops the lines in which nobody stands.
    pub fn forget_idle(&self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| Arc::strong_count(line) > 1 || line.turn.available_permits() < self.at_once);
    }

    fn line(&self, organization_id: Uuid) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lines.entry(organization_id).or_insert_with(|| {
            Arc::new(Line { turn: Arc::new(Semaphore::new(self.at_once)), waiting: AtomicUsize::new(0) })
        }))
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::error::Code;

    const GREEDY: Uuid = Uuid::from_u128(1);
    const MODEST: Uuid = Uuid::from_u128(2);

    #[tokio::test]
    async fn a_full_line_refuses_only_its_own_organization() {
        let turns = Turns::of_writers();
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

    #[tokio::test]
    async fn questions_leave_room_for_others() {
        let turns = Turns::of_questions();
        let mut held = vec![];
        for _ in 0..QUESTIONS_AT_ONCE {
            held.push(turns.take(GREEDY).now_or_never().expect("at once").expect("a turn"));
        }
        let mut third = Box::pin(turns.take(GREEDY));
        assert!(third.now_or_never_by_ref().is_none(), "a third question of the same organization waits");
        let other = turns.take(MODEST).now_or_never().expect("at once").expect("a turn");
        let mut another = Box::pin(turns.take(MODEST));
        assert!(another.now_or_never_by_ref().is_none(), "so many are enough for all");
        drop(other);
        assert!(another.now_or_never_by_ref().is_some());
        assert!(third.now_or_never_by_ref().is_none());
        held.clear();
        assert!(third.now_or_never_by_ref().is_some());
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
