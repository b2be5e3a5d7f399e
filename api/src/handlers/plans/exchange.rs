//! A plan as a file: tables in and out, calendars, pictures and the status report.

pub mod calendar;
pub mod export;
pub mod import;
pub mod import_rows;
pub mod pictures;
pub mod project_file;
pub mod status_report;
