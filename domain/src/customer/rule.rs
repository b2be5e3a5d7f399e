//! Rules of customer health: models, playbooks, outcomes and studies.

use chrono::NaiveDate;
use strum::{IntoStaticStr, VariantNames};

use crate::rule::{About, Rule};
use crate::values::rule::ValueRule;

/// A rule of customer health that was broken. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum CustomerRule {
    #[error("must not be before {existed_from}, the first known day of the customer")]
    BeforeCustomer { existed_from: NaiveDate },
    #[error("too few customers were lost in the period for a conclusion: {found}, but at least {needed} are needed")]
    TooFewEvents { found: usize, needed: usize },
    #[error(
        "must not be before {decided_on}, when a model was last activated or deactivated: the days since then keep their scores"
    )]
    AlreadyScored { decided_on: NaiveDate },
    #[error("is already recorded")]
    AlreadyRecorded,
    #[error("names an intervention that is already done")]
    InterventionDone,
    #[error("must be given to activate a model that has not earned its place: {lacks}")]
    ModelUnproven { lacks: String },
    #[error(
        "{unknown} of {cases} cases have events that were received only after the day in question; use \"occurred\" for imported history"
    )]
    HistoryNotKnown { unknown: usize, cases: usize },
    #[error("must be greater than after_days of the previous tier")]
    TiersOutOfOrder,
    #[error("the weights must not all be zero")]
    NoWeight,
    #[error("the model has no group '{key}'")]
    UnknownGroup { key: String },
    #[error("a curve needs at least one point")]
    CurveEmpty,
    #[error("must be greater than the x of the previous point")]
    CurveNotIncreasing,
    #[error("must be below healthy_from")]
    BandsOutOfOrder,
    #[error(transparent)]
    Value(#[from] ValueRule),
}

impl Rule for CustomerRule {
    fn code(&self) -> &'static str {
        match self {
            Self::Value(rule) => rule.code(),
            own => own.into(),
        }
    }

    fn about(&self) -> About {
        match self {
            Self::Value(rule) => rule.about(),
            Self::ModelUnproven { .. } | Self::InterventionDone | Self::AlreadyRecorded => About::State,
            Self::BeforeCustomer { .. }
            | Self::HistoryNotKnown { .. }
            | Self::AlreadyScored { .. }
            | Self::TooFewEvents { .. }
            | Self::TiersOutOfOrder
            | Self::UnknownGroup { .. }
            | Self::NoWeight
            | Self::CurveEmpty
            | Self::CurveNotIncreasing
            | Self::BandsOutOfOrder => About::Input,
        }
    }
}
