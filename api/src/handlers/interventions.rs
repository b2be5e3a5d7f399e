//! Interventions: tasks opened for customers, by playbooks or by people.

pub mod act;
pub mod notes;
pub mod open;
pub mod read;
