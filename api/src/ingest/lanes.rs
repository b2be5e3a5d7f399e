//! The order in which waiting usage events are written.

use std::collections::{HashMap, VecDeque};

use tokio::task;
use uuid::Uuid;

/// Number of events at which a transaction takes no more requests.
const MOST_AT_ONCE: usize = 20_000;

/// Waiting requests by the transaction that they can share. On PostgreSQL each organization has a lane of its own, because a row
/// that somebody locks there must not hold up the others; SQLite has one writer, and one transaction serves all.
#[derive(Debug)]
pub struct Lanes<T> {
    /// Requests with their numbers of events. A lane without any is absent.
    waiting: HashMap<Uuid, VecDeque<(T, usize)>>,
    /// Lanes that wait for their turn, each once, in order.
    ready: VecDeque<Uuid>,
    /// Lanes that are being written.
    writing: HashMap<task::Id, Uuid>,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { waiting: HashMap::new(), ready: VecDeque::new(), writing: HashMap::new() }
    }
}

impl<T> Lanes<T> {
    /// Adds a request with its number of events to a lane.
    pub fn push(&mut self, lane: Uuid, one: T, events: usize) {
        let queue = self.waiting.entry(lane).or_default();
        queue.push_back((one, events));
        if queue.len() == 1 && !self.writing.values().any(|busy| *busy == lane) {
            self.ready.push_back(lane);
        }
    }

    /// Takes the next lane with as many requests as it may write at once.
    pub fn take_next(&mut self) -> Option<(Uuid, Vec<T>)> {
        let lane = self.ready.pop_front()?;
        let queue = self.waiting.get_mut(&lane)?;
        let (mut group, mut total) = (vec![], 0);
        while total < MOST_AT_ONCE
            && let Some((one, events)) = queue.pop_front()
        {
            total += events;
            group.push(one);
        }
        if queue.is_empty() {
            self.waiting.remove(&lane);
        }
        Some((lane, group))
    }

    /// Notes the task that writes a lane.
    pub fn begin(&mut self, task: task::Id, lane: Uuid) {
        self.writing.insert(task, lane);
    }

    /// Notes that the task which wrote a lane is over, however it ended.
    pub fn finish(&mut self, written: task::Id) {
        let Some(lane) = self.writing.remove(&written) else { return };
        if self.waiting.contains_key(&lane) {
            self.ready.push_back(lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lane_is_written_once_at_a_time_and_the_lanes_take_turns() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let mut lanes = Lanes::default();
        lanes.push(one, "a", 1);
        lanes.push(one, "b", MOST_AT_ONCE);
        lanes.push(one, "c", 1);
        lanes.push(other, "x", 1);
        assert_eq!(lanes.take_next(), Some((one, vec!["a", "b"])), "as many as fit");
        let task = tokio::spawn(async {});
        lanes.begin(task.id(), one);
        lanes.push(one, "d", 1);
        assert_eq!(lanes.take_next(), Some((other, vec!["x"])));
        assert_eq!(lanes.take_next(), None, "the first lane is being written");
        lanes.finish(task.id());
        assert_eq!(lanes.take_next(), Some((one, vec!["c", "d"])));
        assert_eq!(lanes.take_next(), None);
        task.await.expect("ended");
    }
}
