//! A plan's facts as plain values, and the figures computed from them at any date. This module reads no clock and
//! stores nothing.

pub mod baseline;
pub mod calendar;
pub mod cascade;
pub mod curves;
pub mod cycle;
pub mod dependency;
pub mod draft;
pub mod driving;
pub mod external;
pub mod hold;
pub mod lint;
pub mod load;
pub mod milestone;
pub mod network;
pub mod progress;
pub mod reference;
pub mod review;
pub mod rule;
pub mod scenario;
pub mod schedule;
pub mod share;
pub mod simulation;
pub mod start;
pub mod template;
pub mod variance;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use crate::earned_value::earned_schedule::{self, EarnedSchedule, Period, Timescale};
use crate::earned_value::undefined::Undefined;
use crate::earned_value::{CreditRule, EarnedValue, Progress, Valued, cost};
use crate::plan::baseline::{Baseline, Line, in_force};
use crate::plan::cascade::{Course, Move, Step};
use crate::plan::external::{External, Seen};
use crate::plan::hold::{Hold, running_day};
use crate::plan::milestone::State;
use crate::plan::network::Link;
use crate::plan::schedule::{Forecast, Miss, Promise, Pusher, Standing, Status, StatusChange, Terms, Timeline, assess};

/// Kind of plan: the purpose that it serves.
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
pub enum Kind {
    /// A project delivered to a customer.
    Delivery,
    /// The onboarding of a customer to a product.
    Onboarding,
    /// A person's enrollment in coaching.
    Coaching,
    /// A person's development plan.
    Development,
}

/// The facts of one milestone.
#[derive(Debug, Clone, PartialEq)]
pub struct MilestoneFacts {
    /// Current state.
    pub state: State,
    /// Planned date outside any baseline; used until the first baseline that includes the milestone.
    pub planned_on: NaiveDate,
    /// Date on which work started.
    pub started_on: Option<NaiveDate>,
    /// Date on which the milestone was achieved, waived or canceled.
    pub closed_on: Option<NaiveDate>,
    /// Forecast changes, oldest first.
    pub forecasts: Vec<Forecast>,
    /// Recorded percentages, oldest first.
    pub progress: Vec<Progress>,
    /// Date on which the forecast was last given or confirmed, or work was last reported; `None` if unknown.
    pub touched_on: Option<NaiveDate>,
    /// Date on which the owner last confirmed the forecast.
    pub confirmed_on: Option<NaiveDate>,
    /// Time that it takes, in days of the plan's calendar. `None` if it takes all the time that its dependencies leave it.
    pub duration_days: Option<i64>,
    /// Rule that turns its weight into earned value. `None` if it is the plan's.
    pub credit_rule: Option<CreditRule>,
    /// Missed planned dates that were explained.
    pub misses: Vec<Miss>,
}

/// How a plan's scope is valued from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valuation {
    /// First day on which it is in force. The first valuation is also in force on all earlier days.
    pub effective_on: NaiveDate,
    /// Rule that turns weights into earned value.
    pub credit_rule: CreditRule,
    /// Budget: the value of the whole scope in the smallest unit of the currency.
    pub budget_minor: Option<i64>,
}

impl Valuation {
    /// A valuation by a rule, without a budget, on all days.
    pub const fn of(credit_rule: CreditRule) -> Self {
        Self { effective_on: NaiveDate::MIN, credit_rule, budget_minor: None }
    }
}

/// The facts of one plan: enough to compute its schedule and earned value at any date.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanFacts {
    /// How the scope is valued, oldest first; never empty.
    pub valuations: Vec<Valuation>,
    /// Agreed terms of scheduling.
    pub terms: Terms,
    /// Baselines, in order of their numbers.
    pub baselines: Vec<Baseline>,
    /// Milestones in the order of the plan. Baseline lines refer to positions in this list.
    pub milestones: Vec<MilestoneFacts>,
    /// Recorded costs.
    pub costs: Vec<cost::Entry>,
    /// First day of the plan.
    pub start_on: NaiveDate,
    /// Dependencies between milestones.
    pub links: Vec<Link>,
    /// Times in which the plan was on hold, oldest first.
    pub holds: Vec<Hold>,
    /// Milestones of other plans that those of this one wait for.
    pub externals: Vec<External>,
}

