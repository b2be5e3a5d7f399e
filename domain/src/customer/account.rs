//! Customers as accounts: what is recorded of them, and which customer can be a part of which.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::values::text::{ExternalRef, Label, Name};

/// A customer: an account that the organization serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "external_ref": "crm-4711", "name": "Northwind", "segment": "Enterprise", "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11",
    "owner_ref": "hr-17",
    "owner_name": "Ana", "since_on": "2025-11-03",
    "renews_on": "2026-11-03", "annual_revenue_minor": 2_400_000, "parent_id": null, "parent_ref": null, "archived": false
}))]
pub struct CustomerContent {
    /// External reference: the identifier in the calling system, such as a CRM. Unique within the organization.
    pub external_ref: Option<ExternalRef>,
    /// Name.
    pub name: Name,
    /// Segment, such as a size or an industry.
    pub segment: Option<Label>,
    /// Identifier of the owner, where a person is responsible.
    pub owner_id: Option<Uuid>,
    /// External reference of the owner. An e-mail address is taken, too.
    pub owner_ref: Option<ExternalRef>,
    /// Name of the owner: the person's, or free text for somebody outside. Has no effect where a person is named.
    pub owner_name: Option<Name>,
    /// First day as a customer; null if unknown.
    pub since_on: Option<NaiveDate>,
    /// Date on which the contract is to be renewed; null if unknown.
    pub renews_on: Option<NaiveDate>,
    /// Annual revenue from the customer, in the smallest unit of the organization's currency.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    pub annual_revenue_minor: Option<i64>,
    /// Identifier of the customer that this one is a part of.
    pub parent_id: Option<Uuid>,
    /// External reference of the customer that this one is a part of. Names the same customer as `parent_id` where both are
    /// given.
    pub parent_ref: Option<ExternalRef>,
    /// Whether the customer is archived. Archived customers are left out of lists and reports.
    #[serde(default)]
    pub archived: bool,
}

impl CustomerContent {
    /// A customer of which only the name is known.
    pub const fn named(name: Name) -> Self {
        Self {
            external_ref: None,
            name,
            segment: None,
            owner_id: None,
            owner_ref: None,
            owner_name: None,
            since_on: None,
            renews_on: None,
            annual_revenue_minor: None,
            parent_id: None,
            parent_ref: None,
            archived: false,
        }
    }
}
