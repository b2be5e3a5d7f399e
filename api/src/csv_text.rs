//! Writing CSV (RFC 4180). Texts that a spreadsheet would run as a formula are made harmless.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use chrono::NaiveDate;

use crate::error::ApiError;

/// The media type of what is written here.
pub const MEDIA_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// A text that no spreadsheet takes for a formula: an apostrophe in front of the signs that start one.
pub fn harmless(text: &str) -> String {
    // One that has an apostrophe there already gets another, so that taking one away gives back what it was.
    match text.trim_start_matches('\'').chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

/// A number, or nothing.
pub fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A date, or nothing.
pub fn date(value: Option<NaiveDate>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// One line.
pub fn line<T: AsRef<[u8]>>(cells: impl IntoIterator<Item = T>) -> Result<Vec<u8>, ApiError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells).map_err(ApiError::internal)?;
    writer.into_inner().map_err(ApiError::internal)
}

/// A whole file, to be saved under a name.
pub fn file(name: &str, body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(MEDIA_TYPE)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")))
        .body(body)
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
