//! Templates: lists of milestone definitions with offsets instead of dates.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plan::Kind;
use crate::plan::calendar::Calendar;
use crate::plan::cycle::find_cycle;
use crate::plan::dependency::Dependency;
use crate::plan::draft::{ForecastDraft, MilestoneDraft, ProgressDraft, check_network};
use crate::plan::rule::PlanRule;
use crate::proof::Proof;
use crate::proof::criterion::CriterionKind;
use crate::proof::rule::ProofRule;
use crate::recognition::badge::{AchievementType, BadgeContent, BadgeDesign, BadgeTier};
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
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
    /// Proof by which the milestone is achieved without anybody saying so. By default, somebody has to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Impact on the business that the milestone promises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact: Option<PromisedImpact>,
    /// Badge that a person is awarded when they achieve the milestone in a plan that serves them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge: Option<MilestoneBadge>,
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

impl MilestoneDefinition {
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

/// Content of a version of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Two-week pilot", "kind": "onboarding", "milestones": [
        {"key": "kick-off", "name": "Goals agreed", "offset_days": 1},
        {"key": "review", "name": "Result reviewed", "offset_days": 14, "depends_on": ["kick-off"], "weight": 3}
    ]
}))]
pub struct TemplateContent {
    /// Name.
    pub name: Name,
    /// Kind of the plans that are created from the template.
    pub kind: Kind,
    /// Description.
    pub description: Option<Note>,
    /// Milestones, in order.
    #[schema(min_items = 1, max_items = 500)]
    pub milestones: Vec<MilestoneDefinition>,
}

/// History of a milestone that a template provides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "kick-off", "forecast_changes": [{"recorded_on": "2026-03-02", "forecast_on": "2026-03-05", "reason": "The sponsor was ill."}],
    "actual_on": "2026-03-05"
}))]
pub struct MilestoneHistory {
    /// Key of the milestone.
    pub key: Key,
    /// Forecast changes so far, oldest first.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub forecast_changes: Vec<ForecastDraft>,
    /// Percentages of completion so far, oldest first.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub progress: Vec<ProgressDraft>,
    /// Date on which work started; null if it has not.
    pub started_on: Option<NaiveDate>,
    /// Actual date: the date of achievement; null if not achieved.
    pub actual_on: Option<NaiveDate>,
    /// Note about the milestone's current standing.
    pub note: Option<Note>,
}

/// Adds histories to the milestones of a template. Pointers start at `/history`.
pub fn add_histories(drafts: &mut [MilestoneDraft], histories: &[MilestoneHistory]) -> Result<(), Violations> {
    let mut violations = Violations::new();
    for (index, history) in histories.iter().enumerate() {
        let at = format!("/history/{index}/key");
        let key = history.key.to_string();
        if histories[..index].iter().any(|other| other.key == history.key) {
            violations.push(ValueRule::RepeatedKey { key }.at(at));
            continue;
        }
        match drafts.iter_mut().find(|draft| draft.key == history.key) {
            Some(draft) => {
                let MilestoneHistory { forecast_changes, progress, started_on, actual_on, note, .. } = history.clone();
                *draft = MilestoneDraft { forecast_changes, progress, started_on, actual_on, note, ..draft.clone() };
            }
            None => violations.push(PlanRule::UnknownMilestone { key }.at(at)),
        }
    }
    all_kept(violations)
}

/// Returns violations of a template's milestones with the places in the request where their histories stand.
pub fn in_histories(
    mut violations: Violations,
    drafts: &[MilestoneDraft],
    histories: &[MilestoneHistory],
) -> Violations {
    for violation in &mut violations {
        let place = violation.at.strip_prefix("/milestones/").and_then(|rest| rest.split_once('/'));
        let place = place.and_then(|(index, field)| {
            let key = &drafts.get(index.parse::<usize>().ok()?)?.key;
            Some((histories.iter().position(|history| history.key == *key)?, field))
        });
        if let Some((index, field)) = place {
            violation.at = format!("/history/{index}/{field}");
        }
    }
    violations
}

/// Checks the milestones of a template. Pointers start at `/milestones`.
pub fn check(definitions: &[MilestoneDefinition]) -> Result<(), Violations> {
    let mut violations = Violations::new();
    if definitions.is_empty() {
        violations.push(PlanRule::NoMilestones.at("/milestones"));
    }
    if !definitions.is_empty() && definitions.iter().all(|definition| definition.offset_days.is_none()) {
        violations.push(PlanRule::NoMilestones.at("/milestones"));
    }
    let has_no_date = |key: &str| definitions.iter().any(|one| one.key.as_str() == key && one.offset_days.is_none());
    for (index, definition) in definitions.iter().enumerate().filter(|(_, one)| one.offset_days.is_some()) {
        for (at, needed) in definition.depends_on.iter().enumerate().filter(|(_, needed)| has_no_date(needed.as_str()))
        {
            let key = needed.as_str().to_owned();
            violations.push(PlanRule::WaitsForUndated { key }.at(format!("/milestones/{index}/depends_on/{at}")));
        }
    }
    let network: Vec<_> = definitions.iter().map(|d| (d.key.as_str(), d.depends_on.as_slice())).collect();
    check_network(&network, &mut violations);
    check_proofs(definitions, &mut violations);
    all_kept(violations)
}

