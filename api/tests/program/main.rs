//! The program itself, as a process: its commands and messages, the durability of its data, and what it does when the
//! machine under it fails.

#![expect(clippy::expect_used, reason = "a failed expectation is how a test fails")]

mod alerts;
mod backup;
mod chaos;
mod command_line;
mod faults;
mod full_disk;
mod memory;
mod proof;
mod serving;
