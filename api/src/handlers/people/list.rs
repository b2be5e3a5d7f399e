//! Listing people.

use actix_web::get;
use milepost_domain::values::text::Label;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::paging::{NameSort, Page, Paging, PagingParams};
use crate::store::people::{self, Filter, Person, PersonKind};

/// Which people, and in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PersonFilters {
    /// Name contains this text, without regard to case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Only of this kind.
    #[param(inline)]
    kind: Option<PersonKind>,
    /// Only of this customer.
    customer_id: Option<Uuid>,
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

/// Lists people
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), params(PagingParams, PersonFilters),
    responses((status = 200, description = "A page of people.", body = Page<Person>)))]
#[get("/v1/people")]
pub async fn list_people(cx: Context, paging: Paging, filters: Query<PersonFilters>) -> Result<Answer, ApiError> {
    let filters = filters.0;
    let sort = filters.sort.unwrap_or_default();
    let filter = Filter {
        search: filters.q,
        kind: filters.kind,
        customer_id: filters.customer_id,
        segment: filters.segment.map(String::from),
        owner: filters.owner.map(String::from),
        archived: filters.archived.unwrap_or_default(),
    };
    let slice = paging.slice(sort.order(), sort.direction())?;
    let rows = people::list(&mut cx.read().await?, cx.organization_id(), &filter, &slice).await?;
    paging.answer(rows, |person| sort.position(&person.name, person.id), |person| person)
}
