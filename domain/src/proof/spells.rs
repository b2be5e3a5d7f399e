//! Spells: the days on which a condition holds.

use chrono::NaiveDate;

/// Days on which a condition holds, as the days on which that changes, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spells(Vec<(NaiveDate, bool)>);

impl Spells {
    /// Returns the spells of a condition that can change on some days only, which are in order.
    pub fn of(days: impl IntoIterator<Item = NaiveDate>, holds: impl Fn(NaiveDate) -> bool) -> Self {
        let mut spells = Self::default();
        for day in days {
            spells.push(day, holds(day));
        }
        spells
    }

    /// Returns the spells of a condition that, once it holds, holds for ever: days are in order, and few of them are looked at.
    pub fn lasting(days: &[NaiveDate], holds: impl Fn(NaiveDate) -> bool) -> Self {
        let first = days.partition_point(|day| !holds(*day));
        days.get(first).map_or_else(Self::default, |day| Self::from(*day))
    }

    /// Returns the spells of what holds from a day on.
    pub fn from(day: NaiveDate) -> Self {
        Self(vec![(day, true)])
    }

    /// Returns the days on which at least `count` of some conditions hold.
    pub fn at_least(count: usize, of: &[Self]) -> Self {
        let mut days: Vec<NaiveDate> = of.iter().flat_map(|spells| spells.0.iter().map(|(day, _)| *day)).collect();
        days.sort_unstable();
        days.dedup();
        Self::of(days, |day| of.iter().filter(|spells| spells.hold_on(day)).count() >= count)
    }

    /// Returns whether the condition holds on a day.
    pub fn hold_on(&self, day: NaiveDate) -> bool {
        self.since(day).is_some()
    }

    /// Returns the first day of the spell that a day is in, if the condition holds on that day.
    pub fn since(&self, day: NaiveDate) -> Option<NaiveDate> {
        let after = self.0.partition_point(|(on, _)| *on <= day);
        self.0[..after].last().filter(|(_, holds)| *holds).map(|(on, _)| *on)
    }

    /// Returns the first day on which the condition holds.
    pub fn first_on(&self) -> Option<NaiveDate> {
        self.0.first().map(|(day, _)| *day)
    }

    fn push(&mut self, day: NaiveDate, holds: bool) {
        let last = self.0.last().is_some_and(|(_, holds)| *holds);
        if holds != last {
            self.0.push((day, holds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    fn between(from: u32, until: u32) -> Spells {
        Spells::of((1..=31).map(on), |day| (on(from)..on(until)).contains(&day))
    }

    #[test]
    fn days_are_found() {
        let spells = between(5, 9);
        assert_eq!(spells, Spells(vec![(on(5), true), (on(9), false)]));
        assert_eq!([4, 5, 8, 9].map(|day| spells.hold_on(on(day))), [false, true, true, false]);
        assert_eq!((spells.since(on(8)), spells.since(on(9))), (Some(on(5)), None));
        assert_eq!((spells.first_on(), Spells::default().first_on()), (Some(on(5)), None));
    }

    #[test]
    fn conditions_are_counted_day_by_day() {
        let all = [between(1, 10), between(4, 6), between(8, 12)];
        assert_eq!(
            Spells::at_least(2, &all),
            Spells(vec![(on(4), true), (on(6), false), (on(8), true), (on(10), false)])
        );
        assert_eq!(Spells::at_least(3, &all).first_on(), None, "never at the same time");
        assert_eq!(Spells::at_least(1, &all).first_on(), Some(on(1)));
    }

    #[test]
    fn what_lasts_is_found_by_halves() {
        let days: Vec<NaiveDate> = (1..=31).map(on).collect();
        assert_eq!(Spells::lasting(&days, |day| day >= on(17)), Spells::from(on(17)));
        assert_eq!(Spells::lasting(&days, |_| false), Spells::default());
    }
}
