//! The ceremony of a month as Markdown, to paste into a message.

use std::fmt::Write;

use super::celebrations_feed::in_words;
use super::status_markdown::plain;
use crate::resources::celebrations::{Ceremony, Climb, ShownCelebration};

/// Returns the ceremony as Markdown text.
pub fn write(ceremony: &Ceremony) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = lay_out(&mut text, ceremony);
    text
}

/// Sections of a ceremony in their order: a heading, and a sentence for each celebration. Sections of nothing are left out.
pub fn sections(ceremony: &Ceremony) -> Vec<(String, Vec<String>)> {
    let words = |all: &[ShownCelebration]| all.iter().map(in_words).collect::<Vec<_>>();
    let mut sections = vec![("For the first time".to_owned(), words(&ceremony.firsts))];
    for track in &ceremony.tracks {
        let name = track.track.clone().unwrap_or_else(|| "Milestones".to_owned());
        sections.push((name, words(&track.milestones)));
    }
    sections.push(("Levels".to_owned(), words(&ceremony.levels)));
    sections.push(("Bronze, silver and gold".to_owned(), words(&ceremony.tiers)));
    sections.push(("Certifications".to_owned(), words(&ceremony.certifications)));
    sections.push(("Longest climbs".to_owned(), ceremony.climbs.iter().map(climb_in_words).collect()));
    sections.push(("Success stories".to_owned(), words(&ceremony.stories)));
    sections.push(("Anniversaries".to_owned(), words(&ceremony.anniversaries)));
    sections.retain(|(_, sentences)| !sentences.is_empty());
    sections
}

/// Returns the number of people in words.
pub fn people_in_words(ceremony: &Ceremony) -> String {
    match ceremony.people {
        0 => "Nobody achieved anything in this month.".to_owned(),
        1 => "One person is celebrated.".to_owned(),
        people => format!("{people} people are celebrated."),
    }
}

fn climb_in_words(climb: &Climb) -> String {
    let name = climb.person_name.as_str();
    match climb.from_rank {
        Some(from_rank) => format!("{name} climbed from rank {from_rank} to rank {}", climb.rank),
        None => format!("{name} came in at rank {}", climb.rank),
    }
}

fn lay_out(text: &mut String, ceremony: &Ceremony) -> std::fmt::Result {
    writeln!(text, "# {}: {}\n", plain(&ceremony.organization), ceremony.month_in_words())?;
    writeln!(text, "{}", people_in_words(ceremony))?;
    for (heading, sentences) in sections(ceremony) {
        writeln!(text, "\n## {}\n", plain(&heading))?;
        for sentence in sentences {
            writeln!(text, "- {}", plain(&sentence))?;
        }
    }
    Ok(())
}
