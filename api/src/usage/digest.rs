//! Usage events, summed up by day: activities for risk, and tallies for metrics.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use milepost_domain::customer::deed::{Deed, EventMeaning, standard_type};
use milepost_domain::usage::metric::{Aggregate, Definition, Fact};
use milepost_domain::usage::tally::Tallies;

use super::fact::Event;
use crate::clock::date_in;
use crate::store::measured_events::MeasuredRow;

/// Organization's reading of events: its time zone, and the meaning of its own types.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Time zone of the days.
    pub zone: Tz,
    /// Meanings of the organization's own types.
    pub meanings: Arc<[EventMeaning]>,
}

/// A metric that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Definition of the metric.
    pub definition: Definition,
    /// Whether an event also counts by what the organization says that its type means.
    pub by_meaning: bool,
}

impl Wanted {
    /// A metric that counts events by their own type.
    pub const fn by_type(definition: Definition) -> Self {
        Self { definition, by_meaning: false }
    }

    /// A metric that also counts events by what their type means.
    pub const fn by_meaning(definition: Definition) -> Self {
        Self { definition, by_meaning: true }
    }

    fn admits(&self, kind: &str, standard: Option<&str>) -> bool {
        let admits = |kind| self.definition.admits(kind);
        admits(kind) || (self.by_meaning && standard.is_some_and(admits))
    }
}

/// Events of a customer or a person, summed up.
#[derive(Debug, Clone)]
pub struct Digest {
    /// Reading of the events.
    pub reading: Reading,
    /// Time from which events are summed up by day; `None` if all are.
    pub from: Option<DateTime<Utc>>,
    deeds: BTreeMap<(NaiveDate, Deed), u32>,
    /// First and last event of each type before that time.
    earlier: HashMap<String, (DateTime<Utc>, DateTime<Utc>)>,
    tallies: HashMap<Wanted, Arc<Tallies>>,
}

impl Digest {
    /// A digest of no events, for the metrics that are wanted.
    pub fn new(reading: Reading, from: Option<DateTime<Utc>>, wanted: &[Wanted]) -> Self {
        let tallies = |one: &Wanted| (one.clone(), Arc::new(Tallies::new(one.definition.aggregate)));
        let tallies = wanted.iter().map(tallies).collect();
        Self { reading, from, deeds: BTreeMap::new(), earlier: HashMap::new(), tallies }
    }

    /// Adds an event.
    pub fn add(&mut self, row: &MeasuredRow) {
        if self.from.is_some_and(|from| row.occurred_at < from) {
            self.add_earlier(&row.kind, (row.occurred_at, row.occurred_at));
            return;
        }
        let on = date_in(self.reading.zone, row.occurred_at);
        let standard = standard_type(&row.kind, &self.reading.meanings);
        let deed = Deed::of(standard.as_deref().unwrap_or(&row.kind));
        let count = self.deeds.entry((on, deed)).or_default();
        *count = count.saturating_add(1);
        let event = Event::new(row, on);
        for (wanted, tallies) in &mut self.tallies {
            if wanted.admits(&row.kind, standard.as_deref())
                && let Some(fact) = event.fact(&wanted.definition)
            {
                Arc::make_mut(tallies).add(fact);
            }
        }
    }

    /// Adds the first and the last event of a type before the time from which events are summed up.
    pub fn add_earlier(&mut self, kind: &str, (first_at, last_at): (DateTime<Utc>, DateTime<Utc>)) {
        match self.earlier.get_mut(kind) {
            Some((first, last)) => (*first, *last) = (first_at.min(*first), last_at.max(*last)),
            None => _ = self.earlier.insert(kind.to_owned(), (first_at, last_at)),
        }
    }

    /// Adds another digest that was read in the same way, from the same time on.
    pub fn add_all(&mut self, other: &Self) {
        for (key, count) in &other.deeds {
            let own = self.deeds.entry(*key).or_default();
            *own = own.saturating_add(*count);
        }
        for (kind, range) in &other.earlier {
            self.add_earlier(kind, *range);
        }
        for (wanted, tallies) in &other.tallies {
            match self.tallies.get_mut(wanted) {
                Some(own) => Arc::make_mut(own).add_all(tallies),
                None => _ = self.tallies.insert(wanted.clone(), Arc::clone(tallies)),
            }
        }
    }

    /// Takes over the tallies of another digest of the same events.
    pub fn take_tallies(&mut self, other: Self) {
        self.tallies.extend(other.tallies);
    }

    /// The metrics that it has tallies for.
    pub fn wanted(&self) -> impl Iterator<Item = &Wanted> {
        self.tallies.keys()
    }

    /// Whether it has tallies for a metric.
    pub fn has(&self, wanted: &Wanted) -> bool {
        self.tallies.contains_key(wanted)
    }

    /// The tallies of a metric. Of the events before the time from which they are summed up, only the days since the last one are
    /// known.
    pub fn tallies(&self, wanted: &Wanted) -> Option<Arc<Tallies>> {
        let tallies = self.tallies.get(wanted)?;
        if wanted.definition.aggregate != Aggregate::DaysSinceLast || self.earlier.is_empty() {
            return Some(Arc::clone(tallies));
        }
        let mut tallies = Tallies::clone(tallies);
        for (kind, (_, last_at)) in &self.earlier {
            if wanted.admits(kind, standard_type(kind, &self.reading.meanings).as_deref()) {
                tallies.add(Fact { at: *last_at, on: date_in(self.reading.zone, *last_at), value: None });
            }
        }
        Some(Arc::new(tallies))
    }

    /// Activities by day and kind with their number, oldest first.
    pub fn deeds(&self) -> impl DoubleEndedIterator<Item = (NaiveDate, Deed, u32)> {
        self.deeds.iter().map(|((on, deed), count)| (*on, *deed, *count))
    }

    /// The number of days up to a day on which there were events.
    pub fn active_days_until(&self, last: NaiveDate) -> usize {
        let mut days: Vec<NaiveDate> = self.deeds.keys().map(|(on, _)| *on).take_while(|on| *on <= last).collect();
        days.dedup();
        days.len()
    }

    /// The day of the first event.
    pub fn first_on(&self) -> Option<NaiveDate> {
        let earlier = self.earlier.values().map(|(first, _)| date_in(self.reading.zone, *first)).min();
        self.deeds.keys().next().map(|(on, _)| *on).into_iter().chain(earlier).min()
    }

    /// The day of the last event up to a day.
    pub fn last_on(&self, as_of: NaiveDate) -> Option<NaiveDate> {
        let earlier =
            self.earlier.values().map(|(_, last)| date_in(self.reading.zone, *last)).filter(|on| *on <= as_of);
        let last = self.deeds.keys().rfind(|(on, _)| *on <= as_of).map(|(on, _)| *on);
        last.into_iter().chain(earlier).max()
    }

    /// The instant of the last event before the time from which events are summed up.
    pub fn last_earlier_at(&self) -> Option<DateTime<Utc>> {
        self.earlier.values().map(|(_, last)| *last).max()
    }

    /// Approximate memory use in bytes.
    pub fn weight(&self) -> usize {
        let kinds: usize = self.earlier.keys().map(|kind| 64 + kind.len()).sum();
        300 + self.deeds.len() * 40 + kinds + self.tallies.values().map(|one| 300 + one.weight()).sum::<usize>()
    }
}
