//! Organization chart: who reports to whom on which day. A reporting line holds from its day on, until the next line of the same person.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use chrono::NaiveDate;
use uuid::Uuid;

use super::rule::PeopleRule;

/// Largest number of managers above one another.
pub const MOST_MANAGERS: usize = 50;

/// Reporting line: a person reports to a manager, or to nobody, from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportingLine {
    /// Person who reports.
    pub person_id: Uuid,
    /// Manager; `None` for nobody.
    pub manager_id: Option<Uuid>,
    /// First day.
    pub from_on: NaiveDate,
}

/// Organization chart of some people over time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chart {
    lines: HashMap<Uuid, BTreeMap<NaiveDate, Option<Uuid>>>,
}

impl Chart {
    /// Creates a chart from lines in the order in which they were recorded: of two for the same day, the later one holds.
    pub fn of(lines: impl IntoIterator<Item = ReportingLine>) -> Self {
        let mut chart = Self::default();
        for line in lines {
            chart.add(line);
        }
        chart
    }

    /// Adds a line.
    pub fn add(&mut self, line: ReportingLine) {
        self.lines.entry(line.person_id).or_default().insert(line.from_on, line.manager_id);
    }

    /// Returns the manager of a person on a day; `None` if they had none.
    pub fn manager_on(&self, person_id: Uuid, day: NaiveDate) -> Option<Uuid> {
        self.lines.get(&person_id)?.range(..=day).next_back().and_then(|(_, manager_id)| *manager_id)
    }

    /// Returns the managers above a person on a day, the nearest first. A circle is followed once.
    pub fn managers_on(&self, person_id: Uuid, day: NaiveDate) -> Vec<Uuid> {
        let mut above = vec![];
        let mut next = self.manager_on(person_id, day);
        while let Some(manager_id) = next.filter(|id| *id != person_id && !above.contains(id)) {
            above.push(manager_id);
            next = self.manager_on(manager_id, day);
        }
        above
    }

    /// Returns those who reported to a manager on a day, directly or through others, with the number of steps between them: nearest first,
    /// and those at the same distance by identifier.
    pub fn reports_on(&self, manager_id: Uuid, day: NaiveDate) -> Vec<(Uuid, usize)> {
        let mut below: HashMap<Uuid, BTreeSet<Uuid>> = HashMap::new();
        for person_id in self.lines.keys() {
            if let Some(manager_id) = self.manager_on(*person_id, day) {
                below.entry(manager_id).or_default().insert(*person_id);
            }
        }
        let (mut found, mut nearest, mut steps) = (vec![], BTreeSet::from([manager_id]), 0);
        while !nearest.is_empty() {
            steps += 1;
            nearest =
                nearest.iter().filter_map(|id| below.remove(id)).flatten().filter(|id| *id != manager_id).collect();
            found.extend(nearest.iter().map(|id| (*id, steps)));
        }
        found
    }

