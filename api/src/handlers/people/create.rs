//! Creating a person.

use actix_web::post;
use sqlx::types::Text;

use super::{PersonDraft, check_customer, ref_taken};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::people::{self, Person};
use crate::unit::Entity;

/// Creates a person
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), request_body = PersonDraft,
    responses((status = 201, description = "The person.", body = Person)))]
#[post("/v1/people")]
pub async fn create_person(cx: Context, body: Body<PersonDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        check_customer(&mut unit.conn, unit.organization_id, draft.customer_id).await?;
        let person = Person {
            id: unit.new_id(),
            external_ref: draft.external_ref.clone().map(String::from),
            name: draft.name.to_string(),
            kind: Text(draft.kind),
            email: draft.email.clone().map(String::from),
            customer_id: draft.customer_id,
            segment: draft.segment.clone().map(String::from),
            owner: draft.owner.clone().map(String::from),
            archived_at: None,
            version: 1,
            created_at: unit.now,
            updated_at: unit.now,
        };
        if !people::insert(&mut unit.conn, unit.organization_id, &person).await? {
            return Err(ref_taken());
        }
        unit.record_created(Entity::Person, person.id, &person).await?;
        Ok(Answer::created(format!("/v1/people/{}", person.id), &person)?.version(person.version))
    })
    .await
}
