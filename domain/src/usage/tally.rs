//! Tallies: the events that a metric counts, summed up by day. Tallies of a day add up in any order and grouping, so late events are
//! added to what is there, and a window of any length costs its days and not its events.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};

use super::metric::{Aggregate, Fact, Measured, Value, window_start};
use super::number::Sum;
use crate::values::count::real;
use crate::values::dates::days_between;

/// The events of one day.
#[derive(Debug, Clone, Default)]
struct Tally {
    /// Number of events.
    events: usize,
    /// Number of events whose property has a value that the aggregate can use.
    stated: usize,
    figure: Figure,
}

/// The figure of the events of one day, of the kind that the aggregate needs.
#[derive(Debug, Clone, Default)]
enum Figure {
    /// None: events are counted, or nothing has been stated.
    #[default]
    None,
    Sum(Sum),
    Least(f64),
    Most(f64),
    /// Among events at the same instant, the largest value wins, so the order of arrival does not matter.
    Last(DateTime<Utc>, f64),
    Values(BTreeSet<Box<str>>),
}

impl Figure {
    /// Returns the figure of one event; `None` if the aggregate cannot use its value.
    fn of(aggregate: Aggregate, at: DateTime<Utc>, value: Option<Value>) -> Option<Self> {
        let number = |value: Option<Value>| match value? {
            Value::Number(number) => Some(number),
            Value::Other(_) => None,
        };
        Some(match aggregate {
            Aggregate::Count
            | Aggregate::ActiveDays
            | Aggregate::ActiveMonths
            | Aggregate::LongestPause
            | Aggregate::DaysSinceLast => Self::None,
            Aggregate::Sum | Aggregate::Average => {
                let mut sum = Sum::default();
                sum.add(number(value)?);
                Self::Sum(sum)
            }
            Aggregate::Min => Self::Least(number(value)?.nearest()),
            Aggregate::Max => Self::Most(number(value)?.nearest()),
            Aggregate::Last => Self::Last(at, number(value)?.nearest()),
            Aggregate::Distinct => Self::Values(BTreeSet::from([match value? {
                Value::Number(number) => number.text().into(),
                Value::Other(text) => text.into(),
            }])),
        })
    }

    fn add(&mut self, other: Self) {
        match (self, other) {
            (_, Self::None) => {}
            (Self::Sum(own), Self::Sum(sum)) => own.add_sum(&sum),
            (Self::Least(own), Self::Least(least)) => *own = own.min(least),
            (Self::Most(own), Self::Most(most)) => *own = own.max(most),
            (Self::Last(at, own), Self::Last(other_at, last)) => {
                if (other_at, last.total_cmp(own)) > (*at, std::cmp::Ordering::Equal) {
                    (*at, *own) = (other_at, last);
                }
            }
            (Self::Values(own), Self::Values(values)) => own.extend(values),
            (own, other) => *own = other,
        }
    }

    /// Returns the approximate memory use in bytes.
    fn weight(&self) -> usize {
        match self {
            Self::Sum(_) => 64,
            Self::Values(values) => values.iter().map(|value| 32 + value.len()).sum(),
            Self::None | Self::Least(_) | Self::Most(_) | Self::Last(..) => 0,
        }
    }
}

/// The events that a metric counts, by day.
#[derive(Debug, Clone)]
pub struct Tallies {
    aggregate: Aggregate,
    days: BTreeMap<NaiveDate, Tally>,
}

impl Tallies {
    /// Returns the tallies of no events.
    pub const fn new(aggregate: Aggregate) -> Self {
        Self { aggregate, days: BTreeMap::new() }
    }

    /// Adds an event.
    pub fn add(&mut self, fact: Fact) {
        let day = self.days.entry(fact.on).or_default();
        day.events += 1;
        if let Some(figure) = Figure::of(self.aggregate, fact.at, fact.value) {
            day.stated += 1;
            day.figure.add(figure);
        }
    }

    /// Adds the events of other tallies of the same aggregate.
    pub fn add_all(&mut self, others: &Self) {
        for (on, other) in &others.days {
            let day = self.days.entry(*on).or_default();
            day.events += other.events;
            day.stated += other.stated;
            day.figure.add(other.figure.clone());
        }
    }

