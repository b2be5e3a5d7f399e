//! Reactions of playbooks: which interventions a look at a customer opens and ends, and what is remembered until the next look.
//!
//! A playbook remembers of a customer for what its trigger held, and reacts to what is new. The memory belongs to what the playbook looks
//! at, not to its text: another title or description forgets nothing.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::playbook::trigger::{Trigger, TriggerKind};
use super::playbook::{Conditions, Playbook};
use crate::values::dates::days_between;

/// Scope of a playbook: its trigger and its conditions, and whether it looks at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    trigger: Trigger,
    conditions: Conditions,
    active: bool,
}

impl Scope {
    /// Returns what a playbook looks at.
    pub fn of(playbook: &Playbook) -> Self {
        let Playbook { trigger, conditions, active, .. } = playbook;
        Self { trigger: trigger.clone(), conditions: conditions.clone(), active: *active }
    }
}

/// Memory of a playbook about a customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// Scope at the last look; `None` if it is not known, and then it is taken to be the same.
    pub scope: Option<Scope>,
    /// Subjects for which the trigger held.
    pub held: Vec<String>,
    /// Last day on which it opened an intervention, by subject where each has a cooldown of its own, and by an empty text otherwise.
    pub opened_on: BTreeMap<String, NaiveDate>,
}

/// An intervention of the playbook for the customer that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Identifier.
    pub id: Uuid,
    /// Subjects for which it was opened.
    pub subjects: Vec<String>,
}

/// A look at a customer.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Subjects for which the trigger holds; `None` if the playbook does not look at the customer, because it is not active, or because its
    /// conditions do not admit the customer.
    pub held: Option<&'a [String]>,
    /// Interventions of the playbook for the customer that are not done.
    pub unfinished: &'a [Unfinished],
    /// Whether the customer is older than the playbook, so that what holds at the first look has not begun since.
    pub is_older: bool,
    /// Day of the look.
    pub today: NaiveDate,
}

/// Result of a look.
#[derive(Debug, Clone, PartialEq)]
pub struct Reaction {
    /// Subjects for which one intervention is opened; none if this is empty.
    pub opened_for: Vec<String>,
    /// Interventions that end because none of their subjects holds any longer.
    pub ended: Vec<Uuid>,
    /// Memory until the next look.
    pub memory: Memory,
}

/// Returns how a playbook reacts to a look at a customer.
pub fn react(playbook: &Playbook, memory: Option<&Memory>, look: Look<'_>) -> Reaction {
    let scope = Scope::of(playbook);
    let held = look.held.unwrap_or_default();
    let is_same = |memory: &&Memory| memory.scope.as_ref().is_none_or(|own| *own == scope);
    let begun: Vec<&String> = match (memory, memory.filter(is_same)) {
        (Some(_), Some(known)) => held.iter().filter(|subject| !known.held.contains(subject)).collect(),
        // What holds when a playbook begins to look at something else has begun before.
        (Some(_), None) => vec![],
        (None, _) if look.is_older => vec![],
        (None, _) => held.iter().collect(),
    };
    let mut opened_on = memory.map(|memory| memory.opened_on.clone()).unwrap_or_default();
    let is_covered =
        |subject: &String| playbook.one_at_a_time && look.unfinished.iter().any(|task| task.subjects.contains(subject));
    let opened_for: Vec<String> = begun
        .iter()
        .filter(|subject| !is_covered(subject))
        .filter(|subject| playbook.is_cool(last_opened(playbook, &opened_on, subject), look.today))
        .map(|subject| (*subject).clone())
        .collect();
    // What begins during a cooldown is not remembered, so it counts as beginning after it.
    let is_noted = |subject: &&String| !begun.contains(subject) || opened_for.contains(subject) || is_covered(subject);
    let noted = held.iter().filter(is_noted).cloned().collect();
    for subject in &opened_for {
        opened_on.insert(cooling(playbook, subject).to_owned(), look.today);
    }
    let is_over =
        |task: &&Unfinished| !task.subjects.is_empty() && !task.subjects.iter().any(|subject| held.contains(subject));
    // Only a look at the same can tell that something is over.
    let is_ending = playbook.ends_when_over && look.held.is_some() && memory.is_some_and(|known| is_same(&known));
    let ended = look.unfinished.iter().filter(|_| is_ending).filter(is_over).map(|task| task.id).collect();
    Reaction { opened_for, ended, memory: Memory { scope: Some(scope), held: noted, opened_on } }
}

/// Returns what has a cooldown of its own: the milestone where the trigger is about milestones, the customer otherwise.
fn cooling<'a>(playbook: &Playbook, subject: &'a str) -> &'a str {
    match playbook.trigger.kind {
        TriggerKind::MilestoneMissed
        | TriggerKind::MilestoneAtRisk
        | TriggerKind::MilestoneAchieved
        | TriggerKind::MilestoneEarly => subject,
        _ => "",
    }
}

fn last_opened(playbook: &Playbook, opened_on: &BTreeMap<String, NaiveDate>, subject: &str) -> Option<NaiveDate> {
    opened_on.get(cooling(playbook, subject)).copied()
}

