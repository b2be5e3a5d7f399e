//! Reading interventions and their notes.

use actix_web::get;
use actix_web::web::Path;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::values::text::{ExternalRef, Label};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{Page, Paging};
use crate::reference::{self, Named};
use crate::resources::interventions::Intervention;
use crate::store::interventions::InterventionRow;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::row::{self, Condition};

/// Filters of the intervention list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InterventionFilters {
    /// Filter by customer.
    customer_id: Option<Uuid>,
    /// Filter by external reference of the customer.
    #[param(inline)]
    customer_ref: Option<ExternalRef>,
    /// Filter by owner (exact match). Repeat the parameter for several owners.
    #[serde(default)]
    #[param(max_items = 50)]
    owner: Vec<Label>,
    /// Filter by openness: `true` for interventions that are not done, `false` for those that are.
    open: Option<bool>,
}

/// List interventions
///
/// Returns interventions of all customers, the most recently opened first. Filters narrow the list down.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:read"])), params(Paging, InterventionFilters),
    responses((status = 200, description = "A page of interventions.", body = Page<Intervention>)))]
#[get("/v1/interventions")]
pub async fn list_interventions(
    cx: Context,
    paging: Paging,
    filters: Query<InterventionFilters>,
) -> Result<Answer, ApiError> {
    let InterventionFilters { customer_id, customer_ref, owner, open } = filters.0;
    let customer = Named { id: customer_id, external_ref: customer_ref.as_ref() };
    let mut conditions = vec![];
    conditions.extend(reference::condition::<CustomerContent>(&cx, "customer_id", customer).await?);
    conditions.extend(Condition::one_of("owner", &owner));
    conditions.extend(open.map(|is_open| Condition::IsPresent("done_on", !is_open)));
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let rows = row::page(&mut cx.read().await?, cx.organization_id(), &conditions, &slice).await?;
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
    let row: Option<InterventionRow> = row::find(&mut cx.read().await?, cx.organization_id(), *id).await?;
    let row = row.ok_or_else(ApiError::not_found)?;
    let version = row.version;
    Ok(Answer::ok(&Intervention::of(row, cx.today()))?.version_and_content(version))
}
