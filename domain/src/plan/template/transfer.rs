//! Transfer of a plan to another version of its template, or to another timeline.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use super::{MilestoneDefinition, Terms};

/// A milestone of the plan, as the transfer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present<'a> {
    /// Key.
    pub key: &'a str,
    /// Planned date; `None` for a milestone without a date.
    pub planned_on: Option<NaiveDate>,
    /// Whether it is open.
    pub is_open: bool,
}

/// Fate of a milestone in a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = TransferFate)]
pub enum Fate {
    /// It is in the version too, and takes its texts and its weight from there if it is open.
    Kept,
    /// It is new with the version.
    Added,
    /// The version no longer has it: it is canceled, or removed if it has no date.
    Removed,
    /// It stays as it is: it was achieved, or somebody added it to the plan.
    Left,
}

/// Fate of one milestone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step<'a> {
    /// Key of the milestone.
    pub key: &'a str,
    /// Fate.
    pub fate: Fate,
    /// Its definition in the version, if the version has it.
    pub definition: Option<&'a MilestoneDefinition>,
    /// Planned date before; `None` without one.
    pub planned_from_on: Option<NaiveDate>,
    /// Planned date after; `None` without one.
    pub planned_to_on: Option<NaiveDate>,
}

/// Terms of a transfer.
#[derive(Debug, Clone, Copy)]
pub struct Transfer<'a> {
    /// Keys of the milestones of the version that the plan has now.
    pub before: &'a HashSet<&'a str>,
    /// Milestones of the version that it gets.
    pub after: &'a [MilestoneDefinition],
    /// Start, calendar, and timeline of what is added.
    pub terms: Terms<'a>,
    /// Whether the milestones that are kept move to the dates of the timeline, too.
    pub is_redated: bool,
    /// Day of the transfer: nothing is planned before it.
    pub today: NaiveDate,
}

/// Decides what becomes of each milestone of a plan: first of those that it has, in their order, then of those that are added.
///
/// A milestone that is over stays as it is. One that is open and in both versions is kept with its dates, unless the plan gets the dates of a
/// timeline; one that should have been done by then is planned for today.
pub fn transfer<'a>(present: &[Present<'a>], transfer: &Transfer<'a>) -> Vec<Step<'a>> {
    let planned_on =
        |definition: &MilestoneDefinition| Some(transfer.terms.planned_on(definition)?.max(transfer.today));
    let of_present = |one: &Present<'a>| {
        let definition = transfer.after.iter().find(|definition| definition.key.as_str() == one.key);
        let fate = match definition {
            Some(_) => Fate::Kept,
            None if one.is_open && transfer.before.contains(one.key) => Fate::Removed,
            None => Fate::Left,
        };
        let moved_on = definition.filter(|_| transfer.is_redated && one.is_open).and_then(planned_on);
        let planned_to_on = one.planned_on.map(|on| moved_on.unwrap_or(on)).filter(|_| fate != Fate::Removed);
        Step { key: one.key, fate, definition, planned_from_on: one.planned_on, planned_to_on }
    };
    let added = transfer.after.iter().filter(|one| !present.iter().any(|known| known.key == one.key.as_str()));
    let added = added.map(|definition| Step {
        key: definition.key.as_str(),
        fate: Fate::Added,
        definition: Some(definition),
        planned_from_on: None,
        planned_to_on: planned_on(definition),
    });
    present.iter().map(of_present).chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Timeline;
    use super::*;
    use crate::plan::calendar::Calendar;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    #[test]
    fn what_becomes_of_each() {
        let undated =
            |key: &str| MilestoneDefinition { offset_days: None, ..MilestoneDefinition::of_test(key, 0, &[]) };
        let fast = MilestoneDefinition { fast_offset_days: Some(2), ..MilestoneDefinition::of_test("both", 20, &[]) };
        let after = [fast, MilestoneDefinition::of_test("new", 4, &[]), undated("ongoing"), undated("fresh")];
        let before = HashSet::from(["both", "gone", "done", "ongoing", "over"]);
        let dated = |key, day, is_open| Present { key, planned_on: Some(on(day)), is_open };
        let present = [
            dated("both", 15, true),
            dated("gone", 9, true),
            dated("over", 9, false),
            dated("own", 12, true),
            Present { key: "ongoing", planned_on: None, is_open: true },
            Present { key: "done", planned_on: None, is_open: true },
        ];
        let calendar = Calendar::every_day();
        let terms = Terms { start_on: on(1), timeline: Timeline::Standard, calendar: &calendar };
        let usual = Transfer { before: &before, after: &after, terms, is_redated: false, today: on(7) };
        let steps = |transfer_by: &Transfer<'_>| -> Vec<(String, Fate, Option<NaiveDate>)> {
            transfer(&present, transfer_by)
                .iter()
                .map(|one| (one.key.to_owned(), one.fate, one.planned_to_on))
                .collect()
        };
        let expected = |both: u32| {
            [
                ("both", Fate::Kept, Some(on(both))),
                ("gone", Fate::Removed, None),
                ("over", Fate::Left, Some(on(9))),
                ("own", Fate::Left, Some(on(12))),
                ("ongoing", Fate::Kept, None),
                ("done", Fate::Removed, None),
                ("new", Fate::Added, Some(on(7))),
                ("fresh", Fate::Added, None),
            ]
            .map(|(key, fate, on)| (key.to_owned(), fate, on))
            .to_vec()
        };
        assert_eq!(steps(&usual), expected(15), "dates stay, and what is new is not planned in the past");
        let redated = Transfer { is_redated: true, ..usual };
        assert_eq!(steps(&redated), expected(21), "the usual timeline");
        let fast = Transfer { terms: Terms { timeline: Timeline::FastTrack, ..terms }, ..redated };
        assert_eq!(steps(&fast), expected(7), "the fast track would have been on 3 May");
    }
}
