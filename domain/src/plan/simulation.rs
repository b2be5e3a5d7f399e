//! Probable finish of a plan: Monte Carlo simulation over the network of the remaining milestones.
//!
//! Each sample draws a duration for every open milestone and passes once through the network (R. M. van Slyke, *Monte
//! Carlo Methods and the PERT Problem*, Operations Research 11(5), 1963). A duration is the planned duration times a
//! ratio from the reference class of the milestone. The mean and the deviation of the class are drawn for each sample
//! from their posterior distribution (A. Gelman et al., *Bayesian Data Analysis*, 3rd ed., 3.2). Thus five observations
//! promise less than five hundred, and a class that is slow in a sample is slow for all of its milestones. The
//! criticality index is the share of samples in which a milestone was on the longest path (van Slyke, section 5).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rand::{RngExt, SeedableRng};
use rand_distr::{ChiSquared, Distribution, StandardNormal, Triangular};
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::plan::PlanFacts;
use crate::plan::network::{Link, Relation, incoming, order};
use crate::plan::reference::{ASSUMED, Ratios};
use crate::plan::schedule::{Standing, Status};

/// Number of days ahead that are counted in a dense array; later days are counted in a sparse map.
const HORIZON_DAYS: i64 = 100_000;
/// Upper limit of the drawn standard deviation of logarithms.
const LARGEST_DEVIATION: f64 = 2.0;

/// Milestone in the simulation, in days after the start of the plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Task {
    /// Achieved.
    Done {
        /// Day on which work began, or an estimate of it.
        started: i64,
        /// Day on which it was achieved.
        finished: i64,
    },
    /// Open.
    Open {
        /// Duration.
        duration: Duration,
        /// Day on which work began, if it has begun.
        started: Option<i64>,
        /// Forecast date, if it is later than the planned date.
        not_before: Option<i64>,
    },
    /// Waived or canceled; delays no other milestone.
    Dropped,
}

/// Duration of an open milestone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Duration {
    /// Planned duration, times a ratio from the reference class.
    Scaled {
        /// Planned duration in days.
        planned_days: f64,
        /// Position of the reference class.
        reference: usize,
    },
    /// Three-point estimate in days: minimum, most likely, maximum.
    Triangular(f64, f64, f64),
}

/// Input of a simulation.
#[derive(Debug, Clone, Copy)]
pub struct Simulation<'a> {
    /// Milestones.
    pub tasks: &'a [Task],
    /// Dependencies between the milestones.
    pub links: &'a [Link],
    /// Reference classes.
    pub references: &'a [Ratios],
    /// Date of the simulation, in days after the start of the plan. No open milestone finishes before it.
    pub today: i64,
}

/// Distribution of an event over days: the number of samples for each day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    today: i64,
    counts: Vec<u32>,
    far: BTreeMap<i64, u32>,
    total: u32,
}

/// Result of a simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Finish of the last open milestone.
    pub finish: Days,
    /// Finish of each milestone; `None` for milestones that are not open.
    pub milestones: Vec<Option<Days>>,
    /// Share of samples in which each milestone was on the longest path, from 0 to 1.
    pub criticality: Vec<f64>,
}

impl Task {
    /// Returns the milestones of a plan as of the end of `as_of`, and the dependencies between them. Those of other plans come after
    /// them, as if they were achieved on their reckoned dates. `references` holds the position of each reference class. Returns `None` if
    /// the dependencies form a cycle.
    pub fn all_of(plan: &PlanFacts, as_of: NaiveDate, references: &[usize]) -> Option<(Vec<Self>, Vec<Link>)> {
        let calendar = &plan.terms.calendar;
        let standings = plan.standings(as_of);
        let joined = plan.joined(&standings, as_of);
        let steps = &joined.steps;
        let durations = joined.course().planned_durations_days()?;
        let day = |on: NaiveDate| calendar.days_between(plan.start_on, on);
        let task = |(position, standing): (usize, &Standing)| match standing.status {
            Status::Achieved => {
                let finished = day(standing.reckoned_on);
                let started = steps[position].started_on.map_or(finished - durations[position], day);
                Self::Done { started, finished }
            }
            Status::Waived | Status::Cancelled => Self::Dropped,
            Status::OnTrack | Status::AtRisk | Status::Delayed => Self::Open {
                duration: Duration::Scaled {
                    planned_days: days(durations[position]),
                    reference: references.get(position).copied().unwrap_or_default(),
                },
                started: steps[position].started_on.map(day),
                not_before: (standing.forecast_on > standing.planned_on).then(|| day(standing.forecast_on)),
            },
        };
        let others = steps[standings.len()..].iter().map(|step| match day(step.expected_on) {
            _ if step.state.is_dropped() => Self::Dropped,
            finished => Self::Done { started: finished, finished },
        });
        let tasks = standings.iter().enumerate().map(task).chain(others).collect();
        Some((tasks, joined.links))
    }
}

