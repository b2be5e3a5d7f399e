//! Creating or replacing a person by what another system calls them: the same request twice leaves the same person.

use actix_web::put;
use actix_web::web::Path;
use milepost_domain::values::text::ExternalRef;
use sqlx::types::Text;

use super::{PersonReplacement, check_customer};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, parse_path};
use crate::patch::archived;
use crate::precondition::UpsertConditions;
use crate::store::people::{self, Person};
use crate::unit::{Entity, Unit};

/// Creates or replaces a person, by what another system calls them
///
/// 201 when they are new, 200 when they were there. `If-Match` is optional: the request is idempotent by itself, and one
/// that changes nothing leaves the version as it is.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(UpsertConditions), request_body = PersonReplacement, responses(
    (status = 200, description = "They were there; this is what they are now.", body = Person),
    (status = 201, description = "They are new.", body = Person),
))]
#[put("/v1/people/by-ref/{external_ref}")]
pub async fn upsert_person(
    cx: Context,
    external_ref: Path<String>,
    body: Body<PersonReplacement>,
) -> Result<Answer, ApiError> {
    let external_ref: ExternalRef = parse_path("external_ref", &external_ref)?;
    cx.write(async |unit| {
        let known = people::find_by_ref(&mut unit.conn, unit.organization_id, external_ref.as_str()).await?;
        cx.check_upsert(known.as_ref().map(|known| known.version))?;
        let is_new = known.is_none();
        let person = put(unit, known, &external_ref, &body.0).await?;
        let answer =
            if is_new { Answer::created(format!("/v1/people/{}", person.id), &person)? } else { Answer::ok(&person)? };
        Ok(answer.version(person.version))
    })
    .await
}

/// Writes a person as given; one who is as given already is left alone.
pub async fn put(
    unit: &mut Unit,
    known: Option<Person>,
    external_ref: &ExternalRef,
    replacement: &PersonReplacement,
) -> Result<Person, ApiError> {
    check_customer(&mut unit.conn, unit.organization_id, replacement.customer_id).await?;
    let PersonReplacement { name, kind, email, customer_id, segment, owner, archived: is_archived } =
        replacement.clone();
    let was_archived_at = known.as_ref().and_then(|known| known.archived_at);
    let mut after = Person {
        id: known.as_ref().map_or_else(|| unit.new_id(), |known| known.id),
        external_ref: Some(external_ref.to_string()),
        name: name.into(),
        kind: Text(kind),
        email: email.map(String::from),
        customer_id,
        segment: segment.map(String::from),
        owner: owner.map(String::from),
        archived_at: archived(Some(is_archived), was_archived_at, unit.now),
        version: known.as_ref().map_or(1, |known| known.version),
        created_at: known.as_ref().map_or(unit.now, |known| known.created_at),
        updated_at: known.as_ref().map_or(unit.now, |known| known.updated_at),
    };
    match known {
        None => {
            people::insert(&mut unit.conn, unit.organization_id, &after).await?;
            unit.record_created(Entity::Person, after.id, &after).await?;
        }
        Some(before) if before == after => {}
        Some(before) => {
            after.version += 1;
            after.updated_at = unit.now;
            people::update(&mut unit.conn, unit.organization_id, &after).await?;
            unit.record_updated(Entity::Person, after.id, &before, &after).await?;
        }
    }
    Ok(after)
}
