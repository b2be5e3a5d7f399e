//! Creating or replacing a customer by what the CRM calls it: the same request twice leaves the same customer.

use actix_web::put;
use actix_web::web::Path;
use milepost_domain::values::text::ExternalRef;

use super::{CustomerReplacement, check_parent};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, parse_path};
use crate::patch::archived;
use crate::precondition::UpsertConditions;
use crate::store::customers::{self, Customer};
use crate::unit::{Entity, Unit};

/// Creates or replaces a customer, by what the CRM calls it
///
/// 201 when it is new, 200 when it was there. `If-Match` is optional: the request is idempotent by itself, and one that
/// changes nothing leaves the version as it is.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), params(UpsertConditions), request_body = CustomerReplacement, responses(
    (status = 200, description = "It was there; this is what it is now.", body = Customer),
    (status = 201, description = "It is new.", body = Customer),
))]
#[put("/v1/customers/by-ref/{external_ref}")]
pub async fn upsert_customer(
    cx: Context,
    external_ref: Path<String>,
    body: Body<CustomerReplacement>,
) -> Result<Answer, ApiError> {
    let external_ref: ExternalRef = parse_path("external_ref", &external_ref)?;
    cx.write(async |unit| {
        let known = customers::find_by_ref(&mut unit.conn, unit.organization_id, external_ref.as_str()).await?;
        cx.check_upsert(known.as_ref().map(|known| known.version))?;
        let is_new = known.is_none();
        let customer = put(unit, known, &external_ref, &body.0).await?;
        let answer = if is_new {
            Answer::created(format!("/v1/customers/{}", customer.id), &customer)?
        } else {
            Answer::ok(&customer)?
        };
        Ok(answer.version(customer.version))
    })
    .await
}

/// Writes a customer as given; one that is as given already is left alone.
pub async fn put(
    unit: &mut Unit,
    known: Option<Customer>,
    external_ref: &ExternalRef,
    replacement: &CustomerReplacement,
) -> Result<Customer, ApiError> {
    let CustomerReplacement { name, segment, owner, since_on, annual_revenue_minor, parent_id, archived: is_archived } =
        replacement.clone();
    if known.as_ref().is_none_or(|known| known.parent_id != parent_id) {
        check_parent(&mut unit.conn, unit.organization_id, known.as_ref().map(|known| known.id), parent_id).await?;
    }
    let was_archived_at = known.as_ref().and_then(|known| known.archived_at);
    let mut after = Customer {
        id: known.as_ref().map_or_else(|| unit.new_id(), |known| known.id),
        external_ref: Some(external_ref.to_string()),
        name: name.into(),
        segment: segment.map(String::from),
        owner: owner.map(String::from),
        since_on,
        annual_revenue_minor,
        parent_id,
        archived_at: archived(Some(is_archived), was_archived_at, unit.now),
        version: known.as_ref().map_or(1, |known| known.version),
        created_at: known.as_ref().map_or(unit.now, |known| known.created_at),
        updated_at: known.as_ref().map_or(unit.now, |known| known.updated_at),
    };
    match known {
        None => {
            customers::insert(&mut unit.conn, unit.organization_id, &after).await?;
            unit.record_created(Entity::Customer, after.id, &after).await?;
        }
        Some(before) if before == after => {}
        Some(before) => {
            after.version += 1;
            after.updated_at = unit.now;
            customers::update(&mut unit.conn, unit.organization_id, &after).await?;
            unit.record_updated(Entity::Customer, after.id, &before, &after).await?;
        }
    }
    Ok(after)
}
