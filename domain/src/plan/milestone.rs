//! The states of a milestone and the actions that change them. This module holds the rules only: it reads no clock and
//! stores nothing.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::plan::network::Relation;
use crate::rule::{About, Rule, Violation};
use crate::values::rule::ValueRule;
use crate::values::text::{Name, Note};

/// State of a milestone. The usual course is `planned -> in_progress -> submitted -> achieved`. The states `waived` and
/// `cancelled` close a milestone without achieving it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Display,
    EnumIter,
    EnumString,
    IntoStaticStr,
    VariantNames,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// Not started.
    Planned,
    /// Started: work is in progress.
    InProgress,
    /// Submitted: the owner reports that the milestone is met, and acceptance is pending.
    Submitted,
    /// Achieved on its actual date.
    Achieved,
    /// Waived: agreed to be unnecessary. It does not block dependent milestones and earns no value.
    Waived,
    /// Canceled. It does not block dependent milestones and earns no value.
    Cancelled,
}

impl State {
    /// Whether the milestone is open: not achieved, waived or canceled.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Planned | Self::InProgress | Self::Submitted)
    }

    /// Whether the milestone was closed without being achieved. Such a milestone earns no value, blocks no dependent
    /// milestone, and leaves the scope at the next baseline.
    pub const fn is_dropped(self) -> bool {
        matches!(self, Self::Waived | Self::Cancelled)
    }
}

/// Evidence that a milestone was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Run 118", "url": "https://ci.example.com/118", "note": "All criteria checked."}))]
pub struct Evidence {
    /// Title.
    pub title: Name,
    /// URL of the evidence.
    #[schema(max_length = 2000, pattern = r"^https?://[^\s\x00-\x1F]+$")]
    pub url: Option<String>,
    /// Note on the evidence.
    pub note: Option<Note>,
}

/// Dates of a milestone as they were recorded, and as they are to be corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// State.
    pub state: State,
    /// Start date and closing date, as recorded.
    pub recorded: (Option<NaiveDate>, Option<NaiveDate>),
    /// Right start date, if it was wrong.
    pub started_on: Option<NaiveDate>,
    /// Right actual date, if it was wrong.
    pub actual_on: Option<NaiveDate>,
}

/// Returns the corrected start and closing dates. Only what has happened can be corrected, no date is in the future, and the
/// start does not follow the closing. An earlier date is as good as a later one.
pub fn corrected(
    correction: Correction,
    today: NaiveDate,
) -> Result<(Option<NaiveDate>, Option<NaiveDate>), Violation> {
    let (started_on, closed_on) = correction.recorded;
    if correction.started_on.is_some() && started_on.is_none() {
        return Err(MilestoneRule::NothingToCorrect { what: "start date" }.at("/started_on"));
    }
    if correction.actual_on.is_some() && correction.state != State::Achieved {
        return Err(MilestoneRule::NothingToCorrect { what: "actual date" }.at("/actual_on"));
    }
    for (on, at) in [(correction.started_on, "/started_on"), (correction.actual_on, "/actual_on")] {
        if on.is_some_and(|on| on > today) {
            return Err(ValueRule::InTheFuture { today }.at(at));
        }
    }
    let (started_on, closed_on) = (correction.started_on.or(started_on), correction.actual_on.or(closed_on));
    match (started_on, closed_on) {
        (Some(previous_on), Some(closed_on)) if closed_on < previous_on => {
            let at = if correction.actual_on.is_some() { "/actual_on" } else { "/started_on" };
            Err(ValueRule::OutOfOrder { previous_on }.at(at))
        }
        dates => Ok(dates),
    }
}

/// Action on a milestone.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantNames,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    /// Start work.
    Start,
    /// Submit the milestone as met, for acceptance.
    Submit,
    /// Reject the submission; work continues. Requires a reason.
    Reject,
    /// Mark the milestone as achieved. Allowed from every open state.
    Achieve,
    /// Reopen a closed milestone. Requires a reason.
    Reopen,
    /// Waive the milestone as unnecessary. Requires a reason.
    Waive,
    /// Cancel the milestone. Requires a reason.
    Cancel,
}

