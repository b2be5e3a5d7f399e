//! Uploaded artwork of badges: checked by what it contains, and drawn anew. Of an SVG, only what is drawn is kept: nothing in it runs,
//! and nothing is loaded for it.

use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};
use milepost_domain::recognition::artwork::ArtworkKind;
use resvg::usvg::{Node, Tree, WriteOptions};
use roxmltree::Document;

use crate::error::ApiError;
use crate::images;
use crate::views::raster;

/// Largest width and height in pixels of artwork that is kept as PNG.
const SIDE: u32 = 640;
/// Largest number of bytes of an SVG.
const MOST_SVG_BYTES: usize = 512 * 1024;
/// Largest number of shapes of an SVG, after all references are followed.
const MOST_SHAPES: usize = 5_000;

/// Elements of an SVG that are drawn, or that say something to readers of the file.
const ELEMENTS: [&str; 23] = [
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "g",
    "line",
    "linearGradient",
    "metadata",
    "path",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "stop",
    "style",
    "svg",
    "switch",
    "symbol",
    "text",
    "title",
    "tspan",
    "use",
];
/// Deepest nesting of elements: each can be a layer of its own.
const DEEPEST: usize = 40;
const SVG: &str = "http://www.w3.org/2000/svg";

/// Returns artwork as it is kept.
pub fn cleaned(bytes: &[u8]) -> Result<(ArtworkKind, Vec<u8>), ApiError> {
    if image::guess_format(bytes).is_ok_and(|format| format == ImageFormat::Png) {
        return Ok((ArtworkKind::Png, png(&images::read(bytes)?)?));
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains("<svg"));
    let text = text.ok_or_else(|| refused("not_an_image", "must be a PNG or an SVG, whatever its name".to_owned()))?;
    Ok((ArtworkKind::Svg, svg(text)?.into_bytes()))
}

fn png(image: &DynamicImage) -> Result<Vec<u8>, ApiError> {
    let drawn = if image.width().max(image.height()) > SIDE {
        image.resize(SIDE, SIDE, FilterType::CatmullRom)
    } else {
        image.clone()
    };
    let mut bytes = vec![];
    DynamicImage::from(drawn.into_rgba8())
        .write_with_encoder(PngEncoder::new(&mut bytes))
        .map_err(ApiError::internal)?;
    Ok(bytes)
}

fn svg(text: &str) -> Result<String, ApiError> {
    if text.len() > MOST_SVG_BYTES {
        return Err(refused("image_too_large", format!("must have at most {MOST_SVG_BYTES} bytes")));
    }
    let unread = || refused("not_an_image", "is not a whole SVG; document type declarations are not taken".to_owned());
    check_harmless(&Document::parse(text).map_err(|_| unread())?)
        .map_err(|reason| refused("unsafe_drawing", reason))?;
    let tree = raster::read(text).map_err(|_| unread())?;
    if !tree.filters().is_empty() {
        return Err(refused("unsafe_drawing", "must not contain filters".to_owned()));
    }
    if shapes(&tree) > MOST_SHAPES {
        return Err(refused("image_too_large", format!("must have at most {MOST_SHAPES} shapes")));
    }
    let written = tree.to_string(&WriteOptions::default());
    // Names with characters that mark something up are written as they are.
    Document::parse(&written).map_err(|_| unread())?;
    Ok(written)
}

fn refused(code: &'static str, reason: String) -> ApiError {
    ApiError::field("", code, reason)
}

/// Checks that nothing in a drawing runs, and that nothing is loaded for it. Elements of other vocabularies, such as those of drawing
/// programs, are not drawn, and so not kept.
fn check_harmless(document: &Document<'_>) -> Result<(), String> {
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name();
        // Without a namespace, elements are drawn like those of SVG.
        let is_drawn = name.namespace().is_none_or(|namespace| namespace.is_empty() || namespace == SVG);
        if (is_drawn && !ELEMENTS.contains(&name.name())) || name.name() == "script" {
            return Err(format!("must not contain the element {}", name.name()));
        }
        if node.ancestors().count() > DEEPEST {
            return Err(format!("must not be nested deeper than {DEEPEST} elements"));
        }
        let is_in_clip = node.ancestors().any(|one| one.tag_name().name() == "clipPath");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name().to_lowercase(), attribute.value().trim());
            if name.starts_with("on") && attribute.namespace().is_none() {
                return Err(format!("must not contain the attribute {name}"));
            }
            if name == "href" && !value.starts_with('#') {
                return Err("must refer to nothing outside itself".to_owned());
            }
            if is_in_clip && (name == "clip-path" || value.contains("clip-path")) {
                return Err("must not clip within a clip".to_owned());
            }
            check_style(value)?;
        }
        if name.name() == "style" {
            let style = node.text().unwrap_or_default();
            if style.contains("clip-path") {
                return Err("must not clip by a style sheet".to_owned());
            }
            check_style(style)?;
        }
    }
    Ok(())
}

/// Checks that a style refers to nothing outside the drawing.
fn check_style(style: &str) -> Result<(), String> {
    let style = style.to_lowercase();
    let is_inside = |rest: &str| rest.trim_start().trim_start_matches(['"', '\'']).starts_with('#');
    let mut addresses = style.split("url(").skip(1);
    if style.contains("@import") || addresses.any(|rest| !is_inside(rest)) {
        return Err("must refer to nothing outside itself".to_owned());
    }
    Ok(())
}

