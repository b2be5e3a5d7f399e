//! Tests against published tables: every printed figure is computed from the published input. Each test names its
//! source.

use chrono::NaiveDate;

use crate::earned_value::cost::Cost;
use crate::earned_value::earned_schedule::{EarnedSchedule, Line, Period, Timescale};
use crate::plan::calendar::Calendar;
use crate::plan::network::{Link, Network, Relation};
use crate::values::dates::plus_days;

fn start() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 5).expect("a Monday")
}

/// Returns the last day of a week, counting weeks from 1.
fn week(number: usize) -> NaiveDate {
    plus_days(start(), i64::try_from(number).expect("few") * 7 - 1)
}

fn weeks() -> Timescale<'static> {
    const EVERY_DAY: &Calendar = &Calendar::every_day();
    Timescale { start_on: start(), period: Period::Week, calendar: EVERY_DAY }
}

/// Computes earned schedule (ES) at the end of week `now`, from cumulative planned value (PV) by week and the value
/// earned by then.
fn in_time(cumulative_pv: &[f64], earned: f64, now: usize) -> EarnedSchedule {
    let mut before = 0.0;
    let weights = cumulative_pv.iter().map(|pv| pv - std::mem::replace(&mut before, *pv));
    let mut lines: Vec<Line> = (1..)
        .zip(weights)
        .filter(|(_, weight)| *weight > 0.0)
        .map(|(number, weight)| Line { planned_on: week(number), weight, earned: 0.0 })
        .collect();
    lines[0].earned = earned;
    let finished_on = (earned >= before).then(|| week(now));
    EarnedSchedule::measure(&lines, weeks(), week(now), finished_on).expect("scope")
}

/// Returns the earned schedule of a measured plan.
fn time_of(measured: &EarnedSchedule) -> f64 {
    measured.earned_schedule.expect("an earned schedule")
}

fn same(found: f64, published: f64, tolerance: f64, what: &str) {
    assert!((found - published).abs() <= tolerance, "{what}: {found}, published {published}");
}

/// PM Knowledge Center (M. Vanhoucke), *Earned Value Management: Forecasting time*: eleven weeks, planned for nine. The
/// first six values of ES are as printed there, to two decimals; the rest follow from its formulas. SPI returns to 1 at
/// the end, but SPI(t) does not. EV = BAC lies on the flat end of PV, where ES is the planned duration, not the week.
#[test]
fn eleven_weeks_planned_for_nine() {
    let pv = [5.0, 10.0, 25.0, 55.0, 85.0, 120.0, 130.0, 140.0, 150.0, 150.0, 150.0];
    let ev = [10.0 / 3.0, 20.0 / 3.0, 10.0, 22.5, 70.0, 82.5, 90.0, 120.0, 130.0, 140.0, 150.0];
    for (index, printed) in [0.67, 1.33, 2.00, 2.83, 4.50, 4.92].into_iter().enumerate() {
        same(time_of(&in_time(&pv, ev[index], index + 1)), printed, 0.005, "ES");
    }
    let es = [2.0 / 3.0, 4.0 / 3.0, 2.0, 17.0 / 6.0, 4.5, 59.0 / 12.0, 36.0 / 7.0, 6.0, 7.0, 8.0, 9.0];
    for (index, expected) in es.into_iter().enumerate() {
        let found = in_time(&pv, ev[index], index + 1);
        let actual_time = f64::from(u32::try_from(index + 1).expect("few"));
        same(time_of(&found), expected, 1e-9, "ES");
        same(found.schedule_variance().expect("a variance"), expected - actual_time, 1e-9, "SV(t)");
        same(found.schedule_performance_index().expect("a time"), expected / actual_time, 1e-9, "SPI(t)");
        same(found.estimated_duration().expect("a pace"), 9.0 * actual_time / expected, 1e-9, "IEAC(t)");
    }
    same(ev[10] / pv[10], 1.0, 0.0, "SPI");
    same(in_time(&pv, 150.0, 11).schedule_performance_index().expect("a time"), 9.0 / 11.0, 1e-9, "SPI(t)");
}

