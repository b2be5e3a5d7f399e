//! Rules of plans and of what is submitted to build them.

use chrono::NaiveDate;
use strum::{IntoStaticStr, VariantNames};

use crate::rule::{About, Rule};
use crate::values::rule::ValueRule;

/// A rule that a plan broke. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum PlanRule {
    #[error(
        "must be keys separated by spaces, each with an optional relation and lag (up to 365 days), such as pipeline:SS+5"
    )]
    NotADependency,
    #[error("must not be later than on the usual timeline, after {days} days")]
    SlowFastTrack { days: u32 },
    #[error("must not be before the plan's start on {start_on}")]
    BeforeStart { start_on: NaiveDate },
    #[error("must not lead from the planned date {on} to a day before the plan's start on {start_on}")]
    LagBeforeStart { on: NaiveDate, start_on: NaiveDate },
    #[error("must not be a day off: the plan's calendar does not count {on}")]
    OnDayOff { on: NaiveDate },
    #[error("costs are recorded in {currency}: the currency cannot change")]
    CurrencyInUse { currency: String },
    #[error("the key '{key}' is used by more than one milestone")]
    DuplicateKey { key: String },
    #[error("there is no milestone with the key '{key}' in this plan")]
    UnknownDependency { key: String },
    #[error("the dependency on '{key}' is listed twice: give one relation")]
    RepeatedDependency { key: String },
    #[error("the dependencies form a cycle: {}", cycle.join(" -> "))]
    DependencyCycle { cycle: Vec<String> },
    #[error("a plan needs at least one milestone")]
    NoMilestones,
    #[error("must not be '{key}', which has no date")]
    WaitsForUndated { key: String },
    #[error("a currency needs a budget")]
    CurrencyWithoutBudget,
    #[error("give either a template or milestones, not both")]
    TemplateAndMilestones,
    #[error("give a template or at least one milestone")]
    TemplateOrMilestones,
    #[error("the plan already starts on {start_on}")]
    StartUnchanged { start_on: NaiveDate },
    #[error("must not be after {on}, when work began: change the forecasts or take a new baseline instead")]
    AfterWorkBegan { on: NaiveDate },
    #[error("'{key}' is at risk: give its cause and action")]
    FindingMissing { key: String },
    #[error("there is no milestone with the key '{key}' in this plan")]
    UnknownMilestone { key: String },
    #[error("is frozen in the baseline: record a forecast change or take a new baseline")]
    Baselined,
    #[error("the plan is on hold since {since_on}: resume it first")]
    OnHold { since_on: NaiveDate },
    #[error("must be another plan: within one, give depends_on of the milestone")]
    SamePlan,
    #[error("must not be a plan that waits for this one")]
    PlanCycle,
    #[error("must not put more than {most} plans in a row that wait for each other")]
    ChainTooLong { most: usize },
    #[error("the plan is not on hold")]
    NotOnHold,
    #[error(transparent)]
    Value(#[from] ValueRule),
}

impl Rule for PlanRule {
    fn code(&self) -> &'static str {
        match self {
            Self::Value(rule) => rule.code(),
            own => own.into(),
        }
    }

    fn about(&self) -> About {
        match self {
            Self::Value(rule) => rule.about(),
            Self::CurrencyInUse { .. } | Self::OnHold { .. } | Self::NotOnHold => About::State,
            Self::NotADependency
            | Self::SlowFastTrack { .. }
            | Self::BeforeStart { .. }
            | Self::LagBeforeStart { .. }
            | Self::OnDayOff { .. }
            | Self::DuplicateKey { .. }
            | Self::UnknownDependency { .. }
            | Self::RepeatedDependency { .. }
            | Self::DependencyCycle { .. }
            | Self::NoMilestones
            | Self::WaitsForUndated { .. }
            | Self::CurrencyWithoutBudget
            | Self::TemplateAndMilestones
            | Self::TemplateOrMilestones
            | Self::StartUnchanged { .. }
            | Self::AfterWorkBegan { .. }
            | Self::FindingMissing { .. }
            | Self::UnknownMilestone { .. }
            | Self::SamePlan
            | Self::PlanCycle
            | Self::ChainTooLong { .. }
            | Self::Baselined => About::Input,
        }
    }
}
