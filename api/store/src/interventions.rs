//! Interventions, and what is noted of them.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::intervention::{EndedBy, InterventionKind, Outcome, Priority, Tier};
use milepost_domain::values::text::{ExternalRef, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::author::Author;
use crate::json_text::JsonText;
use crate::many::ROWS_PER_INSERT;
use crate::owner::Owner;
use crate::row::{self, Column as _, Condition, Value};
use crate::{Conn, columns, on, table};

/// An intervention.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "described by the resource")]
pub struct InterventionRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub customer_ref: Option<ExternalRef>,
    pub playbook_id: Option<Uuid>,
    pub kind: InterventionKind,
    pub title: String,
    pub reason: Option<String>,
    pub owner_id: Option<Uuid>,
    pub owner_ref: Option<String>,
    pub owner_name: Option<String>,
    pub follows_owner: bool,
    pub priority: Priority,
    pub subjects: JsonText<Vec<String>>,
    pub opened_on: NaiveDate,
    pub due_on: NaiveDate,
    pub escalations: JsonText<Vec<Tier>>,
    pub snoozed_until: Option<NaiveDate>,
    pub snooze_reason: Option<String>,
    pub done_on: Option<NaiveDate>,
    pub outcome: Option<Outcome>,
    pub outcome_note: Option<String>,
    pub ended_by: Option<EndedBy>,
    pub score_at_opening: Option<f64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl InterventionRow {
    /// Makes somebody the owner.
    pub fn give_to(&mut self, owner: Owner) {
        (self.owner_id, self.owner_ref, self.owner_name) = (owner.id, owner.external_ref, owner.name);
    }

    /// Returns whether it offers more to a customer.
    pub fn is_expansion(&self) -> bool {
        self.kind == InterventionKind::Expansion
    }

    /// Returns the owner.
    pub fn owner(&self) -> Owner {
        Owner { id: self.owner_id, external_ref: self.owner_ref.clone(), name: self.owner_name.clone() }
    }
}

/// Returns the owners of the interventions of a kind that are not done, each as often as they own one.
pub async fn owners_of_unfinished(
    conn: &mut Conn,
    organization_id: Uuid,
    kind: InterventionKind,
) -> sqlx::Result<Vec<Uuid>> {
    let conditions = [
        Condition::Equals("kind", kind.to_value()),
        Condition::IsPresent("done_on", false),
        Condition::IsPresent("owner_id", true),
    ];
    let rows: Vec<InterventionRow> = row::all(conn, organization_id, &conditions, "id").await?;
    Ok(rows.into_iter().filter_map(|row| row.owner_id).collect())
}

/// A note on an intervention.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "intervention_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11",
    "text": "They will call back.", "author": {"type": "api_client", "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"}, "recorded_at": "2026-05-04T12:00:00Z"
}))]
pub struct InterventionNote {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the intervention.
    pub intervention_id: Uuid,
    /// Text of the note.
    pub text: Note,
    /// Author of the record.
    pub author: Author,
    /// Time of recording.
    pub recorded_at: DateTime<Utc>,
}

columns!(InterventionNote { id, intervention_id, text, author, recorded_at });
table!(InterventionNote, "intervention_notes");

columns!(InterventionRow {
    id,
    customer_id,
    playbook_id,
    kind,
    title,
    reason,
    owner_id,
    follows_owner,
    priority,
    subjects,
    opened_on,
    due_on,
    escalations,
    snoozed_until,
    snooze_reason,
    done_on,
    outcome,
    outcome_note,
    ended_by,
    score_at_opening,
    version,
    created_at,
    updated_at
    | owner_name: OWNER_NAME; customer_ref: CUSTOMER_REF, owner_ref: OWNER_REF
});
table!(InterventionRow, "interventions");

/// Returns the interventions of archived customers that are not done and that nobody has touched since.
pub async fn unfinished_of_archived(conn: &mut Conn, organization_id: Uuid) -> sqlx::Result<Vec<Uuid>> {
    const SQL: &str = "SELECT i.id FROM interventions i JOIN customers c ON c.organization_id = i.organization_id AND c.id = i.customer_id \
                       WHERE i.organization_id = $1 AND i.done_on IS NULL AND c.archived_at IS NOT NULL AND i.updated_at <= c.archived_at \
                       ORDER BY i.id";
    on!(conn, db => sqlx::query_scalar(SQL).bind(organization_id).fetch_all(db).await)
}

/// Returns the interventions whose tiers name a person.
pub async fn escalating_to(
    conn: &mut Conn,
    organization_id: Uuid,
    person_id: Uuid,
) -> sqlx::Result<Vec<InterventionRow>> {
    let named = [Condition::Contains("escalations", person_id.to_string())];
    row::all(conn, organization_id, &named, "id").await
}

/// Returns the interventions of some customers that are not done.
pub async fn unfinished(
    conn: &mut Conn,
    organization_id: Uuid,
    customer_ids: &[Uuid],
) -> sqlx::Result<Vec<InterventionRow>> {
    let mut rows = vec![];
    for some in customer_ids.chunks(ROWS_PER_INSERT) {
        let conditions = [Condition::IsPresent("done_on", false), one_of("customer_id", some)];
        rows.extend(row::all::<InterventionRow>(conn, organization_id, &conditions, "id").await?);
    }
    Ok(rows)
}

/// Returns some interventions by their identifiers.
pub async fn find_all(
    conn: &mut Conn,
    organization_id: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<HashMap<Uuid, InterventionRow>> {
    let rows: Vec<InterventionRow> = row::all(conn, organization_id, &[one_of("id", ids)], "id").await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

fn one_of(column: &'static str, ids: &[Uuid]) -> Condition {
    Condition::OneOf(column, ids.iter().map(|id| Value::Uuid(Some(*id))).collect())
}
