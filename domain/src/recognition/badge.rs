//! Badges: definitions of what people can be awarded.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::rule::RecognitionRule;
use crate::plan::cycle::find_cycle;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{Key, Label, Name, Note, WebAddress};

/// Kind of achievement that a badge stands for: some of those of Open Badges 3.0, under the names that it gives them in credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "PascalCase")]
pub enum AchievementType {
    /// Achievement of any other kind.
    Achievement,
    /// Award, such as for service.
    Award,
    /// Badge.
    #[default]
    Badge,
    /// Certificate of completion.
    Certificate,
    /// Certification: an assessed qualification, which may expire.
    Certification,
    /// Competency: an ability that was demonstrated.
    Competency,
}

/// Entry of a public framework that a badge corresponds to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "manage artificial intelligence projects", "url": "http://data.europa.eu/esco/skill/0b0f2a3e-5a2d-4f5e-9f0a-3d7f4f0c2a11",
    "code": null, "framework": "ESCO"
}))]
pub struct Alignment {
    /// Name of the entry.
    pub name: Name,
    /// Address of the entry, such as in ESCO or a registry in CTDL.
    pub url: WebAddress,
    /// Code of the entry in its framework.
    pub code: Option<Label>,
    /// Name of the framework.
    pub framework: Option<Name>,
}

/// Outline of a drawn badge.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BadgeShape {
    /// Circle.
    #[default]
    Circle,
    /// Hexagon that stands on a corner.
    Hexagon,
    /// Shield.
    Shield,
    /// Rosette with twelve points.
    Rosette,
}

/// Colour of a drawn badge. White text on each can be read (contrast of 4.5 or more).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BadgeColor {
    /// Blue.
    #[default]
    Blue,
    /// Indigo.
    Indigo,
    /// Purple.
    Purple,
    /// Pink.
    Pink,
    /// Red.
    Red,
    /// Orange.
    Orange,
    /// Green.
    Green,
    /// Teal.
    Teal,
    /// Slate.
    Slate,
}

impl BadgeColor {
    /// Returns the colour and a darker one for the edge, as RGB.
    pub const fn rgb(self) -> (u32, u32) {
        match self {
            Self::Blue => (0x1d_4ed8, 0x1e_3a8a),
            Self::Indigo => (0x43_38ca, 0x31_2e81),
            Self::Purple => (0x7e_22ce, 0x58_1c87),
            Self::Pink => (0xbe_185d, 0x83_1843),
            Self::Red => (0xb9_1c1c, 0x7f_1d1d),
            Self::Orange => (0xb4_5309, 0x78_350f),
            Self::Green => (0x15_803d, 0x14_532d),
            Self::Teal => (0x0f_766e, 0x13_4e4a),
            Self::Slate => (0x33_4155, 0x0f_172a),
        }
    }
}

/// Tier that a badge shows by the metal of its rim.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BadgeTier {
    /// Bronze.
    Bronze,
    /// Silver.
    Silver,
    /// Gold.
    Gold,
}

impl BadgeTier {
    /// Returns the name for people's eyes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bronze => "Bronze",
            Self::Silver => "Silver",
            Self::Gold => "Gold",
        }
    }

    /// Returns the colour of the metal, as RGB.
    pub const fn rgb(self) -> u32 {
        match self {
            Self::Bronze => 0xb0_7d48,
            Self::Silver => 0xb8_c0cc,
            Self::Gold => 0xe3_b341,
        }
    }
}

/// Looks of a badge, which the server draws from them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"shape": "hexagon", "color": "teal", "tier": "gold", "text": "T4", "artwork_id": null}))]
pub struct BadgeDesign {
    /// Outline. Defaults to `circle`.
    #[serde(default)]
    pub shape: BadgeShape,
    /// Colour. Defaults to `blue`.
    #[serde(default)]
    pub color: BadgeColor,
    /// Tier, shown by the metal of the rim.
    pub tier: Option<BadgeTier>,
    /// Text in the middle: up to four characters. Defaults to the initials of the badge's name.
    pub text: Option<Label>,
    /// Identifier of an artwork, which is shown in place of the drawing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artwork_id: Option<Uuid>,
}

