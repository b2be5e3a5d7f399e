//! Checks of new plans, milestones and changes before they are saved. Each check returns all violations at once, each
//! with its place in the request.
//!
//! This module saves nothing and reads no clock.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::earned_value::CreditRule;
use crate::plan::calendar::Calendar;
use crate::plan::cycle::find_cycle;
use crate::plan::dependency::Dependency;
use crate::plan::milestone::{MilestoneRule, State};
use crate::plan::rule::PlanRule;
use crate::rule::{Rule as _, Violation, Violations, all_kept};
use crate::values::dates::LAST_DAY;
use crate::values::rule::ValueRule;
use crate::values::text::{ExternalRef, Key, Label, Name, Note};
use crate::values::weight::{Percent, Weight};

/// A forecast change that was made before the milestone was created in this service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"recorded_on": "2026-02-10", "forecast_on": "2026-03-09", "reason": "Data access came a week late."}))]
pub struct ForecastDraft {
    /// Date on which the change was recorded. List changes oldest first.
    pub recorded_on: NaiveDate,
    /// Forecast date from then on.
    pub forecast_on: NaiveDate,
    /// Reason for the change.
    pub reason: Option<Note>,
}

/// A percentage of completion that was reported before the milestone was created in this service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"recorded_on": "2026-02-10", "percent": 40}))]
pub struct ProgressDraft {
    /// Date of the report. List percentages oldest first.
    pub recorded_on: NaiveDate,
    /// Percentage of completion.
    pub percent: Percent,
}

/// Milestone to create, with any history that it already has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "key": "data-access", "name": "Data access confirmed", "phase": "Discovery", "owner_name": "Ana", "weight": 3,
    "planned_on": "2026-03-02", "depends_on": [], "acceptance_criteria": ["All sources can be read with the project's credentials."]
}))]
pub struct MilestoneDraft {
    /// Key. Unique within the plan and usable in URLs.
    pub key: Key,
    /// Name: the outcome that is true once the milestone is achieved.
    pub name: Name,
    /// Phase or track of the milestone.
    pub phase: Option<Label>,
    /// Identifier of the owner, where a person is responsible.
    pub owner_id: Option<Uuid>,
    /// External reference of the owner. An e-mail address is taken, too.
    pub owner_ref: Option<ExternalRef>,
    /// Name of the owner: the person's, or free text for somebody outside. Has no effect where a person is named.
    pub owner_name: Option<Name>,
    /// Weight: the milestone's size relative to the plan's other milestones. Defaults to 1.
    #[serde(default)]
    pub weight: Weight,
    /// Planned date. The next baseline freezes it.
    pub planned_on: NaiveDate,
    /// Time that it takes, in days of the plan's calendar. If it is less than the time between the planned dates, the rest is
    /// a buffer, which absorbs slips of its dependencies. By default, it takes all the time that they leave it.
    #[schema(minimum = 0, maximum = 3650)]
    pub duration_days: Option<u32>,
    /// Credit rule of the milestone. Defaults to the plan's.
    pub credit_rule: Option<CreditRule>,
    /// Dependencies: keys of milestones, or keys with a relation and a lag.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub depends_on: Vec<Dependency>,
    /// Acceptance criteria: conditions that must hold for the milestone to count as achieved.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub acceptance_criteria: Vec<Note>,
    /// Forecast changes so far, oldest first.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub forecast_changes: Vec<ForecastDraft>,
    /// Percentages of completion so far, oldest first.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub progress: Vec<ProgressDraft>,
    /// Date on which work started; null if it has not.
    pub started_on: Option<NaiveDate>,
    /// Actual date: the date of achievement; null if not achieved.
    pub actual_on: Option<NaiveDate>,
    /// Note about the milestone's current standing.
    pub note: Option<Note>,
}

impl MilestoneDraft {
    /// Returns a milestone with a date, and nothing else.
    pub const fn named(key: Key, name: Name, phase: Option<Label>, planned_on: NaiveDate) -> Self {
        Self {
            key,
            name,
            phase,
            owner_id: None,
            owner_ref: None,
            owner_name: None,
            weight: Weight::ONE,
            planned_on,
            duration_days: None,
            credit_rule: None,
            depends_on: vec![],
            acceptance_criteria: vec![],
            forecast_changes: vec![],
            progress: vec![],
            started_on: None,
            actual_on: None,
            note: None,
        }
    }

