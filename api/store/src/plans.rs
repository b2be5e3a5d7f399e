//! Storage of plans: the row of a plan, and a whole plan with everything that belongs to it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::earned_value::{CreditRule, Progress, cost};
use milepost_domain::plan::baseline::{Baseline, Line};
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::cascade::Step;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::network::Link;
use milepost_domain::plan::schedule::{Forecast, Miss, Terms};
use milepost_domain::plan::share::Visibility;
use milepost_domain::plan::{Kind, MilestoneFacts, PlanFacts, Valuation};
use milepost_domain::values::text::{Key, folded};
use sqlx::QueryBuilder;
use sqlx::types::Text;
use uuid::Uuid;

use crate::baselines::{self, ApprovalRow, BaselineRow, LineRow};
use crate::communications::{self, CommunicationKind, CommunicationRow};
use crate::corrections::{self, Correction};
use crate::costs::{self, CostEntry};
use crate::customers::Customer;
use crate::from_row::from_row;
use crate::json_text::JsonText;
use crate::milestones::{self, DependencyRow, ForecastRow, MilestoneRow, ProgressRow};
use crate::people::Person;
use crate::reviews::{self, MissRow, ReviewMark};
use crate::valuations::{self, ValuationRow};
use crate::{Conn, on};

/// Row of a plan, with the names of its customer and its person.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct PlanRow {
    pub id: Uuid,
    pub name: String,
    pub kind: Text<Kind>,
    pub customer_id: Option<Uuid>,
    pub customer_ref: Option<String>,
    pub customer_name: Option<String>,
    pub person_id: Option<Uuid>,
    pub person_ref: Option<String>,
    pub person_name: Option<String>,
    pub owner: Option<String>,
    pub start_on: NaiveDate,
    pub weight_unit: String,
    pub credit_rule: Text<CreditRule>,
    pub at_risk_limit_days: i64,
    pub update_interval_days: i64,
    pub calendar: JsonText<Calendar>,
    pub budget_minor: Option<i64>,
    pub currency: Option<String>,
    pub template_id: Option<Uuid>,
    pub template_version: Option<i64>,
    pub archived_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

from_row!(PlanRow { id, name, kind, customer_id, customer_ref, customer_name, person_id, person_ref, person_name, owner, start_on, weight_unit, credit_rule, at_risk_limit_days, update_interval_days, calendar as String, budget_minor, currency, template_id, template_version, archived_at, version, created_at, updated_at });

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
}

impl PlanRow {
    /// Names the customer that the plan serves, or nobody.
    pub fn serve_customer(&mut self, customer: Option<Customer>) {
        self.customer_id = customer.as_ref().map(|one| one.id);
        self.customer_ref = customer.as_ref().and_then(|one| one.external_ref.as_ref().map(ToString::to_string));
        self.customer_name = customer.map(|one| one.content.name.into());
    }

    /// Names the person that the plan serves, or nobody.
    pub fn serve_person(&mut self, person: Option<Person>) {
        self.person_id = person.as_ref().map(|one| one.id);
        self.person_ref = person.as_ref().and_then(|one| one.external_ref.as_ref().map(ToString::to_string));
        self.person_name = person.map(|one| one.content.name.into());
    }

    /// Returns the terms of the plan about time.
    pub fn terms(&self) -> Terms {
        let (at_risk_limit_days, update_interval_days) = (self.at_risk_limit_days, self.update_interval_days);
        Terms { at_risk_limit_days, update_interval_days, calendar: self.calendar.0.clone() }
    }
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

/// Finds a whole plan.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<PlanRecord>> {
    Ok(load(conn, organization_id, Some(&[id])).await?.pop())
}

/// Returns the identifiers of all plans.
pub async fn ids(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    const SQL: &str = "SELECT id FROM plans WHERE organization_id = $1 ORDER BY id";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).fetch_all(db).await)
}