/// Returns the state after `action`, or the rule that forbids the action.
///
/// A reopened milestone returns to `in_progress` if `was_started` is true, and to `planned` otherwise.
pub fn transition(state: State, action: Action, was_started: bool) -> Result<State, MilestoneRule> {
    let next = match (action, state) {
        (Action::Start, State::Planned) | (Action::Reject, State::Submitted) => State::InProgress,
        (Action::Submit, State::Planned | State::InProgress) => State::Submitted,
        (Action::Achieve, open) if open.is_open() => State::Achieved,
        (Action::Waive, open) if open.is_open() => State::Waived,
        (Action::Cancel, open) if open.is_open() => State::Cancelled,
        (Action::Reopen, closed) if !closed.is_open() => {
            if was_started {
                State::InProgress
            } else {
                State::Planned
            }
        }
        _ => return Err(MilestoneRule::InvalidTransition { action, state }),
    };
    Ok(next)
}

/// Returns the start date and the closing date of a milestone after a step to `next` on `occurred_on`.
///
/// Submitting a milestone sets its start date if it has none. Reopening a milestone clears its closing date.
pub fn dates_after(
    next: State,
    started_on: Option<NaiveDate>,
    occurred_on: NaiveDate,
) -> (Option<NaiveDate>, Option<NaiveDate>) {
    let has_started = matches!(next, State::InProgress | State::Submitted);
    let started_on = if has_started { started_on.or(Some(occurred_on)) } else { started_on };
    (started_on, (!next.is_open()).then_some(occurred_on))
}

/// Checks the date of a step: not after today, and not before the previous step.
pub fn may_occur(occurred_on: NaiveDate, previous_on: Option<NaiveDate>, today: NaiveDate) -> Result<(), ValueRule> {
    match previous_on {
        _ if occurred_on > today => Err(ValueRule::InTheFuture { today }),
        Some(previous_on) if occurred_on < previous_on => Err(ValueRule::OutOfOrder { previous_on }),
        _ => Ok(()),
    }
}

/// Checks that a forecast may be recorded today: the milestone is open, and the date is new and not in the past.
pub fn may_forecast(
    state: State,
    current_on: NaiveDate,
    forecast_on: NaiveDate,
    today: NaiveDate,
) -> Result<(), MilestoneRule> {
    if !state.is_open() {
        Err(MilestoneRule::Settled { state })
    } else if forecast_on == current_on {
        Err(MilestoneRule::ForecastUnchanged { forecast_on })
    } else if forecast_on < today {
        Err(ValueRule::InThePast { today }.into())
    } else {
        Ok(())
    }
}

/// Checks that a forecast may be confirmed today: the milestone is open, and the date has not passed.
pub fn may_confirm(state: State, forecast_on: NaiveDate, today: NaiveDate) -> Result<(), MilestoneRule> {
    if !state.is_open() {
        Err(MilestoneRule::Settled { state })
    } else if forecast_on < today {
        Err(MilestoneRule::ForecastPassed { forecast_on })
    } else {
        Ok(())
    }
}

/// Checks that a missed planned date may be explained today: the milestone is open, its planned date has passed, and
/// the miss has not been explained yet.
pub fn may_report_miss(
    state: State,
    planned_on: NaiveDate,
    is_explained: bool,
    today: NaiveDate,
) -> Result<(), MilestoneRule> {
    if !state.is_open() {
        Err(MilestoneRule::Settled { state })
    } else if planned_on >= today {
        Err(MilestoneRule::NotMissed { planned_on })
    } else if is_explained {
        Err(ValueRule::AlreadyRecorded.into())
    } else {
        Ok(())
    }
}

/// A dependency, reduced to the facts that [`may_achieve`] needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prerequisite {
    /// Key of the prerequisite milestone.
    pub key: String,
    /// Current state of the prerequisite milestone.
    pub state: State,
    /// Relation between the two milestones.
    pub relation: Relation,
}

impl Prerequisite {
    /// Whether the prerequisite no longer blocks the dependent milestone: closed if the relation needs its finish, or
    /// started if the relation needs its start.
    pub const fn is_met(&self) -> bool {
        is_met(self.relation, self.state)
    }
}

/// Returns whether a milestone in a state no longer blocks the one that depends on it.
pub const fn is_met(relation: Relation, state: State) -> bool {
    match relation {
        Relation::FinishToStart | Relation::FinishToFinish => !state.is_open(),
        Relation::StartToStart | Relation::StartToFinish => !matches!(state, State::Planned),
    }
}

