//! Portfolio of a person: what they have achieved, as a document, as a JSON Resume, as lines for a résumé, and as the draft of a recommendation.

use chrono::NaiveDate;
use milepost_domain::recognition::award::AwardState;
use milepost_domain::recognition::badge::{AchievementType, BadgeTier};
use milepost_domain::values::text::{ExternalRef, Key, Label, Name, Note};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::figures::StoryFigure;

/// Portfolio of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_ref": "hr-17", "person_name": "Ana Petrova", "organization": "Northwind",
    "as_of": "2026-05-04", "since": "2026-01-12", "milestones": 7, "awards": [], "levels": [], "impacts": [], "stories": [], "public_url": null
}))]
pub struct Portfolio {
    /// Identifier of the person.
    pub person_id: Uuid,
    /// External reference of the person.
    pub person_ref: Option<ExternalRef>,
    /// Name of the person.
    pub person_name: Name,
    /// Name of the organization.
    #[schema(value_type = Name)]
    pub organization: String,
    /// Day that this refers to.
    pub as_of: NaiveDate,
    /// Day of the first achieved milestone; null while there is none.
    pub since: Option<NaiveDate>,
    /// Number of milestones that were achieved.
    #[schema(maximum = 1_000_000)]
    pub milestones: usize,
    /// Awards that count, and those that have expired, the newest first.
    #[schema(max_items = 10_000)]
    pub awards: Vec<PortfolioAward>,
    /// Levels whose milestones are all achieved, the latest first.
    #[schema(max_items = 10_000)]
    pub levels: Vec<PortfolioLevel>,
    /// Verified impacts. They are never public, but for those of stories.
    #[schema(max_items = 10_000)]
    pub impacts: Vec<StoryFigure>,
    /// Published stories, the latest first.
    #[schema(max_items = 10_000)]
    pub stories: Vec<PortfolioStory>,
    /// Address of the public page; null while the person does not show their achievements to the world.
    #[schema(max_length = 500)]
    pub public_url: Option<String>,
}

/// Award in a portfolio.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "badge_key": "first-agent", "name": "First agent deployed", "description": "Has brought an AI agent into use.", "achievement_type": "badge",
    "tier": "gold", "awarded_on": "2026-05-04", "expires_on": null, "state": "active", "url": null
}))]
pub struct PortfolioAward {
    /// Key of the badge.
    pub badge_key: Key,
    /// Name of the badge.
    pub name: Name,
    /// Description of what was achieved.
    pub description: Note,
    /// Kind of achievement.
    pub achievement_type: AchievementType,
    /// Tier of the badge; null if it has none.
    pub tier: Option<BadgeTier>,
    /// Day of the first award.
    pub awarded_on: NaiveDate,
    /// First day on which it no longer counts; null if it never expires.
    pub expires_on: Option<NaiveDate>,
    /// State as of the day: active or expired.
    pub state: AwardState,
    /// Address of its public page; null while it is not public.
    #[schema(max_length = 500)]
    pub url: Option<String>,
}

/// Level in a portfolio.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"track": "Technical", "level": "Foundation", "on": "2026-05-04"}))]
pub struct PortfolioLevel {
    /// Track; null if the milestones have none.
    #[schema(value_type = Option<Label>)]
    pub track: Option<String>,
    /// Level.
    #[schema(value_type = Label)]
    pub level: String,
    /// Day of the last achievement.
    pub on: NaiveDate,
}

/// Story in a portfolio.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "title": "How invoices came to be read by an agent", "text": "Two days a week went into typing.",
    "quote": null, "published_on": "2026-05-06", "figures": []
}))]
pub struct PortfolioStory {
    /// Identifier.
    pub id: Uuid,
    /// Title.
    pub title: Name,
    /// Text.
    pub text: Note,
    /// Words of the person.
    pub quote: Option<Note>,
    /// Day of the publication.
    pub published_on: Option<NaiveDate>,
    /// Figures: those of its impacts that are verified.
    #[schema(max_items = 10)]
    pub figures: Vec<StoryFigure>,
}

impl PortfolioLevel {
    fn in_words(&self) -> String {
        match &self.track {
            Some(track) => format!("{track}: {}", self.level),
            None => self.level.clone(),
        }
    }
}

