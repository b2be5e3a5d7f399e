//! Customers' health: what is known of customers is loaded here, and the domain says what it means.

pub mod keep;
pub mod keeping;
pub mod look_back;
pub mod models;
pub mod observed;
pub mod risk;
pub mod situation;
