//! Recording of usage events: they are read from any supported form, then written together by one writer.
//!
//! Events deliberately do not go through the ledger: they never change, and they far outnumber all other records.

pub mod dead_letters;
pub mod event;
pub mod lanes;
pub mod read;
pub mod room;
pub mod schema;
pub mod segment;
pub mod split;
pub mod unpack;
pub mod writer;

/// Maximum number of events in a request.
pub const MOST_EVENTS: usize = 5_000;
/// Maximum size of a request in bytes, after decompression.
pub const MOST_BYTES: usize = 10 * 1024 * 1024;
/// Maximum size of an event in bytes.
pub const MOST_EVENT_BYTES: usize = 256 * 1024;
