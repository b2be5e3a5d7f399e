//! Cascades: the effect of one changed forecast on the dependent milestones.
//!
//! By default a cascade only pushes: a milestone moves later if its predecessors no longer leave it its planned
//! duration. It moves earlier only on request. Achieved milestones do not move. Waived and canceled milestones hold
//! nothing up.

use chrono::NaiveDate;

use crate::plan::calendar::Calendar;
use crate::plan::milestone::State;
use crate::plan::network::{Link, Network, Relation, incoming, order};

/// A milestone's inputs to a cascade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// State.
    pub state: State,
    /// Planned date.
    pub planned_on: NaiveDate,
    /// Expected date: the reckoned date, or the actual date once achieved.
    pub expected_on: NaiveDate,
    /// Date on which work started. If given, it replaces the start computed from the expected date.
    pub started_on: Option<NaiveDate>,
    /// Date on which the owner last gave or confirmed a forecast. What had happened by then no longer pushes the milestone,
    /// because the owner knew of it.
    pub spoke_on: Option<NaiveDate>,
    /// Time that it takes, in days of the calendar. `None` if it takes all the time that its predecessors leave it, which
    /// leaves no buffer.
    pub duration_days: Option<i64>,
}

/// Direction in which dependent milestones may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Later only, and only as far as needed.
    Push,
    /// Later or earlier, to the first date that the predecessors allow, but not before today.
    Pull,
}

/// One milestone's move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Position of the milestone.
    pub milestone: usize,
    /// Expected date before the move.
    pub from_on: NaiveDate,
    /// Expected date after the move.
    pub to_on: NaiveDate,
    /// Number of days moved; negative if earlier.
    pub days: i64,
    /// Days of the milestone's planned total float that the slip uses up.
    pub float_used_days: i64,
}

/// A plan's milestones, links and calendar: the input to a cascade. Days are counted in the calendar.
#[derive(Debug, Clone, Copy)]
pub struct Course<'a> {
    /// Milestones of the plan.
    pub steps: &'a [Step],
    /// Dependencies between the milestones.
    pub links: &'a [Link],
    /// First day of the plan.
    pub start_on: NaiveDate,
    /// Calendar of the plan.
    pub calendar: &'a Calendar,
}

