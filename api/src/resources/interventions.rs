//! Interventions, and how one is opened.

use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::customer::intervention::{
    EndedBy, InterventionKind, Outcome, Priority, Status, Tier, escalated_to, status,
};
use milepost_domain::values::dates::plus_days;
use milepost_domain::values::text::{ExternalRef, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::customers::Customer;
use crate::store::interventions::InterventionRow;
use crate::store::json_text::JsonText;
use crate::store::owner::Owner;
use crate::store::playbooks::PlaybookRow;
use crate::store::row;
use crate::unit::{Change, Entity, Unit};

/// An intervention: a task opened for a customer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "customer_ref": "crm-4711",
    "playbook_id": null, "kind": "coaching",
    "title": "Call the sponsor", "reason": "band_entered", "owner_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "owner_ref": "hr-17",
    "owner_name": "Ana", "follows_owner": false, "priority": "normal",
    "subjects": [""], "status": "open", "opened_on": "2026-05-04", "due_on": "2026-05-06",
    "overdue": false, "escalated_to_id": null, "escalated_to_name": null,
    "escalations": [{"after_days": 3, "to_id": null, "to_ref": null, "to_name": "Head of customer success"}], "snoozed_until": null,
    "snooze_reason": null, "done_on": null, "outcome": null, "outcome_note": null, "ended_by": null, "score_at_opening": 38.0, "version": 1,
    "created_at": "2026-05-04T12:00:00Z", "updated_at": "2026-05-04T12:00:00Z"
}))]
pub struct Intervention {
    /// Identifier.
    pub id: Uuid,
    /// Identifier of the customer.
    pub customer_id: Uuid,
    /// External reference of the customer.
    pub customer_ref: Option<ExternalRef>,
    /// Identifier of the playbook that opened the intervention; null if a person opened it.
    pub playbook_id: Option<Uuid>,
    /// Kind of the intervention.
    pub kind: InterventionKind,
    /// Title: the task to do.
    #[schema(value_type = Name)]
    pub title: String,
    /// Reason for the intervention.
    #[schema(value_type = Option<Note>)]
    pub reason: Option<String>,
    /// Identifier of the owner, where a person is responsible.
    pub owner_id: Option<Uuid>,
    /// External reference of the owner.
    #[schema(value_type = Option<ExternalRef>)]
    pub owner_ref: Option<String>,
    /// Name of the owner: the person's, or that of somebody outside.
    #[schema(value_type = Option<Name>)]
    pub owner_name: Option<String>,
    /// Whether the owner changes with the customer's owner until the intervention is done.
    pub follows_owner: bool,
    /// Priority.
    pub priority: Priority,
    /// Subjects that it was opened for: milestones, plans or factors, or an empty text for the customer itself; empty
    /// if a person opened it.
    #[schema(max_items = 1000, value_type = Vec<String>, max_length = 300)]
    pub subjects: Vec<String>,
    /// Status.
    pub status: Status,
    /// Date of opening.
    pub opened_on: NaiveDate,
    /// Due date.
    pub due_on: NaiveDate,
    /// Whether the due date has passed and the intervention is not done.
    pub overdue: bool,
    /// Identifier of the person that the intervention has been escalated to; null if it has not been escalated or is done.
    pub escalated_to_id: Option<Uuid>,
    /// Name of the person, role or team that the intervention has been escalated to; null if it has not been escalated or is done.
    pub escalated_to_name: Option<Name>,
    /// Escalation tiers: recipients and delays.
    #[schema(max_items = 10)]
    pub escalations: Vec<Tier>,
    /// Day on which the snoozed intervention is open again; null if it has never been snoozed.
    pub snoozed_until: Option<NaiveDate>,
    /// Reason for snoozing.
    #[schema(value_type = Option<Note>)]
    pub snooze_reason: Option<String>,
    /// Date of completion; null while not done.
    pub done_on: Option<NaiveDate>,
    /// Outcome; null while not done.
    pub outcome: Option<Outcome>,
    /// Note on the outcome.
    #[schema(value_type = Option<Note>)]
    pub outcome_note: Option<String>,
    /// Cause for which it ended by itself; null if it is not done or a person finished it.
    pub ended_by: Option<EndedBy>,
    /// Customer's health score at the time of opening; null if there was none.
    pub score_at_opening: Option<f64>,
    /// Version. Increases by one with every change; the value of `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// Time of creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change.
    pub updated_at: DateTime<Utc>,
}