/// Numbers of milestones by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(example = json!({"on_track": 9, "at_risk": 2, "delayed": 1, "achieved": 7, "waived": 0, "cancelled": 0}))]
pub struct StatusCounts {
    /// Number of milestones on track.
    pub on_track: usize,
    /// Number of milestones at risk.
    pub at_risk: usize,
    /// Number of delayed milestones.
    pub delayed: usize,
    /// Number of achieved milestones.
    pub achieved: usize,
    /// Number of waived milestones.
    pub waived: usize,
    /// Number of canceled milestones.
    pub cancelled: usize,
}

impl StatusCounts {
    /// Counts one more milestone.
    pub fn add(&mut self, status: Status) {
        *match status {
            Status::OnTrack => &mut self.on_track,
            Status::AtRisk => &mut self.at_risk,
            Status::Delayed => &mut self.delayed,
            Status::Achieved => &mut self.achieved,
            Status::Waived => &mut self.waived,
            Status::Cancelled => &mut self.cancelled,
        } += 1;
    }

    /// Adds the counts of another plan.
    pub fn add_all(&mut self, other: &Self) {
        self.on_track += other.on_track;
        self.at_risk += other.at_risk;
        self.delayed += other.delayed;
        self.achieved += other.achieved;
        self.waived += other.waived;
        self.cancelled += other.cancelled;
    }

    /// Returns the overall status: the worst status of the open milestones. If none is open, the status is achieved if
    /// any milestone was achieved, otherwise waived if any was waived, otherwise canceled.
    pub fn overall(&self) -> Status {
        if self.delayed > 0 {
            Status::Delayed
        } else if self.at_risk > 0 {
            Status::AtRisk
        } else if self.on_track > 0 {
            Status::OnTrack
        } else if self.achieved > 0 {
            Status::Achieved
        } else if self.waived > 0 {
            Status::Waived
        } else {
            Status::Cancelled
        }
    }
}

/// Summary of one plan at a date.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Planned value (PV), earned value (EV) and scope.
    pub earned_value: EarnedValue,
    /// Numbers of milestones by status.
    pub counts: StatusCounts,
    /// Position and reckoned date of the next open milestone.
    pub next: Option<(usize, NaiveDate)>,
    /// Expected finish: the latest reckoned or actual date of the milestones that are not waived or canceled.
    pub finish_on: Option<NaiveDate>,
    /// Last planned date of the baseline in force.
    pub planned_finish_on: Option<NaiveDate>,
    /// Last planned date of the first baseline.
    pub first_planned_finish_on: Option<NaiveDate>,
    /// Number of open milestones of which a planned date has passed without an explanation.
    pub unexplained_misses: usize,
    /// Number of open milestones whose forecast has passed or has not been updated for too long.
    pub stale: usize,
}

impl MilestoneFacts {
    /// Returns the milestone's dates, measured against its planned dates.
    pub fn timeline<'a>(&'a self, promises: &'a [Promise], holds: &'a [Hold]) -> Timeline<'a> {
        let (state, closed_on, touched_on) = (self.state, self.closed_on, self.touched_on);
        let (forecasts, misses) = (&self.forecasts, &self.misses);
        Timeline { promises, state, closed_on, forecasts, touched_on, misses, holds }
    }

    /// Returns the last date by `as_of` on which the owner gave or confirmed a forecast.
    fn spoke_on(&self, as_of: NaiveDate) -> Option<NaiveDate> {
        let forecasts = self.forecasts.iter().map(|change| change.recorded_on);
        forecasts.chain(self.confirmed_on).filter(|on| *on <= as_of).max()
    }
}

/// Returns the finish of a plan: the latest reckoned or actual date of the milestones that are not waived or canceled.
pub fn finish_on(standings: &[Standing]) -> Option<NaiveDate> {
    let counts = |standing: &&Standing| standing.is_open() || standing.status == Status::Achieved;
    standings.iter().filter(counts).map(|standing| standing.reckoned_on).max()
}

/// The planned dates of a plan's milestones by baseline.
struct Promises {
    all: Vec<Promise>,
    /// End of each milestone's promises in the list.
    ends: Vec<usize>,
}

