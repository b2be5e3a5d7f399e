//! Reading interventions and their notes.

use actix_web::get;
use actix_web::web::Path;
use milepost_domain::values::text::Label;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::InterventionNote;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{Page, Paging, PagingParams};
use crate::resources::interventions::Intervention;
use crate::store::interventions::{self, Filter, InterventionRow};
use crate::store::keyset::{Direction, Order, Position};

/// Filters of the intervention list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InterventionFilters {
    /// Filter by customer.
    customer_id: Option<Uuid>,
    /// Filter by owner (exact match).
    #[param(inline)]
    owner: Option<Label>,
    /// Filter by completion: `true` for interventions that are done, `false` for all others.
    done: Option<bool>,
}

/// Notes on an intervention.
#[derive(Debug, Serialize, ToSchema)]
pub struct InterventionNotes {
    /// Notes, oldest first.
    #[schema(max_items = 100_000)]
    data: Vec<InterventionNote>,
}

/// List interventions
///
/// Returns interventions of all customers, the most recently opened first. Filters narrow the list down.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:read"])), params(PagingParams, InterventionFilters),
    responses((status = 200, description = "A page of interventions.", body = Page<Intervention>)))]
#[get("/v1/interventions")]
pub async fn list_interventions(
    cx: Context,
    paging: Paging,
    filters: Query<InterventionFilters>,
) -> Result<Answer, ApiError> {
    let InterventionFilters { customer_id, owner, done } = filters.0;
    let filter = Filter { customer_id, owner: owner.map(String::from), is_done: done, ..Filter::default() };
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let rows = interventions::list(&mut cx.read().await?, cx.organization_id(), &filter, Some(&slice)).await?;
    let today = cx.today();
    let position = |row: &InterventionRow| Position { key: None, id: row.id };
    paging.answer(rows, position, |row| Intervention::of(row, today))
}

/// Get an intervention
///
/// Returns the intervention as it stands today: `status`, `overdue` and `escalated_to` depend on the date.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The intervention.", body = Intervention)))]
#[get("/v1/interventions/{id}")]
pub async fn read_intervention(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let row = interventions::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    let version = row.version;
    Ok(Answer::ok(&Intervention::of(row, cx.today()))?.version_and_content(version))
}

/// List the notes on an intervention
///
/// Returns all notes, oldest first.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The notes on the intervention.", body = InterventionNotes)))]
#[get("/v1/interventions/{id}/notes")]
pub async fn list_intervention_notes(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    interventions::find(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    let rows = interventions::notes(&mut conn, cx.organization_id(), *id).await?;
    Ok(Answer::ok(&InterventionNotes { data: rows.into_iter().map(InterventionNote::from).collect() })?.content_tag())
}
