//! Plans in memory, kept up to date with the ledger.
//!
//! Reports use every milestone of every plan, and fetching them from the database would cost far more than the arithmetic. The plans of
//! each organization are therefore kept as plain facts, together with the ledger sequence for which they are valid. A request knows the
//! organization's sequence from its authentication. When the sequence has moved on, only the plans that the new entries belong to are
//! loaded again. Every replica does so by itself, so every replica is correct. The least used organizations are dropped.

pub mod agenda;
pub mod reports;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::progress::Share;
use milepost_domain::plan::reference::{Finished, finished};
use milepost_domain::plan::review::due_on;
use milepost_domain::plan::{PlanFacts, Summary};
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::folded;
use tokio::sync::Mutex;
use uuid::Uuid;

use self::agenda::{Agenda, KeptAgenda, KeptStandings, Standings};
use self::reports::Reports;
use crate::store::keyset::{Direction, Key, Order, Position};
use crate::store::milestones::MilestoneRow;
use crate::store::owner::Owner;
use crate::store::plans::{self, PlanRecord, PlanRow, Source};
use crate::store::{Conn, Db, ledger};

/// Maximum number of plans that are reloaded at once.
const RELOAD_AT_ONCE: usize = 500;

/// Descriptive fields of a milestone.
#[derive(Debug, Clone)]
pub struct MilestoneLabel {
    /// Identifier.
    pub id: Uuid,
    /// Key. Unique within the plan.
    pub key: Box<str>,
    /// Name.
    pub name: Box<str>,
    /// Phase or track.
    pub phase: Option<Box<str>>,
    /// Owner; `None` for nobody.
    pub owner: Option<Box<Owner>>,
    /// Weight, in the plan's weight unit.
    pub weight: f64,
    /// Version of the milestone.
    pub version: i64,
}

/// Descriptive fields of a milestone of another plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalLabel {
    /// Identifier of the plan.
    pub plan_id: Uuid,
    /// Name of the plan.
    pub plan_name: String,
    /// Key of the milestone.
    pub key: String,
}

impl ExternalLabel {
    /// Those of a plan's dependencies on other plans, in the order of the facts.
    pub fn all_of(record: &PlanRecord) -> Vec<Self> {
        let label = |(source, _, from): (&Source, usize, usize)| Self {
            plan_id: source.plan.plan.id,
            plan_name: source.plan.plan.name.clone(),
            key: source.plan.milestones[from].key.clone(),
        };
        record.holding_sources().map(label).collect()
    }
}

/// A plan in the form that reports use.
#[derive(Debug, Clone)]
pub struct PlanView {
    /// Row of the plan.
    pub row: PlanRow,
    /// Folded name, used to sort and search lists.
    pub name_folded: String,
    /// Descriptive fields of the milestones, in order.
    pub labels: Vec<MilestoneLabel>,
    /// Facts of the plan.
    pub facts: PlanFacts,
    standings: KeptStandings,
    /// Number of date changes of open milestones that were not communicated to the client.
    pub uncommunicated_changes: usize,
    /// Milestones of other plans that those of this one wait for, in the order of the facts.
    pub externals: Vec<ExternalLabel>,
    /// Plans that this one waits for, directly or not.
    pub sources: HashSet<Uuid>,
    /// Date and instant of the last review.
    pub reviewed: Option<(NaiveDate, DateTime<Utc>)>,
}

impl MilestoneLabel {
    /// Returns the approximate memory use in bytes.
    fn weight(&self) -> usize {
        let owner = self.owner.as_ref().map_or(0, |owner| owner.weight());
        let phase = self.phase.as_ref().map_or(0, |phase| phase.len());
        160 + self.key.len() + self.name.len() + phase + owner
    }
}

