//! Plans as they were known at an instant, so that a report can be repeated regardless of later records.
//!
//! Records that are only appended carry their time of recording, so later records are left out. Data that changes in
//! place is restored from the ledger: the last entry of each plan and milestone by that instant holds its state.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::earned_value::CreditRule;
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::network::Relation;
use milepost_domain::plan::schedule::DEFAULT_UPDATE_INTERVAL_DAYS;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::types::Text;
use uuid::Uuid;

use crate::context::Context;
use crate::error::ApiError;
use crate::store::Conn;
use crate::store::baselines::LineRow;
use crate::store::json_text::JsonText;
use crate::store::ledger::{self, Known};
use crate::store::milestones::{DependencyRow, MilestoneRow};
use crate::store::owner::Owner;
use crate::store::plans::{self, PlanRecord, Source};

/// A plan as recorded in the ledger.
#[derive(Debug, Deserialize)]
struct KnownPlan {
    external_ref: Option<String>,
    name: String,
    owner_id: Option<Uuid>,
    owner_ref: Option<String>,
    #[serde(alias = "owner")]
    owner_name: Option<String>,
    customer_id: Option<Uuid>,
    customer_ref: Option<String>,
    customer_name: Option<String>,
    person_id: Option<Uuid>,
    start_on: NaiveDate,
    weight_unit: String,
    credit_rule: CreditRule,
    at_risk_limit_days: i64,
    #[serde(default = "usual_interval")]
    update_interval_days: i64,
    #[serde(default)]
    calendar: Calendar,
    budget_minor: Option<i64>,
    currency: Option<String>,
    archived_at: Option<DateTime<Utc>>,
    template_version: Option<i64>,
    withdrawn_on: Option<NaiveDate>,
    withdrawal_reason: Option<String>,
}

const fn usual_interval() -> i64 {
    DEFAULT_UPDATE_INTERVAL_DAYS
}

/// A milestone as recorded in the ledger.
#[derive(Debug, Deserialize)]
struct KnownMilestone {
    id: Uuid,
    name: String,
    phase: Option<String>,
    owner_id: Option<Uuid>,
    owner_ref: Option<String>,
    #[serde(alias = "owner")]
    owner_name: Option<String>,
    weight: f64,
    planned_on: NaiveDate,
    state: State,
    started_on: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    depends_on: Vec<Dependency>,
    #[serde(default)]
    acceptance_criteria: Vec<String>,
    note: Option<String>,
    touched_on: Option<NaiveDate>,
    confirmed_on: Option<NaiveDate>,
    closed_at: Option<DateTime<Utc>>,
    duration_days: Option<i64>,
    credit_rule: Option<CreditRule>,
    version: i64,
}

/// Content of the ledger entry of a plan's creation.
#[derive(Debug, Deserialize)]
struct Created {
    plan: KnownPlan,
    milestones: Vec<KnownMilestone>,
}

/// Plans as they were known at an instant: these, or all that there were.
pub async fn plans_known_at(
    cx: &Context,
    at: DateTime<Utc>,
    ids: Option<&[Uuid]>,
) -> Result<Vec<PlanRecord>, ApiError> {
    let mut conn = cx.snapshot().await?;
    let records = plans::load_with(&mut conn, cx.organization_id(), ids, Some(at)).await?;
    let then = as_recorded(&mut conn, cx.organization_id(), records, ids, at).await?;
    Ok(then.into_iter().flatten().map(|recorded| recorded.record).collect())
}

/// A plan as the ledger records it.
#[derive(Debug)]
pub struct Recorded {
    /// The plan.
    pub record: PlanRecord,
    /// A milestone that the ledger knows and that has no row.
    pub missing: Option<Uuid>,
}

