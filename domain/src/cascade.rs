//! What a change of one forecast does to the milestones that wait for it.
//!
//! Push only: a milestone moves when what it waits for no longer leaves it the time it was planned to take, and nothing is
//! pulled earlier unless asked. What is achieved stays where it is; what was waived or cancelled holds nobody up.

use chrono::{Days, NaiveDate};

use crate::milestone::State;
use crate::network::{Link, Network, Relation, order};
use crate::schedule::days_between;

/// A milestone as a cascade sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Where it stands.
    pub state: State,
    /// Its planned date.
    pub planned_on: NaiveDate,
    /// When it is expected: its forecast, or its actual date once achieved.
    pub expected_on: NaiveDate,
}

/// Whether dependents only move later, or also earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Only later, and only as far as needed.
    Push,
    /// To the earliest date that what they wait for allows, later or earlier.
    Pull,
}

/// One milestone that moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Its position.
    pub milestone: usize,
    /// When it was expected.
    pub from_on: NaiveDate,
    /// When it is expected now.
    pub to_on: NaiveDate,
    /// Days of the plan's total float that a slip uses up: what the plan had to spare there.
    pub float_used_days: i64,
}

/// How long each milestone was planned to take: from the day that what it waits for leaves it to start (lags counted), or from
/// the plan's start, to its own planned date. Never less than no time. `None` if the links form a cycle.
pub fn planned_durations_days(steps: &[Step], links: &[Link], start_on: NaiveDate) -> Option<Vec<i64>> {
    let finishes: Vec<i64> = steps.iter().map(|step| days_between(start_on, step.planned_on)).collect();
    let mut durations = vec![0; steps.len()];
    for position in order(steps.len(), links)? {
        let begins = links.iter().filter(|link| link.to == position).filter_map(|link| match link.relation {
            Relation::FinishToStart => Some(finishes[link.from] + link.lag_days),
            Relation::StartToStart => Some(finishes[link.from] - durations[link.from] + link.lag_days),
            Relation::FinishToFinish | Relation::StartToFinish => None,
        });
        durations[position] = (finishes[position] - begins.max().unwrap_or(0).max(0)).max(0);
    }
    Some(durations)
}

/// What moves when the milestone at `changed` is expected on `to_on`; itself first, then in the order of the network. Empty
/// if the links form a cycle.
pub fn cascade(
    steps: &[Step],
    links: &[Link],
    start_on: NaiveDate,
    changed: (usize, NaiveDate),
    direction: Direction,
    today: NaiveDate,
) -> Vec<Move> {
    let Some(durations) = planned_durations_days(steps, links, start_on) else { return vec![] };
    let Some(planned) = Network::schedule(&durations, links) else { return vec![] };
    let mut by_start: Vec<usize> = (0..steps.len()).collect();
    by_start.sort_by_key(|position| (planned.depths[*position], *position));
    let mut expected: Vec<NaiveDate> = steps.iter().map(|step| step.expected_on).collect();
    let mut is_touched = vec![false; steps.len()];
    let mut moves = vec![];
    let (changed, to_on) = changed;
    let mut shift = |position: usize, to_on: NaiveDate, expected: &mut Vec<NaiveDate>| {
        let from_on = std::mem::replace(&mut expected[position], to_on);
        let slip = days_between(from_on, to_on).max(0);
        let float_used_days = slip.min(planned.nodes[position].total_float_days.max(0));
        moves.push(Move { milestone: position, from_on, to_on, float_used_days });
    };
    shift(changed, to_on, &mut expected);
    is_touched[changed] = true;
    for position in by_start.into_iter().filter(|position| *position != changed) {
        let is_behind_a_change = links.iter().any(|link| link.to == position && is_touched[link.from]);
        if !is_behind_a_change || !steps[position].state.is_open() {
            continue;
        }
        let holds = |link: &&Link| link.to == position && !steps[link.from].state.is_dropped();
        let earliest = links.iter().filter(holds).map(|link| earliest_on(link, &expected, &durations)).max();
        let Some(earliest) = earliest else { continue };
        let target = match direction {
            Direction::Push => expected[position].max(earliest),
            Direction::Pull => earliest.max(today),
        };
        if target != expected[position] {
            is_touched[position] = true;
            shift(position, target, &mut expected);
        }
    }
    moves
}

