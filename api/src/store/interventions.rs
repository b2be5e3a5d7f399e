//! Storage of interventions and their notes.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::intervention::Outcome;
use milepost_domain::playbook::{InterventionKind, Tier};
use sqlx::types::Text;
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use super::json_text::JsonText;
use super::keyset::{Slice, push_slice};
use super::{Conn, on};

/// Row of an intervention.
#[derive(Debug, Clone, PartialEq, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct InterventionRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub playbook_id: Option<Uuid>,
    pub kind: Text<InterventionKind>,
    pub title: String,
    pub reason: Option<String>,
    pub owner: Option<String>,
    pub opened_on: NaiveDate,
    pub due_on: NaiveDate,
    #[sqlx(try_from = "String")]
    pub escalations: JsonText<Vec<Tier>>,
    pub snoozed_until: Option<NaiveDate>,
    pub snooze_reason: Option<String>,
    pub done_on: Option<NaiveDate>,
    pub outcome: Option<Text<Outcome>>,
    pub outcome_note: Option<String>,
    pub score_at_opening: Option<f64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Row of a note on an intervention.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct NoteRow {
    pub id: Uuid,
    pub text: String,
    pub author: String,
    pub recorded_at: DateTime<Utc>,
}

/// Filter of a list of interventions.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Filter by customer.
    pub customer_id: Option<Uuid>,
    /// Filter by owner (exact match).
    pub owner: Option<String>,
    /// Whether to return interventions that are done or those that are not done.
    pub is_done: Option<bool>,
    /// Earliest opening date.
    pub opened_from: Option<NaiveDate>,
    /// Latest opening date.
    pub opened_until: Option<NaiveDate>,
}

macro_rules! columns {
    () => {
        "id, customer_id, playbook_id, kind, title, reason, owner, opened_on, due_on, escalations, snoozed_until, snooze_reason, done_on, \
         outcome, outcome_note, score_at_opening, version, created_at, updated_at"
    };
}

/// Finds an intervention by identifier.
pub async fn find(conn: &mut Conn, organization_id: Uuid, id: Uuid) -> sqlx::Result<Option<InterventionRow>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM interventions WHERE organization_id = $1 AND id = $2");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(id).fetch_optional(db).await)
}

/// Returns interventions: a page, or all in the order of opening.
pub async fn list(
    conn: &mut Conn,
    organization_id: Uuid,
    filter: &Filter,
    slice: Option<&Slice>,
) -> sqlx::Result<Vec<InterventionRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM interventions WHERE organization_id = "));
        query.push_bind(organization_id);
        if let Some(customer_id) = filter.customer_id {
            query.push(" AND customer_id = ").push_bind(customer_id);
        }
        if let Some(owner) = &filter.owner {
            query.push(" AND owner = ").push_bind(owner);
        }
        if let Some(is_done) = filter.is_done {
            query.push(if is_done { " AND done_on IS NOT NULL" } else { " AND done_on IS NULL" });
        }
        if let Some(from) = filter.opened_from {
            query.push(" AND opened_on >= ").push_bind(from);
        }
        if let Some(until) = filter.opened_until {
            query.push(" AND opened_on <= ").push_bind(until);
        }
        match slice {
            Some(slice) => push_slice(&mut query, slice),
            None => { query.push(" ORDER BY id"); }
        }
        query.build_query_as().fetch_all(db).await
    })
}

/// Adds an intervention.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, row: &InterventionRow) -> sqlx::Result<()> {
    const SQL: &str = concat!(
        "INSERT INTO interventions (organization_id, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"
    );
    let r = row;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(r.id).bind(r.customer_id).bind(r.playbook_id).bind(r.kind).bind(&r.title).bind(&r.reason)
        .bind(&r.owner).bind(r.opened_on).bind(r.due_on).bind(r.escalations.to_text()).bind(r.snoozed_until).bind(&r.snooze_reason)
        .bind(r.done_on).bind(r.outcome).bind(&r.outcome_note).bind(r.score_at_opening).bind(r.version).bind(r.created_at)
        .bind(r.updated_at).execute(db).await.map(|_| ()))
}

/// Saves a change. The customer, the content and the opening date stay unchanged.
pub async fn update(conn: &mut Conn, organization_id: Uuid, row: &InterventionRow) -> sqlx::Result<()> {
    const SQL: &str = "UPDATE interventions SET owner = $3, due_on = $4, snoozed_until = $5, snooze_reason = $6, done_on = $7, outcome = $8, \
                       outcome_note = $9, version = $10, updated_at = $11 WHERE organization_id = $1 AND id = $2";
    let r = row;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(r.id).bind(&r.owner).bind(r.due_on).bind(r.snoozed_until).bind(&r.snooze_reason).bind(r.done_on)
        .bind(r.outcome).bind(&r.outcome_note).bind(r.version).bind(r.updated_at).execute(db).await.map(|_| ()))
}

/// Returns the notes on an intervention, oldest first.
pub async fn notes(conn: &mut Conn, organization_id: Uuid, intervention_id: Uuid) -> sqlx::Result<Vec<NoteRow>> {
    const SQL: &str = "SELECT id, text, author, recorded_at FROM intervention_notes \
                       WHERE organization_id = $1 AND intervention_id = $2 ORDER BY id";
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(intervention_id).fetch_all(db).await)
}

/// Adds a note.
pub async fn insert_note(
    conn: &mut Conn,
    organization_id: Uuid,
    intervention_id: Uuid,
    note: &NoteRow,
) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO intervention_notes (organization_id, id, intervention_id, text, author, recorded_at) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(note.id).bind(intervention_id).bind(&note.text).bind(&note.author).bind(note.recorded_at)
        .execute(db).await.map(|_| ()))
}
