//! Reports over all plans.

pub mod retention;
pub mod spi;
pub mod spi_csv;
pub mod spi_row;
pub mod variance;
