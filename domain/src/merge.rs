//! Merging of customers, and of people, that turned out to be the same: one of them is kept, and the other one points to it.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::rule::{About, Rule};

/// Largest number of people, parts and plans that one merge moves: each is changed with a ledger entry of its own.
pub const MOST_MOVED: usize = 2000;

/// Kind of what a merge moves from the duplicate to the one that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MovedKind {
    /// People of the customer.
    People,
    /// Customers that are a part of the customer.
    Parts,
    /// Plans that serve the customer or the person.
    Plans,
    /// Pulses of the customer.
    Pulses,
    /// Overrides of the customer's health.
    Overrides,
    /// Outcomes of the customer.
    Outcomes,
    /// Interventions for the customer.
    Interventions,
    /// External references, with their usage events.
    References,
    /// Statements of which customer a person belongs to.
    Memberships,
    /// People who report to the person.
    Reports,
    /// Statements of whom a person reports to.
    ReportingLines,
    /// Statements of who reports to the person.
    ReportingLinesOfReports,
    /// Teams that the person leads.
    Teams,
    /// Customers that the person owns.
    OwnedCustomers,
    /// People whose owner the person is.
    OwnedPeople,
    /// Plans that the person owns.
    OwnedPlans,
    /// Milestones that the person owns.
    OwnedMilestones,
    /// Interventions that the person owns.
    OwnedInterventions,
    /// Memberships of the person in teams.
    TeamMemberships,
    /// Validations for which the person was asked.
    ValidationAsks,
    /// Awards to the person.
    Awards,
    /// Entitlements of the person.
    Entitlements,
    /// Stories about the person.
    Stories,
    /// Congratulations of the person.
    Congratulations,
    /// Congratulations that the person has sent.
    SentCongratulations,
    /// Impacts of the person, or that arose at the customer.
    Impacts,
}

/// A rule of merging that was broken. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum MergeRule {
    #[error("must not be the one to keep")]
    MergedWithItself,
    #[error("has been merged into {into_id}, which stands for it")]
    Merged { into_id: Uuid },
    #[error("has {found} people, parts and plans, but a merge can move at most {most}")]
    TooMuchToMove { found: usize, most: usize },
    #[error("has already been undone")]
    Undone,
}

impl Rule for MergeRule {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn about(&self) -> About {
        match self {
            Self::MergedWithItself => About::Input,
            Self::Merged { .. } | Self::TooMuchToMove { .. } | Self::Undone => About::State,
        }
    }
}

/// One side of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the one that it has been merged into.
    pub merged_into_id: Option<Uuid>,
}

impl Side {
    /// Checks that it stands for itself: what has been merged can no longer be changed.
    pub fn check_stands(self) -> Result<(), MergeRule> {
        self.merged_into_id.map_or(Ok(()), |into_id| Err(MergeRule::Merged { into_id }))
    }
}

/// Checks that a duplicate can be merged into one that is kept, with `found` people, parts and plans to move.
pub fn may_merge(kept: Side, duplicate: Side, found: usize) -> Result<(), MergeRule> {
    if kept.id == duplicate.id {
        return Err(MergeRule::MergedWithItself);
    }
    duplicate.check_stands()?;
    if found > MOST_MOVED { Err(MergeRule::TooMuchToMove { found, most: MOST_MOVED }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_is_merged_once_and_not_with_itself() {
        let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
        let side = |id, merged_into_id| Side { id, merged_into_id };
        for (kept, duplicate, found, expected) in [
            (side(a, None), side(b, None), MOST_MOVED, Ok(())),
            (side(a, None), side(a, None), 0, Err(MergeRule::MergedWithItself)),
            (side(a, None), side(b, Some(c)), 0, Err(MergeRule::Merged { into_id: c })),
            (side(a, None), side(b, None), 2001, Err(MergeRule::TooMuchToMove { found: 2001, most: 2000 })),
        ] {
            assert_eq!(may_merge(kept, duplicate, found), expected);
        }
        assert_eq!(side(a, Some(b)).check_stands(), Err(MergeRule::Merged { into_id: b }));
        assert_eq!(side(a, None).check_stands(), Ok(()));
    }
}
