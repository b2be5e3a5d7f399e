//! Whether a plan is built so that it can warn in time: the practices of milestone tracking as rules.
//!
//! A finding is advice, never a refusal. The practices are those of the delivery article that the product was asked for from:
//! verifiable outcomes, one owner, one to two milestones a week, criteria, dependencies that are written down.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::plan::calendar::Calendar;
use crate::plan::cascade::{Course, Step};
use crate::plan::network::{Link, Network};
use crate::values::dates::{days_between, plus_days};

/// A rule that a plan can be held against.
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
    /// Fewer than one milestone a week: drift shows late.
    TooFewMilestones,
    /// More than two milestones a week: tasks, not milestones.
    TooManyMilestones,
    /// Nothing says when it counts as met.
    NoAcceptanceCriteria,
    /// Nobody, or more than one, is responsible.
    NoSingleOwner,
    /// It takes more than two weeks: it should be split.
    SpanOverTwoWeeks,
    /// Its name is an activity, not an outcome.
    VagueName,
    /// Its name tells a client nothing.
    UnclearToClient,
    /// The plan has no dependencies at all.
    MissingDependencies,
    /// It waits for nothing and nothing waits for it.
    Dangling,
    /// Its forecast has passed without a new one, or nobody has looked at it for longer than agreed.
    StaleForecast,
    /// It is planned before what it waits for allows.
    NegativeFloat,
    /// It carries more than two fifths of the scope.
    WeightConcentrated,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// The plan misleads: mend it now.
    Error,
    /// The plan warns late or to nobody.
    Warning,
    /// It could be better.
    Hint,
}

impl LintRule {
    /// How much its findings matter.
    pub const fn severity(self) -> Severity {
        match self {
            Self::StaleForecast | Self::NegativeFloat => Severity::Error,
            Self::TooFewMilestones
            | Self::NoAcceptanceCriteria
            | Self::NoSingleOwner
            | Self::SpanOverTwoWeeks
            | Self::MissingDependencies
            | Self::WeightConcentrated => Severity::Warning,
            Self::TooManyMilestones | Self::VagueName | Self::UnclearToClient | Self::Dangling => Severity::Hint,
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::TooFewMilestones => "Plan at least one milestone a week, so that a slip shows within a week.",
            Self::TooManyMilestones => "Keep to at most two milestones a week; track smaller steps as tasks.",
            Self::NoAcceptanceCriteria => "Say what must hold for it to count as met.",
            Self::NoSingleOwner => "Name the one person or role responsible.",
            Self::SpanOverTwoWeeks => "Split it into milestones of one to two weeks.",
            Self::VagueName => "Name what will be true when it is met, not what is being done.",
            Self::UnclearToClient => "Use words that the client would use.",
            Self::MissingDependencies => "Write down what must be finished before what.",
            Self::Dangling => "Link it to what it waits for, or to what waits for it.",
            Self::StaleForecast => "Record when it is expected now, or confirm that the date holds.",
            Self::NegativeFloat => "Plan it after what it waits for, or correct the dependency.",
            Self::WeightConcentrated => "Split it, or weigh the others by the work they are.",
        }
    }
}

/// A milestone as the rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its name.
    pub name: &'a str,
    /// Who is responsible.
    pub owner: Option<&'a str>,
    /// How many acceptance criteria it has.
    pub criteria: usize,
    /// Its weight.
    pub weight: f64,
    /// Whether its forecast has passed without a new one, or was left alone for too long.
    pub stale: bool,
    /// Its state and dates.
    pub step: Step,
}

/// Something that a rule found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: LintRule,
    /// Position of the milestone; nothing where it is about the whole plan.
    pub milestone: Option<usize>,
}