/// Set of badges, of which enough earn another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"badges": ["first-agent", "second-agent", "first-client"], "at_least": 2}))]
pub struct BadgeSet {
    /// Keys of the badges.
    #[schema(min_items = 1, max_items = 50)]
    pub badges: Vec<Key>,
    /// Number of them that are enough. Defaults to all.
    #[schema(minimum = 1, maximum = 50)]
    pub at_least: Option<u32>,
}

impl BadgeSet {
    /// Returns the number of badges that are enough.
    pub fn needed(&self) -> usize {
        self.at_least.map_or(self.badges.len(), |least| usize::try_from(least).unwrap_or(usize::MAX))
    }

    /// Returns the day since which somebody holds enough of the badges: of badges that they hold, each with the day of its award; `None` if they do
    /// not hold enough.
    pub fn held_since(&self, held: &[(&Key, NaiveDate)]) -> Option<NaiveDate> {
        let since = |key: &Key| held.iter().filter(|(own, _)| *own == key).map(|(_, on)| *on).min();
        let mut days: Vec<NaiveDate> = self.badges.iter().filter_map(since).collect();
        days.sort_unstable();
        days.get(self.needed().checked_sub(1)?).copied()
    }

    fn check(&self, own: &Key, violations: &mut Violations) {
        for (index, key) in self.badges.iter().enumerate() {
            if self.badges[..index].contains(key) {
                let rule = ValueRule::RepeatedKey { key: key.to_string() };
                violations.push(rule.at(format!("/earned_by/badges/{index}")));
            }
            if key == own {
                let path = format!("{own} → {own}");
                violations.push(RecognitionRule::BadgeCircle { path }.at(format!("/earned_by/badges/{index}")));
            }
        }
        if self.needed() > self.badges.len() {
            violations
                .push(RecognitionRule::MoreThanThereAre { there_are: self.badges.len() }.at("/earned_by/at_least"));
        }
    }
}

/// Checks that no badge is earned by itself, through others: of badges, each with those that earn it.
pub fn check_circle<'a>(earned_by: impl IntoIterator<Item = (&'a Key, &'a BadgeSet)>) -> Result<(), RecognitionRule> {
    let edges = earned_by.into_iter().flat_map(|(key, set)| set.badges.iter().map(|one| (key.as_str(), one.as_str())));
    match find_cycle(edges) {
        Some(keys) => Err(RecognitionRule::BadgeCircle { path: keys.join(" → ") }),
        None => Ok(()),
    }
}

/// Longest text in the middle of a badge, in characters.
const LONGEST_TEXT: usize = 4;

/// A badge: the definition of something that people can be awarded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "first-agent", "name": "First agent deployed", "description": "Has brought an AI agent into use.",
    "criteria": "An agent runs in the person's own work, and its first results were checked.", "achievement_type": "badge",
    "tags": ["technical", "foundation"], "alignments": [], "valid_days": null, "earned_by": null,
    "design": {"shape": "hexagon", "color": "teal", "tier": null, "text": "T1"}, "archived": false
}))]
pub struct BadgeContent {
    /// Key. Unique within the organization.
    pub key: Key,
    /// Name.
    pub name: Name,
    /// Description of what was achieved. It is public with a published award.
    pub description: Note,
    /// Criteria for the award. They are public with a published award.
    pub criteria: Note,
    /// Kind of achievement. Defaults to `badge`.
    #[serde(default)]
    pub achievement_type: AchievementType,
    /// Tags.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub tags: Vec<Label>,
    /// Entries of public frameworks that the badge corresponds to.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub alignments: Vec<Alignment>,
    /// Days for which an award counts; null for good.
    #[schema(minimum = 1, maximum = 36500)]
    pub valid_days: Option<i64>,
    /// Badges that earn this one: whoever is awarded one of them and holds enough is awarded it, too, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earned_by: Option<BadgeSet>,
    /// Looks, from which the picture is drawn.
    #[serde(default)]
    pub design: BadgeDesign,
    /// Whether the badge is archived: nobody is awarded it any more.
    #[serde(default)]
    pub archived: bool,
}

