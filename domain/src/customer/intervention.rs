//! Interventions: tasks opened for customers, with their statuses and outcomes.
//!
//! This module does no I/O and reads no clock.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

/// Status of an intervention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = InterventionStatus)]
pub enum Status {
    /// Still to be done.
    Open,
    /// Put off until a later date.
    Snoozed,
    /// Finished.
    Done,
}

/// Outcome of an intervention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = InterventionOutcome)]
pub enum Outcome {
    /// The intervention helped.
    Succeeded,
    /// The intervention did not help.
    Failed,
    /// The intervention was not needed after all.
    NotNeeded,
}

/// Cause for which an intervention ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = InterventionEnd)]
pub enum EndedBy {
    /// The trigger of its playbook no longer holds for anything that it was opened for.
    NoLongerHolds,
    /// Its customer was archived.
    CustomerArchived,
}

/// Returns the status of an intervention on a day.
pub fn status(done_on: Option<NaiveDate>, snoozed_until: Option<NaiveDate>, today: NaiveDate) -> Status {
    match (done_on, snoozed_until) {
        (Some(_), _) => Status::Done,
        (None, Some(until)) if today < until => Status::Snoozed,
        (None, _) => Status::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_off_comes_back() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        assert_eq!(status(None, None, day(4)), Status::Open);
        assert_eq!(status(None, Some(day(6)), day(5)), Status::Snoozed);
        assert_eq!(status(None, Some(day(6)), day(6)), Status::Open);
        assert_eq!(status(Some(day(4)), Some(day(6)), day(4)), Status::Done);
    }
}
