//! Storage of playbooks and of the state of their triggers per customer.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::playbook::Playbook;
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use super::json_text::JsonText;
use super::milestones::push_ids;
use super::{Conn, on};

/// Row of a playbook.
#[derive(Debug, Clone, FromRow)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct PlaybookRow {
    pub id: Uuid,
    pub key: String,
    #[sqlx(try_from = "String")]
    pub content: JsonText<Playbook>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// State of a playbook for a customer: the subjects for which the trigger held, and the date on which it last opened an
/// intervention.
#[derive(Debug, Clone, PartialEq, FromRow)]
#[expect(missing_docs, reason = "the names say it")]
pub struct StateRow {
    pub playbook_id: Uuid,
    pub customer_id: Uuid,
    pub version: i64,
    #[sqlx(try_from = "String")]
    pub held: JsonText<Vec<String>>,
    pub opened_on: Option<NaiveDate>,
}

macro_rules! columns {
    () => {
        "id, key, content, version, created_at, updated_at"
    };
}

/// Returns all playbooks by key. An organization has a few dozen.
pub async fn all(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<PlaybookRow>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM playbooks WHERE organization_id = $1 ORDER BY key");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).fetch_all(db).await)
}

/// Finds a playbook by key.
pub async fn find(conn: &mut Conn, organization_id: Uuid, key: &str) -> sqlx::Result<Option<PlaybookRow>> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM playbooks WHERE organization_id = $1 AND key = $2");
    on!(conn, db => sqlx::query_as(SQL).bind(organization_id).bind(key).fetch_optional(db).await)
}

/// Adds a playbook; returns `false` if the key is taken.
pub async fn insert(conn: &mut Conn, organization_id: Uuid, playbook: &PlaybookRow) -> sqlx::Result<bool> {
    const SQL: &str = concat!(
        "INSERT INTO playbooks (organization_id, ",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (organization_id, key) DO NOTHING"
    );
    let p = playbook;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(p.id).bind(&p.key).bind(p.content.to_text()).bind(p.version).bind(p.created_at)
        .bind(p.updated_at).execute(db).await.map(|done| done.rows_affected() == 1))
}

/// Saves a change.
pub async fn update(conn: &mut Conn, organization_id: Uuid, playbook: &PlaybookRow) -> sqlx::Result<()> {
    const SQL: &str =
        "UPDATE playbooks SET content = $3, version = $4, updated_at = $5 WHERE organization_id = $1 AND id = $2";
    let p = playbook;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(p.id).bind(p.content.to_text()).bind(p.version).bind(p.updated_at)
        .execute(db).await.map(|_| ()))
}

/// Returns the states of all playbooks for the given customers.
pub async fn states(conn: &mut Conn, organization_id: Uuid, customer_ids: &[Uuid]) -> sqlx::Result<Vec<StateRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new("SELECT playbook_id, customer_id, version, held, opened_on FROM playbook_states WHERE organization_id = ");
        query.push_bind(organization_id);
        push_ids(&mut query, "customer_id", Some(customer_ids));
        query.build_query_as().fetch_all(db).await
    })
}

/// Saves the state of a playbook for a customer.
pub async fn save_state(conn: &mut Conn, organization_id: Uuid, state: &StateRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO playbook_states (organization_id, playbook_id, customer_id, held, opened_on, version) \
                       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization_id, customer_id, playbook_id) \
                       DO UPDATE SET version = excluded.version, held = excluded.held, opened_on = excluded.opened_on";
    let s = state;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(s.playbook_id).bind(s.customer_id).bind(s.held.to_text()).bind(s.opened_on).bind(s.version)
        .execute(db).await.map(|_| ()))
}
