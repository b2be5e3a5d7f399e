//! Room for the large bodies that are worked on at once. A body that is parsed takes many times its size in memory, so their
//! sum is bounded; those that find no room wait for it, and are refused if they wait too long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::ApiError;

/// Room for bodies, in KiB, as they arrived or were unpacked.
const ROOM_KIB: u32 = 32 * 1024;
/// Time that a request waits for room.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Room for large bodies.
#[derive(Debug)]
pub struct Bodies(Arc<Semaphore>);

/// Room of one request, until its end.
#[derive(Debug)]
pub struct Room(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Default for Bodies {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_KIB as usize)))
    }
}

impl Bodies {
    /// Waits for room for a body. One that is larger than all of it takes all of it.
    pub async fn take(&self, bytes: usize) -> Result<Room, ApiError> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(ROOM_KIB).min(ROOM_KIB);
        let room = timeout(LONGEST_WAIT, Arc::clone(&self.0).acquire_many_owned(kib)).await;
        let Ok(room) = room else {
            return Err(ApiError::try_again("Too many large bodies are being worked on. Try again shortly."));
        };
        Ok(Room(room.map_err(ApiError::internal)?))
    }
}