impl Days {
    fn none(today: i64) -> Self {
        Self { today, counts: vec![], far: BTreeMap::new(), total: 0 }
    }

    fn add(&mut self, day: i64) {
        self.total += 1;
        if day - self.today >= HORIZON_DAYS {
            *self.far.entry(day).or_default() += 1;
            return;
        }
        let offset = usize::try_from(day - self.today).unwrap_or_default();
        if offset >= self.counts.len() {
            self.counts.resize(offset + 1, 0);
        }
        self.counts[offset] += 1;
    }

    /// Returns the first day by which at least this share has happened.
    pub fn quantile(&self, share: f64) -> i64 {
        let wanted = share * f64::from(self.total);
        let mut sum = 0.0;
        let mut reaches = |(day, count): (i64, u32)| {
            sum += f64::from(count);
            (sum >= wanted).then_some(day)
        };
        self.by_day().find_map(&mut reaches).unwrap_or(self.today)
    }

    /// Returns the share that has happened by the end of a day.
    pub fn share_by(&self, day: i64) -> f64 {
        let count: u32 = self.by_day().take_while(|(on, _)| *on <= day).map(|(_, count)| count).sum();
        f64::from(count) / f64::from(self.total.max(1))
    }

    /// Iterates over the days with their counts, in order.
    fn by_day(&self) -> impl Iterator<Item = (i64, u32)> {
        let near = self.counts.iter().enumerate().map(|(offset, count)| (self.day(offset), *count));
        near.chain(self.far.iter().map(|(day, count)| (*day, *count)))
    }

    /// Returns at most `most` bins that cover all days, each with its first day, last day and share. The bins have
    /// equal length, except that all days beyond the dense array share one bin.
    pub fn histogram(&self, most: usize) -> Vec<(i64, i64, f64)> {
        let first = self.counts.iter().position(|count| *count > 0).unwrap_or(self.counts.len());
        let beyond = self.far.first_key_value().zip(self.far.last_key_value()).map(|((from, _), (to, _))| {
            let count: u32 = self.far.values().sum();
            (*from, *to, f64::from(count) / f64::from(self.total.max(1)))
        });
        let most = most.saturating_sub(usize::from(beyond.is_some())).max(1);
        let length = (self.counts.len() - first).div_ceil(most).max(1);
        let bin = |(index, counts): (usize, &[u32])| {
            let start = first + index * length;
            let share = f64::from(counts.iter().sum::<u32>()) / f64::from(self.total.max(1));
            (self.day(start), self.day(start + length - 1), share)
        };
        self.counts[first..].chunks(length).enumerate().map(bin).chain(beyond).collect()
    }

    fn day(&self, offset: usize) -> i64 {
        self.today + i64::try_from(offset).unwrap_or(HORIZON_DAYS)
    }
}

/// Distribution of the ratios of a class, drawn for one sample.
#[derive(Debug, Clone, Copy)]
enum Drawn {
    Lognormal { log_mean: f64, log_deviation: f64 },
    Assumed,
}

