//! Playbooks, and for what of which customers their triggers hold.

use chrono::NaiveDate;
use milepost_domain::customer::playbook::KeyedPlaybook;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::json_text::JsonText;
use crate::kept::{Content, Kept, Versioned};
use crate::milestones::push_ids;
use crate::{Conn, columns, on, row};

/// A playbook.
pub type PlaybookRow = Kept<KeyedPlaybook, Versioned>;

columns!(KeyedPlaybook { key, content });

impl Content for KeyedPlaybook {
    const TABLE: &'static str = "playbooks";
    const UNIQUE: Option<&'static str> = Some("key");
}

/// State of a playbook for a customer: the subjects for which the trigger held, and the date on which it last opened an
/// intervention.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct StateRow {
    pub playbook_id: Uuid,
    pub customer_id: Uuid,
    pub version: i64,
    pub held: JsonText<Vec<String>>,
    pub opened_on: Option<NaiveDate>,
}

from_row!(StateRow { playbook_id, customer_id, version, held as String, opened_on });

/// Returns all playbooks by key. An organization has a few dozen.
pub async fn all(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<PlaybookRow>> {
    row::all(conn, organization_id, &[], "key").await
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
