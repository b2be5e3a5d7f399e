//! Scenarios: several changes to a plan at once, tried and compared, and never recorded.

use chrono::NaiveDate;

use crate::plan::hold::running_day;
use crate::plan::milestone::{MilestoneRule, State};
use crate::plan::schedule::{Forecast, Standing, Status};
use crate::plan::{PlanFacts, finish_on};
use crate::rule::{Rule as _, Violations};
use crate::values::rule::ValueRule;

/// Change of a milestone in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supposed {
    /// Position of the milestone.
    pub milestone: usize,
    /// Forecast date; `None` if it stays as it is.
    pub forecast_on: Option<NaiveDate>,
    /// Duration in days of the plan's calendar; `None` if it stays as it is.
    pub duration_days: Option<i64>,
    /// Whether the milestone is dropped.
    pub is_dropped: bool,
}

/// Difference that a scenario makes to a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Position of the milestone.
    pub milestone: usize,
    /// Reckoned date as things stand.
    pub from_on: NaiveDate,
    /// Reckoned date in the scenario; `None` if the milestone is dropped.
    pub to_on: Option<NaiveDate>,
    /// Days of the plan's calendar between them; negative if earlier, and 0 if the milestone is dropped.
    pub days: i64,
}

/// Outcome of a plan, as things stand or in a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Expected finish; `None` if every milestone is waived or canceled.
    pub finish_on: Option<NaiveDate>,
    /// Number of open milestones that are at risk.
    pub at_risk: usize,
    /// Number of open milestones that are delayed.
    pub delayed: usize,
    /// Milestones that are reckoned otherwise than as things stand, in the order of the plan.
    pub differences: Vec<Difference>,
}

impl Supposed {
    /// Returns what is wrong with a supposed change on a day, with the field: it needs an open milestone, something to suppose, and a
    /// forecast that is not in the past.
    pub fn violations(&self, plan: &PlanFacts, today: NaiveDate) -> Violations {
        let mut violations = Violations::new();
        let state = plan.milestones[self.milestone].state;
        if !state.is_open() {
            violations.push(MilestoneRule::Settled { state }.at("/key"));
        }
        if self.forecast_on.is_some_and(|on| on < today) {
            violations.push(ValueRule::InThePast { today }.at("/forecast_on"));
        }
        if self.forecast_on.is_none() && self.duration_days.is_none() && !self.is_dropped {
            let what = "a forecast, a duration, or that it is dropped";
            violations.push(ValueRule::Required { what }.at("/forecast_on"));
        }
        violations
    }
}

/// Returns a plan as if changes had been made on a day.
#[must_use]
pub fn suppose(plan: &PlanFacts, changes: &[Supposed], today: NaiveDate) -> PlanFacts {
    // While a plan is on hold, its clock stands still.
    let today = running_day(&plan.holds, today);
    let mut plan = plan.clone();
    for change in changes {
        let facts = &mut plan.milestones[change.milestone];
        if let Some(forecast_on) = change.forecast_on {
            facts.forecasts.push(Forecast { recorded_on: today, forecast_on });
        }
        facts.duration_days = change.duration_days.or(facts.duration_days);
        if change.is_dropped && facts.state.is_open() {
            (facts.state, facts.closed_on) = (State::Cancelled, Some(today));
        }
    }
    plan
}

/// Returns the outcome of a plan on a day, compared with its standings as things stand.
pub fn outcome(plan: &PlanFacts, as_things_stand: &[Standing], today: NaiveDate) -> Outcome {
    let standings = plan.standings(today);
    let count = |status| standings.iter().filter(|standing| standing.status == status).count();
    let difference = |(milestone, (was, is)): (usize, (&Standing, &Standing))| {
        let to_on = is.is_open().then_some(is.reckoned_on);
        let days = to_on.map_or(0, |on| plan.terms.calendar.days_between(was.reckoned_on, on));
        let is_other = was.is_open() && to_on != Some(was.reckoned_on);
        is_other.then_some(Difference { milestone, from_on: was.reckoned_on, to_on, days })
    };
    Outcome {
        finish_on: finish_on(&standings),
        at_risk: count(Status::AtRisk),
        delayed: count(Status::Delayed),
        differences: as_things_stand.iter().zip(&standings).enumerate().filter_map(difference).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::hold::Hold;
    use crate::plan::network::{Link, Relation};
    use crate::plan::tests::{open, plan_of};

    fn may(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    #[test]
    fn changes_are_tried_together() {
        let mut plan = plan_of(vec![open(may(10)), open(may(15)), open(may(20))], may(1));
        let link = |from, to| Link { from, to, relation: Relation::FinishToStart, lag_days: 0 };
        plan.links = vec![link(0, 1), link(1, 2)];
        let now = plan.standings(may(4));
        let tried = |changes: &[Supposed]| outcome(&suppose(&plan, changes, may(4)), &now, may(4));
        let none = Supposed { milestone: 0, forecast_on: None, duration_days: None, is_dropped: false };
        assert_eq!(tried(&[]), Outcome { finish_on: Some(may(20)), at_risk: 0, delayed: 0, differences: vec![] });
        let late = tried(&[Supposed { forecast_on: Some(may(13)), ..none }]);
        assert_eq!((late.finish_on, late.at_risk), (Some(may(23)), 3));
        assert_eq!(late.differences[2], Difference { milestone: 2, from_on: may(20), to_on: Some(may(23)), days: 3 });
        let shorter = Supposed { milestone: 1, duration_days: Some(2), ..none };
        let both = tried(&[Supposed { forecast_on: Some(may(13)), ..none }, shorter]);
        assert_eq!((both.finish_on, both.at_risk), (Some(may(20)), 1), "a shorter step takes the slip up");
        let dropped = tried(&[
            Supposed { forecast_on: Some(may(13)), ..none },
            Supposed { milestone: 1, is_dropped: true, ..none },
        ]);
        assert_eq!(dropped.finish_on, Some(may(20)));
        assert_eq!(dropped.differences[1].to_on, None);
        plan.holds = vec![Hold { from_on: may(4), until_on: None }];
        let slip = Supposed { forecast_on: Some(may(13)), ..none };
        let held = outcome(&suppose(&plan, &[slip], may(30)), &plan.standings(may(30)), may(30));
        assert_eq!(held.finish_on, Some(may(23)), "on the day on which the clock stands still");
    }
}