/// Returns plans as the ledger records them at an instant, in the same order; `None` for one that was not known.
pub async fn as_recorded(
    conn: &mut Conn,
    organization_id: Uuid,
    records: Vec<PlanRecord>,
    ids: Option<&[Uuid]>,
    at: DateTime<Utc>,
) -> Result<Vec<Option<Recorded>>, ApiError> {
    let mut entries: HashMap<Uuid, Vec<Known>> = HashMap::new();
    // What a plan waits for is looked at as it was known, too.
    let further = records.iter().flat_map(|record| record.waits_for().into_keys().collect::<Vec<_>>());
    let ids: Option<Vec<Uuid>> = ids.map(|ids| ids.iter().copied().chain(further).collect());
    for entry in ledger::known_plans(conn, organization_id, ids.as_deref(), at).await? {
        entries.entry(entry.root_id).or_default().push(entry);
    }
    let mut restored = HashMap::new();
    records.into_iter().map(|record| restore(record, &entries, &mut restored, at)).collect()
}

/// Returns a plan and what it waits for as they were known at an instant; `None` if it was not known.
fn restore(
    mut record: PlanRecord,
    entries: &HashMap<Uuid, Vec<Known>>,
    restored: &mut HashMap<Uuid, Option<Arc<PlanRecord>>>,
    at: DateTime<Utc>,
) -> Result<Option<Recorded>, ApiError> {
    let sources = std::mem::take(&mut record.sources);
    let known = entries.get(&record.plan.id).map_or(&[][..], Vec::as_slice);
    let Some(mut recorded) = as_known(record, known, at)? else { return Ok(None) };
    for source in sources {
        let other = match restored.get(&source.plan.plan.id) {
            Some(known) => known.clone(),
            None => {
                let other = restore(PlanRecord::clone(&source.plan), entries, restored, at)?;
                let other = other.map(|other| Arc::new(other.record));
                restored.insert(source.plan.plan.id, other.clone());
                other
            }
        };
        recorded.record.sources.extend(other.map(|plan| Source { plan, ..source }));
    }
    Ok(Some(recorded))
}

/// Returns what of a plan is not as another record of it says, of all that changes in place.
pub fn difference(one: &PlanRecord, other: &PlanRecord) -> Option<String> {
    if one.plan != other.plan {
        return Some("in the plan's own fields".to_owned());
    }
    let others: HashMap<Uuid, &MilestoneRow> = other.milestones.iter().map(|row| (row.id, row)).collect();
    let edges = |record: &PlanRecord| {
        let mut edges: Vec<(Uuid, Uuid, Relation, i64)> = record
            .dependencies
            .iter()
            .map(|edge| (edge.milestone_id, edge.depends_on_id, edge.relation.0, edge.lag_days))
            .collect();
        edges.sort_unstable_by_key(|(from, to, ..)| (*from, *to));
        edges
    };
    let differing = one.milestones.iter().find(|row| others.get(&row.id).is_none_or(|known| known != row));
    match differing {
        Some(row) => Some(format!("in the milestone {}", row.key)),
        None if edges(one) != edges(other) => Some("in the dependencies".to_owned()),
        None => None,
    }
}

/// Returns a plan as it was known at an instant; `None` if it was not known.
fn as_known(mut record: PlanRecord, entries: &[Known], at: DateTime<Utc>) -> Result<Option<Recorded>, ApiError> {
    let Some(created) = entries.iter().find(|entry| entry.action == "plan.created") else { return Ok(None) };
    let Created { mut plan, milestones } = read(created)?;
    let mut known: HashMap<Uuid, KnownMilestone> = milestones.into_iter().map(|one| (one.id, one)).collect();
    for entry in entries.iter().filter(|entry| entry.action != "plan.created") {
        if entry.entity_type == "plan" {
            plan = read(entry)?;
        } else {
            known.insert(entry.entity_id, read(entry)?);
        }
    }
    restore_plan(&mut record, plan);
    restore_milestones(&mut record, &known);
    known.retain(|id, _| record.milestones.iter().all(|row| row.id != *id));
    record.forecasts.retain(|row| row.recorded_at <= at);
    record.progress.retain(|row| row.recorded_at.is_none_or(|recorded_at| recorded_at <= at));
    record.baselines.retain(|row| row.created_at <= at);
    let last = record.baselines.last().map_or(0, |last| last.number);
    record.lines.retain(|row| row.number <= last);
    replan(&mut record);
    record.approvals.retain(|row| row.recorded_at <= at);
    record.costs.retain(|row| row.recorded_at <= at);
    record.communications.retain(|row| row.recorded_at <= at);
    record.misses.retain(|row| row.recorded_at <= at);
    record.corrections.retain(|row| row.recorded_at <= at);
    record.holds.retain_mut(|hold| hold.forget_after(at));
    record.valuations.retain(|row| row.recorded_at <= at);
    Ok(Some(Recorded { record, missing: known.into_keys().next() }))
}

