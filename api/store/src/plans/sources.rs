//! Plans that a plan waits for, loaded with it, because its reckoned dates follow theirs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use milepost_domain::plan::PlanFacts;
use milepost_domain::plan::external::{External, LONGEST_CHAIN};
use uuid::Uuid;

use super::{PlanRecord, load_alone};
use crate::Conn;
use crate::plan_dependencies::{self, PlanDependency};

/// A dependency on another plan, with that plan.
#[derive(Debug, Clone)]
pub struct Source {
    /// Dependency.
    pub dependency: PlanDependency,
    /// Plan that it is on.
    pub plan: Arc<PlanRecord>,
}

impl PlanRecord {
    /// Returns the dependencies on other plans that hold, in the order of the facts.
    pub fn holding_sources(&self) -> impl Iterator<Item = (&Source, usize, usize)> {
        let held = self.sources.iter().filter(|source| source.dependency.holds_at(None));
        held.filter_map(|source| {
            let to = self.milestones.iter().position(|row| row.id == source.dependency.milestone_id)?;
            let from = source.plan.milestones.iter().position(|row| row.id == source.dependency.on_milestone_id)?;
            Some((source, to, from))
        })
    }

    /// Returns the milestones of other plans that those of this one wait for.
    pub(super) fn externals(&self) -> Vec<External> {
        let mut plans: HashMap<Uuid, Arc<PlanFacts>> = HashMap::new();
        let external = |(source, to, from): (&Source, usize, usize)| {
            let plan_id = source.dependency.on_plan_id;
            let plan = Arc::clone(plans.entry(plan_id).or_insert_with(|| Arc::new(source.plan.facts())));
            External { to, plan_id, plan, from, lag_days: source.dependency.lag_days }
        };
        self.holding_sources().map(external).collect()
    }

    /// Returns a plan that this one waits for, directly or not.
    pub fn source(&self, plan_id: Uuid) -> Option<&Arc<Self>> {
        let held = self.sources.iter().filter(|source| source.dependency.holds_at(None));
        let mut plans = held.map(|source| &source.plan);
        plans.find_map(|plan| if plan.plan.id == plan_id { Some(plan) } else { plan.source(plan_id) })
    }

    /// Returns the plans that this one waits for, directly or not, and the length of the longest row of them.
    pub fn waits_for(&self) -> (HashSet<Uuid>, usize) {
        let (mut all, mut longest) = (HashSet::new(), 0);
        for source in self.sources.iter().filter(|source| source.dependency.holds_at(None)) {
            let (further, length) = source.plan.waits_for();
            all.insert(source.plan.plan.id);
            all.extend(further);
            longest = longest.max(length + 1);
        }
        (all, longest)
    }
}

/// Loads the plans that some plans wait for, and attaches them.
pub(super) async fn attach(
    conn: &mut Conn,
    organization_id: Uuid,
    records: Vec<PlanRecord>,
    dependencies: Vec<PlanDependency>,
) -> sqlx::Result<Vec<PlanRecord>> {
    let order: Vec<Uuid> = records.iter().map(|record| record.plan.id).collect();
    let mut alone: HashMap<Uuid, PlanRecord> = records.into_iter().map(|record| (record.plan.id, record)).collect();
    let mut by_plan: HashMap<Uuid, Vec<PlanDependency>> = HashMap::new();
    let mut found = dependencies;
    loop {
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
        found = plan_dependencies::of_plans(conn, organization_id, Some(&wanted)).await?;
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
