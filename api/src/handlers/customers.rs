//! Customers.

use actix_web::web::Path;
use actix_web::{delete, get, patch, post, put};
use chrono::{DateTime, Utc};
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::nesting::may_be_part_of;
use milepost_domain::values::text::{ExternalRef, Label, folded};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::answer::Answer;
use crate::bulk::{BulkRequest, BulkResults, put_all};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query, parse_path, reference_or_404};
use crate::handlers::erasing::{self, Erasable, ErasureOptions, ErasureReport};
use crate::owner::{self, NamedOwner, OwnerParameters};
use crate::paging::{NameSort, Page, Paging};
use crate::precondition::{IfMatch, UpsertConditions};
use crate::reference::{self, Named};
use crate::resource::{self, By, Item, Managed, MergePatch, Nested, Referred, above};
use crate::store::customers::{self, Customer};
use crate::store::erasure::Extent;
use crate::store::kept::Mergeable;
use crate::store::memberships;
use crate::store::reference_periods::{self, Holder};
use crate::store::row::{Column as _, Condition, Removal};
use crate::unit::{Entity, Unit};

type CustomerPatch = MergePatch<CustomerContent>;
type CustomerItem = Item<CustomerContent>;

impl Managed for CustomerContent {
    type Stamp = Mergeable;
    const ENTITY: Entity = Entity::Customer;
    const PATH: &'static str = "/v1/customers";

    const REFERENCES: &'static [&'static str] = &["parent", "owner"];

    async fn settle(&mut self, unit: &mut Unit, before: Option<&Customer>) -> Result<(), ApiError> {
        let owner = before.map(|one| NamedOwner::of(one.owner_id, one.owner_ref.as_ref(), one.owner_name.as_ref()));
        let fields = (&mut self.owner_id, &mut self.owner_ref, &mut self.owner_name);
        owner::complete(&mut unit.conn, unit.organization_id, "owner", fields, owner.unwrap_or_default()).await?;
        let known = before.map(|one| Named { id: one.parent_id, external_ref: one.parent_ref.as_ref() });
        let fields = (&mut self.parent_id, &mut self.parent_ref);
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        reference::complete::<Self>(conn, organization_id, "parent", fields, known.unwrap_or_default()).await?;
        if before.is_some_and(|before| before.parent_id == self.parent_id) {
            return Ok(());
        }
        let above = above::<Self>(unit, self.parent_id).await?;
        may_be_part_of(before.map(|before| before.id), &above).map_err(|rule| rule.at("/parent_id").into())
    }

    async fn saved(unit: &mut Unit, before: Option<&Customer>, after: &Customer) -> Result<(), ApiError> {
        let own = after.external_ref.as_ref();
        let Some(own) = own.filter(|own| before.is_none_or(|before| before.external_ref.as_ref() != Some(*own))) else {
            return Ok(());
        };
        let (new_id, holder) = (unit.new_id(), (Holder::Customer, after.id));
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        reference_periods::give(conn, organization_id, new_id, holder, own.as_str(), unit.now).await?;
        if before.is_some_and(|before| before.external_ref.is_none()) {
            memberships::attribute_people_of(conn, organization_id, after.id, unit.now).await?;
        }
        Ok(())
    }

    async fn remove(unit: &mut Unit, id: Uuid) -> Result<Removal, ApiError> {
        let removal = customers::delete(&mut unit.conn, unit.organization_id, id).await?;
        if removal == Removal::Removed {
            reference_periods::forget(&mut unit.conn, unit.organization_id, id, unit.now).await?;
        }
        Ok(removal)
    }
}

impl Nested for CustomerContent {
    fn parent_id(&self) -> Option<Uuid> {
        self.parent_id
    }
}

impl Referred for CustomerContent {
    const UNKNOWN: &'static str = "unknown_customer";
    const PLURAL: &'static str = "customers";

    fn external_ref(&mut self) -> &mut Option<ExternalRef> {
        &mut self.external_ref
    }
}

impl Erasable for CustomerContent {
    async fn extent(unit: &mut Unit, id: Uuid) -> sqlx::Result<Extent> {
        Extent::of_customer(&mut unit.conn, unit.organization_id, id).await
    }
}

/// Filters of the customer list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CustomerFilters {
    /// Text that the name contains, ignoring case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Filter by segment (exact match). Repeat the parameter for several segments.
    #[serde(default)]
    #[param(max_items = 50)]
    segment: Vec<Label>,
    /// Whether to list archived customers instead of active ones.
    archived: Option<bool>,
    /// Only customers that changed at this time or later.
    updated_since: Option<DateTime<Utc>>,
    /// Sort order: `name` (the default), `-name`, `created_at` or `-created_at`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// List customers
///
/// Returns a page of the active customers, by name unless sorted otherwise.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, CustomerFilters, OwnerParameters),
    responses((status = 200, description = "A page of customers.", body = Page<Customer>)))]