impl Intervention {
    /// The intervention as it stands on a day.
    pub fn of(row: InterventionRow, today: NaiveDate) -> Self {
        let is_done = row.done_on.is_some();
        let escalated =
            escalated_to(&row.escalations.0, row.opened_on, row.snoozed_until, today).filter(|_| !is_done).cloned();
        Self {
            id: row.id,
            customer_id: row.customer_id,
            customer_ref: row.customer_ref,
            playbook_id: row.playbook_id,
            kind: row.kind,
            title: row.title,
            reason: row.reason,
            owner_id: row.owner_id,
            owner_ref: row.owner_ref,
            owner_name: row.owner_name,
            follows_owner: row.follows_owner,
            priority: row.priority,
            subjects: row.subjects.0,
            status: status(row.done_on, row.snoozed_until, today),
            opened_on: row.opened_on,
            due_on: row.due_on,
            overdue: !is_done && row.due_on < today,
            escalated_to_id: escalated.as_ref().and_then(|tier| tier.to_id),
            escalated_to_name: escalated.and_then(|tier| tier.to_name),
            escalations: row.escalations.0,
            snoozed_until: row.snoozed_until,
            snooze_reason: row.snooze_reason,
            done_on: row.done_on,
            outcome: row.outcome,
            outcome_note: row.outcome_note,
            ended_by: row.ended_by,
            score_at_opening: row.score_at_opening,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The intervention that a playbook opens for a customer because its trigger has begun to hold. `begun` names the
/// milestones, plans or factors for which it does.
pub fn opened_by(
    unit: &Unit,
    playbook: &PlaybookRow,
    customer: &Customer,
    score: Option<f64>,
    begun: &[String],
) -> InterventionRow {
    let content = &playbook.content.content;
    let action = &content.action;
    let subjects: Vec<&str> = begun.iter().map(String::as_str).filter(|subject| !subject.is_empty()).collect();
    let reason = match subjects.as_slice() {
        [] => content.trigger.kind.to_string(),
        some => format!("{}: {}", content.trigger.kind, some.join(", ")),
    };
    let row =
        open_row(unit, customer, action.kind, &action.title, plus_days(unit.today, i64::from(action.due_in_days)));
    let own = Owner {
        id: action.owner_id,
        external_ref: action.owner_ref.clone().map(String::from),
        name: action.owner_name.clone().map(String::from),
    };
    let owner = if own.is_nobody() { row.owner() } else { own };
    InterventionRow {
        playbook_id: Some(playbook.id),
        reason: Some(reason.chars().take(Note::MAX_CHARS).collect()),
        owner_id: owner.id,
        owner_ref: owner.external_ref,
        owner_name: owner.name,
        follows_owner: action.follows_owner,
        priority: action.priority,
        subjects: JsonText(begun.to_vec()),
        escalations: JsonText(action.escalations.clone()),
        score_at_opening: score,
        ..row
    }
}

/// A new intervention for a customer, owned by the customer's owner.
pub fn open_row(
    unit: &Unit,
    customer: &Customer,
    kind: InterventionKind,
    title: &Name,
    due_on: NaiveDate,
) -> InterventionRow {
    InterventionRow {
        id: unit.new_id(),
        customer_id: customer.id,
        customer_ref: customer.external_ref.clone(),
        playbook_id: None,
        kind,
        title: title.to_string(),
        reason: None,
        owner_id: customer.owner_id,
        owner_ref: customer.owner_ref.clone().map(String::from),
        owner_name: customer.owner_name.clone().map(String::from),
        follows_owner: false,
        priority: Priority::Normal,
        subjects: JsonText(vec![]),
        opened_on: unit.today,
        due_on,
        escalations: JsonText(vec![]),
        snoozed_until: None,
        snooze_reason: None,
        done_on: None,
        outcome: None,
        outcome_note: None,
        ended_by: None,
        score_at_opening: None,
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    }
}

/// Saves an intervention with its next version, and records the change.
pub async fn save(
    unit: &mut Unit,
    before: InterventionRow,
    after: InterventionRow,
    verb: &'static str,
) -> Result<Intervention, ApiError> {
    let after = InterventionRow { version: before.version + 1, updated_at: unit.now, ..after };
    row::update(&mut unit.conn, unit.organization_id, &after).await?;
    let of = (Entity::Intervention, before.id);
    let (before, after) = (Intervention::of(before, unit.today), Intervention::of(after, unit.today));
    unit.record(Change { verb, entity: of, root: of, before: Some(&before), after: Some(&after) }).await?;
    Ok(after)
}
