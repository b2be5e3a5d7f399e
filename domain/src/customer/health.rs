//! Customer health: a score from 0 to 100 from weighted factors, its band, and explanations of both.
//!
//! All results are functions of the known facts about the customer at a date, never of earlier results.

pub mod band;
pub mod change;
pub mod distribution;
pub mod input;
pub mod model;
pub mod rollup;
pub mod score;
pub mod shipped;
pub mod weights;
