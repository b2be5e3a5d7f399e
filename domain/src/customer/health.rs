//! Customer health: a score from 0 to 100 out of weighted factors, the band it lies in, and why.
//!
//! Everything is a function of what is known of the customer at a date, never of what was computed before.

pub mod band;
pub mod change;
pub mod input;
pub mod model;
pub mod rollup;
pub mod score;
pub mod shipped;
