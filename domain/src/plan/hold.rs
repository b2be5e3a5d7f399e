//! Plans on hold: from the day of the hold, the plan's clock stands still, and nothing in it becomes late. When the plan is resumed, the
//! dates of its open milestones move by the time that it was on hold.

use chrono::NaiveDate;

use crate::plan::PlanFacts;
use crate::plan::rule::PlanRule;
use crate::plan::start::Shift;
use crate::values::dates::LAST_DAY;
use crate::values::rule::ValueRule;

/// Time during which a plan was on hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// First day of the hold. The plan's clock stands still at its end.
    pub from_on: NaiveDate,
    /// Day on which the plan was resumed; `None` if it is still on hold.
    pub until_on: Option<NaiveDate>,
}

impl Hold {
    /// Whether the plan was on hold at the end of a day.
    pub fn covers(&self, day: NaiveDate) -> bool {
        self.from_on <= day && self.until_on.is_none_or(|until_on| day < until_on)
    }
}

/// Returns the first day of the hold that a plan was on at the end of a day; `None` if it was not on hold.
pub fn on_hold_since(holds: &[Hold], day: NaiveDate) -> Option<NaiveDate> {
    holds.iter().find(|hold| hold.covers(day)).map(|hold| hold.from_on)
}

/// Returns the day that a plan's clock shows at the end of a day.
pub fn running_day(holds: &[Hold], day: NaiveDate) -> NaiveDate {
    on_hold_since(holds, day).unwrap_or(day)
}

/// Checks that a plan is not on hold, so that its dates may change.
pub fn check_running(holds: &[Hold], today: NaiveDate) -> Result<(), PlanRule> {
    on_hold_since(holds, today).map_or(Ok(()), |since_on| Err(PlanRule::OnHold { since_on }))
}

/// Returns the moves of a plan's open milestones when it is resumed on a day: each by the days of the calendar that the hold took. None
/// of them moves if the hold took none. Fails if the plan is not on hold.
pub fn resume(plan: &PlanFacts, on: NaiveDate) -> Result<Vec<Shift>, PlanRule> {
    let since_on = on_hold_since(&plan.holds, on).ok_or(PlanRule::NotOnHold)?;
    let calendar = &plan.terms.calendar;
    let days = calendar.days_between(since_on, on);
    if days == 0 {
        return Ok(vec![]);
    }
    let moved = |date: NaiveDate| calendar.plus_days(date, days);
    let shift = |(milestone, planned_on): (usize, NaiveDate)| {
        let facts = &plan.milestones[milestone];
        let forecast_on = facts.forecasts.last().map(|last| (last.forecast_on, moved(last.forecast_on)));
        facts.state.is_open().then(|| Shift { milestone, planned_on: (planned_on, moved(planned_on)), forecast_on })
    };
    let shifts: Vec<Shift> = plan.planned_dates(NaiveDate::MAX).into_iter().enumerate().filter_map(shift).collect();
    let last_on = shifts.iter().map(|one| one.planned_on.1.max(one.forecast_on.map_or(on, |(_, date)| date))).max();
    if last_on.is_some_and(|date| date >= LAST_DAY) {
        return Err(ValueRule::BeyondCalendar { last: LAST_DAY }.into());
    }
    Ok(shifts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::baseline::{Baseline, Line};
    use crate::plan::milestone::State;
    use crate::plan::schedule::{Forecast, Status};
    use crate::plan::tests::{open, plan_of};

    fn may(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    /// Three milestones, the first achieved, and a hold from 10 May.
    fn held(until: Option<u32>) -> PlanFacts {
        let mut plan = plan_of(vec![open(may(4)), open(may(8)), open(may(14))], may(1));
        plan.milestones[0].state = State::Achieved;
        plan.milestones[0].closed_on = Some(may(4));
        plan.milestones[2].forecasts = vec![Forecast { recorded_on: may(9), forecast_on: may(16) }];
        plan.holds = vec![Hold { from_on: may(10), until_on: until.map(may) }];
        plan
    }

    #[test]
    fn nothing_becomes_late_on_hold() {
        let plan = held(None);
        let at = |day| (plan.earned_value(may(day)), plan.standings(may(day)));
        for day in 10..31 {
            assert_eq!(at(day), at(10), "{day} May");
        }
        assert_ne!(at(9), at(10));
        let late = plan.standings(may(30));
        assert_eq!((late[1].variance_days, late[1].overdue, late[2].status), (2, true, Status::AtRisk));
        assert_eq!((late[1].missed_on, late[2].missed_on), (Some(may(8)), None));
        assert_eq!(check_running(&plan.holds, may(30)), Err(PlanRule::OnHold { since_on: may(10) }));
        assert_eq!(check_running(&plan.holds, may(9)), Ok(()));
    }

    #[test]
    fn what_was_to_come_still_comes_as_much_later() {
        let mut plan = held(None);
        let before = plan.standings(may(10));
        let shifts = resume(&plan, may(20)).expect("it is on hold");
        let dates = |shift: &Shift| (shift.milestone, shift.planned_on.1, shift.forecast_on.map(|(_, on)| on));
        assert_eq!(shifts.iter().map(dates).collect::<Vec<_>>(), [(1, may(18), None), (2, may(24), Some(may(26)))]);
        let lines = [(0, may(4)), (1, may(18)), (2, may(24))];
        let line = |(milestone, planned_on)| Line { milestone, planned_on, weight: 1.0 };
        plan.baselines.push(Baseline { number: 2, effective_on: may(20), lines: lines.map(line).to_vec() });
        plan.milestones[2].forecasts.push(Forecast { recorded_on: may(20), forecast_on: may(26) });
        plan.holds[0].until_on = Some(may(20));
        let after = plan.standings(may(20));
        for (was, is) in before.iter().zip(&after) {
            assert_eq!((is.status, is.variance_days, is.overdue), (was.status, was.variance_days, was.overdue));
            assert_eq!(is.missed_on, was.missed_on, "no date of the hold was missed");
        }
        assert_eq!(plan.earned_value(may(20)), plan.earned_value(may(10)));
        assert_eq!(plan.standings(may(15)), before, "and the hold is as it was");
        assert_eq!(plan.standings(may(25))[2].missed_on, Some(may(24)));
    }

    #[test]
    fn only_what_is_on_hold_is_resumed() {
        assert_eq!(resume(&held(Some(12)), may(20)), Err(PlanRule::NotOnHold));
        assert_eq!(resume(&held(None), may(9)), Err(PlanRule::NotOnHold));
        assert_eq!(resume(&held(None), may(10)), Ok(vec![]), "on the same day");
    }
}
