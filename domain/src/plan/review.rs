//! The regular review of a plan: the three questions of milestone tracking, answered from recorded facts.
//!
//! Is any milestone at risk, and why? Is any dependency unresolved? Is the plan as a whole heading in the right
//! direction? The delivery article that the product is based on asks these questions every week, or twice a week for an
//! urgent plan.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use utoipa::ToSchema;

use crate::plan::network::{Link, Relation};
use crate::plan::schedule::{Pusher, Standing, Status};
use crate::values::dates::days_between;

/// Trend of a plan since a date of comparison: by default its last review, or one update interval ago without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Trend {
    /// Improving: the plan catches up.
    Improving,
    /// Steady: the plan keeps its pace.
    Steady,
    /// Worsening: delays increase.
    Worsening,
    /// Unknown: there is nothing to compare yet.
    Unknown,
}

/// The figures at one date that determine the trend.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moment {
    /// Time-based schedule performance index, SPI(t).
    pub spi_t: Option<f64>,
    /// Expected finish.
    pub finish_on: Option<NaiveDate>,
}

/// Largest change of SPI(t) that is treated as noise.
const NOTABLE: f64 = 0.02;

/// Determines the trend of a plan: first by its expected finish, which matters most to the client, and by SPI(t) if the
/// expected finish is unchanged or unknown.
pub fn trend(before: Moment, now: Moment) -> Trend {
    let days = before.finish_on.zip(now.finish_on).map(|(before, now)| days_between(before, now));
    let change = before.spi_t.zip(now.spi_t).map(|(before, now)| now - before);
    match (days, change) {
        (Some(later), _) if later > 0 => Trend::Worsening,
        (Some(earlier), _) if earlier < 0 => Trend::Improving,
        (_, Some(change)) if change < -NOTABLE => Trend::Worsening,
        (_, Some(change)) if change > NOTABLE => Trend::Improving,
        (None, None) => Trend::Unknown,
        _ => Trend::Steady,
    }
}

/// Whether a milestone needs a finding in a review: it is open, and late, stale, or missed without an explanation.
pub fn is_at_risk(standing: &Standing) -> bool {
    matches!(standing.status, Status::AtRisk | Status::Delayed)
        || (standing.status == Status::OnTrack && (standing.stale || standing.missed_on.is_some()))
}

/// Whether a milestone at risk needs a finding of its own in a review: one that is late only because of another is explained by that.
/// Either it is pushed by what it waits for, or its forecast was moved together with that of a milestone that is still late; then
/// `own_word_on` is the date that its owner had given before.
pub fn needs_finding(standing: &Standing, own_word_on: Option<NaiveDate>) -> bool {
    let pushed_days = standing.pushed.map_or(0, |push| push.days);
    let is_late = own_word_on.map_or(standing.variance_days > pushed_days, |on| on > standing.planned_on);
    is_at_risk(standing) && (is_late || standing.stale || standing.missed_on.is_some())
}

/// Returns the links between open milestones whose predecessor is at risk or pushes the successor. A link that needs only
/// the predecessor's start is resolved once `has_begun` is true for the predecessor.
pub fn unresolved<'a>(
    standings: &'a [Standing],
    links: &'a [Link],
    has_begun: impl Fn(usize) -> bool + 'a,
) -> impl Iterator<Item = &'a Link> {
    links.iter().filter(move |link| {
        let (needed, waiting) = (&standings[link.from], &standings[link.to]);
        let needs_finish = matches!(link.relation, Relation::FinishToStart | Relation::FinishToFinish);
        let is_waited_for = needs_finish || !has_begun(link.from);
        let pushes = waiting.pushed.is_some_and(|push| push.by == Pusher::Own(link.from));
        needed.is_open() && waiting.is_open() && is_waited_for && (is_at_risk(needed) || pushes)
    })
}

/// Returns the milestones of `late` that are late by themselves, in their order, each with those of `late` that are late because
/// of it. A chain of causes is followed to its beginning; a milestone whose chain begins outside `late`, or runs in a circle,
/// stands by itself.
pub fn by_cause(late: &[usize], cause_of: impl Fn(usize) -> Option<usize>) -> Vec<(usize, Vec<usize>)> {
    let mut roots: HashMap<usize, Option<usize>> = HashMap::new();
    for start in late {
        let (mut path, mut at) = (vec![], *start);
        // While a milestone is on the path it has no root, so that coming back to it shows a circle.
        let root = loop {
            match roots.entry(at) {
                Entry::Occupied(known) => break *known.get(),
                Entry::Vacant(new) => drop(new.insert(None)),
            }
            path.push(at);
            match cause_of(at) {
                Some(cause) => at = cause,
                None => break Some(at),
            }
        };
        roots.extend(path.into_iter().map(|at| (at, root)));
    }
    let is_late: HashSet<usize> = late.iter().copied().collect();
    let (mut causes, mut knock_ons) = (vec![], HashMap::<usize, Vec<usize>>::new());
    for at in late {
        match roots[at].filter(|root| root != at && is_late.contains(root)) {
            Some(root) => knock_ons.entry(root).or_default().push(*at),
            None => causes.push(*at),
        }
    }
    causes.into_iter().map(|cause| (cause, knock_ons.remove(&cause).unwrap_or_default())).collect()
}

