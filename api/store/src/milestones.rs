//! Storage of milestones with their dependencies, forecast changes, progress and transitions.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::earned_value::CreditRule;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::network::Relation;
use sqlx::QueryBuilder;
use sqlx::types::Text;
use uuid::Uuid;

use crate::author::Author;
use crate::from_row::from_row;
use crate::json_text::JsonText;
use crate::many::ROWS_PER_INSERT;
use crate::owner::{Owner, owner_columns};
use crate::{Conn, on};

/// Row of a milestone.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct MilestoneRow {
    pub id: Uuid,
    pub plan_id: Uuid,
    pub key: String,
    pub position: i64,
    pub name: String,
    pub phase: Option<String>,
    pub owner: Owner,
    pub weight: f64,
    pub planned_on: NaiveDate,
    pub state: Text<State>,
    pub started_on: Option<NaiveDate>,
    pub closed_on: Option<NaiveDate>,
    pub acceptance_criteria: JsonText<Vec<String>>,
    pub note: Option<String>,
    pub touched_on: Option<NaiveDate>,
    pub confirmed_on: Option<NaiveDate>,
    pub closed_at: Option<DateTime<Utc>>,
    pub duration_days: Option<i64>,
    pub credit_rule: Option<Text<CreditRule>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

from_row!(MilestoneRow { id, plan_id, key, position, name, phase, owner; flatten, weight, planned_on, state, started_on, closed_on, acceptance_criteria as String, note, touched_on, confirmed_on, closed_at, duration_days, credit_rule, version, created_at, updated_at });

/// Row of a dependency of one milestone on another milestone of the same plan.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DependencyRow {
    pub plan_id: Uuid,
    pub milestone_id: Uuid,
    pub depends_on_id: Uuid,
    pub relation: Text<Relation>,
    pub lag_days: i64,
}

from_row!(DependencyRow { plan_id, milestone_id, depends_on_id, relation, lag_days });

/// Row of a forecast change.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct ForecastRow {
    pub id: Uuid,
    pub plan_id: Uuid,
    pub milestone_id: Uuid,
    pub ordinal: i64,
    pub from_on: NaiveDate,
    pub to_on: NaiveDate,
    pub reason: Option<String>,
    pub cause: Option<String>,
    pub author: Text<Author>,
    pub recorded_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub caused_by: Option<Uuid>,
    pub baseline_number: Option<i64>,
    pub planned_from_on: Option<NaiveDate>,
    pub planned_to_on: Option<NaiveDate>,
}

from_row!(ForecastRow {
    id,
    plan_id,
    milestone_id,
    ordinal,
    from_on,
    to_on,
    reason,
    cause,
    author,
    recorded_on,
    recorded_at,
    caused_by,
    baseline_number,
    planned_from_on,
    planned_to_on
});

/// Row of a recorded percentage of completion.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ProgressRow {
    pub plan_id: Uuid,
    pub milestone_id: Uuid,
    pub ordinal: i64,
    pub percent: f64,
    pub recorded_on: NaiveDate,
    pub recorded_at: Option<DateTime<Utc>>,
}

from_row!(ProgressRow { plan_id, milestone_id, ordinal, percent, recorded_on, recorded_at });

/// Row of a state transition.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct TransitionRow {
    pub id: Uuid,
    pub plan_id: Uuid,
    pub milestone_id: Uuid,
    pub action: String,
    pub from_state: String,
    pub to_state: String,
    pub occurred_on: NaiveDate,
    pub reason: Option<String>,
    pub override_reason: Option<String>,
    pub evidence: String,
    pub author: Text<Author>,
    pub recorded_at: DateTime<Utc>,
}

from_row!(TransitionRow {
    id,
    plan_id,
    milestone_id,
    action,
    from_state,
    to_state,
    occurred_on,
    reason,
    override_reason,
    evidence,
    author,
    recorded_at
});

macro_rules! columns {
    () => {
        "id, plan_id, key, position, name, phase, weight, planned_on, state, started_on, closed_on, acceptance_criteria, note, \
         touched_on, confirmed_on, closed_at, duration_days, credit_rule, version, created_at, updated_at"
    };
}

