//! The cause that pushes the reckoned date of a milestone, as answers name it.

use milepost_domain::plan::schedule::{Pusher, Standing};
use milepost_domain::values::text::{Key, Name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::read_model::ExternalLabel;

/// A milestone that another one waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"key": "data-access", "plan_id": null, "plan_name": null, "days": 3}))]
pub struct WaitsFor {
    /// Key of the milestone that it waits for.
    #[schema(value_type = Key)]
    key: String,
    /// Identifier of the plan of that milestone, if it is another plan; null otherwise.
    #[serde(default)]
    #[schema(required)]
    plan_id: Option<Uuid>,
    /// Name of the plan of that milestone, if it is another plan; null otherwise.
    #[serde(default)]
    #[schema(value_type = Option<Name>, required)]
    plan_name: Option<String>,
    /// Days of the plan's calendar by which the reckoned date is later than the forecast date, or than `as_of` if the
    /// forecast date has passed.
    #[schema(minimum = 1)]
    days: i64,
}

impl WaitsFor {
    /// Names the cause that pushes a milestone, with the key of the milestone at a position, or one of another plan.
    pub fn of<'a>(standing: &Standing, key: impl Fn(usize) -> &'a str, externals: &[ExternalLabel]) -> Option<Self> {
        let push = standing.pushed?;
        Some(match push.by {
            Pusher::Own(at) => Self { key: key(at).to_owned(), plan_id: None, plan_name: None, days: push.days },
            Pusher::External(at) => {
                let ExternalLabel { plan_id, plan_name, key } = externals.get(at)?.clone();
                Self { key, plan_id: Some(plan_id), plan_name: Some(plan_name), days: push.days }
            }
        })
    }
}
