//! Drawings as pixels. Their texts are drawn with fonts of our own, so that they look the same on every machine.

use std::sync::{Arc, LazyLock};

use image::RgbaImage;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Error, ImageHrefResolver, Options, Tree, fontdb};

use crate::error::ApiError;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

/// Reads a drawing. Pictures within it are read from itself only, never from a file.
pub fn read(drawing: &str) -> Result<Tree, Error> {
    let options = Options {
        font_family: "DejaVu Sans".to_owned(),
        fontdb: Arc::clone(&FONTS),
        image_href_resolver: ImageHrefResolver {
            resolve_string: Box::new(|_, _| None),
            ..ImageHrefResolver::default()
        },
        ..Options::default()
    };
    Tree::from_str(drawing, &options)
}

/// Draws within a width and a height in pixels, in the middle of them and as large as it can be.
pub fn draw(tree: &Tree, (width, height): (u32, u32)) -> Result<RgbaImage, ApiError> {
    let mut pixels = Pixmap::new(width, height).ok_or_else(|| ApiError::internal("a picture without pixels"))?;
    #[expect(clippy::cast_precision_loss, reason = "sides of pictures are small")]
    let (width_f, height_f) = (width as f32, height as f32);
    let size = tree.size();
    let scale = (width_f / size.width()).min(height_f / size.height());
    let (left, top) = ((width_f - size.width() * scale) / 2.0, (height_f - size.height() * scale) / 2.0);
    resvg::render(tree, Transform::from_row(scale, 0.0, 0.0, scale, left, top), &mut pixels.as_mut());
    RgbaImage::from_raw(width, height, pixels.take_demultiplied()).ok_or_else(|| ApiError::internal("a picture is cut"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_drawn_in_the_middle() {
        let tree = read(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\"><rect width=\"10\" height=\"10\" fill=\"#f00\"/></svg>",
        );
        let drawn = draw(&tree.expect("a drawing"), (40, 20)).expect("a picture");
        let at = |x, y| drawn.get_pixel(x, y).0;
        assert_eq!((at(20, 10), at(5, 10)), ([255, 0, 0, 255], [0, 0, 0, 0]));
    }

    #[test]
    fn texts_are_drawn_and_files_are_not_read() {
        let ink = |inside: &str| {
            let tree =
                read(&format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"40\">{inside}</svg>"));
            let drawn = draw(&tree.expect("a drawing"), (40, 40)).expect("a picture");
            drawn.pixels().filter(|pixel| pixel.0[3] > 0).count()
        };
        assert!(ink("<text x=\"2\" y=\"30\" font-size=\"30\" font-family=\"system-ui, sans-serif\">T4</text>") > 50);
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/views/raster.rs");
        assert_eq!(ink(&format!("<image width=\"40\" height=\"40\" href=\"{here}\"/>")), 0);
    }
}