/// Declares a function that reads the rows of the given plans, or of all plans of the organization.
macro_rules! rows_by_plan {
    ($(#[$doc:meta])* $name:ident -> $row:ty, $select:expr, $order:literal $(, $group:literal)?) => {
        $(#[$doc])*
        pub async fn $name(conn: &mut Conn, organization_id: Uuid, plan_ids: Option<&[Uuid]>) -> sqlx::Result<Vec<$row>> {
            on!(conn, db => {
                let mut query = QueryBuilder::new(concat!($select, " WHERE organization_id = "));
                query.push_bind(organization_id);
                $crate::many::push_ids(&mut query, "plan_id", plan_ids);
                $(query.push(concat!(" GROUP BY ", $group));)?
                query.push(concat!(" ORDER BY ", $order));
                query.build_query_as().fetch_all(db).await
            })
        }
    };
}

pub(super) use rows_by_plan;

rows_by_plan!(
    /// Returns milestones in the order of the plan.
    rows -> MilestoneRow, concat!("SELECT ", columns!(), ", ", owner_columns!(), " FROM milestones own"), "plan_id, position, id"
);
rows_by_plan!(
    /// Returns dependencies.
    dependencies -> DependencyRow, "SELECT plan_id, milestone_id, depends_on_id, relation, lag_days FROM milestone_dependencies",
    "plan_id, milestone_id, depends_on_id"
);
rows_by_plan!(
    /// Returns forecast changes, oldest first.
    forecasts -> ForecastRow,
    "SELECT id, plan_id, milestone_id, ordinal, from_on, to_on, reason, cause, author, recorded_on, recorded_at, caused_by, baseline_number, planned_from_on, planned_to_on \
     FROM forecast_changes",
    "plan_id, milestone_id, ordinal"
);
rows_by_plan!(
    /// Returns recorded percentages, oldest first.
    progress -> ProgressRow, "SELECT plan_id, milestone_id, ordinal, percent, recorded_on, recorded_at FROM progress_entries",
    "plan_id, milestone_id, ordinal"
);
/// Returns the state transitions of a milestone, oldest first.
pub async fn transitions(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_id: Uuid,
    milestone_id: Uuid,
) -> sqlx::Result<Vec<TransitionRow>> {
    const SQL: &str = "SELECT id, plan_id, milestone_id, action, from_state, to_state, occurred_on, reason, override_reason, evidence, \
                       author, recorded_at FROM milestone_transitions \
                       WHERE organization_id = $1 AND plan_id = $2 AND milestone_id = $3 ORDER BY id LIMIT 1000";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(plan_id).bind(milestone_id).fetch_all(db).await)
}

/// Returns the date of a milestone's last state transition, if there is one.
pub async fn last_step_on(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_id: Uuid,
    milestone_id: Uuid,
) -> sqlx::Result<Option<NaiveDate>> {
    const SQL: &str = "SELECT occurred_on FROM milestone_transitions \
                       WHERE organization_id = $1 AND plan_id = $2 AND milestone_id = $3 ORDER BY id DESC LIMIT 1";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).bind(plan_id).bind(milestone_id).fetch_optional(db).await)
}