/// When everything can be expected: a milestone's own date, or later where what it waits for leaves it no time. So a plan
/// does not claim to end before what is overdue has pushed what comes after. `None` if the links form a cycle.
pub fn project(steps: &[Step], links: &[Link], start_on: NaiveDate) -> Option<Vec<NaiveDate>> {
    let durations = planned_durations_days(steps, links, start_on)?;
    let mut expected: Vec<NaiveDate> = steps.iter().map(|step| step.expected_on).collect();
    for position in order(steps.len(), links)? {
        let holds = |link: &&Link| link.to == position && !steps[link.from].state.is_dropped();
        let earliest = links.iter().filter(holds).map(|link| earliest_on(link, &expected, &durations)).max();
        if let Some(earliest) = earliest.filter(|_| steps[position].state.is_open()) {
            expected[position] = expected[position].max(earliest);
        }
    }
    Some(expected)
}

/// The earliest date that one link allows the milestone that waits.
fn earliest_on(link: &Link, expected: &[NaiveDate], durations_days: &[i64]) -> NaiveDate {
    let finish = expected[link.from];
    let (before, own) = (durations_days[link.from], durations_days[link.to]);
    let days = match link.relation {
        Relation::FinishToStart => own,
        Relation::StartToStart => own - before,
        Relation::FinishToFinish => 0,
        Relation::StartToFinish => -before,
    };
    plus_days(finish, days + link.lag_days)
}

