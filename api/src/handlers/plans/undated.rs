//! Milestones without a date, such as those that a program calls ongoing. They are achievable and never overdue; earned value does not know
//! them until somebody dates them.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::NaiveDate;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::draft::MilestoneDraft;
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Key, Label, Name, Note, Reason};
use milepost_domain::values::weight::Weight;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::awarding;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::handlers::milestones::create;
use crate::paging::{Page, Paging};
use crate::precondition::IfMatchOptional;
use crate::proving;
use crate::resources::milestones::Milestone;
use crate::resources::milestones::check_record;
use crate::stepping;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::plans::{self, PlanRecord};
use crate::store::row::{self, Column as _, Condition};
use crate::store::undated_milestones::{self, UndatedMilestone};
use crate::unit::{Change, Entity, Unit};

/// Milestone without a date to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "b4", "name": "Costs were saved", "phase": "Business",
    "acceptance_criteria": ["Savings over a year are shown."]}))]
pub struct UndatedDraft {
    /// Key. Unique within the plan and usable in URLs.
    key: Key,
    /// Name: a statement that is true once the milestone is achieved.
    name: Name,
    /// Phase or track of the milestone.
    phase: Option<Label>,
    /// Acceptance criteria: conditions that must hold for the milestone to count as achieved.
    #[serde(default)]
    #[schema(max_items = 50)]
    acceptance_criteria: Vec<Note>,
}

/// Achievement of a milestone without a date.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"occurred_on": "2026-05-04"}))]
pub struct UndatedAchievement {
    /// Day on which it was achieved. Not in the future. Defaults to today.
    occurred_on: Option<NaiveDate>,
    /// Reason for achieving it although what it waits for is missing.
    override_reason: Option<Reason>,
}

/// Reason for reopening a milestone without a date.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The savings were counted twice."}))]
pub struct UndatedReopening {
    /// Reason.
    reason: Reason,
}

/// Date for a milestone that has none.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"planned_on": "2026-09-01", "weight": 2}))]
pub struct DatingDraft {
    /// Planned date. The next baseline freezes it.
    planned_on: NaiveDate,
    /// Weight: the milestone's size relative to the plan's other milestones. Defaults to 1.
    #[serde(default)]
    weight: Weight,
    /// Dependencies: keys of milestones, or keys with a relation and a lag.
    #[serde(default)]
    #[schema(max_items = 100)]
    depends_on: Vec<Dependency>,
}

/// List a plan's milestones without a date
///
/// Returns a page of them in the order in which they were added.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of milestones without a date.", body = Page<UndatedMilestone>)))]
#[get("/v1/plans/{id}/undated-milestones")]
pub async fn list_undated_milestones(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    cx.plans().await?.find(*id).ok_or_else(ApiError::not_found)?;
    let slice = paging.slice(Order::Id, Direction::Ascending)?;
    let conditions = [Condition::Equals("plan_id", id.to_value())];
    let rows: Vec<UndatedMilestone> =
        row::page(&mut cx.read().await?, cx.organization_id(), &conditions, &slice).await?;
    paging.answer(rows, |row| Position { key: None, id: row.id }, |row| row)
}

/// Create a milestone without a date
///
/// It counts in the progress of the plan, and in none of its figures. A plan has at most 500 of them.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    request_body = UndatedDraft, responses((status = 201, description = "The created milestone.", body = UndatedMilestone)))]
#[post("/v1/plans/{id}/undated-milestones")]
pub async fn create_undated_milestone(
    cx: Context,
    id: Path<Uuid>,
    body: Body<UndatedDraft>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let record = load(unit, *id).await?;
        let UndatedDraft { key, name, phase, acceptance_criteria } = body.0.clone();
        let known = undated_milestones::of_plan(&mut unit.conn, unit.organization_id, *id).await?;
        if record.position(&key).is_some() || known.iter().any(|one| one.key == key) {
            return Err(PlanRule::DuplicateKey { key: key.to_string() }.at("/key").into());
        }
        if known.len() >= MOST {
            let detail = format!("A plan may have at most {MOST} milestones without a date.");
            return Err(ApiError::new(Code::Conflict, detail));
        }
        let row = begun(unit, *id, key, name, phase, acceptance_criteria);
        add(unit, &row).await?;
        let location = format!("/v1/plans/{id}/undated-milestones/{}", row.key);
        Ok(Answer::created(location, &row)?.version(row.version))
    })
    .await
}

/// Largest number of milestones without a date in a plan.
const MOST: usize = 500;

/// Get a milestone without a date
///
/// Returns the milestone; one that was dated is among the others.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The milestone.", body = UndatedMilestone)))]
#[get("/v1/plans/{id}/undated-milestones/{undated_key}")]
pub async fn read_undated_milestone(cx: Context, path: Path<(Uuid, String)>) -> Result<Answer, ApiError> {
    let (id, key) = path.into_inner();
    let found = undated_milestones::find(&mut cx.read().await?, cx.organization_id(), id, &key).await?;
    let row = found.ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(&row)?.version(row.version))
}

