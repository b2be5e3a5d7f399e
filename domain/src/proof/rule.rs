//! Rules of proofs.

use strum::{IntoStaticStr, VariantNames};

use crate::rule::{About, Rule};

/// A rule of proofs that was broken. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum ProofRule {
    #[error("must have at least one criterion")]
    NoCriteria,
    #[error("must be a number from 1 to {of}, the number of what it counts")]
    TooMany { of: usize },
    #[error("must name something")]
    NamesNothing,
    #[error("must not name the milestone itself")]
    ProvesItself,
    #[error("must be exactly one of at_least, at_most and tiers")]
    OneThreshold,
    #[error("must be higher, in metal and in number, than the tier before")]
    TiersNotIncreasing,
    #[error("must be left out: another criterion of the milestone has tiers")]
    SecondTiers,
    #[error("must be left out: where a criterion has tiers, all criteria are needed")]
    TiersOfAny,
    #[error("the proofs wait for each other: {}", cycle.join(" -> "))]
    ProofCycle { cycle: Vec<String> },
    #[error("is not contested")]
    NotContested,
    #[error("must be decided by somebody else")]
    OwnProof,
}

impl Rule for ProofRule {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn about(&self) -> About {
        match self {
            Self::NotContested | Self::OwnProof => About::State,
            Self::NoCriteria
            | Self::TooMany { .. }
            | Self::NamesNothing
            | Self::ProvesItself
            | Self::OneThreshold
            | Self::TiersNotIncreasing
            | Self::SecondTiers
            | Self::TiersOfAny
            | Self::ProofCycle { .. } => About::Input,
        }
    }
}