impl Simulation<'_> {
    /// Runs the simulation; the same seed gives the same outcome. Returns `None` if no milestone is open or if the
    /// links form a cycle.
    pub fn run(&self, samples: u32, seed: u64) -> Option<Outcome> {
        let order = order(self.tasks.len(), self.links)?;
        let before = incoming(self.tasks.len(), self.links);
        let is_open = |task: &Task| matches!(task, Task::Open { .. });
        if !self.tasks.iter().any(is_open) {
            return None;
        }
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        // Nothing finishes before the plan starts, however early `today` is.
        let first = self.today.max(0);
        let mut finish = Days::none(first);
        let mut milestones: Vec<Option<Days>> =
            self.tasks.iter().map(|task| is_open(task).then(|| Days::none(first))).collect();
        let mut critical = vec![0u32; self.tasks.len()];
        let mut pass = Pass::new(self.tasks.len());
        for _ in 0..samples {
            pass.classes.clear();
            pass.classes.extend(self.references.iter().map(|class| draw(class, &mut random)));
            let mut last = None;
            for position in &order {
                self.finish_of(*position, &before[*position], &mut pass, &mut random);
                if let Some(days) = &mut milestones[*position] {
                    let day = whole_days(pass.finishes[*position]);
                    days.add(day);
                    if last.is_none_or(|(_, latest)| pass.finishes[*position] > latest) {
                        last = Some((*position, pass.finishes[*position]));
                    }
                }
            }
            let Some((mut position, latest)) = last else { continue };
            finish.add(whole_days(latest));
            loop {
                critical[position] += 1;
                match pass.drivers[position] {
                    Some(driver) if is_open(&self.tasks[driver]) => position = driver,
                    _ => break,
                }
            }
        }
        let share = |count: u32| f64::from(count) / f64::from(samples.max(1));
        Some(Outcome { finish, milestones, criticality: critical.into_iter().map(share).collect() })
    }

    /// Sets the start, finish and driver of one milestone from its predecessors.
    fn finish_of(&self, position: usize, before: &[&Link], pass: &mut Pass, random: &mut Pcg64Mcg) {
        let (duration, started, not_before) = match self.tasks[position] {
            Task::Done { started, finished } => {
                (pass.starts[position], pass.finishes[position]) = (days(started), days(finished));
                return;
            }
            Task::Dropped => return,
            Task::Open { duration, started, not_before } => (duration, started, not_before),
        };
        let (mut start, mut least, mut driver, mut held) = (0.0_f64, f64::NEG_INFINITY, None, None);
        for link in before.iter().filter(|link| self.tasks[link.from] != Task::Dropped) {
            let lag = days(link.lag_days);
            let (begins, bound) = match link.relation {
                Relation::FinishToStart => (true, pass.finishes[link.from] + lag),
                Relation::StartToStart => (true, pass.starts[link.from] + lag),
                Relation::FinishToFinish => (false, pass.finishes[link.from] + lag),
                Relation::StartToFinish => (false, pass.starts[link.from] + lag),
            };
            if begins && bound > start {
                (start, driver) = (bound, Some(link.from));
            } else if !begins && bound > least {
                (least, held) = (bound, Some(link.from));
            }
        }
        if let Some(day) = started {
            (start, driver) = (days(day), None);
        }
        // The milestone was still open at the end of the previous day, so its duration exceeds the time that has
        // passed.
        let passed = days(self.today - 1) - start;
        let taken = match duration {
            Duration::Scaled { planned_days, .. } if planned_days <= 0.0 => 0.0,
            Duration::Scaled { planned_days, reference } => {
                planned_days * pass.classes[reference].ratio_above(passed / planned_days, random)
            }
            Duration::Triangular(low, mode, high) => triangular_above(passed, low, mode, high, random),
        };
        let mut finish = (start + taken).max(days(self.today));
        if least > finish {
            (finish, driver) = (least, held);
        }
        if let Some(day) = not_before {
            finish = finish.max(days(day));
        }
        (pass.starts[position], pass.finishes[position], pass.drivers[position]) = (start, finish, driver);
    }
}

/// State of one sample.
struct Pass {
    starts: Vec<f64>,
    finishes: Vec<f64>,
    /// Predecessor that determined the dates of each milestone, if any.
    drivers: Vec<Option<usize>>,
    classes: Vec<Drawn>,
}

impl Pass {
    fn new(count: usize) -> Self {
        Self { starts: vec![0.0; count], finishes: vec![0.0; count], drivers: vec![None; count], classes: vec![] }
    }
}

