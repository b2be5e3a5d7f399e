//! Progress of a person through a program: how much of each track and level is achieved, and what is best done next. Milestones without a
//! date count like all others; earned value leaves them out.

use chrono::NaiveDate;

use crate::plan::PlanFacts;
use crate::plan::milestone::{State, is_met};

impl PlanFacts {
    /// Returns the positions of what a milestone still waits for in its plan: what is not closed yet, or not started where that is enough.
    pub fn locks(&self, position: usize) -> impl Iterator<Item = usize> {
        let links = self.links.iter().filter(move |link| link.to == position);
        links.filter(|link| !is_met(link.relation, self.milestones[link.from].state)).map(|link| link.from)
    }
}

impl PlanFacts {
    /// Returns the positions of the open milestones with a date that wait for nothing in their plan, by their reckoned dates.
    pub fn due_next(&self, as_of: NaiveDate) -> Vec<usize> {
        let standings = self.standings(as_of);
        let is_next = |at: &usize| self.milestones[*at].state.is_open() && self.locks(*at).next().is_none();
        let mut next: Vec<usize> = (0..self.milestones.len()).filter(is_next).collect();
        next.sort_by_key(|at| (standings[*at].reckoned_on, *at));
        next
    }
}

/// Part of a milestone in a pathway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Part {
    /// It is in none.
    #[default]
    None,
    /// It stands for alternatives, and is achieved when enough of them are.
    Pathway,
    /// It is an alternative in the pathway at a position.
    Alternative(usize),
}

/// A milestone, as progress sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<'a> {
    /// Track that it belongs to.
    pub track: Option<&'a str>,
    /// Level within the track.
    pub level: Option<&'a str>,
    /// Whether it was achieved.
    pub is_achieved: bool,
    /// Whether it was waived or cancelled, and so counts for nothing.
    pub is_dropped: bool,
    /// Part in a pathway. A pathway counts, and its alternatives do not.
    pub part: Part,
    /// How far its proof has come, in percent; `None` for one that does not prove itself.
    pub proved_percent: Option<f64>,
    /// Days until its reckoned date; `None` for one without a date.
    pub due_in_days: Option<i64>,
    /// Whether prerequisites of it are not met.
    pub is_locked: bool,
    /// Positions of the milestones that it waits for.
    pub waits_for: Vec<usize>,
}

/// Achieved milestones out of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Number of those that were achieved.
    pub achieved: usize,
    /// Number of all, without those that were dropped.
    pub total: usize,
}

impl Share {
    /// Returns the share of milestones by their states.
    pub fn of(states: impl IntoIterator<Item = State>) -> Self {
        let mut share = Self::default();
        for state in states.into_iter().filter(|state| !state.is_dropped()) {
            share.achieved += usize::from(state == State::Achieved);
            share.total += 1;
        }
        share
    }

    /// Returns the share together with another one.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self { achieved: self.achieved + other.achieved, total: self.total + other.total }
    }

    fn add(&mut self, step: &Step<'_>) {
        self.achieved += usize::from(step.is_achieved);
        self.total += 1;
    }

    /// Returns the share in percent; of nothing, all is achieved.
    #[expect(clippy::cast_precision_loss, reason = "plans have a few thousand milestones")]
    pub fn percent(self) -> f64 {
        if self.total == 0 { 100.0 } else { 100.0 * self.achieved as f64 / self.total as f64 }
    }
}

/// Progress within a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track<'a> {
    /// Name; `None` for milestones without one.
    pub name: Option<&'a str>,
    /// Progress of the track.
    pub share: Share,
    /// Progress of each level, in the order in which the milestones name them.
    pub levels: Vec<(Option<&'a str>, Share)>,
}

/// Progress of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Progress of all.
    pub share: Share,
    /// Progress of each track, in the order in which the milestones name them.
    pub tracks: Vec<Track<'a>>,
    /// Positions of the open milestones that wait for nothing, the best one first.
    pub next: Vec<usize>,
}