fn shapes(tree: &Tree) -> usize {
    fn count(nodes: &[Node]) -> usize {
        let of = |node: &Node| match node {
            Node::Group(group) => 1 + count(group.children()),
            _ => 1,
        };
        nodes.iter().map(of).sum()
    }
    count(tree.root().children())
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn drawing(inside: &str) -> Vec<u8> {
        format!(
            "<svg xmlns=\"{SVG}\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 10 10\"><path d=\"M0 0H9V9Z\"/>{inside}</svg>"
        )
        .into_bytes()
    }

    #[test]
    fn what_is_drawn_is_kept() {
        let inside = "<title>T</title><metadata>by somebody</metadata><style>.a{fill:url(#g)}</style>\
                      <linearGradient id=\"g\"><stop stop-color=\"#f00\"/></linearGradient><rect class=\"a\" width=\"5\" height=\"5\"/>\
                      <x:view xmlns:x=\"urn:editor\" zoom=\"1\"/><use xlink:href=\"#g\"/>";
        let (kind, kept) = cleaned(&drawing(inside)).expect("a drawing");
        let kept = String::from_utf8(kept).expect("text");
        assert_eq!(kind, ArtworkKind::Svg);
        assert!(kept.starts_with("<svg ") && kept.contains("<path"), "{kept}");
        assert!(!kept.contains("somebody") && !kept.contains("urn:editor") && !kept.contains("<style"), "{kept}");
        let mut wide = vec![];
        let pixels = RgbImage::from_pixel(1_280, 320, Rgb([9, 9, 9]));
        pixels.write_with_encoder(PngEncoder::new(&mut wide)).expect("a picture");
        let (kind, kept) = cleaned(&wide).expect("a picture");
        let kept = image::load_from_memory(&kept).expect("a picture");
        assert_eq!((kind, kept.width(), kept.height()), (ArtworkKind::Png, 640, 160));
    }

    #[test]
    fn what_could_do_more_than_be_seen_is_refused() {
        let many = "<g id=\"a\"><path d=\"M0 0H1V1Z\"/><path d=\"M0 0H1V1Z\"/></g>".to_owned();
        let doubled = (0..13).fold(many, |drawn, at| {
            let to = if at == 0 { "a".to_owned() } else { format!("b{}", at - 1) };
            format!("{drawn}<g id=\"b{at}\"><use href=\"#{to}\"/><use href=\"#{to}\"/></g>")
        });
        let filter =
            "<filter xmlns=\"\" id=\"f\"><feTurbulence numOctaves=\"4000000000\"/></filter><rect filter=\"url(#f)\"/>";
        let marked = "<linearGradient id=\"a&amp;&lt;\"><stop/><stop/></linearGradient>\
                      <rect width=\"5\" height=\"5\" fill=\"url(#a&amp;&lt;)\"/>";
        let clips = "<clipPath id=\"a\"><rect width=\"5\" height=\"5\" clip-path=\"url(#a)\"/></clipPath>";
        for (file, code, word) in [
            (drawing(filter), "unsafe_drawing", "filter"),
            (drawing("<rect width=\"9\" height=\"9\" filter=\"blur(9)\"/>"), "unsafe_drawing", "filters"),
            (drawing("<mask id=\"m\"/>"), "unsafe_drawing", "mask"),
            (drawing("<pattern id=\"p\"/>"), "unsafe_drawing", "pattern"),
            (drawing(clips), "unsafe_drawing", "clip within"),
            (drawing("<style>rect{clip-path:url(#a)}</style>"), "unsafe_drawing", "style sheet"),
            (drawing(&format!("{}{}", "<g opacity=\".9\">".repeat(60), "</g>".repeat(60))), "unsafe_drawing", "deeper"),
            (drawing("<script xmlns=\"http://www.w3.org/1999/xhtml\"/>"), "unsafe_drawing", "script"),
            (drawing(marked), "not_an_image", "whole"),
            (drawing("<script>alert(1)</script>"), "unsafe_drawing", "script"),
            (drawing("<foreignObject/>"), "unsafe_drawing", "foreignObject"),
            (drawing("<image href=\"https://example.com/a.png\"/>"), "unsafe_drawing", "image"),
            (drawing("<a href=\"javascript:alert(1)\"><path d=\"M0 0\"/></a>"), "unsafe_drawing", "element a"),
            (drawing("<rect onclick=\"alert(1)\"/>"), "unsafe_drawing", "onclick"),
            (drawing("<use xlink:href=\"https://example.com/a.svg#b\"/>"), "unsafe_drawing", "outside"),
            (drawing("<rect fill=\"url(https://example.com/a.svg#b)\"/>"), "unsafe_drawing", "outside"),
            (drawing("<style>@import 'https://example.com/a.css';</style>"), "unsafe_drawing", "outside"),
            (drawing("<style>rect{fill:URL( 'https://example.com/a')}</style>"), "unsafe_drawing", "outside"),
            (
                [b"<!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>".to_vec(), drawing("")].concat(),
                "not_an_image",
                "whole",
            ),
            (drawing(&doubled), "image_too_large", "shapes"),
            (drawing(&"<g/>".repeat(MOST_SVG_BYTES / 4)), "image_too_large", "bytes"),
            (b"%PDF-1.7".to_vec(), "not_an_image", "PNG"),
            (b"<svg".to_vec(), "not_an_image", "whole"),
        ] {
            let error = cleaned(&file).expect_err(word);
            let field = &error.fields()[0];
            assert_eq!((field.code.as_str(), field.detail.contains(word)), (code, true), "{word}: {}", field.detail);
        }
    }
}
