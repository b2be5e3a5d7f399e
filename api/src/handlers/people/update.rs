//! Changing a person.

use actix_web::patch;
use actix_web::web::Path;
use sqlx::types::Text;
use uuid::Uuid;

use super::{PersonPatch, check_customer, ref_taken};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::patch::archived;
use crate::precondition::IfMatch;
use crate::store::people::{self, Person};
use crate::unit::Entity;

/// Changes a person
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(IfMatch),
    request_body(content = PersonPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "As changed.", body = Person)))]
#[patch("/v1/people/{id}")]
pub async fn update_person(cx: Context, id: Path<Uuid>, body: Body<PersonPatch>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let patch = body.0.clone();
        let before = people::find(&mut unit.conn, unit.organization_id, *id).await?.ok_or_else(ApiError::not_found)?;
        cx.check_version(before.version)?;
        let mut after = before.clone();
        if let Some(name) = patch.name {
            after.name = name.into();
        }
        if let Some(kind) = patch.kind {
            after.kind = Text(kind);
        }
        patch.external_ref.apply(&mut after.external_ref);
        patch.email.apply(&mut after.email);
        patch.customer_id.apply(&mut after.customer_id);
        patch.segment.apply(&mut after.segment);
        patch.owner.apply(&mut after.owner);
        check_customer(&mut unit.conn, unit.organization_id, after.customer_id).await?;
        after.archived_at = archived(patch.archived, before.archived_at, unit.now);
        after.version += 1;
        after.updated_at = unit.now;
        if !people::update(&mut unit.conn, unit.organization_id, &after).await? {
            return Err(ref_taken());
        }
        unit.record_updated(Entity::Person, after.id, &before, &after).await?;
        Ok(Answer::ok(&after)?.version(after.version))
    })
    .await
}
