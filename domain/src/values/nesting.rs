//! Nesting of things in others of their kind: customers in customers, teams in teams.

use uuid::Uuid;

use crate::values::rule::ValueRule;

/// Largest number of things above one another.
pub const DEEPEST: usize = 20;

/// Checks that something can be a part of the first of `above`, which lists its parent, that one's parent and so on, as far as
/// they were followed. `id` is missing for something that is being created.
pub fn may_be_part_of(id: Option<Uuid>, above: &[Uuid]) -> Result<(), ValueRule> {
    if id.is_some_and(|id| above.contains(&id)) {
        return Err(ValueRule::ParentCycle);
    }
    if above.len() > DEEPEST { Err(ValueRule::TooDeep { most: DEEPEST }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_form_no_cycle_and_are_not_too_deep() {
        let [a, b] = [1, 2].map(Uuid::from_u128);
        let deep = |count: u128| (10..10 + count).map(Uuid::from_u128).collect::<Vec<_>>();
        for (id, above, expected) in [
            (Some(a), vec![], Ok(())),
            (Some(a), vec![b], Ok(())),
            (Some(a), vec![a], Err(ValueRule::ParentCycle)),
            (Some(a), vec![b, a], Err(ValueRule::ParentCycle)),
            (None, vec![b, a], Ok(())),
            (None, deep(20), Ok(())),
            (None, deep(21), Err(ValueRule::TooDeep { most: 20 })),
        ] {
            assert_eq!(may_be_part_of(id, &above), expected, "{id:?} below {above:?}");
        }
    }
}
