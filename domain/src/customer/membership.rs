//! Membership of people in customers over time. What was said last, by the time at which it was said, holds from then on; the order in
//! which it arrives does not matter.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::reference::Period;

/// A statement of the customer that a person belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stated {
    /// Time of the statement.
    pub at: DateTime<Utc>,
    /// Customer; `None` if the person belongs to none.
    pub customer_id: Option<Uuid>,
}

/// Membership of a person in a period.
pub type Membership = (Period, Option<Uuid>);

/// Returns the memberships that follow from statements, oldest first. Together they cover all of time: what came before the first
/// statement belongs to it, as nobody said otherwise. Of two statements at the same instant, the one with the greater identifier holds.
pub fn memberships(mut stated: Vec<Stated>) -> Vec<Membership> {
    stated.sort_unstable();
    stated.dedup_by(|later, earlier| {
        let is_same = later.at == earlier.at;
        if is_same {
            *earlier = *later;
        }
        is_same
    });
    let mut found: Vec<Membership> = vec![];
    for Stated { at, customer_id } in stated {
        match found.last_mut() {
            None => found.push((Period { from_at: None, until_at: None }, customer_id)),
            Some((_, own)) if *own == customer_id => {}
            Some((period, _)) => {
                period.until_at = Some(at);
                found.push((Period { from_at: Some(at), until_at: None }, customer_id));
            }
        }
    }
    found
}

/// Returns the reference by which an event of a person at an instant names its customer: one that the customer had then, and if there were
/// several, the one that the event has already, or else the first. `None` if the person belonged to nobody, or to a customer without a
/// reference.
pub fn subject_at<'a>(
    memberships: &[Membership],
    references: impl Iterator<Item = (Uuid, Period, &'a str)>,
    at: DateTime<Utc>,
    subject: Option<&str>,
) -> Option<&'a str> {
    let (_, customer_id) = memberships.iter().find(|(period, _)| period.covers(at))?;
    let own = (*customer_id)?;
    let mut held = references
        .filter(|(id, period, _)| *id == own && period.covers(at))
        .map(|(.., reference)| reference)
        .peekable();
    let first = held.peek().copied();
    held.find(|reference| Some(*reference) == subject).or(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_777_896_000 + 3600 * hour, 0).expect("an instant")
    }

    fn stated(list: &[(i64, u128)]) -> Vec<Stated> {
        let one =
            |(hour, id): &(i64, u128)| Stated { at: at(*hour), customer_id: (*id > 0).then(|| Uuid::from_u128(*id)) };
        list.iter().map(one).collect()
    }

    fn member(memberships: &[Membership], hour: i64) -> Option<u128> {
        let covering: Vec<_> = memberships.iter().filter(|(period, _)| period.covers(at(hour))).collect();
        assert_eq!(covering.len(), 1, "every instant is covered once");
        covering[0].1.map(|id| id.as_u128())
    }

    #[test]
    fn who_moved_belonged_to_both_in_turn() {
        let found = memberships(stated(&[(20, 2), (10, 1), (30, 0), (15, 1)]));
        assert_eq!(
            [-100, 10, 19, 20, 29, 30, 99].map(|hour| member(&found, hour)),
            [Some(1), Some(1), Some(1), Some(2), Some(2), None, None]
        );
        assert_eq!(found.len(), 3, "what was said again changes nothing");
        assert_eq!(memberships(vec![]), vec![]);
        let between = memberships(stated(&[(10, 1), (30, 1), (20, 2)]));
        assert_eq!([15, 25, 35].map(|hour| member(&between, hour)), [Some(1), Some(2), Some(1)], "and back");
    }

    #[test]
    fn an_event_names_the_customer_as_it_was_called_then() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let until = |until_at| Period { from_at: None, until_at };
        let references = [
            (one, until(Some(at(12))), "old"),
            (one, Period { from_at: Some(at(12)), until_at: None }, "new"),
            (other, until(None), "other"),
        ];
        let found = memberships(stated(&[(10, 1), (20, 2), (30, 3)]));
        let subject = |hour| subject_at(&found, references.iter().copied(), at(hour), None);
        assert_eq!([5, 12, 19, 20, 30].map(subject), [Some("old"), Some("new"), Some("new"), Some("other"), None]);
        let both = [(one, until(None), "a"), (one, until(None), "b")];
        let subject = |subject| subject_at(&found, both.iter().copied(), at(12), subject);
        assert_eq!(
            [None, Some("a"), Some("b"), Some("c")].map(subject),
            ["a", "a", "b", "a"].map(Some),
            "what is right stays"
        );
    }

    proptest! {
        /// Neither order nor repetition of what was said matters, and the latest statement up to an instant holds.
        #[test]
        fn order_does_not_matter(list in prop::collection::vec((0i64..12, 0u128..3), 1..10), turn in 0usize..10, hour in -2i64..14) {
            let found = memberships(stated(&list));
            let mut turned = list.clone();
            turned.rotate_left(turn % list.len());
            turned.extend(list.first().copied());
            prop_assert_eq!(&memberships(stated(&turned)), &found);
            let first = list.iter().map(|(hour, _)| *hour).min().expect("one");
            let last = list.iter().filter(|(said, _)| *said <= hour.max(first)).max().expect("one");
            prop_assert_eq!(member(&found, hour), (last.1 > 0).then_some(last.1));
        }
    }
}
