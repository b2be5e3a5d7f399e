//! Teams, nested in each other, with a lead and with members over time.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::rule::PeopleRule;
use crate::rule::{Rule as _, Violation};
use crate::values::rule::ValueRule;
use crate::values::text::{ExternalRef, Name};

/// A team: people who work together, and its place in other teams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "external_ref": "team-data", "name": "Data", "parent_id": null, "parent_ref": null, "lead_id": null, "lead_ref": "hr-17",
    "archived": false
}))]
pub struct TeamContent {
    /// External reference: the identifier in the calling system, such as an HR system. Unique among the organization's teams.
    pub external_ref: Option<ExternalRef>,
    /// Name.
    pub name: Name,
    /// Identifier of the team that the team is a part of.
    pub parent_id: Option<Uuid>,
    /// External reference of the team that the team is a part of. Names the same team as `parent_id` where both are given.
    pub parent_ref: Option<ExternalRef>,
    /// Identifier of the person who leads the team.
    pub lead_id: Option<Uuid>,
    /// External reference of the person who leads the team. Names the same person as `lead_id` where both are given.
    pub lead_ref: Option<ExternalRef>,
    /// Whether the team is archived. Archived teams are left out of lists.
    #[serde(default)]
    pub archived: bool,
}

/// Time in which a person is a member of a team: from a first day up to, and without, a last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// First day.
    pub from_on: NaiveDate,
    /// First day on which the person is no longer a member; `None` while they are.
    pub until_on: Option<NaiveDate>,
}

impl Stay {
    /// Returns whether the person is a member on a day.
    pub fn covers(self, day: NaiveDate) -> bool {
        self.from_on <= day && self.until_on.is_none_or(|until_on| day < until_on)
    }

    fn overlaps(self, other: Self) -> bool {
        let begins_before = |one: Self, end: Option<NaiveDate>| end.is_none_or(|end| one.from_on < end);
        let is_empty = |one: Self| one.until_on == Some(one.from_on);
        !is_empty(self)
            && !is_empty(other)
            && begins_before(self, other.until_on)
            && begins_before(other, self.until_on)
    }

    /// Checks that a stay has begun, is over if it has an end, and does not end before it begins.
    pub fn check(self, today: NaiveDate) -> Result<(), Violation> {
        match self.until_on {
            _ if self.from_on > today => Err(ValueRule::InTheFuture { today }.at("/from_on")),
            Some(until_on) if until_on > today => Err(ValueRule::InTheFuture { today }.at("/until_on")),
            Some(until_on) if until_on < self.from_on => {
                Err(ValueRule::OutOfOrder { previous_on: self.from_on }.at("/until_on"))
            }
            _ => Ok(()),
        }
    }

    /// Checks that a stay can stand beside the others of the same person in the same team.
    pub fn check_beside(self, others: impl IntoIterator<Item = Self>) -> Result<(), PeopleRule> {
        let overlapping = others.into_iter().find(|other| self.overlaps(*other));
        overlapping.map_or(Ok(()), |other| Err(PeopleRule::MembershipOverlap { from_on: other.from_on }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_of_a_person_do_not_overlap() {
        let day = |number| NaiveDate::from_ymd_opt(2026, 1, number).expect("a date");
        let stay = |from, until: u32| Stay { from_on: day(from), until_on: (until > 0).then(|| day(until)) };
        let overlap = |from| Err(PeopleRule::MembershipOverlap { from_on: day(from) });
        for (added, others, expected) in [
            (stay(5, 0), vec![], Ok(())),
            (stay(5, 0), vec![stay(1, 5)], Ok(())),
            (stay(5, 0), vec![stay(1, 6)], overlap(1)),
            (stay(5, 0), vec![stay(1, 0)], overlap(1)),
            (stay(1, 5), vec![stay(5, 0)], Ok(())),
            (stay(1, 6), vec![stay(5, 0)], overlap(5)),
            (stay(1, 0), vec![stay(5, 5)], Ok(())),
        ] {
            assert_eq!(added.check_beside(others.clone()), expected, "{added:?} beside {others:?}");
        }
        for (tried, expected) in [
            (stay(9, 0), Ok(())),
            (stay(10, 0), Err(("/from_on", "in_the_future"))),
            (stay(5, 9), Ok(())),
            (stay(5, 10), Err(("/until_on", "in_the_future"))),
            (stay(5, 5), Ok(())),
            (stay(5, 4), Err(("/until_on", "out_of_order"))),
        ] {
            let found = tried.check(day(9)).map_err(|found| (found.at, found.code));
            assert_eq!(found, expected.map_err(|(at, code)| (at.to_owned(), code)), "{tried:?}");
        }
        assert_eq!([4, 5, 8, 9].map(|on| stay(5, 9).covers(day(on))), [false, true, true, false]);
    }
}
