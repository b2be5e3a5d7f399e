//! Milestones of other plans that a plan's milestones wait for. A slip there pushes the reckoned dates here.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::plan::PlanFacts;
use crate::plan::cascade::{Course, Direction, Move, Step};
use crate::plan::hold::running_day;
use crate::plan::network::{Link, Network, Relation};
use crate::plan::rule::PlanRule;
use crate::plan::schedule::Standing;

/// Largest number of plans that wait for each other in a row.
pub const LONGEST_CHAIN: usize = 10;

/// A milestone of another plan that has to finish first.
#[derive(Debug, Clone, PartialEq)]
pub struct External {
    /// Position of the milestone that waits.
    pub to: usize,
    /// Identifier of the other plan.
    pub plan_id: Uuid,
    /// The other plan.
    pub plan: Arc<PlanFacts>,
    /// Position of the milestone in the other plan.
    pub from: usize,
    /// Lag in days of the waiting plan's calendar; negative for an overlap.
    pub lag_days: i64,
}

/// Milestones of other plans that have been looked at on a day, so that a plan that several wait for is looked at once.
pub(super) type Seen = HashMap<(*const PlanFacts, NaiveDate), Vec<Step>>;

/// A plan at a date, together with what it waits for in other plans: the courses of both as one.
#[derive(Debug)]
pub struct Joined<'a> {
    plan: &'a PlanFacts,
    /// Milestones of the plan, and after them those of other plans, in the order of `externals`.
    pub steps: Vec<Step>,
    /// Dependencies between them.
    pub links: Vec<Link>,
}

impl Joined<'_> {
    /// Returns the course of the plan. No milestone of another plan moves in it.
    pub fn course(&self) -> Course<'_> {
        Course { links: &self.links, ..self.plan.course(&self.steps) }
    }

    /// Returns the moves of a cascade in the course. The float that they use up is that of the plan by itself.
    pub fn cascade(&self, changed: (usize, NaiveDate), direction: Direction, today: NaiveDate) -> Vec<Move> {
        let mut moves = self.course().cascade(changed, direction, today);
        let own = self.plan.course(&self.steps[..self.plan.milestones.len()]);
        let network = own.planned_durations_days().and_then(|days| Network::schedule(&days, &self.plan.links));
        for one in &mut moves {
            let float = network.as_ref().map_or(0, |network| network.nodes[one.milestone].total_float_days);
            one.float_used_days = one.days.max(0).min(float.max(0));
        }
        moves
    }
}

impl PlanFacts {
    /// Returns the same plan as if another one that it waits for, directly or not, were as given.
    #[must_use]
    pub fn with_source(&self, plan_id: Uuid, source: &Arc<Self>) -> Self {
        self.with_sources(&mut HashMap::from([(plan_id, Arc::clone(source))]))
    }

    fn with_sources(&self, known: &mut HashMap<Uuid, Arc<Self>>) -> Self {
        let mut replaced = |one: &External| {
            let plan = known.get(&one.plan_id).cloned().unwrap_or_else(|| {
                let is_last = one.plan.externals.is_empty();
                let plan = if is_last { Arc::clone(&one.plan) } else { Arc::new(one.plan.with_sources(known)) };
                known.insert(one.plan_id, Arc::clone(&plan));
                plan
            });
            External { plan, ..one.clone() }
        };
        Self { externals: self.externals.iter().map(&mut replaced).collect(), ..self.clone() }
    }

    /// Returns the plan at a date, together with what it waits for in other plans.
    pub fn joined(&self, standings: &[Standing], as_of: NaiveDate) -> Joined<'_> {
        self.joined_within(standings, as_of, &mut Seen::new())
    }

    pub(super) fn joined_within(&self, standings: &[Standing], as_of: NaiveDate, seen: &mut Seen) -> Joined<'_> {
        let as_of = running_day(&self.holds, as_of);
        let (mut steps, mut links) = (self.steps(standings, as_of), self.links.clone());
        for (nth, external) in self.externals.iter().enumerate() {
            let plan = (Arc::as_ptr(&external.plan), as_of);
            if !seen.contains_key(&plan) {
                let standings = external.plan.standings_within(as_of, seen);
                seen.insert(plan, external.plan.steps(&standings, as_of));
            }
            let step = seen[&plan][external.from];
            // The clock of a plan on hold stands still, but what is open in it is not done.
            let expected_on = if step.state.is_open() { step.expected_on.max(as_of) } else { step.expected_on };
            // Only its finish counts, which is reckoned from the start of this plan.
            steps.push(Step { expected_on, started_on: None, duration_days: None, ..step });
            let from = self.milestones.len() + nth;
            links.push(Link { from, to: external.to, relation: Relation::FinishToStart, lag_days: external.lag_days });
        }
        Joined { plan: self, steps, links }
    }
}

