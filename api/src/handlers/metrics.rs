//! Metrics: named aggregates over usage events.

pub mod define;
pub mod measure;
pub mod series;
