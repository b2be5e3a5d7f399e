//! The Milepost service around its domain: HTTP, storage and the command line.
//!
//! A request passes the [`envelope`], the [`gate`], a handler in [`handlers`], a rule of `milepost_domain` and the
//! [`store`]. ARCHITECTURE.md says which of them may know what.

// The longest example of a resource is one macro call.
#![recursion_limit = "256"]

pub mod answer;
pub mod auth;
pub mod bulk;
pub mod clock;
pub mod commands;
pub mod config;
pub mod context;
pub mod contract;
pub mod csv_text;
pub mod document;
pub mod envelope;
pub mod error;
pub mod extract;
pub mod facts;
pub mod founding;
pub mod gate;
pub mod handlers;
pub mod heads;
pub mod health;
pub mod idempotency;
pub mod ingest;
pub mod jobs;
pub mod known;
pub mod limit;
pub mod metrics;
pub mod page;
pub mod pages;
pub mod patch;
pub mod read_model;
pub mod routes;
pub mod serve;
pub mod state;
pub mod store;
pub mod unit;
