//! References to customers in usage events. A reference means one customer at a time, but not always the same one: an event belongs to
//! whom its reference meant when it happened.

use chrono::{DateTime, Utc};

/// Period in which a reference means a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// Beginning; `None` if nobody had the reference before.
    pub from_at: Option<DateTime<Utc>>,
    /// End, exclusive; `None` if the customer still has it.
    pub until_at: Option<DateTime<Utc>>,
}

impl Period {
    /// Whether an instant lies in the period.
    pub fn covers(&self, at: DateTime<Utc>) -> bool {
        self.from_at.is_none_or(|from_at| from_at <= at) && self.until_at.is_none_or(|until_at| at < until_at)
    }

    /// Returns the part of the period in a range without its end; `None` if there is none.
    pub fn within(
        &self,
        from: Option<DateTime<Utc>>,
        until: DateTime<Utc>,
    ) -> Option<(Option<DateTime<Utc>>, DateTime<Utc>)> {
        let from = from.max(self.from_at);
        let until = self.until_at.map_or(until, |own| own.min(until));
        from.is_none_or(|from| from < until).then_some((from, until))
    }
}

/// Returns the period that begins when a customer gets a reference now, given the periods in which others had it: everything that
/// happened before anybody had it belongs to the first.
pub fn begun(earlier: &[Period], now: DateTime<Utc>) -> Period {
    let ends = earlier.iter().map(|period| period.until_at.map_or(now, |until_at| until_at.min(now)));
    Period { from_at: ends.max(), until_at: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_777_896_000 + 3600 * hour, 0).expect("an instant")
    }

    #[test]
    fn a_reference_means_one_customer_at_a_time() {
        let first = Period { from_at: None, until_at: Some(at(5)) };
        let second = begun(&[first], at(7));
        assert_eq!(second, Period { from_at: Some(at(5)), until_at: None }, "what came in between waits for it");
        for hour in -10..20 {
            assert!(first.covers(at(hour)) != second.covers(at(hour)), "{hour}");
        }
        assert_eq!(begun(&[], at(7)), Period { from_at: None, until_at: None });
        let open = Period { from_at: Some(at(5)), until_at: None };
        assert_eq!(begun(&[first, open], at(9)).from_at, Some(at(9)), "taken over now");
    }

    #[test]
    fn parts_of_ranges() {
        let period = Period { from_at: Some(at(2)), until_at: Some(at(5)) };
        assert_eq!(period.within(None, at(4)), Some((Some(at(2)), at(4))));
        assert_eq!(period.within(Some(at(3)), at(9)), Some((Some(at(3)), at(5))));
        assert_eq!((period.within(Some(at(5)), at(9)), period.within(None, at(2))), (None, None));
        let always = Period { from_at: None, until_at: None };
        assert_eq!(always.within(None, at(1)), Some((None, at(1))));
    }
}
