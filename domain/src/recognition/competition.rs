//! Competitions: boards with a beginning, an end, and results that stay.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::deed::Measure;
use super::rule::RecognitionRule;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{Currency, Key, Label, Name};

/// Competition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Spring sprint", "by": "points", "currency": null, "template": "ai-coaching", "track": null, "customer_id": null, "team_id": null,
    "from_on": "2026-05-01", "to_on": "2026-05-31"
}))]
pub struct CompetitionContent {
    /// Name.
    pub name: Name,
    /// Measure of what is counted. Defaults to `points`.
    #[serde(default)]
    pub by: Measure,
    /// `verified_impact`: currency of the amounts.
    pub currency: Option<Currency>,
    /// Key of the program whose milestones count. By default, those of all plans do.
    pub template: Option<Key>,
    /// Track whose milestones count.
    pub track: Option<Label>,
    /// Identifier of the customer whose people take part. By default, everybody does.
    pub customer_id: Option<Uuid>,
    /// Identifier of the team whose members on the last day take part, with the teams in it.
    pub team_id: Option<Uuid>,
    /// First day.
    pub from_on: NaiveDate,
    /// Last day.
    pub to_on: NaiveDate,
}

/// Score that a competition has ended with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FinalScore {
    /// Person; `None` once they were erased.
    pub person_id: Option<Uuid>,
    /// Score.
    pub score: f64,
}

/// Checks that a currency is given where amounts of money are counted, and nowhere else.
pub fn check_currency(by: Measure, is_given: bool) -> Result<(), ValueRule> {
    match (by == Measure::VerifiedImpact, is_given) {
        (true, false) => Err(ValueRule::Required { what: "the currency of the amounts" }),
        (false, true) => Err(ValueRule::Unused { unless: "by is verified_impact" }),
        _ => Ok(()),
    }
}

impl CompetitionContent {
    /// Checks the competition as a whole.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = vec![];
        violations.extend(check_currency(self.by, self.currency.is_some()).err().map(|rule| rule.at("/currency")));
        if self.to_on < self.from_on {
            violations.push(RecognitionRule::EndsBeforeItBegins.at("/to_on"));
        }
        all_kept(violations)
    }

    /// Checks that the results can be fixed on a day: after the last day, and once.
    pub fn check_may_close(&self, today: NaiveDate, is_closed: bool) -> Result<(), RecognitionRule> {
        match (is_closed, today > self.to_on) {
            (true, _) => Err(RecognitionRule::CompetitionClosed),
            (false, false) => Err(RecognitionRule::CompetitionRunning { to_on: self.to_on }),
            (false, true) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn competitions_begin_count_and_end() {
        let read = |more: serde_json::Value| -> CompetitionContent {
            let mut all = json!({ "name": "C", "from_on": "2026-05-01", "to_on": "2026-05-31" });
            all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            serde_json::from_value(all).expect("a competition")
        };
        for (more, expected) in [
            (json!({}), None),
            (json!({ "by": "verified_impact", "currency": "USD" }), None),
            (json!({ "by": "verified_impact" }), Some(("/currency", "required"))),
            (json!({ "currency": "USD" }), Some(("/currency", "unused"))),
            (json!({ "to_on": "2026-04-30" }), Some(("/to_on", "ends_before_it_begins"))),
        ] {
            let found = read(more).check().err().map(|all| (all[0].at.clone(), all[0].code));
            assert_eq!(found, expected.map(|(at, code)| (at.to_owned(), code)));
        }
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).expect("a date");
        let own = read(json!({}));
        let running = RecognitionRule::CompetitionRunning { to_on: day(5, 31) };
        assert_eq!(own.check_may_close(day(5, 31), false), Err(running));
        assert_eq!(own.check_may_close(day(6, 1), false), Ok(()));
        assert_eq!(own.check_may_close(day(6, 1), true), Err(RecognitionRule::CompetitionClosed));
    }
}
