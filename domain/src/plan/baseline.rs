//! Baselines: frozen, numbered copies of planned dates and weights.
//!
//! This module selects, checks and compares baselines; it does not store them.

use chrono::NaiveDate;

use crate::plan::calendar::Calendar;
use crate::plan::milestone::{MilestoneRule, State};
use crate::plan::rule::PlanRule;
use crate::rule::{Rule as _, Violations, all_kept};

/// One milestone's entry in a baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Position of the milestone in its plan's list of milestones.
    pub milestone: usize,
    /// Planned date.
    pub planned_on: NaiveDate,
    /// Weight in the plan's weight unit.
    pub weight: f64,
}

/// A frozen copy of a plan's dates and weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Number, counting from 1.
    pub number: i64,
    /// First day on which the baseline is in force.
    pub effective_on: NaiveDate,
    /// One line per milestone in scope.
    pub lines: Vec<Line>,
}

impl Baseline {
    /// Returns its last planned date; `None` if nothing is in scope.
    pub fn finish_on(&self) -> Option<NaiveDate> {
        self.lines.iter().map(|line| line.planned_on).max()
    }
}

/// Returns the baseline in force at `as_of`: the last to have taken effect, or the first for any earlier date.
pub fn in_force(baselines: &[Baseline], as_of: NaiveDate) -> Option<&Baseline> {
    baselines.iter().rev().find(|baseline| baseline.effective_on <= as_of).or_else(|| baselines.first())
}

/// A milestone as the next baseline would freeze it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// JSON pointer to the milestone's change in the request; empty if the request does not change it.
    pub at: String,
    /// Planned date to freeze.
    pub planned_on: NaiveDate,
    /// State of the milestone. Only an open milestone may change.
    pub state: State,
    /// Whether the request changes the milestone.
    pub changed: bool,
}

/// Checks a new baseline: at least one milestone is in scope, no planned date is before the plan's start, no changed one is on
/// a day that the calendar refuses, and settled milestones are unchanged.
pub fn check(candidates: &[Candidate], start_on: NaiveDate, calendar: &Calendar) -> Result<(), Violations> {
    let mut violations = Violations::new();
    if candidates.is_empty() {
        violations.push(PlanRule::NoMilestones.at(""));
    }
    for candidate in candidates {
        if candidate.planned_on < start_on {
            violations.push(PlanRule::BeforeStart { start_on }.at(format!("{}/planned_on", candidate.at)));
        }
        if candidate.changed && calendar.refuses(candidate.planned_on) {
            violations.push(PlanRule::OnDayOff { on: candidate.planned_on }.at(format!("{}/planned_on", candidate.at)));
        }
        if candidate.changed && !candidate.state.is_open() {
            violations.push(MilestoneRule::Settled { state: candidate.state }.at(candidate.at.clone()));
        }
    }
    all_kept(violations)
}

/// Difference in one milestone between two baselines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Position of the milestone in its plan's list of milestones.
    pub milestone: usize,
    /// Line in the first baseline. `None` if the milestone is not in its scope.
    pub from: Option<Line>,
    /// Line in the second baseline. `None` if the milestone is not in its scope.
    pub to: Option<Line>,
}

/// Compares two baselines and returns the milestones that differ, by position: moved, reweighted, added or dropped.
pub fn compare(from: &Baseline, to: &Baseline) -> Vec<Difference> {
    let of = |baseline: &Baseline, milestone| baseline.lines.iter().find(|line| line.milestone == milestone).copied();
    let mut milestones: Vec<usize> = from.lines.iter().chain(&to.lines).map(|line| line.milestone).collect();
    milestones.sort_unstable();
    milestones.dedup();
    let difference = |milestone| Difference { milestone, from: of(from, milestone), to: of(to, milestone) };
    milestones.into_iter().map(difference).filter(|found| found.from != found.to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, d).expect("a date")
    }

    #[test]
    fn the_last_one_that_took_effect_is_in_force() {
        let at = |number, d| Baseline { number, effective_on: day(d), lines: vec![] };
        let baselines = [at(1, 5), at(2, 10), at(3, 10)];
        for (as_of, expected) in [(1, 1), (5, 1), (9, 1), (10, 3), (30, 3)] {
            assert_eq!(in_force(&baselines, day(as_of)).map(|b| b.number), Some(expected), "May {as_of}");
        }
        assert_eq!(in_force(&[], day(1)), None);
    }

    #[test]
    fn two_are_compared_line_by_line() {
        let line = |milestone, d, weight| Line { milestone, planned_on: day(d), weight };
        let first = Baseline {
            number: 1,
            effective_on: day(1),
            lines: vec![line(0, 5, 1.0), line(1, 9, 1.0), line(2, 9, 1.0)],
        };
        let second = Baseline {
            number: 2,
            effective_on: day(8),
            lines: vec![line(0, 5, 1.0), line(1, 12, 1.0), line(3, 9, 2.0)],
        };
        let found = compare(&first, &second);
        let seen: Vec<_> = found.iter().map(|one| (one.milestone, one.from.is_some(), one.to.is_some())).collect();
        assert_eq!(seen, [(1, true, true), (2, true, false), (3, false, true)]);
        assert_eq!(compare(&first, &first), vec![]);
    }

    #[test]
    fn a_baseline_is_checked_whole() {
        let candidate = |d, open, changed| {
            let state = if open { State::Planned } else { State::Achieved };
            Candidate { at: format!("/changes/{d}"), planned_on: day(d), state, changed }
        };
        assert_eq!(check(&[], day(1), &Calendar::every_day()), Err(vec![PlanRule::NoMilestones.at("")]));
        assert_eq!(
            check(&[candidate(3, true, true), candidate(4, false, false)], day(3), &Calendar::every_day()),
            Ok(())
        );
        assert_eq!(
            check(&[candidate(2, true, true), candidate(9, false, true)], day(3), &Calendar::every_day()),
            Err(vec![
                PlanRule::BeforeStart { start_on: day(3) }.at("/changes/2/planned_on"),
                MilestoneRule::Settled { state: State::Achieved }.at("/changes/9"),
            ])
        );
    }
}
