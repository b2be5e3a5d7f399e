//! The complete list of rules that input can break. The texts are written for the caller.

use chrono::NaiveDate;
use strum::IntoStaticStr;

use crate::metric::Aggregate;
use crate::milestone::{Action, State};

/// A rule that a value or a change breaks. The text states the rule; [`Violation::at`] holds the place.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum BrokenRule {
    #[error("must not be blank")]
    Blank,
    #[error("must have at most {max} characters")]
    TooLong { max: usize },
    #[error("must not contain NUL or other control characters")]
    ControlCharacter,
    #[error("must start with a letter or digit and contain only letters, digits, '.', '_' and '-'")]
    NotAKey,
    #[error("must be a date such as 2026-03-31")]
    NotADate,
    #[error(
        "must be keys separated by spaces, each with an optional relation and lag (up to 365 days), such as pipeline:SS+5"
    )]
    NotADependency,
    #[error("must be a three-letter ISO 4217 currency code such as EUR")]
    NotACurrency,
    #[error("must be an e-mail address such as name@example.com")]
    NotAnEmail,
    #[error("must be a number from {min} to {max}")]
    WeightOutOfRange { min: f64, max: f64 },
    #[error("must be a number from 0 to 100")]
    PercentOutOfRange,
    #[error("must not be before the plan's start on {start_on}")]
    BeforeStart { start_on: NaiveDate },
    #[error("must not lead from the planned date {on} to a day before the plan's start on {start_on}")]
    LagBeforeStart { on: NaiveDate, start_on: NaiveDate },
    #[error("must not be in the future: today is {today}")]
    InTheFuture { today: NaiveDate },
    #[error("must not be after {last}")]
    BeyondCalendar { last: NaiveDate },
    #[error("must not be in the past: today is {today}")]
    InThePast { today: NaiveDate },
    #[error("must not be before the previous entry of {previous_on}")]
    OutOfOrder { previous_on: NaiveDate },
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
    #[error("a budget needs a currency")]
    BudgetWithoutCurrency,
    #[error("a currency needs a budget")]
    CurrencyWithoutBudget,
    #[error("give either a template or milestones, not both")]
    TemplateAndMilestones,
    #[error("give a template or at least one milestone")]
    TemplateOrMilestones,
    #[error("cannot {action} a milestone that is {state}")]
    InvalidTransition { action: Action, state: State },
    #[error("a reason is needed to {action} a milestone")]
    ReasonRequired { action: Action },
    #[error("these milestones must be achieved first: {}; to proceed anyway, give override_reason", keys.join(", "))]
    UnmetDependencies { keys: Vec<String> },
    #[error("the milestone is {state}: reopen it first")]
    Settled { state: State },
    #[error("the forecast is already {forecast_on}")]
    ForecastUnchanged { forecast_on: NaiveDate },
    #[error("the forecast of {forecast_on} has passed: record a new one")]
    ForecastPassed { forecast_on: NaiveDate },
    #[error("the plan already starts on {start_on}")]
    StartUnchanged { start_on: NaiveDate },
    #[error("must not be after {on}, when work began: change the forecasts or take a new baseline instead")]
    AfterWorkBegan { on: NaiveDate },
    #[error("the planned date of {planned_on} has not passed, so the milestone is not missed")]
    NotMissed { planned_on: NaiveDate },
    #[error("'{key}' is at risk: give its cause and action")]
    FindingMissing { key: String },
    #[error("there is no milestone with the key '{key}' in this plan")]
    UnknownMilestone { key: String },
    #[error("must name a property: the aggregate {aggregate} needs one")]
    PropertyRequired { aggregate: Aggregate },
    #[error("must be left out: the aggregate {aggregate} uses no property")]
    PropertyUnused { aggregate: Aggregate },
    #[error("must not be before {existed_from}, the first known day of the customer")]
    BeforeCustomer { existed_from: NaiveDate },
    #[error("too few customers were lost in the period for a conclusion: {found}, but at least {needed} are needed")]
    TooFewEvents { found: usize, needed: usize },
    #[error("must be greater than after_days of the previous tier")]
    TiersOutOfOrder,
    #[error("the key '{key}' is used twice")]
    RepeatedKey { key: String },
    #[error("must give {what}")]
    Required { what: &'static str },
    #[error("must be left out unless {unless}")]
    Unused { unless: &'static str },
    #[error("there is no metric '{key}'")]
    UnknownMetric { key: String },
    #[error("the weights must not all be zero")]
    NoWeight,
    #[error("a curve needs at least one point")]
    CurveEmpty,
    #[error("must be greater than the x of the previous point")]
    CurveNotIncreasing,
    #[error("must be below healthy_from")]
    BandsOutOfOrder,
    #[error("this has already been recorded")]
    AlreadyRecorded,
    #[error("the client has not been told of this change: record the communication first")]
    NotCommunicated,
    #[error("is frozen in the baseline: record a forecast change or take a new baseline")]
    Baselined,
    #[error("version {version} is published and cannot change: create a new version")]
    Published { version: i64 },
    #[error("version {version} is a draft: publish it first")]
    NotPublished { version: i64 },
}

impl BrokenRule {
    /// Returns the stable, machine-readable name of the rule in `snake_case`.
    pub fn code(&self) -> &'static str {
        self.into()
    }

    /// Returns a violation of this rule at a JSON pointer into the input (empty for the whole input).
    pub fn at(self, pointer: impl Into<String>) -> Violation {
        Violation { at: pointer.into(), rule: self }
    }
}

/// A broken rule and its place in the input.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// JSON pointer (RFC 6901) into the input, such as `/milestones/3/planned_on`; empty for the whole input.
    pub at: String,
    /// Broken rule.
    pub rule: BrokenRule,
}

/// All violations of one input, in the order of the input. Never empty inside an `Err`.
pub type Violations = Vec<Violation>;

/// Returns `Ok` if there are no violations, and all of them otherwise.
pub fn all_kept(violations: Violations) -> Result<(), Violations> {
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}
