//! Customers: what requests about them look like. The resource itself is [`crate::store::customers::Customer`].

pub mod bulk;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod update;
pub mod upsert;

use milepost_domain::text::{ExternalRef, Label, Name};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::{ApiError, Code};
use crate::patch::Change;

/// A customer to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Northwind", "external_ref": "crm-4711", "segment": "Enterprise", "owner": "Ana"}))]
pub struct CustomerDraft {
    /// Its name.
    pub name: Name,
    /// What the CRM calls it, unique in the organization.
    pub external_ref: Option<ExternalRef>,
    /// The group it belongs to.
    pub segment: Option<Label>,
    /// Who looks after it.
    pub owner: Option<Label>,
}

/// All of a customer that a CRM knows: what is left out becomes null.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Northwind", "segment": "Enterprise", "owner": "Ana"}))]
pub struct CustomerReplacement {
    /// Its name.
    pub name: Name,
    /// The group it belongs to.
    pub segment: Option<Label>,
    /// Who looks after it.
    pub owner: Option<Label>,
    /// Whether it is archived.
    #[serde(default)]
    pub archived: bool,
}

/// A change of a customer.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"owner": "Ben", "archived": false}))]
pub struct CustomerPatch {
    /// Its name.
    #[schema(value_type = Name, required = false)]
    pub name: Option<Name>,
    /// What the CRM calls it.
    #[serde(default)]
    #[schema(value_type = Option<ExternalRef>)]
    pub external_ref: Change<ExternalRef>,
    /// The group it belongs to.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    pub segment: Change<Label>,
    /// Who looks after it.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    pub owner: Change<Label>,
    /// Archives it, or brings it back.
    #[schema(value_type = bool, required = false)]
    pub archived: Option<bool>,
}

/// The refusal when another customer has the reference.
fn ref_taken() -> ApiError {
    ApiError::with_errors(
        Code::Conflict,
        vec![crate::error::FieldError::in_body("/external_ref", "taken", "belongs to another customer")],
    )
}
