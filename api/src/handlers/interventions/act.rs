//! Assigning, snoozing and completing interventions.

use std::collections::HashMap;

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::intervention::{Outcome, Priority};
use milepost_domain::customer::rule::CustomerRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Name, Note, Reason};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::owner;
use crate::owner::NamedOwner;
use crate::precondition::IfMatchOptional;
use crate::record;
use crate::resources::interventions::{Intervention, save};
use crate::store::interventions::{self, InterventionNote, InterventionRow};
use crate::store::json_text::JsonText;
use crate::store::owner::Owner;
use crate::store::{playbooks, row};
use crate::unit::Unit;

/// Assignment of an intervention.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"owner_name": "Ben", "due_on": "2026-05-08"}))]
pub struct Assignment {
    /// Identifier of the owner, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference or e-mail address of the owner.
    owner_ref: Option<ExternalRef>,
    /// Name of the owner: free text for somebody outside. Required unless a person is named.
    owner_name: Option<Name>,
    /// Due date. Stays unchanged if left out.
    due_on: Option<NaiveDate>,
    /// Priority. Stays unchanged if left out.
    priority: Option<Priority>,
}

/// Assignment of several interventions.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ids": ["0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"], "owner_name": "Ben"}))]
pub struct BulkAssignment {
    /// Identifiers of the interventions.
    #[schema(min_items = 1, max_items = 500)]
    ids: Vec<Uuid>,
    /// Identifier of the owner, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference or e-mail address of the owner.
    owner_ref: Option<ExternalRef>,
    /// Name of the owner: free text for somebody outside. Required unless a person is named.
    owner_name: Option<Name>,
}

/// Result of assigning several interventions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"assigned": 12}))]
pub struct Assigned {
    /// Number of interventions whose owner changed.
    #[schema(maximum = 500)]
    assigned: usize,
}

/// Reopening of an intervention.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "They have not agreed after all.", "due_on": "2026-05-20"}))]
pub struct Reopening {
    /// Reason for reopening.
    reason: Reason,
    /// Due date. Stays unchanged if left out.
    due_on: Option<NaiveDate>,
}

/// Snoozing of an intervention.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"until": "2026-05-18", "reason": "Their office is closed."}))]
pub struct Snooze {
    /// Day on which the intervention is open again. Must be after today.
    until: NaiveDate,
    /// Reason for snoozing.
    reason: Reason,
}

/// Completion of an intervention.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "succeeded", "note": "They have agreed on a new plan."}))]
pub struct Completion {
    /// Outcome.
    outcome: Outcome,
    /// Note on the outcome.
    note: Option<Note>,
}

/// Assign an intervention
///
/// Sets the owner and, if given, the due date and the priority. From then on the owner no longer follows the customer's. An intervention
/// that is done cannot be changed.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), params(IfMatchOptional), request_body = Assignment,
    responses((status = 200, description = "As assigned.", body = Intervention)))]
#[post("/v1/interventions/{id}/assign")]
pub async fn assign_intervention(cx: Context, id: Path<Uuid>, body: Body<Assignment>) -> Result<Answer, ApiError> {
    change(&cx, *id, "assigned", async |unit, row| {
        let (draft, today) = (&body.0, unit.today);
        if body.0.due_on.is_some_and(|due_on| due_on < today) {
            return Err(ValueRule::InThePast { today }.at("/due_on").into());
        }
        row.give_to(new_owner(unit, draft.owner_id, draft.owner_ref.as_ref(), draft.owner_name.as_ref()).await?);
        row.follows_owner = false;
        row.due_on = body.0.due_on.unwrap_or(row.due_on);
        row.priority = body.0.priority.unwrap_or(row.priority);
        Ok(())
    })
    .await
}

/// Assign several interventions
///
/// Sets the owner of all of them, or of none: the request fails if one of them does not exist or is done.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), request_body = BulkAssignment,
    responses((status = 200, description = "The number of interventions whose owner changed.", body = Assigned)))]
#[post("/v1/interventions/assign")]
pub async fn assign_interventions(cx: Context, body: Body<BulkAssignment>) -> Result<Answer, ApiError> {
    let BulkAssignment { ids, owner_id, owner_ref, owner_name } = &body.0;
    cx.write(async |unit| {
        let owner = new_owner(unit, *owner_id, owner_ref.as_ref(), owner_name.as_ref()).await?;
        let mut known: HashMap<Uuid, InterventionRow> =
            interventions::find_all(&mut unit.conn, unit.organization_id, ids).await?;
        for (index, id) in ids.iter().enumerate() {
            let at = format!("/ids/{index}");
            match known.get(id) {
                None => return Err(ApiError::field(&at, "unknown_intervention", "names no intervention")),
                Some(row) if row.done_on.is_some() => return Err(CustomerRule::InterventionDone.at(at).into()),
                Some(_) => {}
            }
        }
        known.retain(|_, row| row.owner() != owner || row.follows_owner);
        let assigned = known.len();
        for before in known.into_values() {
            let mut after = InterventionRow { follows_owner: false, ..before.clone() };
            after.give_to(owner.clone());
            save(unit, before, after, "assigned").await?;
        }
        Answer::ok(&Assigned { assigned })
    })
    .await
}

