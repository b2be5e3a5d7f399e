//! Lint rules for plans: they check whether a plan is built to warn of delays in time.
//!
//! A finding is advice and never rejects a plan. The rules follow the practices in the delivery article on which the
//! product is based: verifiable outcomes, one owner, one to two milestones a week, acceptance criteria and explicit
//! dependencies.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::plan::calendar::Calendar;
use crate::plan::cascade::{Course, Step};
use crate::plan::network::Link;
use crate::values::dates::{days_between, plus_days};

/// A rule for plans.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LintRule {
    /// Fewer than one milestone a week: drift becomes visible late.
    TooFewMilestones,
    /// More than two milestones a week: they are probably tasks.
    TooManyMilestones,
    /// The milestone has no acceptance criteria.
    NoAcceptanceCriteria,
    /// The milestone has no owner, or more than one.
    NoSingleOwner,
    /// The owner of the milestone is a text, and no person who can be told of it.
    OwnerNotAPerson,
    /// The milestone takes more than two weeks and should be split.
    SpanOverTwoWeeks,
    /// The name of the milestone describes an activity, not an outcome.
    VagueName,
    /// The name of the milestone is a single word that may mean nothing to a client.
    UnclearToClient,
    /// The plan has more than one milestone but no dependencies.
    MissingDependencies,
    /// The milestone has no dependencies, and no other milestone depends on it.
    Dangling,
    /// The forecast date has passed without a new forecast, or the forecast has not been reviewed within the plan's
    /// update interval.
    StaleForecast,
    /// The milestone is planned earlier than its dependencies allow.
    NegativeFloat,
    /// The milestone carries more than two fifths of the scope.
    WeightConcentrated,
    /// No milestone of the plan has a buffer, so that the first slip moves the finish.
    NoBuffers,
    /// The milestone is planned for a day that the plan's calendar does not count.
    PlannedOnDayOff,
}

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// The plan is misleading and should be corrected now.
    Error,
    /// The plan may warn too late, or warn nobody.
    Warning,
    /// The plan could be improved.
    Hint,
}

impl LintRule {
    /// Returns the severity of the rule's findings.
    pub const fn severity(self) -> Severity {
        match self {
            Self::StaleForecast | Self::NegativeFloat => Severity::Error,
            Self::TooFewMilestones
            | Self::NoAcceptanceCriteria
            | Self::NoSingleOwner
            | Self::SpanOverTwoWeeks
            | Self::MissingDependencies
            | Self::WeightConcentrated
            | Self::NoBuffers
            | Self::PlannedOnDayOff => Severity::Warning,
            Self::TooManyMilestones
            | Self::OwnerNotAPerson
            | Self::VagueName
            | Self::UnclearToClient
            | Self::Dangling => Severity::Hint,
        }
    }

    /// Returns advice on how to resolve the rule's findings.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::TooFewMilestones => "Plan at least one milestone a week, so that a slip shows within a week.",
            Self::TooManyMilestones => "Plan at most two milestones a week; track smaller steps as tasks.",
            Self::NoAcceptanceCriteria => "Say what must hold for it to count as met.",
            Self::NoSingleOwner => "Name one responsible person or role.",
            Self::OwnerNotAPerson => "Name a person by owner_id or owner_ref, so that they can be told.",
            Self::SpanOverTwoWeeks => "Split the milestone into milestones of one to two weeks.",
            Self::VagueName => "Name the outcome that is true when the milestone is met, not the activity.",
            Self::UnclearToClient => "Use words that the client would use.",
            Self::MissingDependencies => "Add dependencies that show which milestones must finish first.",
            Self::Dangling => "Link the milestone to one that it depends on, or to one that depends on it.",
            Self::StaleForecast => "Record a new forecast date, or confirm that the current one still holds.",
            Self::NegativeFloat => "Plan the milestone after its dependencies, or correct the dependencies.",
            Self::NoBuffers => "Say how many days milestones take, and leave some time between them.",
            Self::PlannedOnDayOff => "Plan the milestone for a day that counts.",
            Self::WeightConcentrated => "Split the milestone, or set the other weights according to the work involved.",
        }
    }
}

/// A milestone's inputs to the rules.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Name.
    pub name: &'a str,
    /// Name of the owner.
    pub owner: Option<&'a str>,
    /// Whether the owner is a person whom the organization knows.
    pub is_owner_known: bool,
    /// Number of acceptance criteria.
    pub criteria: usize,
    /// Weight.
    pub weight: f64,
    /// Whether the forecast date has passed without a new forecast, or the forecast has gone unreviewed for too long.
    pub stale: bool,
    /// State and dates.
    pub step: Step,
}

/// A finding of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Rule.
    pub rule: LintRule,
    /// Position of the milestone. `None` if the finding concerns the whole plan.
    pub milestone: Option<usize>,
}

