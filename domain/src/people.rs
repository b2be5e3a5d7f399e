//! People: employees, coaches, and participants of customers.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::values::text::{Email, ExternalRef, Label, Name};

/// Role of a person in relation to the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PersonKind {
    /// Employee of the organization.
    Employee,
    /// Coach of other people.
    Coach,
    /// Participant on the side of a customer.
    Participant,
}

/// A person: an employee, a coach, or a participant of a customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "external_ref": "hr-17", "name": "Ana Petrova", "kind": "employee", "email": "ana@example.com", "customer_id": null, "customer_ref": null,
    "segment": null, "owner": null, "archived": false
}))]
pub struct PersonContent {
    /// External reference: the identifier in the calling system, such as an HR system. Unique within the organization.
    pub external_ref: Option<ExternalRef>,
    /// Name.
    pub name: Name,
    /// Role in relation to the organization.
    pub kind: PersonKind,
    /// E-mail address.
    pub email: Option<Email>,
    /// Identifier of the customer that the person belongs to.
    pub customer_id: Option<Uuid>,
    /// External reference of the customer that the person belongs to. Names the same customer as `customer_id` where both are
    /// given.
    pub customer_ref: Option<ExternalRef>,
    /// Segment, such as a department or a region.
    pub segment: Option<Label>,
    /// Owner: the person responsible.
    pub owner: Option<Label>,
    /// Whether the person is archived. Archived people are left out of lists.
    #[serde(default)]
    pub archived: bool,
}

impl PersonContent {
    /// A person of whom only the name and the role are known.
    pub const fn named(name: Name, kind: PersonKind) -> Self {
        Self {
            external_ref: None,
            name,
            kind,
            email: None,
            customer_id: None,
            customer_ref: None,
            segment: None,
            owner: None,
            archived: false,
        }
    }
}