/// Sets planned dates and weights to those of the last baseline with the milestone: nothing else changes them from then on, and
/// an entry of the same day may show those of the baseline in force.
fn replan(record: &mut PlanRecord) {
    let mut lines: HashMap<Uuid, &LineRow> = HashMap::new();
    for line in &record.lines {
        let last = lines.entry(line.milestone_id).or_insert(line);
        if line.number > last.number {
            *last = line;
        }
    }
    for row in &mut record.milestones {
        if let Some(line) = lines.get(&row.id) {
            (row.planned_on, row.weight) = (line.planned_on, line.weight);
        }
    }
}

fn read<T: DeserializeOwned>(entry: &Known) -> Result<T, ApiError> {
    Ok(serde_json::from_str(entry.after.as_deref().unwrap_or("null"))?)
}

/// Restores an owner. A person who is the owner now, too, is called what they are called now.
fn restore_owner(owner: &mut Owner, (id, external_ref, name): (Option<Uuid>, Option<String>, Option<String>)) {
    if id.is_none() || owner.id != id {
        *owner = Owner { id, external_ref, name };
    }
}

fn restore_plan(record: &mut PlanRecord, plan: KnownPlan) {
    let row = &mut record.plan;
    row.external_ref = plan.external_ref;
    row.name = plan.name;
    restore_owner(&mut row.owner, (plan.owner_id, plan.owner_ref, plan.owner_name));
    if row.customer_id != plan.customer_id {
        (row.customer_ref, row.customer_name) = (plan.customer_ref, plan.customer_name);
    }
    row.customer_id = plan.customer_id;
    row.person_id = plan.person_id;
    row.start_on = plan.start_on;
    row.weight_unit = plan.weight_unit;
    row.credit_rule = Text(plan.credit_rule);
    row.at_risk_limit_days = plan.at_risk_limit_days;
    row.update_interval_days = plan.update_interval_days;
    row.calendar = JsonText(plan.calendar);
    row.budget_minor = plan.budget_minor;
    row.currency = plan.currency;
    row.archived_at = plan.archived_at;
    row.template_version = plan.template_version;
    (row.withdrawn_on, row.withdrawal_reason) = (plan.withdrawn_on, plan.withdrawal_reason);
}

fn restore_milestones(record: &mut PlanRecord, known: &HashMap<Uuid, KnownMilestone>) {
    record.milestones.retain(|row| known.contains_key(&row.id));
    let ids: HashMap<String, Uuid> = record.milestones.iter().map(|row| (row.key.clone(), row.id)).collect();
    record.dependencies.clear();
    for row in &mut record.milestones {
        let Some(then) = known.get(&row.id) else { continue };
        row.name.clone_from(&then.name);
        row.phase.clone_from(&then.phase);
        restore_owner(&mut row.owner, (then.owner_id, then.owner_ref.clone(), then.owner_name.clone()));
        row.weight = then.weight;
        row.planned_on = then.planned_on;
        row.state = Text(then.state);
        (row.started_on, row.closed_on, row.touched_on) = (then.started_on, then.closed_on, then.touched_on);
        (row.confirmed_on, row.closed_at) = (then.confirmed_on, then.closed_at);
        (row.duration_days, row.credit_rule) = (then.duration_days, then.credit_rule.map(Text));
        row.acceptance_criteria = JsonText(then.acceptance_criteria.clone());
        (row.note, row.version) = (then.note.clone(), then.version);
        let edge = |needed: &Dependency| {
            Some(DependencyRow {
                plan_id: row.plan_id,
                milestone_id: row.id,
                depends_on_id: *ids.get(needed.as_str())?,
                relation: Text(needed.relation),
                lag_days: needed.lag_days,
            })
        };
        record.dependencies.extend(then.depends_on.iter().filter_map(edge));
    }
}
