//! Reports over all plans.

pub mod drift;
pub mod expansion;
pub mod health;
pub mod impact;
pub mod interventions;
pub mod load;
pub mod retention;
pub mod risk;
pub mod spi;
pub mod spi_csv;
pub mod spi_row;
pub mod variance;