impl BadgeContent {
    /// Checks the rules that concern more than one character.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::new();
        if self.design.text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
            violations.push(ValueRule::TooLong { max: LONGEST_TEXT }.at("/design/text"));
        }
        for (index, tag) in self.tags.iter().enumerate() {
            if self.tags[..index].contains(tag) {
                violations.push(RecognitionRule::RepeatedTag.at(format!("/tags/{index}")));
            }
        }
        if let Some(set) = &self.earned_by {
            set.check(&self.key, &mut violations);
        }
        all_kept(violations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn badge() -> BadgeContent {
        let note = |text: &str| Note::parse(text).expect("a note");
        BadgeContent {
            key: Key::parse("b").expect("a key"),
            name: Name::parse("B").expect("a name"),
            description: note("d"),
            criteria: note("c"),
            achievement_type: AchievementType::default(),
            tags: vec![],
            alignments: vec![],
            valid_days: None,
            earned_by: None,
            design: BadgeDesign::default(),
            archived: false,
        }
    }

    fn set(badges: &[&str], at_least: Option<u32>) -> BadgeSet {
        BadgeSet { badges: badges.iter().map(|key| Key::parse(key).expect("a key")).collect(), at_least }
    }

    #[test]
    fn enough_of_a_set() {
        let on = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        let [a, b] = ["a", "b"].map(|key| Key::parse(key).expect("a key"));
        let held = [(&a, on(10)), (&b, on(3)), (&a, on(12))];
        for (badges, at_least, expected) in [
            (&["a", "b"][..], None, Some(on(10))),
            (&["a", "b", "c"], None, None),
            (&["a", "b", "c"], Some(2), Some(on(10))),
            (&["a", "b", "c"], Some(1), Some(on(3))),
            (&["c", "d"], Some(1), None),
        ] {
            assert_eq!(set(badges, at_least).held_since(&held), expected, "{badges:?} {at_least:?}");
        }
    }

    #[test]
    fn no_badge_earns_itself() {
        let [a, b, c] = ["a", "b", "c"].map(|key| Key::parse(key).expect("a key"));
        let (of_a, of_b, of_c) = (set(&["b"], None), set(&["c"], None), set(&["a"], None));
        assert_eq!(check_circle([(&a, &of_a), (&b, &of_b)]), Ok(()));
        let found = check_circle([(&a, &of_a), (&b, &of_b), (&c, &of_c)]);
        assert_eq!(found, Err(RecognitionRule::BadgeCircle { path: "a → b → c → a".to_owned() }));
    }

    #[test]
    fn what_a_badge_may_be() {
        let label = |text: &str| Label::parse(text).expect("a label");
        let text = |text: &str| BadgeDesign { text: Some(label(text)), ..BadgeDesign::default() };
        for (badge, expected) in [
            (badge(), vec![]),
            (BadgeContent { design: text("TEST"), ..badge() }, vec![]),
            (BadgeContent { design: text("TESTS"), ..badge() }, vec!["/design/text"]),
            (BadgeContent { earned_by: Some(set(&["x", "y"], Some(2))), ..badge() }, vec![]),
            (
                BadgeContent { earned_by: Some(set(&["x", "b", "x"], Some(4))), ..badge() },
                vec!["/earned_by/badges/1", "/earned_by/badges/2", "/earned_by/at_least"],
            ),
            (BadgeContent { tags: vec![label("a"), label("b"), label("a")], ..badge() }, vec!["/tags/2"]),
        ] {
            let found = badge.check().err().unwrap_or_default();
            assert_eq!(found.iter().map(|one| one.at.as_str()).collect::<Vec<_>>(), expected);
        }
    }
}
