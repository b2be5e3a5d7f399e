//! One customer.

use actix_web::get;
use actix_web::web::Path;
use milepost_domain::values::text::ExternalRef;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::customers::{self, Customer};

/// One customer
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:read"])), responses((status = 200, description = "The customer.", body = Customer)))]
#[get("/v1/customers/{id}")]
pub async fn read_customer(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    answer(customers::find(&mut cx.read().await?, cx.organization_id(), *id).await?)
}

/// One customer, by what the CRM calls it
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:read"])), responses((status = 200, description = "The customer.", body = Customer)))]
#[get("/v1/customers/by-ref/{external_ref}")]
pub async fn read_customer_by_ref(cx: Context, external_ref: Path<String>) -> Result<Answer, ApiError> {
    // What cannot be a reference is the reference of nothing.
    let external_ref = ExternalRef::parse(&external_ref).map_err(|_| ApiError::not_found())?;
    answer(customers::find_by_ref(&mut cx.read().await?, cx.organization_id(), external_ref.as_str()).await?)
}

fn answer(found: Option<Customer>) -> Result<Answer, ApiError> {
    let customer = found.ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(&customer)?.version(customer.version))
}