    /// Aggregates the events in a window that ends with `as_of`, including that day. Without a window, aggregates all events up to
    /// that day. The days since the last event do not depend on the window.
    pub fn measure(&self, as_of: NaiveDate, window_days: Option<i64>) -> Measured {
        let window_days = window_days.filter(|_| self.aggregate != Aggregate::DaysSinceLast);
        let first_on = window_days.map_or(NaiveDate::MIN, |days| window_start(as_of, days));
        if first_on > as_of {
            return Measured { value: self.value(as_of, &[]), events: 0, ignored: 0 };
        }
        let days: Vec<(&NaiveDate, &Tally)> = self.days.range(first_on..=as_of).collect();
        let events: usize = days.iter().map(|(_, day)| day.events).sum();
        let stated: usize = days.iter().map(|(_, day)| day.stated).sum();
        Measured { value: self.value(as_of, &days), events: stated, ignored: events - stated }
    }

    fn value(&self, as_of: NaiveDate, days: &[(&NaiveDate, &Tally)]) -> Option<f64> {
        let figures = || days.iter().map(|(_, day)| &day.figure);
        let stated: usize = days.iter().map(|(_, day)| day.stated).sum();
        let sum = || {
            let mut sum = Sum::default();
            for figure in figures() {
                if let Figure::Sum(part) = figure {
                    sum.add_sum(part);
                }
            }
            sum.nearest()
        };
        match self.aggregate {
            Aggregate::Count => Some(real(days.iter().map(|(_, day)| day.events).sum())),
            Aggregate::ActiveDays => Some(real(days.len())),
            Aggregate::ActiveMonths => {
                let mut months: Vec<(i32, u32)> = days.iter().map(|(on, _)| (on.year(), on.month())).collect();
                months.dedup();
                Some(real(months.len()))
            }
            Aggregate::LongestPause => {
                let longest = days.windows(2).map(|pair| days_between(*pair[0].0, *pair[1].0)).max()?;
                Some(i32::try_from(longest).map_or(f64::MAX, f64::from))
            }
            Aggregate::DaysSinceLast => {
                let (last_on, _) = days.last()?;
                Some(i32::try_from(days_between(**last_on, as_of)).map_or(f64::MAX, f64::from))
            }
            Aggregate::Sum => Some(sum()),
            Aggregate::Average => (stated > 0).then(|| sum() / real(stated)),
            Aggregate::Min => number(figures(), |figure| match figure {
                Figure::Least(least) => Some(*least),
                _ => None,
            })
            .reduce(f64::min),
            Aggregate::Max => number(figures(), |figure| match figure {
                Figure::Most(most) => Some(*most),
                _ => None,
            })
            .reduce(f64::max),
            // The latest day has the latest event.
            Aggregate::Last => number(figures(), |figure| match figure {
                Figure::Last(_, last) => Some(*last),
                _ => None,
            })
            .last(),
            Aggregate::Distinct => {
                let mut values: HashSet<&str> = HashSet::new();
                for figure in figures() {
                    if let Figure::Values(own) = figure {
                        values.extend(own.iter().map(AsRef::as_ref));
                    }
                }
                Some(real(values.len()))
            }
        }
    }

    /// Returns the aggregate function.
    pub const fn aggregate(&self) -> Aggregate {
        self.aggregate
    }

    /// Returns the days with events, in order.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> {
        self.days.keys().copied()
    }

    /// Returns the approximate memory use in bytes.
    pub fn weight(&self) -> usize {
        self.days.values().map(|day| 80 + day.figure.weight()).sum()
    }
}

