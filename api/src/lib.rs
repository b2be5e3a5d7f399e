//! The Milepost service: HTTP, storage and the command line around the domain.
//!
//! A request passes through the [`envelope`], the [`gate`], a handler in [`handlers`], a rule of `milepost_domain` and
//! the [`store`]. ARCHITECTURE.md describes the permitted dependencies between them.

// The longest example of a resource is a single macro call.
#![recursion_limit = "256"]

pub mod answer;
pub mod archiving;
pub mod artwork;
pub mod auth;
pub mod awarding;
pub mod backup;
pub mod bodies;
pub mod bulk;
pub mod checkpoints;
pub mod clock;
pub mod commands;
pub mod config;
pub mod context;
pub mod contract;
pub mod credentials;
pub mod csv_text;
pub mod customer_health;
pub mod database;
pub mod deeds;
pub mod definitions;
pub mod document;
pub mod envelope;
pub mod erasure;
pub mod error;
pub mod extract;
pub mod field_code;
pub mod gate;
pub mod granting;
pub mod handlers;
pub mod honours;
pub mod idempotency;
pub mod identity;
pub mod images;
pub mod ingest;
pub mod issuing;
pub mod jobs;
pub mod keeping;
pub mod keeping_turns;
pub mod ledger_sequence;
pub mod limit;
pub mod listener;
pub mod mail;
pub mod matters;
pub mod merging;
pub mod moment;
pub mod outbound;
pub mod owner;
pub mod paging;
pub mod patch;
pub mod precondition;
pub mod proving;
pub mod provisioning;
pub mod read_model;
pub mod record;
pub mod reference;
pub mod reminding;
pub mod resource;
pub mod resources;
pub mod retry;
pub mod routes;
pub mod serve;
pub mod sight;
pub mod state;
pub mod stepping;
pub mod storage_state;
pub mod telemetry;
pub mod time_travel;
pub mod turns;
pub mod unit;
pub mod usage;
pub mod verification;
pub mod versioned;
pub mod views;

/// The database: the only SQL, in a crate of its own.
pub use milepost_store as store;
