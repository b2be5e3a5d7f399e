//! Statistics that prove health models and studies: pure functions on numbers, each held against published figures. Knows no
//! subject of the product.

pub mod association;
pub mod calibration;
pub mod drift;
pub mod logistic;
pub mod roc;
pub mod survival;
pub mod trend;
