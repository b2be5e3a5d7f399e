//! Outcomes of customers: renewals, losses, expansions and downgrades.
//!
//! This module checks outcomes; it does not store them and reads no clock.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use crate::customer::rule::CustomerRule;
use crate::values::rule::ValueRule;

/// Kind of outcome of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OutcomeKind {
    /// The customer stayed.
    Renewed,
    /// The customer left.
    Churned,
    /// The customer pays more.
    Expanded,
    /// The customer pays less.
    Downgraded,
}

/// Checks the date of an outcome: it must not be in the future or before the customer existed.
pub fn check_day(occurred_on: NaiveDate, today: NaiveDate, existed_from: NaiveDate) -> Result<(), CustomerRule> {
    if occurred_on > today {
        Err(ValueRule::InTheFuture { today }.into())
    } else if occurred_on < existed_from {
        Err(CustomerRule::BeforeCustomer { existed_from })
    } else {
        Ok(())
    }
}

/// Returns the first day on which the customer is known to have been a customer: its `since_on` date, or else the day
/// of its earliest trace.
pub fn existed_from(since_on: Option<NaiveDate>, traces: impl IntoIterator<Item = NaiveDate>) -> Option<NaiveDate> {
    since_on.or_else(|| traces.into_iter().min())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_of_a_customer_that_was_one() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        assert_eq!(existed_from(Some(day(4)), [day(1)]), Some(day(4)), "what the customer says goes before traces");
        assert_eq!(existed_from(None, [day(3), day(2)]), Some(day(2)));
        assert_eq!(check_day(day(4), day(4), day(4)), Ok(()));
        assert_eq!(check_day(day(5), day(4), day(4)), Err(ValueRule::InTheFuture { today: day(4) }.into()));
        assert_eq!(check_day(day(3), day(4), day(4)), Err(CustomerRule::BeforeCustomer { existed_from: day(4) }));
    }
}