/// M. Fowler, *cost-risk-toolkit* (2026), the values worked out by hand in its tests: ten per week planned for ten
/// weeks, seven per week earned. By week 13 SPI has risen to 0.91 without any improvement; SPI(t) is unchanged.
#[test]
fn an_index_that_recovers_by_itself() {
    let pv: Vec<f64> = (1..=10).map(|week| f64::from(week) * 10.0).collect();
    let found = in_time(&pv, 91.0, 13);
    same(found.planned_duration, 10.0, 1e-9, "PD");
    same(91.0 / 100.0, 0.91, 1e-12, "SPI");
    same(time_of(&found), 9.1, 1e-9, "ES");
    same(found.schedule_performance_index().expect("a time"), 0.7, 1e-9, "SPI(t)");
    same(found.estimated_duration().expect("a pace"), 14.285_714, 1e-6, "IEAC(t)");
    assert!(found.to_complete_index().is_err(), "the planned duration has passed");
}

/// M. Fowler, *cost-risk-toolkit* (2026): a plan of five periods with costs; all figures at period 3.
#[test]
fn five_periods_with_costs() {
    let found = in_time(&[10.0, 30.0, 60.0, 80.0, 100.0], 45.0, 3);
    same(time_of(&found), 2.5, 1e-9, "ES");
    same(found.schedule_variance().expect("a variance"), -0.5, 1e-9, "SV(t)");
    same(found.estimated_duration().expect("a pace"), 6.0, 1e-9, "IEAC(t)");
    same(found.to_complete_index().expect("time left"), 1.25, 1e-9, "TSPI");
    let cost = Cost { budget_at_completion: 100.0, planned_value: 60.0, earned_value: 45.0, actual_cost: 55.0 };
    same(cost.cost_variance(), -10.0, 1e-9, "CV");
    same(cost.cost_performance_index().expect("costs"), 45.0 / 55.0, 1e-9, "CPI");
    same(cost.estimate_at_cpi().expect("a pace"), 122.222_2, 5e-5, "EAC by CPI");
    same(cost.estimate_at_budgeted_rate(), 110.0, 1e-9, "EAC as budgeted");
    same(cost.estimate_at_cpi_and_spi().expect("both"), 144.629_6, 5e-5, "EAC by CPI and SPI");
    same(cost.to_complete_index().expect("budget left"), 1.222_2, 5e-5, "TCPI");
}

/// M. Fowler, *cost-risk-toolkit* (2026): edge cases of ES with cumulative PV 10, 30, 60, 100, including earned value
/// beyond the end and on a flat stretch.
#[test]
fn edges_of_earned_schedule() {
    let pv = [10.0, 30.0, 60.0, 100.0];
    for (earned, expected) in
        [(0.0, 0.0), (5.0, 0.5), (30.0, 2.0), (45.0, 2.5), (80.0, 3.5), (100.0, 4.0), (120.0, 4.0)]
    {
        same(time_of(&in_time(&pv, earned, 4)), expected, 1e-9, "ES");
    }
    same(time_of(&in_time(&[10.0, 10.0, 20.0], 10.0, 3)), 2.0, 1e-9, "ES past a flat stretch");
}

/// P. Govan, *Project Risk Analysis: A Practical Guide*, chapter 5: a budget of 500,000, with two fifths done and half
/// planned.
#[test]
fn three_estimates_at_completion() {
    let cost = Cost {
        budget_at_completion: 500_000.0,
        planned_value: 250_000.0,
        earned_value: 200_000.0,
        actual_cost: 290_000.0,
    };
    same(cost.cost_variance(), -90_000.0, 1e-6, "CV");
    same(cost.cost_performance_index().expect("costs"), 0.69, 0.005, "CPI");
    same(cost.estimate_at_cpi().expect("a pace"), 725_000.0, 1e-6, "EAC, typical");
    same(cost.estimate_at_budgeted_rate(), 590_000.0, 1e-6, "EAC, atypical");
    same(cost.estimate_at_cpi_and_spi().expect("both"), 833_750.0, 1e-6, "EAC, combined");
    same(cost.estimate_to_complete().expect("a pace"), 435_000.0, 1e-6, "ETC");
    same(cost.variance_at_completion().expect("a pace"), -225_000.0, 1e-6, "VAC");
    same(cost.to_complete_index().expect("budget left"), 1.429, 0.0005, "TCPI");
}

