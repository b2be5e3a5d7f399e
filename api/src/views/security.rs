//! Limits on what a page may load and do.

use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Policy of files: a browser that shows one runs nothing in it and loads nothing for it.
pub const ATTACHED: &str = "default-src 'none'; sandbox";

/// Returns the content security policy of a page: only the page's own style and pictures in it, and forms only to this server.
pub fn policy(style: &str) -> String {
    let hash = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, style.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}
