//! Removing a customer that nothing refers to.

use actix_web::delete;
use actix_web::web::Path;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::precondition::IfMatch;
use crate::store::customers;
use crate::unit::{Change, Entity};

/// Removes a customer that has neither plans nor people
///
/// One that has can be archived instead. The ledger keeps what was removed.
#[utoipa::path(tag = "customers", security(("bearer" = ["customers:write"])), params(IfMatch), responses((status = 204, description = "It is gone.")))]
#[delete("/v1/customers/{id}")]
pub async fn delete_customer(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before =
            customers::find(&mut unit.conn, unit.organization_id, *id).await?.ok_or_else(ApiError::not_found)?;
        cx.check_version(before.version)?;
        if customers::is_referenced(&mut unit.conn, unit.organization_id, *id).await? {
            return Err(ApiError::new(
                Code::Conflict,
                "Plans, people, parts of it or records of its health refer to this customer. Archive it instead.",
            ));
        }
        customers::delete(&mut unit.conn, unit.organization_id, *id).await?;
        let of = (Entity::Customer, *id);
        unit.record(Change { verb: "deleted", entity: of, root: of, before: Some(&before), after: None }).await?;
        Ok(Answer::no_content())
    })
    .await
}