fn number<'a>(
    figures: impl Iterator<Item = &'a Figure>,
    of: impl Fn(&Figure) -> Option<f64>,
) -> impl Iterator<Item = f64> {
    figures.filter_map(of)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::usage::number::Number;

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, d).expect("a date")
    }

    fn fact(d: u32, hour: u32, value: Option<Value>) -> Fact {
        let on = day(d);
        Fact { at: on.and_hms_opt(hour, 0, 0).expect("a time").and_utc(), on, value }
    }

    fn number(d: u32, value: f64) -> Fact {
        fact(d, 12, Some(Value::Number(Number::Real(value))))
    }

    fn measure(aggregate: Aggregate, facts: &[Fact], as_of: NaiveDate, window_days: Option<i64>) -> Measured {
        tallied(aggregate, facts).measure(as_of, window_days)
    }

    fn tallied(aggregate: Aggregate, facts: &[Fact]) -> Tallies {
        let mut tallies = Tallies::new(aggregate);
        for fact in facts {
            tallies.add(fact.clone());
        }
        tallies
    }

    #[test]
    fn each_aggregate_in_its_window() {
        let facts = [number(1, 9.0), number(5, 2.0), number(5, 4.0), number(7, 3.0), number(9, 100.0)];
        let at = |aggregate, window| measure(aggregate, &facts, day(8), window).value;
        for (aggregate, expected) in [
            (Aggregate::Count, 3.0),
            (Aggregate::Sum, 9.0),
            (Aggregate::Min, 2.0),
            (Aggregate::Max, 4.0),
            (Aggregate::Last, 3.0),
            (Aggregate::Average, 3.0),
            (Aggregate::Distinct, 3.0),
            (Aggregate::ActiveDays, 2.0),
            (Aggregate::DaysSinceLast, 1.0),
        ] {
            assert_eq!(at(aggregate, Some(7)), Some(expected), "{aggregate}: the 2nd to the 8th");
        }
        assert_eq!(at(Aggregate::Count, Some(8)), Some(4.0), "the 1st is in it");
        assert_eq!((at(Aggregate::Count, None), at(Aggregate::DaysSinceLast, Some(1))), (Some(4.0), Some(1.0)));
    }

    #[test]
    fn sums_are_exact_across_days() {
        let facts = [number(5, 1e308), number(5, 1e308), number(6, -1e308), number(7, -1e308), number(7, 0.1)];
        assert_eq!(measure(Aggregate::Sum, &facts, day(8), None).value, Some(0.1), "whatever comes in between");
    }

    #[test]
    fn identifiers_keep_their_digits() {
        let distinct = |values: &[Number]| {
            let facts: Vec<Fact> = values.iter().map(|value| fact(5, 12, Some(Value::Number(*value)))).collect();
            measure(Aggregate::Distinct, &facts, day(8), None).value
        };
        let big = 9_007_199_254_740_992;
        assert_eq!(distinct(&[Number::Integer(big), Number::Integer(big + 1)]), Some(2.0));
        assert_eq!(distinct(&[Number::Integer(1), Number::Real(1.0)]), Some(1.0), "the same number");
        assert_eq!(distinct(&[Number::Real(1.5), Number::Real(1.5)]), Some(1.0));
    }

    #[test]
    fn nothing_is_not_zero_where_zero_would_be_a_claim() {
        let at = |aggregate| measure(aggregate, &[], day(8), Some(7)).value;
        for aggregate in [Aggregate::Count, Aggregate::Sum, Aggregate::Distinct, Aggregate::ActiveDays] {
            assert_eq!(at(aggregate), Some(0.0), "{aggregate}");
        }
        for aggregate in [Aggregate::Min, Aggregate::Max, Aggregate::Last, Aggregate::Average, Aggregate::DaysSinceLast]
        {
            assert_eq!(at(aggregate), None, "{aggregate}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_left_out_and_counted() {
        let facts = [number(5, 2.0), fact(6, 12, Some(Value::Other("many".into()))), fact(7, 12, None)];
        let found = measure(Aggregate::Average, &facts, day(8), Some(7));
        assert_eq!(found, Measured { value: Some(2.0), events: 1, ignored: 2 });
        assert_eq!(measure(Aggregate::Distinct, &facts, day(8), Some(7)).value, Some(2.0));
    }

    /// The same by going through every event, as the words of each aggregate say it.
    fn event_by_event(aggregate: Aggregate, facts: &[Fact], as_of: NaiveDate, window_days: Option<i64>) -> Measured {
        let window_days = window_days.filter(|_| aggregate != Aggregate::DaysSinceLast);
        let is_in =
            |fact: &&Fact| fact.on <= as_of && window_days.is_none_or(|days| (as_of - fact.on).num_days() < days);
        let own: Vec<&Fact> = facts.iter().filter(is_in).collect();
        let number = |fact: &&&Fact| matches!(fact.value, Some(Value::Number(_)));
        let numbers: Vec<(DateTime<Utc>, f64)> = own
            .iter()
            .filter(number)
            .map(|fact| match fact.value {
                Some(Value::Number(number)) => (fact.at, number.nearest()),
                _ => unreachable!("filtered"),
            })
            .collect();
        let floats = || numbers.iter().map(|(_, number)| *number);
        let mut exact = Sum::default();
        for number in floats() {
            exact.add(Number::Real(number));
        }
        let sum = exact.nearest();
        let days: BTreeSet<NaiveDate> = own.iter().map(|fact| fact.on).collect();
        let texts: BTreeSet<String> = own
            .iter()
            .filter_map(|fact| match fact.value.as_ref()? {
                Value::Number(number) => Some(number.text()),
                Value::Other(text) => Some(text.clone()),
            })
            .collect();
        let with_value = own.iter().filter(|fact| fact.value.is_some()).count();
        let (value, events) = match aggregate {
            Aggregate::Count => (Some(real(own.len())), own.len()),
            Aggregate::Sum => (Some(sum), numbers.len()),
            Aggregate::Min => (floats().reduce(f64::min), numbers.len()),
            Aggregate::Max => (floats().reduce(f64::max), numbers.len()),
            Aggregate::Last => {
                let last = numbers.iter().max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
                (last.map(|(_, number)| *number), numbers.len())
            }
            Aggregate::Average => ((!numbers.is_empty()).then(|| sum / real(numbers.len())), numbers.len()),
            Aggregate::Distinct => (Some(real(texts.len())), with_value),
            Aggregate::ActiveDays => (Some(real(days.len())), own.len()),
            Aggregate::ActiveMonths => {
                let months: BTreeSet<String> = days.iter().map(|on| on.format("%Y-%m").to_string()).collect();
                (Some(real(months.len())), own.len())
            }
            Aggregate::LongestPause => {
                let pauses = days.iter().zip(days.iter().skip(1)).map(|(one, next)| (*next - *one).num_days());
                (pauses.max().map(|longest| f64::from(i32::try_from(longest).expect("few"))), own.len())
            }
            Aggregate::DaysSinceLast => {
                let days = days.last().map(|on| f64::from(i32::try_from((as_of - *on).num_days()).expect("few")));
                (days, own.len())
            }
        };
        Measured { value, events, ignored: own.len() - events }
    }

    fn any_value() -> impl Strategy<Value = Option<Value>> {
        prop_oneof![
            (-50i128..50).prop_map(|number| Some(Value::Number(Number::Integer(number)))),
            (-1e6..1e6).prop_map(|number| Some(Value::Number(Number::Real(number)))),
            "[a-c]{1,2}".prop_map(|text| Some(Value::Other(text))),
            Just(None),
        ]
    }

    const ALL: [Aggregate; 11] = [
        Aggregate::ActiveMonths,
        Aggregate::LongestPause,
        Aggregate::Count,
        Aggregate::Sum,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::Last,
        Aggregate::Average,
        Aggregate::Distinct,
        Aggregate::ActiveDays,
        Aggregate::DaysSinceLast,
    ];

    proptest! {
        /// In whatever order events arrive, and however they are divided, their tallies say what the events say.
        #[test]
        fn as_if_event_by_event(
            facts in prop::collection::vec((1u32..28, 0u32..24, any_value()), 0..60),
            cuts in (0usize..60, 0usize..60),
            window in prop::option::of(1i64..30),
            as_of in 1u32..28,
        ) {
            let facts: Vec<Fact> = facts.into_iter().map(|(d, hour, value)| fact(d, hour, value)).collect();
            for aggregate in ALL {
                let expected = event_by_event(aggregate, &facts, day(as_of), window);
                prop_assert_eq!(measure(aggregate, &facts, day(as_of), window), expected);
                let mut turned = facts.clone();
                turned.rotate_left(cuts.0.min(facts.len()));
                turned.reverse();
                let (early, late) = turned.split_at(cuts.1.min(facts.len()));
                let mut tallies = tallied(aggregate, late);
                tallies.add_all(&tallied(aggregate, early));
                prop_assert_eq!(tallies.measure(day(as_of), window), expected, "{}", aggregate);
            }
        }
    }
}
