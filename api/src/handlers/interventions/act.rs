//! Assigning, snoozing and completing interventions.

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::customer::intervention::Outcome;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Label, Note, Reason};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::precondition::IfMatchOptional;
use crate::resources::interventions::Intervention;
use crate::store::interventions::InterventionRow;
use crate::store::row;
use crate::unit::{Change, Entity, Unit};

/// Assignment of an intervention.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"owner": "Ben", "due_on": "2026-05-08"}))]
pub struct Assignment {
    /// Owner: the person responsible.
    owner: Label,
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
/// Sets the owner and, if given, the due date. An intervention that is done cannot be changed.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), params(IfMatchOptional), request_body = Assignment,
    responses((status = 200, description = "As assigned.", body = Intervention)))]
#[post("/v1/interventions/{id}/assign")]
pub async fn assign_intervention(cx: Context, id: Path<Uuid>, body: Body<Assignment>) -> Result<Answer, ApiError> {
    change(&cx, *id, "assigned", |row, today| {
        if body.0.due_on.is_some_and(|due_on| due_on < today) {
            return Err(ValueRule::InThePast { today }.at("/due_on").into());
        }
        row.owner = Some(body.0.owner.to_string());
        row.due_on = body.0.due_on.unwrap_or(row.due_on);
        Ok(())
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
    change(&cx, *id, "snoozed", |row, today| {
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
/// Marks the intervention as done today and records its outcome. This cannot be undone.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), params(IfMatchOptional), request_body = Completion,
    responses((status = 200, description = "As finished.", body = Intervention)))]
#[post("/v1/interventions/{id}/finish")]
pub async fn finish_intervention(cx: Context, id: Path<Uuid>, body: Body<Completion>) -> Result<Answer, ApiError> {
    change(&cx, *id, "done", |row, today| {
        row.done_on = Some(today);
        row.outcome = Some(body.0.outcome);
        row.outcome_note = body.0.note.as_ref().map(ToString::to_string);
        Ok(())
    })
    .await
}

/// Changes an intervention that is not done.
async fn change(
    cx: &Context,
    id: Uuid,
    verb: &str,
    apply: impl Fn(&mut InterventionRow, NaiveDate) -> Result<(), ApiError>,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let before = find(unit, id).await?;
        cx.check_version(before.version)?;
        if before.done_on.is_some() {
            return Err(ApiError::new(Code::Conflict, "The intervention is already done."));
        }
        let mut after = InterventionRow { version: before.version + 1, updated_at: unit.now, ..before.clone() };
        apply(&mut after, unit.today)?;
        row::update(&mut unit.conn, unit.organization_id, &after).await?;
        let (before, after) = (Intervention::of(before, unit.today), Intervention::of(after, unit.today));
        let of = (Entity::Intervention, id);
        unit.record(Change { verb, entity: of, root: of, before: Some(&before), after: Some(&after) }).await?;
        Ok(Answer::ok(&after)?.version_and_content(after.version))
    })
    .await
}

async fn find(unit: &mut Unit, id: Uuid) -> Result<InterventionRow, ApiError> {
    row::find(&mut unit.conn, unit.organization_id, id).await?.ok_or_else(ApiError::not_found)
}
