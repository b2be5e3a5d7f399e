//! The ceremony of a month as a page, to be shown and printed.

use std::sync::LazyLock;

use actix_web::http::header::CONTENT_SECURITY_POLICY;
use maud::{DOCTYPE, html};

use super::ceremony_markdown::{people_in_words, sections};
use super::page::head;
use super::security::policy;
use crate::answer::Answer;
use crate::resources::celebrations::Ceremony;

const STYLE: &str = include_str!("ceremony_page.css");

static POLICY: LazyLock<String> = LazyLock::new(|| policy(STYLE));

/// Returns the page as a response.
pub fn render(ceremony: &Ceremony) -> Answer {
    let title = format!("{}: {}", ceremony.organization, ceremony.month_in_words());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&title, STYLE, None))
            body {
                main {
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
                }
            }
        }
    };
    Answer::text("text/html; charset=utf-8", page.into_string()).header(CONTENT_SECURITY_POLICY, POLICY.as_str())
}
