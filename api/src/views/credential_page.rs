//! The public page of an award: for those who follow a link or scan a code, and to be printed.

use std::sync::LazyLock;

use actix_web::http::header::CONTENT_SECURITY_POLICY;
use chrono::NaiveDate;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use milepost_domain::recognition::award::AwardState;
use qrcode::QrCode;
use qrcode::render::svg;

use super::page::head;
use super::preview_picture;
use super::security::policy;
use crate::answer::Answer;
use crate::error::ApiError;
use crate::store::awards::AwardRow;
use crate::store::organizations::Organization;

const STYLE: &str = include_str!("credential_page.css");

static POLICY: LazyLock<String> = LazyLock::new(|| policy(STYLE));

/// Everything that the page shows.
#[derive(Debug, Clone, Copy)]
pub struct PublicAward<'a> {
    /// Issuer.
    pub organization: &'a Organization,
    /// Award.
    pub award: &'a AwardRow,
    /// State as of today.
    pub state: AwardState,
    /// Address of the page.
    pub address: &'a str,
    /// Picture of the badge, as SVG.
    pub picture: &'a str,
}

/// Returns the page as a response.
pub fn render(shown: &PublicAward<'_>) -> Result<Answer, ApiError> {
    let code = QrCode::new(shown.address).map_err(ApiError::internal)?;
    let code = code.render::<svg::Color<'_>>().min_dimensions(112, 112).build();
    // A drawing within a page has no declaration of its own.
    let code = code.split_once("?>").map_or(code.as_str(), |(_, drawing)| drawing).to_owned();
    let page = lay_out(shown, &code).into_string();
    Ok(Answer::text("text/html; charset=utf-8", page).header(CONTENT_SECURITY_POLICY, POLICY.as_str()))
}

fn lay_out(shown: &PublicAward<'_>, code: &str) -> Markup {
    let PublicAward { organization, award, state, address, picture } = *shown;
    let badge = &award.badge;
    let holder = award.person_name.as_ref().map_or("", |name| name.as_str());
    let title = format!("{}: {holder}", badge.name);
    let more = html! {
        meta name="description" content=(badge.description.as_str());
        meta property="og:type" content="website";
        meta property="og:title" content=(title);
        meta property="og:description" content=(badge.description.as_str());
        meta property="og:site_name" content=(organization.name);
        meta property="og:url" content=(address);
        meta property="og:image" content={ (address) "/preview.png" };
        meta property="og:image:type" content="image/png";
        meta property="og:image:width" content=(preview_picture::SIZE.0);
        meta property="og:image:height" content=(preview_picture::SIZE.1);
        meta property="og:image:alt" content=(title);
        meta name="twitter:card" content="summary_large_image";
        link rel="alternate" type="application/vc+jwt" href=(address);
        link rel="alternate" type="application/vc" href=(address);
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&title, STYLE, Some(more)))
            body {
                main {
                    div class="badge" { (PreEscaped(picture.replacen("<svg ", "<svg class=\"badge\" ", 1))) }
                    h1 { (badge.name.as_str()) }
                    p class="to" { "awarded to " strong { (holder) } " by " (organization.name) }
                    @match state {
                        AwardState::Active | AwardState::Revoked => {}
                        AwardState::Expired => p class="state" { "This award has expired." }
                        AwardState::Suspended => p class="state" { "This award is suspended and does not count at present." }
                    }
                    (details(award))
                    div class="proof" {
                        (PreEscaped(code))
                        p {
                            "Only the organization can show this page at its address. The signed credential (Open Badges 3.0) is at the same "
                            "address, for programs that verify it: " code { (address) } ". "
                            "It is also inside the picture, as " a href={ (address) "/badge.png" } download { "PNG" } " or "
                            a href={ (address) "/badge.svg" } download { "SVG" } "."
                        }
                    }
                }
            }
        }
    }
}

fn details(award: &AwardRow) -> Markup {
    let badge = &award.badge;
    html! {
        h2 { "What it stands for" }
        p { (badge.description.as_str()) }
        h2 { "How it is earned" }
        p { (badge.criteria.as_str()) }
        @if !award.evidence.is_empty() {
            h2 { "Evidence" }
            ul {
                @for one in &award.evidence {
                    li {
                        @match &one.url {
                            Some(url) => a href=(url.as_str()) rel="nofollow noopener" { (one.name.as_str()) },
                            None => (one.name.as_str()),
                        }
                    }
                }
            }
        }
        @if !badge.alignments.is_empty() {
            h2 { "Corresponds to" }
            ul { @for one in &badge.alignments { li { a href=(one.url.as_str()) rel="nofollow noopener" { (one.name.as_str()) } } } }
        }
        dl {
            dt { "Awarded" } dd { (date(award.awarded_on)) }
            @if award.issued_on != award.awarded_on { dt { "Renewed" } dd { (date(award.issued_on)) } }
            @if let Some(on) = award.expires_on { dt { "Expires" } dd { (date(on)) } }
        }
    }
}

fn date(on: NaiveDate) -> Markup {
    html! { time datetime=(on) { (on.format("%-d %B %Y")) } }
}
