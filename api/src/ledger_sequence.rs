//! Reading of an organization's ledger sequence, with one statement for all requests that arrive at the same time.
//!
//! Every request needs the sequence, so this statement limits the throughput of the service. Requests that arrive while
//! a read is in progress wait and share the next read. That read begins after the last of them arrived, so each request
//! sees every commit before its own arrival, as if it had read alone. A single request does not wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::store::{Db, ledger};

/// Waiting requests by organization. An organization is present only while a read is in progress.
type Reading = Arc<Mutex<HashMap<Uuid, Vec<Waiter>>>>;
type Waiter = oneshot::Sender<Turn>;

/// Reads in progress and requests that wait for the next one.
#[derive(Debug, Default)]
pub struct Heads {
    reading: Reading,
}

/// Message to a waiting request.
#[derive(Debug)]
enum Turn {
    /// The sequence, read after the request arrived.
    Answer(Option<i64>),
    /// The duty to read the sequence for itself and for others.
    Lead(Leader),
}

/// The duty to read. When it ends, in whatever way, the requests that wait by then get their turn, so no request waits
/// for a reader that is gone.
#[derive(Debug)]
struct Leader {
    reading: Reading,
    organization_id: Uuid,
    others: Vec<Waiter>,
    is_passed_on: bool,
}

impl Heads {
    /// Returns the number of the organization's last ledger entry, read no earlier than now; `None` if there is no such
    /// organization.
    pub async fn sequence(&self, db: &Db, organization_id: Uuid) -> sqlx::Result<Option<i64>> {
        match self.arrive(organization_id) {
            Ok(leader) => leader.read(db).await,
            Err(turn) => match turn.await {
                Ok(Turn::Answer(sequence)) => Ok(sequence),
                Ok(Turn::Lead(leader)) => leader.read(db).await,
                // The shared read failed: read alone.
                Err(_) => ledger::head_sequence(&mut db.read_to_keep().await?, organization_id).await,
            },
        }
    }

    /// Takes the lead if no read is in progress, otherwise a place in the queue.
    fn arrive(&self, organization_id: Uuid) -> Result<Leader, oneshot::Receiver<Turn>> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = reading.get_mut(&organization_id) {
            let (sender, receiver) = oneshot::channel();
            waiting.push(sender);
            return Err(receiver);
        }
        reading.insert(organization_id, vec![]);
        Ok(Leader { reading: Arc::clone(&self.reading), organization_id, others: vec![], is_passed_on: false })
    }
}

impl Leader {
    async fn read(mut self, db: &Db) -> sqlx::Result<Option<i64>> {
        let outcome = match db.read_to_keep().await {
            Ok(mut conn) => ledger::head_sequence(&mut conn, self.organization_id).await,
            Err(error) => Err(error),
        };
        for other in self.others.drain(..) {
            // On a failure, the other requests notice that the sender is dropped. Requests that are gone need no
            // answer.
            if let Ok(sequence) = outcome {
                let _ = other.send(Turn::Answer(sequence));
            }
        }
        outcome
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if self.is_passed_on {
            return;
        }
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waiting = std::mem::take(&mut self.others);
        waiting.extend(reading.get_mut(&self.organization_id).map(std::mem::take).unwrap_or_default());
        while let Some(next) = waiting.pop() {
            let leader = Self {
                reading: Arc::clone(&self.reading),
                organization_id: self.organization_id,
                others: std::mem::take(&mut waiting),
                is_passed_on: false,
            };
            // A request that is gone hands the duty back.
            let Err(Turn::Lead(mut back)) = next.send(Turn::Lead(leader)) else { return };
            back.is_passed_on = true;
            waiting = std::mem::take(&mut back.others);
        }
        reading.remove(&self.organization_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORGANIZATION: Uuid = Uuid::from_u128(7);

    fn lead(heads: &Heads) -> Leader {
        heads.arrive(ORGANIZATION).expect("nobody reads yet")
    }

    fn queue(heads: &Heads) -> oneshot::Receiver<Turn> {
        heads.arrive(ORGANIZATION).expect_err("somebody reads")
    }

    #[test]
    fn the_lead_passes_to_one_of_those_who_wait() {
        let heads = Heads::default();
        let first = lead(&heads);
        let gone = queue(&heads);
        let mut waiting = [queue(&heads), queue(&heads)];
        drop(gone);
        drop(first);
        let led: Vec<Turn> = waiting.iter_mut().filter_map(|turn| turn.try_recv().ok()).collect();
        let [Turn::Lead(leader)] = led.as_slice() else { panic!("one leads: {led:?}") };
        assert_eq!(leader.others.len(), 2, "the one who still waits, and the one who has gone");
        let _queued = queue(&heads);
    }

    #[test]
    fn nobody_waits_for_someone_who_has_gone() {
        let heads = Heads::default();
        let first = lead(&heads);
        let (given_up, mut patient) = (queue(&heads), queue(&heads));
        drop(first);
        // One of the two was told to lead. If it is gone without reading, the other is told.
        drop(given_up);
        let told = patient.try_recv().expect("told");
        drop(told);
        drop(lead(&heads));
        assert!(heads.reading.lock().expect("not poisoned").is_empty());
    }
}
