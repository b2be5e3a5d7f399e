//! People: what requests about them look like. The resource itself is [`crate::store::people::Person`].

pub mod bulk;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod update;
pub mod upsert;

use milepost_domain::values::text::{Email, ExternalRef, Label, Name};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{ApiError, Code, FieldError};
use crate::patch::Change;
use crate::store::people::PersonKind;
use crate::store::{Conn, customers};

/// A person to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ana Petrova", "kind": "employee", "external_ref": "hr-17", "email": "ana@example.com"}))]
pub struct PersonDraft {
    /// Their name.
    pub name: Name,
    /// What they are to the organization.
    pub kind: PersonKind,
    /// What another system calls them, unique in the organization.
    pub external_ref: Option<ExternalRef>,
    /// Their e-mail address.
    pub email: Option<Email>,
    /// The customer they belong to.
    pub customer_id: Option<Uuid>,
    /// The group they belong to.
    pub segment: Option<Label>,
    /// Who looks after them.
    pub owner: Option<Label>,
}

/// All of a person that another system knows: what is left out becomes null.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ana Petrova", "kind": "employee", "email": "ana@example.com"}))]
pub struct PersonReplacement {
    /// Their name.
    pub name: Name,
    /// What they are to the organization.
    pub kind: PersonKind,
    /// Their e-mail address.
    pub email: Option<Email>,
    /// The customer they belong to.
    pub customer_id: Option<Uuid>,
    /// The group they belong to.
    pub segment: Option<Label>,
    /// Who looks after them.
    pub owner: Option<Label>,
    /// Whether they are archived.
    #[serde(default)]
    pub archived: bool,
}

/// A change of a person.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "coach"}))]
pub struct PersonPatch {
    /// Their name.
    #[schema(value_type = Name, required = false)]
    pub name: Option<Name>,
    /// What they are to the organization.
    #[schema(value_type = PersonKind, required = false)]
    pub kind: Option<PersonKind>,
    /// What another system calls them.
    #[serde(default)]
    #[schema(value_type = Option<ExternalRef>)]
    pub external_ref: Change<ExternalRef>,
    /// Their e-mail address.
    #[serde(default)]
    #[schema(value_type = Option<Email>)]
    pub email: Change<Email>,
    /// The customer they belong to.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub customer_id: Change<Uuid>,
    /// The group they belong to.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    pub segment: Change<Label>,
    /// Who looks after them.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    pub owner: Change<Label>,
    /// Archives them, or brings them back.
    #[schema(value_type = bool, required = false)]
    pub archived: Option<bool>,
}

/// The refusal when another person has the reference.
fn ref_taken() -> ApiError {
    let error = FieldError::in_body("/external_ref", "taken", "belongs to another person");
    ApiError::with_errors(Code::Conflict, vec![error])
}

/// Whether the customer a person is to belong to is there.
async fn check_customer(conn: &mut Conn, organization_id: Uuid, customer_id: Option<Uuid>) -> Result<(), ApiError> {
    let Some(id) = customer_id else { return Ok(()) };
    match customers::find(conn, organization_id, id).await? {
        Some(_) => Ok(()),
        None => Err(ApiError::field("/customer_id", "unknown_customer", "there is no customer with this id")),
    }
}
