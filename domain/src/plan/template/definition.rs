//! Milestones of templates, and what follows from their achievement.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timeline;
use crate::plan::dependency::Dependency;
use crate::proof::Proof;
use crate::proof::criterion::Criterion;
use crate::recognition::badge::{AchievementType, BadgeContent, BadgeDesign, BadgeTier};
use crate::recognition::reward::{RewardContent, RewardKind};
use crate::values::text::{Key, Label, Name, Note};
use crate::values::weight::Weight;

/// A milestone of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "first-value", "name": "First result with the customer's own data", "phase": "Adoption", "owner_name": "Success manager",
    "weight": 3, "offset_days": 21, "depends_on": ["setup-complete"],
    "acceptance_criteria": ["The customer confirms the result in writing."]
}))]
pub struct MilestoneDefinition {
    /// Key. Unique within the template; milestones created from the template keep it.
    pub key: Key,
    /// Name: a statement that is true once the milestone is achieved.
    pub name: Name,
    /// Phase or track that the milestone belongs to.
    pub phase: Option<Label>,
    /// Owner: the role responsible.
    #[serde(alias = "owner")]
    pub owner_name: Option<Name>,
    /// Weight: the relative share of the scope. Defaults to 1.
    #[serde(default)]
    pub weight: Weight,
    /// Level within the track, such as foundation or advanced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Label>,
    /// Planned date as a number of days of the plan's calendar after the start of the plan. Null for a milestone without a date: it can be
    /// achieved at any time, is never overdue, and is outside the scope of earned value until it is dated.
    #[schema(minimum = 0, maximum = 3650, required = true)]
    pub offset_days: Option<u32>,
    /// Planned date on the fast track, counted like `offset_days` and not later. Defaults to `offset_days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 3650)]
    pub fast_offset_days: Option<u32>,
    /// Time that it takes, in days of the plan's calendar. If it is less than the time between the planned dates, the rest is
    /// a buffer. By default, it takes all the time that its dependencies leave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 3650)]
    pub duration_days: Option<u32>,
    /// Dependencies: keys of milestones, each optionally with a relation and a lag.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub depends_on: Vec<Dependency>,
    /// Acceptance criteria: conditions under which the milestone counts as achieved.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub acceptance_criteria: Vec<Note>,
    /// Prerequisites: badges that the person must hold, or milestones of the template of which enough must be achieved, before the milestone
    /// can be achieved, by its proof or by anybody. For milestones that all have to be closed first, `depends_on` does the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub prerequisites: Vec<Criterion>,
    /// Proof by which the milestone is achieved without anybody saying so. By default, somebody has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Impact on the business that the milestone promises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<PromisedImpact>,
    /// Badge that a person is awarded when they achieve the milestone in a plan that serves them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge: Option<MilestoneBadge>,
    /// Rewards that a person is granted when they achieve the milestone in a plan that serves them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10)]
    pub rewards: Vec<MilestoneReward>,
    /// Celebration: the way in which the achievement is made known, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub celebration: Option<Note>,
}

/// Impact on the business that a milestone promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "Manual work saved each week.", "unit": "hours", "from": 5, "to": 10}))]
pub struct PromisedImpact {
    /// Impact in words.
    pub text: Note,
    /// Unit of the range.
    pub unit: Option<Label>,
    /// Lower end of the range.
    pub from: Option<f64>,
    /// Upper end of the range; null if it is open.
    pub to: Option<f64>,
}

/// Badge of a milestone. The first award makes it, unless the organization has one with this key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "first-agent", "name": "First agent", "design": {"shape": "hexagon", "color": "blue", "tier": null, "text": "T1"}}))]
pub struct MilestoneBadge {
    /// Key of the badge.
    pub key: Key,
    /// Name of the badge.
    pub name: Name,
    /// Looks of the badge.
    #[serde(default)]
    pub design: BadgeDesign,
}

/// Reward of a milestone. The first grant makes it, unless the organization has one with this key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "community-talk", "name": "Talk at a community event", "kind": "speaking_slot"}))]
pub struct MilestoneReward {
    /// Key of the reward.
    pub key: Key,
    /// Name of the reward.
    pub name: Name,
    /// Kind of the reward. Defaults to `other`.
    #[serde(default)]
    pub kind: RewardKind,
}

impl MilestoneReward {
    /// Returns the reward that the first grant makes.
    pub fn content(&self) -> RewardContent {
        RewardContent::named(self.key.clone(), self.name.clone(), self.kind)
    }
}

impl MilestoneDefinition {
    /// Returns the days after the start on a timeline; `None` for a milestone without a date.
    pub fn days(&self, timeline: Timeline) -> Option<u32> {
        match timeline {
            Timeline::Standard => self.offset_days,
            Timeline::FastTrack => self.offset_days.map(|days| self.fast_offset_days.unwrap_or(days)),
        }
    }

    /// Returns the criterion by which the milestone stands for alternatives, if it does.
    pub fn pathway(&self) -> Option<&Criterion> {
        self.proof.as_ref()?.criteria.iter().find(|criterion| criterion.alternatives)
    }

