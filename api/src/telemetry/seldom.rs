//! Log lines that would otherwise be written thousands of times a minute.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two lines of one kind.
const EVERY: Duration = Duration::from_secs(60);

/// A kind of log line that is written at most once a minute.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    written_at: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    /// Returns how many lines were left out since the last one, if a line is due; counts this one as left out if not.
    pub fn due(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.written_at.is_some_and(|at| at.elapsed() < EVERY) {
            state.left_out += 1;
            return None;
        }
        state.written_at = Some(Instant::now());
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_counts_the_others() {
        let seldom = Seldom::default();
        assert_eq!([seldom.due(), seldom.due(), seldom.due()], [Some(0), None, None]);
        seldom.0.lock().expect("not poisoned").written_at = None;
        assert_eq!(seldom.due(), Some(2));
    }
}
