//! Many people at once, one result each.

use actix_web::post;
use milepost_domain::values::text::{Email, ExternalRef, Label, Name};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::upsert::put;
use super::{PersonReplacement, check_customer};
use crate::answer::Answer;
use crate::bulk::{BulkItem, BulkRequest, BulkResult, BulkResults, Outcome, put_all};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::people::{self, PersonKind};
use crate::unit::Unit;

/// One person of a bulk upsert.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"external_ref": "hr-17", "name": "Ana Petrova", "kind": "employee", "email": "ana@example.com"}))]
pub struct PersonItem {
    /// What another system calls them.
    external_ref: ExternalRef,
    /// Their name.
    name: Name,
    /// What they are to the organization.
    kind: PersonKind,
    /// Their e-mail address.
    email: Option<Email>,
    /// The customer they belong to.
    customer_id: Option<Uuid>,
    /// The group they belong to.
    segment: Option<Label>,
    /// Who looks after them.
    owner: Option<Label>,
    /// Whether they are archived.
    #[serde(default)]
    archived: bool,
}

impl BulkItem for PersonItem {
    const SCHEMA: &'static str = "PersonItem";

    async fn put(self, unit: &mut Unit) -> Result<BulkResult, ApiError> {
        if let Err(error) = check_customer(&mut unit.conn, unit.organization_id, self.customer_id).await {
            return if error.fields().is_empty() {
                Err(error)
            } else {
                Ok(BulkResult::refused(error.fields().to_vec()))
            };
        }
        let Self { external_ref, name, kind, email, customer_id, segment, owner, archived } = self;
        let known = people::find_by_ref(&mut unit.conn, unit.organization_id, external_ref.as_str()).await?;
        let version = known.as_ref().map(|known| known.version);
        let replacement = PersonReplacement { name, kind, email, customer_id, segment, owner, archived };
        let person = put(unit, known, &external_ref, &replacement).await?;
        Ok(BulkResult::done(Outcome::of(version, person.version), person.id))
    }
}

/// Creates or replaces many people
///
/// At most 500 items, each with its own result in the same order. Items that are wrong are left out; the others are written
/// in one transaction.
#[utoipa::path(tag = "people", security(("bearer" = ["people:write"])), request_body = BulkRequest<PersonItem>,
    responses((status = 207, description = "One result for each item.", body = BulkResults)))]
#[post("/v1/people/bulk")]
pub async fn bulk_upsert_people(cx: Context, body: Body<BulkRequest<PersonItem>>) -> Result<Answer, ApiError> {
    put_all(&cx, &body.0).await
}
