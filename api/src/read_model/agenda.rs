//! Milestones of all plans of an organization in the order of their dates.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use chrono::NaiveDate;
use milepost_domain::plan::PlanFacts;
use milepost_domain::plan::schedule::Standing;
use uuid::Uuid;

use super::PlanView;
use crate::store::keyset::{Direction, Key, Position};

/// Standings of a plan's milestones at a date, in the order of the plan.
#[derive(Debug)]
pub struct Standings {
    as_of: NaiveDate,
    all: Vec<Standing>,
}

impl Deref for Standings {
    type Target = [Standing];

    fn deref(&self) -> &[Standing] {
        &self.all
    }
}

/// The standings of a plan at the date that was asked for last, which is mostly today.
#[derive(Debug, Default)]
pub struct KeptStandings(ArcSwapOption<Standings>);

impl KeptStandings {
    /// Returns the standings at a date.
    pub fn at(&self, as_of: NaiveDate, facts: &PlanFacts) -> Arc<Standings> {
        if let Some(kept) = self.0.load_full().filter(|kept| kept.as_of == as_of) {
            return kept;
        }
        let standings = Arc::new(Standings { as_of, all: facts.standings(as_of) });
        self.0.store(Some(Arc::clone(&standings)));
        standings
    }
}

/// A copy of a plan keeps its own.
impl Clone for KeptStandings {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Date by which milestones are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByDate {
    /// Planned date.
    Planned,
    /// Reckoned date.
    Reckoned,
}

/// The milestones of the plans that are not archived, at a date. Each order is made when it is first asked for.
#[derive(Debug)]
pub struct Agenda {
    /// Date that the standings refer to.
    pub as_of: NaiveDate,
    plans: Vec<(Arc<PlanView>, Arc<Standings>)>,
    planned: OnceLock<Vec<Entry>>,
    reckoned: OnceLock<Vec<Entry>>,
}

/// Place of a milestone in the order: the date and the identifier decide it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    on: NaiveDate,
    id: Uuid,
    plan: u32,
    milestone: u32,
}

/// A milestone of the agenda.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// Plan.
    pub plan: &'a PlanView,
    /// Position of the milestone in its plan.
    pub milestone: usize,
    /// Standing at the date.
    pub standing: &'a Standing,
}

impl Agenda {
    /// Makes the agenda of some plans.
    pub fn of(plans: &[Arc<PlanView>], as_of: NaiveDate) -> Self {
        let active = plans.iter().filter(|plan| plan.row.archived_at.is_none());
        Self {
            as_of,
            plans: active.map(|plan| (Arc::clone(plan), plan.standings(as_of))).collect(),
            planned: OnceLock::new(),
            reckoned: OnceLock::new(),
        }
    }

    /// Returns the milestones after a position, in the order of one of their dates.
    pub fn after(
        &self,
        by: ByDate,
        direction: Direction,
        position: Option<&Position>,
    ) -> Box<dyn Iterator<Item = Listed<'_>> + '_> {
        let entries = match by {
            ByDate::Planned => self.planned.get_or_init(|| self.sorted(|standing| standing.planned_on)),
            ByDate::Reckoned => self.reckoned.get_or_init(|| self.sorted(|standing| standing.reckoned_on)),
        };
        let after = position.and_then(|position| match position.key {
            Some(Key::Date(on)) => Some((on, position.id)),
            _ => None,
        });
        let place = |entry: &Entry| (entry.on, entry.id);
        let listed = |entry: &Entry| self.listed(entry);
        match direction {
            Direction::Ascending => {
                let start = after.map_or(0, |after| entries.partition_point(|entry| place(entry) <= after));
                Box::new(entries[start..].iter().map(listed))
            }
            Direction::Descending => {
                let end = after.map_or(entries.len(), |after| entries.partition_point(|entry| place(entry) < after));
                Box::new(entries[..end].iter().rev().map(listed))
            }
        }
    }

    fn listed(&self, entry: &Entry) -> Listed<'_> {
        let (plan, standings) = &self.plans[entry.plan as usize];
        let milestone = entry.milestone as usize;
        Listed { plan, milestone, standing: &standings[milestone] }
    }

    fn sorted(&self, date: impl Fn(&Standing) -> NaiveDate) -> Vec<Entry> {
        let of_plan = |(plan, (view, standings)): (u32, &(Arc<PlanView>, Arc<Standings>))| {
            let ids = view.labels.iter().map(|label| label.id);
            let entries = (0..).zip(ids.zip(standings.iter()));
            entries
                .map(|(milestone, (id, standing))| Entry { on: date(standing), id, plan, milestone })
                .collect::<Vec<Entry>>()
        };
        let mut entries: Vec<Entry> = (0..).zip(&self.plans).flat_map(of_plan).collect();
        entries.sort_unstable();
        entries
    }
}

/// The agenda of the date that was asked for last.
#[derive(Debug, Default)]
pub struct KeptAgenda(ArcSwapOption<Agenda>);

impl KeptAgenda {
    /// Returns the agenda of the given plans at a date.
    pub fn at(&self, as_of: NaiveDate, plans: &[Arc<PlanView>]) -> Arc<Agenda> {
        if let Some(kept) = self.0.load_full().filter(|kept| kept.as_of == as_of) {
            return kept;
        }
        let agenda = Arc::new(Agenda::of(plans, as_of));
        self.0.store(Some(Arc::clone(&agenda)));
        agenda
    }
}
