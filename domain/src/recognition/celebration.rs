//! Celebrations: the moments in what somebody has achieved that others congratulate on.

use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::{Builder, Uuid};

use super::award::AwardState;
use super::badge::BadgeTier;
use super::deed::{Begun, Deeds, Place, RecognitionConsent};
use crate::values::text::Note;

/// Kind of celebration.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CelebrationKind {
    /// Milestone that was achieved.
    Milestone,
    /// Badge that was awarded.
    Award,
    /// Badge of a tier: bronze, silver or gold.
    Tier,
    /// Certification that was awarded.
    Certification,
    /// Level of a track whose milestones are all achieved.
    LevelUp,
    /// Story that was published.
    Story,
    /// Years since somebody began a plan.
    EnrolmentAnniversary,
    /// Years since somebody achieved their first milestone.
    FirstMilestoneAnniversary,
}

/// Celebration of somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Celebration {
    /// Identifier: always the same for the same moment.
    pub id: Uuid,
    /// Kind.
    pub kind: CelebrationKind,
    /// Day.
    pub on: NaiveDate,
    /// Name of what is celebrated: of the milestone, of the badge or of the level.
    pub title: Arc<str>,
    /// Key of the milestone or of the badge.
    pub key: Option<Arc<str>>,
    /// Tier of the badge.
    pub tier: Option<BadgeTier>,
    /// Years of an anniversary.
    pub years: Option<i32>,
    /// Where it belongs.
    pub place: Place,
    /// Circle in which it is shown at most.
    pub shown_to: RecognitionConsent,
    /// Way in which it is made known, as the program says.
    pub made_known: Option<Arc<str>>,
    /// Identifier of the story.
    pub story_id: Option<Uuid>,
}

/// Returns the celebrations of somebody's deeds from one day to another, both included, in no order.
pub fn celebrations(deeds: &Deeds, from: NaiveDate, to: NaiveDate) -> Vec<Celebration> {
    let has = |on: NaiveDate| (from..=to).contains(&on);
    let mut found = vec![];
    let moment = |kind: CelebrationKind, on, title: &Arc<str>, place: &Place, of: &str| Celebration {
        id: id_of(kind, of),
        kind,
        on,
        title: Arc::clone(title),
        key: None,
        tier: None,
        years: None,
        made_known: None,
        story_id: None,
        place: place.clone(),
        shown_to: RecognitionConsent::Public,
    };
    let of_plan = |place: &Place, what: &str| format!("{:?} {what}", place.plan_id);
    for one in deeds.milestones.iter().filter(|one| has(one.on)) {
        let of = of_plan(&one.place, &one.key);
        let own = moment(CelebrationKind::Milestone, one.on, &one.name, &one.place, &of);
        found.push(Celebration { key: Some(Arc::clone(&one.key)), made_known: one.celebration.clone(), ..own });
    }
    for one in deeds.awards.iter().filter(|one| !one.is_renewal && has(one.life.awarded_on)) {
        if matches!(one.life.state(one.life.awarded_on), AwardState::Revoked | AwardState::Suspended) {
            continue;
        }
        let kind = match (one.is_certification, one.tier) {
            (true, _) => CelebrationKind::Certification,
            (false, Some(_)) => CelebrationKind::Tier,
            (false, None) => CelebrationKind::Award,
        };
        let own = moment(kind, one.life.awarded_on, &one.name, &Place::default(), &one.id.to_string());
        found.push(Celebration { key: Some(Arc::clone(&one.badge_key)), tier: one.tier, ..own });
    }
    for one in deeds.levels.iter().filter(|one| has(one.on)) {
        let of = of_plan(&one.place, &format!("{:?} {}", one.place.track, one.level));
        found.push(moment(CelebrationKind::LevelUp, one.on, &one.level, &one.place, &of));
    }
    for one in deeds.stories.iter().filter(|one| has(one.on)) {
        let own = moment(CelebrationKind::Story, one.on, &one.title, &Place::default(), &one.id.to_string());
        found.push(Celebration { shown_to: one.shown_to, story_id: Some(one.id), ..own });
    }
    let mut add_anniversaries = |kind, began_on, title: &Arc<str>, place: &Place, of: &str| {
        for (years, on) in anniversaries(began_on, from, to) {
            let own = moment(kind, on, title, place, &format!("{of} {years}"));
            found.push(Celebration { years: Some(years), ..own });
        }
    };
    for Begun { on, place, name } in &deeds.begun {
        add_anniversaries(CelebrationKind::EnrolmentAnniversary, *on, name, place, &of_plan(place, ""));
    }
    if let Some(first) = deeds.milestones.iter().min_by(|one, other| (one.on, &one.key).cmp(&(other.on, &other.key))) {
        add_anniversaries(
            CelebrationKind::FirstMilestoneAnniversary,
            first.on,
            &first.name,
            &first.place,
            &of_plan(&first.place, &first.key),
        );
    }
    found
}

/// Returns the anniversaries of a day in a span of days, each with its years. Of the 29th of February, other years celebrate the 28th.
pub fn anniversaries(of: NaiveDate, from: NaiveDate, to: NaiveDate) -> Vec<(i32, NaiveDate)> {
    let on = |year: i32| of.with_year(year).or_else(|| NaiveDate::from_ymd_opt(year, 2, 28));
    let years = from.year().max(of.year() + 1)..=to.year();
    let all = years.filter_map(|year| Some((year - of.year(), on(year)?)));
    all.filter(|(_, on)| (from..=to).contains(on)).collect()
}

