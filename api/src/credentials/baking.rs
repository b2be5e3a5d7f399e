//! Badges with their credentials inside: baked pictures (Open Badges 3.0, section 5.3).

use image::RgbaImage;
use png::{BitDepth, ColorType, Decoder, Encoder};
use roxmltree::Document;

use crate::error::ApiError;

/// Name of the text chunk of a PNG that carries a credential.
const KEYWORD: &str = "openbadgecredential";
/// Namespace of the element of an SVG that carries a credential.
const NAMESPACE: &str = "https://purl.imsglobal.org/ob/v3p0";

/// Longest credential in a picture, in bytes.
const MOST_TEXT: usize = 200_000;
/// Largest SVG in which a credential is looked for, in bytes.
const MOST_SVG: usize = 512 * 1024;

/// Returns a picture as PNG, with a credential inside if there is one.
pub fn png(picture: &RgbaImage, credential: Option<&str>) -> Result<Vec<u8>, ApiError> {
    let mut bytes = vec![];
    let mut encoder = Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    if let Some(credential) = credential {
        encoder.add_itxt_chunk(KEYWORD.to_owned(), credential.to_owned()).map_err(ApiError::internal)?;
    }
    let mut writer = encoder.write_header().map_err(ApiError::internal)?;
    writer.write_image_data(picture.as_raw()).map_err(ApiError::internal)?;
    writer.finish().map_err(ApiError::internal)?;
    Ok(bytes)
}

/// Returns a drawing of our own with a JWT inside. A JWT has no character that XML would read.
pub fn svg(drawing: &str, token: &str) -> String {
    let opened = format!("<svg xmlns:openbadges=\"{NAMESPACE}\" ");
    let baked = drawing.replacen("<svg ", &opened, 1);
    match baked.split_once('>') {
        Some((root, rest)) => format!("{root}><openbadges:credential verify=\"{token}\"/>{rest}"),
        None => baked,
    }
}

/// Returns the credential inside a picture: of a PNG its chunk, of an SVG its element; `None` if there is none, or more than one.
pub fn credential_of(picture: &[u8]) -> Option<String> {
    let is_png = picture.starts_with(b"\x89PNG\r\n\x1a\n");
    let found = if is_png { of_png(picture) } else { of_svg(std::str::from_utf8(picture).ok()?) };
    found.filter(|text| text.len() <= MOST_TEXT)
}

fn of_png(picture: &[u8]) -> Option<String> {
    let mut reader = Decoder::new(std::io::Cursor::new(picture)).read_info().ok()?;
    // Chunks may follow the image.
    let _ = reader.finish();
    let mut found = reader.info().utf8_text.iter().filter(|chunk| chunk.keyword == KEYWORD);
    let mut one = found.next().filter(|_| found.next().is_none())?.clone();
    one.decompress_text_with_limit(MOST_TEXT).ok()?;
    one.get_text().ok()
}

fn of_svg(picture: &str) -> Option<String> {
    if picture.len() > MOST_SVG {
        return None;
    }
    let document = Document::parse(picture).ok()?;
    let is_ours = |node: &roxmltree::Node<'_, '_>| node.has_tag_name((NAMESPACE, "credential"));
    let mut found = document.descendants().filter(is_ours);
    let one = found.next().filter(|_| found.next().is_none())?;
    one.attribute("verify").or_else(|| one.text()).map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn what_was_baked_is_found() {
        let picture = RgbaImage::from_pixel(8, 8, Rgba([255, 0, 0, 128]));
        let baked = png(&picture, Some("{\"name\":\"Zürich\"}")).expect("a picture");
        assert_eq!(credential_of(&baked).as_deref(), Some("{\"name\":\"Zürich\"}"));
        assert_eq!(image::load_from_memory(&baked).expect("a picture").into_rgba8(), picture);
        assert_eq!(credential_of(&png(&picture, None).expect("a picture")), None);
        let drawing = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"8\"><path d=\"M0 0\"/></svg>";
        assert_eq!(credential_of(svg(drawing, "a.b.c").as_bytes()).as_deref(), Some("a.b.c"));
        assert_eq!(credential_of(drawing.as_bytes()), None);
    }

    #[test]
    fn other_spellings_are_read() {
        let of = |inside: &str| {
            let root = "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:ob=\"https://purl.imsglobal.org/ob/v3p0\">";
            credential_of(format!("{root}{inside}</svg>").as_bytes())
        };
        assert_eq!(of("<ob:credential><![CDATA[{\"a\": 1}]]></ob:credential>").as_deref(), Some("{\"a\": 1}"));
        assert_eq!(of("<ob:credential verify=\"x\"/><ob:credential verify=\"y\"/>"), None);
        let bomb = "0".repeat(MOST_TEXT + 1);
        let picture = RgbaImage::from_pixel(1, 1, Rgba([0; 4]));
        assert_eq!(credential_of(&png(&picture, Some(&bomb)).expect("a picture")), None);
        for bytes in [&b""[..], b"\x89PNG\r\n\x1a\n", b"<svg", b"\xff\xfe"] {
            assert_eq!(credential_of(bytes), None);
        }
    }
}