/// Adds milestones.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, milestones: &[MilestoneRow]) -> sqlx::Result<()> {
    for some in milestones.chunks(ROWS_PER_INSERT) {
        on!(conn, db => {
            let mut query = QueryBuilder::new(concat!("INSERT INTO milestones (organization_id, owner_id, owner_name, ", columns!(), ") "));
            query.push_values(some, |mut row, m| {
                row.push_bind(organization_id).push_bind(m.owner.id).push_bind(&m.owner.name).push_bind(m.id).push_bind(m.plan_id).push_bind(&m.key).push_bind(m.position)
                    .push_bind(&m.name).push_bind(&m.phase).push_bind(m.weight).push_bind(m.planned_on)
                    .push_bind(m.state).push_bind(m.started_on).push_bind(m.closed_on).push_bind(m.acceptance_criteria.to_text())
                    .push_bind(&m.note).push_bind(m.touched_on).push_bind(m.confirmed_on).push_bind(m.closed_at).push_bind(m.duration_days).push_bind(m.credit_rule)
                    .push_bind(m.version).push_bind(m.created_at).push_bind(m.updated_at);
            });
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Saves a change of a milestone's row. The key and the plan stay unchanged.
pub async fn update(conn: &mut Conn, organization_id: Uuid, milestone: &MilestoneRow) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE milestones SET name = $3, phase = $4, owner_name = $5, weight = $6, planned_on = $7, state = $8, \
                       started_on = $9, closed_on = $10, acceptance_criteria = $11, version = $12, updated_at = $13, note = $14, touched_on = $15, \
                       confirmed_on = $16, closed_at = $17, duration_days = $18, credit_rule = $19, owner_id = $20 \
                       WHERE organization_id = $1 AND id = $2";
    let m = milestone;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(m.id).bind(&m.name).bind(&m.phase).bind(&m.owner.name).bind(m.weight).bind(m.planned_on)
        .bind(m.state).bind(m.started_on).bind(m.closed_on).bind(m.acceptance_criteria.to_text()).bind(m.version).bind(m.updated_at)
        .bind(&m.note).bind(m.touched_on).bind(m.confirmed_on).bind(m.closed_at).bind(m.duration_days).bind(m.credit_rule).bind(m.owner.id)
        .execute(db).await.map(|_| ()))
}

/// Adds dependencies.
pub async fn insert_dependencies(conn: &mut Conn, organization_id: Uuid, edges: &[DependencyRow]) -> sqlx::Result<()> {
    for some in edges.chunks(ROWS_PER_INSERT) {
        on!(conn, db => {
            let mut query = QueryBuilder::new(
                "INSERT INTO milestone_dependencies (organization_id, plan_id, milestone_id, depends_on_id, relation, lag_days) ");
            query.push_values(some, |mut row, edge| {
                row.push_bind(organization_id).push_bind(edge.plan_id).push_bind(edge.milestone_id).push_bind(edge.depends_on_id)
                    .push_bind(edge.relation).push_bind(edge.lag_days);
            });
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Deletes a milestone's dependencies, so that they can be replaced.
pub async fn delete_dependencies(
    conn: &mut Conn,
    organization_id: Uuid,
    plan_id: Uuid,
    milestone_id: Uuid,
) -> sqlx::Result<()> {
    const SQL: &str =
        "DELETE FROM milestone_dependencies WHERE organization_id = $1 AND plan_id = $2 AND milestone_id = $3";
    on!(conn, db => sqlx::query(SQL).bind(organization_id).bind(plan_id).bind(milestone_id).execute(db).await.map(|_| ()))
}

/// Appends forecast changes.
pub async fn insert_forecasts(conn: &mut Conn, organization_id: Uuid, changes: &[ForecastRow]) -> sqlx::Result<()> {
    for some in changes.chunks(ROWS_PER_INSERT) {
        on!(conn, db => {
            let mut query = QueryBuilder::new(
                "INSERT INTO forecast_changes (organization_id, id, plan_id, milestone_id, ordinal, from_on, to_on, reason, cause, \
                 author, recorded_on, recorded_at, caused_by, baseline_number, planned_from_on, planned_to_on) ");
            query.push_values(some, |mut row, f| {
                row.push_bind(organization_id).push_bind(f.id).push_bind(f.plan_id).push_bind(f.milestone_id).push_bind(f.ordinal)
                    .push_bind(f.from_on).push_bind(f.to_on).push_bind(&f.reason).push_bind(&f.cause).push_bind(&f.author)
                    .push_bind(f.recorded_on).push_bind(f.recorded_at).push_bind(f.caused_by)
                    .push_bind(f.baseline_number).push_bind(f.planned_from_on).push_bind(f.planned_to_on);
            });
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Appends recorded percentages.
pub async fn insert_progress(conn: &mut Conn, organization_id: Uuid, entries: &[ProgressRow]) -> sqlx::Result<()> {
    for some in entries.chunks(ROWS_PER_INSERT) {
        on!(conn, db => {
            let mut query = QueryBuilder::new(
                "INSERT INTO progress_entries (organization_id, plan_id, milestone_id, ordinal, percent, recorded_on, recorded_at) ");
            query.push_values(some, |mut row, entry| {
                row.push_bind(organization_id).push_bind(entry.plan_id).push_bind(entry.milestone_id).push_bind(entry.ordinal)
                    .push_bind(entry.percent).push_bind(entry.recorded_on).push_bind(entry.recorded_at);
            });
            query.build().execute(db).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Appends a state transition.
pub async fn insert_transition(conn: &mut Conn, organization_id: Uuid, transition: &TransitionRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO milestone_transitions (organization_id, id, plan_id, milestone_id, action, from_state, to_state, \
                       occurred_on, reason, override_reason, evidence, author, recorded_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let t = transition;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(t.id).bind(t.plan_id).bind(t.milestone_id).bind(&t.action).bind(&t.from_state).bind(&t.to_state)
        .bind(t.occurred_on).bind(&t.reason).bind(&t.override_reason).bind(&t.evidence).bind(&t.author).bind(t.recorded_at)
        .execute(db).await.map(|_| ()))
}
