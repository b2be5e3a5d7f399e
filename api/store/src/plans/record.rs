//! A whole plan with the rows that belong to it, as facts that reports use and by the milestones that they belong to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use milepost_domain::earned_value::{Progress, cost};
use milepost_domain::plan::baseline::{Baseline, Line};
use milepost_domain::plan::cascade::Step;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::network::Link;
use milepost_domain::plan::schedule::{Forecast, Miss};
use milepost_domain::plan::share::Visibility;
use milepost_domain::plan::{MilestoneFacts, PlanFacts, Valuation};
use milepost_domain::values::text::Key;
use uuid::Uuid;

use super::PlanRow;
use super::sources::Source;
use crate::baselines::{ApprovalRow, BaselineRow, LineRow};
use crate::communications::{CommunicationKind, CommunicationRow};
use crate::corrections::Correction;
use crate::costs::CostEntry;
use crate::holds::PlanHold;
use crate::milestones::{DependencyRow, ForecastRow, MilestoneRow, ProgressRow};
use crate::reviews::{MissRow, ReviewMark};
use crate::valuations::ValuationRow;

/// A whole plan. Milestones are in the order of the plan; rows that belong to a milestone contain its identifier.
#[derive(Debug, Clone)]
pub struct PlanRecord {
    /// Row of the plan.
    pub plan: PlanRow,
    /// Milestones by position.
    pub milestones: Vec<MilestoneRow>,
    /// Dependencies between milestones.
    pub dependencies: Vec<DependencyRow>,
    /// Forecast changes by milestone, oldest first.
    pub forecasts: Vec<ForecastRow>,
    /// Recorded percentages by milestone, oldest first.
    pub progress: Vec<ProgressRow>,
    /// Baselines by number.
    pub baselines: Vec<BaselineRow>,
    /// Lines of the baselines.
    pub lines: Vec<LineRow>,
    /// Approvals of the baselines.
    pub approvals: Vec<ApprovalRow>,
    /// Cost entries.
    pub costs: Vec<CostEntry>,
    /// Communications of forecast changes to the client.
    pub communications: Vec<CommunicationRow>,
    /// Explained misses, oldest first.
    pub misses: Vec<MissRow>,
    /// Last review.
    pub last_review: Option<ReviewMark>,
    /// Credit rules and budgets by day, oldest first; empty if they never changed.
    pub valuations: Vec<ValuationRow>,
    /// Corrections of milestones, oldest first.
    pub corrections: Vec<Correction>,
    /// Times in which the plan was on hold, oldest first.
    pub holds: Vec<PlanHold>,
    /// Dependencies on other plans, with these.
    pub sources: Vec<Source>,
}

impl PlanRecord {
    /// Finds a milestone by identifier or key.
    pub fn milestone(&self, id_or_key: &str) -> Option<&MilestoneRow> {
        self.milestones.get(self.position(id_or_key)?)
    }

    /// Finds the position of a milestone by identifier or key.
    pub fn position(&self, id_or_key: &str) -> Option<usize> {
        let id = id_or_key.parse::<Uuid>().ok();
        self.milestones.iter().position(|milestone| Some(milestone.id) == id || milestone.key == id_or_key)
    }