    /// Returns the lowest tier of the proof, if it has tiers.
    pub fn lowest_tier(&self) -> Option<BadgeTier> {
        self.proof.as_ref()?.tiered()?.tiers.first().map(|tier| tier.tier)
    }

    /// Returns the badge that the milestone earns: it says what the milestone says. Each tier has a badge of its own.
    pub fn earned_badge(&self, tier: Option<BadgeTier>) -> Option<BadgeContent> {
        let badge = self.badge.as_ref().map(|badge| badge.of_tier(tier))?;
        let criteria: Vec<&str> = self.acceptance_criteria.iter().map(Note::as_str).collect();
        let criteria: String = criteria.join("\n").chars().take(Note::MAX_CHARS).collect();
        let description = Note::trusted(self.name.to_string());
        Some(BadgeContent {
            key: badge.key,
            name: badge.name,
            criteria: Note::parse(&criteria).unwrap_or_else(|_| description.clone()),
            description,
            achievement_type: AchievementType::Badge,
            tags: self
                .phase
                .iter()
                .chain(self.level.as_ref().filter(|level| self.phase.as_ref() != Some(level)))
                .cloned()
                .collect(),
            alignments: vec![],
            valid_days: None,
            earned_by: None,
            design: badge.design,
            archived: false,
        })
    }
}

impl MilestoneBadge {
    /// Returns the badge of a tier: its key, its name and its rim say which.
    fn of_tier(&self, tier: Option<BadgeTier>) -> Self {
        let Some(tier) = tier else { return self.clone() };
        let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        let end = format!("-{tier}");
        let key = format!("{}{end}", cut(self.key.as_str(), Key::MAX_CHARS - end.len()));
        let metal = tier.name();
        let name = format!("{}: {metal}", cut(self.name.as_str(), Name::MAX_CHARS - metal.len() - 2));
        let design = BadgeDesign { tier: Some(tier), ..self.design.clone() };
        Self { key: Key::trusted(key), name: Name::trusted(name), design }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl MilestoneDefinition {
        /// A milestone of tests.
        pub(in crate::plan::template) fn of_test(key: &str, offset_days: u32, depends_on: &[&str]) -> Self {
            Self {
                key: Key::parse(key).expect("a key"),
                name: Name::parse(key).expect("a name"),
                phase: None,
                owner_name: None,
                weight: Weight::ONE,
                level: None,
                offset_days: Some(offset_days),
                fast_offset_days: None,
                duration_days: None,
                depends_on: depends_on.iter().map(|k| Dependency::on(Key::parse(k).expect("a key"))).collect(),
                acceptance_criteria: vec![],
                prerequisites: vec![],
                proof: None,
                impact: None,
                badge: None,
                rewards: vec![],
                celebration: None,
            }
        }
    }

    #[test]
    fn a_milestone_earns_its_badge() {
        let plain = MilestoneDefinition::of_test("a", 1, &[]);
        assert_eq!(plain.earned_badge(None), None);
        let note = |text: &str| Note::parse(text).expect("a note");
        let badge = MilestoneBadge {
            key: Key::parse("first").expect("a key"),
            name: Name::parse("First").expect("a name"),
            design: BadgeDesign::default(),
        };
        let earning = MilestoneDefinition {
            phase: Label::parse("Technical").ok(),
            level: Label::parse("Foundation").ok(),
            acceptance_criteria: vec![note("One."), note("Two.")],
            badge: Some(badge.clone()),
            ..plain.clone()
        };
        let earned = earning.earned_badge(None).expect("a badge");
        assert_eq!((earned.description.as_str(), earned.criteria.as_str()), ("a", "One.\nTwo."));
        assert_eq!(earned.tags.iter().map(Label::as_str).collect::<Vec<_>>(), ["Technical", "Foundation"]);
        let bare = MilestoneDefinition { badge: Some(badge), ..plain }.earned_badge(None).expect("a badge");
        assert_eq!((bare.criteria.as_str(), bare.check()), ("a", Ok(())));
    }

    #[test]
    fn each_tier_has_a_badge() {
        let badge = MilestoneBadge {
            key: Key::parse(&"k".repeat(Key::MAX_CHARS)).expect("a key"),
            name: Name::parse("Savings").expect("a name"),
            design: BadgeDesign::default(),
        };
        let milestone = MilestoneDefinition { badge: Some(badge), ..MilestoneDefinition::of_test("a", 1, &[]) };
        let gold = milestone.earned_badge(Some(BadgeTier::Gold)).expect("a badge");
        assert_eq!((gold.name.as_str(), gold.design.tier), ("Savings: Gold", Some(BadgeTier::Gold)));
        assert!(gold.key.as_str().ends_with("k-gold") && gold.key.as_str().len() == Key::MAX_CHARS);
        assert_eq!(milestone.earned_badge(None).expect("a badge").name.as_str(), "Savings");
    }
}