/// Checks the proofs of a template's milestones: they name milestones that are there, and do not wait for each other.
fn check_proofs(definitions: &[MilestoneDefinition], violations: &mut Violations) {
    let mut edges: Vec<(&str, &str)> = vec![];
    for (index, definition) in definitions.iter().enumerate() {
        let Some(proof) = &definition.proof else { continue };
        let own_key = definition.key.as_str();
        proof.check(own_key, &format!("/milestones/{index}/proof"), violations);
        edges.extend(definition.depends_on.iter().map(|needed| (own_key, needed.as_str())));
        let sets = proof.criteria.iter().enumerate().filter(|(_, one)| one.kind == CriterionKind::Milestones);
        for (at, key) in sets.flat_map(|(set, one)| one.keys.iter().enumerate().map(move |(at, key)| ((set, at), key)))
        {
            let key = key.as_str();
            if !definitions.iter().any(|other| other.key.as_str() == key) {
                let place = format!("/milestones/{index}/proof/criteria/{}/keys/{}", at.0, at.1);
                violations.push(PlanRule::UnknownMilestone { key: key.to_owned() }.at(place));
            } else if key != own_key {
                edges.push((own_key, key));
            }
        }
    }
    // Only who has a proof can wait in vain, so a circle of dependencies alone is not said again.
    let proved = |key: &str| definitions.iter().any(|one| one.key.as_str() == key && one.proof.is_some());
    edges.retain(|(_, to)| proved(to));
    if let Some(cycle) = find_cycle(edges).filter(|_| violations.is_empty()) {
        let first = cycle.first().and_then(|key| definitions.iter().position(|one| one.key.as_str() == key));
        violations.push(ProofRule::ProofCycle { cycle }.at(format!("/milestones/{}/proof", first.unwrap_or_default())));
    }
}

