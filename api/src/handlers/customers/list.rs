//! Listing customers.

use actix_web::get;
use milepost_domain::values::text::Label;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{NameSort, Page, Paging, PagingParams};
use crate::store::customers::{self, Customer, Filter};

/// Which customers, and in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CustomerFilters {
    /// Name contains this text, without regard to case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Exactly this segment.
    #[param(inline)]
    segment: Option<Label>,
    /// Exactly this owner.
    #[param(inline)]
    owner: Option<Label>,
    /// Archived ones instead of those that are not.
    archived: Option<bool>,
    /// `name` (the default), `-name`, `created_at` or `-created_at`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// Lists customers
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:read"])), params(PagingParams, CustomerFilters),
    responses((status = 200, description = "A page of customers.", body = Page<Customer>)))]
#[get("/v1/customers")]
pub async fn list_customers(cx: Context, paging: Paging, filters: Query<CustomerFilters>) -> Result<Answer, ApiError> {
    let filters = filters.0;
    let sort = filters.sort.unwrap_or_default();
    let filter = Filter {
        search: filters.q,
        segment: filters.segment.map(String::from),
        owner: filters.owner.map(String::from),
        archived: filters.archived.unwrap_or_default(),
    };
    let slice = paging.slice(sort.order(), sort.direction())?;
    let rows = customers::list(&mut cx.read().await?, cx.organization_id(), &filter, &slice).await?;
    paging.answer(rows, |customer| sort.position(&customer.name, customer.id), |customer| customer)
}
