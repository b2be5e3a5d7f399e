//! One person.

use actix_web::get;
use actix_web::web::Path;
use milepost_domain::values::text::ExternalRef;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::store::people::{self, Person};

/// One person
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), responses((status = 200, description = "The person.", body = Person)))]
#[get("/v1/people/{id}")]
pub async fn read_person(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    answer(people::find(&mut cx.read().await?, cx.organization_id(), *id).await?)
}

/// One person, by what another system calls them
#[utoipa::path(tag = "people", security(("bearer" = ["people:read"])), responses((status = 200, description = "The person.", body = Person)))]
#[get("/v1/people/by-ref/{external_ref}")]
pub async fn read_person_by_ref(cx: Context, external_ref: Path<String>) -> Result<Answer, ApiError> {
    // What cannot be a reference is the reference of nothing.
    let external_ref = ExternalRef::parse(&external_ref).map_err(|_| ApiError::not_found())?;
    answer(people::find_by_ref(&mut cx.read().await?, cx.organization_id(), external_ref.as_str()).await?)
}

fn answer(found: Option<Person>) -> Result<Answer, ApiError> {
    let person = found.ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(&person)?.version(person.version))
}
