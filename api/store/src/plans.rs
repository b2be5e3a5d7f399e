//! Plans: the row itself, and a plan whole with everything that belongs to it.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::earned_value::{CreditRule, Progress, cost};
use milepost_domain::plan::baseline::{Baseline, Line};
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::cascade::Step;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::network::Link;
use milepost_domain::plan::schedule::{Forecast, Miss, Standing, Terms};
use milepost_domain::plan::share::Visibility;
use milepost_domain::plan::{Kind, MilestoneFacts, PlanFacts};
use milepost_domain::values::text::{Key, folded};
use sqlx::types::Text;
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::baselines::{self, ApprovalRow, BaselineRow, LineRow};
use crate::communications::{self, CommunicationKind, CommunicationRow};
use crate::costs::{self, CostEntry};
use crate::json_text::JsonText;
use crate::milestones::{self, DependencyRow, ForecastRow, MilestoneRow, ProgressRow};
use crate::reviews::{self, MissRow, ReviewMark};
use crate::{Conn, on};

/// A plan's own row, with its customer's name.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct PlanRow {
    pub id: Uuid,
    pub name: String,
    pub kind: Text<Kind>,
    pub customer_id: Option<Uuid>,
    pub customer_name: Option<String>,
    pub person_id: Option<Uuid>,
    pub owner: Option<String>,
    pub start_on: NaiveDate,
    pub weight_unit: String,
    pub credit_rule: Text<CreditRule>,
    pub at_risk_limit_days: i64,
    pub update_interval_days: i64,
    #[sqlx(try_from = "String")]
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

/// A plan whole. Milestones stand in their order in the plan; what belongs to a milestone names its id.
#[derive(Debug, Clone)]
pub struct PlanRecord {
    /// The plan's own row.
    pub plan: PlanRow,
    /// Its milestones by position.
    pub milestones: Vec<MilestoneRow>,
    /// Who waits for whom.
    pub dependencies: Vec<DependencyRow>,
    /// Forecast changes by milestone, oldest first.
    pub forecasts: Vec<ForecastRow>,
    /// Recorded percentages by milestone, oldest first.
    pub progress: Vec<ProgressRow>,
    /// Baselines by number.
    pub baselines: Vec<BaselineRow>,
    /// Their lines.
    pub lines: Vec<LineRow>,
    /// Who agreed to them.
    pub approvals: Vec<ApprovalRow>,
    /// What was spent.
    pub costs: Vec<CostEntry>,
    /// What the client was told of date changes.
    pub communications: Vec<CommunicationRow>,
    /// Misses that were explained, oldest first.
    pub misses: Vec<MissRow>,
    /// The last review.
    pub last_review: Option<ReviewMark>,
}

impl PlanRow {
    /// What was agreed on about time.
    pub fn terms(&self) -> Terms {
        let (at_risk_limit_days, update_interval_days) = (self.at_risk_limit_days, self.update_interval_days);
        Terms { at_risk_limit_days, update_interval_days, calendar: self.calendar.0.clone() }
    }
}

impl PlanRecord {
    /// A milestone by its id or its key.
    pub fn milestone(&self, id_or_key: &str) -> Option<&MilestoneRow> {
        self.milestones.get(self.position(id_or_key)?)
    }

    /// The position of a milestone, by its id or its key.
    pub fn position(&self, id_or_key: &str) -> Option<usize> {
        let id = id_or_key.parse::<Uuid>().ok();
        self.milestones.iter().position(|milestone| Some(milestone.id) == id || milestone.key == id_or_key)
    }

    /// What a milestone waits for.
    pub fn dependencies_of(&self, milestone_id: Uuid) -> Vec<Dependency> {
        let own = self.dependencies.iter().filter(|edge| edge.milestone_id == milestone_id);
        let dependency = |edge: &DependencyRow| {
            let needed = self.milestones.iter().find(|milestone| milestone.id == edge.depends_on_id)?;
            let key = Key::parse(&needed.key).ok()?;
            Some(Dependency { key, relation: edge.relation.0, lag_days: edge.lag_days })
        };
        own.filter_map(dependency).collect()
    }

    /// All dependencies by the milestones' positions.
    pub fn links(&self) -> Vec<Link> {
        let positions: HashMap<Uuid, usize> = self.milestones.iter().enumerate().map(|(i, m)| (m.id, i)).collect();
        let link = |edge: &DependencyRow| {
            let (from, to) = (*positions.get(&edge.depends_on_id)?, *positions.get(&edge.milestone_id)?);
            Some(Link { from, to, relation: edge.relation.0, lag_days: edge.lag_days })
        };
        self.dependencies.iter().filter_map(link).collect()
    }