/// *pmcontrols* (A. Kanatakan), validation cases: 100,000 spread evenly over ten periods. Columns: AT, EV, AC, CV, CPI,
/// EAC by CPI, EAC as budgeted, VAC, ES, SPI(t), IEAC(t).
#[test]
fn an_even_plan_of_ten_periods() {
    let pv: Vec<f64> = (1..=10).map(|period| f64::from(period) * 10_000.0).collect();
    for (at, ev, ac, cv, cpi, by_cpi, budgeted, vac, es, spi_t, duration) in [
        (4, 30e3, 35e3, -5e3, 0.857_142_9, 116_666.666_7, 105e3, -16_666.666_7, 3.0, 0.75, 13.333_3),
        (4, 40e3, 40e3, 0.0, 1.0, 100e3, 100e3, 0.0, 4.0, 1.0, 10.0),
        (4, 50e3, 45e3, 5e3, 1.111_111_1, 90e3, 95e3, 10e3, 5.0, 1.25, 8.0),
        (5, 40e3, 38e3, 2e3, 1.052_631_6, 95e3, 98e3, 5e3, 4.0, 0.8, 12.5),
        (10, 100e3, 110e3, -10e3, 0.909_090_9, 110e3, 110e3, -10e3, 10.0, 1.0, 10.0),
    ] {
        let cost = Cost { budget_at_completion: 100e3, planned_value: pv[at - 1], earned_value: ev, actual_cost: ac };
        same(cost.cost_variance(), cv, 1e-6, "CV");
        same(cost.cost_performance_index().expect("costs"), cpi, 1e-6, "CPI");
        same(cost.estimate_at_cpi().expect("a pace"), by_cpi, 1e-3, "EAC by CPI");
        same(cost.estimate_at_budgeted_rate(), budgeted, 1e-6, "EAC as budgeted");
        same(cost.variance_at_completion().expect("a pace"), vac, 1e-3, "VAC");
        let found = in_time(&pv, ev, at);
        same(time_of(&found), es, 1e-9, "ES");
        same(found.schedule_performance_index().expect("a time"), spi_t, 1e-9, "SPI(t)");
        same(found.estimated_duration().expect("a pace"), duration, 1e-4, "IEAC(t)");
    }
    same(time_of(&in_time(&pv, 34_000.0, 4)), 3.4, 1e-9, "ES");
    same(time_of(&in_time(&[20.0, 50.0, 90.0, 140.0, 200.0], 70.0, 4)), 2.5, 1e-9, "ES");
    same(time_of(&in_time(&[30.0, 70.0, 120.0, 180.0, 250.0], 100.0, 4)), 2.6, 1e-9, "ES");
}

/// MPUG, *Earned Schedule Management*: ten modules of 100,000, planned for ten months, took twelve and cost 1.3
/// million. SV ends at 0 and SPI at 1.
#[test]
fn ten_modules_in_twelve_months() {
    let pv: Vec<f64> = (1..=10).map(|month| f64::from(month) * 100.0).collect();
    let found = in_time(&pv, 1000.0, 12);
    same(1000.0 - pv[9], 0.0, 0.0, "SV");
    same(found.schedule_variance().expect("a variance"), -2.0, 1e-9, "SV(t)");
    same(found.schedule_performance_index().expect("a time"), 10.0 / 12.0, 1e-9, "SPI(t)");
    let cost = Cost { budget_at_completion: 1000.0, planned_value: 1000.0, earned_value: 1000.0, actual_cost: 1300.0 };
    same(cost.cost_performance_index().expect("costs"), 0.769_2, 5e-5, "CPI");
}

/// Builds a network of finish-to-start links from durations and pairs of positions, counting from 1.
fn network(durations: &[i64], pairs: &[(usize, usize)]) -> (Network, Vec<Link>) {
    let link = |(from, to): &(usize, usize)| Link {
        from: from - 1,
        to: to - 1,
        relation: Relation::FinishToStart,
        lag_days: 0,
    };
    let links: Vec<Link> = pairs.iter().map(link).collect();
    (Network::schedule(durations, &links).expect("no cycle"), links)
}

fn critical(network: &Network) -> Vec<usize> {
    (1..).zip(&network.nodes).filter(|(_, node)| node.is_critical()).map(|(number, _)| number).collect()
}

