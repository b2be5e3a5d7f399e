//! Customers' health. This module loads what is known about customers; the domain crate holds the rules for judging it.

pub mod day;
pub mod keep;
pub mod look_back;
pub mod models;
pub mod observed;
pub mod on_day;
pub mod participants;
pub mod past;
pub mod react;
pub mod risk;
pub mod situation;
