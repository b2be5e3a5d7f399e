//! Validations of a plan, one by one, and those that wait for somebody.

use actix_web::get;
use actix_web::web::Path;
use milepost_domain::recognition::impact::ImpactContent;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Loaded, Validation};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::matters::{Matter, Matters};
use crate::paging::{Page, Paging};
use crate::resource::{By, find};
use crate::store::Conn;
use crate::store::keyset::{Direction, Position};
use crate::store::validations::{self, ValidationRow};
use crate::unit::Unit;

/// Filter of validations.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ValidationFilters {
    /// Filter by the person who was asked and has not decided. Without it, all open validations are meant that the caller may see.
    waiting_for: Option<Uuid>,
}

/// List the validations of an impact
///
/// Returns a page of the validations of the impact, the oldest first.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:read"])), extensions(("x-related" = json!("list"))), params(Paging),
    responses((status = 200, description = "A page of validations.", body = Page<Validation>)))]
#[get("/v1/impacts/{impact_id}/validations")]
pub async fn list_impact_validations(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let impact = find::<ImpactContent>(&mut conn, cx.organization_id(), By::Id(*id)).await?;
    if !cx.may_see_impact(&impact) {
        return Err(ApiError::not_found());
    }
    let rows = validations::of_impact(&mut conn, cx.organization_id(), *id).await?;
    answer(&cx, &mut conn, &paging, rows).await
}

/// List the validations of a plan
///
/// Returns a page of the validations of the plan's milestones, the oldest first.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of validations.", body = Page<Validation>)))]
#[get("/v1/plans/{id}/validations")]
pub async fn list_plan_validations(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    plans.find(*id).ok_or_else(ApiError::not_found)?;
    let mut conn = cx.snapshot().await?;
    let rows = validations::of_plans(&mut conn, cx.organization_id(), &[*id]).await?;
    answer(&cx, &mut conn, &paging, rows).await
}

/// List open validations
///
/// Returns a page of the open validations that the caller may see, the oldest first: those of their plans and people, and those for which they
/// were asked. `waiting_for` leaves what waits for one person's decision.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, ValidationFilters), responses((status = 200, description = "A page of validations.", body = Page<Validation>)))]
#[get("/v1/validations")]
pub async fn list_validations(
    cx: Context,
    paging: Paging,
    filters: Query<ValidationFilters>,
) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let mut rows = validations::open(&mut conn, cx.organization_id()).await?;
    if let Some(person_id) = filters.0.waiting_for {
        let asks = validations::waiting_for(&mut conn, cx.organization_id(), person_id).await?;
        rows.retain(|row| asks.iter().any(|ask| ask.validation_id == row.id));
    }
    answer(&cx, &mut conn, &paging, rows).await
}

/// Get a validation
///
/// Returns the validation with who was asked and what they have decided.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("list"))),
    responses((status = 200, description = "The validation.", body = Validation)))]
#[get("/v1/validations/{validation_id}")]
pub async fn read_validation(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let (Loaded { row, asks, .. }, matter) = seen(&cx, *id).await?;
    if !cx.may_see_validation(&matter, &asks) {
        return Err(ApiError::not_found());
    }
    let version = row.version;
    Ok(Answer::ok(&Validation::of(row, asks, &matter))?.version_and_content(version))
}

/// A validation with its matter.
pub(super) async fn seen(cx: &Context, id: Uuid) -> Result<(Loaded, Matter), ApiError> {
    let mut conn = cx.snapshot().await?;
    let loaded = Loaded::find(&mut conn, cx.organization_id(), id).await?;
    let matters = Matters::load(cx, &mut conn, std::slice::from_ref(&loaded.row)).await?;
    let matter = matters.of(&loaded.row).ok_or_else(ApiError::not_found)?;
    Ok((loaded, matter))
}

/// The same inside a unit, where an impact is what it is now.
pub(super) async fn reloaded(
    cx: &Context,
    unit: &mut Unit,
    id: Uuid,
    seen: &Matter,
) -> Result<(Loaded, Matter), ApiError> {
    let (loaded, matter) = again(unit, id, seen).await?;
    cx.check_version(loaded.row.version)?;
    Ok((loaded, matter))
}

/// The same for whoever names no version.
pub(super) async fn again(unit: &mut Unit, id: Uuid, seen: &Matter) -> Result<(Loaded, Matter), ApiError> {
    let loaded = Loaded::find(&mut unit.conn, unit.organization_id, id).await?;
    loaded.check_open()?;
    let matter = match seen {
        Matter::Milestone(_) => seen.clone(),
        Matter::Impact(known) => {
            let found = find::<ImpactContent>(&mut unit.conn, unit.organization_id, By::Id(known.id)).await?;
            Matter::Impact(Box::new(found))
        }
    };
    Ok((loaded, matter))
}

pub(super) async fn answer(
    cx: &Context,
    conn: &mut Conn,
    paging: &Paging,
    rows: Vec<ValidationRow>,
) -> Result<Answer, ApiError> {
    let matters = Matters::load(cx, conn, &rows).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut asks = validations::asks_of(conn, cx.organization_id(), &ids).await?;
    let shown = rows.into_iter().filter_map(|row| {
        let asks = asks.remove(&row.id).unwrap_or_default();
        let matter = matters.of(&row).filter(|matter| cx.may_see_validation(matter, &asks))?;
        Some(Validation::of(row, asks, &matter))
    });
    let position = |one: &Validation| Position { key: None, id: one.id };
    paging.answer_sorted(Direction::Ascending, shown.collect(), position, |one| one)
}
