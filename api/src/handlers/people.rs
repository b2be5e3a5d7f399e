//! People.

pub mod chart;
pub mod giving;
pub mod profile;
pub mod responsibilities;

use actix_web::web::Path;
use actix_web::{delete, get, patch, post, put};
use chrono::{DateTime, Utc};
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::people::chart::ReportingLine;
use milepost_domain::people::responsibility::Responsibility;
use milepost_domain::people::rule::PeopleRule;
use milepost_domain::people::{Employment, PersonContent, PersonKind};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{Email, ExternalRef, Label, folded};
use serde::Deserialize;
use serde_json::Value;
use strum::VariantArray as _;
use utoipa::IntoParams;
use uuid::Uuid;

use self::chart::{check_line, settle_line};
use crate::answer::Answer;
use crate::bulk::{BulkRequest, BulkResults, put_all};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query, parse_path, reference_or_404};
use crate::handlers::access::roles::{check_not_last_admin, check_not_protected};
use crate::handlers::erasing::{self, Erasable, ErasureOptions, ErasureReport};
use crate::owner::{self, NamedOwner, OwnerParameters};
use crate::paging::{NameSort, Page, Paging};
use crate::precondition::{IfMatch, UpsertConditions};
use crate::reference::{self, Named};
use crate::resource::{self, By, Item, Managed, MergePatch, Referred};
use crate::store::erasure::Extent;
use crate::store::kept::Mergeable;
use crate::store::memberships::{self, MembershipRow};
use crate::store::people::{self, Person};
use crate::store::reference_periods::{self, Holder};
use crate::store::roles;
use crate::store::row::{Column as _, Condition, Removal};
use crate::unit::{Entity, Unit};

type PersonPatch = MergePatch<PersonContent>;
type PersonItem = Item<PersonContent>;

impl Managed for PersonContent {
    type Stamp = Mergeable;
    const ENTITY: Entity = Entity::Person;
    const PATH: &'static str = "/v1/people";

    const REFERENCES: &'static [&'static str] = &["customer", "manager", "owner"];
    const DEPENDENT: &'static [(&'static str, &'static str, Value)] =
        &[("email", "email_verified", Value::Bool(false)), ("employment", "left_on", Value::Null)];

    async fn settle(&mut self, unit: &mut Unit, before: Option<&Person>) -> Result<(), ApiError> {
        PersonContent::settle(self, unit.today)?;
        if let Some(before) = before {
            let changed =
                [(self.external_ref != before.external_ref, "/external_ref"), (self.email != before.email, "/email")];
            for (_, at) in changed.into_iter().filter(|(is_changed, _)| *is_changed) {
                check_not_protected(unit, &[before.id], at).await?;
            }
        }
        if let Some(before) = before.filter(|before| before.is_active(unit.today) && !self.is_active(unit.today)) {
            let at = if self.archived { "/archived" } else { "/employment" };
            check_not_last_admin(unit, &[before.id], at).await?;
        }
        let manager = before.map(|one| Named { id: one.manager_id, external_ref: one.manager_ref.as_ref() });
        let fields = (&mut self.manager_id, &mut self.manager_ref);
        reference::complete::<Self>(
            &mut unit.conn,
            unit.organization_id,
            "manager",
            fields,
            manager.unwrap_or_default(),
        )
        .await?;
        let known = before.map(|one| NamedOwner::of(one.owner_id, one.owner_ref.as_ref(), one.owner_name.as_ref()));
        let fields = (&mut self.owner_id, &mut self.owner_ref, &mut self.owner_name);
        owner::complete(&mut unit.conn, unit.organization_id, "owner", fields, known.unwrap_or_default()).await?;
        if before.is_some_and(|before| self.owner_id == Some(before.id)) {
            return Err(PeopleRule::OwnOwner.at("/owner_id").into());
        }
        if before.and_then(|before| before.manager_id) != self.manager_id {
            let person_id = before.map_or(Uuid::nil(), |before| before.id);
            check_line(
                unit,
                "/manager_id",
                ReportingLine { person_id, manager_id: self.manager_id, from_on: unit.today },
            )
            .await?;
        }
        let before = before.map(|one| Named { id: one.customer_id, external_ref: one.customer_ref.as_ref() });
        let fields = (&mut self.customer_id, &mut self.customer_ref);
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        reference::complete::<CustomerContent>(conn, organization_id, "customer", fields, before.unwrap_or_default())
            .await
    }

    async fn saved(unit: &mut Unit, before: Option<&Person>, after: &Person) -> Result<(), ApiError> {
        let own = after.external_ref.as_ref();
        if let Some(own) = own.filter(|own| before.is_none_or(|before| before.external_ref.as_ref() != Some(*own))) {
            let (new_id, holder) = (unit.new_id(), (Holder::Person, after.id));
            let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
            reference_periods::give(conn, organization_id, new_id, holder, own.as_str(), unit.now).await?;
            if before.is_some() {
                memberships::attribute_person(conn, organization_id, after.id, unit.now).await?;
            }
        }
        if before.and_then(|before| before.manager_id) != after.manager_id {
            let new_id = unit.new_id();
            settle_line(unit, new_id, after).await?;
        }
        if before.and_then(|before| before.customer_id) == after.customer_id {
            return Ok(());
        }
        state_membership(unit, after, after.customer_id).await
    }

    async fn remove(unit: &mut Unit, id: Uuid) -> Result<Removal, ApiError> {
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        for kind in Responsibility::VARIANTS {
            if !giving::ids(conn, organization_id, *kind, &[id]).await?.is_empty() {
                return Ok(Removal::InUse);
            }
        }
        if !roles::of_person(conn, organization_id, id).await?.is_empty() {
            return Ok(Removal::InUse);
        }
        let removal = people::delete(&mut unit.conn, unit.organization_id, id).await?;
        if removal == Removal::Removed {
            roles::forget_identities(&mut unit.conn, unit.organization_id, id).await?;
            profile::forget(unit, id).await?;
            memberships::forget(&mut unit.conn, unit.organization_id, id).await?;
            reference_periods::forget(&mut unit.conn, unit.organization_id, id, unit.now).await?;
        }
        Ok(removal)
    }
}

