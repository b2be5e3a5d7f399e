//! Parts that every page has.

use actix_web::http::header::CONTENT_SECURITY_POLICY;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::answer::Answer;

/// Returns a page as a response: its title, its style with the policy that allows it, and what is in it.
pub fn respond(title: &str, (style, policy): (&str, &str), main: &Markup) -> Answer {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, style, None))
            body { main { (main) } }
        }
    };
    Answer::text("text/html; charset=utf-8", page.into_string()).header(CONTENT_SECURITY_POLICY, policy)
}

/// Returns the head of a page: its title, its style, and more that it has of its own.
pub fn head(title: &str, style: &str, more: Option<Markup>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            @if let Some(more) = more { (more) }
            style { (PreEscaped(style)) }
        }
    }
}