    /// Returns what belongs to each milestone, found in one pass over all rows.
    pub fn by_milestone(&self) -> ByMilestone<'_> {
        ByMilestone {
            record: self,
            positions: self.milestones.iter().enumerate().map(|(position, row)| (row.id, position)).collect(),
            dependencies: grouped(&self.dependencies, |row| row.milestone_id),
            forecasts: grouped(&self.forecasts, |row| row.milestone_id),
            progress: grouped(&self.progress, |row| row.milestone_id),
            baselined: self.lines.iter().map(|line| line.milestone_id).collect(),
            communicated: self
                .communications
                .iter()
                .filter(|row| row.kind.0 == CommunicationKind::Communicated)
                .map(|row| row.forecast_change_id)
                .collect(),
        }
    }

    /// Returns the dependencies of a milestone.
    pub fn dependencies_of(&self, milestone_id: Uuid) -> Vec<Dependency> {
        self.by_milestone().dependencies_of(milestone_id)
    }

    /// Returns all dependencies by the positions of the milestones.
    pub fn links(&self) -> Vec<Link> {
        let positions: HashMap<Uuid, usize> = self.milestones.iter().enumerate().map(|(i, m)| (m.id, i)).collect();
        let link = |edge: &DependencyRow| {
            let (from, to) = (*positions.get(&edge.depends_on_id)?, *positions.get(&edge.milestone_id)?);
            Some(Link { from, to, relation: edge.relation.0, lag_days: edge.lag_days })
        };
        self.dependencies.iter().filter_map(link).collect()
    }

    /// Returns the milestones in the form that a cascade or a schedule uses, at the end of `as_of`.
    pub fn steps(&self, as_of: NaiveDate) -> Vec<Step> {
        let facts = self.facts();
        facts.steps(&facts.standings(as_of), as_of)
    }

    /// Returns the communications of a forecast change to the client.
    pub fn communications_of(&self, forecast_change_id: Uuid) -> impl Iterator<Item = &CommunicationRow> {
        self.communications.iter().filter(move |row| row.forecast_change_id == forecast_change_id)
    }

    /// Returns the forecast changes that a change caused.
    pub fn followers_of(&self, forecast_change_id: Uuid) -> impl Iterator<Item = &ForecastRow> {
        self.forecasts.iter().filter(move |change| change.caused_by == Some(forecast_change_id))
    }

    /// Returns the milestone whose forecast change caused this one, if there is one.
    pub fn cause_of(&self, change: &ForecastRow) -> Option<&MilestoneRow> {
        let cause = self.forecasts.iter().find(|one| Some(one.id) == change.caused_by)?;
        self.milestones.iter().find(|milestone| milestone.id == cause.milestone_id)
    }

    /// Returns the plan with only the milestones that are shown, so that its figures and curve disclose nothing else.
    #[must_use]
    pub fn restricted_to(&self, visible: &Visibility) -> Self {
        let mut shown = self.clone();
        shown.milestones.retain(|row| visible.shows(&row.key));
        shown
    }

    /// Returns the reason of a forecast change as far as it may be disclosed. A reason that comes from another
    /// milestone is disclosed only if that milestone is shown.
    pub fn shown_reason(&self, change: &ForecastRow, visible: &Visibility) -> Option<String> {
        match self.cause_of(change) {
            Some(cause) if !visible.shows(&cause.key) => {
                Some("This date depends on another milestone, which moved.".to_owned())
            }
            _ => change.reason.clone(),
        }
    }

    /// Returns whether a milestone is part of a baseline, which freezes its date and weight.
    pub fn is_baselined(&self, milestone_id: Uuid) -> bool {
        self.lines.iter().any(|line| line.milestone_id == milestone_id)
    }

    /// Returns how the plan is valued, by day.
    fn valuations(&self) -> Vec<Valuation> {
        let valuation = |row: &ValuationRow| Valuation {
            effective_on: row.effective_on,
            credit_rule: row.credit_rule.0,
            budget_minor: row.budget_minor,
        };
        if self.valuations.is_empty() {
            let (credit_rule, budget_minor) = (self.plan.credit_rule.0, self.plan.budget_minor);
            return vec![Valuation { effective_on: self.plan.start_on, credit_rule, budget_minor }];
        }
        self.valuations.iter().map(valuation).collect()
    }

    /// Returns the plan in the form that the domain uses.
    pub fn facts(&self) -> PlanFacts {
        self.facts_within(&mut HashMap::new())
    }

    pub(super) fn facts_within(&self, others: &mut HashMap<Uuid, Arc<PlanFacts>>) -> PlanFacts {
        let positions: HashMap<Uuid, usize> = self.milestones.iter().enumerate().map(|(i, m)| (m.id, i)).collect();
        let mut facts: Vec<MilestoneFacts> = self
            .milestones
            .iter()
            .map(|m| MilestoneFacts {
                state: m.state.0,
                planned_on: m.planned_on,
                started_on: m.started_on,
                closed_on: m.closed_on,
                forecasts: vec![],
                progress: vec![],
                touched_on: m.touched_on,
                confirmed_on: m.confirmed_on,
                duration_days: m.duration_days,
                credit_rule: m.credit_rule.map(|rule| rule.0),
                misses: vec![],
            })
            .collect();
        for row in &self.forecasts {
            if let Some(position) = positions.get(&row.milestone_id) {
                facts[*position].forecasts.push(Forecast { recorded_on: row.recorded_on, forecast_on: row.to_on });
            }
        }
        for row in &self.progress {
            if let Some(position) = positions.get(&row.milestone_id) {
                facts[*position].progress.push(Progress { recorded_on: row.recorded_on, percent: row.percent });
            }
        }
        for row in &self.misses {
            if let Some(position) = positions.get(&row.milestone_id) {
                facts[*position].misses.push(Miss { missed_on: row.missed_on, recorded_on: row.recorded_on });
            }
        }
        let line = |row: &LineRow| {
            let milestone = *positions.get(&row.milestone_id)?;
            Some(Line { milestone, planned_on: row.planned_on, weight: row.weight })
        };
        let mut lines: HashMap<i64, Vec<Line>> = HashMap::new();
        for row in &self.lines {
            lines.entry(row.number).or_default().extend(line(row));
        }
        let mut baseline = |row: &BaselineRow| {
            let lines = lines.remove(&row.number).unwrap_or_default();
            Baseline { number: row.number, effective_on: row.effective_on, lines }
        };
        PlanFacts {
            valuations: self.valuations(),
            terms: self.plan.terms(),
            baselines: self.baselines.iter().map(&mut baseline).collect(),
            milestones: facts,
            start_on: self.plan.start_on,
            links: self.links(),
            holds: self.holds.iter().map(PlanHold::hold).collect(),
            externals: self.externals(others),
            costs: self
                .costs
                .iter()
                .map(|row| cost::Entry { incurred_on: row.incurred_on, amount_minor: row.amount_minor })
                .collect(),
        }
    }
}

