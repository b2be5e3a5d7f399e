//! Usage events on their way in: read from whatever form they come in, then written together by one writer.
//!
//! Events do not go through the ledger: they are facts that never change, and a hundred times as many as anything else.

pub mod event;
pub mod read;
pub mod segment;
pub mod unpack;
pub mod writer;

/// How many events one request may carry.
pub const MOST_EVENTS: usize = 5_000;
/// How large a request may be, decompressed, in bytes.
pub const MOST_BYTES: usize = 10 * 1024 * 1024;
/// How large one event may be, in bytes.
pub const MOST_EVENT_BYTES: usize = 256 * 1024;
