//! Reference classes: the actual durations of finished milestones compared with their planned durations. This module
//! compares plain facts only; it reads no data and no clock.
//!
//! Reference class forecasting (D. Kahneman and A. Tversky, *Intuitive Prediction*, 1979; B. Flyvbjerg, *From Nobel
//! Prize to Project Management: Getting Risks Right*, Project Management Journal 37(3), 2006): the spread of the
//! outcomes of similar work predicts better than any estimate of the work itself. Ratios of actual to planned durations
//! are treated as lognormal (D. Trietsch et al., *Modeling activity times by the Parkinson distribution with a
//! lognormal core*, EJOR 216, 2012).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use crate::plan::PlanFacts;
use crate::plan::cascade::{Course, Step};
use crate::plan::milestone::State;
use crate::plan::network::{Relation, incoming, order};

/// Minimum number of finished milestones that a class needs to be used.
pub const FEWEST: usize = 5;

/// An achieved milestone, measured against its first promised date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    /// Position in the plan.
    pub milestone: usize,
    /// Date on which the milestone was achieved.
    pub achieved_on: NaiveDate,
    /// Achieved date minus promised date, in days of the plan's calendar; negative if early.
    pub slip_days: i64,
    /// Actual duration divided by planned duration; `None` if the planned duration is zero.
    pub ratio: Option<f64>,
}

/// Returns every milestone achieved by a date, measured against the first baseline that includes it, because later
/// baselines move the promise.
pub fn finished(plan: &PlanFacts, as_of: NaiveDate) -> Vec<Finished> {
    let promised = promised_dates(plan);
    let is_achieved = |position: &usize| {
        let facts = &plan.milestones[*position];
        facts.state == State::Achieved && facts.closed_on.is_some_and(|on| on <= as_of)
    };
    let achieved: Vec<usize> = (0..plan.milestones.len()).filter(is_achieved).collect();
    if achieved.is_empty() {
        return vec![];
    }
    let step = |(facts, on): (&crate::plan::MilestoneFacts, &NaiveDate)| Step {
        state: facts.state,
        planned_on: *on,
        expected_on: facts.closed_on.unwrap_or(*on),
        started_on: facts.started_on,
        spoke_on: None,
        duration_days: facts.duration_days,
    };
    let steps: Vec<Step> = plan.milestones.iter().zip(&promised).map(step).collect();
    let calendar = &plan.terms.calendar;
    let course = Course { steps: &steps, links: &plan.links, start_on: plan.start_on, calendar };
    let planned = course.planned_durations_days().unwrap_or_else(|| vec![0; steps.len()]);
    let began = began(plan, &steps);
    let measure = |position: usize| {
        let achieved_on = plan.milestones[position].closed_on?;
        let began_on = began[position];
        // Work that was finished on the day it began counts as half a day.
        let days = |days: i64| i32::try_from(days).map_or(f64::INFINITY, f64::from).max(0.5);
        let ratio = days(calendar.days_between(began_on, achieved_on)) / days(planned[position]);
        Some(Finished {
            milestone: position,
            achieved_on,
            slip_days: calendar.days_between(promised[position], achieved_on),
            ratio: (planned[position] > 0).then_some(ratio),
        })
    };
    achieved.into_iter().filter_map(measure).collect()
}

/// Returns the date on which each milestone began, or could have begun: the date on which its prerequisites allowed it.
fn began(plan: &PlanFacts, steps: &[Step]) -> Vec<NaiveDate> {
    let before = incoming(steps.len(), &plan.links);
    let mut began = vec![plan.start_on; steps.len()];
    for position in order(steps.len(), &plan.links).unwrap_or_default() {
        let holding = before[position].iter().filter(|link| !steps[link.from].state.is_dropped());
        let free_on = holding.filter_map(|link| match link.relation {
            Relation::FinishToStart => Some(plan.terms.calendar.plus_days(steps[link.from].expected_on, link.lag_days)),
            Relation::StartToStart => Some(plan.terms.calendar.plus_days(began[link.from], link.lag_days)),
            Relation::FinishToFinish | Relation::StartToFinish => None,
        });
        let free_on = free_on.max().unwrap_or(plan.start_on);
        began[position] = plan.milestones[position].started_on.unwrap_or(free_on).max(plan.start_on);
    }
    began
}

/// Returns the planned date of each milestone in the first baseline that includes it, or its own planned date if no
/// baseline does.
fn promised_dates(plan: &PlanFacts) -> Vec<NaiveDate> {
    let mut promised: Vec<NaiveDate> = plan.milestones.iter().map(|facts| facts.planned_on).collect();
    for line in plan.baselines.iter().rev().flat_map(|baseline| &baseline.lines) {
        if let Some(on) = promised.get_mut(line.milestone) {
            *on = line.planned_on;
        }
    }
    promised
}

/// Reference class: the finished milestones that a forecast is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ReferenceClass {
    /// Finished milestones of the same phase.
    Phase,
    /// Finished milestones of plans of the same kind, because the phase has too few.
    Kind,
    /// All finished milestones of the organization, because the kind of plan has too few.
    Organization,
    /// No finished milestones, because there are too few. A wide assumption is used instead.
    Assumption,
}

/// The distribution of the ratios of actual to planned durations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ratios {
    /// Lognormal, estimated from observed ratios.
    Observed {
        /// Number of observed ratios.
        count: usize,
        /// Mean of the logarithms of the ratios.
        log_mean: f64,
        /// Standard deviation of the logarithms of the ratios.
        log_deviation: f64,
    },
    /// Triangular from 0.8 to 2.5 times the planned duration, with its peak at the planned duration; assumed without
    /// observations. Little-known work takes longer than planned more often than it takes less time.
    Assumed,
}