/// Checks that a milestone may be achieved: every prerequisite is met, or the caller overrides them with a reason.
pub fn may_achieve(prerequisites: &[Prerequisite], override_reason: Option<&str>) -> Result<(), MilestoneRule> {
    let unmet: Vec<String> = prerequisites.iter().filter(|p| !p.is_met()).map(|p| p.key.clone()).collect();
    if unmet.is_empty() || override_reason.is_some() {
        Ok(())
    } else {
        Err(MilestoneRule::UnmetDependencies { keys: unmet })
    }
}

/// A rule that a change of a milestone broke. The text of each variant is its documentation.
#[derive(Debug, Clone, PartialEq, thiserror::Error, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's text is its documentation")]
pub enum MilestoneRule {
    #[error("the milestone has no {what}, so there is nothing to correct")]
    NothingToCorrect { what: &'static str },
    #[error("cannot {action} a milestone that is {state}")]
    InvalidTransition { action: Action, state: State },
    #[error("these milestones must be achieved first: {}; to proceed anyway, give override_reason", keys.join(", "))]
    UnmetDependencies { keys: Vec<String> },
    #[error("the milestone is {state}: reopen it first")]
    Settled { state: State },
    #[error("the forecast is already {forecast_on}")]
    ForecastUnchanged { forecast_on: NaiveDate },
    #[error("the forecast of {forecast_on} has passed: record a new one")]
    ForecastPassed { forecast_on: NaiveDate },
    #[error("the planned date of {planned_on} has not passed, so the milestone is not missed")]
    NotMissed { planned_on: NaiveDate },
    #[error("the client has not been told of this change: record the communication first")]
    NotCommunicated,
    #[error(transparent)]
    Value(#[from] ValueRule),
}

impl Rule for MilestoneRule {
    fn code(&self) -> &'static str {
        match self {
            Self::Value(rule) => rule.code(),
            own => own.into(),
        }
    }

    fn about(&self) -> About {
        match self {
            Self::Value(rule) => rule.about(),
            Self::InvalidTransition { .. }
            | Self::Settled { .. }
            | Self::ForecastPassed { .. }
            | Self::NotMissed { .. }
            | Self::NothingToCorrect { .. }
            | Self::NotCommunicated => About::State,
            Self::UnmetDependencies { .. } | Self::ForecastUnchanged { .. } => About::Input,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Achieve, Cancel, Reject, Reopen, Start, Submit, Waive};
    use State::{Achieved, Cancelled, InProgress, Planned, Submitted, Waived};

    const ACTIONS: [Action; 7] = [Start, Submit, Reject, Achieve, Reopen, Waive, Cancel];

    /// The complete state machine: one row per state and one column per action. `None` means that the action is
    /// refused. The reopened milestones had been started before.
    #[test]
    fn transitions_are_exactly_these() {
        let table: [(State, [Option<State>; 7]); 6] = [
            (Planned, [Some(InProgress), Some(Submitted), None, Some(Achieved), None, Some(Waived), Some(Cancelled)]),
            (InProgress, [None, Some(Submitted), None, Some(Achieved), None, Some(Waived), Some(Cancelled)]),
            (Submitted, [None, None, Some(InProgress), Some(Achieved), None, Some(Waived), Some(Cancelled)]),
            (Achieved, [None, None, None, None, Some(InProgress), None, None]),
            (Waived, [None, None, None, None, Some(InProgress), None, None]),
            (Cancelled, [None, None, None, None, Some(InProgress), None, None]),
        ];
        for (state, row) in table {
            for (action, expected) in ACTIONS.into_iter().zip(row) {
                let expected = expected.ok_or(MilestoneRule::InvalidTransition { action, state });
                assert_eq!(transition(state, action, true), expected, "{action} from {state}");
            }
        }
    }

    #[test]
    fn reopening_one_that_never_started_plans_it_again() {
        assert_eq!(transition(Waived, Reopen, false), Ok(Planned));
    }

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, d).expect("a date")
    }

    #[test]
    fn dates_follow_steps() {
        let check = |next, started: Option<u32>, expected: (Option<u32>, Option<u32>)| {
            let expected = (expected.0.map(day), expected.1.map(day));
            assert_eq!(dates_after(next, started.map(day), day(9)), expected, "{next} after {started:?}");
        };
        check(InProgress, None, (Some(9), None));
        check(InProgress, Some(4), (Some(4), None));
        check(Submitted, None, (Some(9), None));
        check(Achieved, None, (None, Some(9)));
        check(Cancelled, Some(4), (Some(4), Some(9)));
        check(Planned, None, (None, None));
    }

