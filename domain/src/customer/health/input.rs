//! Known facts about one customer, and the inputs that the factors of a model take from them on a day.

use std::sync::Arc;

use chrono::NaiveDate;

use super::model::{Factor, ImpactOn, InputKind, ModelContent, PlanMeasure};
use super::score::{Reading, Score, score};
use crate::plan::PlanFacts;
use crate::plan::milestone::State;
use crate::plan::schedule::Status;
use crate::usage::tally::Tallies;
use crate::values::count::real;
use crate::values::dates::{days_between, plus_days};

/// Pulse: a health assessment of a customer by a person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// Score from 0 to 100.
    pub score: f64,
    /// Day of recording.
    pub recorded_on: NaiveDate,
    /// Last day on which it counts.
    pub expires_on: NaiveDate,
}

/// Plan of a customer.
#[derive(Debug, Clone)]
pub struct KnownPlan<'a> {
    /// Keys of the milestones, in order.
    pub keys: Vec<&'a str>,
    /// Facts of the plan.
    pub facts: &'a PlanFacts,
    /// Day of archiving; the plan does not count from then on.
    pub archived_on: Option<NaiveDate>,
}

impl KnownPlan<'_> {
    fn counts_on(&self, as_of: NaiveDate) -> bool {
        self.archived_on.is_none_or(|on| as_of < on)
    }
}

/// Known facts about one customer that a model evaluates.
#[derive(Debug, Clone, Default)]
pub struct Evidence<'a> {
    /// Tallies of the events that the metric of each factor counts; `None` for factors without a metric.
    pub tallies: Vec<Option<Arc<Tallies>>>,
    /// Day of the customer's first event of any type.
    pub first_event_on: Option<NaiveDate>,
    /// Plans of the customer.
    pub plans: Vec<KnownPlan<'a>>,
    /// Pulses, oldest first.
    pub pulses: Vec<Pulse>,
}

