//! The test suite: one binary with one module per subject. Each test runs on SQLite and on PostgreSQL.

#![expect(clippy::expect_used, reason = "a failed expectation is how a test fails")]

mod aborts;
mod access;
mod bounds;
mod clients;
mod conditional;
mod contract;
mod customers;
mod dependencies;
mod digests;
mod discipline;
mod documents;
mod events;
mod fairness;
mod health;
mod idempotency;
mod imports;
mod learning;
mod ledger;
mod lists;
mod main_job;
mod measures;
mod merges;
mod metrics;
mod milestones;
mod outage;
mod past;
mod people;
mod plans;
mod playbooks;
mod proof;
mod races;
mod references;
mod replay;
mod reports;
mod retention;
mod reviews;
mod rhythm;
mod risk;
mod samples;
mod segment;
mod shares;
mod templates;
mod tokens;
mod truth;