/// A date so many days later, or earlier; the calendar's end where there is no such date.
pub fn plus_days(date: NaiveDate, days: i64) -> NaiveDate {
    let distance = Days::new(days.unsigned_abs());
    let moved = if days < 0 { date.checked_sub_days(distance) } else { date.checked_add_days(distance) };
    moved.unwrap_or(if days < 0 { NaiveDate::MIN } else { NaiveDate::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(n: i64) -> NaiveDate {
        plus_days(NaiveDate::from_ymd_opt(2026, 5, 1).expect("a date"), n)
    }

    fn open(planned: i64) -> Step {
        Step { state: State::Planned, planned_on: day(planned), expected_on: day(planned) }
    }

    fn link(from: usize, to: usize, relation: Relation, lag_days: i64) -> Link {
        Link { from, to, relation, lag_days }
    }

    fn after(from: usize, to: usize) -> Link {
        link(from, to, Relation::FinishToStart, 0)
    }

    /// Moves as `(position, to, float used)`.
    fn check(
        steps: &[Step],
        links: &[Link],
        changed: (usize, i64),
        direction: Direction,
        expected: &[(usize, i64, i64)],
    ) {
        let moves = cascade(steps, links, day(0), (changed.0, day(changed.1)), direction, day(0));
        let found: Vec<_> =
            moves.iter().map(|m| (m.milestone, days_between(day(0), m.to_on), m.float_used_days)).collect();
        assert_eq!(found, expected);
    }

    /// a(10) and b(20) before c(30); d(40) after c. b leaves a ten days to spare.
    #[test]
    fn a_slip_pushes_as_far_as_needed() {
        let steps = [open(10), open(20), open(30), open(40)];
        let links = [after(0, 2), after(1, 2), after(2, 3)];
        assert_eq!(planned_durations_days(&steps, &links, day(0)), Some(vec![10, 20, 10, 10]));
        check(&steps, &links, (0, 15), Direction::Push, &[(0, 15, 5)]);
        check(&steps, &links, (0, 20), Direction::Push, &[(0, 20, 10)]);
        check(&steps, &links, (0, 23), Direction::Push, &[(0, 23, 10), (2, 33, 0), (3, 43, 0)]);
        check(&steps, &links, (1, 15), Direction::Push, &[(1, 15, 0)]);
    }

    #[test]
    fn nothing_is_pulled_unless_asked() {
        let steps = [open(10), open(20), open(30)];
        let links = [after(0, 1), after(1, 2)];
        check(&steps, &links, (0, 7), Direction::Push, &[(0, 7, 0)]);
        check(&steps, &links, (0, 7), Direction::Pull, &[(0, 7, 0), (1, 17, 0), (2, 27, 0)]);
    }

    #[test]
    fn own_slack_in_a_forecast_takes_up_a_slip() {
        let mut steps = [open(10), open(20), open(30)];
        steps[1].expected_on = day(26);
        check(&steps, &[after(0, 1), after(1, 2)], (0, 14), Direction::Push, &[(0, 14, 0)]);
    }

    /// a(10), b(20) after a, c(30) after b; nothing is done on day 25: a is expected on 25, b ten days later, c another ten.
    #[test]
    fn what_is_overdue_pushes_the_expected_finish() {
        let overdue = |planned: i64| Step { expected_on: day(planned.max(25)), ..open(planned) };
        let links = [after(0, 1), after(1, 2)];
        let steps = [overdue(10), overdue(20), overdue(30)];
        assert_eq!(project(&steps, &links, day(0)), Some(vec![day(25), day(35), day(45)]));
        let achieved = Step { state: State::Achieved, planned_on: day(10), expected_on: day(12) };
        assert_eq!(
            project(&[achieved, overdue(20), overdue(30)], &links, day(0)),
            Some(vec![day(12), day(25), day(35)])
        );
        assert_eq!(project(&steps, &[], day(0)), Some(vec![day(25), day(25), day(30)]));
    }

    #[test]
    fn achieved_stays_and_dropped_holds_nobody_up() {
        let achieved = Step { state: State::Achieved, ..open(20) };
        check(&[open(10), achieved, open(30)], &[after(0, 1), after(1, 2)], (0, 25), Direction::Push, &[(0, 25, 0)]);
        let dropped = Step { state: State::Cancelled, ..open(20) };
        check(&[open(10), dropped, open(30)], &[after(0, 1), after(1, 2)], (0, 25), Direction::Push, &[(0, 25, 0)]);
    }

    /// a takes 10 days, b 20 in all.
    #[test]
    fn each_relation_pushes_in_its_way() {
        for (relation, lag, slipped, expected) in [
            (Relation::FinishToStart, 4, 13, Some(23)),
            (Relation::FinishToStart, -4, 13, Some(23)),
            (Relation::FinishToFinish, 0, 20, None),
            (Relation::FinishToFinish, 3, 20, Some(23)),
            (Relation::StartToStart, 0, 12, Some(22)),
            (Relation::StartToFinish, 0, 25, None),
            (Relation::StartToFinish, 8, 25, Some(23)),
        ] {
            let moves: Vec<(usize, i64, i64)> =
                [Some((0, slipped, 0)), expected.map(|to| (1, to, 0))].into_iter().flatten().collect();
            let steps = [open(10), open(20)];
            let found =
                cascade(&steps, &[link(0, 1, relation, lag)], day(0), (0, day(slipped)), Direction::Push, day(0));
            let found: Vec<_> = found.iter().map(|m| (m.milestone, days_between(day(0), m.to_on), 0)).collect();
            assert_eq!(found, moves, "{relation} {lag}");
        }
    }

    proptest! {
        /// A slip never moves anything earlier, never by more than the slip itself, and moves nothing closed; doing it twice
        /// changes nothing more; and a slip of nothing moves nothing else.
        #[test]
        fn laws(gaps in prop::collection::vec(0i64..15, 2..10), pairs in prop::collection::vec((0usize..10, 0usize..10), 0..16), changed in 0usize..10, slip in 0i64..40) {
            let mut planned = 0;
            let steps: Vec<Step> = gaps.iter().map(|gap| { planned += gap; open(planned) }).collect();
            let links: Vec<Link> = pairs.into_iter().filter(|(a, b)| a < b && *b < steps.len()).map(|(a, b)| after(a, b)).collect();
            let changed = changed % steps.len();
            let to_on = plus_days(steps[changed].expected_on, slip);
            let moves = cascade(&steps, &links, day(0), (changed, to_on), Direction::Push, day(0));
            let mut after_it = steps.clone();
            for one in &moves {
                let days = days_between(one.from_on, one.to_on);
                prop_assert!((0..=slip).contains(&days) && one.float_used_days <= days);
                after_it[one.milestone].expected_on = one.to_on;
            }
            let again = cascade(&after_it, &links, day(0), (changed, to_on), Direction::Push, day(0));
            prop_assert_eq!(again.len(), 1, "only the change itself, which is none");
            if slip == 0 {
                prop_assert_eq!(moves.len(), 1);
            }
        }
    }
}