/// Returns all findings in a plan: first those about the whole plan, then those of each milestone. Closed milestones
/// have no findings of their own, but the rules about the whole plan include them unless they are waived or canceled.
pub fn lint(subjects: &[Subject<'_>], links: &[Link], start_on: NaiveDate, calendar: &Calendar) -> Vec<Finding> {
    let steps: Vec<Step> = subjects.iter().map(|subject| subject.step).collect();
    let course = Course { steps: &steps, links, start_on, calendar };
    let durations = course.planned_durations_days().unwrap_or_else(|| vec![0; steps.len()]);
    let two_weeks = calendar.days_between(start_on, plus_days(start_on, 14));
    let mut findings: Vec<Finding> =
        of_plan(subjects, links, start_on).into_iter().map(|rule| Finding { rule, milestone: None }).collect();
    // Days between what the predecessors allow and the planned date: a buffer, or negative float.
    let slack = |(on, subject): (Option<NaiveDate>, &Subject<'_>)| {
        on.map(|on| calendar.days_between(on, subject.step.planned_on))
    };
    let slack_days: Vec<Option<i64>> = course.allowed().into_iter().zip(subjects).map(slack).collect();
    let needs_buffers = !links.is_empty() && subjects.iter().any(|subject| subject.step.state.is_open());
    if needs_buffers && !slack_days.iter().flatten().any(|days| *days > 0) {
        findings.push(Finding { rule: LintRule::NoBuffers, milestone: None });
    }
    let scope: f64 = in_scope(subjects).map(|subject| subject.weight).sum();
    for (position, subject) in subjects.iter().enumerate().filter(|(_, subject)| subject.step.state.is_open()) {
        let is_linked = links.iter().any(|link| link.from == position || link.to == position);
        let rules = [
            (LintRule::NoAcceptanceCriteria, subject.criteria == 0),
            (LintRule::NoSingleOwner, !subject.is_owner_known && !subject.owner.is_some_and(is_one_owner)),
            (LintRule::OwnerNotAPerson, !subject.is_owner_known && subject.owner.is_some_and(is_one_owner)),
            (LintRule::SpanOverTwoWeeks, durations[position] > two_weeks && is_linked),
            (LintRule::VagueName, is_activity(subject.name)),
            (LintRule::UnclearToClient, subject.name.split_whitespace().count() < 2),
            (LintRule::Dangling, !is_linked && !links.is_empty()),
            (LintRule::StaleForecast, subject.stale),
            (LintRule::NegativeFloat, slack_days[position].is_some_and(|days| days < 0)),
            (LintRule::WeightConcentrated, subjects.len() > 2 && subject.weight > 0.4 * scope),
            (LintRule::PlannedOnDayOff, calendar.is_day_off(subject.step.planned_on)),
        ];
        let broken = rules.into_iter().filter(|(_, is_broken)| *is_broken);
        findings.extend(broken.map(|(rule, _)| Finding { rule, milestone: Some(position) }));
    }
    findings
}

fn in_scope<'a>(subjects: &'a [Subject<'a>]) -> impl Iterator<Item = &'a Subject<'a>> {
    subjects.iter().filter(|subject| !subject.step.state.is_dropped())
}

/// Returns the broken rules about the whole plan. The rules about milestones per week apply only to plans of two
/// weeks or more.
fn of_plan(subjects: &[Subject<'_>], links: &[Link], start_on: NaiveDate) -> Vec<LintRule> {
    let count = i64::try_from(in_scope(subjects).count()).unwrap_or(i64::MAX);
    let last_on = in_scope(subjects).map(|subject| subject.step.planned_on).max();
    let days = last_on.map_or(0, |on| days_between(start_on, on) + 1);
    let rules = [
        (LintRule::TooFewMilestones, days >= 14 && count * 7 < days),
        (LintRule::TooManyMilestones, days >= 14 && count * 7 > days * 2),
        (LintRule::MissingDependencies, count > 1 && links.is_empty()),
    ];
    rules.into_iter().filter(|(_, is_broken)| *is_broken).map(|(rule, _)| rule).collect()
}

/// Whether an owner is one person or role, not several joined by a comma, a semicolon, a slash, an ampersand, a plus
/// sign or "and".
fn is_one_owner(owner: &str) -> bool {
    !owner.contains([',', '/', '&', '+', ';']) && !owner.to_lowercase().split_whitespace().any(|word| word == "and")
}

/// Whether a name describes an activity: it begins with a word such as "developing" or "continue", or contains "in
/// progress".
fn is_activity(name: &str) -> bool {
    let lower = name.to_lowercase();
    let first = lower.split_whitespace().next().unwrap_or_default();
    let is_gerund = first.len() > 5
        && first.ends_with("ing")
        && !matches!(first, "training" | "onboarding" | "monitoring" | "testing")
        && !matches!(first, "something" | "anything" | "everything" | "nothing");
    is_gerund || matches!(first, "work" | "continue" | "start" | "begin" | "ongoing") || lower.contains("in progress")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::milestone::State;
    use crate::plan::network::Relation;

    fn start() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, 4).expect("a date")
    }

    fn subject(name: &str, planned: i64) -> Subject<'_> {
        let planned_on = plus_days(start(), planned);
        let step = Step {
            state: State::Planned,
            planned_on,
            expected_on: planned_on,
            started_on: None,
            spoke_on: None,
            duration_days: None,
        };
        Subject { name, owner: Some("Ana"), is_owner_known: true, criteria: 1, weight: 1.0, stale: false, step }
    }

    fn after(from: usize, to: usize) -> Link {
        Link { from, to, relation: Relation::FinishToStart, lag_days: 0 }
    }

    fn good() -> (Vec<Subject<'static>>, Vec<Link>) {
        let names = ["Data access confirmed", "Pipeline runs nightly", "Report accepted"];
        let mut subjects: Vec<_> = names.iter().zip([5, 12, 19]).map(|(name, on)| subject(name, on)).collect();
        subjects[1].step.duration_days = Some(5);
        (subjects, vec![after(0, 1), after(1, 2)])
    }

    fn check(change: impl FnOnce(&mut Vec<Subject<'static>>, &mut Vec<Link>), expected: &[(LintRule, Option<usize>)]) {
        let (mut subjects, mut links) = good();
        change(&mut subjects, &mut links);
        let found: Vec<_> = lint(&subjects, &links, start(), &Calendar::every_day())
            .into_iter()
            .map(|one| (one.rule, one.milestone))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_good_plan_has_no_findings() {
        check(|_, _| {}, &[]);
        assert_eq!(lint(&[], &[], start(), &Calendar::every_day()), vec![]);
    }

    #[test]
    fn each_rule_finds_what_it_is_for() {
        check(|subjects, _| subjects[1].criteria = 0, &[(LintRule::NoAcceptanceCriteria, Some(1))]);
        check(|subjects, _| subjects[0].is_owner_known = false, &[(LintRule::OwnerNotAPerson, Some(0))]);
        for owner in [None, Some("Ana, Ben"), Some("Ana and Ben"), Some("Ops/Dev")] {
            let named = |subject: &mut Subject<'static>| (subject.owner, subject.is_owner_known) = (owner, false);
            check(|subjects, _| named(&mut subjects[0]), &[(LintRule::NoSingleOwner, Some(0))]);
        }
        for name in ["Developing the model", "Continue with tests", "Pipeline in progress"] {
            check(|subjects, _| subjects[2].name = name, &[(LintRule::VagueName, Some(2))]);
        }
        for name in ["Training is booked", "Something useful was shared"] {
            check(|subjects, _| subjects[2].name = name, &[]);
        }
        check(|subjects, _| subjects[2].name = "ETL", &[(LintRule::UnclearToClient, Some(2))]);
        check(|subjects, _| subjects[1].stale = true, &[(LintRule::StaleForecast, Some(1))]);
        check(|subjects, _| subjects[2].weight = 9.0, &[(LintRule::WeightConcentrated, Some(2))]);
        check(|_, links| links.clear(), &[(LintRule::MissingDependencies, None)]);
        check(|_, links| links.truncate(1), &[(LintRule::Dangling, Some(2))]);
        check(|subjects, _| subjects[1].step.duration_days = None, &[(LintRule::NoBuffers, None)]);
        check(|subjects, _| subjects[2].step = subject("x", 11).step, &[(LintRule::NegativeFloat, Some(2))]);
        check(
            |subjects, _| subjects[2].step = subject("x", 27).step,
            &[(LintRule::TooFewMilestones, None), (LintRule::SpanOverTwoWeeks, Some(2))],
        );
        check(
            |subjects, links| {
                for position in 3..8 {
                    subjects.push(subject("Another thing done", 19));
                    links.push(after(1, position));
                }
            },
            &[(LintRule::TooManyMilestones, None)],
        );
    }

    #[test]
    fn days_off_are_found() {
        let (mut subjects, links) = good();
        subjects[1].step.duration_days = Some(3);
        let found = lint(&subjects, &links, start(), &Calendar::business_days(&[subjects[1].step.planned_on]));
        let found: Vec<_> = found.into_iter().map(|one| (one.rule, one.milestone)).collect();
        let expected = [0, 1, 2].map(|position| (LintRule::PlannedOnDayOff, Some(position)));
        assert_eq!(found, expected, "a Saturday, a holiday and a Saturday");
    }

    #[test]
    fn what_is_closed_is_left_in_peace() {
        let close = |subjects: &mut Vec<Subject<'static>>, _: &mut Vec<Link>| {
            subjects[0].criteria = 0;
            subjects[0].step.state = State::Achieved;
        };
        check(close, &[]);
    }
}