/// The rows of a plan by the milestones that they belong to.
#[derive(Debug)]
pub struct ByMilestone<'a> {
    record: &'a PlanRecord,
    positions: HashMap<Uuid, usize>,
    dependencies: HashMap<Uuid, Vec<&'a DependencyRow>>,
    forecasts: HashMap<Uuid, Vec<&'a ForecastRow>>,
    progress: HashMap<Uuid, Vec<&'a ProgressRow>>,
    baselined: HashSet<Uuid>,
    communicated: HashSet<Uuid>,
}

impl<'a> ByMilestone<'a> {
    /// Returns the dependencies of a milestone.
    pub fn dependencies_of(&self, milestone_id: Uuid) -> Vec<Dependency> {
        let own = self.dependencies.get(&milestone_id).into_iter().flatten();
        let dependency = |edge: &&DependencyRow| {
            let needed = &self.record.milestones[*self.positions.get(&edge.depends_on_id)?];
            let key = Key::parse(&needed.key).ok()?;
            Some(Dependency { key, relation: edge.relation.0, lag_days: edge.lag_days })
        };
        own.filter_map(dependency).collect()
    }

    /// Returns the forecast changes of a milestone, oldest first.
    pub fn forecasts_of(&self, milestone_id: Uuid) -> &[&'a ForecastRow] {
        self.forecasts.get(&milestone_id).map_or(&[], Vec::as_slice)
    }

    /// Returns the latest recorded percentage of a milestone.
    pub fn progress_of(&self, milestone_id: Uuid) -> Option<&'a ProgressRow> {
        self.progress.get(&milestone_id)?.last().copied()
    }

    /// Returns whether a milestone is part of a baseline, which freezes its date and weight.
    pub fn is_baselined(&self, milestone_id: Uuid) -> bool {
        self.baselined.contains(&milestone_id)
    }

    /// Returns whether a forecast change was communicated to the client.
    pub fn is_communicated(&self, forecast_change_id: Uuid) -> bool {
        self.communicated.contains(&forecast_change_id)
    }

    /// Returns the number of forecast changes of an open milestone that were not communicated to the client.
    pub fn uncommunicated_changes(&self, milestone: &MilestoneRow) -> usize {
        let own = self.forecasts_of(milestone.id).iter().filter(|_| milestone.state.0.is_open());
        own.filter(|change| !self.is_communicated(change.id)).count()
    }
}

fn grouped<T>(rows: &[T], milestone_of: impl Fn(&T) -> Uuid) -> HashMap<Uuid, Vec<&T>> {
    let mut groups: HashMap<Uuid, Vec<&T>> = HashMap::new();
    for row in rows {
        groups.entry(milestone_of(row)).or_default().push(row);
    }
    groups
}