/// Notes that a person belongs to a customer, or to none, from when that was stated.
pub async fn state_membership(unit: &mut Unit, person: &Person, customer_id: Option<Uuid>) -> Result<(), ApiError> {
    let stated_at = unit.stated_at.unwrap_or(unit.now);
    let row = MembershipRow { id: unit.new_id(), person_id: person.id, customer_id, stated_at };
    Ok(memberships::state(&mut unit.conn, unit.organization_id, &row, unit.now).await?)
}

impl Referred for PersonContent {
    const UNKNOWN: &'static str = "unknown_person";
    const PLURAL: &'static str = "people";

    fn external_ref(&mut self) -> &mut Option<ExternalRef> {
        &mut self.external_ref
    }

    fn is_called(&self, given: &ExternalRef) -> bool {
        let is_address = |email: &Email| folded(email) == folded(given);
        self.external_ref.as_ref() == Some(given) || self.email.as_ref().is_some_and(is_address)
    }

    fn also_called(given: &ExternalRef) -> Option<Condition> {
        given.contains('@').then(|| Condition::Equals("email_folded", folded(given).to_value()))
    }
}

impl Erasable for PersonContent {
    async fn extent(unit: &mut Unit, id: Uuid) -> sqlx::Result<Extent> {
        Extent::of_people(&mut unit.conn, unit.organization_id, vec![id]).await
    }
}

/// Filters of the people list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PersonFilters {
    /// Text that the name contains, ignoring case.
    #[param(min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Filter by kind. Repeat the parameter for several kinds.
    #[serde(default)]
    #[param(max_items = 10)]
    kind: Vec<PersonKind>,
    /// Filter by customer.
    customer_id: Option<Uuid>,
    /// Filter by external reference of the customer.
    #[param(inline)]
    customer_ref: Option<ExternalRef>,
    /// Filter by segment (exact match). Repeat the parameter for several segments.
    #[serde(default)]
    #[param(max_items = 50)]
    segment: Vec<Label>,
    /// Filter by manager as of today.
    manager_id: Option<Uuid>,
    /// Filter by whether people still work with the organization.
    #[param(inline)]
    employment: Option<Employment>,
    /// E-mail address, ignoring case.
    #[param(inline)]
    email: Option<Email>,
    /// Whether to list archived people instead of active ones.
    archived: Option<bool>,
    /// Only people that changed at this time or later.
    updated_since: Option<DateTime<Utc>>,
    /// Sort order: `name` (the default), `-name`, `created_at` or `-created_at`.
    #[param(inline)]
    sort: Option<NameSort>,
}

/// List people
///
/// Returns a page of the active people, by name unless sorted otherwise.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("list"))),
    params(Paging, PersonFilters, OwnerParameters),
    responses((status = 200, description = "A page of people.", body = Page<Person>)))]
