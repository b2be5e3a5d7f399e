//! Storage of plans: the row of a plan, and a whole plan with everything that belongs to it.

mod record;
mod sources;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::earned_value::CreditRule;
use milepost_domain::plan::Kind;
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::schedule::Terms;
use milepost_domain::values::text::folded;
use sqlx::QueryBuilder;
use sqlx::types::Text;
use uuid::Uuid;

pub use self::record::{ByMilestone, PlanRecord};
pub use self::sources::Source;
use crate::corrections::Correction;
use crate::customers::Customer;
use crate::from_row::from_row;
use crate::holds::PlanHold;
use crate::json_text::JsonText;
use crate::owner::{Owner, owner_columns};
use crate::people::Person;
use crate::{Conn, baselines, communications, costs, many, milestones, on, reviews, row, valuations};

/// Row of a plan, with the names of its customer and its person.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct PlanRow {
    pub id: Uuid,
    pub external_ref: Option<String>,
    pub name: String,
    pub kind: Text<Kind>,
    pub customer_id: Option<Uuid>,
    pub customer_ref: Option<String>,
    pub customer_name: Option<String>,
    pub person_id: Option<Uuid>,
    pub person_ref: Option<String>,
    pub person_name: Option<String>,
    pub owner: Owner,
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
    pub withdrawn_on: Option<NaiveDate>,
    pub withdrawal_reason: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

from_row!(PlanRow { id, external_ref, name, kind, customer_id, customer_ref, customer_name, person_id, person_ref, person_name, owner; flatten, start_on, weight_unit, credit_rule, at_risk_limit_days, update_interval_days, calendar as String, budget_minor, currency, template_id, template_version, archived_at, withdrawn_on, withdrawal_reason, version, created_at, updated_at });

/// Returns the versions of some plans, of those that are there.
pub async fn versions(conn: &mut Conn, organization_id: Uuid, ids: &[Uuid]) -> sqlx::Result<HashMap<Uuid, i64>> {
    let rows: Vec<(Uuid, i64)> = on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT id, version FROM plans WHERE organization_id = ");
        query.push_bind(organization_id);
        many::push_ids(&mut query, "id", Some(ids));
        query.build_query_as().fetch_all(db).await
    })?;
    Ok(rows.into_iter().collect())
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

/// Finds a whole plan.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<PlanRecord>> {
    Ok(load(conn, organization_id, Some(&[id])).await?.pop())
}

/// Returns the identifiers of all plans.
pub async fn ids(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    const SQL: &str = "SELECT id FROM plans WHERE organization_id = $1 ORDER BY id";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).fetch_all(db).await)
}

/// Loads whole plans: the given plans, or all of the organization, with the plans that they wait for. Uses sixteen statements regardless of
/// the number of plans, and as many again for each step to further plans; call it within one snapshot.
pub async fn load(conn: &mut Conn, organization_id: Uuid, ids: Option<&[Uuid]>) -> sqlx::Result<Vec<PlanRecord>> {
    load_with(conn, organization_id, ids, None).await
}

/// Loads whole plans as [`load`] does, with those that they waited for at an instant; `None` is now.
pub async fn load_with(
    conn: &mut Conn,
    organization_id: Uuid,
    ids: Option<&[Uuid]>,
    at: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<PlanRecord>> {
    let records = load_alone(conn, organization_id, ids).await?;
    let dependencies = row::of_plans(conn, organization_id, ids).await?;
    if dependencies.is_empty() {
        Ok(records)
    } else {
        sources::attach(conn, organization_id, records, dependencies, at).await
    }
}

/// Loads plans without those that they wait for.
async fn load_alone(conn: &mut Conn, organization_id: Uuid, ids: Option<&[Uuid]>) -> sqlx::Result<Vec<PlanRecord>> {
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
    let mut held = by_plan(row::of_plans(conn, organization_id, ids).await?, |row: &PlanHold| row.plan_id);
    let mut corrected = by_plan(row::of_plans(conn, organization_id, ids).await?, |row: &Correction| row.plan_id);
    let whole = |plan: PlanRow| PlanRecord {
        sources: vec![],
        holds: held.remove(&plan.id).unwrap_or_default(),
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
        let mut query = QueryBuilder::new(concat!(
            "SELECT ", owner_columns!(), ", own.id, own.external_ref, own.name, own.kind, own.customer_id, c.external_ref AS customer_ref, c.name AS customer_name, \
             own.person_id, h.external_ref AS person_ref, h.name AS person_name, own.start_on, own.weight_unit, \
             own.credit_rule, own.at_risk_limit_days, own.update_interval_days, own.calendar, own.budget_minor, own.currency, own.template_id, own.template_version, own.archived_at, own.withdrawn_on, own.withdrawal_reason, \
             own.version, own.created_at, own.updated_at \
             FROM plans own LEFT JOIN customers c ON c.organization_id = own.organization_id AND c.id = own.customer_id \
             LEFT JOIN people h ON h.organization_id = own.organization_id AND h.id = own.person_id \
             WHERE own.organization_id = "));
        query.push_bind(organization_id);
        many::push_ids(&mut query, "own.id", ids);
        query.build_query_as().fetch_all(db).await
    })
}

