//! Baselines: frozen, numbered copies of planned dates and weights.

use chrono::NaiveDate;

use crate::plan::milestone::{MilestoneRule, State};
use crate::plan::rule::PlanRule;
use crate::rule::{Rule as _, Violations, all_kept};

/// What a baseline says of one milestone.
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
    /// 1, 2, 3 and so on.
    pub number: i64,
    /// The first day on which it is in force.
    pub effective_on: NaiveDate,
    /// One line a milestone in scope.
    pub lines: Vec<Line>,
}

/// The baseline in force at `as_of`: the last that had taken effect, or the first for any earlier date.
pub fn in_force(baselines: &[Baseline], as_of: NaiveDate) -> Option<&Baseline> {
    baselines.iter().rev().find(|baseline| baseline.effective_on <= as_of).or_else(|| baselines.first())
}

/// A milestone as the next baseline would freeze it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Where the request names its planned date, as a JSON pointer.
    pub at: String,
    /// The planned date to freeze.
    pub planned_on: NaiveDate,
    /// Where it stands: only an open one's date may move.
    pub state: State,
    /// Whether the request changes it.
    pub changed: bool,
}

/// Checks a new baseline: something in scope, no date before the plan's start, and settled milestones left as they were.
pub fn check(candidates: &[Candidate], start_on: NaiveDate) -> Result<(), Violations> {
    let mut violations = Violations::new();
    if candidates.is_empty() {
        violations.push(PlanRule::NoMilestones.at(""));
    }
    for candidate in candidates {
        if candidate.planned_on < start_on {
            violations.push(PlanRule::BeforeStart { start_on }.at(format!("{}/planned_on", candidate.at)));
        }
        if candidate.changed && !candidate.state.is_open() {
            violations.push(MilestoneRule::Settled { state: candidate.state }.at(candidate.at.clone()));
        }
    }
    all_kept(violations)
}

/// How one milestone differs between two baselines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Position of the milestone in its plan's list of milestones.
    pub milestone: usize,
    /// What the first baseline says of it, if it is in its scope.
    pub from: Option<Line>,
    /// What the second says.
    pub to: Option<Line>,
}

/// Every milestone that two baselines do not say the same of, by position: moved, weighed anew, added or dropped.
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
        assert_eq!(check(&[], day(1)), Err(vec![PlanRule::NoMilestones.at("")]));
        assert_eq!(check(&[candidate(3, true, true), candidate(4, false, false)], day(3)), Ok(()));
        assert_eq!(
            check(&[candidate(2, true, true), candidate(9, false, true)], day(3)),
            Err(vec![
                PlanRule::BeforeStart { start_on: day(3) }.at("/changes/2/planned_on"),
                MilestoneRule::Settled { state: State::Achieved }.at("/changes/9"),
            ])
        );
    }
}
