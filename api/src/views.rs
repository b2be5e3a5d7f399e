//! What is answered as something to look at: pages and pictures. Everything stands in one file, so that it can be mailed and
//! printed, and loads nothing from anywhere.

pub mod pictures;
pub mod status_markdown;
pub mod status_page;