/// Returns the progress of a plan. The best next milestones are unlocked, and in place of a pathway its alternatives: first those whose proof has begun, the closest to its end first;
/// then those with the nearest date; those without a date come last, in their order.
pub fn progress<'a>(steps: &[Step<'a>]) -> Progress<'a> {
    let mut whole = Share::default();
    let mut tracks: Vec<Track<'a>> = vec![];
    let counts = |step: &&Step<'_>| !step.is_dropped && !matches!(step.part, Part::Alternative(_));
    for step in steps.iter().filter(counts) {
        whole.add(step);
        let at = tracks.iter().position(|track| track.name == step.track).unwrap_or_else(|| {
            tracks.push(Track { name: step.track, share: Share::default(), levels: vec![] });
            tracks.len() - 1
        });
        let track = &mut tracks[at];
        track.share.add(step);
        match track.levels.iter_mut().find(|(level, _)| *level == step.level) {
            Some((_, share)) => share.add(step),
            None => {
                let mut share = Share::default();
                share.add(step);
                track.levels.push((step.level, share));
            }
        }
    }
    let is_over_step = |step: &Step<'_>| step.is_achieved || step.is_dropped;
    let is_over = |at: &usize| steps.get(*at).is_none_or(is_over_step);
    let is_wanted = |step: &Step<'_>| match step.part {
        Part::None => true,
        Part::Pathway => false,
        Part::Alternative(pathway) => !is_over(&pathway),
    };
    let is_next = |step: &Step<'_>| {
        !is_over_step(step) && !step.is_locked && is_wanted(step) && step.waits_for.iter().all(is_over)
    };
    let mut next: Vec<usize> = (0..steps.len()).filter(|at| is_next(&steps[*at])).collect();
    let begun = |at: usize| steps[at].proved_percent.unwrap_or_default();
    next.sort_by(|one, other| {
        let due = |at: usize| (steps[at].due_in_days.unwrap_or(i64::MAX), at);
        begun(*other).total_cmp(&begun(*one)).then(due(*one).cmp(&due(*other)))
    });
    Progress { share: whole, tracks, next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::network::{Link, Relation};
    use crate::plan::tests::{open, plan_of};

    fn step(track: &'static str, level: &'static str) -> Step<'static> {
        Step {
            track: Some(track),
            level: Some(level),
            is_achieved: false,
            is_dropped: false,
            part: Part::None,
            is_locked: false,
            proved_percent: None,
            due_in_days: Some(10),
            waits_for: vec![],
        }
    }

    #[test]
    fn tracks_and_levels_are_counted() {
        let achieved = |step| Step { is_achieved: true, ..step };
        let steps = [
            achieved(step("Technical", "Foundation")),
            step("Technical", "Advanced"),
            step("Technical", "Foundation"),
            Step { is_dropped: true, ..step("Technical", "Foundation") },
            Step { track: None, level: None, due_in_days: None, ..achieved(step("", "")) },
        ];
        let found = progress(&steps);
        assert_eq!((found.share, found.share.percent()), (Share { achieved: 2, total: 4 }, 50.0));
        let technical = &found.tracks[0];
        assert_eq!((technical.name, technical.share), (Some("Technical"), Share { achieved: 1, total: 3 }));
        let levels = [
            (Some("Foundation"), Share { achieved: 1, total: 2 }),
            (Some("Advanced"), Share { achieved: 0, total: 1 }),
        ];
        assert_eq!(technical.levels, levels);
        assert_eq!((found.tracks[1].name, found.tracks[1].share), (None, Share { achieved: 1, total: 1 }));
        assert!((progress(&[]).share.percent() - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_due_next_is_open_and_free() {
        let on = |day| NaiveDate::from_ymd_opt(2026, 5, day).expect("a date");
        let mut plan = plan_of(vec![open(on(20)), open(on(9)), open(on(12)), open(on(4))], on(1));
        plan.milestones[3].state = State::Waived;
        plan.links = vec![Link { from: 0, to: 2, relation: Relation::FinishToStart, lag_days: 0 }];
        assert_eq!(plan.due_next(on(2)), [1, 0]);
        plan.milestones[0].state = State::Achieved;
        plan.milestones[0].closed_on = Some(on(2));
        assert_eq!(plan.due_next(on(2)), [1, 2]);
    }

    #[test]
    fn states_are_counted() {
        let share = Share::of([State::Achieved, State::Planned, State::Waived, State::InProgress, State::Cancelled]);
        assert_eq!(share, Share { achieved: 1, total: 3 });
        assert_eq!(share.with(Share { achieved: 1, total: 1 }), Share { achieved: 2, total: 4 });
    }

    #[test]
    fn what_is_next_waits_for_nothing() {
        let due = |days, waits_for: &[usize]| Step {
            due_in_days: days,
            waits_for: waits_for.to_vec(),
            ..step("Technical", "Foundation")
        };
        let done = Step { is_achieved: true, ..due(Some(1), &[]) };
        let steps = [due(None, &[]), due(Some(9), &[3]), due(Some(3), &[1]), done, due(Some(7), &[]), due(None, &[3])];
        assert_eq!(progress(&steps).next, [4, 1, 0, 5]);
        let mut begun = steps;
        for (at, percent) in [(0, 66.7), (1, 90.0), (4, 0.0)] {
            begun[at].proved_percent = Some(percent);
        }
        assert_eq!(progress(&begun).next, [1, 0, 4, 5]);
    }

    #[test]
    fn a_pathway_counts_once() {
        let all = |part, is_achieved| Step { is_achieved, part, ..step("Technical", "Foundation") };
        let open = [all(Part::Pathway, false), all(Part::Alternative(0), false), all(Part::Alternative(0), true)];
        let found = progress(&open);
        assert_eq!((found.share, found.next), (Share { achieved: 0, total: 1 }, vec![1]));
        let done = [all(Part::Pathway, true), all(Part::Alternative(0), false), all(Part::Alternative(0), true)];
        let found = progress(&done);
        assert_eq!((found.share, found.next), (Share { achieved: 1, total: 1 }, vec![]), "the others are not needed");
        let locked = [Step { is_locked: true, ..step("Technical", "Foundation") }, step("Technical", "Foundation")];
        assert_eq!(progress(&locked).next, [1]);
    }
}