/// Minimum standard deviation of logarithms: no estimate is assumed to be exact to a twentieth.
const LEAST_DEVIATION: f64 = 0.05;
/// Lower end, peak and upper end of the triangular distribution that is assumed without observations.
pub const ASSUMED: (f64, f64, f64) = (0.8, 1.0, 2.5);

impl Ratios {
    /// Estimates the distribution from observed ratios. Returns `None` for fewer than [`FEWEST`] ratios.
    pub fn observe(ratios: &[f64]) -> Option<Self> {
        if ratios.len() < FEWEST {
            return None;
        }
        let logs: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
        #[expect(clippy::cast_precision_loss, reason = "milestones of an organization are far fewer")]
        let count = logs.len() as f64;
        let log_mean = logs.iter().sum::<f64>() / count;
        let variance = logs.iter().map(|log| (log - log_mean).powi(2)).sum::<f64>() / (count - 1.0);
        Some(Self::Observed { count: ratios.len(), log_mean, log_deviation: variance.sqrt().max(LEAST_DEVIATION) })
    }

    /// Returns the median ratio.
    pub fn median(&self) -> f64 {
        match self {
            Self::Observed { log_mean, .. } => log_mean.exp(),
            Self::Assumed => {
                let (low, mode, high) = ASSUMED;
                high - ((high - low) * (high - mode) / 2.0).sqrt()
            }
        }
    }
}

/// Returns the narrowest class with enough finished milestones, given the ratios observed in the phase, the kind of
/// plan and the organization.
pub fn narrowest(phase: &[f64], kind: &[f64], organization: &[f64]) -> (ReferenceClass, Ratios) {
    let classes =
        [(ReferenceClass::Phase, phase), (ReferenceClass::Kind, kind), (ReferenceClass::Organization, organization)];
    let found = classes.into_iter().find_map(|(class, ratios)| Some((class, Ratios::observe(ratios)?)));
    found.unwrap_or((ReferenceClass::Assumption, Ratios::Assumed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::earned_value::CreditRule;
    use crate::plan::MilestoneFacts;
    use crate::plan::Valuation;
    use crate::plan::baseline::{Baseline, Line};
    use crate::plan::network::Link;
    use crate::plan::schedule::Terms;
    use crate::values::dates::plus_days;

    fn day(n: i64) -> NaiveDate {
        plus_days(NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date"), n)
    }

    fn achieved(planned: i64, closed: i64) -> MilestoneFacts {
        MilestoneFacts {
            state: State::Achieved,
            planned_on: day(planned),
            started_on: None,
            closed_on: Some(day(closed)),
            forecasts: vec![],
            progress: vec![],
            touched_on: None,
            confirmed_on: None,
            duration_days: None,
            credit_rule: None,
            misses: vec![],
        }
    }

    /// Milestone a: 10 days planned, 15 taken. Milestone b, after a: 10 days planned and 10 taken once a was achieved,
    /// so b is 5 days late but not slow.
    #[test]
    fn a_milestone_is_as_slow_as_its_own_work() {
        let line = |milestone, on| Line { milestone, planned_on: day(on), weight: 1.0 };
        let mut plan = PlanFacts {
            valuations: vec![Valuation::of(CreditRule::ZeroHundred)],
            terms: Terms::default(),
            baselines: vec![
                Baseline { number: 1, effective_on: day(0), lines: vec![line(0, 10), line(1, 20)] },
                Baseline { number: 2, effective_on: day(12), lines: vec![line(0, 15), line(1, 25)] },
            ],
            milestones: vec![achieved(15, 15), achieved(25, 25)],
            costs: vec![],
            start_on: day(0),
            links: vec![Link { from: 0, to: 1, relation: Relation::FinishToStart, lag_days: 0 }],
            holds: vec![],
            externals: vec![],
        };
        let found = finished(&plan, day(30));
        let seen: Vec<_> = found.iter().map(|one| (one.slip_days, one.ratio)).collect();
        assert_eq!(seen, [(5, Some(1.5)), (5, Some(1.0))], "against the first promise");
        assert_eq!(finished(&plan, day(24)).len(), 1);
        plan.milestones[1].started_on = Some(day(20));
        assert_eq!(finished(&plan, day(30))[1].ratio, Some(0.5), "it is known when work began");
        plan.milestones[1].started_on = None;
        plan.links[0] = Link { relation: Relation::StartToStart, lag_days: 5, ..plan.links[0] };
        // Planned from day 5 to day 20; done from day 5 to day 25.
        assert_eq!(finished(&plan, day(30))[1].ratio, Some(20.0 / 15.0), "from the other's start");
    }

    #[test]
    fn the_narrowest_class_with_enough_in_it_is_asked() {
        let (few, enough) = ([1.0; 4], [1.0, 1.0, 2.0, 0.5, 1.0]);
        assert_eq!(narrowest(&enough, &enough, &enough).0, ReferenceClass::Phase);
        assert_eq!(narrowest(&few, &enough, &enough).0, ReferenceClass::Kind);
        assert_eq!(narrowest(&few, &few, &enough).0, ReferenceClass::Organization);
        assert_eq!(narrowest(&few, &few, &few), (ReferenceClass::Assumption, Ratios::Assumed));
        let Some(Ratios::Observed { log_mean, log_deviation, .. }) = Ratios::observe(&enough) else { panic!("enough") };
        // ln 2 and −ln 2 among three zeros: mean 0, variance 2 (ln 2)² / 4.
        assert!(log_mean.abs() < 1e-12 && (log_deviation - std::f64::consts::LN_2 / 2f64.sqrt()).abs() < 1e-12);
        assert!((Ratios::Assumed.median() - 1.371).abs() < 0.001);
    }
}
