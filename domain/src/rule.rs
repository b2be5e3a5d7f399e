//! The one list of rules that input can break, with texts written for the person who sent it.

use chrono::NaiveDate;
use strum::IntoStaticStr;

use crate::metric::Aggregate;
use crate::milestone::{Action, State};

/// A rule that a value or a change broke. The text names the rule; the place is in [`Violation::at`].
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
        "must be keys with spaces between them, each with a relation and a lag of at most 365 days if need be, such as pipeline:SS+5"
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
    #[error("must not take what waits for {on} to a day before the plan's start on {start_on}")]
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
    #[error("'{key}' is waited for twice: give one relation")]
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
    #[error("these milestones must be achieved first: {}; or give override_reason", keys.join(", "))]
    UnmetDependencies { keys: Vec<String> },
    #[error("the milestone is {state}: reopen it first")]
    Settled { state: State },
    #[error("the forecast is already {forecast_on}")]
    ForecastUnchanged { forecast_on: NaiveDate },
    #[error("the forecast of {forecast_on} has passed: record a new one")]
    ForecastPassed { forecast_on: NaiveDate },
    #[error("the plan already starts on {start_on}")]
    StartUnchanged { start_on: NaiveDate },
    #[error("must not be after {on}, when work had begun: change forecasts or take a baseline instead")]
    AfterWorkBegan { on: NaiveDate },
    #[error("its planned date of {planned_on} has not passed, so nothing was missed")]
    NotMissed { planned_on: NaiveDate },
    #[error("'{key}' is at risk: give its cause and action")]
    FindingMissing { key: String },
    #[error("there is no milestone with the key '{key}' in this plan")]
    UnknownMilestone { key: String },
    #[error("must name the property whose {aggregate} is taken")]
    PropertyRequired { aggregate: Aggregate },
    #[error("must be left out: {aggregate} looks at no property")]
    PropertyUnused { aggregate: Aggregate },
    #[error("must not be before {existed_from}, from when the customer is known")]
    BeforeCustomer { existed_from: NaiveDate },
    #[error("{found} customers were lost in that time: below {needed} nothing can be concluded")]
    TooFewEvents { found: usize, needed: usize },
    #[error("must be greater than that of the tier before")]
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
    #[error("must be greater than the x of the point before")]
    CurveNotIncreasing,
    #[error("must be below healthy_from")]
    BandsOutOfOrder,
    #[error("this is recorded already")]
    AlreadyRecorded,
    #[error("record first that the client was told")]
    NotCommunicated,
    #[error("is frozen in the baseline: record a forecast change, or take a new baseline")]
    Baselined,
    #[error("version {version} is published and cannot change: add a new version")]
    Published { version: i64 },
    #[error("version {version} is a draft: publish it first")]
    NotPublished { version: i64 },
}

impl BrokenRule {
    /// The rule's stable, machine-readable name in `snake_case`.
    pub fn code(&self) -> &'static str {
        self.into()
    }

    /// This rule broken at the given JSON pointer of the input (empty for the whole).
    pub fn at(self, pointer: impl Into<String>) -> Violation {
        Violation { at: pointer.into(), rule: self }
    }
}

/// A broken rule and where in the input it was broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// JSON pointer (RFC 6901) into the input, such as `/milestones/3/planned_on`; empty for the whole.
    pub at: String,
    /// The rule that was broken there.
    pub rule: BrokenRule,
}

/// Everything that was wrong with one input, in the order of the input. Never empty inside an `Err`.
pub type Violations = Vec<Violation>;

/// `Ok` when nothing was found, otherwise everything that was found.
pub fn all_kept(violations: Violations) -> Result<(), Violations> {
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}
