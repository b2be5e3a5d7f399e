//! Erasure of a customer or a person: rows, usage events, and what the ledger said of them. The chain of the ledger holds, and says
//! that something was erased.

use milepost_domain::customer::account::CustomerContent;
use milepost_domain::ledger::ranges;
use milepost_domain::people::responsibility::Responsibility;
use serde::{Deserialize, Serialize};
use strum::VariantArray as _;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::erasure::{ERASED, Erasure};
use crate::error::ApiError;
use crate::handlers::access::roles::check_not_last_admin;
use crate::handlers::people::giving::{give, give_escalations, ids};
use crate::merging::change_each;
use crate::resource::{By, Referred, Resource, check_stands, find};
use crate::store::customers::Customer;
use crate::store::erasure::Extent;
use crate::store::ledger;
use crate::store::measured_events::Span;
use crate::store::owner::Owner;
use crate::store::row::{self, Column as _, Condition};
use crate::store::{
    reference_periods, rejected_messages, responsibilities, segment_marks, unknown_subjects, usage_events,
};
use crate::unit::{Change, Entity, Unit};

/// Way of erasing.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ErasureOptions {
    /// Whether to report only what would be erased. Defaults to `false`.
    dry_run: Option<bool>,
}

/// Report of an erasure: numbers of what was erased, or would be.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "customers": 1, "people": 12, "plans": 2, "interventions": 4, "usage_events": 30_112, "ledger_entries": 87
}))]
pub struct ErasureReport {
    /// Whether nothing was changed.
    dry_run: bool,
    /// Number of customers, with those that were merged into one.
    #[schema(maximum = 1_000_000)]
    customers: usize,
    /// Number of people, with those that were merged into one.
    #[schema(maximum = 1_000_000)]
    people: usize,
    /// Number of plans.
    #[schema(maximum = 1_000_000)]
    plans: usize,
    /// Number of interventions.
    #[schema(maximum = 1_000_000)]
    interventions: usize,
    /// Number of usage events.
    #[schema(maximum = 1_000_000_000)]
    usage_events: u64,
    /// Number of ledger entries whose content was erased.
    #[schema(maximum = 1_000_000_000)]
    ledger_entries: usize,
}

/// A resource that can be erased.
pub trait Erasable: Referred {
    /// Everything that belongs to it.
    fn extent(unit: &mut Unit, id: Uuid) -> impl Future<Output = sqlx::Result<Extent>>;
}

/// Erases a customer or a person, or says what that would erase.
pub async fn erase<T: Erasable>(cx: &Context, id: Uuid, options: ErasureOptions) -> Result<Answer, ApiError> {
    if options.dry_run.unwrap_or_default() {
        // What is not committed has not happened.
        let mut unit = cx.begin().await?;
        let found = checked::<T>(cx, &mut unit, id).await?;
        return Answer::ok(&apply(&mut unit, &found, true).await?);
    }
    cx.write(async |unit| {
        let found = checked::<T>(cx, unit, id).await?;
        Answer::ok(&apply(unit, &found, false).await?)
    })
    .await
}

async fn checked<T: Erasable>(cx: &Context, unit: &mut Unit, id: Uuid) -> Result<Resource<T>, ApiError> {
    let found = find::<T>(&mut unit.conn, unit.organization_id, By::Id(id)).await?;
    cx.check_version(found.version())?;
    check_stands(&found)?;
    Ok(found)
}

async fn apply<T: Erasable>(unit: &mut Unit, found: &Resource<T>, dry_run: bool) -> Result<ErasureReport, ApiError> {
    let id: Uuid = found.id;
    let extent = T::extent(unit, id).await?;
    check_not_last_admin(unit, &extent.people, "").await?;
    part_from(unit, &extent.customers).await?;
    relieve(unit, &extent).await?;
    let usage_events = erase_events(unit, &extent).await?;
    extent.remove(&mut unit.conn, unit.organization_id).await?;
    let mut erased = ledger::erase(&mut unit.conn, unit.organization_id, &extent.all(), unit.now).await?;
    erased.extend(ledger::erase_mentions(&mut unit.conn, unit.organization_id, &extent.people, unit.now).await?);
    erased.sort_unstable();
    let (people, plans, interventions) = (extent.people.len(), extent.plans.len(), extent.interventions.len());
    let erasure = Erasure { people, plans, interventions, usage_events, erased_entries: ranges(&erased) };
    // The other things' entries tell those who follow the ledger that they are gone.
    for (entity, ids) in [(Entity::Plan, &extent.plans), (Entity::Person, &extent.people)] {
        for other in ids.iter().filter(|other| **other != id) {
            record(unit, (entity, *other), None).await?;
        }
    }
    record(unit, (T::ENTITY, id), Some(&erasure)).await?;
    let (customers, ledger_entries) = (extent.customers.len(), erased.len());
    Ok(ErasureReport { dry_run, customers, people, plans, interventions, usage_events, ledger_entries })
}

async fn record(unit: &mut Unit, of: (Entity, Uuid), after: Option<&Erasure>) -> Result<(), ApiError> {
    unit.record(Change { verb: ERASED, entity: of, root: of, before: None, after }).await
}

/// Makes the parts of customers that go stand for themselves.
async fn part_from(unit: &mut Unit, customers: &[Uuid]) -> Result<(), ApiError> {
    let conditions = [Condition::OneOf("parent_id", customers.iter().map(Uuid::to_value).collect())];
    let parts: Vec<Customer> = row::all(&mut unit.conn, unit.organization_id, &conditions, "id").await?;
    let parts: Vec<Uuid> = parts.iter().map(|part| part.id).filter(|id| !customers.contains(id)).collect();
    change_each(unit, &parts, |part: &mut CustomerContent| (part.parent_id, part.parent_ref) = (None, None)).await
}

/// Makes what people who go are responsible for, and stays, nobody's.
async fn relieve(unit: &mut Unit, extent: &Extent) -> Result<(), ApiError> {
    let (gone, nobody) = (extent.all(), Owner::default());
    for kind in Responsibility::VARIANTS {
        let ids = ids(&mut unit.conn, unit.organization_id, *kind, &extent.people).await?;
        let mut stay: Vec<Uuid> = ids.into_iter().filter(|id| !gone.contains(id)).collect();
        if *kind == Responsibility::Milestones {
            let plans = responsibilities::plans_of(&mut unit.conn, unit.organization_id, &stay).await?;
            stay = plans.into_iter().filter(|(plan, _)| !gone.contains(plan)).flat_map(|(_, own)| own).collect();
        }
        give(unit, *kind, &stay, &extent.people, &nobody, "").await?;
    }
    give_escalations(unit, &extent.people, &nobody).await
}

/// Deletes the usage events under all references, and what else was kept under these; returns the number of events.
async fn erase_events(unit: &mut Unit, extent: &Extent) -> Result<u64, ApiError> {
    let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
    let holders: Vec<Uuid> = [&extent.customers[..], &extent.people].concat();
    let references = reference_periods::of_holders(conn, organization_id, &holders).await?;
    let mut erased = 0;
    for row in references.values().flatten() {
        erased += usage_events::erase(conn, organization_id, &Span::from(row), unit.now).await?;
        rejected_messages::forget(conn, organization_id, &row.external_ref).await?;
        segment_marks::forget(conn, organization_id, row.kind, &row.external_ref).await?;
        unknown_subjects::remove(conn, organization_id, &row.external_ref).await?;
    }
    Ok(erased)
}
