//! The public page of a person's portfolio.

use maud::{Markup, html};
use milepost_domain::recognition::award::AwardState;

use super::ceremony_page::{POLICY, STYLE};
use super::page::respond;
use crate::answer::Answer;
use crate::resources::figures::StoryFigure;
use crate::resources::portfolio::{Portfolio, PortfolioLevel, PortfolioStory};

/// Returns the page as a response.
pub fn render(portfolio: &Portfolio) -> Answer {
    let title = format!("{}: {}", portfolio.person_name, portfolio.organization);
    let main = html! {
        header {
            p class="organization" { (portfolio.organization) }
            h1 { (portfolio.person_name.as_str()) }
            p { (milestones_in_words(portfolio)) }
        }
        @if !portfolio.awards.is_empty() { (awards(portfolio)) }
        @if !portfolio.levels.is_empty() {
            section {
                h2 { "Finished levels" }
                ul { @for one in &portfolio.levels { li { (PortfolioLevel::in_words(one)) " (" (one.on.format("%B %Y")) ")" } } }
            }
        }
        @for one in &portfolio.stories { (story(one)) }
    };
    respond(&title, (STYLE, &POLICY), &main)
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
