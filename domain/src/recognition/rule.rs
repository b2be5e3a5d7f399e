//! Rules of recognition.

use chrono::NaiveDate;
use strum::{IntoStaticStr, VariantNames};

use crate::rule::{About, Rule};
use crate::values::text::Currency;

/// A rule of recognition that was broken. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum RecognitionRule {
    #[error("is named more than once")]
    RepeatedTag,
    #[error("must be after {awarded_on}, the day of the award")]
    ExpiresTooEarly { awarded_on: NaiveDate },
    #[error("must not be in the future")]
    AwardedInFuture,
    #[error("is held by the person already: renew that award, or revoke it first")]
    AlreadyAwarded,
    #[error("is revoked, which is final")]
    AwardRevoked,
    #[error("is not suspended")]
    NotSuspended,
    #[error("is suspended: restore it first")]
    AwardSuspended,
    #[error("never expires")]
    NeverExpires,
    #[error("must not be before the first day")]
    EndsBeforeItBegins,
    #[error("must be better than the baseline")]
    NotAGain,
    #[error("must be {currency}, the currency of the plan")]
    OtherCurrency { currency: Currency },
    #[error("serves another person")]
    OthersPlan,
    #[error("cannot change")]
    OtherPerson,
    #[error("is under review: withdraw its validation first")]
    ImpactUnderReview,
    #[error("is verified: withdraw it and claim another one")]
    ImpactVerified,
    #[error("is withdrawn")]
    ImpactWithdrawn,
    #[error("runs until the end of {to_on}")]
    CompetitionRunning { to_on: NaiveDate },
    #[error("is closed: its results stay")]
    CompetitionClosed,
    #[error("does not show achievements to anybody")]
    OptedOut,
    #[error("must not be the one who is celebrated")]
    OwnCelebration,
    #[error("has congratulated on this already")]
    CongratulatedAlready,
    #[error("must not be set for what costs something")]
    CostsSomething,
    #[error("is {state}")]
    GrantOver { state: String },
    #[error("does not follow while it is {state}")]
    NotTheNextStep { state: String },
    #[error("is out of stock")]
    OutOfStock,
    #[error("was granted to the person already")]
    GrantedAlready,
    #[error("must be approved by somebody else")]
    OwnReward,
    #[error("would earn itself: {path}")]
    BadgeCircle { path: String },
    #[error("must be at most {there_are}, the number of badges")]
    MoreThanThereAre { there_are: usize },
    #[error("is {state}: only a draft is written")]
    NotADraft { state: String },
    #[error("must be verified first")]
    NotVerified,
    #[error("needs the consent of the person whom it is about, who alone can give it")]
    ConsentOfOther,
    #[error("must be read by somebody whom it is not about and who did not submit it")]
    OwnStory,
}

impl Rule for RecognitionRule {
    fn code(&self) -> &'static str {
        self.into()
    }

    fn about(&self) -> About {
        match self {
            Self::RepeatedTag
            | Self::ExpiresTooEarly { .. }
            | Self::AwardedInFuture
            | Self::EndsBeforeItBegins
            | Self::NotAGain
            | Self::OtherCurrency { .. }
            | Self::OthersPlan
            | Self::OtherPerson
            | Self::OwnCelebration
            | Self::CostsSomething
            | Self::BadgeCircle { .. }
            | Self::MoreThanThereAre { .. } => About::Input,
            Self::AlreadyAwarded
            | Self::AwardRevoked
            | Self::NotSuspended
            | Self::AwardSuspended
            | Self::NeverExpires
            | Self::ImpactUnderReview
            | Self::ImpactVerified
            | Self::ImpactWithdrawn
            | Self::CompetitionRunning { .. }
            | Self::CompetitionClosed
            | Self::OptedOut
            | Self::CongratulatedAlready
            | Self::GrantOver { .. }
            | Self::NotTheNextStep { .. }
            | Self::OutOfStock
            | Self::GrantedAlready
            | Self::OwnReward
            | Self::NotADraft { .. }
            | Self::NotVerified
            | Self::ConsentOfOther
            | Self::OwnStory => About::State,
        }
    }
}
