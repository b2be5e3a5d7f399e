//! Archiving of definitions that are no longer used: playbooks, health models, risk models and templates.

use milepost_domain::rule::Rule as _;
use milepost_domain::values::version::may_be_used;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::store::row::Condition;

/// Filter of a list by whether its items are archived.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ArchivedFilter {
    /// Whether to list archived items instead of those in use. Defaults to `false`.
    archived: Option<bool>,
}

impl ArchivedFilter {
    /// The condition on the rows.
    pub fn condition(self) -> Condition {
        Condition::IsPresent("archived_at", self.archived.unwrap_or_default())
    }
}

/// Refuses to change or to use what is archived. The pointer is to where the request names it.
pub fn check_in_use(is_archived: bool, at: &str) -> Result<(), ApiError> {
    may_be_used(is_archived).map_err(|rule| rule.at(at).into())
}
