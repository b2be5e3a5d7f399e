//! Who may do what with what is theirs: the one decision, taken for single reads and for lists alike.
//!
//! A person may do what their roles allow everywhere, and beyond that what their relation to something allows. [`GRANTS`] is the whole
//! table of relations; what is not in it is refused.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use strum::{Display, IntoStaticStr, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Scope, Scopes};
use crate::people::profile::ProfileVisibility;

/// Relation of a person to something.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Display, IntoStaticStr, VariantArray, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = PersonRelation)]
pub enum Relation {
    /// It is the person, or serves them.
    Own,
    /// It is somebody who reports to the person, directly or not, or serves one.
    Manager,
    /// It is somebody to whom the person reports, directly or not.
    Report,
    /// It is somebody whose owner the person is, such as a coach, or serves one.
    Coach,
    /// It is a member of a team that the person leads, or of one in it, or serves one.
    TeamLead,
    /// The person owns it.
    Owner,
    /// The person owns a milestone of it.
    MilestoneOwner,
    /// It is the customer that the person belongs to, or serves it.
    Participant,
    /// It is the profile of somebody who shows it to the organization, and the person is on the organization's side or belongs to the same
    /// customer.
    Colleague,
}

/// Kind of what an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Display, VariantArray, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SubjectKind {
    /// A person.
    Person,
    /// A person's profile, which they keep themselves.
    Profile,
    /// A plan with its milestones.
    Plan,
    /// A customer.
    Customer,
}

/// Every relation that grants something: the kind of subject and the scopes that it grants for that one.
pub const GRANTS: &[(Relation, SubjectKind, &[Scope])] = &[
    (Relation::Own, SubjectKind::Person, &[Scope::PeopleRead, Scope::RecognitionRead]),
    (Relation::Own, SubjectKind::Profile, &[Scope::PeopleRead, Scope::PeopleWrite, Scope::RecognitionWrite]),
    (Relation::Own, SubjectKind::Plan, &[Scope::PlansRead]),
    (Relation::Manager, SubjectKind::Person, &[Scope::PeopleRead, Scope::RecognitionRead]),
    (Relation::Manager, SubjectKind::Profile, &[Scope::PeopleRead]),
    (Relation::Manager, SubjectKind::Plan, &[Scope::PlansRead]),
    (Relation::Report, SubjectKind::Person, &[Scope::PeopleRead]),
    (Relation::Report, SubjectKind::Profile, &[Scope::PeopleRead]),
    (Relation::Coach, SubjectKind::Person, &[Scope::PeopleRead, Scope::RecognitionRead]),
    (Relation::Coach, SubjectKind::Profile, &[Scope::PeopleRead]),
    (Relation::Coach, SubjectKind::Plan, &[Scope::PlansRead, Scope::PlansWrite]),
    (Relation::TeamLead, SubjectKind::Person, &[Scope::PeopleRead, Scope::RecognitionRead]),
    (Relation::TeamLead, SubjectKind::Profile, &[Scope::PeopleRead]),
    (Relation::TeamLead, SubjectKind::Plan, &[Scope::PlansRead]),
    (Relation::Owner, SubjectKind::Plan, &[Scope::PlansRead, Scope::PlansWrite]),
    (Relation::Owner, SubjectKind::Customer, &[Scope::CustomersRead]),
    (Relation::MilestoneOwner, SubjectKind::Plan, &[Scope::PlansRead]),
    (Relation::Participant, SubjectKind::Plan, &[Scope::PlansRead]),
    (Relation::Participant, SubjectKind::Customer, &[Scope::CustomersRead]),
    (Relation::Colleague, SubjectKind::Profile, &[Scope::PeopleRead]),
];

/// A person with what they may do everywhere, and with those they have a relation to on a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circle {
    /// Identifier of the person.
    pub person_id: Uuid,
    /// Scopes of the person's roles.
    pub scopes: Scopes,
    /// Those who report to the person on the day, directly or through others.
    pub reports: BTreeSet<Uuid>,
    /// Those to whom the person reports on the day, directly or through others.
    pub managers: BTreeSet<Uuid>,
    /// Those whose owner the person is.
    pub coached: BTreeSet<Uuid>,
    /// Members on the day of teams that the person leads, and of teams in these.
    pub led: BTreeSet<Uuid>,
    /// Customer that the person belongs to.
    pub customer_id: Option<Uuid>,
    /// Time at which the person last ended all sessions.
    pub signed_out_at: Option<DateTime<Utc>>,
}

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A person.
    Person {
        /// Identifier.
        id: Uuid,
    },
    /// A profile.
    Profile {
        /// Identifier of the person.
        id: Uuid,
        /// Circle of those who see it.
        visibility: ProfileVisibility,
        /// Customer that the person belongs to.
        customer_id: Option<Uuid>,
    },
    /// A plan.
    Plan {
        /// Person who owns it.
        owner_id: Option<Uuid>,
        /// People who own milestones of it.
        milestone_owner_ids: &'a [Uuid],
        /// Person whom it serves.
        person_id: Option<Uuid>,
        /// Customer whom it serves.
        customer_id: Option<Uuid>,
    },
    /// A customer.
    Customer {
        /// Identifier.
        id: Uuid,
        /// Person who owns it.
        owner_id: Option<Uuid>,
    },
}

