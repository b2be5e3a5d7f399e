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
    #[error("must have no date: {key} is an alternative, and its pathway has the date")]
    AlternativeHasDate { key: String },
    #[error("must be an alternative in one pathway only: {key}")]
    AlternativeTwice { key: String },
    #[error("these prerequisites are not met: {}; to proceed anyway, give override_reason", missing.join("; "))]
    PrerequisitesMissing { missing: Vec<String> },
    #[error("is not contested")]
    NotContested,
    #[error("must be decided by somebody else")]
    OwnProof,
    #[error("must be left out: the milestone is validated by another criterion already")]
    SecondValidation,
    #[error("the milestone needs no validation")]
    NoValidation,
    #[error("there is a validation of the milestone already that is open or approved")]
    ValidationOpen,
    #[error("the milestone is not open")]
    MilestoneNotOpen,
    #[error("the validation is over")]
    ValidationOver,
    #[error("has left")]
    ValidatorHasLeft,
    #[error("must be the manager of the person today")]
    NotTheManager,
    #[error("is no kind of validation that the milestone needs")]
    KindNotNeeded,
    #[error("was asked for this already")]
    AskedAlready,
    #[error("was asked for another kind of validation, and the milestone needs different people")]
    SamePerson,
    #[error("was not asked for this")]
    NotAsked,
    #[error("must not be more than there can be")]
    BeyondFullMarks,
    #[error("has decided already")]
    DecidedAlready,
    #[error("must not be empty")]
    EmptyFile,
    #[error("must be a PNG or JPEG image, a whole PDF, or plain text in UTF-8, whatever its name")]
    NotEvidence,
    #[error("there can be no more files: delete one first")]
    TooManyFiles,
}

impl Rule for ProofRule {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn about(&self) -> About {
        match self {
            Self::NotContested
            | Self::PrerequisitesMissing { .. }
            | Self::OwnProof
            | Self::NoValidation
            | Self::MilestoneNotOpen
            | Self::ValidationOpen
            | Self::ValidationOver
            | Self::ValidatorHasLeft
            | Self::NotTheManager
            | Self::NotAsked
            | Self::TooManyFiles
            | Self::DecidedAlready => About::State,
            Self::NoCriteria
            | Self::AlternativeHasDate { .. }
            | Self::AlternativeTwice { .. }
            | Self::SecondValidation
            | Self::BeyondFullMarks
            | Self::EmptyFile
            | Self::NotEvidence
            | Self::KindNotNeeded
            | Self::AskedAlready
            | Self::SamePerson
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
