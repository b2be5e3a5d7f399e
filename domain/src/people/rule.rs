//! Rules of people and of the organization chart.

use chrono::NaiveDate;
use strum::{IntoStaticStr, VariantNames};

use crate::rule::{About, Rule};
use crate::values::rule::ValueRule;

/// A rule of people that was broken. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum PeopleRule {
    #[error("would make the person a manager of themselves on {on}")]
    ManagerCycle { on: NaiveDate },
    #[error("would put more than {most} managers above one another")]
    TooManyManagers { most: usize },
    #[error("overlaps with a membership of the same person from {from_on}")]
    MembershipOverlap { from_on: NaiveDate },
    #[error("names {name}, who has left")]
    HasLeft { name: String },
    #[error("must not be the person themselves")]
    OwnOwner,
    #[error("must not be the person who hands over")]
    HandedToOneself,
    #[error("is responsible for {found} things, but at most {most} can be handed over at once: name some kinds")]
    TooMuchToHandOver { found: usize, most: usize },
    #[error("names no owner of the template's milestones")]
    UnknownRole,
    #[error(transparent)]
    Value(#[from] ValueRule),
}

impl Rule for PeopleRule {
    fn code(&self) -> &'static str {
        match self {
            Self::Value(rule) => rule.code(),
            own => own.into(),
        }
    }

    fn about(&self) -> About {
        match self {
            Self::Value(rule) => rule.about(),
            Self::ManagerCycle { .. }
            | Self::TooManyManagers { .. }
            | Self::MembershipOverlap { .. }
            | Self::OwnOwner
            | Self::HandedToOneself
            | Self::UnknownRole => About::Input,
            Self::HasLeft { .. } | Self::TooMuchToHandOver { .. } => About::State,
        }
    }
}
