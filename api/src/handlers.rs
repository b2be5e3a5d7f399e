//! Handlers: parse, load, decide by a rule of the domain, save, answer. One folder a resource, one file a verb.
//!
//! Deliberately absent: SQL, status codes of failures, rules. The types in a resource's own file are what its answers and
//! requests look like.

pub mod access;
pub mod celebrations;
pub mod copies;
pub mod customers;
pub mod erasing;
pub mod events;
pub mod health;
pub mod health_models;
pub mod interventions;
pub mod ledger;
pub mod merges;
pub mod metrics;
pub mod milestones;
pub mod people;
pub mod plans;
pub mod playbooks;
pub mod recognition;
pub mod references;
pub mod reports;
pub mod risk;
pub mod segment;
pub mod server;
pub mod shares;
pub mod teams;
pub mod templates;
pub mod validations;
