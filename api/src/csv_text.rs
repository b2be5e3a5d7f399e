//! CSV output (RFC 4180). Texts that a spreadsheet would execute as a formula are escaped.

use actix_web::http::header::CONTENT_DISPOSITION;
use chrono::NaiveDate;

use crate::answer::Answer;
use crate::error::ApiError;

/// Media type of the CSV output.
pub const MEDIA_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// Returns the text in a form that no spreadsheet treats as a formula: texts that begin like a formula get a leading
/// apostrophe.
pub fn harmless(text: &str) -> String {
    // A text that already begins with an apostrophe gets another, so that removing one restores the original.
    match text.trim_start_matches('\'').chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

/// Formats a number; returns an empty text if there is none.
pub fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Formats a date; returns an empty text if there is none.
pub fn date(value: Option<NaiveDate>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Formats one line.
pub fn line<T: AsRef<[u8]>>(cells: impl IntoIterator<Item = T>) -> Result<Vec<u8>, ApiError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells).map_err(ApiError::internal)?;
    writer.into_inner().map_err(ApiError::internal)
}

/// Returns a response that contains a whole file, to be saved under the given name.
pub fn file(name: &str, body: Vec<u8>) -> Answer {
    Answer::text(MEDIA_TYPE, body).header(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_harmless() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("-2", "'-2"),
            ("@x", "'@x"),
            ("Northwind", "Northwind"),
            ("", ""),
            ("'=n", "''=n"),
            ("'tis", "'tis"),
        ] {
            assert_eq!(harmless(text), expected);
        }
        let cells = line(["a,b", "say \"hi\""]).expect("a line");
        assert_eq!(cells, b"\"a,b\",\"say \"\"hi\"\"\"\r\n");
    }
}
