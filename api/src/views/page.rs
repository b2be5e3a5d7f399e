//! Parts that every page has.

use maud::{Markup, PreEscaped, html};

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