impl Evidence<'_> {
    /// Computes the customer's score at the end of a day.
    pub fn score(&self, model: &ModelContent, as_of: NaiveDate) -> Score {
        let readings: Vec<Reading> =
            model.factors.iter().enumerate().map(|(index, factor)| self.reading(index, factor, as_of)).collect();
        score(model, &readings, &self.happened(model, as_of))
    }

    /// Returns the input of a factor at the end of a day, or the last available input if the factor carries it forward.
    fn reading(&self, index: usize, factor: &Factor, as_of: NaiveDate) -> Reading {
        let found = (0..=factor.carried_days())
            .find_map(|age_days| Some((age_days, self.input(index, factor, plus_days(as_of, -age_days))?)));
        found.map_or_else(Reading::default, |(age_days, value)| Reading { value: Some(value), age_days })
    }

    fn input(&self, index: usize, factor: &Factor, as_of: NaiveDate) -> Option<f64> {
        match factor.input.kind {
            InputKind::Metric => self.metric(index, factor, as_of),
            InputKind::Plans => self.of_plans(factor.input.measure?, as_of),
            InputKind::Pulse => {
                let said = self.pulses.iter().rfind(|pulse| pulse.recorded_on <= as_of)?;
                (as_of <= said.expires_on).then_some(said.score)
            }
        }
    }

    /// Measures the metric of a factor. Without events in the window, a count is 0 from the customer's first event on
    /// and unknown before: a customer without any events is unobserved, not idle.
    fn metric(&self, index: usize, factor: &Factor, as_of: NaiveDate) -> Option<f64> {
        self.first_event_on.filter(|first_on| *first_on <= as_of)?;
        self.tallies.get(index)?.as_ref()?.measure(as_of, Some(factor.input.window_days())).value
    }

    fn of_plans(&self, measure: PlanMeasure, as_of: NaiveDate) -> Option<f64> {
        let counting = || self.plans.iter().filter(move |plan| plan.counts_on(as_of)).map(|plan| plan.facts);
        let begun = || counting().filter(move |facts| facts.start_on <= as_of);
        let standings = || begun().flat_map(move |facts| facts.standings(as_of));
        match measure {
            PlanMeasure::MilestoneCompletion => {
                let is_due = |status, planned_on| status == Status::Achieved || planned_on <= as_of;
                let in_scope = standings().filter(|one| !matches!(one.status, Status::Waived | Status::Cancelled));
                let due: Vec<bool> = in_scope
                    .filter(|one| is_due(one.status, one.planned_on))
                    .map(|one| one.status == Status::Achieved)
                    .collect();
                let achieved = due.iter().filter(|is_achieved| **is_achieved).count();
                (!due.is_empty()).then(|| 100.0 * real(achieved) / real(due.len()))
            }
            PlanMeasure::OverdueMilestones => {
                begun().next()?;
                Some(real(standings().filter(|standing| standing.overdue).count()))
            }
            PlanMeasure::Spi => {
                let (mut planned, mut earned) = (0.0, 0.0);
                for found in begun().map(|facts| facts.earned_value(as_of)) {
                    planned += found.planned_value;
                    earned += found.earned_value;
                }
                (planned > 0.0).then(|| earned / planned)
            }
            PlanMeasure::DaysSinceAchievement => {
                let milestones = begun().flat_map(|facts| &facts.milestones);
                let achieved = milestones.filter(|milestone| milestone.state == State::Achieved);
                let last = achieved.filter_map(|milestone| milestone.closed_on).filter(|on| *on <= as_of).max()?;
                i32::try_from(days_between(last, as_of)).ok().map(f64::from)
            }
        }
    }

    /// Returns the impacts of the model that have happened by a day, each with its age in days.
    fn happened(&self, model: &ModelContent, as_of: NaiveDate) -> Vec<(usize, i64)> {
        let mut found = vec![];
        for (index, impact) in model.impacts.iter().enumerate() {
            for plan in self.plans.iter().filter(|plan| plan.counts_on(as_of)) {
                let positions = plan.keys.iter().enumerate().filter(|(_, key)| **key == impact.milestone.as_str());
                for (position, _) in positions {
                    let on = match impact.on {
                        ImpactOn::Achieved => achieved_on(plan.facts, position),
                        ImpactOn::Missed => missed_on(plan.facts, position, as_of),
                    };
                    found.extend(on.filter(|on| *on <= as_of).map(|on| (index, days_between(on, as_of))));
                }
            }
        }
        found
    }
}

fn achieved_on(facts: &PlanFacts, position: usize) -> Option<NaiveDate> {
    let milestone = facts.milestones.get(position)?;
    milestone.closed_on.filter(|_| milestone.state == State::Achieved)
}

/// Returns the day after the planned date if the milestone was still open at the end of the planned date.
fn missed_on(facts: &PlanFacts, position: usize, as_of: NaiveDate) -> Option<NaiveDate> {
    let planned_on = *facts.planned_dates(as_of).get(position)?;
    let milestone = facts.milestones.get(position)?;
    let was_open = milestone.closed_on.is_none_or(|on| on > planned_on);
    was_open.then(|| plus_days(planned_on, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::health::model::Missing;
    use crate::customer::health::model::tests::{factor, model};

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, day).expect("a date")
    }

    #[test]
    fn a_pulse_counts_until_it_expires_and_then_is_carried() {
        let mut carried = factor("pulse", 1.0, Missing::CarryForward);
        carried.max_age_days = Some(5);
        let content = model(vec![carried]);
        let pulse = |on, score| Pulse { score, recorded_on: day(on), expires_on: day(on + 9) };
        let evidence = Evidence { pulses: vec![pulse(1, 80.0), pulse(5, 60.0)], ..Evidence::default() };
        let at = |on| evidence.score(&content, day(on)).factors[0].input;
        assert_eq!(at(4), Reading { value: Some(80.0), age_days: 0 });
        assert_eq!(at(14), Reading { value: Some(60.0), age_days: 0 });
        assert_eq!(at(17), Reading { value: Some(60.0), age_days: 3 });
        assert_eq!(at(20), Reading::default());
    }
}
