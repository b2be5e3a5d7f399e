//! Many customers at once, one result each.

use actix_web::post;
use chrono::NaiveDate;
use milepost_domain::values::text::{ExternalRef, Label, Name};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::CustomerReplacement;
use super::upsert::put;
use crate::answer::Answer;
use crate::bulk::{BulkItem, BulkRequest, BulkResult, BulkResults, Outcome, put_all};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::customers;
use crate::unit::Unit;

/// One customer of a bulk upsert.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_ref": "crm-4711", "name": "Northwind", "segment": "Enterprise", "owner": "Ana"}))]
pub struct CustomerItem {
    /// What the CRM calls it.
    external_ref: ExternalRef,
    /// Its name.
    name: Name,
    /// The group it belongs to.
    segment: Option<Label>,
    /// Who looks after it.
    owner: Option<Label>,
    /// Since when it is a customer; unknown if left out.
    since_on: Option<NaiveDate>,
    /// What it pays in a year, in the smallest unit of the organization's money.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    annual_revenue_minor: Option<i64>,
    /// The customer that it is a part of.
    parent_id: Option<Uuid>,
    /// Whether it is archived.
    #[serde(default)]
    archived: bool,
}

impl BulkItem for CustomerItem {
    const SCHEMA: &'static str = "CustomerItem";

    async fn put(self, unit: &mut Unit) -> Result<BulkResult, ApiError> {
        let Self { external_ref, name, segment, owner, since_on, annual_revenue_minor, parent_id, archived } = self;
        let known = customers::find_by_ref(&mut unit.conn, unit.organization_id, external_ref.as_str()).await?;
        let version = known.as_ref().map(|known| known.version);
        let replacement =
            CustomerReplacement { name, segment, owner, since_on, annual_revenue_minor, parent_id, archived };
        match put(unit, known, &external_ref, &replacement).await {
            Ok(customer) => Ok(BulkResult::done(Outcome::of(version, customer.version), customer.id)),
            // What is wrong with an item is found before anything is written of it.
            Err(error) if !error.fields().is_empty() => Ok(BulkResult::refused(error.fields().to_vec())),
            Err(error) => Err(error),
        }
    }
}

/// Creates or replaces many customers
///
/// At most 500 items, each with its own result in the same order. Items that are wrong are left out; the others are written
/// in one transaction.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), request_body = BulkRequest<CustomerItem>,
    responses((status = 207, description = "One result for each item.", body = BulkResults)))]
#[post("/v1/customers/bulk")]
pub async fn bulk_upsert_customers(cx: Context, body: Body<BulkRequest<CustomerItem>>) -> Result<Answer, ApiError> {
    put_all(&cx, &body.0).await
}