    /// Returns the state that the milestone's history implies.
    pub fn state(&self) -> State {
        match (self.actual_on, self.started_on) {
            (Some(_), _) => State::Achieved,
            (None, Some(_)) => State::InProgress,
            (None, None) => State::Planned,
        }
    }
}

/// Checks that a currency is given for a budget. A budget without one is in the organization's currency.
pub fn check_budget(has_budget: bool, has_currency: bool) -> Result<(), Violation> {
    if has_currency && !has_budget { Err(PlanRule::CurrencyWithoutBudget.at("/budget_minor")) } else { Ok(()) }
}

/// Checks the milestones of a new plan. Pointers start at `/milestones`.
pub fn check_milestones(
    milestones: &[MilestoneDraft],
    start_on: NaiveDate,
    calendar: &Calendar,
    today: NaiveDate,
) -> Result<(), Violations> {
    let mut violations = Violations::new();
    if milestones.is_empty() {
        violations.push(PlanRule::NoMilestones.at("/milestones"));
    }
    for (index, milestone) in milestones.iter().enumerate() {
        let at = format!("/milestones/{index}");
        check_dates(milestone, (start_on, calendar), today, &at, &mut violations);
    }
    let network: Vec<_> = milestones.iter().map(|m| (m.key.as_str(), m.depends_on.as_slice())).collect();
    check_network(&network, &mut violations);
    let planned: BTreeMap<&str, NaiveDate> = milestones.iter().map(|m| (m.key.as_str(), m.planned_on)).collect();
    for (index, milestone) in milestones.iter().enumerate() {
        let at = format!("/milestones/{index}");
        violations.extend(lag_violations(
            &milestone.depends_on,
            |key| planned.get(key).copied(),
            start_on,
            calendar,
            &at,
        ));
    }
    all_kept(violations)
}

/// Checks that no overlap reaches back to a day before the plan's start.
fn lag_violations(
    depends_on: &[Dependency],
    planned_on: impl Fn(&str) -> Option<NaiveDate>,
    start_on: NaiveDate,
    calendar: &Calendar,
    at: &str,
) -> Violations {
    let mut violations = Violations::new();
    for (position, needed) in depends_on.iter().enumerate().filter(|(_, needed)| needed.lag_days < 0) {
        let Some(on) = planned_on(needed.as_str()) else { continue };
        if on >= start_on && calendar.plus_days(on, needed.lag_days) < start_on {
            let rule = PlanRule::LagBeforeStart { on, start_on };
            violations.push(rule.at(format!("{at}/depends_on/{position}/lag_days")));
        }
    }
    violations
}

/// An existing plan in which a milestone is added or changed.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Milestones of the plan.
    pub milestones: &'a [Neighbour<'a>],
    /// First day of the plan.
    pub start_on: NaiveDate,
    /// Calendar of the plan.
    pub calendar: &'a Calendar,
}

/// An existing milestone of the plan.
#[derive(Debug, Clone, Copy)]
pub struct Neighbour<'a> {
    /// Key.
    pub key: &'a str,
    /// Planned date.
    pub planned_on: NaiveDate,
    /// Dependencies.
    pub depends_on: &'a [Dependency],
}

/// Checks a milestone added to an existing plan. Pointers are relative to the milestone.
pub fn check_addition(milestone: &MilestoneDraft, plan: Surroundings<'_>, today: NaiveDate) -> Result<(), Violations> {
    let mut violations = Violations::new();
    check_dates(milestone, (plan.start_on, plan.calendar), today, "", &mut violations);
    if plan.milestones.iter().any(|other| other.key == milestone.key.as_str()) {
        violations.push(PlanRule::DuplicateKey { key: milestone.key.to_string() }.at("/key"));
    }
    violations.extend(dependency_violations(milestone.key.as_str(), &milestone.depends_on, plan));
    all_kept(violations)
}

/// Fields that a change to an existing milestone affects.
#[derive(Debug, Clone, Copy, Default)]
pub struct MilestoneChange {
    /// New planned date.
    pub planned_on: Option<NaiveDate>,
    /// Whether the weight changes.
    pub changes_weight: bool,
    /// Date of the percentage of completion that is recorded, if there is one, and of the last one before.
    pub progress_on: Option<(NaiveDate, Option<NaiveDate>)>,
}

