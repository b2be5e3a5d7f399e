//! The ceremony of a month as a page, to be shown and printed.

use std::sync::LazyLock;

use maud::html;

use super::ceremony_markdown::{people_in_words, sections};
use super::page::respond;
use super::security::policy;
use crate::answer::Answer;
use crate::resources::celebrations::Ceremony;

/// Style of pages that celebrate.
pub const STYLE: &str = include_str!("ceremony_page.css");

/// Policy that allows the style.
pub static POLICY: LazyLock<String> = LazyLock::new(|| policy(STYLE));

/// Returns the page as a response.
pub fn render(ceremony: &Ceremony) -> Answer {
    let title = format!("{}: {}", ceremony.organization, ceremony.month_in_words());
    let main = html! {
        header {
            p class="organization" { (ceremony.organization) }
            h1 { (ceremony.month_in_words()) }
            p { (people_in_words(ceremony)) }
        }
        @for (heading, sentences) in sections(ceremony) {
            section {
                h2 { (heading) }
                ul { @for sentence in sentences { li { (sentence) } } }
            }
        }
    };
    respond(&title, (STYLE, &POLICY), &main)
}
