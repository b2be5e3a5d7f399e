//! Judgement of each risk factor from the activities of a customer.

use chrono::NaiveDate;

use super::{FactorFinding, FactorKind, Known, USUAL_PAUSES, WINDOW_DAYS};
use crate::customer::backtest::median;
use crate::customer::deed::Deed;
use crate::values::dates::{days_between, plus_days};

/// Judges one factor at the end of a day; `most` are its points at the highest severity.
pub(super) fn finding(kind: FactorKind, most: f64, known: &Known, as_of: NaiveDate) -> FactorFinding {
    let (severity, found, compared_with) = match kind {
        FactorKind::MilestoneDelay => {
            let worst = known.overdue_days.as_ref().map(|days| real(days.iter().copied().max().unwrap_or(0).max(0)));
            (worst.map(|days| (days / 30.0).min(1.0)), worst.unwrap_or_default(), None)
        }
        FactorKind::EngagementDecline => decline(known, as_of, 3, |_| true),
        FactorKind::CommunityWithdrawal => decline(known, as_of, 2, |deed| deed == Deed::Community),
        FactorKind::GoneSilent => silence(known, as_of),
        FactorKind::NeverActivated => {
            let waiting = days_without_activation(known, as_of).map_or(0.0, real);
            (known.observed_from.map(|_| ramp(waiting, UNUSUAL_DAYS)), waiting, None)
        }
        FactorKind::FailedAttempts => {
            let tried = count(known, as_of, |deed| matches!(deed, Deed::Attempt | Deed::FailedAttempt));
            let failed = count(known, as_of, |deed| deed == Deed::FailedAttempt);
            ((tried >= 3.0).then(|| failed / tried), failed, Some(tried))
        }
        FactorKind::SupportEscalations => {
            let escalated = count(known, as_of, |deed| deed == Deed::Escalation);
            let is_judged = known.deeds.iter().any(|(on, ..)| *on <= as_of);
            (is_judged.then(|| (escalated / 3.0).min(1.0)), escalated, None)
        }
    };
    FactorFinding { kind, severity, points: severity.unwrap_or_default() * most, found, compared_with }
}

/// Returns the number of days for which a customer has been one and could have begun to use the product; `None` if it has
/// begun, or if nobody would know.
pub fn days_without_activation(known: &Known, as_of: NaiveDate) -> Option<i64> {
    let observed_from = known.observed_from.filter(|_| !known.deeds.iter().any(|(on, ..)| *on <= as_of))?;
    let since = known.customer_since.map_or(observed_from, |since| since.max(observed_from));
    Some(days_between(since, as_of).max(0))
}

/// Days without an event from which silence begins to tell, and after which it is complete, if nothing is known of what is usual.
const UNUSUAL_DAYS: (f64, f64) = (14.0, 60.0);

/// Judges the days since the last event by the usual pause between active days. If pauses were exponentially distributed, as in the
/// Poisson model of purchases of D. C. Schmittlein, D. G. Morrison and R. Colombo (*Counting Your Customers*, Management Science 33,
/// 1987), one of three times the usual length would have a probability of 5 %, and one of six times 0.2 %.
fn silence(known: &Known, as_of: NaiveDate) -> (Option<f64>, f64, Option<f64>) {
    let active = active_until(known, as_of, |_| true);
    let Some(last) = active.last() else { return (None, 0.0, None) };
    let since = real(days_between(*last, as_of));
    let usual = usual_pause(&active);
    let bounds = usual.map_or(UNUSUAL_DAYS, |usual| ((3.0 * usual).max(7.0), (6.0 * usual).max(30.0)));
    (Some(ramp(since, bounds)), since, usual)
}

/// Returns the median of the last pauses between active days, in days; `None` with fewer than two pauses.
fn usual_pause(active: &[NaiveDate]) -> Option<f64> {
    let pauses = active.windows(2).rev().take(USUAL_PAUSES).map(|pair| days_between(pair[0], pair[1]));
    let mut pauses: Vec<i64> = pauses.collect();
    if pauses.len() < 2 { None } else { median(&mut pauses) }
}

/// Maps a figure to 0 below the bounds, 1 above them, and linearly between.
fn ramp(figure: f64, (from, to): (f64, f64)) -> f64 {
    ((figure - from) / (to - from)).clamp(0.0, 1.0)
}

/// Returns the relative decline in active days since the latest earlier window that had enough of them (`None` if there
/// was none), then the current and the earlier count.
fn decline(known: &Known, as_of: NaiveDate, enough: usize, of: fn(Deed) -> bool) -> (Option<f64>, f64, Option<f64>) {
    let now = active_days(known, as_of, of);
    let before = active_until(known, plus_days(as_of, -WINDOW_DAYS), of);
    let in_window = |(at, last): (usize, &NaiveDate)| {
        let first = plus_days(*last, 1 - WINDOW_DAYS);
        at + 1 - before.partition_point(|on| *on < first)
    };
    let counts = before.iter().enumerate().rev().map(in_window);
    let Some(then) = counts.into_iter().find(|count| *count >= enough) else { return (None, now, None) };
    let then = count_as_real(then);
    (Some((1.0 - now / then).max(0.0)), now, Some(then))
}

/// Returns the days with a matching activity up to a day, each once, oldest first.
fn active_until(known: &Known, last: NaiveDate, of: fn(Deed) -> bool) -> Vec<NaiveDate> {
    let own = known.deeds.iter().filter(|(on, deed, _)| *on <= last && of(*deed));
    let mut days: Vec<NaiveDate> = own.map(|(on, ..)| *on).collect();
    days.sort_unstable();
    days.dedup();
    days
}

/// Counts the days with a matching activity in the window that ends on `as_of`.
pub(super) fn active_days(known: &Known, as_of: NaiveDate, of: fn(Deed) -> bool) -> f64 {
    days_in(known, plus_days(as_of, 1 - WINDOW_DAYS), as_of, of)
}

pub(super) fn days_in(known: &Known, first: NaiveDate, last: NaiveDate, of: fn(Deed) -> bool) -> f64 {
    let active = active_until(known, last, of);
    count_as_real(active.len() - active.partition_point(|on| *on < first))
}

pub(super) fn count(known: &Known, as_of: NaiveDate, of: fn(Deed) -> bool) -> f64 {
    let first = plus_days(as_of, 1 - WINDOW_DAYS);
    let own = known.deeds.iter().filter(|(on, deed, _)| (first..=as_of).contains(on) && of(*deed));
    own.map(|(_, _, count)| f64::from(*count)).sum()
}

fn count_as_real(count: usize) -> f64 {
    i32::try_from(count).map_or(f64::MAX, f64::from)
}

pub(super) fn real(days: i64) -> f64 {
    i32::try_from(days).map_or(f64::MAX, f64::from)
}
