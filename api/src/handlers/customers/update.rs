//! Changing a customer.

use actix_web::patch;
use actix_web::web::Path;
use uuid::Uuid;

use super::{CustomerPatch, check_parent, ref_taken};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::patch::archived;
use crate::precondition::IfMatch;
use crate::store::customers::{self, Customer};
use crate::unit::Entity;

/// Changes a customer
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), params(IfMatch),
    request_body(content = CustomerPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As changed.", body = Customer)))]
#[patch("/v1/customers/{id}")]
pub async fn update_customer(cx: Context, id: Path<Uuid>, body: Body<CustomerPatch>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let patch = body.0.clone();
        let before =
            customers::find(&mut unit.conn, unit.organization_id, *id).await?.ok_or_else(ApiError::not_found)?;
        cx.check_version(before.version)?;
        let mut after = before.clone();
        if let Some(name) = patch.name {
            after.name = name.into();
        }
        patch.external_ref.apply(&mut after.external_ref);
        patch.segment.apply(&mut after.segment);
        patch.owner.apply(&mut after.owner);
        patch.since_on.apply(&mut after.since_on);
        patch.annual_revenue_minor.apply(&mut after.annual_revenue_minor);
        patch.parent_id.apply(&mut after.parent_id);
        if after.parent_id != before.parent_id {
            check_parent(&mut unit.conn, unit.organization_id, Some(after.id), after.parent_id).await?;
        }
        after.archived_at = archived(patch.archived, before.archived_at, unit.now);
        after.version += 1;
        after.updated_at = unit.now;
        if !customers::update(&mut unit.conn, unit.organization_id, &after).await? {
            return Err(ref_taken());
        }
        unit.record_updated(Entity::Customer, after.id, &before, &after).await?;
        Ok(Answer::ok(&after)?.version(after.version))
    })
    .await
}
