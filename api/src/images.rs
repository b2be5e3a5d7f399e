//! Uploaded images: checked by what they contain, never by what their sender says, and drawn anew. So nothing that was hidden in a file
//! (place, camera, a script behind the picture) is kept.

use std::io::Cursor;
use std::sync::Arc;

use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use crate::error::ApiError;

/// Largest width and height of an image, in pixels.
const LONGEST_SIDE: u32 = 8_192;
/// Most pixels of an image.
const MOST_PIXELS: u64 = 24_000_000;
/// Memory that decoding may take, in bytes: four or eight for each pixel, and what the decoder needs itself.
const MOST_BYTES: u64 = MOST_PIXELS * 8 + 16 * 1024 * 1024;
/// Width and height of an avatar, in pixels.
const AVATAR_SIDE: u32 = 256;

/// Image as the bytes of a file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary, max_length = 5_242_880)]
#[expect(dead_code, reason = "the document's word for what is sent as it is")]
pub struct ImageFile(Vec<u8>);

/// The formats that are read.
const FORMATS: [ImageFormat; 4] = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif];

/// The place in which images are worked on: one at a time, because each can take much memory.
#[derive(Debug)]
pub struct Images(Arc<Semaphore>);

impl Default for Images {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Images {
    /// Works on an image when it is its turn, beside the requests.
    pub async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        // The turn goes with the work, which goes on when nobody waits for it any more.
        let turn = Arc::clone(&self.0).acquire_owned().await.map_err(ApiError::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(ApiError::internal)?
    }

    /// Checks that a file is a whole image within the limits.
    pub async fn check(&self, bytes: Vec<u8>) -> Result<(), ApiError> {
        self.in_turn(move || read(&bytes).map(|_| ())).await
    }

    /// Returns an image as a square PNG: the middle of it, upright and made smaller.
    pub async fn avatar(&self, bytes: Vec<u8>) -> Result<Vec<u8>, ApiError> {
        self.in_turn(move || draw_avatar(&bytes)).await
    }
}

fn draw_avatar(bytes: &[u8]) -> Result<Vec<u8>, ApiError> {
    let image = read(bytes)?;
    let square = image.resize_to_fill(AVATAR_SIDE, AVATAR_SIDE, FilterType::CatmullRom);
    let square =
        if square.color().has_alpha() { square.into_rgba8().into() } else { DynamicImage::from(square.into_rgb8()) };
    let mut png = vec![];
    square.write_with_encoder(PngEncoder::new(&mut png)).map_err(ApiError::internal)?;
    Ok(png)
}

/// Reads an image, upright. Its format is what it contains.
pub fn read(bytes: &[u8]) -> Result<DynamicImage, ApiError> {
    let format = image::guess_format(bytes).ok().filter(|format| FORMATS.contains(format));
    let format = format.ok_or_else(|| not_an_image("must be a PNG, JPEG, WebP or GIF image, whatever its name"))?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(LONGEST_SIDE), Some(LONGEST_SIDE));
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(too_large());
    }
    let orientation = decoder.orientation().map_err(|error| refused(&error))?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn refused(error: &ImageError) -> ApiError {
    match error {
        ImageError::Limits(_) => too_large(),
        _ => not_an_image("is not a whole image of its format"),
    }
}

fn not_an_image(detail: &'static str) -> ApiError {
    ApiError::field("", "not_an_image", detail)
}

fn too_large() -> ApiError {
    let most = MOST_PIXELS / 1_000_000;
    ApiError::field("", "image_too_large", format!("must have at most {most} million pixels, {LONGEST_SIDE} on a side"))
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let half = |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) };
        let mut bytes = vec![];
        RgbImage::from_fn(width, height, half).write_with_encoder(PngEncoder::new(&mut bytes)).expect("an image");
        bytes
    }

    /// The code of what is wrong with a file.
    fn code(bytes: &[u8]) -> Option<String> {
        draw_avatar(bytes).err().map(|error| error.fields()[0].code.clone())
    }

    #[test]
    fn a_picture_becomes_a_square() {
        for (width, height) in [(600, 400), (40, 400), (1, 1), (256, 256)] {
            let drawn = image::load_from_memory(&draw_avatar(&png(width, height)).expect("a picture")).expect("a PNG");
            assert_eq!((drawn.width(), drawn.height()), (AVATAR_SIDE, AVATAR_SIDE), "{width} × {height}");
        }
        let drawn =
            image::load_from_memory(&draw_avatar(&png(600, 400)).expect("a picture")).expect("a PNG").into_rgb8();
        assert_eq!((drawn.get_pixel(10, 128).0, drawn.get_pixel(245, 128).0), ([255, 0, 0], [0, 0, 255]));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let whole = png(64, 64);
        for (bytes, expected) in [
            (&b"%PDF-1.7 renamed"[..], "not_an_image"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>", "not_an_image"),
            (b"", "not_an_image"),
            (&whole[..whole.len() / 2], "not_an_image"),
            (&whole[..20], "not_an_image"),
            (&png(9_000, 10), "image_too_large"),
            (&png(8_000, 4_000), "image_too_large"),
        ] {
            assert_eq!(code(bytes).as_deref(), Some(expected), "{} bytes", bytes.len());
        }
        let mut trailing = whole;
        trailing.extend(b"<script>alert(1)</script>");
        let drawn = draw_avatar(&trailing).expect("a picture");
        assert!(!drawn.windows(8).any(|part| part == b"<script>"), "what follows the picture is not kept");
    }
}