    /// The milestones as a cascade or a schedule sees them at the end of `as_of`.
    pub fn steps(&self, as_of: NaiveDate) -> Vec<Step> {
        let facts = self.facts();
        let standings: Vec<Standing> = facts.standings(as_of).collect();
        facts.steps(&standings, as_of)
    }

    /// What the client was told of one date change.
    pub fn communications_of(&self, forecast_change_id: Uuid) -> impl Iterator<Item = &CommunicationRow> {
        self.communications.iter().filter(move |row| row.forecast_change_id == forecast_change_id)
    }

    /// The changes that follow from one.
    pub fn followers_of(&self, forecast_change_id: Uuid) -> impl Iterator<Item = &ForecastRow> {
        self.forecasts.iter().filter(move |change| change.caused_by == Some(forecast_change_id))
    }

    /// The milestone whose change of date made this one move, if another did.
    pub fn cause_of(&self, change: &ForecastRow) -> Option<&MilestoneRow> {
        let cause = self.forecasts.iter().find(|one| Some(one.id) == change.caused_by)?;
        self.milestones.iter().find(|milestone| milestone.id == cause.milestone_id)
    }

    /// The plan as if it had only the milestones that are shown: what its figures and its curve may tell.
    #[must_use]
    pub fn restricted_to(&self, visible: &Visibility) -> Self {
        let mut shown = self.clone();
        shown.milestones.retain(|row| visible.shows(&row.key));
        shown
    }

    /// Why a date moved, as far as it may be told: what another milestone said is told where that one is shown.
    pub fn shown_reason(&self, change: &ForecastRow, visible: &Visibility) -> Option<String> {
        match self.cause_of(change) {
            Some(cause) if !visible.shows(&cause.key) => {
                Some("It follows from another milestone that moved.".to_owned())
            }
            _ => change.reason.clone(),
        }
    }

    /// How many changes of an open milestone's date the client was not told of.
    pub fn uncommunicated_changes(&self, milestone: &MilestoneRow) -> usize {
        if !milestone.state.0.is_open() {
            return 0;
        }
        let own = self.forecasts.iter().filter(|change| change.milestone_id == milestone.id);
        let was_told = |change: &&ForecastRow| {
            self.communications_of(change.id).any(|row| row.kind.0 == CommunicationKind::Communicated)
        };
        own.filter(|change| !was_told(change)).count()
    }

    /// Whether a milestone is in some baseline: then its date and weight are frozen.
    pub fn is_baselined(&self, milestone_id: Uuid) -> bool {
        self.lines.iter().any(|line| line.milestone_id == milestone_id)
    }

    /// The plan as the domain sees it.
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
        let baseline = |row: &BaselineRow| {
            let lines = self.lines.iter().filter(|line| line.number == row.number).filter_map(line).collect();
            Baseline { number: row.number, effective_on: row.effective_on, lines }
        };
        PlanFacts {
            credit_rule: self.plan.credit_rule.0,
            terms: self.plan.terms(),
            baselines: self.baselines.iter().map(baseline).collect(),
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

/// One plan whole.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<PlanRecord>> {
    Ok(load(conn, organization_id, Some(&[id])).await?.pop())
}

/// Plans whole: these, or all of the organization. Twelve statements, however many plans; run it in one snapshot.
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
    let whole = |plan: PlanRow| PlanRecord {
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
            "SELECT p.id, p.name, p.kind, p.customer_id, c.name AS customer_name, p.person_id, p.owner, p.start_on, p.weight_unit, \
             p.credit_rule, p.at_risk_limit_days, p.update_interval_days, p.calendar, p.budget_minor, p.currency, p.template_id, p.template_version, p.archived_at, \
             p.version, p.created_at, p.updated_at \
             FROM plans p LEFT JOIN customers c ON c.organization_id = p.organization_id AND c.id = p.customer_id \
             WHERE p.organization_id = ");
        query.push_bind(organization_id);
        milestones::push_ids(&mut query, "p.id", ids);
        query.build_query_as().fetch_all(db).await
    })
}

/// Adds a plan's row.
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

/// Saves a change of a plan's row. Its kind and template stay what they were.
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

/// The start of a customer's first plan.
pub async fn first_start(conn: &mut Conn, organization_id: Uuid, customer_id: Uuid) -> sqlx::Result<Option<NaiveDate>> {
    const SQL: &str = "SELECT MIN(start_on) FROM plans WHERE organization_id = $1 AND customer_id = $2";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(customer_id).fetch_one(db).await)
}