impl From<&PlanRecord> for PlanView {
    fn from(record: &PlanRecord) -> Self {
        let label = |row: &MilestoneRow| MilestoneLabel {
            id: row.id,
            key: row.key.as_str().into(),
            name: row.name.as_str().into(),
            phase: row.phase.as_deref().map(Box::from),
            owner: (!row.owner.is_nobody()).then(|| Box::new(row.owner.clone())),
            weight: row.weight,
            version: row.version,
        };
        let by_milestone = record.by_milestone();
        Self {
            name_folded: folded(&record.plan.name),
            labels: record.milestones.iter().map(label).collect(),
            facts: record.facts(),
            standings: KeptStandings::default(),
            uncommunicated_changes: record.milestones.iter().map(|row| by_milestone.uncommunicated_changes(row)).sum(),
            externals: ExternalLabel::all_of(record),
            sources: record.waits_for().into_keys().collect(),
            reviewed: record.last_review.as_ref().map(|review| (review.reviewed_on, review.recorded_at)),
            row: record.plan.clone(),
        }
    }
}

impl PlanView {
    /// Returns the standings of the milestones at a date. Those of the date that was asked for last are kept.
    pub fn standings(&self, as_of: NaiveDate) -> Arc<Standings> {
        self.standings.at(as_of, &self.facts)
    }

    /// Returns the share of the milestones that are achieved at present.
    pub fn share(&self) -> Share {
        Share::of(self.facts.milestones.iter().map(|milestone| milestone.state))
    }

    /// Returns the summary of the plan at a date.
    pub fn summary(&self, as_of: NaiveDate) -> Summary {
        self.facts.summary_of(&self.standings(as_of), as_of)
    }

    /// Returns the same plan, measured against one of its baselines at every date.
    pub fn against(&self, number: i64) -> Option<Self> {
        let facts = self.facts.against(number)?;
        Some(Self { facts, ..self.clone() })
    }

    /// Returns the date by which the next review is due; `None` if no milestone is open, or the plan is archived or on hold.
    pub fn next_review_on(&self) -> Option<NaiveDate> {
        if self.facts.holds.iter().any(|hold| hold.until_on.is_none()) {
            return None;
        }
        let is_open = self.facts.milestones.iter().any(|milestone| milestone.state.is_open());
        let began_on = self.row.start_on.max(self.row.created_at.date_naive());
        let due_on = due_on(self.reviewed.map(|(on, _)| on), began_on, self.row.update_interval_days);
        (is_open && self.row.archived_at.is_none()).then_some(due_on)
    }

    /// Returns the last review that was held by the end of `as_of`: its date and its instant.
    pub fn reviewed_by(&self, as_of: NaiveDate) -> Option<(NaiveDate, DateTime<Utc>)> {
        self.reviewed.filter(|(on, _)| *on <= as_of)
    }

    /// Returns the date that a report compares with: the date of the last review, or one update interval ago.
    pub fn compared_with_on(&self, as_of: NaiveDate) -> NaiveDate {
        self.reviewed_by(as_of).map_or_else(|| plus_days(as_of, -self.row.update_interval_days), |(on, _)| on)
    }

    /// Returns whether the next review is overdue.
    pub fn is_review_overdue(&self, as_of: NaiveDate) -> bool {
        self.next_review_on().is_some_and(|on| on < as_of)
    }

    /// Returns the approximate memory use in bytes.
    fn weight(&self) -> usize {
        let texts: usize = self.labels.iter().map(MilestoneLabel::weight).sum();
        let lines: usize = self.facts.baselines.iter().map(|baseline| 48 + baseline.lines.len() * 32).sum();
        let history: usize = self.facts.milestones.iter().map(|m| m.forecasts.len() * 8 + m.progress.len() * 16).sum();
        let costs = self.facts.costs.len() * 16 + self.facts.links.len() * 40;
        700 + texts + lines + history + costs + self.facts.milestones.len() * 280
    }
}

/// Plans of an organization at one ledger sequence.
#[derive(Debug)]
pub struct Plans {
    /// Ledger sequence for which the plans are valid.
    pub sequence: i64,
    by_id: HashMap<Uuid, Arc<PlanView>>,
    /// Plans by folded name and identifier, the order of lists and reports.
    pub by_name: Vec<Arc<PlanView>>,
    agenda: KeptAgenda,
}