impl Promises {
    fn of(&self, position: usize) -> &[Promise] {
        let start = position.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start..self.ends[position]]
    }
}

impl PlanFacts {
    /// Returns the plan's course with the given steps as its milestones.
    pub fn course<'a>(&'a self, steps: &'a [Step]) -> Course<'a> {
        Course { steps, links: &self.links, start_on: self.start_on, calendar: &self.terms.calendar }
    }

    /// Returns the same plan, measured against one baseline at every date, or `None` if no baseline has this number.
    pub fn against(&self, number: i64) -> Option<Self> {
        let baseline = self.baselines.iter().find(|baseline| baseline.number == number)?;
        Some(Self { baselines: vec![baseline.clone()], ..self.clone() })
    }

    /// Returns how the scope is valued at a date.
    pub fn valuation(&self, as_of: NaiveDate) -> Valuation {
        let in_force = self.valuations.iter().rev().find(|one| one.effective_on <= as_of);
        let in_force = in_force.or_else(|| self.valuations.first()).copied();
        in_force.unwrap_or_else(|| Valuation::of(CreditRule::default()))
    }

    /// Computes planned value (PV) and earned value (EV) at a date, against the baseline in force on that date.
    pub fn earned_value(&self, as_of: NaiveDate) -> EarnedValue {
        let as_of = running_day(&self.holds, as_of);
        let lines = in_force(&self.baselines, as_of).map_or(&[][..], |baseline| &baseline.lines);
        let rule = self.valuation(as_of).credit_rule;
        EarnedValue::measure(lines.iter().filter_map(|line| self.valued(line, rule)), as_of)
    }

    /// Computes planned value (PV) and earned value (EV) of each milestone in the baseline in force on a date.
    pub fn earned_values(&self, as_of: NaiveDate) -> impl Iterator<Item = (usize, EarnedValue)> {
        let as_of = running_day(&self.holds, as_of);
        let lines = in_force(&self.baselines, as_of).map_or(&[][..], |baseline| &baseline.lines);
        let rule = self.valuation(as_of).credit_rule;
        lines.iter().map(move |line| (line.milestone, EarnedValue::measure(self.valued(line, rule), as_of)))
    }

    /// Returns the share of a baseline's line that is earned at the end of `as_of`, from 0 to 1.
    pub fn credit(&self, line: &Line, as_of: NaiveDate) -> f64 {
        let as_of = running_day(&self.holds, as_of);
        let rule = self.valuation(as_of).credit_rule;
        self.valued(line, rule).map_or(0.0, |valued| valued.credit(as_of))
    }