/// Checks a change: values frozen by a baseline do not change, progress is recorded only on open milestones and in order, and
/// no planned date is before the plan's start or on a day that the calendar refuses.
pub fn check_change(
    change: MilestoneChange,
    state: State,
    is_baselined: bool,
    (start_on, calendar): (NaiveDate, &Calendar),
    today: NaiveDate,
) -> Result<(), Violations> {
    let mut violations = Violations::new();
    if is_baselined && change.planned_on.is_some() {
        violations.push(PlanRule::Baselined.at("/planned_on"));
    }
    if is_baselined && change.changes_weight {
        violations.push(PlanRule::Baselined.at("/weight"));
    }
    if change.progress_on.is_some() && !state.is_open() {
        violations.push(MilestoneRule::Settled { state }.at("/percent_complete"));
    }
    if let Some((on, previous_on)) = change.progress_on {
        let rule = match previous_on.filter(|previous_on| on < *previous_on) {
            _ if on > today => Some(ValueRule::InTheFuture { today }),
            Some(previous_on) => Some(ValueRule::OutOfOrder { previous_on }),
            None => None,
        };
        violations.extend(rule.map(|rule| rule.at("/percent_complete_on")));
    }
    if let Some(on) = change.planned_on.filter(|on| calendar.refuses(*on)) {
        violations.push(PlanRule::OnDayOff { on }.at("/planned_on"));
    }
    if change.planned_on.is_some_and(|on| on < start_on) {
        violations.push(PlanRule::BeforeStart { start_on }.at("/planned_on"));
    }
    all_kept(violations)
}

/// Checks a milestone's new dependencies against the rest of its plan. Pointers start at `/depends_on`.
pub fn check_dependencies(key: &str, depends_on: &[Dependency], plan: Surroundings<'_>) -> Result<(), Violations> {
    all_kept(dependency_violations(key, depends_on, plan))
}

fn dependency_violations(key: &str, depends_on: &[Dependency], plan: Surroundings<'_>) -> Violations {
    let find = |key: &str| plan.milestones.iter().find(|other| other.key == key);
    let planned_on = |key: &str| find(key).map(|other| other.planned_on);
    let mut violations = lag_violations(depends_on, planned_on, plan.start_on, plan.calendar, "");
    for (position, needed) in depends_on.iter().enumerate() {
        if depends_on[..position].iter().any(|other| other.as_str() == needed.as_str()) {
            let rule = PlanRule::RepeatedDependency { key: needed.to_string() };
            violations.push(rule.at(format!("/depends_on/{position}")));
        }
        let known = needed.as_str() == key || find(needed.as_str()).is_some();
        if !known {
            violations
                .push(PlanRule::UnknownDependency { key: needed.to_string() }.at(format!("/depends_on/{position}")));
        }
    }
    let own = depends_on.iter().map(|needed| (key, needed.as_str()));
    let rest = plan.milestones.iter().filter(|other| other.key != key);
    let rest = rest.flat_map(|other| other.depends_on.iter().map(move |needed| (other.key, needed.as_str())));
    if let Some(cycle) = find_cycle(own.chain(rest)) {
        violations.push(PlanRule::DependencyCycle { cycle }.at("/depends_on"));
    }
    violations
}

fn check_dates(
    milestone: &MilestoneDraft,
    (start_on, calendar): (NaiveDate, &Calendar),
    today: NaiveDate,
    at: &str,
    violations: &mut Violations,
) {
    if milestone.planned_on < start_on {
        violations.push(PlanRule::BeforeStart { start_on }.at(format!("{at}/planned_on")));
    }
    if calendar.refuses(milestone.planned_on) {
        violations.push(PlanRule::OnDayOff { on: milestone.planned_on }.at(format!("{at}/planned_on")));
    }
    if milestone.planned_on > LAST_DAY {
        violations.push(ValueRule::BeyondCalendar { last: LAST_DAY }.at(format!("{at}/planned_on")));
    }
    for (field, date) in [("started_on", milestone.started_on), ("actual_on", milestone.actual_on)] {
        if date.is_some_and(|on| on > today) {
            violations.push(ValueRule::InTheFuture { today }.at(format!("{at}/{field}")));
        }
    }
    if let (Some(started_on), Some(actual_on)) = (milestone.started_on, milestone.actual_on)
        && actual_on < started_on
    {
        violations.push(ValueRule::OutOfOrder { previous_on: started_on }.at(format!("{at}/actual_on")));
    }
    let changes = milestone.forecast_changes.iter().map(|change| change.recorded_on);
    check_order("forecast_changes", changes, today, at, violations);
    check_order("progress", milestone.progress.iter().map(|entry| entry.recorded_on), today, at, violations);
}