impl Plans {
    /// Returns one plan.
    pub fn find(&self, id: Uuid) -> Option<&Arc<PlanView>> {
        self.by_id.get(&id)
    }

    /// Returns the milestones of all plans at a date, in the order of their dates.
    pub fn agenda(&self, as_of: NaiveDate) -> Arc<Agenda> {
        self.agenda.at(as_of, &self.by_name)
    }

    /// Returns the plans after a position, in the order of reports: by name.
    pub fn after(&self, position: Option<&Position>) -> impl Iterator<Item = &PlanView> {
        self.sorted(Order::Text("name_folded"), Direction::Ascending, position)
    }

    /// Returns the plans after a position, by identifier or else by name.
    pub fn sorted(
        &self,
        order: Order,
        direction: Direction,
        position: Option<&Position>,
    ) -> Box<dyn Iterator<Item = &PlanView> + '_> {
        let name = |position: &Position| match &position.key {
            Some(Key::Text(name)) => name.clone(),
            _ => String::new(),
        };
        let place = |plan: &PlanView, name: &str, id: Uuid| (plan.name_folded.as_str(), plan.row.id).cmp(&(name, id));
        let by_id = || {
            let mut all: Vec<&PlanView> = self.by_name.iter().map(AsRef::as_ref).collect();
            all.sort_unstable_by_key(|plan| plan.row.id);
            all
        };
        match (order, direction) {
            (Order::Text(_) | Order::Date(_), Direction::Ascending) => {
                let start = position.map_or(0, |position| {
                    let name = name(position);
                    self.by_name.partition_point(|plan| place(plan, &name, position.id).is_le())
                });
                Box::new(self.by_name[start..].iter().map(AsRef::as_ref))
            }
            (Order::Text(_) | Order::Date(_), Direction::Descending) => {
                let end = position.map_or(self.by_name.len(), |position| {
                    let name = name(position);
                    self.by_name.partition_point(|plan| place(plan, &name, position.id).is_lt())
                });
                Box::new(self.by_name[..end].iter().rev().map(AsRef::as_ref))
            }
            (Order::Id, Direction::Ascending) => {
                let after = position.map(|position| position.id);
                Box::new(by_id().into_iter().filter(move |plan| after.is_none_or(|id| plan.row.id > id)))
            }
            (Order::Id, Direction::Descending) => {
                let after = position.map(|position| position.id);
                Box::new(by_id().into_iter().rev().filter(move |plan| after.is_none_or(|id| plan.row.id < id)))
            }
        }
    }

    /// Returns every milestone of the organization that was achieved by a date, with its plan and descriptive fields.
    pub fn finished(&self, as_of: NaiveDate) -> impl Iterator<Item = (&PlanView, &MilestoneLabel, Finished)> {
        self.by_name.iter().map(AsRef::as_ref).flat_map(move |plan: &PlanView| {
            let found = finished(&plan.facts, as_of).into_iter();
            found.filter_map(move |one| Some((plan, plan.labels.get(one.milestone)?, one)))
        })
    }

    /// Creates plans that are valid for a ledger sequence.
    pub fn of(sequence: i64, records: &[PlanRecord]) -> Self {
        let view = |record: &PlanRecord| (record.plan.id, Arc::new(PlanView::from(record)));
        Self::of_views(sequence, records.iter().map(view).collect())
    }

    fn of_views(sequence: i64, by_id: HashMap<Uuid, Arc<PlanView>>) -> Self {
        let mut by_name: Vec<Arc<PlanView>> = by_id.values().map(Arc::clone).collect();
        by_name.sort_unstable_by(|a, b| (&a.name_folded, a.row.id).cmp(&(&b.name_folded, b.row.id)));
        Self { sequence, by_id, by_name, agenda: KeptAgenda::default() }
    }

    fn weight(&self) -> usize {
        self.by_name.iter().map(|plan| plan.weight()).sum()
    }
}

/// Plans and reports of all organizations in memory.
#[derive(Debug)]
pub struct ReadModel {
    organizations: moka::sync::Cache<Uuid, Arc<Entry>>,
    /// Serialized answers.
    pub reports: Reports,
}