/// Returns the date of the next review: `interval_days` after the last review, or after the plan began.
pub fn due_on(last_on: Option<NaiveDate>, began_on: NaiveDate, interval_days: i64) -> NaiveDate {
    let interval = Days::new(interval_days.unsigned_abs());
    last_on.unwrap_or(began_on).checked_add_days(interval).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::schedule::Push;

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 5, d).expect("a date")
    }

    fn standing(status: Status, expected: u32) -> Standing {
        Standing {
            status,
            planned_on: day(10),
            first_planned_on: day(10),
            forecast_on: day(expected),
            reckoned_on: day(expected),
            pushed: None,
            variance_days: i64::from(expected) - 10,
            first_variance_days: i64::from(expected) - 10,
            stale: false,
            overdue: false,
            forecast_changes: 0,
            skipped_warning: false,
            missed_on: None,
        }
    }

    #[test]
    fn the_finish_speaks_before_the_index() {
        let at = |spi_t: Option<f64>, d: Option<u32>| Moment { spi_t, finish_on: d.map(day) };
        for (before, now, expected) in [
            (at(Some(0.9), Some(10)), at(Some(1.0), Some(12)), Trend::Worsening),
            (at(Some(0.9), Some(12)), at(Some(0.8), Some(10)), Trend::Improving),
            (at(Some(0.9), Some(10)), at(Some(0.8), Some(10)), Trend::Worsening),
            (at(Some(0.8), Some(10)), at(Some(0.9), Some(10)), Trend::Improving),
            (at(Some(0.9), Some(10)), at(Some(0.91), Some(10)), Trend::Steady),
            (at(None, None), at(Some(0.9), Some(10)), Trend::Unknown),
        ] {
            assert_eq!(trend(before, now), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn late_stale_and_unexplained_need_words() {
        assert!(!is_at_risk(&standing(Status::OnTrack, 10)));
        assert!(is_at_risk(&Standing { stale: true, ..standing(Status::OnTrack, 10) }));
        assert!(is_at_risk(&Standing { missed_on: Some(day(10)), ..standing(Status::OnTrack, 10) }));
        assert!(is_at_risk(&standing(Status::AtRisk, 12)) && is_at_risk(&standing(Status::Delayed, 30)));
        assert!(!is_at_risk(&Standing { stale: true, ..standing(Status::Achieved, 12) }));
    }

    #[test]
    fn what_is_late_because_of_another_stands_with_it() {
        let chain =
            |links: &'static [(usize, usize)]| move |at| links.iter().find(|(of, _)| *of == at).map(|(_, by)| *by);
        assert_eq!(by_cause(&[1, 2, 3], chain(&[])), [(1, vec![]), (2, vec![]), (3, vec![])]);
        assert_eq!(by_cause(&[1, 2, 3], chain(&[(3, 2), (2, 1)])), [(1, vec![2, 3])], "through others");
        assert_eq!(by_cause(&[3, 2, 1], chain(&[(3, 1), (2, 1)])), [(1, vec![3, 2])], "in the given order");
        assert_eq!(by_cause(&[1, 2], chain(&[(2, 7)])), [(1, vec![]), (2, vec![])], "its cause is not late");
        assert_eq!(
            by_cause(&[1, 2, 4], chain(&[(1, 2), (2, 1), (4, 1)])),
            [(1, vec![]), (2, vec![]), (4, vec![])],
            "a circle"
        );
    }

    #[test]
    fn what_is_only_pushed_is_explained_by_its_cause() {
        let pushed = Standing { pushed: Some(Push { by: Pusher::Own(0), days: 5 }), ..standing(Status::AtRisk, 15) };
        assert!(is_at_risk(&pushed) && !needs_finding(&pushed, None));
        assert!(needs_finding(&Standing { variance_days: 6, ..pushed }, None), "a day late by itself");
        assert!(needs_finding(&Standing { stale: true, ..pushed }, None));
        let moved = standing(Status::AtRisk, 15);
        assert!(needs_finding(&moved, None));
        assert!(!needs_finding(&moved, Some(moved.planned_on)), "moved together with another");
        assert!(needs_finding(&moved, Some(moved.planned_on + chrono::Days::new(1))), "late before that already");
        assert!(needs_finding(&Standing { stale: true, ..moved }, Some(moved.planned_on)));
    }

    #[test]
    fn dependencies_are_unresolved_while_what_is_needed_is_late() {
        let link = |from, to| Link { from, to, relation: Relation::FinishToStart, lag_days: 0 };
        let links = [link(0, 1), link(1, 2), link(2, 3), link(3, 4)];
        let standings = [
            standing(Status::Achieved, 30),
            standing(Status::AtRisk, 12),
            standing(Status::OnTrack, 20),
            Standing { pushed: Some(Push { by: Pusher::Own(2), days: 5 }), ..standing(Status::OnTrack, 20) },
            standing(Status::Cancelled, 10),
        ];
        let found: Vec<_> = unresolved(&standings, &links, |_| false).map(|link| (link.from, link.to)).collect();
        assert_eq!(found, [(1, 2), (2, 3)], "one is at risk, one pushes what waits for it");
        let starts: Vec<Link> = links.iter().map(|link| Link { relation: Relation::StartToStart, ..*link }).collect();
        assert_eq!(unresolved(&standings, &starts, |_| false).count(), 2);
        assert_eq!(unresolved(&standings, &starts, |_| true).count(), 0, "they have begun");
    }

    #[test]
    fn a_review_is_due_an_interval_after_the_last() {
        assert_eq!(due_on(None, day(4), 7), day(11));
        assert_eq!(due_on(Some(day(12)), day(4), 3), day(15));
    }
}
