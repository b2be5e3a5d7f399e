//! Portfolio of a person: what they have achieved, as a document and as a JSON Resume.

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
    /// Returns the level with its track.
    pub fn in_words(&self) -> String {
        match &self.track {
            Some(track) => format!("{track}: {}", self.level),
            None => self.level.clone(),
        }
    }
}

impl Portfolio {
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
}
