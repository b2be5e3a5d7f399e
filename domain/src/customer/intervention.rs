//! Tasks opened for customers, and what came of them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = InterventionStatus)]
pub enum Status {
    /// It is to be done.
    Open,
    /// It is put off.
    Snoozed,
    /// It is over.
    Done,
}

/// What came of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = InterventionOutcome)]
pub enum Outcome {
    /// It helped.
    Succeeded,
    /// It did not help.
    Failed,
    /// It was not needed after all.
    NotNeeded,
}

/// How far a task is on a day.
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
