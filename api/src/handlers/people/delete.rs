//! Removing a person that nothing refers to.

use actix_web::delete;
use actix_web::web::Path;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::precondition::IfMatch;
use crate::store::people;
use crate::unit::{Change, Entity};

/// Removes a person that no plan is for
///
/// One that a plan is for can be archived instead. The ledger keeps what was removed.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), params(IfMatch), responses((status = 204, description = "They are gone.")))]
#[delete("/v1/people/{id}")]
pub async fn delete_person(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = people::find(&mut unit.conn, unit.organization_id, *id).await?.ok_or_else(ApiError::not_found)?;
        cx.check_version(before.version)?;
        if people::is_referenced(&mut unit.conn, unit.organization_id, *id).await? {
            return Err(ApiError::new(Code::Conflict, "Plans refer to this person. Archive them instead."));
        }
        people::delete(&mut unit.conn, unit.organization_id, *id).await?;
        let of = (Entity::Person, *id);
        unit.record(Change { verb: "deleted", entity: of, root: of, before: Some(&before), after: None }).await?;
        Ok(Answer::no_content())
    })
    .await
}