#[get("/v1/customers")]
pub async fn list_customers(
    cx: Context,
    paging: Paging,
    filters: Query<CustomerFilters>,
    owners: Query<OwnerParameters>,
) -> Result<Answer, ApiError> {
    let filters = filters.0;
    let mut conditions = vec![Condition::IsPresent("archived_at", filters.archived.unwrap_or_default())];
    conditions.extend(cx.readable_customers());
    conditions.extend(filters.q.map(|text| Condition::Contains("name_folded", folded(&text))));
    conditions.extend(Condition::one_of("segment", &filters.segment));
    conditions.extend(owners.0.filter(&cx).await?.conditions());
    conditions.extend(filters.updated_since.map(|at| Condition::AtLeast("updated_at", at.to_value())));
    let sort = filters.sort.unwrap_or_default();
    resource::list::<CustomerContent>(&cx, &paging, &conditions, sort, |content| content.name.as_str()).await
}

/// Create a customer
///
/// An external reference that another customer has is refused with 409.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), request_body = CustomerContent,
    responses((status = 201, description = "The created customer.", body = Customer)))]
#[post("/v1/customers")]
pub async fn create_customer(cx: Context, body: Body<CustomerContent>) -> Result<Answer, ApiError> {
    resource::create(&cx, &body.0).await
}

/// Create or replace many customers
///
/// Accepts up to 500 items and returns one result for each, in the same order. Invalid items are left out; all others are
/// written in one transaction.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), request_body = BulkRequest<CustomerItem>, responses(
    (status = 200, description = "All items were written.", body = BulkResults),
    (status = 207, description = "Some items were refused.", body = BulkResults),
))]
#[post("/v1/customers/bulk")]
pub async fn bulk_upsert_customers(cx: Context, body: Body<BulkRequest<CustomerItem>>) -> Result<Answer, ApiError> {
    put_all(&cx, &body.0).await
}

/// Get a customer
///
/// Returns active and archived customers alike.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:read"])), extensions(("x-related" = json!("customer"))),
    responses((status = 200, description = "The customer.", body = Customer)))]
#[get("/v1/customers/{id}")]
pub async fn read_customer(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    resource::read::<CustomerContent>(&cx, By::Id(*id)).await
}

/// Get a customer by external reference
///
/// Returns active and archived customers alike.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:read"])),
    responses((status = 200, description = "The customer.", body = Customer)))]
#[get("/v1/customers/by-ref/{external_ref}")]
pub async fn read_customer_by_ref(cx: Context, external_ref: Path<String>) -> Result<Answer, ApiError> {
    resource::read::<CustomerContent>(&cx, By::Ref(&reference_or_404(&external_ref)?)).await
}

/// Create or replace a customer by external reference
///
/// The request is idempotent: a request that changes nothing leaves the version as it is. Fields that are left out become null.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), params(UpsertConditions),
    request_body = CustomerContent, responses(
    (status = 200, description = "The customer that existed, as replaced.", body = Customer),
    (status = 201, description = "The created customer.", body = Customer),
))]
#[put("/v1/customers/by-ref/{external_ref}")]
pub async fn upsert_customer(
    cx: Context,
    external_ref: Path<String>,
    body: Body<CustomerContent>,
) -> Result<Answer, ApiError> {
    resource::upsert(&cx, &parse_path("external_ref", &external_ref)?, &body.0).await
}

/// Erase a customer
///
/// Permanently removes the customer, those that were merged into it, and everything about them: people, plans with all that belongs to
/// them, health records, interventions, usage events and rejected messages, and the content of their ledger entries. The ledger's chain
/// still verifies; it keeps who changed what kind of thing when, and an entry for the erasure. Parts stand for themselves. To keep a plan
/// or a person, name another customer in it first. A dry run (`dry_run=true`) only counts.
#[utoipa::path(tag = "customers", security(("bearer" = ["admin"])), params(IfMatch, ErasureOptions),
    responses((status = 200, description = "The report of the erasure.", body = ErasureReport)))]
#[post("/v1/customers/{id}/erase")]
pub async fn erase_customer(cx: Context, id: Path<Uuid>, options: Query<ErasureOptions>) -> Result<Answer, ApiError> {
    erasing::erase::<CustomerContent>(&cx, *id, options.0).await
}

/// Update a customer
///
/// A patch that changes nothing leaves the version as it is.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), params(IfMatch),
    request_body(content = CustomerPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The updated customer.", body = Customer)))]
#[patch("/v1/customers/{id}")]
pub async fn update_customer(cx: Context, id: Path<Uuid>, body: Body<CustomerPatch>) -> Result<Answer, ApiError> {
    resource::update(&cx, By::Id(*id), &body.0).await
}

/// Delete a customer
///
/// A customer to which plans, people or records of its health refer cannot be deleted; archive it instead. The ledger keeps
/// what was deleted.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), params(IfMatch),
    responses((status = 204, description = "Deleted.")))]
#[delete("/v1/customers/{id}")]
pub async fn delete_customer(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    resource::delete::<CustomerContent>(&cx, By::Id(*id)).await
}