impl Subject<'_> {
    /// Returns the kind of the subject.
    pub const fn kind(&self) -> SubjectKind {
        match self {
            Self::Person { .. } => SubjectKind::Person,
            Self::Profile { .. } => SubjectKind::Profile,
            Self::Plan { .. } => SubjectKind::Plan,
            Self::Customer { .. } => SubjectKind::Customer,
        }
    }
}

impl Circle {
    /// Returns everybody to whom the person has a relation, themselves included; somebody may be named twice.
    pub fn people(&self) -> impl Iterator<Item = Uuid> {
        let others = [&self.reports, &self.managers, &self.coached, &self.led];
        others.into_iter().flatten().copied().chain([self.person_id])
    }

    /// Returns whether a session that began at a time has been ended by the person. Times are compared in whole milliseconds, which is as
    /// much as a token tells.
    pub fn has_ended(&self, began_at: DateTime<Utc>) -> bool {
        self.signed_out_at.is_some_and(|at| began_at.timestamp_millis() <= at.timestamp_millis())
    }

    /// Returns whether the person has a relation to something.
    pub fn has(&self, relation: Relation, to: &Subject<'_>) -> bool {
        let (person_id, customer_id, owner_id, milestone_owner_ids) = match to {
            Subject::Person { id } => (Some(*id), None, None, &[][..]),
            Subject::Profile { id, visibility, .. } => {
                let is_shown = *visibility != ProfileVisibility::Private || *id == self.person_id;
                (Some(*id).filter(|_| is_shown), None, None, &[][..])
            }
            Subject::Plan { owner_id, milestone_owner_ids, person_id, customer_id } => {
                (*person_id, *customer_id, *owner_id, *milestone_owner_ids)
            }
            Subject::Customer { id, owner_id } => (None, Some(*id), *owner_id, &[][..]),
        };
        let is_among = |people: &BTreeSet<Uuid>| person_id.is_some_and(|id| people.contains(&id));
        match relation {
            Relation::Own => person_id == Some(self.person_id),
            Relation::Manager => is_among(&self.reports),
            Relation::Report => is_among(&self.managers),
            Relation::Coach => is_among(&self.coached),
            Relation::TeamLead => is_among(&self.led),
            Relation::Owner => owner_id == Some(self.person_id),
            Relation::MilestoneOwner => milestone_owner_ids.contains(&self.person_id),
            Relation::Participant => customer_id.is_some() && customer_id == self.customer_id,
            Relation::Colleague => self.is_shown(to),
        }
    }

    /// Returns whether something is a profile that is shown to the whole organization, and so to the person.
    fn is_shown(&self, to: &Subject<'_>) -> bool {
        let Subject::Profile { visibility: ProfileVisibility::Organization, customer_id, .. } = to else {
            return false;
        };
        self.customer_id.is_none() || *customer_id == self.customer_id
    }
}