    /// Returns a baseline's line in the form that the earned value calculation needs.
    fn valued(&self, line: &Line, rule: CreditRule) -> Option<Valued<'_>> {
        let facts = self.milestones.get(line.milestone)?;
        Some(Valued {
            planned_on: line.planned_on,
            weight: line.weight,
            started_on: facts.started_on,
            achieved_on: facts.closed_on.filter(|_| facts.state == State::Achieved),
            dropped_on: facts.closed_on.filter(|_| facts.state.is_dropped()),
            progress: &facts.progress,
            rule: facts.credit_rule.unwrap_or(rule),
        })
    }

    /// Computes earned schedule (ES) at a date, against the baseline in force on that date. The second value maps the
    /// positions in the result to positions of milestones in the plan.
    pub fn earned_schedule(
        &self,
        start_on: NaiveDate,
        as_of: NaiveDate,
        period: Period,
    ) -> Result<(EarnedSchedule, Vec<usize>), Undefined> {
        let as_of = running_day(&self.holds, as_of);
        let lines = in_force(&self.baselines, as_of).map_or(&[][..], |baseline| &baseline.lines);
        let rule = self.valuation(as_of).credit_rule;
        let valued: Vec<(usize, Valued<'_>)> =
            lines.iter().filter_map(|line| Some((line.milestone, self.valued(line, rule)?))).collect();
        let credits = valued.iter().map(|(_, valued)| valued.credit(as_of));
        let measured: Vec<earned_schedule::Line> = valued
            .iter()
            .zip(credits)
            .map(|((_, valued), credit)| earned_schedule::Line {
                planned_on: valued.planned_on,
                weight: valued.weight,
                earned: valued.weight * credit,
            })
            .collect();
        let is_finished = measured.iter().all(|line| line.earned >= line.weight);
        let last = valued.iter().filter_map(|(_, valued)| valued.achieved_on).max();
        let finished_on = last.filter(|_| is_finished);
        let timescale = Timescale { start_on, period, calendar: &self.terms.calendar };
        let measured = EarnedSchedule::measure(&measured, timescale, as_of, finished_on)?;
        Ok((measured, valued.into_iter().map(|(position, _)| position).collect()))
    }

    /// Returns the last planned date of the baseline in force at a date.
    pub fn planned_finish_on(&self, as_of: NaiveDate) -> Option<NaiveDate> {
        in_force(&self.baselines, running_day(&self.holds, as_of))?.finish_on()
    }

    /// Returns the days by which a finish is later than planned, as the plan's calendar counts them; negative if it is earlier.
    pub fn finish_variance_days(&self, planned_on: Option<NaiveDate>, finish_on: Option<NaiveDate>) -> Option<i64> {
        planned_on.zip(finish_on).map(|(planned, finish)| self.terms.calendar.days_between(planned, finish))
    }

    /// Returns every milestone's planned dates by baseline, or its own planned date if no baseline includes it.
    fn promises(&self) -> Promises {
        let promise = |baseline: &Baseline, line: &Line| {
            (line.milestone, Promise { from_on: baseline.effective_on, planned_on: line.planned_on })
        };
        let lines =
            self.baselines.iter().flat_map(|baseline| baseline.lines.iter().map(move |line| promise(baseline, line)));
        let mut lines: Vec<(usize, Promise)> = lines.collect();
        lines.sort_by_key(|(milestone, _)| *milestone);
        let mut all = Vec::with_capacity(lines.len());
        let mut ends = Vec::with_capacity(self.milestones.len());
        let mut rest = lines.as_slice();
        for (position, facts) in self.milestones.iter().enumerate() {
            let own = rest.partition_point(|(milestone, _)| *milestone == position);
            all.extend(rest[..own].iter().map(|(_, promise)| *promise));
            if own == 0 {
                all.push(Promise { from_on: self.start_on, planned_on: facts.planned_on });
            }
            rest = &rest[own..];
            ends.push(all.len());
        }
        Promises { all, ends }
    }

    /// Returns each milestone's planned date in force at a date.
    pub fn planned_dates(&self, as_of: NaiveDate) -> Vec<NaiveDate> {
        let (promises, as_of) = (self.promises(), running_day(&self.holds, as_of));
        let planned_on = |(position, facts): (usize, &MilestoneFacts)| {
            facts.timeline(promises.of(position), &self.holds).planned_on(as_of)
        };
        self.milestones.iter().enumerate().map(planned_on).collect()
    }

    /// Returns the schedule standing of every milestone at a date, in the order of the plan: each by itself, and then
    /// pushed by what it waits for. The reckoned dates are those that everything else that is said of the plan rests on.
    pub fn standings(&self, as_of: NaiveDate) -> Vec<Standing> {
        self.standings_within(as_of, &mut Seen::new())
    }

    fn standings_within(&self, as_of: NaiveDate, seen: &mut Seen) -> Vec<Standing> {
        let (promises, as_of) = (self.promises(), running_day(&self.holds, as_of));
        let alone = |(position, facts): (usize, &MilestoneFacts)| {
            assess(&facts.timeline(promises.of(position), &self.holds), as_of, &self.terms)
        };
        let mut standings: Vec<Standing> = self.milestones.iter().enumerate().map(alone).collect();
        if self.links.is_empty() && self.externals.is_empty() {
            return standings;
        }
        let own = standings.len();
        for (position, (on, by)) in self.joined_within(&standings, as_of, seen).course().pushes() {
            let by = by.checked_sub(own).map_or(Pusher::Own(by), Pusher::External);
            standings[position] = standings[position].pushed_to(on, by, &self.terms);
        }
        standings
    }

    /// Returns the same plan with the moves of a cascade recorded as forecasts on a day.
    #[must_use]
    pub fn with_moves(mut self, moves: &[Move], recorded_on: NaiveDate) -> Self {
        for one in moves {
            self.milestones[one.milestone].forecasts.push(Forecast { recorded_on, forecast_on: one.to_on });
        }
        self
    }

    /// Returns every change of a milestone's status from the plan's start to `until`, oldest first; the first entry is the
    /// initial status. Each day is measured against the baseline then in force, from what was recorded by then.
    pub fn status_history(&self, position: usize, until: NaiveDate) -> Vec<StatusChange> {
        let (plan, position) = self.upstream(position);
        let mut changes: Vec<StatusChange> = vec![];
        for day in plan.start_on.iter_days().take_while(|day| *day <= until) {
            let Standing { status, reckoned_on, planned_on, .. } = plan.standings(day)[position];
            if changes.last().is_none_or(|last| last.status != status) {
                changes.push(StatusChange { from_on: day, status, reckoned_on, planned_on });
            }
            if matches!(status, Status::Achieved | Status::Waived | Status::Cancelled) {
                break;
            }
        }
        changes
    }

    /// Returns the plan with only a milestone and those that it waits for, directly or not, and its position in it.
    fn upstream(&self, position: usize) -> (Self, usize) {
        let mut kept = vec![false; self.milestones.len()];
        let mut open = vec![position];
        while let Some(next) = open.pop() {
            if !std::mem::replace(&mut kept[next], true) {
                open.extend(self.links.iter().filter(|link| link.to == next).map(|link| link.from));
            }
        }
        let places: Vec<usize> =
            kept.iter().scan(0, |next, is_kept| Some(std::mem::replace(next, *next + usize::from(*is_kept)))).collect();
        let line = |line: &Line| kept[line.milestone].then_some(Line { milestone: places[line.milestone], ..*line });
        let baseline = |baseline: &Baseline| Baseline {
            number: baseline.number,
            effective_on: baseline.effective_on,
            lines: baseline.lines.iter().filter_map(line).collect(),
        };
        let links = self.links.iter().filter(|link| kept[link.to]);
        let externals = self.externals.iter().filter(|one| kept[one.to]);
        let externals = externals.map(|one| External { to: places[one.to], ..one.clone() });
        let plan = Self {
            valuations: self.valuations.clone(),
            terms: self.terms.clone(),
            baselines: self.baselines.iter().map(baseline).collect(),
            milestones: self
                .milestones
                .iter()
                .zip(&kept)
                .filter(|(_, kept)| **kept)
                .map(|(one, _)| one.clone())
                .collect(),
            costs: vec![],
            holds: self.holds.clone(),
            externals: externals.collect(),
            start_on: self.start_on,
            links: links.map(|link| Link { from: places[link.from], to: places[link.to], ..*link }).collect(),
        };
        (plan, places[position])
    }

    /// Returns the milestones as steps for a cascade or a schedule at a date, based on their standings at that date.
    /// Later starts and closings are ignored.
    pub fn steps(&self, standings: &[Standing], as_of: NaiveDate) -> Vec<Step> {
        let step = |(facts, standing): (&MilestoneFacts, &Standing)| Step {
            state: match standing.status {
                Status::Achieved => State::Achieved,
                Status::Waived => State::Waived,
                Status::Cancelled => State::Cancelled,
                Status::OnTrack | Status::AtRisk | Status::Delayed => State::InProgress,
            },
            planned_on: standing.planned_on,
            expected_on: standing.reckoned_on,
            started_on: facts.started_on.filter(|on| *on <= as_of),
            spoke_on: facts.spoke_on(as_of),
            duration_days: facts.duration_days,
        };
        self.milestones.iter().zip(standings).map(step).collect()
    }

    /// Returns the summary of the plan at a date, as used in the rows of reports.
    pub fn summary(&self, as_of: NaiveDate) -> Summary {
        self.summary_of(&self.standings(as_of), as_of)
    }

    /// Returns the summary of the plan at a date from the standings of its milestones at that date.
    pub fn summary_of(&self, standings: &[Standing], as_of: NaiveDate) -> Summary {
        let mut counts = StatusCounts::default();
        let mut next: Option<(usize, NaiveDate)> = None;
        for (position, standing) in standings.iter().enumerate() {
            counts.add(standing.status);
            if standing.is_open() && next.is_none_or(|(_, on)| standing.reckoned_on < on) {
                next = Some((position, standing.reckoned_on));
            }
        }
        let unexplained_misses = standings.iter().filter(|standing| standing.missed_on.is_some()).count();
        let stale = standings.iter().filter(|standing| standing.stale).count();
        Summary {
            earned_value: self.earned_value(as_of),
            counts,
            next,
            finish_on: finish_on(standings),
            planned_finish_on: self.planned_finish_on(as_of),
            first_planned_finish_on: self.baselines.first().and_then(Baseline::finish_on),
            unexplained_misses,
            stale,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::plan::calendar::Calendar;
    use crate::plan::network::Relation;

    fn day(n: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date") + chrono::Duration::days(n)
    }

    fn facts(state: State, planned: i64, closed: Option<i64>) -> MilestoneFacts {
        MilestoneFacts {
            state,
            planned_on: day(planned),
            started_on: None,
            closed_on: closed.map(day),
            forecasts: vec![],
            progress: vec![],
            touched_on: None,
            confirmed_on: None,
            duration_days: None,
            credit_rule: None,
            misses: vec![],
        }
    }

    /// An open milestone without history.
    pub(crate) fn open(planned_on: NaiveDate) -> MilestoneFacts {
        MilestoneFacts { planned_on, ..facts(State::InProgress, 0, None) }
    }

    /// A plan of these milestones, each of the weight 1, with one baseline.
    pub(crate) fn plan_of(milestones: Vec<MilestoneFacts>, start_on: NaiveDate) -> PlanFacts {
        let line =
            |(milestone, one): (usize, &MilestoneFacts)| Line { milestone, planned_on: one.planned_on, weight: 1.0 };
        let lines = milestones.iter().enumerate().map(line).collect();
        let baselines = vec![Baseline { number: 1, effective_on: start_on, lines }];
        PlanFacts { baselines, milestones, start_on, costs: vec![], links: vec![], ..plan() }
    }

    fn plan() -> PlanFacts {
        let milestones = vec![
            facts(State::Achieved, 10, Some(12)),
            facts(State::InProgress, 20, None),
            facts(State::Cancelled, 30, Some(15)),
            facts(State::Planned, 40, None),
        ];
        let lines = |weights: &[(usize, i64, f64)]| {
            weights
                .iter()
                .map(|(milestone, on, weight)| Line { milestone: *milestone, planned_on: day(*on), weight: *weight })
                .collect()
        };
        PlanFacts {
            valuations: vec![Valuation::of(CreditRule::ZeroHundred)],
            terms: Terms::default(),
            baselines: vec![
                Baseline { number: 1, effective_on: day(0), lines: lines(&[(0, 10, 2.0), (1, 20, 3.0), (2, 30, 5.0)]) },
                Baseline {
                    number: 2,
                    effective_on: day(25),
                    lines: lines(&[(0, 10, 2.0), (1, 35, 3.0), (3, 40, 5.0)]),
                },
            ],
            milestones,
            costs: vec![],
            start_on: day(0),
            links: vec![],
            holds: vec![],
            externals: vec![],
        }
    }

    #[test]
    fn earned_value_is_measured_against_the_baseline_in_force() {
        let at = |n| {
            let sums = plan().earned_value(day(n));
            (sums.budget_at_completion, sums.planned_value, sums.earned_value)
        };
        assert_eq!(at(11), (10.0, 2.0, 0.0));
        assert_eq!(at(24), (10.0, 5.0, 2.0));
        assert_eq!(at(25), (10.0, 2.0, 2.0), "the second baseline moved the second milestone to day 35");
        assert_eq!(at(60), (10.0, 10.0, 2.0));
    }

    #[test]
    fn the_expected_finish_reckons_with_what_is_overdue() {
        let mut plan = plan();
        plan.links = vec![Link { from: 1, to: 3, relation: Relation::FinishToStart, lag_days: 0 }];
        // The second milestone was planned for day 20 and is still open on day 24. The fourth takes 20 days after it.
        let summary = plan.summary(day(24));
        assert_eq!((summary.next, summary.finish_on), (Some((1, day(24))), Some(day(44))));
    }

    /// a was planned for day 10 and is open on day 50; b (day 60) waits for a, and c (day 80) for b.
    fn waiting() -> PlanFacts {
        let link = |from, to| Link { from, to, relation: Relation::FinishToStart, lag_days: 0 };
        let milestones = [10, 60, 80].map(|planned| facts(State::Planned, planned, None)).to_vec();
        PlanFacts { baselines: vec![], milestones, links: vec![link(0, 1), link(1, 2)], ..plan() }
    }

    /// Reckoned day, what pushes it and by how many days, and status.
    type Reckoned = (i64, Option<(usize, i64)>, Status);

    fn reckoned(plan: &PlanFacts, as_of: i64) -> Vec<Reckoned> {
        let of = |one: Standing| {
            let push = one.pushed.map(|push| (push.by.own().expect("one of the plan"), push.days));
            ((one.reckoned_on - day(0)).num_days(), push, one.status)
        };
        plan.standings(day(as_of)).into_iter().map(of).collect()
    }

    #[test]
    fn what_is_waited_for_pushes_status_and_variance() {
        let mut plan = waiting();
        let late = Status::Delayed;
        assert_eq!(reckoned(&plan, 50), [(50, None, late), (100, Some((0, 40)), late), (120, Some((1, 40)), late)]);
        let variances: Vec<i64> = plan.standings(day(50)).iter().map(|one| one.variance_days).collect();
        assert_eq!(variances, [40, 40, 40]);
        (plan.milestones[0].state, plan.milestones[0].closed_on) = (State::Achieved, Some(day(50)));
        assert_eq!(
            reckoned(&plan, 52),
            [(50, None, Status::Achieved), (100, Some((0, 40)), late), (120, Some((1, 40)), late)],
            "a late achievement pushes alike"
        );
    }

    /// The owner who speaks after what the milestone waited for has happened knows of it.
    #[test]
    fn the_owners_word_holds_once_the_facts_are_known() {
        let mut plan = waiting();
        (plan.milestones[0].state, plan.milestones[0].closed_on) = (State::Achieved, Some(day(50)));
        plan.milestones[1].confirmed_on = Some(day(51));
        let on_track = Status::OnTrack;
        assert_eq!(reckoned(&plan, 52)[1..], [(60, None, on_track), (80, None, on_track)]);
        assert_eq!(reckoned(&plan, 50)[1].0, 100, "it was not confirmed yet");
        plan.milestones[1].confirmed_on = None;
        plan.milestones[1].forecasts = vec![Forecast { recorded_on: day(51), forecast_on: day(63) }];
        assert_eq!(reckoned(&plan, 52)[1..], [(63, None, Status::AtRisk), (83, Some((1, 3)), Status::AtRisk)]);
        plan.milestones[1].forecasts[0].recorded_on = day(49);
        assert_eq!(reckoned(&plan, 52)[1].0, 103 - 3, "said before the facts were known");
    }

    #[test]
    fn nothing_is_entered_again_when_what_is_waited_for_is_met() {
        let mut plan = waiting();
        (plan.milestones[0].state, plan.milestones[0].closed_on) = (State::Achieved, Some(day(10)));
        assert_eq!(reckoned(&plan, 50)[1..], [(60, None, Status::OnTrack), (80, None, Status::OnTrack)]);
    }

    #[test]
    fn the_history_of_a_status() {
        let forecasts = [Forecast { recorded_on: day(5), forecast_on: day(14) }];
        let history = |closed: Option<i64>, until| {
            let state = if closed.is_some() { State::Achieved } else { State::InProgress };
            let one = MilestoneFacts { forecasts: forecasts.to_vec(), ..facts(state, 10, closed) };
            let plan = PlanFacts { milestones: vec![one], baselines: vec![], ..plan() };
            let changes = plan.status_history(0, day(until)).into_iter();
            changes.map(|one| ((one.from_on - day(0)).num_days(), one.status)).collect::<Vec<_>>()
        };
        let open = vec![(0, Status::OnTrack), (5, Status::AtRisk), (18, Status::Delayed)];
        assert_eq!(history(None, 40), open);
        assert_eq!(history(Some(16), 40), [(0, Status::OnTrack), (5, Status::AtRisk), (16, Status::Achieved)]);
        assert_eq!(history(None, 4), open[..1]);
    }

    /// The third milestone waits for the first. A baseline of day 30 moves it from day 40 to day 70.
    #[test]
    fn a_status_history_is_what_was_said_at_the_time() {
        let line = |milestone, on| Line { milestone, planned_on: day(on), weight: 1.0 };
        let baseline = |number, on, last| Baseline {
            number,
            effective_on: day(on),
            lines: vec![line(0, 10), line(1, 20), line(2, last)],
        };
        let milestones = [10, 20, 70].map(|planned| facts(State::Planned, planned, None)).to_vec();
        let links = vec![Link { from: 0, to: 2, relation: Relation::FinishToStart, lag_days: 0 }];
        let mut plan =
            PlanFacts { baselines: vec![baseline(1, 0, 40), baseline(2, 30, 70)], milestones, links, ..plan() };
        (plan.milestones[0].state, plan.milestones[0].closed_on) = (State::Achieved, Some(day(25)));
        let seen: Vec<(i64, Status)> = plan
            .status_history(2, day(60))
            .into_iter()
            .map(|one| ((one.from_on - day(0)).num_days(), one.status))
            .collect();
        let (on_track, at_risk, delayed) = (Status::OnTrack, Status::AtRisk, Status::Delayed);
        assert_eq!(seen, [(0, on_track), (11, at_risk), (18, delayed), (30, delayed)].as_slice()[..3].to_vec());
    }

    #[test]
    fn what_was_dropped_earns_nothing_from_then_on() {
        for (rule, before) in [(CreditRule::FiftyFifty, 5.0 * 0.5), (CreditRule::PercentComplete, 5.0 * 0.8)] {
            let mut plan = plan();
            plan.valuations[0].credit_rule = rule;
            plan.milestones[0].state = State::Planned;
            plan.milestones[2].started_on = Some(day(5));
            plan.milestones[2].progress = vec![Progress { recorded_on: day(6), percent: 80.0 }];
            let earned = |n| plan.earned_value(day(n)).earned_value;
            assert_eq!((earned(14), earned(15)), (before, 0.0), "{rule}: cancelled on day 15");
        }
    }

    #[test]
    fn a_summary_counts_and_looks_ahead() {
        let summary = plan().summary(day(24));
        assert_eq!(
            summary.counts,
            StatusCounts { on_track: 1, at_risk: 1, achieved: 1, cancelled: 1, ..Default::default() }
        );
        assert_eq!(summary.next, Some((1, day(24))), "its forecast has passed, so it is expected today");
        assert_eq!(summary.finish_on, Some(day(40)));
        assert_eq!(summary.counts.overall(), Status::AtRisk);
    }

    #[test]
    fn a_finish_varies_by_days_of_the_calendar() {
        let mut plan = plan();
        let (friday, monday) = (NaiveDate::from_ymd_opt(2026, 5, 8), NaiveDate::from_ymd_opt(2026, 5, 11));
        assert_eq!(plan.finish_variance_days(friday, monday), Some(3));
        plan.terms.calendar = Calendar::business_days(&[]);
        assert_eq!(plan.finish_variance_days(friday, monday), Some(1));
        assert_eq!(plan.finish_variance_days(monday, friday), Some(-1));
        assert_eq!(plan.finish_variance_days(None, monday), None);
    }

    #[test]
    fn overall_is_the_worst_of_what_is_open() {
        let counts = |on_track, at_risk, delayed, achieved| StatusCounts {
            on_track,
            at_risk,
            delayed,
            achieved,
            ..Default::default()
        };
        assert_eq!(counts(1, 1, 1, 1).overall(), Status::Delayed);
        assert_eq!(counts(1, 0, 0, 9).overall(), Status::OnTrack);
        assert_eq!(counts(0, 0, 0, 9).overall(), Status::Achieved);
        assert_eq!(StatusCounts { waived: 1, cancelled: 1, ..Default::default() }.overall(), Status::Waived);
    }
}