/// General Foundry, from B. Render, R. Stair and M. Hanna, *Quantitative Analysis for Management*: 15 weeks, critical
/// path A-C-E-G-H, with early and late dates.
#[test]
fn general_foundry() {
    let pairs = [(1, 3), (2, 4), (3, 5), (3, 6), (4, 7), (5, 7), (6, 8), (7, 8)];
    let (found, links) = network(&[2, 3, 2, 4, 4, 3, 5, 2], &pairs);
    assert_eq!((found.length_days, critical(&found)), (15, vec![1, 3, 5, 7, 8]));
    assert_eq!(found.critical_paths(&links).len(), 1);
    let dates: Vec<_> =
        found.nodes.iter().map(|n| (n.early_start, n.early_finish, n.late_start, n.late_finish)).collect();
    let published = [
        (0, 2, 0, 2),
        (0, 3, 1, 4),
        (2, 4, 2, 4),
        (3, 7, 4, 8),
        (4, 8, 4, 8),
        (4, 7, 10, 13),
        (8, 13, 8, 13),
        (13, 15, 13, 15),
    ];
    assert_eq!(dates, published);
}

/// M. Vanhoucke, *Integrated Project Management and Control* (2014), page 6: seventeen activities with a total length
/// of 11, with early and late starts.
#[test]
fn cost_information_system() {
    let mut pairs =
        vec![(1, 2), (1, 3), (2, 4), (2, 5), (2, 6), (3, 7), (3, 8), (3, 9), (3, 10), (4, 11), (5, 11), (6, 11)];
    pairs.extend([(7, 12), (8, 13), (9, 14), (10, 15)]);
    pairs.extend([11, 12, 13, 14, 15].into_iter().flat_map(|from| [(from, 16), (from, 17)]));
    let (found, _) = network(&[1, 2, 2, 4, 3, 3, 3, 2, 1, 1, 2, 1, 1, 1, 1, 2, 1], &pairs);
    assert_eq!((found.length_days, critical(&found)), (11, vec![1, 2, 4, 11, 16]));
    let early: Vec<i64> = found.nodes.iter().map(|node| node.early_start).collect();
    let late: Vec<i64> = found.nodes.iter().map(|node| node.late_start).collect();
    assert_eq!(early, [0, 1, 1, 3, 3, 3, 3, 3, 3, 3, 7, 6, 5, 4, 4, 9, 9]);
    assert_eq!(late, [0, 1, 3, 3, 4, 4, 5, 6, 7, 7, 7, 8, 8, 8, 8, 9, 10]);
}

/// M. Vanhoucke, *Integrated Project Management and Control* (2014), page 9: seventeen activities with a total length
/// of 25.
#[test]
fn patient_transport() {
    let mut pairs = vec![(1, 2), (2, 3), (3, 4), (3, 6), (4, 5), (5, 8), (6, 7), (7, 8)];
    pairs.extend((9..=13).flat_map(|middle| [(8, middle), (middle, 14)]));
    pairs.extend([(13, 15), (14, 16), (14, 17), (15, 16), (15, 17)]);
    let (found, _) = network(&[1, 1, 3, 2, 2, 2, 2, 1, 4, 5, 3, 3, 4, 5, 1, 5, 2], &pairs);
    assert_eq!((found.length_days, critical(&found)), (25, vec![1, 2, 3, 4, 5, 6, 7, 8, 10, 14, 16]));
}

/// A network solved with MS Project 2013 (issue 9 of bgreenawald/projmanr): 40 days and two critical paths, A-E-H-J and
/// B-F-I-J.
#[test]
fn two_critical_paths() {
    let pairs = [
        (1, 4),
        (2, 4),
        (1, 5),
        (1, 6),
        (2, 6),
        (3, 7),
        (2, 8),
        (5, 8),
        (6, 9),
        (8, 10),
        (9, 10),
        (8, 11),
        (9, 11),
        (4, 12),
        (7, 12),
        (10, 12),
        (11, 12),
    ];
    let (found, links) = network(&[8, 14, 15, 17, 10, 7, 18, 5, 2, 17, 14, 0], &pairs);
    assert_eq!(found.length_days, 40);
    let paths = found.critical_paths(&links);
    assert_eq!(paths, [vec![0, 4, 7, 9, 11], vec![1, 5, 8, 9, 11]]);
}