/// Loads whole plans: the given plans, or all of the organization. Uses fourteen statements regardless of the number of
/// plans; call it within one snapshot.
pub async fn load(conn: &mut Conn, organization_id: Uuid, ids: Option<&[Uuid]>) -> sqlx::Result<Vec<PlanRecord>> {
    let plans = rows(conn, organization_id, ids).await?;
    let mut milestones = by_plan(milestones::rows(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut dependencies = by_plan(milestones::dependencies(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut forecasts = by_plan(milestones::forecasts(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut progress = by_plan(milestones::progress(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut frozen = by_plan(baselines::rows(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut lines = by_plan(baselines::lines(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut approvals = by_plan(baselines::approvals(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut costs = by_plan(costs::of_plans(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut told = by_plan(communications::rows(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut misses = by_plan(reviews::misses(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut reviewed = by_plan(reviews::last_reviews(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut valued = by_plan(valuations::rows(conn, organization_id, ids).await?, |row| row.plan_id);
    let mut corrected = by_plan(corrections::of_plans(conn, organization_id, ids).await?, |row| row.plan_id);
    let whole = |plan: PlanRow| PlanRecord {
        corrections: corrected.remove(&plan.id).unwrap_or_default(),
        valuations: valued.remove(&plan.id).unwrap_or_default(),
        misses: misses.remove(&plan.id).unwrap_or_default(),
        last_review: reviewed.remove(&plan.id).and_then(|mut rows| rows.pop()),
        approvals: approvals.remove(&plan.id).unwrap_or_default(),
        costs: costs.remove(&plan.id).unwrap_or_default(),
        communications: told.remove(&plan.id).unwrap_or_default(),
        milestones: milestones.remove(&plan.id).unwrap_or_default(),
        dependencies: dependencies.remove(&plan.id).unwrap_or_default(),
        forecasts: forecasts.remove(&plan.id).unwrap_or_default(),
        progress: progress.remove(&plan.id).unwrap_or_default(),
        baselines: frozen.remove(&plan.id).unwrap_or_default(),
        lines: lines.remove(&plan.id).unwrap_or_default(),
        plan,
    };
    Ok(plans.into_iter().map(whole).collect())
}

fn by_plan<T>(rows: Vec<T>, plan_of: impl Fn(&T) -> Uuid) -> HashMap<Uuid, Vec<T>> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(plan_of(&row)).or_default().push(row);
    }
    groups
}

async fn rows(conn: &mut Conn, organization_id: Uuid, ids: Option<&[Uuid]>) -> sqlx::Result<Vec<PlanRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(
            "SELECT p.id, p.name, p.kind, p.customer_id, c.external_ref AS customer_ref, c.name AS customer_name, \
             p.person_id, h.external_ref AS person_ref, h.name AS person_name, p.owner, p.start_on, p.weight_unit, \
             p.credit_rule, p.at_risk_limit_days, p.update_interval_days, p.calendar, p.budget_minor, p.currency, p.template_id, p.template_version, p.archived_at, \
             p.version, p.created_at, p.updated_at \
             FROM plans p LEFT JOIN customers c ON c.organization_id = p.organization_id AND c.id = p.customer_id \
             LEFT JOIN people h ON h.organization_id = p.organization_id AND h.id = p.person_id \
             WHERE p.organization_id = ");
        query.push_bind(organization_id);
        milestones::push_ids(&mut query, "p.id", ids);
        query.build_query_as().fetch_all(db).await
    })
}

/// Adds the row of a plan.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, plan: &PlanRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO plans (organization_id, id, name, name_folded, kind, customer_id, person_id, owner, start_on, \
                       weight_unit, credit_rule, at_risk_limit_days, budget_minor, currency, template_id, template_version, \
                       archived_at, version, created_at, updated_at, update_interval_days, calendar) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)";
    let p = plan;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(p.id).bind(&p.name).bind(folded(&p.name)).bind(p.kind).bind(p.customer_id).bind(p.person_id)
        .bind(&p.owner).bind(p.start_on).bind(&p.weight_unit).bind(p.credit_rule).bind(p.at_risk_limit_days).bind(p.budget_minor)
        .bind(&p.currency).bind(p.template_id).bind(p.template_version).bind(p.archived_at).bind(p.version).bind(p.created_at)
        .bind(p.updated_at).bind(p.update_interval_days).bind(p.calendar.to_text())
        .execute(db).await.map(|_| ()))
}

/// Saves a change of a plan's row. The kind and the template stay unchanged.
pub async fn update(conn: &mut Conn, organization_id: Uuid, plan: &PlanRow) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE plans SET name = $3, name_folded = $4, customer_id = $5, person_id = $6, owner = $7, weight_unit = $8, \
                       credit_rule = $9, at_risk_limit_days = $10, budget_minor = $11, currency = $12, archived_at = $13, \
                       version = $14, updated_at = $15, update_interval_days = $16, calendar = $17, start_on = $18 \
                       WHERE organization_id = $1 AND id = $2";
    let p = plan;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(p.id).bind(&p.name).bind(folded(&p.name)).bind(p.customer_id).bind(p.person_id).bind(&p.owner)
        .bind(&p.weight_unit).bind(p.credit_rule).bind(p.at_risk_limit_days).bind(p.budget_minor).bind(&p.currency)
        .bind(p.archived_at).bind(p.version).bind(p.updated_at).bind(p.update_interval_days).bind(p.calendar.to_text()).bind(p.start_on)
        .execute(db).await.map(|_| ()))
}

/// Returns the start date of a customer's first plan.
pub async fn first_start(conn: &mut Conn, organization_id: Uuid, customer_id: Uuid) -> sqlx::Result<Option<NaiveDate>> {
    const SQL: &str = "SELECT MIN(start_on) FROM plans WHERE organization_id = $1 AND customer_id = $2";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(customer_id).fetch_one(db).await)
}