impl Playbook {
    /// Whether the cooldown since the last intervention is over today.
    pub fn is_cool(&self, last_opened_on: Option<NaiveDate>, today: NaiveDate) -> bool {
        last_opened_on.is_none_or(|on| days_between(on, today) > i64::from(self.cooldown_days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::playbook::samples;
    use crate::values::text::Note;

    fn playbook(kind: TriggerKind) -> Playbook {
        samples::playbook(samples::trigger(kind))
    }

    fn missed() -> Playbook {
        playbook(TriggerKind::MilestoneMissed)
    }

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, number).expect("a date")
    }

    fn texts(subjects: &[&str]) -> Vec<String> {
        subjects.iter().map(|subject| (*subject).to_owned()).collect()
    }

    /// Looks on a day, and remembers.
    fn look(
        playbook: &Playbook,
        memory: &mut Option<Memory>,
        on: u32,
        held: &[&str],
        open: &[Unfinished],
    ) -> Vec<String> {
        let held = texts(held);
        let look = Look { held: Some(&held), unfinished: open, is_older: false, today: day(on) };
        let found = react(playbook, memory.as_ref(), look);
        *memory = Some(found.memory);
        found.opened_for
    }

    #[test]
    fn another_text_forgets_nothing() {
        let mut memory = None;
        assert_eq!(look(&missed(), &mut memory, 1, &[], &[]), texts(&[]));
        let mut renamed = missed();
        renamed.description = Note::parse("Another description.").ok();
        renamed.cooldown_days = 3;
        assert_eq!(look(&renamed, &mut memory, 2, &["p/a"], &[]), texts(&["p/a"]), "it began after the last look");
        assert_eq!(look(&missed(), &mut memory, 3, &["p/a"], &[]), texts(&[]), "and is not news any longer");
        let mut elsewhere = missed();
        elsewhere.trigger.grace_days = Some(2);
        assert_eq!(look(&elsewhere, &mut memory, 4, &["p/b"], &[]), texts(&[]), "what it looks at is new");
        let unknown = Memory { scope: None, held: texts(&["p/a"]), ..Memory::default() };
        assert_eq!(look(&missed(), &mut Some(unknown), 4, &["p/a", "p/b"], &[]), texts(&["p/b"]));
    }

    #[test]
    fn what_begins_during_a_cooldown_begins_after_it() {
        let health = playbook(TriggerKind::BandEntered);
        let mut memory = None;
        assert_eq!(look(&health, &mut memory, 1, &[""], &[]), texts(&[""]));
        assert_eq!(look(&health, &mut memory, 5, &[], &[]), texts(&[]));
        assert_eq!(look(&health, &mut memory, 6, &[""], &[]), texts(&[]), "too soon");
        assert_eq!(look(&health, &mut memory, 15, &[""], &[]), texts(&[]), "still");
        assert_eq!(look(&health, &mut memory, 16, &[""], &[]), texts(&[""]));
    }

    #[test]
    fn each_milestone_has_a_cooldown_of_its_own() {
        let mut memory = None;
        assert_eq!(look(&missed(), &mut memory, 1, &["p/a"], &[]), texts(&["p/a"]));
        assert_eq!(look(&missed(), &mut memory, 2, &["p/a", "p/b"], &[]), texts(&["p/b"]), "another milestone");
        assert_eq!(look(&missed(), &mut memory, 3, &["p/b"], &[]), texts(&[]));
        assert_eq!(look(&missed(), &mut memory, 4, &["p/a", "p/b"], &[]), texts(&[]), "the same one");
    }

    #[test]
    fn one_at_a_time_unless_said_otherwise() {
        let open = [Unfinished { id: Uuid::nil(), subjects: texts(&["p/a"]) }];
        let mut memory = None;
        assert_eq!(look(&missed(), &mut memory, 1, &["p/a", "p/b"], &open), texts(&["p/b"]));
        let several = Playbook { one_at_a_time: false, ..missed() };
        assert_eq!(look(&several, &mut None, 1, &["p/a"], &open), texts(&["p/a"]));
    }

    #[test]
    fn what_no_longer_holds_ends_if_the_playbook_says_so() {
        let open = [
            Unfinished { id: Uuid::from_u128(1), subjects: texts(&["p/a", "p/b"]) },
            Unfinished { id: Uuid::from_u128(2), subjects: texts(&["p/c"]) },
            Unfinished { id: Uuid::from_u128(3), subjects: vec![] },
        ];
        let held = texts(&["p/b"]);
        let look = Look { held: Some(&held), unfinished: &open, is_older: false, today: day(1) };
        assert!(react(&missed(), None, look).ended.is_empty());
        let ending = Playbook { ends_when_over: true, ..missed() };
        let memory = Memory { scope: Some(Scope::of(&ending)), ..Memory::default() };
        assert_eq!(react(&ending, Some(&memory), look).ended, [Uuid::from_u128(2)]);
        let unseen = Look { held: None, ..look };
        assert!(react(&ending, Some(&memory), unseen).ended.is_empty(), "nobody has looked");
        let elsewhere = Memory { scope: Some(Scope::of(&playbook(TriggerKind::NoEvent))), ..Memory::default() };
        assert!(react(&ending, Some(&elsewhere), look).ended.is_empty(), "it looks at something else now");
    }

    #[test]
    fn what_held_before_a_playbook_is_not_news() {
        let held = texts(&["p/a"]);
        let look = Look { held: Some(&held), unfinished: &[], is_older: true, today: day(1) };
        let found = react(&missed(), None, look);
        assert_eq!((found.opened_for, found.memory.held), (texts(&[]), held.clone()));
    }
}
