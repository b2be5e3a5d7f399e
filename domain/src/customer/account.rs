//! Customers as accounts: what is recorded of them, and which customer can be a part of which.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::customer::rule::CustomerRule;
use crate::values::text::{ExternalRef, Label, Name};

/// A customer: an account that the organization serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "external_ref": "crm-4711", "name": "Northwind", "segment": "Enterprise", "owner": "Ana", "since_on": "2025-11-03",
    "renews_on": "2026-11-03", "annual_revenue_minor": 2_400_000, "parent_id": null, "parent_ref": null, "archived": false
}))]
pub struct CustomerContent {
    /// External reference: the identifier in the calling system, such as a CRM. Unique within the organization.
    pub external_ref: Option<ExternalRef>,
    /// Name.
    pub name: Name,
    /// Segment, such as a size or an industry.
    pub segment: Option<Label>,
    /// Owner: the person responsible for the customer.
    pub owner: Option<Label>,
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
            owner: None,
            since_on: None,
            renews_on: None,
            annual_revenue_minor: None,
            parent_id: None,
            parent_ref: None,
            archived: false,
        }
    }
}

/// Largest number of customers above one another.
pub const DEEPEST: usize = 20;

/// Checks that a customer can be a part of the first of `above`, which lists its parent, that one's parent and so on, as far as
/// they were followed. `id` is missing for a customer that is being created.
pub fn may_be_part_of(id: Option<Uuid>, above: &[Uuid]) -> Result<(), CustomerRule> {
    if id.is_some_and(|id| above.contains(&id)) {
        return Err(CustomerRule::ParentCycle);
    }
    if above.len() > DEEPEST { Err(CustomerRule::TooDeep { most: DEEPEST }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_form_no_cycle_and_are_not_too_deep() {
        let [a, b] = [1, 2].map(Uuid::from_u128);
        let deep = |count: u128| (10..10 + count).map(Uuid::from_u128).collect::<Vec<_>>();
        for (id, above, expected) in [
            (Some(a), vec![], Ok(())),
            (Some(a), vec![b], Ok(())),
            (Some(a), vec![a], Err(CustomerRule::ParentCycle)),
            (Some(a), vec![b, a], Err(CustomerRule::ParentCycle)),
            (None, vec![b, a], Ok(())),
            (None, deep(20), Ok(())),
            (None, deep(21), Err(CustomerRule::TooDeep { most: 20 })),
        ] {
            assert_eq!(may_be_part_of(id, &above), expected, "{id:?} below {above:?}");
        }
    }
}
