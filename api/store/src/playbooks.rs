//! Playbooks, and for what of which customers their triggers hold.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use milepost_domain::customer::playbook::KeyedPlaybook;
use milepost_domain::customer::reaction::Memory;
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::from_row::from_row;
use crate::json_text::JsonText;
use crate::kept::{Archivable, Content, Kept};
use crate::many::push_ids;
use crate::row::Condition;
use crate::{Conn, columns, on, row};

/// A playbook.
pub type PlaybookRow = Kept<KeyedPlaybook, Archivable>;

columns!(KeyedPlaybook { key, content });

impl Content for KeyedPlaybook {
    const TABLE: &'static str = "playbooks";
    const UNIQUE: Option<&'static str> = Some("key");
}

/// Memory of a playbook about a customer.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct StateRow {
    pub playbook_id: Uuid,
    pub customer_id: Uuid,
    pub scope: Option<String>,
    pub held: JsonText<Vec<String>>,
    pub opened: JsonText<BTreeMap<String, NaiveDate>>,
}

from_row!(StateRow { playbook_id, customer_id, scope, held as String, opened as String });

impl StateRow {
    /// The row for a memory.
    pub fn of(playbook_id: Uuid, customer_id: Uuid, memory: Memory) -> Self {
        let Memory { scope, held, opened_on } = memory;
        let scope = scope.and_then(|scope| serde_json::to_string(&scope).ok());
        Self { playbook_id, customer_id, scope, held: JsonText(held), opened: JsonText(opened_on) }
    }

    /// The memory in the row.
    pub fn memory(&self) -> Memory {
        let scope = self.scope.as_deref().and_then(|text| serde_json::from_str(text).ok());
        Memory { scope, held: self.held.0.clone(), opened_on: self.opened.0.clone() }
    }
}

/// Condition that a playbook is not archived.
pub const IN_USE: Condition = Condition::IsPresent("archived_at", false);

/// Returns all playbooks in use by key. An organization has a few dozen.
pub async fn all(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<PlaybookRow>> {
    row::all(conn, organization_id, &[IN_USE], "key").await
}

/// Returns the states of all playbooks for the given customers.
pub async fn states(conn: &mut Conn, organization_id: Uuid, customer_ids: &[Uuid]) -> sqlx::Result<Vec<StateRow>> {
    on!(conn, db => {
        let mut query = QueryBuilder::new(
            "SELECT playbook_id, customer_id, scope, held, opened FROM playbook_states WHERE organization_id = ",
        );
        query.push_bind(organization_id);
        push_ids(&mut query, "customer_id", Some(customer_ids));
        query.build_query_as().fetch_all(db).await
    })
}

/// Saves the state of a playbook for a customer.
pub async fn save_state(conn: &mut Conn, organization_id: Uuid, state: &StateRow) -> sqlx::Result<()> {
    const SQL: &str = "INSERT INTO playbook_states (organization_id, playbook_id, customer_id, scope, held, opened) \
                       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization_id, customer_id, playbook_id) \
                       DO UPDATE SET scope = excluded.scope, held = excluded.held, opened = excluded.opened";
    let s = state;
    on!(conn, db => sqlx::query(SQL)
        .bind(organization_id).bind(s.playbook_id).bind(s.customer_id).bind(&s.scope).bind(s.held.to_text()).bind(s.opened.to_text())
        .execute(db).await.map(|_| ()))
}

/// Lets a playbook forget that its trigger held for some subjects of a customer, so that it reacts again if it still does.
pub async fn forget(
    conn: &mut Conn,
    organization_id: Uuid,
    playbook_id: Uuid,
    customer_id: Uuid,
    subjects: &[String],
) -> sqlx::Result<()> {
    let known = states(conn, organization_id, &[customer_id]).await?;
    if let Some(mut state) = known.into_iter().find(|state| state.playbook_id == playbook_id) {
        state.held.0.retain(|subject| !subjects.contains(subject));
        save_state(conn, organization_id, &state).await?;
    }
    Ok(())
}
