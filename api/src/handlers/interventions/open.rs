//! Creating an intervention by hand.

use actix_web::post;
use chrono::NaiveDate;
use milepost_domain::customer::playbook::{InterventionKind, Tier, check_tiers};
use milepost_domain::rule::{Rule as _, all_kept};
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Label, Name, Note};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::customer_health::models::Models;
use crate::customer_health::observed;
use crate::customer_health::observed::Stretch;
use crate::error::ApiError;
use crate::extract::Body;
use crate::resources::interventions::{Intervention, open_row};
use crate::store::interventions::InterventionRow;
use crate::store::json_text::JsonText;
use crate::store::{customers, row};
use crate::unit::Entity;

/// Intervention to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "kind": "expert_session", "title": "A session on data import", "owner": "Ana", "due_on": "2026-05-08"
}))]
pub struct InterventionDraft {
    /// Identifier of the customer.
    customer_id: Uuid,
    /// Kind of the intervention.
    kind: InterventionKind,
    /// Title: the task to do.
    title: Name,
    /// Reason for the intervention.
    reason: Option<Note>,
    /// Owner: the person responsible. Defaults to the customer's owner.
    owner: Option<Label>,
    /// Due date. Must not be in the past.
    due_on: NaiveDate,
    /// Escalation tiers: recipients and delays, in order, in case the intervention is not done.
    #[serde(default)]
    #[schema(max_items = 10)]
    escalations: Vec<Tier>,
}

/// Create an intervention
///
/// Opens a task for a customer and keeps the customer's current health score with it.
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), request_body = InterventionDraft,
    responses((status = 201, description = "The created intervention.", body = Intervention)))]
#[post("/v1/interventions")]
pub async fn open_intervention(cx: Context, body: Body<InterventionDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    all_kept(check_tiers(&draft.escalations, ""))?;
    let unknown = || ApiError::field("/customer_id", "unknown_customer", "there is no customer with this id");
    let today = cx.today();
    let mut conn = cx.snapshot().await?;
    let customer = customers::find(&mut conn, cx.organization_id(), draft.customer_id).await?.ok_or_else(unknown)?;
    let models = Models::load(&mut conn, cx.organization_id(), None).await?;
    let stretch = Stretch { from: today, to: today, known_at: None };
    let mut observed = observed::observe(&cx, &mut conn, vec![customer], models.reach_days(), stretch).await?;
    drop(conn);
    let score = observed.pop().and_then(|one| one.days(&models, today, today).pop()?.score());
    cx.write(async |unit| {
        let found = customers::find(&mut unit.conn, unit.organization_id, draft.customer_id).await?;
        let customer = found.ok_or_else(unknown)?;
        if draft.due_on < unit.today {
            return Err(ValueRule::InThePast { today: unit.today }.at("/due_on").into());
        }
        let row = open_row(unit, &customer, draft.kind, &draft.title, draft.due_on);
        let row = InterventionRow {
            reason: draft.reason.as_ref().map(ToString::to_string),
            owner: draft.owner.as_ref().map(ToString::to_string).or(row.owner),
            escalations: JsonText(draft.escalations.clone()),
            score_at_opening: score,
            ..row
        };
        row::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let opened = Intervention::of(row, unit.today);
        unit.record_created(Entity::Intervention, opened.id, &opened).await?;
        Ok(Answer::created(format!("/v1/interventions/{}", opened.id), &opened)?.version_and_content(opened.version))
    })
    .await
}
