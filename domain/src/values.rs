//! Values with rules: parsed once at the edge, then carried as types. Knows no subject.

pub mod count;
pub mod dates;
pub mod nesting;
pub mod rule;
pub mod text;
pub mod version;
pub mod weight;