/// The identifier of a moment, from what it is about: it stays when two people turn out to be one.
fn id_of(kind: CelebrationKind, of: &str) -> Uuid {
    let digest = Sha256::digest(format!("{kind} {of}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// Returns a text with its placeholders filled in: `{name}`, `{achievement}` and `{years}`. Texts that are filled in are not read again.
pub fn filled_in(text: &Note, name: &str, achievement: &str, years: Option<i32>) -> String {
    let mut rest = text.as_str();
    let mut filled = String::with_capacity(rest.len());
    while let Some(start) = rest.find('{') {
        filled.push_str(&rest[..start]);
        rest = &rest[start..];
        let years = years.map(|years| years.to_string()).unwrap_or_default();
        let known = [("{name}", name), ("{achievement}", achievement), ("{years}", years.as_str())];
        match known.into_iter().find(|(placeholder, _)| rest.starts_with(placeholder)) {
            Some((placeholder, value)) => {
                filled.push_str(value);
                rest = &rest[placeholder.len()..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled + rest
}

/// Way of congratulating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reaction {
    /// Applause.
    #[default]
    Applause,
    /// Heart.
    Heart,
    /// Party.
    Party,
    /// Rocket.
    Rocket,
    /// Star.
    Star,
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;
    use crate::recognition::award::Life;
    use crate::recognition::deed::{AchievedMilestone, AwardedBadge, FinishedLevel, ToldStory};

    fn on(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).expect("a date")
    }

    #[test]
    fn anniversaries_come_every_year() {
        let began = on(2024, 2, 29);
        assert_eq!(
            anniversaries(began, on(2024, 1, 1), on(2028, 12, 31)),
            [(1, on(2025, 2, 28)), (2, on(2026, 2, 28)), (3, on(2027, 2, 28)), (4, on(2028, 2, 29))]
        );
        assert_eq!(anniversaries(began, on(2025, 3, 1), on(2026, 2, 27)), []);
        assert_eq!(anniversaries(on(2027, 1, 1), on(2025, 3, 1), on(2026, 2, 27)), []);
    }

    #[test]
    fn moments_of_a_month() {
        let award = |number, is_certification, tier, is_revoked| AwardedBadge {
            id: Uuid::from_u128(number),
            badge_key: "b".into(),
            name: "B".into(),
            tier,
            is_certification,
            is_renewal: number == 9,
            life: Life { awarded_on: on(2026, 5, 6), expires_on: None, is_suspended: false, is_revoked },
        };
        let milestone = |year, key: &str| AchievedMilestone {
            on: on(year, 5, 4),
            key: key.into(),
            name: key.to_uppercase().into(),
            points: 1.0,
            celebration: Some("A cake.".into()),
            place: Place::default(),
        };
        let told = |days: u64| ToldStory {
            id: Uuid::from_u128(u128::from(days)),
            on: on(2026, 5, 1) + Days::new(days),
            title: "S".into(),
            shown_to: RecognitionConsent::Organization,
        };
        let finished = FinishedLevel { level: "Foundation".into(), on: on(2026, 5, 9), place: Place::default() };
        let deeds = Deeds {
            begun: vec![Begun { on: on(2023, 5, 31), place: Place::default(), name: "Program".into() }],
            milestones: vec![milestone(2026, "b"), milestone(2024, "a")],
            awards: vec![
                award(1, false, None, false),
                award(2, false, Some(BadgeTier::Gold), false),
                award(3, true, None, false),
                award(4, false, None, true),
                award(9, false, None, false),
            ],
            levels: vec![finished],
            impacts: vec![],
            stories: vec![told(9), told(40)],
        };
        let found = celebrations(&deeds, on(2026, 5, 1), on(2026, 5, 31));
        let seen: Vec<_> = found.iter().map(|one| (one.kind, &*one.title, one.years)).collect();
        let expected = [
            (CelebrationKind::Milestone, "B", None),
            (CelebrationKind::Award, "B", None),
            (CelebrationKind::Tier, "B", None),
            (CelebrationKind::Certification, "B", None),
            (CelebrationKind::LevelUp, "Foundation", None),
            (CelebrationKind::Story, "S", None),
            (CelebrationKind::EnrolmentAnniversary, "Program", Some(3)),
            (CelebrationKind::FirstMilestoneAnniversary, "A", Some(2)),
        ];
        assert_eq!(seen, expected);
        assert_eq!(
            (found[5].story_id, found[5].shown_to),
            (Some(Uuid::from_u128(9)), RecognitionConsent::Organization)
        );
        assert_eq!((found[0].made_known.as_deref(), found[1].made_known.as_deref()), (Some("A cake."), None));
        let mut ids: Vec<Uuid> = found.iter().map(|one| one.id).collect();
        let again = celebrations(&deeds, on(2026, 5, 4), on(2026, 5, 4));
        assert_eq!(again[0].id, ids[0], "the same moment has the same identifier");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 8);
    }

    #[test]
    fn placeholders_are_filled_in_once() {
        let fill =
            |text: &str, name: &str| filled_in(&Note::parse(text).expect("a note"), name, "First agent", Some(2));
        assert_eq!(fill("Well done, {name}: {achievement}!", "Ana"), "Well done, Ana: First agent!");
        assert_eq!(fill("{name} {who} {years} {", "{years}"), "{years} {who} 2 {");
    }
}
