//! Files as evidence: what they are is told by what they contain, never by their name or by what their sender says.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use super::rule::ProofRule;

/// Largest number of bytes of a file.
pub const MOST_BYTES: usize = 5 * 1024 * 1024;
/// Largest number of files of a validation.
pub const MOST_FILES: usize = 20;
/// Number of last bytes in which a PDF must say that it ends (ISO 32000-1, annex H.3, implementation note 18).
const PDF_END_WITHIN: usize = 1024;

/// Kind of file: its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[schema(as = EvidenceMediaType)]
pub enum FileKind {
    /// Picture in the format PNG.
    #[serde(rename = "image/png")]
    #[strum(serialize = "image/png")]
    Png,
    /// Picture in the format JPEG.
    #[serde(rename = "image/jpeg")]
    #[strum(serialize = "image/jpeg")]
    Jpeg,
    /// Document in the format PDF.
    #[serde(rename = "application/pdf")]
    #[strum(serialize = "application/pdf")]
    Pdf,
    /// Plain text in UTF-8.
    #[serde(rename = "text/plain")]
    #[strum(serialize = "text/plain")]
    Text,
}

impl FileKind {
    /// Returns the kind of a file by what it contains; of pictures only by how they begin, so whoever keeps them has to read them.
    pub fn of(bytes: &[u8]) -> Result<Self, ProofRule> {
        if bytes.is_empty() {
            return Err(ProofRule::EmptyFile);
        }
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Ok(Self::Png);
        }
        if bytes.starts_with(b"\xff\xd8\xff") {
            return Ok(Self::Jpeg);
        }
        if bytes.starts_with(b"%PDF-") {
            let end = &bytes[bytes.len().saturating_sub(PDF_END_WITHIN)..];
            let is_whole = end.windows(5).any(|part| part == b"%%EOF");
            return if is_whole { Ok(Self::Pdf) } else { Err(ProofRule::NotEvidence) };
        }
        let is_text = std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_shown));
        if is_text { Ok(Self::Text) } else { Err(ProofRule::NotEvidence) }
    }

    /// Returns whether it is a picture.
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg)
    }

    /// Returns the ending of a file's name.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Pdf => "pdf",
            Self::Text => "txt",
        }
    }
}

/// Whether a character belongs into a text: everything but control characters that do more than end a line or indent it.
fn is_shown(one: char) -> bool {
    !one.is_control() || matches!(one, '\n' | '\r' | '\t')
}

/// Checks that a file can be added to others.
pub const fn check_number(there: usize) -> Result<(), ProofRule> {
    if there < MOST_FILES { Ok(()) } else { Err(ProofRule::TooManyFiles) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_contains() {
        let long = [b"%PDF-1.7\n".as_slice(), &[b' '; 2000], b"%%EOF\n"].concat();
        let cut = [b"%PDF-1.7\n%%EOF\n".as_slice(), &[b' '; 2000]].concat();
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\nrest"[..], Ok(FileKind::Png)),
            (b"\xff\xd8\xff\xe0rest", Ok(FileKind::Jpeg)),
            (&long, Ok(FileKind::Pdf)),
            (&cut, Err(ProofRule::NotEvidence)),
            ("Zürich,\t4 May\r\n".as_bytes(), Ok(FileKind::Text)),
            (b"<svg><script>alert(1)</script></svg>", Ok(FileKind::Text)),
            (b"MZ\x00\x01", Err(ProofRule::NotEvidence)),
            (b"caf\xe9", Err(ProofRule::NotEvidence)),
            (b"bell\x07", Err(ProofRule::NotEvidence)),
            (b"", Err(ProofRule::EmptyFile)),
        ] {
            assert_eq!(FileKind::of(bytes), expected, "{:?}", &bytes[..bytes.len().min(20)]);
        }
        assert_eq!((check_number(19), check_number(20)), (Ok(()), Err(ProofRule::TooManyFiles)));
        assert_eq!(FileKind::Pdf.to_string(), "application/pdf");
    }
}
