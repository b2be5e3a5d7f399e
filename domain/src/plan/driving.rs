//! Driving path: the open milestones, also of other plans, that the finish of a plan hangs on.
//!
//! It is the longest path traced back from the finish over the relations that leave no room (AACE International, *Recommended Practice
//! 49R-06: Identifying the Critical Path*). Unlike total float, it holds where plans have calendars of their own.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::plan::PlanFacts;
use crate::plan::hold::running_day;

/// A milestone on a driving path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Driver {
    /// Identifier of its plan, if it is another one.
    pub plan_id: Option<Uuid>,
    /// Position in its plan.
    pub milestone: usize,
    /// Reckoned date.
    pub reckoned_on: NaiveDate,
}

impl PlanFacts {
    /// Returns the driving path at a date, from its first milestone to the last open milestone of the plan. Empty if no milestone is open.
    pub fn driving_path(&self, as_of: NaiveDate) -> Vec<Driver> {
        let standings = self.standings(as_of);
        let open = standings.iter().enumerate().filter(|(_, one)| one.is_open());
        let mut path = vec![];
        if let Some((last, _)) = open.max_by_key(|(_, one)| one.reckoned_on) {
            self.trace(None, last, as_of, &mut path);
        }
        path.reverse();
        path
    }

    /// Adds a milestone and what decides when it is reached, the last one first.
    fn trace(&self, plan_id: Option<Uuid>, mut milestone: usize, as_of: NaiveDate, path: &mut Vec<Driver>) {
        let as_of = running_day(&self.holds, as_of);
        let standings = self.standings(as_of);
        let joined = self.joined(&standings, as_of);
        let drivers = joined.course().drivers();
        loop {
            let reckoned_on = standings[milestone].reckoned_on;
            path.push(Driver { plan_id, milestone, reckoned_on });
            match drivers[milestone] {
                Some((on, by)) if on >= reckoned_on && joined.steps[by].state.is_open() => milestone = by,
                _ => return,
            }
            if let Some(external) = milestone.checked_sub(standings.len()).map(|nth| &self.externals[nth]) {
                return external.plan.trace(Some(external.plan_id), external.from, as_of, path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::external::External;
    use crate::plan::hold::Hold;
    use crate::plan::milestone::State;
    use crate::plan::network::{Link, Relation};
    use crate::plan::schedule::Forecast;
    use crate::plan::tests::{open, plan_of};

    fn may(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    fn after(from: usize, to: usize) -> Link {
        Link { from, to, relation: Relation::FinishToStart, lag_days: 0 }
    }

    fn path(plan: &PlanFacts) -> Vec<(bool, usize, NaiveDate)> {
        plan.driving_path(may(4)).iter().map(|one| (one.plan_id.is_some(), one.milestone, one.reckoned_on)).collect()
    }

    #[test]
    fn the_path_goes_back_as_far_as_there_is_no_room() {
        let mut plan = plan_of(vec![open(may(10)), open(may(12)), open(may(20)), open(may(19))], may(1));
        plan.links = vec![after(0, 2), after(1, 2)];
        assert_eq!(path(&plan), [(false, 1, may(12)), (false, 2, may(20))], "the later one decides");
        plan.milestones[2].duration_days = Some(6);
        assert_eq!(path(&plan), [(false, 2, may(20))], "a buffer of two days");
        plan.milestones[0].forecasts = vec![Forecast { recorded_on: may(3), forecast_on: may(18) }];
        assert_eq!(path(&plan), [(false, 0, may(18)), (false, 2, may(24))], "is used up");
        plan.milestones[0].state = State::Achieved;
        plan.milestones[0].closed_on = Some(may(4));
        assert_eq!(path(&plan), [(false, 2, may(20))]);
        for milestone in &mut plan.milestones {
            milestone.state = State::Achieved;
            milestone.closed_on = Some(may(4));
        }
        assert_eq!(path(&plan), []);
    }

    #[test]
    fn the_path_goes_through_other_plans() {
        let mut other = plan_of(vec![open(may(8)), open(may(12))], may(1));
        other.links = vec![after(0, 1)];
        other.milestones[0].forecasts = vec![Forecast { recorded_on: may(3), forecast_on: may(14) }];
        let mut plan = plan_of(vec![open(may(20)), open(may(25))], may(1));
        plan.links = vec![after(0, 1)];
        plan.milestones[0].duration_days = Some(5);
        let plan_id = Uuid::from_u128(7);
        plan.externals = vec![External { to: 0, plan_id, plan: Arc::new(other), from: 1, lag_days: 0 }];
        let through = [(true, 0, may(14)), (true, 1, may(18)), (false, 0, may(23)), (false, 1, may(28))];
        assert_eq!(path(&plan), through);
        assert_eq!(plan.driving_path(may(4))[0].plan_id, Some(plan_id));
        plan.holds = vec![Hold { from_on: may(4), until_on: None }];
        assert_eq!(plan.driving_path(may(30)), plan.driving_path(may(4)), "its clock stands still");
    }
}
