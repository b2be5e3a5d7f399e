//! The Milepost service: HTTP, storage and the command line around the domain.
//!
//! A request passes through the [`envelope`], the [`gate`], a handler in [`handlers`], a rule of `milepost_domain` and
//! the [`store`]. ARCHITECTURE.md describes the permitted dependencies between them.

// The longest example of a resource is a single macro call.
#![recursion_limit = "256"]

pub mod answer;
pub mod app;
pub mod auth;
pub mod bulk;
pub mod clock;
pub mod commands;
pub mod config;
pub mod context;
pub mod contract;
pub mod csv_text;
pub mod envelope;
pub mod error;
pub mod extract;
pub mod facts;
pub mod founding;
pub mod gate;
pub mod handlers;
pub mod heads;
pub mod health;
pub mod ingest;
pub mod jobs;
pub mod known;
pub mod limit;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod pages;
pub mod patch;
pub mod read_model;
pub mod routes;
pub mod store;
pub mod unit;
