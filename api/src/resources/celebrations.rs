//! Celebrations, as the feed, the ceremony and the public feed show them.

use chrono::{Datelike as _, NaiveDate};
use milepost_domain::recognition::badge::BadgeTier;
use milepost_domain::recognition::celebration::{Celebration, CelebrationKind, Reaction};
use milepost_domain::values::text::{ExternalRef, Key, Label, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::honours::Honoured;

/// Celebration of somebody.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "8f14e45f-ceea-867a-9a36-dedd4bea2543", "kind": "milestone", "on": "2026-05-04", "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11",
    "person_ref": "hr-17", "person_name": "Ana Petrova", "title": "First agent deployed", "key": "t1", "tier": null, "years": null,
    "track": "Technical", "plan_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "made_known": "A portrait in the newsletter.", "story_id": null,
    "reactions": [{"reaction": "applause", "count": 3}]
}))]
#[schema(as = Celebration)]
pub struct ShownCelebration {
    /// Identifier: always the same for the same moment.
    pub id: Uuid,
    /// Kind.
    pub kind: CelebrationKind,
    /// Day.
    pub on: NaiveDate,
    /// Identifier of the person.
    pub person_id: Uuid,
    /// External reference of the person.
    pub person_ref: Option<ExternalRef>,
    /// Name of the person.
    pub person_name: Name,
    /// Name of what is celebrated: of the milestone, of the badge, of the level or of the plan.
    #[schema(value_type = Name)]
    pub title: String,
    /// Key of the milestone or of the badge; null for others.
    #[schema(value_type = Option<Key>)]
    pub key: Option<String>,
    /// Tier of the badge; null for others.
    pub tier: Option<BadgeTier>,
    /// Years of an anniversary; null for others.
    #[schema(minimum = 1, maximum = 10_000)]
    pub years: Option<i32>,
    /// Track of the milestone or of the level; null if it has none.
    #[schema(value_type = Option<Label>)]
    pub track: Option<String>,
    /// Identifier of the plan; null for a badge.
    pub plan_id: Option<Uuid>,
    /// Way in which the milestone is made known, as its program says; null for others.
    pub made_known: Option<Note>,
    /// Identifier of the story; null for others.
    pub story_id: Option<Uuid>,
    /// Reactions of others, with their numbers.
    #[schema(max_items = 5)]
    pub reactions: Vec<ReactionCount>,
}

/// Number of people who have reacted in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"reaction": "applause", "count": 3}))]
pub struct ReactionCount {
    /// Reaction.
    reaction: Reaction,
    /// Number of people.
    #[schema(minimum = 1, maximum = 10_000_000)]
    count: usize,
}

impl ShownCelebration {
    /// Shows a celebration with its reactions.
    pub fn of(who: &Honoured, celebration: Celebration, reactions: &[Reaction]) -> Self {
        let Celebration { id, kind, on, title, key, tier, years, made_known, story_id, place, .. } = celebration;
        let mut counts: Vec<ReactionCount> = vec![];
        for reaction in reactions {
            match counts.iter_mut().find(|one| one.reaction == *reaction) {
                Some(known) => known.count += 1,
                None => counts.push(ReactionCount { reaction: *reaction, count: 1 }),
            }
        }
        Self {
            id,
            kind,
            on,
            person_id: who.person.id,
            person_ref: who.person.external_ref.clone(),
            person_name: who.person.name.clone(),
            title: title.to_string(),
            key: key.map(|key| key.to_string()),
            tier,
            years,
            track: place.track.map(|track| track.to_string()),
            plan_id: place.plan_id,
            made_known: made_known.map(|text| Note::trusted(text.to_string())),
            story_id,
            reactions: counts,
        }
    }
}

/// Milestones of a track that were achieved in the month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"track": "Technical", "milestones": []}))]
pub struct CeremonyTrack {
    /// Track; null for milestones without one.
    #[schema(value_type = Option<Label>)]
    pub track: Option<String>,
    /// Milestones, in the order of their days.
    #[schema(max_items = 100_000)]
    pub milestones: Vec<ShownCelebration>,
}

/// Climb of somebody on the board of points, from the end of the month before to the end of the month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova", "from_rank": 12, "rank": 3, "ranks": 9}))]
pub struct Climb {
    /// Identifier of the person.
    pub person_id: Uuid,
    /// Name of the person.
    pub person_name: Name,
    /// Rank at the end of the month before; null for somebody who was not on the board.
    #[schema(minimum = 1, maximum = 10_000_000)]
    pub from_rank: Option<usize>,
    /// Rank at the end of the month.
    #[schema(minimum = 1, maximum = 10_000_000)]
    pub rank: usize,
    /// Number of ranks climbed. Who was not on the board began below its last place.
    #[schema(minimum = 1, maximum = 10_000_000)]
    pub ranks: usize,
}

/// Ceremony of a month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "organization": "Northwind", "month": "2026-05", "from": "2026-05-01", "to": "2026-05-31", "people": 12, "tracks": [], "firsts": [],
    "tiers": [], "certifications": [], "levels": [], "climbs": [], "stories": [], "anniversaries": []
}))]
pub struct Ceremony {
    /// Name of the organization.
    #[schema(value_type = Name)]
    pub organization: String,
    /// Month.
    #[schema(max_length = 7)]
    pub month: String,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Number of people who achieved anything.
    #[schema(maximum = 10_000_000)]
    pub people: usize,
    /// Milestones by track.
    #[schema(max_items = 10_000)]
    pub tracks: Vec<CeremonyTrack>,
    /// Milestones of programs that nobody had achieved before.
    #[schema(max_items = 100_000)]
    pub firsts: Vec<ShownCelebration>,
    /// Badges of a tier.
    #[schema(max_items = 100_000)]
    pub tiers: Vec<ShownCelebration>,
    /// Certifications.
    #[schema(max_items = 100_000)]
    pub certifications: Vec<ShownCelebration>,
    /// Finished levels.
    #[schema(max_items = 100_000)]
    pub levels: Vec<ShownCelebration>,
    /// Longest climbs on the board of points: up to three.
    #[schema(max_items = 3)]
    pub climbs: Vec<Climb>,
    /// Success stories.
    #[schema(max_items = 100_000)]
    pub stories: Vec<ShownCelebration>,
    /// Anniversaries.
    #[schema(max_items = 100_000)]
    pub anniversaries: Vec<ShownCelebration>,
}

impl Ceremony {
    /// The month in words.
    pub fn month_in_words(&self) -> String {
        format!("{} {}", self.from.format("%B"), self.from.year())
    }
}
