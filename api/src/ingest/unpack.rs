//! Decompression of request bodies. The size limit applies to the decompressed body.

use std::io::Read;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_ENCODING;
use flate2::read::MultiGzDecoder;

use super::MOST_BYTES;
use crate::error::{ApiError, Code};

/// Returns the decompressed body.
pub fn unpack(request: &HttpRequest, bytes: Vec<u8>) -> Result<Vec<u8>, ApiError> {
    let encoding = request.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity");
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(bytes),
        "gzip" | "x-gzip" => read_all(MultiGzDecoder::new(bytes.as_slice()), "gzip"),
        "zstd" => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(bytes.as_slice());
            read_all(decoder.map_err(|error| broken("zstd", &error))?, "zstd")
        }
        other => {
            let detail = format!("The content encoding '{other}' is not supported. Use gzip, zstd or none.");
            Err(ApiError::new(Code::UnsupportedMediaType, detail))
        }
    }
}

fn read_all(decoder: impl Read, encoding: &str) -> Result<Vec<u8>, ApiError> {
    let mut bytes = vec![];
    let limit = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    decoder.take(limit + 1).read_to_end(&mut bytes).map_err(|error| broken(encoding, &error))?;
    if bytes.len() > MOST_BYTES {
        let detail = format!("A request may have at most {MOST_BYTES} bytes after decompression.");
        return Err(ApiError::new(Code::BodyTooLarge, detail));
    }
    Ok(bytes)
}

fn broken(encoding: &str, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(Code::MalformedBody, format!("The body is not valid {encoding}: {error}."))
}
