//! Writes the OpenAPI document from the code: `make openapi` puts it in its place.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let document = milepost::routes::document()?;
    Ok(std::io::stdout().lock().write_all(document.as_bytes())?)
}
