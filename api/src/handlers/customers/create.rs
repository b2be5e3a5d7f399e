//! Creating a customer.

use actix_web::post;

use super::{CustomerDraft, check_parent, ref_taken};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::customers::{self, Customer};
use crate::unit::Entity;

/// Creates a customer
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), request_body = CustomerDraft,
    responses((status = 201, description = "The customer.", body = Customer)))]
#[post("/v1/customers")]
pub async fn create_customer(cx: Context, body: Body<CustomerDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        check_parent(&mut unit.conn, unit.organization_id, None, draft.parent_id).await?;
        let customer = Customer {
            id: unit.new_id(),
            external_ref: draft.external_ref.clone().map(String::from),
            name: draft.name.to_string(),
            segment: draft.segment.clone().map(String::from),
            owner: draft.owner.clone().map(String::from),
            since_on: draft.since_on,
            annual_revenue_minor: draft.annual_revenue_minor,
            parent_id: draft.parent_id,
            archived_at: None,
            version: 1,
            created_at: unit.now,
            updated_at: unit.now,
        };
        if !customers::insert(&mut unit.conn, unit.organization_id, &customer).await? {
            return Err(ref_taken());
        }
        unit.record_created(Entity::Customer, customer.id, &customer).await?;
        Ok(Answer::created(format!("/v1/customers/{}", customer.id), &customer)?.version(customer.version))
    })
    .await
}