impl Course<'_> {
    /// Returns the planned duration of each milestone: its own, or else the time from the earliest start that its predecessors
    /// allow, lags included, or from the plan's start, to its planned date. A duration is never negative. Waived and canceled
    /// predecessors are ignored. `None` if the links form a cycle.
    pub fn planned_durations_days(&self) -> Option<Vec<i64>> {
        let finish = |step: &Step| self.calendar.days_between(self.start_on, step.planned_on);
        let finishes: Vec<i64> = self.steps.iter().map(finish).collect();
        let mut durations = vec![0; self.steps.len()];
        let before = incoming(self.steps.len(), self.links);
        for position in order(self.steps.len(), self.links)? {
            let holding = before[position].iter().filter(|link| !self.steps[link.from].state.is_dropped());
            let begins = holding.filter_map(|link| match link.relation {
                Relation::FinishToStart => Some(finishes[link.from] + link.lag_days),
                Relation::StartToStart => Some(finishes[link.from] - durations[link.from] + link.lag_days),
                Relation::FinishToFinish | Relation::StartToFinish => None,
            });
            let left = (finishes[position] - begins.max().unwrap_or(0).max(0)).max(0);
            durations[position] = self.steps[position].duration_days.unwrap_or(left);
        }
        Some(durations)
    }

    /// Returns the date that the planned dates of its predecessors and its own duration allow for each milestone; `None` for
    /// one without predecessors that hold it up, and for all if the links form a cycle.
    pub fn allowed(&self) -> Vec<Option<NaiveDate>> {
        let planned: Vec<i64> = self.steps.iter().map(|step| self.calendar.ordinal(step.planned_on)).collect();
        self.decided(&planned).into_iter().map(|one| one.map(|(on, _)| on)).collect()
    }

    /// Returns the same for the expected dates, each with the position of the predecessor that decides it.
    pub fn drivers(&self) -> Vec<Option<(NaiveDate, usize)>> {
        self.decided(&self.expected())
    }

    fn decided(&self, dates: &[i64]) -> Vec<Option<(NaiveDate, usize)>> {
        let durations = self.planned_durations_days();
        let decided = |links: &Vec<&Link>| {
            let (earliest, by) = self.earliest(links, dates, durations.as_ref()?)?;
            Some((self.calendar.date(earliest), by))
        };
        incoming(self.steps.len(), self.links).iter().map(decided).collect()
    }

    /// Returns the moves that follow when the milestone at `changed` is expected on a new date: the milestone itself
    /// first, then its dependents in network order. Empty if the links form a cycle.
    pub fn cascade(&self, changed: (usize, NaiveDate), direction: Direction, today: NaiveDate) -> Vec<Move> {
        let Some(durations) = self.planned_durations_days() else { return vec![] };
        let Some(planned) = Network::schedule(&durations, self.links) else { return vec![] };
        let before = incoming(self.steps.len(), self.links);
        let mut expected = self.expected();
        let mut is_touched = vec![false; self.steps.len()];
        let mut moves = vec![];
        let mut shift = |position: usize, from_on: NaiveDate, to_on: NaiveDate| {
            let days = self.calendar.days_between(from_on, to_on);
            let float_used_days = days.max(0).min(planned.nodes[position].total_float_days.max(0));
            moves.push(Move { milestone: position, from_on, to_on, days, float_used_days });
        };
        let (changed, to_on) = changed;
        expected[changed] = self.calendar.ordinal(to_on);
        is_touched[changed] = true;
        shift(changed, self.steps[changed].expected_on, to_on);
        for position in planned.order.iter().copied().filter(|position| *position != changed) {
            let is_behind_a_change = before[position].iter().any(|link| is_touched[link.from]);
            if !is_behind_a_change || !self.steps[position].state.is_open() {
                continue;
            }
            let Some((earliest, _)) = self.earliest(&before[position], &expected, &durations) else { continue };
            let target = match direction {
                Direction::Push => expected[position].max(earliest),
                Direction::Pull => earliest.max(self.calendar.ordinal(today)),
            };
            if target != expected[position] {
                is_touched[position] = true;
                expected[position] = target;
                shift(position, self.steps[position].expected_on, self.calendar.date(target));
            }
        }
        moves
    }

    /// Returns the open milestones that are reached later than expected because their predecessors leave them too little
    /// time: each with the date that follows and the position of the predecessor that decides it. An overdue milestone thus
    /// delays the projected finish. Empty if the links form a cycle.
    pub fn pushes(&self) -> Vec<(usize, (NaiveDate, usize))> {
        let Some(durations) = self.planned_durations_days() else { return vec![] };
        let before = incoming(self.steps.len(), self.links);
        let mut expected = self.expected();
        let mut pushes = vec![];
        for position in order(self.steps.len(), self.links).unwrap_or_default() {
            let earliest = self.earliest(&before[position], &expected, &durations);
            let is_open = self.steps[position].state.is_open();
            if let Some((earliest, by)) = earliest.filter(|(earliest, _)| is_open && *earliest > expected[position]) {
                expected[position] = earliest;
                pushes.push((position, (self.calendar.date(earliest), by)));
            }
        }
        pushes
    }

    /// Returns the expected date of every milestone, pushes included.
    pub fn project(&self) -> Vec<NaiveDate> {
        let mut dates: Vec<NaiveDate> = self.steps.iter().map(|step| step.expected_on).collect();
        for (position, (on, _)) in self.pushes() {
            dates[position] = on;
        }
        dates
    }

    fn expected(&self) -> Vec<i64> {
        self.steps.iter().map(|step| self.calendar.ordinal(step.expected_on)).collect()
    }

    /// Returns the earliest day that the links to a milestone allow, and the position of the predecessor that decides it.
    /// Waived and canceled predecessors are ignored, and those whose event the owner knew of.
    fn earliest(&self, links: &[&Link], expected: &[i64], durations_days: &[i64]) -> Option<(i64, usize)> {
        let holding = links.iter().filter(|link| self.holds(link));
        let mut bounds = holding.map(|link| (self.earliest_by(link, expected, durations_days), link.from));
        let first = bounds.next()?;
        Some(bounds.fold(first, |latest, bound| if bound.0 > latest.0 { bound } else { latest }))
    }

    fn holds(&self, link: &Link) -> bool {
        let (from, to) = (&self.steps[link.from], &self.steps[link.to]);
        let happened_on = match link.relation {
            Relation::FinishToStart | Relation::FinishToFinish => (!from.state.is_open()).then_some(from.expected_on),
            Relation::StartToStart | Relation::StartToFinish => from.started_on,
        };
        let is_known = happened_on.zip(to.spoke_on).is_some_and(|(happened_on, spoke_on)| happened_on <= spoke_on);
        !from.state.is_dropped() && !is_known
    }

    /// Returns the earliest day that one link allows for the dependent milestone.
    fn earliest_by(&self, link: &Link, expected: &[i64], durations_days: &[i64]) -> i64 {
        let own = durations_days[link.to];
        let finish = expected[link.from];
        let begun = self.steps[link.from].started_on.map(|on| self.calendar.ordinal(on));
        let start = begun.unwrap_or(finish - durations_days[link.from]);
        let bound = match link.relation {
            Relation::FinishToStart => finish + own,
            Relation::StartToStart => start + own,
            Relation::FinishToFinish => finish,
            Relation::StartToFinish => start,
        };
        bound + link.lag_days
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::dates::{days_between, plus_days};
    use proptest::prelude::*;

    const EVERY_DAY: &Calendar = &Calendar::every_day();

    fn course<'a>(steps: &'a [Step], links: &'a [Link]) -> Course<'a> {
        Course { steps, links, start_on: day(0), calendar: EVERY_DAY }
    }

    fn day(n: i64) -> NaiveDate {
        plus_days(NaiveDate::from_ymd_opt(2026, 5, 1).expect("a date"), n)
    }

    fn open(planned: i64) -> Step {
        Step {
            state: State::Planned,
            planned_on: day(planned),
            expected_on: day(planned),
            started_on: None,
            spoke_on: None,
            duration_days: None,
        }
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
        let moves = course(steps, links).cascade((changed.0, day(changed.1)), direction, day(0));
        let found: Vec<_> =
            moves.iter().map(|m| (m.milestone, days_between(day(0), m.to_on), m.float_used_days)).collect();
        assert_eq!(found, expected);
    }

    /// a(10) and b(20) come before c(30); d(40) comes after c. b gives a ten days of float.
    #[test]
    fn a_slip_pushes_as_far_as_needed() {
        let steps = [open(10), open(20), open(30), open(40)];
        let links = [after(0, 2), after(1, 2), after(2, 3)];
        assert_eq!(course(&steps, &links).planned_durations_days(), Some(vec![10, 20, 10, 10]));
        check(&steps, &links, (0, 15), Direction::Push, &[(0, 15, 5)]);
        check(&steps, &links, (0, 20), Direction::Push, &[(0, 20, 10)]);
        check(&steps, &links, (0, 23), Direction::Push, &[(0, 23, 10), (2, 33, 0), (3, 43, 0)]);
        check(&steps, &links, (1, 15), Direction::Push, &[(1, 15, 0)]);
    }

    /// a(10), then b, planned for day 30, which takes 15 days and can wait five; c(40) takes the ten days after it.
    #[test]
    fn a_buffer_absorbs_a_slip_first() {
        let buffered = Step { duration_days: Some(15), ..open(30) };
        let steps = [open(10), buffered, open(40)];
        let links = [after(0, 1), after(1, 2)];
        assert_eq!(course(&steps, &links).planned_durations_days(), Some(vec![10, 15, 10]));
        check(&steps, &links, (0, 15), Direction::Push, &[(0, 15, 0)]);
        check(&steps, &links, (0, 18), Direction::Push, &[(0, 18, 0), (1, 33, 0), (2, 43, 0)]);
        let parallel = [open(10), Step { duration_days: Some(4), ..open(12) }];
        let together = [link(0, 1, Relation::FinishToFinish, 2)];
        assert_eq!(course(&parallel, &together).planned_durations_days(), Some(vec![10, 4]), "a duration of its own");
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

    /// a(10), b(20) after a, c(30) after b. Nothing is done on day 25: a is expected on day 25, b on 35, c on 45.
    #[test]
    fn what_is_overdue_pushes_the_expected_finish() {
        let overdue = |planned: i64| Step { expected_on: day(planned.max(25)), ..open(planned) };
        let links = [after(0, 1), after(1, 2)];
        let steps = [overdue(10), overdue(20), overdue(30)];
        assert_eq!(course(&steps, &links).project(), vec![day(25), day(35), day(45)]);
        let achieved = Step {
            state: State::Achieved,
            planned_on: day(10),
            expected_on: day(12),
            started_on: None,
            spoke_on: None,
            duration_days: None,
        };
        assert_eq!(course(&[achieved, overdue(20), overdue(30)], &links).project(), vec![day(12), day(25), day(35)]);
        assert_eq!(course(&steps, &[]).project(), vec![day(25), day(25), day(30)]);
    }

    #[test]
    fn achieved_stays_and_dropped_holds_nobody_up() {
        let achieved = Step { state: State::Achieved, ..open(20) };
        check(&[open(10), achieved, open(30)], &[after(0, 1), after(1, 2)], (0, 25), Direction::Push, &[(0, 25, 0)]);
        let dropped = Step { state: State::Cancelled, ..open(20) };
        check(&[open(10), dropped, open(30)], &[after(0, 1), after(1, 2)], (0, 25), Direction::Push, &[(0, 25, 0)]);
    }

    /// a takes 10 days; b is planned for day 20.
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
                course(&steps, &[link(0, 1, relation, lag)]).cascade((0, day(slipped)), Direction::Push, day(0));
            let found: Vec<_> = found.iter().map(|m| (m.milestone, days_between(day(0), m.to_on), 0)).collect();
            assert_eq!(found, moves, "{relation} {lag}");
        }
    }

    /// a started on day 2, so a milestone that waits for its start is free, however late a ends. A dropped
    /// milestone's days are dropped with it.
    #[test]
    fn a_start_that_has_happened_holds_nobody_up() {
        let begun = Step { started_on: Some(day(2)), ..open(10) };
        let waits = link(0, 1, Relation::StartToStart, 3);
        // Planned to start on day 0, it started on day 2: the dependent milestone loses only those two days.
        check(&[begun, open(15)], &[waits], (0, 40), Direction::Push, &[(0, 40, 0), (1, 17, 0)]);
        check(&[open(10), open(15)], &[waits], (0, 40), Direction::Push, &[(0, 40, 0), (1, 45, 0)]);
        let dropped = Step { state: State::Waived, ..open(20) };
        let steps = [open(10), dropped, open(30)];
        assert_eq!(course(&steps, &[after(0, 2), after(1, 2)]).planned_durations_days(), Some(vec![10, 20, 20]));
        assert_eq!(course(&steps, &[after(0, 1), after(1, 2)]).planned_durations_days(), Some(vec![10, 10, 30]));
    }

    /// May 4, 2026, is a Monday; a ends on Friday the 8th, and b takes five business days after it.
    #[test]
    fn a_slip_of_business_days_steps_over_weekends_and_holidays() {
        let on = |d| NaiveDate::from_ymd_opt(2026, 5, d).expect("a date");
        let planned = |d| Step {
            state: State::Planned,
            planned_on: on(d),
            expected_on: on(d),
            started_on: None,
            spoke_on: None,
            duration_days: None,
        };
        let (steps, links) = ([planned(8), planned(15)], [after(0, 1)]);
        let moved = |holidays: &[NaiveDate], to: u32| {
            let calendar = Calendar::business_days(holidays);
            let course = Course { steps: &steps, links: &links, start_on: on(4), calendar: &calendar };
            course
                .cascade((0, on(to)), Direction::Push, on(4))
                .iter()
                .map(|one| (one.to_on, one.days))
                .collect::<Vec<_>>()
        };
        assert_eq!(moved(&[], 11), [(on(11), 1), (on(18), 1)]);
        assert_eq!(moved(&[], 9), [(on(9), 1), (on(18), 1)], "what ends on a Saturday is there on Monday");
        assert_eq!(moved(&[on(18)], 11), [(on(11), 1), (on(19), 1)], "Monday the 18th is a holiday");
    }

    proptest! {
        /// A slip never moves a milestone earlier, never by more than the slip itself, and never moves a closed
        /// milestone. Repeating a slip changes nothing more, and a slip of zero days moves nothing else.
        #[test]
        fn laws(gaps in prop::collection::vec(0i64..15, 2..10), pairs in prop::collection::vec((0usize..10, 0usize..10), 0..16), changed in 0usize..10, slip in 0i64..40) {
            let mut planned = 0;
            let steps: Vec<Step> = gaps.iter().map(|gap| { planned += gap; open(planned) }).collect();
            let links: Vec<Link> = pairs.into_iter().filter(|(a, b)| a < b && *b < steps.len()).map(|(a, b)| after(a, b)).collect();
            let changed = changed % steps.len();
            let to_on = plus_days(steps[changed].expected_on, slip);
            let moves = course(&steps, &links).cascade((changed, to_on), Direction::Push, day(0));
            let mut after_it = steps.clone();
            for one in &moves {
                let days = days_between(one.from_on, one.to_on);
                prop_assert!((0..=slip).contains(&days) && one.float_used_days <= days);
                after_it[one.milestone].expected_on = one.to_on;
            }
            let again = course(&after_it, &links).cascade((changed, to_on), Direction::Push, day(0));
            prop_assert_eq!(again.len(), 1, "only the change itself, which is none");
            if slip == 0 {
                prop_assert_eq!(moves.len(), 1);
            }
        }
    }
}