/// Draws the distribution of a class: the variance from a scaled inverse chi-squared distribution, then the mean from a
/// normal distribution.
fn draw(class: &Ratios, random: &mut Pcg64Mcg) -> Drawn {
    let Ratios::Observed { count, log_mean, log_deviation } = *class else { return Drawn::Assumed };
    #[expect(clippy::cast_precision_loss, reason = "milestones of an organization are far fewer")]
    let count = count as f64;
    let Ok(spread) = ChiSquared::new(count - 1.0) else { return Drawn::Assumed };
    let drawn = log_deviation * ((count - 1.0) / spread.sample(random)).sqrt();
    let deviation = drawn.min(LARGEST_DEVIATION);
    let normal: f64 = StandardNormal.sample(random);
    Drawn::Lognormal { log_mean: log_mean + deviation / count.sqrt() * normal, log_deviation: deviation }
}

impl Drawn {
    /// Draws a ratio, given that it is greater than `least`.
    fn ratio_above(self, least: f64, random: &mut Pcg64Mcg) -> f64 {
        match self {
            Self::Assumed => triangular_above(least, ASSUMED.0, ASSUMED.1, ASSUMED.2, random),
            Self::Lognormal { log_mean, log_deviation } => {
                let normal: f64 = StandardNormal.sample(random);
                let ratio = (log_mean + log_deviation * normal).exp();
                if ratio > least {
                    return ratio;
                }
                // Draw from the part of the distribution above `least`, by the inverse distribution function.
                let standard = Normal::standard();
                let above = standard.sf((least.ln() - log_mean) / log_deviation);
                let share = above * random.random::<f64>();
                let normal = -standard.inverse_cdf(share.max(f64::MIN_POSITIVE));
                (log_mean + log_deviation * normal).exp().max(least)
            }
        }
    }
}

/// Draws from a triangular distribution, given that the value is greater than `least`. Returns `least` if it is beyond
/// the upper end.
fn triangular_above(least: f64, low: f64, mode: f64, high: f64, random: &mut Pcg64Mcg) -> f64 {
    let Ok(triangular) = Triangular::new(low, high, mode) else { return mode.max(least) };
    if least < low {
        return triangular.sample(random);
    }
    // Draw above `least`: on the falling side in closed form, on the rising side by rejection.
    if least >= high {
        least
    } else if least >= mode {
        high - (high - least) * random.random::<f64>().sqrt()
    } else {
        loop {
            let drawn = triangular.sample(random);
            if drawn > least {
                return drawn;
            }
        }
    }
}

/// Converts days to a real number.
fn days(days: i64) -> f64 {
    i32::try_from(days).map_or(f64::MAX, f64::from)
}