    /// Checks that a line can be added: on no day of its time does the person become a manager of themselves. The chart must hold the
    /// lines of the person, of the manager, and of all managers above that one.
    pub fn check(&self, line: ReportingLine) -> Result<(), PeopleRule> {
        let Some(manager_id) = line.manager_id else { return Ok(()) };
        if manager_id == line.person_id {
            return Err(PeopleRule::ManagerCycle { on: line.from_on });
        }
        let own = self.lines.get(&line.person_id);
        let until_on = own.and_then(|own| own.range((Excluded(line.from_on), Unbounded)).next().map(|(day, _)| *day));
        let is_within = |day: &NaiveDate| *day > line.from_on && until_on.is_none_or(|until_on| *day < until_on);
        let changes = self.lines.values().flat_map(BTreeMap::keys).copied().filter(is_within);
        let days: BTreeSet<NaiveDate> = std::iter::once(line.from_on).chain(changes).collect();
        for on in days {
            let above = self.managers_on(manager_id, on);
            if above.contains(&line.person_id) {
                return Err(PeopleRule::ManagerCycle { on });
            }
            if above.len() + 1 > MOST_MANAGERS {
                return Err(PeopleRule::TooManyManagers { most: MOST_MANAGERS });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, number).expect("a date")
    }

    fn line(person: u128, manager: u128, from: u32) -> ReportingLine {
        let manager_id = (manager > 0).then(|| Uuid::from_u128(manager));
        ReportingLine { person_id: Uuid::from_u128(person), manager_id, from_on: day(from) }
    }

    #[test]
    fn a_line_holds_until_the_next_one() {
        let chart = Chart::of([line(1, 2, 10), line(1, 3, 20), line(1, 0, 25), line(1, 4, 20), line(2, 9, 1)]);
        for (on, expected) in [(9, 0), (10, 2), (19, 2), (20, 4), (24, 4), (25, 0), (31, 0)] {
            let manager_id = chart.manager_on(Uuid::from_u128(1), day(on));
            assert_eq!(manager_id.map_or(0, |id| id.as_u128()), expected, "day {on}");
        }
        let above: Vec<u128> = chart.managers_on(Uuid::from_u128(1), day(12)).iter().map(Uuid::as_u128).collect();
        assert_eq!(above, [2, 9]);
        let below: Vec<_> = chart.reports_on(Uuid::from_u128(9), day(12));
        assert_eq!(below, [(Uuid::from_u128(2), 1), (Uuid::from_u128(1), 2)]);
        assert_eq!(chart.reports_on(Uuid::from_u128(9), day(26)), [(Uuid::from_u128(2), 1)]);
    }

    #[test]
    fn nobody_manages_themselves_on_any_day() {
        // 2 reports to 1 until the 20th; 3 reports to 2.
        let chart = Chart::of([line(2, 1, 1), line(2, 0, 20), line(3, 2, 1)]);
        for (added, expected) in [
            (line(1, 1, 5), Err(PeopleRule::ManagerCycle { on: day(5) })),
            (line(1, 3, 5), Err(PeopleRule::ManagerCycle { on: day(5) })),
            (line(1, 3, 20), Ok(())),
            (line(1, 0, 5), Ok(())),
            (line(2, 1, 25), Ok(())),
            (line(4, 3, 5), Ok(())),
        ] {
            assert_eq!(chart.check(added), expected, "{added:?}");
        }
        // A line in the past is in force only until the next one.
        let chart = Chart::of([line(1, 5, 10), line(5, 3, 1), line(3, 1, 15)]);
        assert_eq!(chart.check(line(1, 3, 5)), Ok(()), "3 reports to 1 only from the 15th, when 1 reports to 5");
        assert_eq!(chart.check(line(1, 3, 12)), Err(PeopleRule::ManagerCycle { on: day(15) }));
    }

    #[test]
    fn a_chain_has_its_limit() {
        let chart = Chart::of((1..=50).map(|number| line(number, number + 1, 1)));
        assert_eq!(chart.check(line(100, 1, 1)), Err(PeopleRule::TooManyManagers { most: 50 }));
        assert_eq!(chart.check(line(100, 2, 1)), Ok(()));
    }

    proptest! {
        /// Whatever lines are tried, those that pass never let anybody manage themselves, on any day.
        #[test]
        fn checked_charts_have_no_circle(tried in prop::collection::vec((1u128..8, 0u128..8, 1u32..29), 0..60)) {
            let mut chart = Chart::default();
            for (person, manager, from) in tried {
                let added = line(person, manager, from);
                if chart.check(added).is_ok() {
                    chart.add(added);
                }
            }
            for on in (1..=31).map(day) {
                for person in (1..8).map(Uuid::from_u128) {
                    let mut at = chart.manager_on(person, on);
                    let mut steps = 0;
                    while let Some(manager) = at {
                        prop_assert!(manager != person && steps < 8);
                        at = chart.manager_on(manager, on);
                        steps += 1;
                    }
                    let above = chart.managers_on(person, on);
                    for manager in &above {
                        prop_assert!(chart.reports_on(*manager, on).iter().any(|(below, _)| *below == person));
                    }
                }
            }
        }
    }
}
