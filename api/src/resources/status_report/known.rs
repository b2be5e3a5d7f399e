//! Milestones of a plan on the day of a status report, as far as they are visible, with what makes them late.

use chrono::NaiveDate;
use milepost_domain::plan::review::{by_cause, needs_finding};
use milepost_domain::plan::schedule::{Standing, Status};
use milepost_domain::plan::share::{ShareField, Visibility};

use super::{MilestoneAtRisk, NamedMilestone, ReportedCorrection, ReportedMilestone, Since};
use crate::store::corrections::Correction;
use crate::store::milestones::{ForecastRow, MilestoneRow};
use crate::store::plans::{ByMilestone, PlanRecord};
use crate::store::reviews::MissRow;

/// Milestones of a plan as they are known on the day of the report.
pub struct Known<'a> {
    /// Plan.
    pub record: &'a PlanRecord,
    /// Rows by milestone.
    pub by_milestone: ByMilestone<'a>,
    /// Standings on the day.
    pub standings: &'a [Standing],
    /// Visible parts.
    pub visible: &'a Visibility,
    /// Day of the report.
    pub as_of: NaiveDate,
}

impl<'a> Known<'a> {
    /// The date changes of a milestone by the day of the report, oldest first.
    pub fn changes(&self, at: usize) -> impl Iterator<Item = &'a ForecastRow> + use<'a> {
        let (own, as_of) = (self.by_milestone.forecasts_of(self.record.milestones[at].id).to_vec(), self.as_of);
        own.into_iter().filter(move |change| change.recorded_on <= as_of)
    }

    fn miss(&self, at: usize) -> Option<&'a MissRow> {
        let id = self.record.milestones[at].id;
        self.record.misses.iter().rfind(|miss| miss.milestone_id == id && miss.recorded_on <= self.as_of)
    }

    /// A milestone as the report shows it.
    pub fn milestone(&self, at: usize) -> ReportedMilestone {
        let (row, standing, visible) = (&self.record.milestones[at], &self.standings[at], self.visible);
        let needs = self.by_milestone.dependencies_of(row.id);
        let shown = |key: &str| visible.has(ShareField::Dependencies) && visible.shows(key);
        let needs = needs.iter().filter(|needed| shown(needed.as_str()));
        ReportedMilestone {
            key: row.key.clone(),
            name: row.name.clone(),
            phase: row.phase.clone(),
            planned_on: standing.planned_on,
            first_planned_on: standing.first_planned_on,
            forecast_on: standing.reckoned_on,
            actual_on: (standing.status == Status::Achieved).then_some(standing.reckoned_on),
            status: standing.status,
            variance_days: standing.variance_days,
            stale: standing.stale,
            owner_name: row.owner.name.clone().filter(|_| visible.has(ShareField::Owner)),
            depends_on: needs.filter_map(|needed| self.record.milestone(needed.as_str()).map(named)).collect(),
            note: row.note.clone().filter(|_| visible.has(ShareField::Notes)),
        }
    }

    /// The visible corrections of the reporting period, newest first.
    pub fn corrections(&self, since: Since) -> Vec<ReportedCorrection> {
        let is_news = |one: &&Correction| {
            one.recorded_on <= self.as_of && since.comes_before(one.recorded_on, Some(one.recorded_at))
        };
        let reported = |one: &Correction| {
            let row = self.record.milestones.iter().find(|row| row.id == one.milestone_id)?;
            self.visible.shows(&row.key).then(|| ReportedCorrection {
                milestone: named(row),
                started_from_on: one.started_from_on,
                started_to_on: one.started_to_on,
                actual_from_on: one.actual_from_on,
                actual_to_on: one.actual_to_on,
                reason: one.reason.to_string(),
                recorded_on: one.recorded_on,
            })
        };
        if !self.visible.has(ShareField::DateChanges) {
            return vec![];
        }
        self.record.corrections.iter().rev().filter(is_news).filter_map(reported).collect()
    }

    /// The milestones at risk, each with those that are late because of it.
    pub fn at_risk(&self, late: &[usize]) -> Vec<MilestoneAtRisk> {
        let groups = by_cause(late, |at| self.cause_of(at));
        groups.into_iter().map(|(cause, knock_ons)| self.in_context(cause, &knock_ons)).collect()
    }

    /// The visible open milestone that makes another one late: the last change of its date followed that one's, or it is late
    /// only because it waits for it.
    fn cause_of(&self, at: usize) -> Option<usize> {
        let change = self.changes(at).last().filter(|_| self.miss(at).is_none());
        let follows = change.and_then(|change| self.record.cause_of(change));
        let follows = follows.and_then(|cause| self.record.milestones.iter().position(|row| row.id == cause.id));
        let standing = &self.standings[at];
        let waits_for = standing.pushed.filter(|_| !needs_finding(standing, None)).and_then(|push| push.by.own());
        let is_shown = |at: &usize| self.visible.shows(&self.record.milestones[*at].key);
        let is_open = |at: &usize| self.standings[*at].is_open();
        follows.or(waits_for).filter(is_open).filter(is_shown).filter(|_| self.visible.has(ShareField::DateChanges))
    }

    fn in_context(&self, at: usize, knock_ons: &[usize]) -> MilestoneAtRisk {
        let (row, visible) = (&self.record.milestones[at], self.visible);
        let (miss, change) = (self.miss(at), self.changes(at).last());
        let told = change.and_then(|change| self.record.shown_reason(change, visible));
        let waits = self.standings[at].pushed.and_then(|push| push.by.own()).map(|by| self.waiting(by));
        let reason = miss.map(|miss| miss.root_cause.clone()).or(told).or(waits);
        let waiting = self.record.dependencies.iter().filter(|edge| edge.depends_on_id == row.id).filter_map(|edge| {
            let position = self.record.milestones.iter().position(|one| one.id == edge.milestone_id)?;
            let waiting = &self.record.milestones[position];
            (self.standings[position].is_open() && visible.shows(&waiting.key)).then(|| named(waiting))
        });
        let shows_changes = visible.has(ShareField::DateChanges);
        MilestoneAtRisk {
            milestone: self.milestone(at),
            reason: reason.filter(|_| shows_changes),
            recovery_actions: miss.filter(|_| shows_changes).map_or(vec![], |miss| miss.recovery_actions.0.clone()),
            holds_up: if visible.has(ShareField::Dependencies) { waiting.collect() } else { vec![] },
            knock_ons: knock_ons.iter().map(|at| self.milestone(*at)).collect(),
        }
    }

    /// Why a milestone is late that waits for another one, as far as that may be disclosed.
    fn waiting(&self, by: usize) -> String {
        let needed = &self.record.milestones[by];
        let verb = if self.standings[by].is_open() { "is late" } else { "was late" };
        if self.visible.shows(&needed.key) && self.visible.has(ShareField::Dependencies) {
            return format!("It waits for “{}”, which {verb}.", needed.name);
        }
        format!("It waits for another milestone, which {verb}.")
    }
}

fn named(row: &MilestoneRow) -> NamedMilestone {
    NamedMilestone { key: row.key.clone(), name: row.name.clone() }
}
