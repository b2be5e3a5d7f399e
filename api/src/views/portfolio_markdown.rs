//! A portfolio as Markdown: lines for a résumé, and the draft of a recommendation. Texts of people are written so that they mark nothing up.

use std::fmt::Write;

use chrono::NaiveDate;
use milepost_domain::recognition::award::AwardState;

use super::status_markdown::plain;
use crate::resources::figures::StoryFigure;
use crate::resources::portfolio::{Portfolio, PortfolioAward, PortfolioLevel};

/// Returns lines to paste into a résumé.
pub fn lines(portfolio: &Portfolio) -> String {
    let month = |on: NaiveDate| on.format("%B %Y").to_string();
    let award = |one: &PortfolioAward| {
        let expired = if one.state == AwardState::Expired { ", expired" } else { "" };
        format!("{} ({}, {}{expired})", one.name, portfolio.organization, month(one.awarded_on))
    };
    let level = |one: &PortfolioLevel| format!("{}: level finished ({})", one.in_words(), month(one.on));
    let awards = portfolio.awards.iter().map(award);
    let all =
        awards.chain(portfolio.levels.iter().map(level)).chain(portfolio.impacts.iter().map(StoryFigure::in_words));
    all.map(|line| format!("- {}\n", plain(&line))).collect()
}

/// Returns the draft of a recommendation: sentences from facts, for somebody who knows the person to write on.
pub fn recommendation(portfolio: &Portfolio) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = lay_out(&mut text, portfolio);
    text
}

fn lay_out(text: &mut String, portfolio: &Portfolio) -> std::fmt::Result {
    let (name, organization) = (plain(&portfolio.person_name), plain(&portfolio.organization));
    let first = name.split_whitespace().next().unwrap_or(&name).to_owned();
    writeln!(text, "# Recommendation of {name}\n")?;
    let since = portfolio.since.map_or_else(String::new, |on| format!(" since {}", on.format("%B %Y")));
    match portfolio.milestones {
        0 => writeln!(text, "{name} has not achieved a milestone at {organization} yet.")?,
        1 => writeln!(text, "{name} has achieved a milestone at {organization}{since}.")?,
        count => writeln!(text, "{name} has achieved {count} milestones at {organization}{since}.")?,
    }
    let current = portfolio.awards.iter().filter(|one| one.state == AwardState::Active);
    let awards: Vec<String> = current.map(|one| format!("“{}”", plain(&one.name))).collect();
    if !awards.is_empty() {
        writeln!(text, "\n{first} holds {}.", list(&awards))?;
    }
    let levels: Vec<String> = portfolio.levels.iter().map(|one| plain(&one.in_words())).collect();
    if !levels.is_empty() {
        writeln!(text, "\n{first} has finished these levels: {}.", list(&levels))?;
    }
    if !portfolio.impacts.is_empty() {
        writeln!(text, "\nWhat this has brought, as others have verified:\n")?;
        for impact in &portfolio.impacts {
            writeln!(text, "- {}", plain(&impact.in_words()))?;
        }
    }
    for quote in portfolio.stories.iter().filter_map(|one| one.quote.as_ref()) {
        writeln!(text, "\n> {}", plain(quote))?;
    }
    writeln!(
        text,
        "\n_What only you can say: how {first} works, and with whom; what would be missing without {first}._"
    )
}

/// A list in words.
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