    #[test]
    fn steps_and_forecasts_have_their_days() {
        assert_eq!(may_occur(day(9), Some(day(9)), day(9)), Ok(()));
        assert_eq!(may_occur(day(10), None, day(9)), Err(ValueRule::InTheFuture { today: day(9) }));
        assert_eq!(may_occur(day(3), Some(day(4)), day(9)), Err(ValueRule::OutOfOrder { previous_on: day(4) }));
        assert_eq!(may_forecast(Planned, day(9), day(12), day(5)), Ok(()));
        assert_eq!(may_forecast(Planned, day(9), day(4), day(5)), Err(ValueRule::InThePast { today: day(5) }.into()));
        let unchanged = MilestoneRule::ForecastUnchanged { forecast_on: day(9) };
        assert_eq!(may_forecast(Planned, day(9), day(9), day(5)), Err(unchanged));
        let settled = MilestoneRule::Settled { state: Waived };
        assert_eq!(may_forecast(Waived, day(9), day(12), day(5)), Err(settled.clone()));
        assert_eq!(may_report_miss(Planned, day(4), false, day(5)), Ok(()));
        assert_eq!(may_report_miss(Planned, day(4), true, day(5)), Err(ValueRule::AlreadyRecorded.into()));
        let not_missed = MilestoneRule::NotMissed { planned_on: day(5) };
        assert_eq!(may_report_miss(Planned, day(5), false, day(5)), Err(not_missed));
        assert_eq!(may_report_miss(Waived, day(4), false, day(5)), Err(settled.clone()));
        assert_eq!(may_confirm(Planned, day(5), day(5)), Ok(()));
        assert_eq!(may_confirm(Planned, day(4), day(5)), Err(MilestoneRule::ForecastPassed { forecast_on: day(4) }));
        assert_eq!(may_confirm(Waived, day(9), day(5)), Err(settled));
    }

    #[test]
    fn what_happened_is_corrected_in_both_directions() {
        let recorded = (Some(day(4)), Some(day(8)));
        let right = |started: Option<u32>, actual: Option<u32>| Correction {
            state: Achieved,
            recorded,
            started_on: started.map(day),
            actual_on: actual.map(day),
        };
        let check = |correction| corrected(correction, day(10));
        assert_eq!(check(right(Some(2), None)), Ok((Some(day(2)), Some(day(8)))));
        assert_eq!(check(right(None, Some(5))), Ok((Some(day(4)), Some(day(5)))), "an earlier date, too");
        let place = |found: Result<_, Violation>| found.map_err(|found| (found.at, found.code)).err();
        let out = |at: &str, code| Some((at.to_owned(), code));
        assert_eq!(place(check(right(None, Some(11)))), out("/actual_on", "in_the_future"));
        assert_eq!(place(check(right(None, Some(3)))), out("/actual_on", "out_of_order"));
        assert_eq!(place(check(right(Some(9), None))), out("/started_on", "out_of_order"));
        let open = Correction { state: InProgress, recorded: (None, None), ..right(None, Some(5)) };
        assert_eq!(place(check(open)), out("/actual_on", "nothing_to_correct"));
        let unstarted = Correction { started_on: Some(day(3)), actual_on: None, ..open };
        assert_eq!(place(check(unstarted)), out("/started_on", "nothing_to_correct"));
    }

    #[test]
    fn the_gate_names_what_is_unmet() {
        let prerequisites = [(Achieved, "a"), (Planned, "b"), (Waived, "c"), (Submitted, "d")]
            .map(|(state, key)| Prerequisite { key: key.into(), state, relation: Relation::FinishToStart });
        let unmet = MilestoneRule::UnmetDependencies { keys: vec!["b".into(), "d".into()] };
        assert_eq!(may_achieve(&prerequisites, None), Err(unmet));
        assert_eq!(may_achieve(&prerequisites, Some("the client insisted")), Ok(()));
        assert_eq!(may_achieve(&prerequisites[..1], None), Ok(()));
        let begun = |state| Prerequisite { key: "a".into(), state, relation: Relation::StartToStart }.is_met();
        assert_eq!((begun(Planned), begun(InProgress), begun(Achieved)), (false, true, true));
    }
}
