//! Listing plans. The list is filtered in memory because the status of a plan is computed.

use actix_web::get;
use chrono::NaiveDate;
use milepost_domain::plan::Kind;
use milepost_domain::plan::schedule::Status;
use milepost_domain::values::text::{ExternalRef, Label, folded};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::Plan;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{Page, Paging};
use crate::read_model::PlanView;
use crate::store::customers;
use crate::store::keyset::{Direction, Key, Order, Position};

/// Filters of the plan list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlanFilters {
    /// Filter by customer.
    pub customer_id: Option<Uuid>,
    /// Filter by external reference of the customer.
    #[param(inline)]
    pub customer_ref: Option<ExternalRef>,
    /// Filter by kind of plan.
    #[param(inline)]
    pub kind: Option<Kind>,
    /// Filter by owner (exact match).
    #[param(inline)]
    pub owner: Option<Label>,
    /// Filter by status at the date.
    #[param(inline)]
    pub status: Option<Status>,
    /// Text that the name contains, ignoring case.
    #[param(min_length = 1, max_length = 200)]
    pub q: Option<String>,
    /// Filter by overdue reviews: `true` for plans whose review is overdue, `false` for the others.
    pub review_overdue: Option<bool>,
    /// Filter by unexplained misses: `true` for plans with milestones whose planned date has passed without an
    /// explanation, `false` for the others.
    pub unexplained_misses: Option<bool>,
    /// Whether to return archived plans instead of active plans. Defaults to false.
    pub archived: Option<bool>,
}

impl PlanFilters {
    /// Replaces a customer's external reference by its identifier; `None` if there is no such customer and thus no
    /// matching plan.
    pub async fn resolve(mut self, cx: &Context) -> Result<Option<Self>, ApiError> {
        if let Some(external_ref) = self.customer_ref.take() {
            let found =
                customers::find_by_ref(&mut cx.read().await?, cx.organization_id(), external_ref.as_str()).await?;
            let Some(customer) = found else { return Ok(None) };
            if self.customer_id.is_some_and(|id| id != customer.id) {
                return Ok(None);
            }
            self.customer_id = Some(customer.id);
        }
        self.q = self.q.map(|text| folded(&text));
        Ok(Some(self))
    }

    /// Whether a plan matches the filters at a date.
    pub fn admit(&self, plan: &PlanView, as_of: NaiveDate) -> bool {
        let row = &plan.row;
        row.archived_at.is_some() == self.archived.unwrap_or_default()
            && self.customer_id.is_none_or(|id| row.customer_id == Some(id))
            && self.kind.is_none_or(|kind| row.kind.0 == kind)
            && self.owner.as_ref().is_none_or(|owner| row.owner.as_deref() == Some(owner.as_str()))
            && self.q.as_ref().is_none_or(|text| plan.name_folded.contains(text.as_str()))
            && self.review_overdue.is_none_or(|wanted| plan.is_review_overdue(as_of) == wanted)
            && self.admit_summary(plan, as_of)
    }
}

impl PlanFilters {
    /// Checks the filters that need the whole plan. They are applied last, and only if set.
    fn admit_summary(&self, plan: &PlanView, as_of: NaiveDate) -> bool {
        if self.status.is_none() && self.unexplained_misses.is_none() {
            return true;
        }
        let summary = plan.facts.summary(as_of);
        self.status.is_none_or(|status| summary.counts.overall() == status)
            && self.unexplained_misses.is_none_or(|wanted| (summary.unexplained_misses > 0) == wanted)
    }
}

/// The position of a plan in lists and reports.
pub fn position(plan: &PlanView) -> Position {
    Position { key: Some(Key::Text(plan.name_folded.clone())), id: plan.row.id }
}

/// List plans
///
/// Returns the plans with their status and figures as of today, sorted by name, ignoring case. Archived plans are
/// returned only with `archived=true`, and then without the active plans.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), params(Paging, PlanFilters),
    responses((status = 200, description = "A page of plans.", body = Page<Plan>)))]
#[get("/v1/plans")]
pub async fn list_plans(cx: Context, paging: Paging, filters: Query<PlanFilters>) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    let today = cx.today();
    let slice = paging.slice(Order::Text("name_folded"), Direction::Ascending)?;
    let filters = filters.0.resolve(&cx).await?;
    let admit = |plan: &&PlanView| filters.as_ref().is_some_and(|filters| filters.admit(plan, today));
    let page: Vec<&PlanView> = plans.after(slice.after.as_ref()).filter(admit).take(slice.rows).collect();
    paging.answer(page, |plan| position(plan), |plan| Plan::at(plan, today))
}
