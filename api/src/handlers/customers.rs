//! Customers: what requests about them look like. The resource itself is [`crate::store::customers::Customer`].

pub mod bulk;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod update;
pub mod upsert;

use chrono::NaiveDate;
use milepost_domain::values::text::{ExternalRef, Label, Name};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{ApiError, Code};
use crate::patch::Change;
use crate::store::{Conn, customers};

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
    /// Since when it is a customer; unknown if left out.
    pub since_on: Option<NaiveDate>,
    /// What it pays in a year, in the smallest unit of the organization's money.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    pub annual_revenue_minor: Option<i64>,
    /// The customer that it is a part of.
    pub parent_id: Option<Uuid>,
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
    /// Since when it is a customer; unknown if left out.
    pub since_on: Option<NaiveDate>,
    /// What it pays in a year, in the smallest unit of the organization's money.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    pub annual_revenue_minor: Option<i64>,
    /// The customer that it is a part of.
    pub parent_id: Option<Uuid>,
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
    /// Since when it is a customer.
    #[serde(default)]
    #[schema(value_type = Option<NaiveDate>)]
    pub since_on: Change<NaiveDate>,
    /// What it pays in a year, in the smallest unit of the organization's money.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    pub annual_revenue_minor: Change<i64>,
    /// The customer that it is a part of.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub parent_id: Change<Uuid>,
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

/// How many customers may stand above one another.
const DEEPEST: usize = 20;

/// Whether a customer can be a part of another: that one must be there, and not be a part of this one.
async fn check_parent(
    conn: &mut Conn,
    organization_id: Uuid,
    id: Option<Uuid>,
    parent_id: Option<Uuid>,
) -> Result<(), ApiError> {
    let mut above = parent_id;
    for _ in 0..DEEPEST {
        let Some(parent_id) = above else { return Ok(()) };
        if Some(parent_id) == id {
            return Err(ApiError::field(
                "/parent_id",
                "parent_cycle",
                "must not be the customer itself or a part of it",
            ));
        }
        let Some(parent) = customers::find(conn, organization_id, parent_id).await? else {
            return Err(ApiError::field("/parent_id", "unknown_customer", "there is no customer with this id"));
        };
        above = parent.parent_id;
    }
    Err(ApiError::field("/parent_id", "too_deep", format!("at most {DEEPEST} customers may stand above one another")))
}
