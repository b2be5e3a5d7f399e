//! Representations that more than one room needs: what handlers answer, the ledger records and views show.

pub mod api_keys;
pub mod celebrations;
pub mod date_changes;
pub mod figures;
pub mod interventions;
pub mod invitations;
pub mod milestones;
pub mod portfolio;
pub mod status_report;
pub mod templates;
pub mod waits_for;
