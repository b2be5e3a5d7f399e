//! Room in the queue of usage events, and the share of it that one organization may fill.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// Maximum number of waiting requests.
const QUEUE: usize = 1024;
/// Maximum memory of waiting events, in KiB.
const QUEUE_KIB: usize = 256 * 1024;

/// Room that a waiting request takes up, until it is dropped.
#[derive(Debug)]
pub struct Room {
    of: Rooms,
    organization_id: Uuid,
    kib: usize,
}

/// The queue's room, shared by everything that waits in it. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Rooms(Arc<Mutex<Used>>);

/// Room in use.
#[derive(Debug, Default)]
struct Used {
    requests: usize,
    kib: usize,
    /// Requests and KiB by organization, so that none takes it all.
    by_organization: HashMap<Uuid, (usize, usize)>,
}

impl Rooms {
    /// Takes room, if there is enough and the organization's share allows it. A queue that an organization has to itself still
    /// keeps half of its room for others.
    pub fn take(&self, organization_id: Uuid, kib: usize) -> Option<Room> {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (requests, own_kib) = now.by_organization.get(&organization_id).copied().unwrap_or_default();
        let is_free = now.requests < QUEUE && now.kib + kib <= QUEUE_KIB;
        if !is_free || requests >= QUEUE / 2 || own_kib + kib > QUEUE_KIB / 2 {
            return None;
        }
        now.requests += 1;
        now.kib += kib;
        now.by_organization.insert(organization_id, (requests + 1, own_kib + kib));
        Some(Room { of: self.clone(), organization_id, kib })
    }

    /// Returns the number of waiting requests.
    pub fn taken(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).requests
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut now = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.requests -= 1;
        now.kib -= self.kib;
        if let Some((requests, kib)) = now.by_organization.get_mut(&self.organization_id) {
            *requests -= 1;
            *kib -= self.kib;
            if *requests == 0 {
                now.by_organization.remove(&self.organization_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_fills_half_of_the_queue_and_no_more() {
        let (greedy, modest) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let rooms = Rooms::default();
        let held: Vec<Room> = (0..QUEUE / 2).filter_map(|_| rooms.take(greedy, 1)).collect();
        assert_eq!((held.len(), rooms.taken()), (QUEUE / 2, QUEUE / 2));
        assert!(rooms.take(greedy, 1).is_none() && rooms.take(modest, QUEUE_KIB / 2 + 1).is_none());
        let own = rooms.take(modest, QUEUE_KIB / 2).expect("room for the other");
        assert!(rooms.take(modest, 1).is_none(), "in memory, too");
        drop((held, own));
        assert_eq!(rooms.taken(), 0);
        assert!(rooms.take(greedy, 1).is_some());
    }
}