impl Portfolio {
    /// Returns lines to paste into a résumé.
    pub fn lines(&self) -> Vec<String> {
        let month = |on: NaiveDate| on.format("%B %Y").to_string();
        let award = |one: &PortfolioAward| {
            let expired = if one.state == AwardState::Expired { ", expired" } else { "" };
            format!("{} ({}, {}{expired})", one.name, self.organization, month(one.awarded_on))
        };
        let level = |one: &PortfolioLevel| format!("{}: level finished ({})", one.in_words(), month(one.on));
        let awards = self.awards.iter().map(award);
        awards.chain(self.levels.iter().map(level)).chain(self.impacts.iter().map(StoryFigure::in_words)).collect()
    }

    /// Returns the portfolio as a JSON Resume (schema 1.0.0).
    pub fn json_resume(&self) -> Value {
        let mut basics = json!({ "name": self.person_name });
        if let Some(url) = &self.public_url {
            basics["url"] = json!(url);
        }
        let is_certificate = |one: &&PortfolioAward| {
            matches!(one.achievement_type, AchievementType::Certificate | AchievementType::Certification)
        };
        let certificate = |one: &PortfolioAward| {
            let mut certificate = json!({ "name": one.name, "date": one.awarded_on, "issuer": self.organization });
            if let Some(url) = &one.url {
                certificate["url"] = json!(url);
            }
            certificate
        };
        let award = |one: &PortfolioAward| json!({ "title": one.name, "date": one.awarded_on, "awarder": self.organization, "summary": one.description });
        let skill =
            |one: &PortfolioLevel| json!({ "name": one.track.as_deref().unwrap_or("Program"), "level": one.level });
        let project = |one: &PortfolioStory| {
            let highlights: Vec<String> = one.figures.iter().map(StoryFigure::in_words).collect();
            json!({ "name": one.title, "description": one.text, "entity": self.organization, "highlights": highlights })
        };
        json!({
            "$schema": "https://raw.githubusercontent.com/jsonresume/resume-schema/v1.0.0/schema.json",
            "basics": basics,
            "awards": self.awards.iter().filter(|one| !is_certificate(one)).map(award).collect::<Vec<_>>(),
            "certificates": self.awards.iter().filter(is_certificate).map(certificate).collect::<Vec<_>>(),
            "skills": self.levels.iter().map(skill).collect::<Vec<_>>(),
            "projects": self.stories.iter().map(project).collect::<Vec<_>>(),
            "meta": { "version": "v1.0.0", "lastModified": format!("{}T00:00:00", self.as_of) },
        })
    }

    /// Returns the draft of a recommendation: sentences from facts, for somebody who knows the person to write on.
    pub fn recommendation(&self) -> String {
        let name = self.person_name.as_str();
        let first = name.split_whitespace().next().unwrap_or(name);
        let mut paragraphs = vec![format!("# Recommendation of {name}")];
        let since = self.since.map_or_else(String::new, |on| format!(" since {}", on.format("%B %Y")));
        paragraphs.push(match self.milestones {
            0 => format!("{name} is with {}.", self.organization),
            1 => format!("{name} has achieved a milestone at {}{since}.", self.organization),
            count => format!("{name} has achieved {count} milestones at {}{since}.", self.organization),
        });
        let current = self.awards.iter().filter(|one| one.state == AwardState::Active);
        let awards: Vec<String> = current.map(|one| format!("“{}”", one.name)).collect();
        if !awards.is_empty() {
            paragraphs.push(format!("{first} holds {}.", list(&awards)));
        }
        let levels: Vec<String> = self.levels.iter().map(PortfolioLevel::in_words).collect();
        if !levels.is_empty() {
            paragraphs.push(format!("{first} has finished these levels: {}.", list(&levels)));
        }
        if !self.impacts.is_empty() {
            let lines: Vec<String> = self.impacts.iter().map(|one| format!("- {}", one.in_words())).collect();
            paragraphs.push(format!("What this has brought, as others have verified:\n\n{}", lines.join("\n")));
        }
        for quote in self.stories.iter().filter_map(|one| one.quote.as_ref()) {
            paragraphs.push(format!("> {}", quote.replace('\n', "\n> ")));
        }
        paragraphs.push(format!(
            "_What only you can say: how {first} works, and with whom; what would be missing without {first}._"
        ));
        paragraphs.join("\n\n") + "\n"
    }
}

/// A list in words.
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