/// Returns the milestones with a date of a plan that starts on `start_on`.
pub fn instantiate(
    definitions: &[MilestoneDefinition],
    start_on: NaiveDate,
    calendar: &Calendar,
) -> Vec<MilestoneDraft> {
    let at = |offset_days: u32| {
        let on = calendar.plus_days(start_on, offset_days.into());
        if calendar.days_between(start_on, on) == i64::from(offset_days) { on } else { NaiveDate::MAX }
    };
    let draft = |definition: &MilestoneDefinition| {
        let MilestoneDefinition { key, name, phase, .. } = definition.clone();
        Some(MilestoneDraft {
            owner_name: definition.owner_name.clone(),
            weight: definition.weight,
            depends_on: definition.depends_on.clone(),
            acceptance_criteria: definition.acceptance_criteria.clone(),
            duration_days: definition.duration_days,
            ..MilestoneDraft::named(key, name, phase, at(definition.offset_days?))
        })
    };
    definitions.iter().filter_map(draft).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::draft::check_milestones;

    fn definition(key: &str, offset_days: u32, depends_on: &[&str]) -> MilestoneDefinition {
        MilestoneDefinition {
            key: Key::parse(key).expect("a key"),
            name: Name::parse(key).expect("a name"),
            phase: None,
            owner_name: None,
            weight: Weight::ONE,
            level: None,
            offset_days: Some(offset_days),
            duration_days: None,
            depends_on: depends_on.iter().map(|k| Dependency::on(Key::parse(k).expect("a key"))).collect(),
            acceptance_criteria: vec![],
            proof: None,
            impact: None,
            badge: None,
        }
    }

    #[test]
    fn what_has_no_date_is_left_out() {
        let undated =
            |key: &str, depends_on| MilestoneDefinition { offset_days: None, ..definition(key, 0, depends_on) };
        let start_on = NaiveDate::from_ymd_opt(2026, 5, 4).expect("a date");
        let definitions = [definition("a", 3, &[]), undated("b", &["a"])];
        assert_eq!(check(&definitions), Ok(()));
        let drafts = instantiate(&definitions, start_on, &Calendar::every_day());
        assert_eq!(drafts.iter().map(|draft| draft.key.as_str()).collect::<Vec<_>>(), ["a"]);
        for (definitions, expected) in [
            (vec![undated("a", &[]), definition("b", 1, &["a"])], ("/milestones/1/depends_on/0", "waits_for_undated")),
            (vec![undated("a", &[])], ("/milestones", "no_milestones")),
        ] {
            let found = check(&definitions).expect_err("wrong");
            assert_eq!(found.iter().map(|one| (one.at.as_str(), one.code)).collect::<Vec<_>>(), [expected]);
        }
    }

    #[test]
    fn a_milestone_earns_its_badge() {
        let plain = definition("a", 1, &[]);
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
    fn offsets_become_dates() {
        let start_on = NaiveDate::from_ymd_opt(2028, 2, 27).expect("a date");
        let dates = |calendar: &Calendar| {
            let drafts = instantiate(&[definition("a", 0, &[]), definition("b", 3, &["a"])], start_on, calendar);
            drafts.iter().map(|draft| draft.planned_on.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(dates(&Calendar::every_day()), ["2028-02-27", "2028-03-01"], "2028 is a leap year");
        assert_eq!(dates(&Calendar::business_days(&[])), ["2028-02-28", "2028-03-02"], "it starts on a Sunday");
    }

    #[test]
    fn milestones_of_a_template_have_a_history() {
        let on = |day| NaiveDate::from_ymd_opt(2026, 3, day).expect("a date");
        let mut drafts =
            instantiate(&[definition("a", 0, &[]), definition("b", 3, &[])], on(1), &Calendar::every_day());
        let history = |key: &str, actual_on| MilestoneHistory {
            key: Key::parse(key).expect("a key"),
            forecast_changes: vec![],
            progress: vec![],
            started_on: None,
            actual_on,
            note: None,
        };
        let histories = [history("b", Some(on(5)))];
        assert_eq!(add_histories(&mut drafts, &histories), Ok(()));
        assert_eq!((drafts[0].actual_on, drafts[1].actual_on), (None, Some(on(5))));
        let found = check_milestones(&drafts, on(1), &Calendar::every_day(), on(4)).expect_err("in the future");
        let found = in_histories(found, &drafts, &histories);
        assert_eq!(found.iter().map(|one| one.at.as_str()).collect::<Vec<_>>(), ["/history/0/actual_on"]);
        let wrong = [history("a", None), history("a", None), history("c", None)];
        let found: Vec<_> =
            add_histories(&mut drafts, &wrong).expect_err("wrong").into_iter().map(|one| one.code).collect();
        assert_eq!(found, ["repeated_key", "unknown_milestone"]);
    }

    #[test]
    fn proofs_fit_together() {
        let proved = |key: &str, depends_on: &[&str], keys: &[&str]| {
            let proof = serde_json::json!({ "criteria": [{ "kind": "milestones", "keys": keys }] });
            let proof = (!keys.is_empty()).then(|| serde_json::from_value(proof).expect("a proof"));
            MilestoneDefinition { proof, ..definition(key, 1, depends_on) }
        };
        let broken = |definitions: &[MilestoneDefinition]| -> Vec<(String, &'static str)> {
            check(definitions).err().unwrap_or_default().into_iter().map(|one| (one.at, one.code)).collect()
        };
        let at = |place: &str, code| vec![(place.to_owned(), code)];
        assert_eq!(broken(&[proved("a", &[], &["b"]), proved("b", &[], &["c"]), proved("c", &[], &[])]), vec![]);
        let unknown = broken(&[proved("a", &[], &["x"])]);
        assert_eq!(unknown, at("/milestones/0/proof/criteria/0/keys/0", "unknown_milestone"));
        let round = broken(&[proved("a", &[], &["b"]), proved("b", &[], &["a"])]);
        assert_eq!(round, at("/milestones/0/proof", "proof_cycle"));
        let mixed = broken(&[proved("a", &["b"], &["c"]), proved("b", &[], &["a"]), proved("c", &[], &[])]);
        assert_eq!(mixed, at("/milestones/0/proof", "proof_cycle"));
        assert_eq!(
            broken(&[proved("a", &["b"], &["b"]), proved("b", &[], &[])]),
            vec![],
            "what a person does waits for no proof"
        );
    }

    #[test]
    fn each_tier_has_a_badge() {
        let badge = MilestoneBadge {
            key: Key::parse(&"k".repeat(Key::MAX_CHARS)).expect("a key"),
            name: Name::parse("Savings").expect("a name"),
            design: BadgeDesign::default(),
        };
        let milestone = MilestoneDefinition { badge: Some(badge), ..definition("a", 1, &[]) };
        let gold = milestone.earned_badge(Some(BadgeTier::Gold)).expect("a badge");
        assert_eq!((gold.name.as_str(), gold.design.tier), ("Savings: Gold", Some(BadgeTier::Gold)));
        assert!(gold.key.as_str().ends_with("k-gold") && gold.key.as_str().len() == Key::MAX_CHARS);
        assert_eq!(milestone.earned_badge(None).expect("a badge").name.as_str(), "Savings");
    }

    #[test]
    fn a_template_needs_milestones_that_fit_together() {
        assert_eq!(check(&[]), Err(vec![PlanRule::NoMilestones.at("/milestones")]));
        assert!(check(&[definition("a", 0, &["b"]), definition("b", 3, &["a"])]).is_err());
        assert_eq!(check(&[definition("a", 0, &[]), definition("b", 3, &["a"])]), Ok(()));
    }
}