#[derive(Debug, Default)]
struct Entry {
    plans: ArcSwapOption<Plans>,
    loading: Mutex<()>,
}

impl ReadModel {
    /// Creates a read model that keeps at most this many bytes of plans.
    pub fn new(capacity_bytes: u64) -> Self {
        let weigh_entry = |_: &Uuid, entry: &Arc<Entry>| {
            let bytes = entry.plans.load().as_ref().map_or(0, |plans| plans.weight());
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        Self {
            organizations: moka::sync::Cache::builder().max_capacity(capacity_bytes).weigher(weigh_entry).build(),
            reports: Reports::default(),
        }
    }

    /// An organization's plans as of a ledger sequence, or later.
    pub async fn plans(&self, db: &Db, organization_id: Uuid, sequence: i64) -> sqlx::Result<Arc<Plans>> {
        let entry = self.organizations.get_with(organization_id, Arc::default);
        let is_fresh = |plans: &Arc<Plans>| plans.sequence >= sequence;
        if let Some(plans) = entry.plans.load_full().filter(is_fresh) {
            return Ok(plans);
        }
        let _turn = entry.loading.lock().await;
        let known = entry.plans.load_full();
        if let Some(plans) = known.clone().filter(is_fresh) {
            return Ok(plans);
        }
        let plans = Arc::new(follow(&mut db.snapshot_to_keep().await?, organization_id, known.as_deref()).await?);
        entry.plans.store(Some(Arc::clone(&plans)));
        // Insert the entry again, so that its new weight counts.
        self.organizations.insert(organization_id, Arc::clone(&entry));
        Ok(plans)
    }

    /// Returns the ledger sequences for which plans are in memory, by organization.
    pub fn sequences(&self) -> impl Iterator<Item = (Uuid, i64)> {
        self.organizations.iter().filter_map(|(id, entry)| Some((*id, entry.plans.load().as_ref()?.sequence)))
    }
}

/// Returns the plans at the head of the ledger: loads all of them, or reloads only those that changed.
async fn follow(conn: &mut Conn, organization_id: Uuid, known: Option<&Plans>) -> sqlx::Result<Plans> {
    let sequence = ledger::head_sequence(conn, organization_id).await?.unwrap_or_default();
    let view = |record: PlanRecord| (record.plan.id, Arc::new(PlanView::from(&record)));
    let Some(known) = known else {
        let records = plans::load(conn, organization_id, None).await?;
        return Ok(Plans::of(sequence, &records));
    };
    let mut changed = ledger::roots_since(conn, organization_id, "plan", known.sequence).await?;
    let customers = ledger::roots_since(conn, organization_id, "customer", known.sequence).await?;
    let people = ledger::roots_since(conn, organization_id, "person", known.sequence).await?;
    // A plan contains the names of its customer, its person, and its owners.
    let names = |plan: &PlanView| {
        let owners = plan.labels.iter().filter_map(|label| label.owner.as_ref()?.id).chain(plan.row.owner.id);
        plan.row.customer_id.is_some_and(|id| customers.contains(&id))
            || !people.is_empty() && owners.chain(plan.row.person_id).any(|id| people.contains(&id))
    };
    changed.extend(known.by_name.iter().filter(|plan| names(plan)).map(|plan| plan.row.id));
    // A plan's reckoned dates follow those of the plans that it waits for.
    let waiting = known.by_name.iter().filter(|plan| changed.iter().any(|id| plan.sources.contains(id)));
    let waiting: Vec<Uuid> = waiting.map(|plan| plan.row.id).collect();
    changed.extend(waiting);
    changed.sort_unstable();
    changed.dedup();
    let mut by_id = known.by_id.clone();
    for id in &changed {
        by_id.remove(id);
    }
    for ids in changed.chunks(RELOAD_AT_ONCE) {
        by_id.extend(plans::load(conn, organization_id, Some(ids)).await?.into_iter().map(view));
    }
    Ok(Plans::of_views(sequence, by_id))
}
