//! Customers: health, risk, the playbooks that react to them, outcomes, and the studies that prove a model.

pub mod account;
pub mod backtest;
pub mod deed;
pub mod health;
pub mod intervention;
pub mod membership;
pub mod outcome;
pub mod past;
pub mod playbook;
pub mod reaction;
pub mod reference;
pub mod retention;
pub mod risk;
pub mod risk_model;
pub mod rule;
pub mod suggestion;
