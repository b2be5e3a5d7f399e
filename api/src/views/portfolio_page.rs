//! The public page of a person's portfolio.

use std::sync::LazyLock;

use actix_web::http::header::CONTENT_SECURITY_POLICY;
use maud::{DOCTYPE, Markup, html};
use milepost_domain::recognition::award::AwardState;

use super::page::head;
use super::security::policy;
use crate::answer::Answer;
use crate::resources::figures::StoryFigure;
use crate::resources::portfolio::{Portfolio, PortfolioStory};

const STYLE: &str = include_str!("ceremony_page.css");

static POLICY: LazyLock<String> = LazyLock::new(|| policy(STYLE));

/// Returns the page as a response.
pub fn render(portfolio: &Portfolio) -> Answer {
    let title = format!("{}: {}", portfolio.person_name, portfolio.organization);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&title, STYLE, None))
            body {
                main {
                    header {
                        p class="organization" { (portfolio.organization) }
                        h1 { (portfolio.person_name.as_str()) }
                        p { (milestones_in_words(portfolio)) }
                    }
                    @if !portfolio.awards.is_empty() { (awards(portfolio)) }
                    @if !portfolio.levels.is_empty() {
                        section {
                            h2 { "Finished levels" }
                            ul {
                                @for one in &portfolio.levels {
                                    li { @if let Some(track) = &one.track { (track) ": " } (one.level) " (" (one.on.format("%B %Y")) ")" }
                                }
                            }
                        }
                    }
                    @for one in &portfolio.stories { (story(one)) }
                }
            }
        }
    };
    Answer::text("text/html; charset=utf-8", page.into_string()).header(CONTENT_SECURITY_POLICY, POLICY.as_str())
}

fn milestones_in_words(portfolio: &Portfolio) -> String {
    match (portfolio.milestones, portfolio.since) {
        (0, _) | (_, None) => String::new(),
        (1, Some(since)) => format!("One milestone, in {}", since.format("%B %Y")),
        (count, Some(since)) => format!("{count} milestones since {}", since.format("%B %Y")),
    }
}

fn awards(portfolio: &Portfolio) -> Markup {
    html! {
        section {
            h2 { "Awards" }
            ul {
                @for one in &portfolio.awards {
                    li {
                        @match &one.url {
                            Some(url) => a href=(url) { (one.name.as_str()) },
                            None => (one.name.as_str()),
                        }
                        " (" (one.awarded_on.format("%B %Y")) @if one.state == AwardState::Expired { ", expired" } ")"
                    }
                }
            }
        }
    }
}

fn story(one: &PortfolioStory) -> Markup {
    html! {
        section {
            h2 { (one.title.as_str()) }
            @for paragraph in one.text.split("\n\n") { p { (paragraph) } }
            @if let Some(quote) = &one.quote { blockquote { p { (quote.as_str()) } } }
            @if !one.figures.is_empty() { ul { @for figure in &one.figures { li { (StoryFigure::in_words(figure)) } } } }
        }
    }
}