/// Returns whether a person may do something with something.
pub fn may(who: &Circle, what: Scope, whom: &Subject<'_>) -> bool {
    let granting = GRANTS.iter().filter(|(_, kind, scopes)| *kind == whom.kind() && scopes.contains(&what));
    who.scopes.allow(what) || granting.into_iter().any(|(relation, _, _)| who.has(*relation, whom))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// Person 1: reports to 6, manages 2, coaches 3, leads 4, belongs to customer 100.
    fn circle() -> Circle {
        Circle {
            person_id: id(1),
            scopes: Scopes::default(),
            reports: BTreeSet::from([id(2)]),
            managers: BTreeSet::from([id(6)]),
            coached: BTreeSet::from([id(3)]),
            led: BTreeSet::from([id(4)]),
            customer_id: Some(id(100)),
            signed_out_at: None,
        }
    }

    #[test]
    fn a_session_ends_with_all_that_began_before() {
        let at = |millis| DateTime::from_timestamp_millis(millis).expect("a time");
        let signed_out = Circle { signed_out_at: Some(at(1_000) + chrono::Duration::microseconds(400)), ..circle() };
        for (began, ended) in [(999, true), (1_000, true), (1_001, false)] {
            assert_eq!(signed_out.has_ended(at(began)), ended, "{began}");
            assert!(!circle().has_ended(at(began)));
        }
    }

    fn plan(owner: u128, milestone_owners: &[Uuid], person: u128, customer: u128) -> Subject<'_> {
        let some = |number: u128| (number > 0).then(|| id(number));
        Subject::Plan {
            owner_id: some(owner),
            milestone_owner_ids: milestone_owners,
            person_id: some(person),
            customer_id: some(customer),
        }
    }

    fn profile(person: u128, visibility: ProfileVisibility, customer: u128) -> Subject<'static> {
        Subject::Profile { id: id(person), visibility, customer_id: (customer > 0).then(|| id(customer)) }
    }

    #[test]
    fn the_organization_sees_what_is_shown_to_it() {
        use ProfileVisibility::{Organization, Private, Related};
        let inside = Circle { customer_id: None, ..circle() };
        for (subject, expected) in [
            (profile(5, Organization, 0), true),
            (profile(5, Organization, 101), true),
            (profile(5, Related, 0), false),
            (profile(5, Private, 0), false),
        ] {
            assert_eq!(may(&inside, Scope::PeopleRead, &subject), expected, "{subject:?}");
            assert!(!may(&inside, Scope::PeopleWrite, &subject), "{subject:?}");
        }
    }

    #[test]
    fn relations_grant_what_the_table_says() {
        use ProfileVisibility::{Organization, Private, Related};
        use Scope::{
            CustomersRead, CustomersWrite, PeopleRead, PeopleWrite, PlansRead, PlansWrite, RecognitionRead,
            RecognitionWrite,
        };
        let me = [id(1)];
        for (subject, expected) in [
            (Subject::Person { id: id(1) }, vec![PeopleRead, RecognitionRead]),
            (Subject::Person { id: id(2) }, vec![PeopleRead, RecognitionRead]),
            (Subject::Person { id: id(3) }, vec![PeopleRead, RecognitionRead]),
            (Subject::Person { id: id(4) }, vec![PeopleRead, RecognitionRead]),
            (Subject::Person { id: id(5) }, vec![]),
            (Subject::Person { id: id(6) }, vec![PeopleRead]),
            (profile(1, Private, 0), vec![PeopleRead, PeopleWrite, RecognitionWrite]),
            (profile(2, Private, 0), vec![]),
            (profile(2, Related, 0), vec![PeopleRead]),
            (profile(6, Related, 0), vec![PeopleRead]),
            (profile(5, Related, 0), vec![]),
            (profile(5, Organization, 0), vec![]),
            (profile(5, Organization, 101), vec![]),
            (profile(5, Organization, 100), vec![PeopleRead]),
            (profile(5, Related, 100), vec![]),
            (plan(6, &[], 6, 0), vec![]),
            (plan(1, &[], 0, 0), vec![PlansRead, PlansWrite]),
            (plan(5, &me, 0, 0), vec![PlansRead]),
            (plan(5, &[], 1, 0), vec![PlansRead]),
            (plan(5, &[], 2, 0), vec![PlansRead]),
            (plan(5, &[], 3, 0), vec![PlansRead, PlansWrite]),
            (plan(5, &[], 4, 0), vec![PlansRead]),
            (plan(5, &[], 5, 100), vec![PlansRead]),
            (plan(5, &[], 5, 101), vec![]),
            (plan(0, &[], 0, 0), vec![]),
            (Subject::Customer { id: id(100), owner_id: None }, vec![CustomersRead]),
            (Subject::Customer { id: id(101), owner_id: Some(id(1)) }, vec![CustomersRead]),
            (Subject::Customer { id: id(101), owner_id: Some(id(5)) }, vec![]),
        ] {
            for what in [
                CustomersRead,
                CustomersWrite,
                PeopleRead,
                PeopleWrite,
                PlansRead,
                PlansWrite,
                RecognitionRead,
                RecognitionWrite,
            ] {
                assert_eq!(may(&circle(), what, &subject), expected.contains(&what), "{what} {subject:?}");
            }
        }
        let stranger = Circle { person_id: id(9), ..Circle::default() };
        assert!(!may(&stranger, PlansRead, &plan(0, &[], 0, 0)), "nobody's plan is not that of nobody's customer");
    }

    #[test]
    fn roles_grant_everywhere() {
        let admin = Circle { scopes: Scopes::of([Scope::Admin]), ..Circle::default() };
        let reader = Circle { scopes: Scopes::of([Scope::PlansRead]), ..Circle::default() };
        let subject = plan(5, &[], 5, 5);
        assert!(may(&admin, Scope::PlansWrite, &subject) && may(&reader, Scope::PlansRead, &subject));
        assert!(!may(&reader, Scope::PlansWrite, &subject));
    }

    #[test]
    fn the_table_names_each_pair_once() {
        let pairs: BTreeSet<_> = GRANTS.iter().map(|(relation, kind, _)| (relation, kind)).collect();
        assert_eq!(pairs.len(), GRANTS.len());
        for relation in Relation::VARIANTS {
            assert!(GRANTS.iter().any(|(one, _, _)| one == relation), "{relation} grants nothing");
        }
    }

    proptest! {
        /// Writing is never allowed where reading is not.
        #[test]
        fn who_writes_may_read(owner in 0u128..7, milestone in 0u128..7, person in 0u128..7, customer in 98u128..102) {
            let owners = [id(milestone)];
            let subject = plan(owner, &owners, person, customer);
            prop_assert!(!may(&circle(), Scope::PlansWrite, &subject) || may(&circle(), Scope::PlansRead, &subject));
        }
    }
}
