//! Moving the start of a plan: all open milestones move with it.

use chrono::NaiveDate;

use crate::plan::PlanFacts;
use crate::plan::milestone::State;
use crate::plan::rule::PlanRule;
use crate::values::dates::LAST_DAY;
use crate::values::rule::ValueRule;

/// Move of a milestone together with the start of its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// Position of the milestone.
    pub milestone: usize,
    /// Planned date before and after.
    pub planned_on: (NaiveDate, NaiveDate),
    /// Recorded forecast before and after, if any.
    pub forecast_on: Option<(NaiveDate, NaiveDate)>,
}

/// Moves the start of a plan and returns the move of every open milestone. Each keeps its distance from the start, in
/// days of the calendar. Achieved, waived and canceled milestones stay. Fails if work began before the new start: then
/// change the forecasts or take a baseline instead.
pub fn move_start(plan: &PlanFacts, to_on: NaiveDate) -> Result<Vec<Shift>, PlanRule> {
    if to_on == plan.start_on {
        return Err(PlanRule::StartUnchanged { start_on: to_on });
    }
    let began = plan.milestones.iter().filter_map(|one| {
        let achieved_on = one.closed_on.filter(|_| one.state == State::Achieved);
        one.started_on.or(achieved_on)
    });
    if let Some(on) = began.min().filter(|on| *on < to_on) {
        return Err(PlanRule::AfterWorkBegan { on });
    }
    let calendar = &plan.terms.calendar;
    let moved = |on: NaiveDate| calendar.plus_days(to_on, calendar.days_between(plan.start_on, on));
    let newest = plan.planned_dates(NaiveDate::MAX);
    let shift = |(milestone, planned_on): (usize, NaiveDate)| {
        let facts = &plan.milestones[milestone];
        let forecast_on = facts.forecasts.last().map(|last| (last.forecast_on, moved(last.forecast_on)));
        facts.state.is_open().then(|| Shift { milestone, planned_on: (planned_on, moved(planned_on)), forecast_on })
    };
    let shifts: Vec<Shift> = newest.into_iter().enumerate().filter_map(shift).collect();
    let last_on = shifts.iter().map(|one| one.planned_on.1.max(one.forecast_on.map_or(to_on, |(_, on)| on))).max();
    if last_on.is_some_and(|on| on >= LAST_DAY) {
        return Err(ValueRule::BeyondCalendar { last: LAST_DAY }.into());
    }
    Ok(shifts)
}

/// Checks the day on which a person withdraws: not before the plan, and not in the future.
pub fn check_withdrawal(withdrawn_on: NaiveDate, start_on: NaiveDate, today: NaiveDate) -> Result<(), PlanRule> {
    // A plan that has not begun can be left, too.
    if withdrawn_on > today {
        Err(ValueRule::InTheFuture { today }.into())
    } else if withdrawn_on < start_on.min(today) {
        Err(PlanRule::BeforeStart { start_on })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::earned_value::CreditRule;
    use crate::plan::MilestoneFacts;
    use crate::plan::Valuation;
    use crate::plan::calendar::Calendar;
    use crate::plan::schedule::{Forecast, Terms};

    fn may(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, d).expect("a date")
    }

    fn milestone(state: State, planned: u32, forecast: Option<u32>) -> MilestoneFacts {
        MilestoneFacts {
            state,
            planned_on: may(planned),
            started_on: None,
            closed_on: (!state.is_open()).then(|| may(planned)),
            forecasts: forecast.map(|d| Forecast { recorded_on: may(4), forecast_on: may(d) }).into_iter().collect(),
            progress: vec![],
            touched_on: None,
            confirmed_on: None,
            duration_days: None,
            credit_rule: None,
            misses: vec![],
        }
    }

    fn plan(calendar: Calendar) -> PlanFacts {
        PlanFacts {
            valuations: vec![Valuation::of(CreditRule::ZeroHundred)],
            terms: Terms { calendar, ..Terms::default() },
            baselines: vec![],
            milestones: vec![milestone(State::Planned, 8, None), milestone(State::InProgress, 15, Some(18))],
            costs: vec![],
            start_on: may(4),
            links: vec![],
            holds: vec![],
            externals: vec![],
        }
    }

    #[test]
    fn open_milestones_move_with_the_start() {
        let shifts = move_start(&plan(Calendar::every_day()), may(6)).expect("shifts");
        let planned: Vec<_> = shifts.iter().map(|one| one.planned_on).collect();
        assert_eq!(planned, [(may(8), may(10)), (may(15), may(17))]);
        assert_eq!((shifts[0].forecast_on, shifts[1].forecast_on), (None, Some((may(18), may(20)))));
        let business = move_start(&plan(Calendar::business_days(&[may(14)])), may(6)).expect("shifts");
        assert_eq!(business[0].planned_on.1, may(12), "four business days after Wednesday the 6th");
    }

    #[test]
    fn what_is_fixed_stays_and_begun_work_fixes_the_start() {
        let mut begun = plan(Calendar::every_day());
        begun.milestones[0] = milestone(State::Achieved, 8, None);
        let shifts = move_start(&begun, may(7)).expect("shifts");
        assert_eq!(shifts.iter().map(|one| one.milestone).collect::<Vec<_>>(), [1]);
        assert_eq!(move_start(&begun, may(9)), Err(PlanRule::AfterWorkBegan { on: may(8) }));
        let far = NaiveDate::from_ymd_opt(9999, 12, 30).expect("a date");
        let beyond = PlanRule::from(ValueRule::BeyondCalendar { last: LAST_DAY });
        assert_eq!(move_start(&plan(Calendar::every_day()), far), Err(beyond));
        assert_eq!(move_start(&begun, may(4)), Err(PlanRule::StartUnchanged { start_on: may(4) }));
    }
}
