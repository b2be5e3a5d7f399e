//! Listing plans. The list is filtered in memory because the status of a plan is computed.

use actix_web::get;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use milepost_domain::access::Scope;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::people::PersonContent;
use milepost_domain::plan::Kind;
use milepost_domain::plan::schedule::Status;
use milepost_domain::values::text::{ExternalRef, folded};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::Plan;
use crate::answer::Answer;
use crate::clock::date_in;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::moment::AsOf;
use crate::owner::OwnerParameters;
use crate::paging::{NameSort, Page, Paging};
use crate::read_model::PlanView;
use crate::reference::{self, Named, Sought};
use crate::store::keyset::{Key, Position};
use crate::store::owner::OwnerFilter;

/// Filters of the plan list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlanFilters {
    /// Filter by external reference of the plan. Repeat the parameter for several references.
    #[serde(default)]
    #[param(max_items = 50)]
    pub external_ref: Vec<ExternalRef>,
    /// Filter by customer.
    pub customer_id: Option<Uuid>,
    /// Filter by external reference of the customer.
    #[param(inline)]
    pub customer_ref: Option<ExternalRef>,
    /// Filter by person.
    pub person_id: Option<Uuid>,
    /// Filter by external reference of the person.
    #[param(inline)]
    pub person_ref: Option<ExternalRef>,
    /// Filter by kind of plan. Repeat the parameter for several kinds.
    #[serde(default)]
    #[param(max_items = 10)]
    pub kind: Vec<Kind>,
    /// Filter by status at the date. Repeat the parameter for several statuses.
    #[serde(default)]
    #[param(max_items = 10)]
    pub status: Vec<Status>,
    /// Text that the name contains, ignoring case.
    #[param(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// Filter by overdue reviews: `true` for plans whose review is overdue, `false` for the others.
    pub review_overdue: Option<bool>,
    /// Filter by unexplained misses: `true` for plans with milestones whose planned date has passed without an
    /// explanation, `false` for the others.
    pub unexplained_misses: Option<bool>,
    /// Whether to return plans that were archived by the date instead of those that were not. Defaults to false.
    pub archived: Option<bool>,
    /// Only plans that changed at this time or later, together with their milestones.
    pub updated_since: Option<DateTime<Utc>>,
}

/// Order of the plan list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlanOrder {
    /// Sort order: `name` (the default), `-name`, `created_at` or `-created_at`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// Filters of plans whose references are resolved.
#[derive(Debug)]
pub struct PlanSelection {
    filters: PlanFilters,
    customer: Sought,
    person: Sought,
    owners: OwnerFilter,
    zone: Tz,
}

impl PlanFilters {
    /// Finds the customer, the person and the owners that the filters name.
    pub async fn resolve(mut self, cx: &Context, owners: &OwnerParameters) -> Result<PlanSelection, ApiError> {
        let customer = Named { id: self.customer_id, external_ref: self.customer_ref.as_ref() };
        let customer = reference::sought::<CustomerContent>(cx, customer).await?;
        let person = Named { id: self.person_id, external_ref: self.person_ref.as_ref() };
        let person = reference::sought::<PersonContent>(cx, person).await?;
        self.q = self.q.map(|text| folded(&text));
        let owners = owners.filter(cx).await?;
        Ok(PlanSelection { filters: self, customer, person, owners, zone: cx.who.tenant.zone })
    }
}

impl PlanSelection {
    /// Whether a plan matches the filters at a date.
    pub fn admits(&self, plan: &PlanView, as_of: NaiveDate) -> bool {
        let (filters, row) = (&self.filters, &plan.row);
        row.archived_at.is_some_and(|at| date_in(self.zone, at) <= as_of) == filters.archived.unwrap_or_default()
            && self.customer.admits(row.customer_id)
            && self.person.admits(row.person_id)
            && is_one_of(&filters.external_ref, |own| row.external_ref.as_deref() == Some(own.as_str()))
            && is_one_of(&filters.kind, |kind| *kind == row.kind.0)
            && self.owners.admits(&row.owner)
            && filters.q.as_ref().is_none_or(|text| plan.name_folded.contains(text.as_str()))
            && filters.review_overdue.is_none_or(|wanted| plan.is_review_overdue(as_of) == wanted)
            && filters.updated_since.is_none_or(|at| row.updated_at >= at)
            && self.admits_summary(plan, as_of)
    }

    /// Checks the filters that need the whole plan. They are applied last, and only if set.
    fn admits_summary(&self, plan: &PlanView, as_of: NaiveDate) -> bool {
        let PlanFilters { status, unexplained_misses, .. } = &self.filters;
        if status.is_empty() && unexplained_misses.is_none() {
            return true;
        }
        let summary = plan.summary(as_of);
        is_one_of(status, |status| summary.counts.overall() == *status)
            && unexplained_misses.is_none_or(|wanted| (summary.unexplained_misses > 0) == wanted)
    }
}

/// Whether one of the values fits; all fit if none is asked for.
pub fn is_one_of<T>(values: &[T], fits: impl Fn(&T) -> bool) -> bool {
    values.is_empty() || values.iter().any(fits)
}

/// The position of a plan in lists and reports.
pub fn position(plan: &PlanView) -> Position {
    Position { key: Some(Key::Text(plan.name_folded.clone())), id: plan.row.id }
}

/// List plans
///
/// Returns the plans with their status and figures at the date, by name unless sorted otherwise. Archived plans are
/// returned only with `archived=true`, and then without the active plans.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, AsOf, PlanFilters, OwnerParameters, PlanOrder),
    responses((status = 200, description = "A page of plans.", body = Page<Plan>)))]
#[get("/v1/plans")]
pub async fn list_plans(
    cx: Context,
    paging: Paging,
    AsOf(as_of): AsOf,
    filters: Query<PlanFilters>,
    owners: Query<OwnerParameters>,
    order: Query<PlanOrder>,
) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    let sort = order.0.sort.unwrap_or_default();
    let slice = paging.slice(sort.order(), sort.direction())?;
    let selection = filters.0.resolve(&cx, &owners.0).await?;
    let behind = plans.sorted(slice.order, slice.direction, slice.after.as_ref());
    let page: Vec<&PlanView> = behind
        .filter(|plan| cx.may_with_plan(Scope::PlansRead, plan) && selection.admits(plan, as_of))
        .take(slice.rows)
        .collect();
    paging.answer(page, |plan| sort.position(&plan.row.name, plan.row.id), |plan| Plan::at(plan, as_of))
}
