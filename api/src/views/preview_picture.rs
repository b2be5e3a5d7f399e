//! Pictures of awards for previews of links, as social networks and messengers show them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::RgbaImage;
use maud::html;

use super::raster;
use crate::error::ApiError;

/// Width and height of a preview in pixels (Open Graph).
pub const SIZE: (u32, u32) = (1_200, 630);
/// Most characters of a line of the badge's name, and most lines.
const LINE: usize = 20;
const MOST_LINES: usize = 3;
/// Distance between lines, in pixels.
const LEADING: usize = 70;

/// Returns the preview: the badge beside its name, its holder and its issuer.
pub fn draw(badge: &str, name: &str, holder: &str, issuer: &str) -> Result<RgbaImage, ApiError> {
    let lines = wrapped(name, LINE, MOST_LINES);
    let top = 365 - usize::midpoint(lines.len() * LEADING, 110);
    let below = top + lines.len() * LEADING;
    let badge = format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(badge));
    let (width, height) = SIZE;
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } font-family="sans-serif" {
            rect width=(width) height=(height) fill="#f3f4f6" {}
            rect x="32" y="32" width="1136" height="566" rx="28" fill="#ffffff" stroke="#d1d5db" stroke-width="2" {}
            image x="72" y="115" width="400" height="400" href=(badge) {}
            @for (at, line) in lines.iter().enumerate() {
                text x="520" y=(top + at * LEADING) font-size="50" font-weight="700" fill="#1f2937" { (line) }
            }
            text x="520" y=(below) font-size="34" fill="#4b5563" { (wrapped(holder, 31, 1).concat()) }
            text x="520" y=(below + 52) font-size="28" fill="#4b5563" { (wrapped(&format!("by {issuer}"), 38, 1).concat()) }
        }
    };
    raster::draw(&raster::read(&drawing.into_string()).map_err(ApiError::internal)?, SIZE)
}

/// Breaks a text between words into lines of some characters; what is left over is cut.
fn wrapped(text: &str, most: usize, lines: usize) -> Vec<String> {
    let mut broken: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let last = broken.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > most {
            broken.push(String::new());
        }
        if let Some(line) = broken.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    let is_cut = broken.len() > lines;
    broken.truncate(lines);
    let is_last = |at: usize, count: usize| at + 1 == count;
    let count = broken.len();
    let cut = |(at, line): (usize, &String)| {
        let too_long = line.chars().count() > most;
        if too_long || (is_cut && is_last(at, count)) {
            let kept: String = line.chars().take(most - 1).collect();
            format!("{}…", kept.trim_end())
        } else {
            line.clone()
        }
    };
    broken.iter().enumerate().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_broken_between_words() {
        for (text, expected) in [
            ("First agent deployed", vec!["First agent deployed"]),
            ("Business impact achieved in a year", vec!["Business impact", "achieved in a year"]),
            (
                "one two three four five six seven eight nine ten eleven twelve",
                vec!["one two three four", "five six seven eight", "nine ten eleven…"],
            ),
            ("Donaudampfschifffahrtsgesellschaft", vec!["Donaudampfschifffah…"]),
            ("", vec![""]),
        ] {
            assert_eq!(wrapped(text, LINE, MOST_LINES), expected);
        }
    }
}
