//! Mentors: who can best help somebody with a milestone.

use std::cmp::Reverse;

use chrono::NaiveDate;
use uuid::Uuid;

/// Somebody who has achieved the milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Person.
    pub person_id: Uuid,
    /// Day of the achievement.
    pub achieved_on: NaiveDate,
    /// Whether they belong to the same segment as the person to be helped.
    pub is_same_segment: bool,
    /// Number of people whom they help already.
    pub mentees: usize,
}

/// Number of mentees from which somebody is asked no more.
pub const MOST_MENTEES: usize = 5;

/// Returns the best mentors, the best first: those of the same segment, then those with the fewest mentees, then those who achieved it last, who
/// remember it best. Whoever has [`MOST_MENTEES`] is left out.
pub fn best_mentors(mut candidates: Vec<Candidate>, most: usize) -> Vec<Candidate> {
    candidates.retain(|one| one.mentees < MOST_MENTEES);
    candidates.sort_by_key(|one| (!one.is_same_segment, one.mentees, Reverse(one.achieved_on), one.person_id));
    candidates.truncate(most);
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_near_and_free() {
        let candidate = |id, day, is_same_segment, mentees| Candidate {
            person_id: Uuid::from_u128(id),
            achieved_on: NaiveDate::from_ymd_opt(2026, 5, day).expect("a date"),
            is_same_segment,
            mentees,
        };
        let all = vec![
            candidate(1, 4, false, 0),
            candidate(2, 4, true, 2),
            candidate(3, 4, true, 1),
            candidate(4, 9, true, 1),
            candidate(5, 9, true, MOST_MENTEES),
        ];
        let ids = |most| best_mentors(all.clone(), most).iter().map(|one| one.person_id.as_u128()).collect::<Vec<_>>();
        assert_eq!(ids(9), [4, 3, 2, 1]);
        assert_eq!(ids(2), [4, 3]);
    }
}
