//! Creation of milestones.

use actix_web::post;
use actix_web::web::Path;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::draft::{MilestoneDraft, Neighbour, Surroundings, check_addition};
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::rule::Rule as _;
use sqlx::types::Text;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::owner;
use crate::resources::milestones::check_record;
use crate::resources::milestones::{Milestone, NewRows, new_rows, owner_of, save};
use crate::store::milestones::{self, DependencyRow};
use crate::store::plans::{self, PlanRecord};
use crate::store::undated_milestones;
use crate::unit::Unit;

/// Maximum number of milestones in a plan.
const MOST: usize = 5000;

/// Create a milestone
///
/// The milestone is added at the end of the plan and becomes part of the scope with the next baseline. A plan has at
/// most 5000 milestones.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    request_body = MilestoneDraft,
    responses((status = 201, description = "The created milestone.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones")]
pub async fn create_milestone(cx: Context, id: Path<Uuid>, body: Body<MilestoneDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| add(&cx, unit, *id, body.0.clone()).await).await
}

/// Adds a milestone at the end of a plan.
pub async fn add(cx: &Context, unit: &mut Unit, id: Uuid, mut draft: MilestoneDraft) -> Result<Answer, ApiError> {
    let found = plans::find(&mut unit.conn, unit.organization_id, id).await?;
    let mut record = found.ok_or_else(ApiError::not_found)?;
    check_record(&record, unit.today)?;
    if record.milestones.len() >= MOST {
        return Err(ApiError::new(Code::Conflict, format!("A plan may have at most {MOST} milestones.")));
    }
    draft.planned_on = record.plan.calendar.0.taken(draft.planned_on);
    within(&record, |plan| check_addition(&draft, plan, unit.today)).map_err(ApiError::of_change)?;
    if undated_milestones::find(&mut unit.conn, unit.organization_id, id, &draft.key).await?.is_some() {
        return Err(PlanRule::DuplicateKey { key: draft.key.to_string() }.at("/key").into());
    }
    let position = record.milestones.last().map_or(1, |last| last.position + 1);
    let owner = owner::resolve(&mut unit.conn, unit.organization_id, "owner", owner_of(&draft)).await?;
    cx.check_named_person("owner", owner.id)?;
    let NewRows { milestone: row, forecasts, progress } = new_rows(unit, id, position, &draft, owner);
    let edges = edges(&record, row.id, &draft.depends_on);
    milestones::insert(&mut unit.conn, unit.organization_id, std::slice::from_ref(&row)).await?;
    milestones::insert_dependencies(&mut unit.conn, unit.organization_id, &edges).await?;
    milestones::insert_forecasts(&mut unit.conn, unit.organization_id, &forecasts).await?;
    milestones::insert_progress(&mut unit.conn, unit.organization_id, &progress).await?;
    record.progress.extend(progress);
    record.milestones.push(row);
    record.dependencies.extend(edges);
    record.forecasts.extend(forecasts);
    let last = record.milestones.len() - 1;
    save(unit, &mut record, last, None, "created").await?.answer_created()
}

/// Runs a check against the plan that a milestone belongs to.
pub fn within<R>(record: &PlanRecord, check: impl FnOnce(Surroundings<'_>) -> R) -> R {
    let by_milestone = record.by_milestone();
    let links: Vec<Vec<Dependency>> =
        record.milestones.iter().map(|row| by_milestone.dependencies_of(row.id)).collect();
    let neighbours: Vec<Neighbour<'_>> = record
        .milestones
        .iter()
        .zip(&links)
        .map(|(row, depends_on)| Neighbour { key: &row.key, planned_on: row.planned_on, depends_on })
        .collect();
    let (start_on, calendar) = (record.plan.start_on, &record.plan.calendar.0);
    check(Surroundings { milestones: &neighbours, start_on, calendar })
}

/// Returns the rows of a milestone's dependencies, without duplicates.
pub fn edges(record: &PlanRecord, milestone_id: Uuid, depends_on: &[Dependency]) -> Vec<DependencyRow> {
    let edge = |row: &milestones::MilestoneRow| {
        let needed = depends_on.iter().find(|needed| needed.as_str() == row.key)?;
        Some(DependencyRow {
            plan_id: record.plan.id,
            milestone_id,
            depends_on_id: row.id,
            relation: Text(needed.relation),
            lag_days: needed.lag_days,
        })
    };
    record.milestones.iter().filter_map(edge).collect()
}