/// Adds the row of a plan.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, plan: &PlanRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO plans (organization_id, id, name, name_folded, kind, customer_id, person_id, owner_name, start_on, \
                       weight_unit, credit_rule, at_risk_limit_days, budget_minor, currency, template_id, template_version, \
                       archived_at, version, created_at, updated_at, update_interval_days, calendar, external_ref, owner_id) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";
    let p = plan;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(p.id).bind(&p.name).bind(folded(&p.name)).bind(p.kind).bind(p.customer_id).bind(p.person_id)
        .bind(&p.owner.name).bind(p.start_on).bind(&p.weight_unit).bind(p.credit_rule).bind(p.at_risk_limit_days).bind(p.budget_minor)
        .bind(&p.currency).bind(p.template_id).bind(p.template_version).bind(p.archived_at).bind(p.version).bind(p.created_at)
        .bind(p.updated_at).bind(p.update_interval_days).bind(p.calendar.to_text()).bind(&p.external_ref).bind(p.owner.id)
        .execute(db).await.map(|_| ()))
}

/// Plans of a template that serve people and are not archived: each with its person.
pub async fn of_template(conn: &mut Conn, organization_id: Uuid, template_id: Uuid) -> sqlx::Result<Vec<(Uuid, Uuid)>> {
    const SQL: &str = "SELECT id, person_id FROM plans WHERE organization_id = $1 AND template_id = $2 \
                       AND person_id IS NOT NULL AND archived_at IS NULL ORDER BY id";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(template_id).fetch_all(db).await)
}

/// Saves a change of a plan's row. The kind and the template stay unchanged; the version of the template can change.
pub async fn update(conn: &mut Conn, organization_id: Uuid, plan: &PlanRow) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE plans SET name = $3, name_folded = $4, customer_id = $5, person_id = $6, owner_name = $7, weight_unit = $8, \
                       credit_rule = $9, at_risk_limit_days = $10, budget_minor = $11, currency = $12, archived_at = $13, \
                       version = $14, updated_at = $15, update_interval_days = $16, calendar = $17, start_on = $18, external_ref = $19, owner_id = $20, \
                       template_version = $21, withdrawn_on = $22, withdrawal_reason = $23 \
                       WHERE organization_id = $1 AND id = $2";
    let p = plan;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(p.id).bind(&p.name).bind(folded(&p.name)).bind(p.customer_id).bind(p.person_id).bind(&p.owner.name)
        .bind(&p.weight_unit).bind(p.credit_rule).bind(p.at_risk_limit_days).bind(p.budget_minor).bind(&p.currency)
        .bind(p.archived_at).bind(p.version).bind(p.updated_at).bind(p.update_interval_days).bind(p.calendar.to_text()).bind(p.start_on).bind(&p.external_ref).bind(p.owner.id)
        .bind(p.template_version).bind(p.withdrawn_on).bind(&p.withdrawal_reason)
        .execute(db).await.map(|_| ()))
}

/// Returns whether a plan other than this one has an external reference.
pub async fn is_taken(conn: &mut Conn, organization_id: Uuid, id: Uuid, external_ref: &str) -> sqlx::Result<bool> {
    const SQL: &str = "SELECT id FROM plans WHERE organization_id = $1 AND external_ref = $2 AND id <> $3";
    let found: Option<Uuid> = on!(conn, db =>
        sqlx::query_scalar(SQL).bind(organization_id).bind(external_ref).bind(id).fetch_optional(db).await)?;
    Ok(found.is_some())
}

/// Returns the start date of a customer's first plan.
pub async fn first_start(conn: &mut Conn, organization_id: Uuid, customer_id: Uuid) -> sqlx::Result<Option<NaiveDate>> {
    const SQL: &str = "SELECT MIN(start_on) FROM plans WHERE organization_id = $1 AND customer_id = $2";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(customer_id).fetch_one(db).await)
}
