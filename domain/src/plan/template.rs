//! Templates: lists of milestone definitions with offsets instead of dates.

mod check;
mod definition;
mod transfer;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

pub use self::check::check;
pub use self::definition::{MilestoneBadge, MilestoneDefinition, MilestoneReward, PromisedImpact};
pub use self::transfer::{Fate, Present, Step, Transfer, transfer};
use crate::plan::Kind;
use crate::plan::calendar::Calendar;
use crate::plan::draft::{ForecastDraft, MilestoneDraft, ProgressDraft};
use crate::plan::rule::PlanRule;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{Key, Name, Note};

/// Timeline by which the milestones of a template become dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Timeline {
    /// Usual one.
    #[default]
    Standard,
    /// Fast track, for those who can do it in less time.
    FastTrack,
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

impl TemplateContent {
    /// Returns the milestone with a key.
    pub fn find(&self, key: &str) -> Option<&MilestoneDefinition> {
        self.milestones.iter().find(|one| one.key.as_str() == key)
    }

    /// Returns the key of the pathway in which a milestone is an alternative, if it is in one.
    pub fn pathway_of(&self, key: &str) -> Option<&Key> {
        let names = |one: &&MilestoneDefinition| {
            one.pathway().is_some_and(|criterion| criterion.keys.iter().any(|named| named.as_str() == key))
        };
        self.milestones.iter().find(names).map(|one| &one.key)
    }
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

/// First day and timeline of a plan that is made from a template.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// First day of the plan.
    pub start_on: NaiveDate,
    /// Timeline.
    pub timeline: Timeline,
    /// Calendar whose days the offsets count.
    pub calendar: &'a Calendar,
}

impl Terms<'_> {
    /// Returns the planned date of a milestone; `None` for one without a date.
    pub fn planned_on(&self, definition: &MilestoneDefinition) -> Option<NaiveDate> {
        let days = definition.days(self.timeline)?;
        let on = self.calendar.plus_days(self.start_on, days.into());
        Some(if self.calendar.days_between(self.start_on, on) == i64::from(days) { on } else { NaiveDate::MAX })
    }

    /// Returns a milestone as a plan begins it; `None` for one without a date.
    pub fn draft(&self, definition: &MilestoneDefinition) -> Option<MilestoneDraft> {
        let planned_on = self.planned_on(definition)?;
        let MilestoneDefinition { key, name, phase, .. } = definition.clone();
        Some(MilestoneDraft {
            owner_name: definition.owner_name.clone(),
            weight: definition.weight,
            depends_on: definition.depends_on.clone(),
            acceptance_criteria: definition.acceptance_criteria.clone(),
            duration_days: definition.duration_days,
            ..MilestoneDraft::named(key, name, phase, planned_on)
        })
    }
}

/// Returns the milestones with a date of a plan that is made from a template.
pub fn instantiate(definitions: &[MilestoneDefinition], terms: &Terms<'_>) -> Vec<MilestoneDraft> {
    definitions.iter().filter_map(|definition| terms.draft(definition)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::draft::check_milestones;

    fn definition(key: &str, offset_days: u32, depends_on: &[&str]) -> MilestoneDefinition {
        MilestoneDefinition::of_test(key, offset_days, depends_on)
    }

    fn from(start_on: NaiveDate, calendar: &Calendar) -> Terms<'_> {
        Terms { start_on, timeline: Timeline::Standard, calendar }
    }

    #[test]
    fn what_has_no_date_is_left_out() {
        let undated =
            |key: &str, depends_on| MilestoneDefinition { offset_days: None, ..definition(key, 0, depends_on) };
        let start_on = NaiveDate::from_ymd_opt(2026, 5, 4).expect("a date");
        let definitions = [definition("a", 3, &[]), undated("b", &["a"])];
        assert_eq!(check(&definitions), Ok(()));
        let drafts = instantiate(&definitions, &from(start_on, &Calendar::every_day()));
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
    fn offsets_become_dates() {
        let start_on = NaiveDate::from_ymd_opt(2028, 2, 27).expect("a date");
        let dates = |calendar: &Calendar| {
            let drafts = instantiate(&[definition("a", 0, &[]), definition("b", 3, &["a"])], &from(start_on, calendar));
            drafts.iter().map(|draft| draft.planned_on.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(dates(&Calendar::every_day()), ["2028-02-27", "2028-03-01"], "2028 is a leap year");
        assert_eq!(dates(&Calendar::business_days(&[])), ["2028-02-28", "2028-03-02"], "it starts on a Sunday");
    }

    #[test]
    fn milestones_of_a_template_have_a_history() {
        let on = |day| NaiveDate::from_ymd_opt(2026, 3, day).expect("a date");
        let mut drafts =
            instantiate(&[definition("a", 0, &[]), definition("b", 3, &[])], &from(on(1), &Calendar::every_day()));
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
    fn the_fast_track_has_dates_of_its_own() {
        let start_on = NaiveDate::from_ymd_opt(2026, 5, 4).expect("a date");
        let fast = MilestoneDefinition { fast_offset_days: Some(4), ..definition("a", 10, &[]) };
        let calendar = Calendar::every_day();
        let dates = |timeline| {
            let terms = Terms { timeline, ..from(start_on, &calendar) };
            let drafts = instantiate(&[fast.clone(), definition("b", 20, &["a"])], &terms);
            drafts.iter().map(|draft| draft.planned_on.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(dates(Timeline::Standard), ["2026-05-14", "2026-05-24"]);
        assert_eq!(dates(Timeline::FastTrack), ["2026-05-08", "2026-05-24"], "what has no other date keeps it");
    }
}