/// Checks that recorded history is listed oldest first and not in the future.
fn check_order(
    field: &str,
    recorded: impl Iterator<Item = NaiveDate>,
    today: NaiveDate,
    at: &str,
    violations: &mut Violations,
) {
    let mut previous: Option<NaiveDate> = None;
    for (position, recorded_on) in recorded.enumerate() {
        let place = format!("{at}/{field}/{position}/recorded_on");
        if recorded_on > today {
            violations.push(ValueRule::InTheFuture { today }.at(place));
        } else if let Some(previous_on) = previous.filter(|previous_on| recorded_on < *previous_on) {
            violations.push(ValueRule::OutOfOrder { previous_on }.at(place));
        }
        previous = Some(recorded_on);
    }
}

/// Checks a complete list of `(key, depends_on)`: keys are unique, dependencies are known and not repeated, and there
/// is no cycle. Pointers start at `/milestones`.
pub fn check_network(network: &[(&str, &[Dependency])], violations: &mut Violations) {
    let mut seen = BTreeSet::new();
    let positions: BTreeMap<&str, usize> = network.iter().enumerate().map(|(index, (key, _))| (*key, index)).collect();
    for (index, (key, depends_on)) in network.iter().enumerate() {
        if !seen.insert(*key) {
            violations.push(PlanRule::DuplicateKey { key: (*key).to_owned() }.at(format!("/milestones/{index}/key")));
        }
        for (position, needed) in depends_on.iter().enumerate() {
            let place = format!("/milestones/{index}/depends_on/{position}");
            if depends_on[..position].iter().any(|other| other.as_str() == needed.as_str()) {
                violations.push(PlanRule::RepeatedDependency { key: needed.to_string() }.at(place.clone()));
            }
            if !positions.contains_key(needed.as_str()) {
                violations.push(PlanRule::UnknownDependency { key: needed.to_string() }.at(place));
            }
        }
    }
    let edges = network.iter().flat_map(|(key, needs)| needs.iter().map(move |needed| (*key, needed.as_str())));
    if let Some(cycle) = find_cycle(edges) {
        let index = cycle.first().and_then(|key| positions.get(key.as_str())).copied().unwrap_or_default();
        violations.push(PlanRule::DependencyCycle { cycle }.at(format!("/milestones/{index}/depends_on")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, d).expect("a date")
    }

    fn key(text: &str) -> Key {
        Key::parse(text).expect("a key")
    }

    fn draft(name: &str, planned: u32, depends_on: &[&str]) -> MilestoneDraft {
        MilestoneDraft {
            key: key(name),
            name: Name::parse(name).expect("a name"),
            phase: None,
            owner_id: None,
            owner_ref: None,
            owner_name: None,
            weight: Weight::ONE,
            planned_on: day(planned),
            depends_on: depends_on.iter().map(|k| Dependency::on(key(k))).collect(),
            acceptance_criteria: vec![],
            forecast_changes: vec![],
            duration_days: None,
            credit_rule: None,
            progress: vec![],
            started_on: None,
            actual_on: None,
            note: None,
        }
    }

    fn check(milestones: &[MilestoneDraft], expected: &[(&str, PlanRule)]) {
        let found = check_milestones(milestones, day(2), &Calendar::every_day(), day(20)).err().unwrap_or_default();
        let expected: Violations = expected.iter().map(|(at, rule)| rule.clone().at(*at)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_good_plan_has_nothing_to_say() {
        check(&[draft("a", 2, &[]), draft("b", 9, &["a"])], &[]);
    }

    #[test]
    fn findings_come_all_at_once_with_their_places() {
        let mut late = draft("b", 9, &["ghost"]);
        late.actual_on = Some(day(21));
        late.forecast_changes = [day(9), day(8), day(22)]
            .into_iter()
            .map(|recorded_on| ForecastDraft { recorded_on, forecast_on: day(25), reason: None })
            .collect();
        check(
            &[draft("a", 1, &[]), late, draft("a", 3, &[])],
            &[
                ("/milestones/0/planned_on", PlanRule::BeforeStart { start_on: day(2) }),
                ("/milestones/1/actual_on", ValueRule::InTheFuture { today: day(20) }.into()),
                ("/milestones/1/forecast_changes/1/recorded_on", ValueRule::OutOfOrder { previous_on: day(9) }.into()),
                ("/milestones/1/forecast_changes/2/recorded_on", ValueRule::InTheFuture { today: day(20) }.into()),
                ("/milestones/1/depends_on/0", PlanRule::UnknownDependency { key: "ghost".into() }),
                ("/milestones/2/key", PlanRule::DuplicateKey { key: "a".into() }),
            ],
        );
        check(&[], &[("/milestones", PlanRule::NoMilestones)]);
    }

    #[test]
    fn a_cycle_is_named() {
        let cycle = vec!["a".to_owned(), "c".to_owned(), "b".to_owned(), "a".to_owned()];
        check(
            &[draft("a", 3, &["c"]), draft("b", 4, &["a"]), draft("c", 5, &["b"])],
            &[("/milestones/0/depends_on", PlanRule::DependencyCycle { cycle })],
        );
    }

    #[test]
    fn a_change_keeps_what_is_frozen_and_settled() {
        let all = MilestoneChange {
            planned_on: Some(day(1)),
            changes_weight: true,
            progress_on: Some((day(3), Some(day(4)))),
        };
        let state = State::Achieved;
        let expected: Violations = vec![
            PlanRule::Baselined.at("/planned_on"),
            PlanRule::Baselined.at("/weight"),
            MilestoneRule::Settled { state }.at("/percent_complete"),
            ValueRule::OutOfOrder { previous_on: day(4) }.at("/percent_complete_on"),
            PlanRule::BeforeStart { start_on: day(2) }.at("/planned_on"),
        ];
        assert_eq!(check_change(all, state, true, (day(2), &Calendar::every_day()), day(9)), Err(expected));
        let planned = MilestoneChange { progress_on: None, ..all };
        assert_eq!(check_change(planned, State::Planned, false, (day(1), &Calendar::every_day()), day(9)), Ok(()));
        assert_eq!(
            check_change(MilestoneChange::default(), state, true, (day(2), &Calendar::every_day()), day(9)),
            Ok(())
        );
    }

    #[test]
    fn an_addition_is_checked_against_the_plan() {
        let needs_b = [Dependency::on(key("b"))];
        let others = [
            Neighbour { key: "a", planned_on: day(8), depends_on: &needs_b },
            Neighbour { key: "b", planned_on: day(5), depends_on: &[] },
        ];
        let plan = Surroundings { milestones: &others, start_on: day(2), calendar: &Calendar::every_day() };
        assert_eq!(check_addition(&draft("c", 9, &["a"]), plan, day(20)), Ok(()));
        let mut overlapping = draft("c", 9, &["a", "b"]);
        overlapping.depends_on[0].lag_days = -6;
        overlapping.depends_on[1].lag_days = -4;
        let too_far = PlanRule::LagBeforeStart { on: day(5), start_on: day(2) }.at("/depends_on/1/lag_days");
        assert_eq!(check_addition(&overlapping, plan, day(20)), Err(vec![too_far]));
        assert_eq!(
            check_addition(&draft("b", 9, &["a"]), plan, day(20)),
            Err(vec![
                PlanRule::DuplicateKey { key: "b".into() }.at("/key"),
                PlanRule::DependencyCycle { cycle: vec!["a".into(), "b".into(), "a".into()] }.at("/depends_on"),
            ])
        );
        assert!(check_dependencies("b", &[Dependency::on(key("a"))], plan).is_err(), "b -> a -> b");
        assert!(check_dependencies("a", &[], plan).is_ok());
    }
}
