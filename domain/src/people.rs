//! People: employees, coaches, and participants of customers.

pub mod chart;
pub mod identity;
pub mod mentor;
pub mod profile;
pub mod responsibility;
pub mod rule;
pub mod team;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use self::rule::PeopleRule;
use crate::rule::{Rule as _, Violations, all_kept};
use crate::values::rule::ValueRule;
use crate::values::text::{Email, ExternalRef, Label, Language, Name, TimeZone};

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

/// Whether a person still works with the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Employment {
    /// They do.
    #[default]
    Active,
    /// They have left.
    Left,
}

/// A person: an employee, a coach, or a participant of a customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "external_ref": "hr-17", "name": "Ana Petrova", "kind": "employee", "email": "ana@example.com", "customer_id": null,
    "customer_ref": null,
    "segment": null, "owner_id": null, "owner_ref": null, "owner_name": null, "manager_id": null, "manager_ref": "hr-3",
    "employment": "active", "left_on": null,
    "time_zone": "Europe/Berlin", "language": "de", "email_verified": true, "archived": false
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
    /// Identifier of the owner, where a person is responsible.
    pub owner_id: Option<Uuid>,
    /// External reference of the owner. An e-mail address is taken, too.
    pub owner_ref: Option<ExternalRef>,
    /// Name of the owner: the person's, or free text for somebody outside. Has no effect where a person is named.
    pub owner_name: Option<Name>,
    /// Identifier of the person's manager as of today. A change holds from today on; `/reporting-lines` takes other days.
    pub manager_id: Option<Uuid>,
    /// External reference of the manager. Names the same person as `manager_id` where both are given.
    pub manager_ref: Option<ExternalRef>,
    /// Whether the person still works with the organization. Defaults to `active`.
    #[serde(default)]
    pub employment: Employment,
    /// First day on which the person no longer worked with the organization. Not in the future. Defaults to today for a person who has
    /// left.
    pub left_on: Option<NaiveDate>,
    /// Time zone of the person.
    pub time_zone: Option<TimeZone>,
    /// Language that the person is written to in.
    pub language: Option<Language>,
    /// Whether the e-mail address is known to be the person's. A patch that changes the address alone resets it.
    #[serde(default)]
    pub email_verified: bool,
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
            owner_id: None,
            owner_ref: None,
            owner_name: None,
            manager_id: None,
            manager_ref: None,
            employment: Employment::Active,
            left_on: None,
            time_zone: None,
            language: None,
            email_verified: false,
            archived: false,
        }
    }

    /// Completes what follows from the other fields, and checks what must fit together.
    pub fn settle(&mut self, today: NaiveDate) -> Result<(), Violations> {
        let mut violations = Violations::new();
        match (self.employment, self.left_on) {
            (Employment::Active, Some(_)) => {
                violations.push(ValueRule::Unused { unless: "employment is left" }.at("/left_on"));
            }
            (Employment::Left, Some(left_on)) if left_on > today => {
                violations.push(ValueRule::InTheFuture { today }.at("/left_on"));
            }
            (Employment::Left, left_on) => self.left_on = left_on.or(Some(today)),
            (Employment::Active, None) => {}
        }
        if self.email_verified && self.email.is_none() {
            violations.push(ValueRule::Unused { unless: "there is an e-mail address" }.at("/email_verified"));
        }
        let zone = self.time_zone.as_ref().map_or(Ok(()), TimeZone::check);
        violations.extend(zone.err().map(|rule| rule.at("/time_zone")));
        let language = self.language.as_ref().map_or(Ok(()), Language::check);
        violations.extend(language.err().map(|rule| rule.at("/language")));
        all_kept(violations)
    }

    /// Returns whether the person had left by a day.
    pub fn has_left(&self, day: NaiveDate) -> bool {
        self.left_on.is_some_and(|left_on| left_on <= day)
    }

    /// Returns whether the person is with the organization on a day: neither archived nor gone.
    pub fn is_active(&self, day: NaiveDate) -> bool {
        !self.archived && !self.has_left(day)
    }

    /// Checks that the person had not left by a day.
    pub fn check_employed(&self, day: NaiveDate) -> Result<(), PeopleRule> {
        if self.has_left(day) { Err(PeopleRule::HasLeft { name: self.name.to_string() }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_left_has_a_day_of_leaving() {
        let day = |number| NaiveDate::from_ymd_opt(2026, 5, number).expect("a date");
        let name = Name::parse("Ana").expect("a name");
        let person = PersonContent::named(name, PersonKind::Employee);
        for (employment, left_on, expected) in [
            (Employment::Active, None, Ok(None)),
            (Employment::Active, Some(day(1)), Err("unused")),
            (Employment::Left, None, Ok(Some(day(4)))),
            (Employment::Left, Some(day(1)), Ok(Some(day(1)))),
            (Employment::Left, Some(day(5)), Err("in_the_future")),
        ] {
            let mut tried = PersonContent { employment, left_on, ..person.clone() };
            let settled = tried.settle(day(4)).map(|()| tried.left_on).map_err(|found| found[0].code);
            assert_eq!(settled, expected, "{employment} {left_on:?}");
        }
        let left = PersonContent { employment: Employment::Left, left_on: Some(day(3)), ..person.clone() };
        assert_eq!([2, 3, 4].map(|on| left.has_left(day(on))), [false, true, true]);
        assert_eq!([2, 3, 4].map(|on| left.is_active(day(on))), [true, false, false]);
        assert!(!PersonContent { archived: true, ..person.clone() }.is_active(day(4)));
        let mut unknown = PersonContent { email_verified: true, ..person };
        assert_eq!(unknown.settle(day(4)).expect_err("no address")[0].at, "/email_verified");
    }
}