/// Snooze an intervention
///
/// Puts the intervention off until a day after today, on which it is open again. An intervention that is done cannot be
/// changed.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), params(IfMatchOptional), request_body = Snooze,
    responses((status = 200, description = "As put off.", body = Intervention)))]
#[post("/v1/interventions/{id}/snooze")]
pub async fn snooze_intervention(cx: Context, id: Path<Uuid>, body: Body<Snooze>) -> Result<Answer, ApiError> {
    change(&cx, *id, "snoozed", async |unit, row| {
        let today = unit.today;
        if body.0.until <= today {
            return Err(ValueRule::InThePast { today }.at("/until").into());
        }
        (row.snoozed_until, row.snooze_reason) = (Some(body.0.until), Some(body.0.reason.to_string()));
        Ok(())
    })
    .await
}

/// Complete an intervention
///
/// Marks the intervention as done today and records its outcome. If it failed, its playbook opens another one once its cooldown is over, as
/// long as the trigger still holds.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), params(IfMatchOptional), request_body = Completion,
    responses((status = 200, description = "As finished.", body = Intervention)))]
#[post("/v1/interventions/{id}/finish")]
pub async fn finish_intervention(cx: Context, id: Path<Uuid>, body: Body<Completion>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = find(unit, *id).await?;
        cx.check_version(before.version)?;
        check_unfinished(&before)?;
        let after = InterventionRow {
            done_on: Some(unit.today),
            outcome: Some(body.0.outcome),
            outcome_note: body.0.note.as_ref().map(ToString::to_string),
            ..before.clone()
        };
        if let Some(playbook_id) = before.playbook_id.filter(|_| body.0.outcome == Outcome::Failed) {
            let subjects = &before.subjects.0;
            playbooks::forget(&mut unit.conn, unit.organization_id, playbook_id, before.customer_id, subjects).await?;
        }
        let after = save(unit, before, after, "done").await?;
        Ok(Answer::ok(&after)?.version_and_content(after.version))
    })
    .await
}

/// Reopen an intervention
///
/// Takes back that the intervention is done. Its outcome stays in the ledger only.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), params(IfMatchOptional), request_body = Reopening,
    responses((status = 200, description = "As reopened.", body = Intervention)))]
#[post("/v1/interventions/{id}/reopen")]
pub async fn reopen_intervention(cx: Context, id: Path<Uuid>, body: Body<Reopening>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = find(unit, *id).await?;
        cx.check_version(before.version)?;
        if before.done_on.is_none() {
            return Err(ApiError::new(Code::Conflict, "The intervention is not done."));
        }
        if body.0.due_on.is_some_and(|due_on| due_on < unit.today) {
            return Err(ValueRule::InThePast { today: unit.today }.at("/due_on").into());
        }
        let note = InterventionNote {
            id: unit.new_id(),
            intervention_id: *id,
            text: body.0.reason.clone().into(),
            author: unit.author(),
            recorded_at: unit.now,
        };
        record::append(unit, &note).await?;
        let after = InterventionRow {
            done_on: None,
            outcome: None,
            outcome_note: None,
            // What a person has taken on does not end by itself.
            subjects: if before.ended_by.is_some() { JsonText(vec![]) } else { before.subjects.clone() },
            ended_by: None,
            snoozed_until: None,
            snooze_reason: None,
            due_on: body.0.due_on.unwrap_or(before.due_on),
            ..before.clone()
        };
        let after = save(unit, before, after, "reopened").await?;
        Ok(Answer::ok(&after)?.version_and_content(after.version))
    })
    .await
}

/// Changes an intervention that is not done.
async fn change(
    cx: &Context,
    id: Uuid,
    verb: &'static str,
    apply: impl AsyncFn(&mut Unit, &mut InterventionRow) -> Result<(), ApiError>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = find(unit, id).await?;
        cx.check_version(before.version)?;
        check_unfinished(&before)?;
        let mut after = before.clone();
        apply(unit, &mut after).await?;
        let after = save(unit, before, after, verb).await?;
        Ok(Answer::ok(&after)?.version_and_content(after.version))
    })
    .await
}

/// The owner that an assignment names.
async fn new_owner(
    unit: &mut Unit,
    id: Option<Uuid>,
    external_ref: Option<&ExternalRef>,
    name: Option<&Name>,
) -> Result<Owner, ApiError> {
    let named = NamedOwner::of(id, external_ref, name);
    let owner = owner::resolve(&mut unit.conn, unit.organization_id, "owner", named).await?;
    if owner.is_nobody() { Err(ValueRule::Required { what: "the owner" }.at("/owner_id").into()) } else { Ok(owner) }
}

fn check_unfinished(row: &InterventionRow) -> Result<(), ApiError> {
    if row.done_on.is_some() { Err(ApiError::new(Code::Conflict, "The intervention is already done.")) } else { Ok(()) }
}

async fn find(unit: &mut Unit, id: Uuid) -> Result<InterventionRow, ApiError> {
    row::find(&mut unit.conn, unit.organization_id, id).await?.ok_or_else(ApiError::not_found)
}
