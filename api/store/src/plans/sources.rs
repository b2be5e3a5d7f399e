//! Plans that a plan waits for, loaded with it, because its reckoned dates follow theirs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use milepost_domain::plan::PlanFacts;
use milepost_domain::plan::external::{External, LONGEST_CHAIN};
use uuid::Uuid;

use super::{PlanRecord, load_alone};
use crate::Conn;
use crate::plan_dependencies::PlanDependency;
use crate::row;

/// A dependency on another plan, with that plan.
#[derive(Debug, Clone)]
pub struct Source {
    /// Dependency.
    pub dependency: PlanDependency,
    /// Plan that it is on.
    pub plan: Arc<PlanRecord>,
}

impl PlanRecord {
    /// Returns the dependencies on other plans whose milestones are there, in the order of the facts.
    pub fn holding_sources(&self) -> impl Iterator<Item = (&Source, usize, usize)> {
        self.sources.iter().filter_map(|source| {
            let to = self.milestones.iter().position(|row| row.id == source.dependency.milestone_id)?;
            let from = source.plan.milestones.iter().position(|row| row.id == source.dependency.on_milestone_id)?;
            Some((source, to, from))
        })
    }

    /// Returns the milestones of other plans that those of this one wait for. A plan that several wait for is the same in all of them.
    pub(super) fn externals(&self, known: &mut HashMap<Uuid, Arc<PlanFacts>>) -> Vec<External> {
        let mut external = |(source, to, from): (&Source, usize, usize)| {
            let plan_id = source.dependency.on_plan_id;
            let plan = known.get(&plan_id).cloned().unwrap_or_else(|| {
                let facts = Arc::new(source.plan.facts_within(known));
                known.insert(plan_id, Arc::clone(&facts));
                facts
            });
            External { to, plan_id, plan, from, lag_days: source.dependency.lag_days }
        };
        self.holding_sources().map(&mut external).collect()
    }

    /// Returns the plans that this one waits for, directly or not, by identifier.
    pub fn waits_for(&self) -> HashMap<Uuid, &Arc<Self>> {
        let mut found = HashMap::new();
        let mut open: Vec<&Source> = self.sources.iter().collect();
        while let Some(source) = open.pop() {
            if found.insert(source.plan.plan.id, &source.plan).is_none() {
                open.extend(&source.plan.sources);
            }
        }
        found
    }
}

/// Loads the plans that some plans wait for, or waited for at an instant, and attaches them. At no instant do plans wait in a circle.
pub(super) async fn attach(
    conn: &mut Conn,
    organization_id: Uuid,
    records: Vec<PlanRecord>,
    dependencies: Vec<PlanDependency>,
    at: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<PlanRecord>> {
    let order: Vec<Uuid> = records.iter().map(|record| record.plan.id).collect();
    let mut alone: HashMap<Uuid, PlanRecord> = records.into_iter().map(|record| (record.plan.id, record)).collect();
    let mut by_plan: HashMap<Uuid, Vec<PlanDependency>> = HashMap::new();
    let mut found = dependencies;
    loop {
        found.retain(|one| one.holds_at(at));
        let wanted: HashSet<Uuid> =
            found.iter().map(|one| one.on_plan_id).filter(|id| !alone.contains_key(id)).collect();
        for one in found {
            by_plan.entry(one.plan_id).or_default().push(one);
        }
        if wanted.is_empty() {
            break;
        }
        let wanted: Vec<Uuid> = wanted.into_iter().collect();
        let more = load_alone(conn, organization_id, Some(&wanted)).await?;
        alone.extend(more.into_iter().map(|record| (record.plan.id, record)));
        found = row::of_plans(conn, organization_id, Some(&wanted)).await?;
    }
    let mut whole = HashMap::new();
    let assembled = order.into_iter().filter_map(|id| assemble(id, &alone, &by_plan, &mut whole, 0));
    Ok(assembled.map(Arc::unwrap_or_clone).collect())
}

fn assemble(
    id: Uuid,
    alone: &HashMap<Uuid, PlanRecord>,
    by_plan: &HashMap<Uuid, Vec<PlanDependency>>,
    whole: &mut HashMap<Uuid, Arc<PlanRecord>>,
    depth: usize,
) -> Option<Arc<PlanRecord>> {
    if let Some(known) = whole.get(&id) {
        return Some(Arc::clone(known));
    }
    let mut record = alone.get(&id)?.clone();
    // No plan waits for itself, and no row is longer; this bounds what somebody wrote past the API.
    let own = by_plan.get(&id).filter(|_| depth <= LONGEST_CHAIN);
    for dependency in own.into_iter().flatten() {
        if let Some(plan) = assemble(dependency.on_plan_id, alone, by_plan, whole, depth + 1) {
            record.sources.push(Source { dependency: dependency.clone(), plan });
        }
    }
    let record = Arc::new(record);
    whole.insert(id, Arc::clone(&record));
    Some(record)
}