/// Everything that the rules find in a plan, those about the whole plan first, then milestone by milestone. Milestones that are
/// closed are not held against the plan, except in what concerns the whole.
pub fn lint(subjects: &[Subject<'_>], links: &[Link], start_on: NaiveDate, calendar: &Calendar) -> Vec<Finding> {
    let steps: Vec<Step> = subjects.iter().map(|subject| subject.step).collect();
    let course = Course { steps: &steps, links, start_on, calendar };
    let durations = course.planned_durations_days().unwrap_or_else(|| vec![0; steps.len()]);
    let two_weeks = calendar.days_between(start_on, plus_days(start_on, 14));
    let network = Network::schedule(&durations, links);
    let mut findings: Vec<Finding> =
        of_plan(subjects, links, start_on).into_iter().map(|rule| Finding { rule, milestone: None }).collect();
    let scope: f64 = in_scope(subjects).map(|subject| subject.weight).sum();
    for (position, subject) in subjects.iter().enumerate().filter(|(_, subject)| subject.step.state.is_open()) {
        let planned_after = calendar.days_between(start_on, subject.step.planned_on);
        let allowed_after = network.as_ref().map_or(0, |network| network.nodes[position].early_finish);
        let is_linked = links.iter().any(|link| link.from == position || link.to == position);
        let rules = [
            (LintRule::NoAcceptanceCriteria, subject.criteria == 0),
            (LintRule::NoSingleOwner, !subject.owner.is_some_and(is_one_owner)),
            (LintRule::SpanOverTwoWeeks, durations[position] > two_weeks && is_linked),
            (LintRule::VagueName, is_activity(subject.name)),
            (LintRule::UnclearToClient, subject.name.split_whitespace().count() < 2),
            (LintRule::Dangling, !is_linked && !links.is_empty()),
            (LintRule::StaleForecast, subject.stale),
            (LintRule::NegativeFloat, allowed_after > planned_after),
            (LintRule::WeightConcentrated, subjects.len() > 2 && subject.weight > 0.4 * scope),
        ];
        let broken = rules.into_iter().filter(|(_, is_broken)| *is_broken);
        findings.extend(broken.map(|(rule, _)| Finding { rule, milestone: Some(position) }));
    }
    findings
}

fn in_scope<'a>(subjects: &'a [Subject<'a>]) -> impl Iterator<Item = &'a Subject<'a>> {
    subjects.iter().filter(|subject| !subject.step.state.is_dropped())
}

/// The rules about the whole plan. Density is judged from two weeks on: before that there is nothing to spread.
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

/// One person or role: not two joined by a comma, a slash, an ampersand, a plus or "and".
fn is_one_owner(owner: &str) -> bool {
    !owner.contains([',', '/', '&', '+', ';']) && !owner.to_lowercase().split_whitespace().any(|word| word == "and")
}

/// Whether a name says what is being done: it begins with a word such as "developing" or "continue", or is "in progress".
fn is_activity(name: &str) -> bool {
    let lower = name.to_lowercase();
    let first = lower.split_whitespace().next().unwrap_or_default();
    let is_gerund = first.len() > 5
        && first.ends_with("ing")
        && !matches!(first, "training" | "onboarding" | "monitoring" | "testing");
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
        let step = Step { state: State::Planned, planned_on, expected_on: planned_on, started_on: None };
        Subject { name, owner: Some("Ana"), criteria: 1, weight: 1.0, stale: false, step }
    }

    fn after(from: usize, to: usize) -> Link {
        Link { from, to, relation: Relation::FinishToStart, lag_days: 0 }
    }

    fn good() -> (Vec<Subject<'static>>, Vec<Link>) {
        let names = ["Data access confirmed", "Pipeline runs nightly", "Report accepted"];
        let subjects = names.iter().zip([5, 12, 19]).map(|(name, planned)| subject(name, planned)).collect();
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
        for owner in [None, Some("Ana, Ben"), Some("Ana and Ben"), Some("Ops/Dev")] {
            check(|subjects, _| subjects[0].owner = owner, &[(LintRule::NoSingleOwner, Some(0))]);
        }
        for name in ["Developing the model", "Continue with tests", "Pipeline in progress"] {
            check(|subjects, _| subjects[2].name = name, &[(LintRule::VagueName, Some(2))]);
        }
        check(|subjects, _| subjects[2].name = "ETL", &[(LintRule::UnclearToClient, Some(2))]);
        check(|subjects, _| subjects[1].stale = true, &[(LintRule::StaleForecast, Some(1))]);
        check(|subjects, _| subjects[2].weight = 9.0, &[(LintRule::WeightConcentrated, Some(2))]);
        check(|_, links| links.clear(), &[(LintRule::MissingDependencies, None)]);
        check(|_, links| links.truncate(1), &[(LintRule::Dangling, Some(2))]);
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
    fn what_is_closed_is_left_in_peace() {
        let close = |subjects: &mut Vec<Subject<'static>>, _: &mut Vec<Link>| {
            subjects[0].criteria = 0;
            subjects[0].step.state = State::Achieved;
        };
        check(close, &[]);
    }
}
