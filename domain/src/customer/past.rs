//! The past of a customer keeps its own facts: a judgement of a day rests on what was recorded by then.

use chrono::{DateTime, NaiveDate, Utc};

/// Facts of a customer as they were recorded at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State<F> {
    recorded_at: DateTime<Utc>,
    recorded_on: NaiveDate,
    facts: F,
}

/// The facts of a customer that have been recorded, oldest first. There always are some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past<F> {
    first: F,
    later: Vec<State<F>>,
}

impl<F: PartialEq> Past<F> {
    /// A past that begins with some facts.
    pub const fn new(first: F) -> Self {
        Self { first, later: vec![] }
    }

    /// Adds facts that were recorded after all others, on a day of the organization's calendar.
    pub fn record(&mut self, recorded_at: DateTime<Utc>, recorded_on: NaiveDate, facts: F) {
        if *self.last() != facts {
            self.later.push(State { recorded_at, recorded_on, facts });
        }
    }

    /// Returns the facts at the end of a day: those recorded last by then, and for days before any of them the first ones, because
    /// a customer may be recorded later than it became one.
    pub fn on(&self, on: NaiveDate) -> &F {
        let by_then = self.later.partition_point(|state| state.recorded_on <= on);
        by_then.checked_sub(1).map_or(&self.first, |at| &self.later[at].facts)
    }

    /// Forgets what was recorded after an instant.
    pub fn forget_after(&mut self, at: DateTime<Utc>) {
        let known = self.later.partition_point(|state| state.recorded_at <= at);
        self.later.truncate(known);
    }

    fn last(&self) -> &F {
        self.later.last().map_or(&self.first, |state| &state.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_keeps_its_own_facts() {
        let on = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        let at = |day| on(day).and_hms_opt(12, 0, 0).expect("noon").and_utc();
        let mut past = Past::new("SMB");
        past.record(at(6), on(6), "SMB");
        past.record(at(9), on(9), "Former");
        assert_eq!([1, 8, 9, 20].map(|day| *past.on(on(day))), ["SMB", "SMB", "Former", "Former"]);
        past.forget_after(at(8));
        assert_eq!(*past.on(on(20)), "SMB");
    }
}