/// Achieve a milestone without a date
///
/// It can be achieved only when the milestones that it waits for in the template are closed, and the prerequisites that the template names
/// hold; `override_reason` overrides this check. A badge that the template names for it is awarded to the person whom the plan serves, and
/// rewards are granted.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body(content = Option<UndatedAchievement>),
    responses((status = 200, description = "The achieved milestone.", body = UndatedMilestone)))]
#[post("/v1/plans/{id}/undated-milestones/{undated_key}/achieve")]
pub async fn achieve_undated_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<UndatedAchievement>,
) -> Result<Answer, ApiError> {
    let (id, key) = path.into_inner();
    cx.write(async |unit| {
        let (record, before) = find(&cx, unit, id, &key).await?;
        let occurred_on = body.0.occurred_on.unwrap_or(unit.today);
        if occurred_on > unit.today {
            return Err(ValueRule::InTheFuture { today: unit.today }.at("/occurred_on").into());
        }
        if before.achieved_on.is_some() {
            return Err(ValueRule::AlreadyRecorded.at("").into());
        }
        proving::check_prerequisites(&cx, unit, &record, &key, body.0.override_reason.as_ref()).await?;
        let after = stepping::achieve_undated(unit, &before, occurred_on).await?;
        awarding::for_milestone(&cx, unit, &record, &key, occurred_on).await?;
        Ok(Answer::ok(&after)?.version(after.version))
    })
    .await
}

/// Reopen a milestone without a date
///
/// It counts as never achieved. An award that it has brought stays until somebody takes it back.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = UndatedReopening,
    responses((status = 200, description = "The reopened milestone.", body = UndatedMilestone)))]
#[post("/v1/plans/{id}/undated-milestones/{undated_key}/reopen")]
pub async fn reopen_undated_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<UndatedReopening>,
) -> Result<Answer, ApiError> {
    let (id, key) = path.into_inner();
    cx.write(async |unit| {
        let (_, before) = find(&cx, unit, id, &key).await?;
        if before.achieved_on.is_none() {
            return Err(ApiError::new(Code::Conflict, "The milestone is not achieved."));
        }
        let after = stepping::reopen_undated(unit, &before, body.0.reason.clone()).await?;
        Ok(Answer::ok(&after)?.version(after.version))
    })
    .await
}

/// Date a milestone that has no date
///
/// Makes it a milestone like all others, at the end of the plan. It becomes part of the scope with the next baseline.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = DatingDraft,
    responses((status = 201, description = "The milestone with its date.", body = Milestone)))]
#[post("/v1/plans/{id}/undated-milestones/{undated_key}/date")]
pub async fn date_undated_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<DatingDraft>,
) -> Result<Answer, ApiError> {
    let (id, key) = path.into_inner();
    cx.write(async |unit| {
        let (_, undated) = find(&cx, unit, id, &key).await?;
        if undated.achieved_on.is_some() {
            return Err(ApiError::new(Code::Conflict, "The milestone is achieved: it needs no date any more."));
        }
        row::delete::<UndatedMilestone>(&mut unit.conn, unit.organization_id, undated.id).await?;
        let (entity, root) = ((Entity::UndatedMilestone, undated.id), (Entity::Plan, id));
        unit.record(Change { verb: "dated", entity, root, before: Some(&undated), after: None }).await?;
        let DatingDraft { planned_on, weight, depends_on } = body.0.clone();
        let UndatedMilestone { key, name, phase, acceptance_criteria, .. } = undated;
        let draft = MilestoneDraft {
            weight,
            depends_on,
            acceptance_criteria,
            ..MilestoneDraft::named(key, name, phase, planned_on)
        };
        create::add(&cx, unit, id, draft).await
    })
    .await
}

/// A milestone without a date that begins.
pub fn begun(
    unit: &Unit,
    plan_id: Uuid,
    key: Key,
    name: Name,
    phase: Option<Label>,
    acceptance_criteria: Vec<Note>,
) -> UndatedMilestone {
    UndatedMilestone {
        id: unit.new_id(),
        plan_id,
        key,
        name,
        phase,
        acceptance_criteria,
        achieved_on: None,
        reason: None,
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    }
}

/// Writes a milestone without a date that begins.
pub async fn add(unit: &mut Unit, row: &UndatedMilestone) -> Result<(), ApiError> {
    row::insert(&mut unit.conn, unit.organization_id, row).await?;
    let (entity, root) = ((Entity::UndatedMilestone, row.id), (Entity::Plan, row.plan_id));
    unit.record(Change { verb: "created", entity, root, before: None, after: Some(row) }).await
}

async fn load(unit: &mut Unit, id: Uuid) -> Result<PlanRecord, ApiError> {
    let found = plans::find(&mut unit.conn, unit.organization_id, id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    check_record(&record, unit.today)?;
    Ok(record)
}

async fn find(cx: &Context, unit: &mut Unit, id: Uuid, key: &str) -> Result<(PlanRecord, UndatedMilestone), ApiError> {
    let found = undated_milestones::find(&mut unit.conn, unit.organization_id, id, key).await?;
    let undated = found.ok_or_else(ApiError::not_found)?;
    cx.check_version(undated.version)?;
    Ok((load(unit, id).await?, undated))
}
