//! Pictures of badges, as SVG: the artwork that a design names, or else a drawing from the design, so that no designer is needed and none looks like
//! a placeholder.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::html;
use milepost_domain::people::profile::initials;
use milepost_domain::recognition::badge::{BadgeContent, BadgeShape, BadgeTier};
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::{Conn, artworks};

/// Returns the picture of a badge.
pub async fn load(conn: &mut Conn, organization_id: Uuid, badge: &BadgeContent) -> Result<String, ApiError> {
    let Some(id) = badge.design.artwork_id else { return Ok(draw(badge)) };
    let content = artworks::content(conn, organization_id, id).await?;
    Ok(content.map_or_else(|| draw(badge), framed))
}

/// Artwork as SVG: a PNG within a frame.
fn framed(content: Vec<u8>) -> String {
    let png = match String::from_utf8(content) {
        Ok(drawing) => return drawing,
        Err(error) => error.into_bytes(),
    };
    let address = format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png));
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320" width="320" height="320" {
            image width="320" height="320" href=(address) {}
        }
    };
    drawing.into_string()
}

/// Draws a badge from its design.
fn draw(badge: &BadgeContent) -> String {
    let design = &badge.design;
    let (face, edge) = design.color.rgb();
    let (face, edge) = (color(face), color(edge));
    let rim = design.tier.map_or_else(|| edge.clone(), |tier| color(tier.rgb()));
    let text = design.text.as_ref().map_or_else(|| initials(&badge.name), ToString::to_string);
    let size = match text.chars().count() {
        0 | 1 => 132,
        2 => 112,
        3 => 80,
        _ => 60,
    };
    let outline = outline(design.shape);
    let stars = match design.tier {
        None => 0,
        Some(BadgeTier::Bronze) => 1,
        Some(BadgeTier::Silver) => 2,
        Some(BadgeTier::Gold) => 3,
    };
    let lift = if stars > 0 { 148 } else { 160 };
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320" width="320" height="320" role="img" {
            title { (badge.name.as_str()) }
            defs {
                linearGradient id="face" x1="0" y1="0" x2="0" y2="1" {
                    stop offset="0" stop-color=(face) {}
                    stop offset="1" stop-color=(edge) {}
                }
            }
            path d=(outline) fill=(rim) stroke=(edge) stroke-width="3" stroke-linejoin="round" {}
            g transform="translate(160 160) scale(0.87) translate(-160 -160)" {
                path d=(outline) fill="url(#face)" {}
            }
            g transform="translate(160 160) scale(0.78) translate(-160 -160)" {
                path d=(outline) fill="none" stroke="#ffffff" stroke-opacity="0.4" stroke-width="3" stroke-linejoin="round" {}
            }
            text x="160" y=(lift) fill="#ffffff" font-family="system-ui, 'Segoe UI', Roboto, sans-serif" font-weight="700"
                font-size=(size) text-anchor="middle" dominant-baseline="central" { (text) }
            @for star in 0..stars {
                path d=(STAR) fill=(rim)
                    transform={ "translate(" (160 - 17 * (stars - 1) + 34 * star) " 226)" } {}
            }
        }
    };
    drawing.into_string()
}

/// A star of five points around the origin.
const STAR: &str = "M0 -14 L3.5 -4.8 L13.3 -4.3 L5.7 1.9 L8.2 11.3 L0 6 L-8.2 11.3 L-5.7 1.9 L-13.3 -4.3 L-3.5 -4.8 Z";

fn color(rgb: u32) -> String {
    format!("#{rgb:06x}")
}

/// The outline of a badge within 320 × 320.
fn outline(shape: BadgeShape) -> String {
    match shape {
        BadgeShape::Circle => "M160 12 A148 148 0 1 1 160 308 A148 148 0 1 1 160 12 Z".to_owned(),
        BadgeShape::Hexagon => points(6, |_| 150.0),
        BadgeShape::Shield => {
            "M160 12 C196 36 240 44 288 42 C294 150 262 252 160 308 C58 252 26 150 32 42 C80 44 124 36 160 12 Z"
                .to_owned()
        }
        BadgeShape::Rosette => points(24, |at| if at % 2 == 0 { 150.0 } else { 132.0 }),
    }
}

/// A polygon around the middle whose first corner is at the top.
fn points(corners: u32, radius: impl Fn(u32) -> f64) -> String {
    let corner = |at: u32| {
        let angle = std::f64::consts::TAU * f64::from(at) / f64::from(corners);
        let (sin, cos) = angle.sin_cos();
        format!("{:.1} {:.1}", 160.0 + radius(at) * sin, 160.0 - radius(at) * cos)
    };
    let corners: Vec<String> = (0..corners).map(corner).collect();
    format!("M{} Z", corners.join(" L"))
}