/// Checks that a plan can wait for another one, where each plan of the pairs waits for the second one.
pub fn may_wait_for(plan: Uuid, other: Uuid, pairs: impl Iterator<Item = (Uuid, Uuid)>) -> Result<(), PlanRule> {
    if plan == other {
        return Err(PlanRule::SamePlan);
    }
    let (mut waits_for, mut waited_for) = (HashMap::new(), HashMap::new());
    for (from, on) in pairs {
        waits_for.entry(from).or_insert_with(Vec::new).push(on);
        waited_for.entry(on).or_insert_with(Vec::new).push(from);
    }
    let mut below = HashMap::new();
    let most = LONGEST_CHAIN;
    let below_other = longest_row(other, &waits_for, &mut below);
    if below.contains_key(&plan) {
        return Err(PlanRule::PlanCycle);
    }
    let above_plan = longest_row(plan, &waited_for, &mut HashMap::new());
    if above_plan + 1 + below_other > most { Err(PlanRule::ChainTooLong { most }) } else { Ok(()) }
}

/// The length of the longest row of plans from one, and of those on the way, each once.
fn longest_row(from: Uuid, next: &HashMap<Uuid, Vec<Uuid>>, known: &mut HashMap<Uuid, usize>) -> usize {
    if let Some(length) = known.get(&from) {
        return *length;
    }
    let further = next.get(&from).into_iter().flatten();
    let length = further.map(|plan| longest_row(*plan, next, known) + 1).max().unwrap_or(0);
    known.insert(from, length);
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::hold::Hold;
    use crate::plan::milestone::State;
    use crate::plan::reference::Ratios;
    use crate::plan::schedule::{Forecast, Pusher, Status};
    use crate::plan::simulation::{Simulation, Task};
    use crate::plan::tests::{open, plan_of};

    fn may(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    /// A plan of two milestones of which the first waits for one of another plan.
    fn waiting(other: PlanFacts, lag_days: i64) -> PlanFacts {
        let mut plan = plan_of(vec![open(may(20)), open(may(25))], may(10));
        plan.milestones[0].duration_days = Some(5);
        plan.links = vec![Link { from: 0, to: 1, relation: Relation::FinishToStart, lag_days: 0 }];
        plan.externals = vec![External { to: 0, plan_id: Uuid::nil(), plan: Arc::new(other), from: 0, lag_days }];
        plan
    }

    #[test]
    fn a_slip_in_one_plan_pushes_the_other() {
        let mut other = plan_of(vec![open(may(12))], may(1));
        let on_time = waiting(other.clone(), 0).standings(may(4));
        assert_eq!((on_time[0].reckoned_on, on_time[0].pushed), (may(20), None));
        other.milestones[0].forecasts = vec![Forecast { recorded_on: may(3), forecast_on: may(18) }];
        let late = waiting(other.clone(), 0).standings(may(4));
        assert_eq!((late[0].reckoned_on, late[0].status, late[1].reckoned_on), (may(23), Status::AtRisk, may(28)));
        assert_eq!(late[0].pushed.map(|push| (push.by, push.days)), Some((Pusher::External(0), 3)));
        assert_eq!(late[1].pushed.map(|push| push.by), Some(Pusher::Own(0)));
        assert_eq!(waiting(other.clone(), 2).standings(may(4))[0].reckoned_on, may(25), "two days later still");
        assert_eq!(waiting(other.clone(), 0).standings(may(2))[0].reckoned_on, may(20), "before the slip was known");
        other.milestones[0].state = State::Cancelled;
        other.milestones[0].closed_on = Some(may(4));
        assert_eq!(waiting(other, 0).standings(may(4))[0].reckoned_on, may(20), "what is dropped holds nothing up");
    }

    #[test]
    fn what_is_on_hold_elsewhere_still_pushes() {
        let mut other = plan_of(vec![open(may(12))], may(1));
        other.holds = vec![Hold { from_on: may(10), until_on: None }];
        assert_eq!(waiting(other, 0).standings(may(18))[0].reckoned_on, may(23), "it is not done on the 18th");
    }

    #[test]
    fn nothing_is_pulled_before_another_plan_allows_it() {
        let mut other = plan_of(vec![open(may(22))], may(1));
        other.milestones[0].forecasts = vec![Forecast { recorded_on: may(3), forecast_on: may(23) }];
        let mut plan = waiting(other, 0);
        plan.externals[0].to = 1;
        let pulled = |plan: &PlanFacts| {
            let joined = plan.joined(&plan.standings(may(4)), may(4));
            let moves = joined.cascade((0, may(12)), Direction::Pull, may(4));
            moves.iter().map(|one| (one.milestone, one.to_on)).collect::<Vec<_>>()
        };
        assert_eq!(pulled(&plan), [(0, may(12))], "three days after 23 May, where it stands already");
        plan.externals.clear();
        assert_eq!(pulled(&plan), [(0, may(12)), (1, may(17))]);
    }

    #[test]
    fn work_begins_when_another_plan_allows_it() {
        let mut plan = waiting(plan_of(vec![open(may(12))], may(1)), 0);
        plan.milestones[0].duration_days = None;
        let work = plan.work(&plan.standings(may(4)), may(4));
        assert_eq!((work[0].from_on, work[0].to_on), (may(13), may(20)), "and not on the day on which the plan starts");
    }

    #[test]
    fn samples_wait_for_other_plans() {
        let mut other = plan_of(vec![open(may(12))], may(1));
        let first_day = |other: &PlanFacts| {
            let (tasks, links) = Task::all_of(&waiting(other.clone(), 0), may(4), &[0, 0]).expect("no cycle");
            let simulation = Simulation { tasks: &tasks, links: &links, references: &[Ratios::Assumed], today: -6 };
            let outcome = simulation.run(1_000, 1).expect("something is open");
            outcome.milestones[0].as_ref().expect("it is open").quantile(0.001)
        };
        other.milestones[0].forecasts = vec![Forecast { recorded_on: may(3), forecast_on: may(30) }];
        assert_eq!(first_day(&other), 25, "20 days to 30 May, and more than 0.8 times five");
        other.milestones[0].state = State::Cancelled;
        other.milestones[0].closed_on = Some(may(4));
        assert!(first_day(&other) < 10, "what is dropped holds nothing up");
    }

    #[test]
    fn plans_wait_in_a_row_and_in_no_circle() {
        let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
        let can = |plan, other, pairs: &[(Uuid, Uuid)]| may_wait_for(plan, other, pairs.iter().copied());
        assert_eq!(can(a, b, &[(b, c)]), Ok(()));
        assert_eq!(can(a, a, &[]), Err(PlanRule::SamePlan));
        assert_eq!(can(a, b, &[(b, c), (c, a)]), Err(PlanRule::PlanCycle));
        let row: Vec<(Uuid, Uuid)> = (10..20).map(|n| (Uuid::from_u128(n), Uuid::from_u128(n + 1))).collect();
        let [first, last] = [10, 20].map(Uuid::from_u128);
        assert_eq!(can(a, first, &row), Err(PlanRule::ChainTooLong { most: 10 }));
        assert_eq!(can(last, a, &row), Err(PlanRule::ChainTooLong { most: 10 }), "whichever end it is added to");
        assert_eq!(can(a, first, &row[..9]), Ok(()));
        assert_eq!(can(Uuid::from_u128(15), Uuid::from_u128(25), &row), Ok(()), "five above it");
        let mut first = plan_of(vec![open(may(12))], may(1));
        first.milestones[0].forecasts = vec![Forecast { recorded_on: may(3), forecast_on: may(30) }];
        let mut third = plan_of(vec![open(may(29))], may(1));
        third.milestones[0].duration_days = Some(1);
        third.externals =
            vec![External { to: 0, plan_id: Uuid::nil(), plan: Arc::new(waiting(first, 0)), from: 1, lag_days: 0 }];
        let on = third.standings(may(4))[0].reckoned_on;
        assert_eq!(on.to_string(), "2026-06-10", "30 May, five days, five days and one");
    }
}
