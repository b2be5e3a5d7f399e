//! Load of owners: the days of work that their open milestones take in each week, and the weeks in which that is more than they have.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};

use crate::plan::PlanFacts;
use crate::plan::schedule::Standing;

/// Work of one open milestone: from its first to its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Position of the milestone.
    pub milestone: usize,
    /// First day.
    pub from_on: NaiveDate,
    /// Last day: the reckoned date.
    pub to_on: NaiveDate,
}

/// Days of work in a week, from Monday.
pub type Week = (NaiveDate, i64);

/// Returns the Monday of the week of a day.
pub fn monday(day: NaiveDate) -> NaiveDate {
    day - Days::new(day.weekday().num_days_from_monday().into())
}

/// Returns whether a week has more days of work than whoever is responsible has.
pub const fn is_overallocated(load_days: i64, capacity_days: i64) -> bool {
    load_days > capacity_days
}

/// Returns who is responsible for a milestone: its owner, or its plan's owner if it has none.
pub fn responsible<T>(owner_name: Option<T>, owner_of_plan: Option<T>) -> Option<T> {
    owner_name.or(owner_of_plan)
}

impl PlanFacts {
    /// Returns the work that is left of each open milestone at a date. It ends with the reckoned date and takes the milestone's duration:
    /// its own, or the time that its dependencies leave it. What was to be done before the date is not counted; a milestone without a
    /// duration takes no work.
    pub fn work(&self, standings: &[Standing], as_of: NaiveDate) -> Vec<Work> {
        let Some(durations) = self.joined(standings, as_of).course().planned_durations_days() else { return vec![] };
        let calendar = &self.terms.calendar;
        let open =
            standings.iter().zip(durations).enumerate().filter(|(_, (standing, days))| standing.is_open() && *days > 0);
        let work = |(milestone, (standing, days)): (usize, (&Standing, i64))| {
            let to_on = standing.reckoned_on;
            let from_on = calendar.plus_days(to_on, 1 - days).max(as_of);
            (from_on <= to_on).then_some(Work { milestone, from_on, to_on })
        };
        open.filter_map(work).collect()
    }

    /// Returns the days of a piece of work by week: those that the plan's calendar counts.
    pub fn weeks(&self, work: &Work) -> Vec<Week> {
        let calendar = &self.terms.calendar;
        let mut weeks: BTreeMap<NaiveDate, i64> = BTreeMap::new();
        let mut week_on = monday(work.from_on);
        while week_on <= work.to_on {
            let (first, last) = (work.from_on.max(week_on), work.to_on.min(week_on + Days::new(6)));
            let days = calendar.days_between(first, last + Days::new(1));
            if days > 0 {
                weeks.insert(week_on, days);
            }
            week_on = week_on + Days::new(7);
        }
        weeks.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::calendar::Calendar;
    use crate::plan::tests::{open, plan_of};

    fn may(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    #[test]
    fn work_ends_with_the_reckoned_date() {
        let mut plan = plan_of(vec![open(may(8)), open(may(20)), open(may(22))], may(1));
        plan.terms.calendar = Calendar::business_days(&[may(14)]);
        plan.milestones[0].duration_days = Some(3);
        plan.milestones[1].duration_days = Some(8);
        plan.milestones[2].duration_days = Some(0);
        let work = plan.work(&plan.standings(may(4)), may(4));
        let dates: Vec<_> = work.iter().map(|one| (one.milestone, one.from_on, one.to_on)).collect();
        assert_eq!(dates, [(0, may(6), may(8)), (1, may(8), may(20))], "14 May is a holiday, and a gate takes no work");
        assert_eq!(plan.weeks(&work[0]), [(may(4), 3)]);
        assert_eq!(plan.weeks(&work[1]), [(may(4), 1), (may(11), 4), (may(18), 3)]);
        let later = plan.work(&plan.standings(may(19)), may(19));
        let dates: Vec<_> = later.iter().map(|one| (one.milestone, one.from_on, one.to_on)).collect();
        assert_eq!(dates, [(0, may(19), may(19)), (1, may(19), may(20))], "what is overdue ends today at the earliest");
    }

    #[test]
    fn weeks_begin_on_monday() {
        assert_eq!(
            [may(3), may(4), may(10)].map(monday),
            [NaiveDate::from_ymd_opt(2026, 4, 27).expect("a date"), may(4), may(4)]
        );
    }
}