/// Rounds up to the day by which a milestone is finished.
fn whole_days(days: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and is clamped to the horizon")]
    let whole = (days - 1e-9).ceil() as i64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const THOUSANDTHS: f64 = 1000.0;
    const DONE: Task = Task::Done { started: 1, finished: 7 };

    fn open(duration: Duration) -> Task {
        Task::Open { duration, started: None, not_before: None }
    }

    fn triangular(low: f64, mode: f64, high: f64) -> Task {
        open(Duration::Triangular(low * THOUSANDTHS, mode * THOUSANDTHS, high * THOUSANDTHS))
    }

    fn after(from: usize, to: usize) -> Link {
        Link { from, to, relation: Relation::FinishToStart, lag_days: 0 }
    }

    fn run(tasks: &[Task], links: &[Link], references: &[Ratios], today: i64) -> Outcome {
        Simulation { tasks, links, references, today }.run(100_000, 7).expect("something is open")
    }

    fn quantile(outcome: &Outcome, share: f64) -> f64 {
        days(outcome.finish.quantile(share)) / THOUSANDTHS
    }

    /// Inverse of the triangular distribution in closed form: (10, 20, 40) has P50 22.68, P80 29.05, P95 34.52. The P80
    /// of the later of two is the P89.4 of one, at 32.04.
    #[test]
    fn quantiles_are_those_of_the_distribution() {
        let one = run(&[triangular(10.0, 20.0, 40.0)], &[], &[], 0);
        for (share, expected) in [(0.5, 22.68), (0.8, 29.05), (0.95, 34.52)] {
            assert!((quantile(&one, share) - expected).abs() < 0.15, "P{share}: {}", quantile(&one, share));
        }
        let two = run(&[triangular(10.0, 20.0, 40.0), triangular(10.0, 20.0, 40.0)], &[], &[], 0);
        assert!((quantile(&two, 0.8) - 32.04).abs() < 0.15, "{}", quantile(&two, 0.8));
        assert!(
            (two.criticality[0] - 0.5).abs() < 0.01 && (two.criticality[0] + two.criticality[1] - 1.0).abs() < 1e-9
        );
    }

    /// Medians by the same closed form, as published in the tests of a statistics library: 0.6124 for triangular(0,
    /// 0.75, 1) and 52.003 for (15, 21, 134).
    #[test]
    fn medians_as_published() {
        for (low, mode, high, expected) in [(0.0, 0.75, 1.0, 0.612_4), (15.0, 21.0, 134.0, 52.003)] {
            let outcome = run(&[triangular(low, mode, high)], &[], &[], 0);
            assert!((quantile(&outcome, 0.5) / expected - 1.0).abs() < 0.01, "{}", quantile(&outcome, 0.5));
        }
    }

    /// Sums of means and variances: triangular(1, 2, 4) has mean 7/3 and variance 7/18; four in a row have mean 9.333
    /// and deviation 1.247, and are nearly normal.
    #[test]
    fn a_chain_adds_up() {
        let tasks = [triangular(1.0, 2.0, 4.0); 4];
        let outcome = run(&tasks, &[after(0, 1), after(1, 2), after(2, 3)], &[], 0);
        assert!((quantile(&outcome, 0.8413) - (9.3333 + 1.2472)).abs() < 0.06, "{}", quantile(&outcome, 0.8413));
        assert!(outcome.criticality.iter().all(|share| *share > 0.999_999));
    }

    #[test]
    fn the_same_seed_gives_the_same_answer() {
        let references = [Ratios::Observed { count: 8, log_mean: 0.1, log_deviation: 0.3 }];
        let scaled = |planned_days| open(Duration::Scaled { planned_days, reference: 0 });
        let tasks = [scaled(10.0), scaled(5.0), scaled(20.0)];
        let simulation = Simulation { tasks: &tasks, links: &[after(0, 1)], references: &references, today: 3 };
        assert_eq!(simulation.run(2000, 42), simulation.run(2000, 42));
        assert_ne!(simulation.run(2000, 42), simulation.run(2000, 43));
        assert_eq!(Simulation { tasks: &[DONE, Task::Dropped], ..simulation }.run(10, 1), None);
    }

    /// With very many observations the class is known: the median of 10 days at a median ratio of 1.5 is 15, and 84 %
    /// stay below 15 × e^0.2. Once 18 days have passed, the new median is the middle of the distribution above 18.
    #[test]
    fn what_has_passed_cannot_come_again() {
        let references = [Ratios::Observed { count: 1_000_000, log_mean: 1.5f64.ln(), log_deviation: 0.2 }];
        let tasks = [open(Duration::Scaled { planned_days: 10.0 * THOUSANDTHS, reference: 0 })];
        let fresh = run(&tasks, &[], &references, 0);
        assert!((quantile(&fresh, 0.5) - 15.0).abs() < 0.1 && (quantile(&fresh, 0.8413) - 18.32).abs() < 0.15);
        let late = run(&tasks, &[], &references, 18_001);
        // P(z > ln(1.8/1.5)/0.2 = 0.9116) = 0.1810; z at 1 − 0.0905 is 1.3377; 15 × e^(0.2 × 1.3377) = 19.60.
        assert!((quantile(&late, 0.5) - 19.60).abs() < 0.1, "{}", quantile(&late, 0.5));
        assert!(late.finish.quantile(0.0) >= 18_001);
        let beyond = run(&[triangular(1.0, 2.0, 3.0)], &[], &[], 9000);
        assert_eq!(beyond.finish.quantile(0.95), 9000, "beyond its end it is due now");
    }

    #[test]
    fn known_dates_and_relations_hold() {
        let task = |low, started, not_before| Task::Open {
            duration: Duration::Triangular(low, low + 0.1, low + 0.2),
            started,
            not_before,
        };
        let finish = |tasks: &[Task], links: &[Link]| {
            let outcome = run(tasks, links, &[], 0);
            outcome.milestones.iter().map(|one| one.as_ref().map(|days| days.quantile(0.5))).collect::<Vec<_>>()
        };
        assert_eq!(finish(&[DONE, task(2.5, None, None)], &[after(0, 1)]), [None, Some(10)]);
        assert_eq!(finish(&[Task::Dropped, task(2.5, None, None)], &[after(0, 1)]), [None, Some(3)]);
        let start = Link { relation: Relation::StartToStart, lag_days: 1, ..after(0, 1) };
        assert_eq!(finish(&[DONE, task(2.5, None, None)], &[start]), [None, Some(5)], "its start was on day 1");
        assert_eq!(finish(&[DONE, task(2.5, Some(2), None)], &[after(0, 1)]), [None, Some(5)]);
        assert_eq!(finish(&[task(2.5, None, Some(30))], &[]), [Some(30)]);
        for (relation, lag_days, expected) in [
            (Relation::FinishToStart, 1, 12),
            (Relation::StartToStart, 1, 4),
            (Relation::FinishToFinish, 1, 9),
            (Relation::StartToFinish, 5, 5),
        ] {
            let link = Link { from: 0, to: 1, relation, lag_days };
            assert_eq!(
                finish(&[task(7.5, None, None), task(2.5, None, None)], &[link])[1],
                Some(expected),
                "{relation}"
            );
        }
    }

    #[test]
    fn days_are_counted_and_grouped() {
        let mut days = Days::none(10);
        for day in [9, 12, 12, 15] {
            days.add(day);
        }
        assert_eq!((days.quantile(0.25), days.quantile(0.5), days.quantile(1.0)), (10, 12, 15));
        assert_eq!((days.share_by(9), days.share_by(12), days.share_by(99)), (0.0, 0.75, 1.0));
        assert_eq!(days.histogram(3), [(10, 11, 0.25), (12, 13, 0.5), (14, 15, 0.25)]);
        let mut far = Days::none(0);
        far.add(2_000_000);
        assert_eq!((far.quantile(0.5), far.share_by(1_999_999), far.share_by(2_000_000)), (2_000_000, 0.0, 1.0));
        assert_eq!(far.histogram(3), [(2_000_000, 2_000_000, 1.0)]);
    }

    /// Acceptance test: on 120 plans with a known distribution, the P80 date holds for about four fifths. Each
    /// organization has its own distribution, observes a few finished milestones of it, and then executes its plan.
    #[test]
    fn the_eightieth_percentile_holds_for_four_fifths() {
        let mut random = Pcg64Mcg::seed_from_u64(2026);
        let mut held = 0;
        for plan in 0..120 {
            let (truth_mean, truth_deviation) = (random.random_range(-0.2..0.6), random.random_range(0.15..0.6));
            let ratio = |random: &mut Pcg64Mcg| {
                let normal: f64 = StandardNormal.sample(random);
                f64::exp(truth_mean + truth_deviation * normal)
            };
            let history: Vec<f64> = (0..random.random_range(5..40)).map(|_| ratio(&mut random)).collect();
            let count = random.random_range(4..20);
            let planned: Vec<f64> = (0..count).map(|_| random.random_range(3.0..20.0)).collect();
            let mut links = vec![];
            for to in 1..count {
                links.extend(
                    (0..to)
                        .filter(|_| random.random_bool(1.5 / f64::from(to_u32(to)).max(1.5)))
                        .map(|from| after(from, to)),
                );
            }
            let references = [Ratios::observe(&history).expect("enough")];
            let tasks: Vec<Task> =
                planned.iter().map(|days| open(Duration::Scaled { planned_days: *days, reference: 0 })).collect();
            let simulation = Simulation { tasks: &tasks, links: &links, references: &references, today: 0 };
            let promised = simulation.run(4000, plan).expect("open").finish.quantile(0.8);
            let mut finishes = vec![0.0_f64; count];
            for position in 0..count {
                let free = links.iter().filter(|link| link.to == position).map(|link| finishes[link.from]);
                finishes[position] = free.fold(0.0, f64::max) + planned[position] * ratio(&mut random);
            }
            let finish = finishes.into_iter().fold(0.0, f64::max);
            held += u32::from(whole_days(finish) <= promised);
        }
        assert!((84..=108).contains(&held), "{held} of 120 held: not 70 to 90 %");
    }

    fn to_u32(number: usize) -> u32 {
        u32::try_from(number).expect("few")
    }
}
