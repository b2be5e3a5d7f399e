//! Milestones of other plans that a plan's milestones wait for. A slip there pushes the reckoned dates here.

use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::plan::PlanFacts;
use crate::plan::cascade::{Course, Step};
use crate::plan::hold::running_day;
use crate::plan::network::{Link, Relation};
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
}

impl PlanFacts {
    /// Returns the same plan as if another one that it waits for, directly or not, were as given.
    #[must_use]
    pub fn with_source(&self, plan_id: Uuid, source: &Arc<Self>) -> Self {
        let replaced = |one: &External| {
            let plan = if one.plan_id == plan_id {
                Arc::clone(source)
            } else if one.plan.externals.is_empty() {
                Arc::clone(&one.plan)
            } else {
                Arc::new(one.plan.with_source(plan_id, source))
            };
            External { plan, ..one.clone() }
        };
        Self { externals: self.externals.iter().map(replaced).collect(), ..self.clone() }
    }

    /// Returns the plan at a date, together with what it waits for in other plans.
    pub fn joined(&self, standings: &[Standing], as_of: NaiveDate) -> Joined<'_> {
        let as_of = running_day(&self.holds, as_of);
        let mut known: Vec<(*const Self, Vec<Standing>)> = vec![];
        let (mut steps, mut links) = (self.steps(standings, as_of), self.links.clone());
        for (nth, external) in self.externals.iter().enumerate() {
            let plan = Arc::as_ptr(&external.plan);
            let at = known.iter().position(|(one, _)| *one == plan).unwrap_or_else(|| {
                known.push((plan, external.plan.standings(as_of)));
                known.len() - 1
            });
            let standings = &known[at].1;
            let step = external.plan.steps(standings, as_of)[external.from];
            // Only its finish counts, which is reckoned from the start of this plan.
            steps.push(Step { started_on: None, duration_days: None, ..step });
            let from = self.milestones.len() + nth;
            links.push(Link { from, to: external.to, relation: Relation::FinishToStart, lag_days: external.lag_days });
        }
        Joined { plan: self, steps, links }
    }
}

/// Checks that a plan can wait for another one. `waits_for` are those that the other one waits for, directly or not, and `longest_chain` is
/// the length of the longest row of them.
pub fn may_wait_for(plan: Uuid, other: Uuid, waits_for: &[Uuid], longest_chain: usize) -> Result<(), PlanRule> {
    if plan == other {
        return Err(PlanRule::SamePlan);
    }
    if waits_for.contains(&plan) {
        return Err(PlanRule::PlanCycle);
    }
    if longest_chain >= LONGEST_CHAIN { Err(PlanRule::ChainTooLong { most: LONGEST_CHAIN }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::cascade::Direction;
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
    fn nothing_is_pulled_before_another_plan_allows_it() {
        let mut other = plan_of(vec![open(may(22))], may(1));
        other.milestones[0].forecasts = vec![Forecast { recorded_on: may(3), forecast_on: may(23) }];
        let mut plan = waiting(other, 0);
        plan.externals[0].to = 1;
        let pulled = |plan: &PlanFacts| {
            let joined = plan.joined(&plan.standings(may(4)), may(4));
            let moves = joined.course().cascade((0, may(12)), Direction::Pull, may(4));
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
        assert_eq!(may_wait_for(a, b, &[c], 1), Ok(()));
        assert_eq!(may_wait_for(a, a, &[], 0), Err(PlanRule::SamePlan));
        assert_eq!(may_wait_for(a, b, &[c, a], 2), Err(PlanRule::PlanCycle));
        assert_eq!(may_wait_for(a, b, &[c], 10), Err(PlanRule::ChainTooLong { most: 10 }));
        let first = plan_of(vec![open(may(12))], may(1));
        let mut first = first;
        first.milestones[0].forecasts = vec![Forecast { recorded_on: may(3), forecast_on: may(30) }];
        let mut third = plan_of(vec![open(may(29))], may(1));
        third.milestones[0].duration_days = Some(1);
        third.externals =
            vec![External { to: 0, plan_id: Uuid::nil(), plan: Arc::new(waiting(first, 0)), from: 1, lag_days: 0 }];
        let on = third.standings(may(4))[0].reckoned_on;
        assert_eq!(on.to_string(), "2026-06-10", "30 May, five days, five days and one");
    }
}