#[get("/v1/people")]
pub async fn list_people(
    cx: Context,
    paging: Paging,
    filters: Query<PersonFilters>,
    owners: Query<OwnerParameters>,
) -> Result<Answer, ApiError> {
    let filters = filters.0;
    let mut conditions = vec![Condition::IsPresent("archived_at", filters.archived.unwrap_or_default())];
    conditions.extend(cx.readable_people());
    conditions.extend(filters.q.map(|text| Condition::Contains("name_folded", folded(&text))));
    conditions.extend(Condition::one_of("kind", &filters.kind));
    let customer = Named { id: filters.customer_id, external_ref: filters.customer_ref.as_ref() };
    conditions.extend(reference::condition::<CustomerContent>(&cx, "customer_id", customer).await?);
    conditions.extend(Condition::one_of("segment", &filters.segment));
    conditions.extend(owners.0.filter(&cx).await?.conditions());
    conditions.extend(filters.manager_id.map(|id| Condition::Equals("manager_id", id.to_value())));
    conditions.extend(filters.employment.map(|employment| Condition::Equals("employment", employment.to_value())));
    conditions.extend(filters.email.map(|email| Condition::Equals("email_folded", folded(&email).to_value())));
    conditions.extend(filters.updated_since.map(|at| Condition::AtLeast("updated_at", at.to_value())));
    let sort = filters.sort.unwrap_or_default();
    resource::list::<PersonContent>(&cx, &paging, &conditions, sort, |content| content.name.as_str()).await
}

/// Create a person
///
/// An external reference that another person has is refused with 409.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), request_body = PersonContent,
    responses((status = 201, description = "The created person.", body = Person)))]
#[post("/v1/people")]
pub async fn create_person(cx: Context, body: Body<PersonContent>) -> Result<Answer, ApiError> {
    resource::create(&cx, &body.0).await
}

/// Create or replace many people
///
/// Accepts up to 500 items and returns one result for each, in the same order. Invalid items are left out; all others are
/// written in one transaction.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), request_body = BulkRequest<PersonItem>, responses(
    (status = 200, description = "All items were written.", body = BulkResults),
    (status = 207, description = "Some items were refused.", body = BulkResults),
))]
#[post("/v1/people/bulk")]
pub async fn bulk_upsert_people(cx: Context, body: Body<BulkRequest<PersonItem>>) -> Result<Answer, ApiError> {
    put_all(&cx, &body.0).await
}

/// Get a person
///
/// Returns active and archived people alike.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), extensions(("x-related" = json!("person"))),
    responses((status = 200, description = "The person.", body = Person)))]
#[get("/v1/people/{id}")]
pub async fn read_person(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    resource::read::<PersonContent>(&cx, By::Id(*id)).await
}

/// Get a person by external reference
///
/// Returns active and archived people alike.
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])),
    responses((status = 200, description = "The person.", body = Person)))]
#[get("/v1/people/by-ref/{external_ref}")]
pub async fn read_person_by_ref(cx: Context, external_ref: Path<String>) -> Result<Answer, ApiError> {
    resource::read::<PersonContent>(&cx, By::Ref(&reference_or_404(&external_ref)?)).await
}

/// Create or replace a person by external reference
///
/// The request is idempotent: a request that changes nothing leaves the version as it is. Fields that are left out become null.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(UpsertConditions),
    request_body = PersonContent, responses(
    (status = 200, description = "The person that existed, as replaced.", body = Person),
    (status = 201, description = "The created person.", body = Person),
))]
#[put("/v1/people/by-ref/{external_ref}")]
pub async fn upsert_person(
    cx: Context,
    external_ref: Path<String>,
    body: Body<PersonContent>,
) -> Result<Answer, ApiError> {
    resource::upsert(&cx, &parse_path("external_ref", &external_ref)?, &body.0).await
}

/// Erase a person
///
/// Permanently removes the person, those that were merged into them, and everything about them: plans that serve them with all that
/// belongs to these, usage events and rejected messages under all their references, and the content of their ledger entries. The ledger's
/// chain still verifies; it keeps who changed what kind of thing when, and an entry for the erasure. What the person was responsible for
/// becomes nobody's; texts in which others name them stay. A dry run (`dry_run=true`) only counts.
#[utoipa::path(tag = "people", security(("bearer" = ["admin"])), params(IfMatch, ErasureOptions),
    responses((status = 200, description = "The report of the erasure.", body = ErasureReport)))]
#[post("/v1/people/{id}/erase")]
pub async fn erase_person(cx: Context, id: Path<Uuid>, options: Query<ErasureOptions>) -> Result<Answer, ApiError> {
    erasing::erase::<PersonContent>(&cx, *id, options.0).await
}

/// Update a person
///
/// A patch that changes nothing leaves the version as it is.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(IfMatch),
    request_body(content = PersonPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The updated person.", body = Person)))]
#[patch("/v1/people/{id}")]
pub async fn update_person(cx: Context, id: Path<Uuid>, body: Body<PersonPatch>) -> Result<Answer, ApiError> {
    resource::update(&cx, By::Id(*id), &body.0).await
}

/// Delete a person
///
/// A person to whom plans refer, who has a role or was in a team, or who is responsible for something cannot be deleted; archive them
/// instead. The ledger keeps what was deleted.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(IfMatch),
    responses((status = 204, description = "Deleted.")))]
#[delete("/v1/people/{id}")]
pub async fn delete_person(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    resource::delete::<PersonContent>(&cx, By::Id(*id)).await
}
