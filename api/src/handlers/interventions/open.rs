//! Creating an intervention by hand.

use actix_web::post;
use chrono::NaiveDate;
use milepost_domain::customer::account::CustomerContent;
use milepost_domain::customer::intervention::{InterventionKind, Priority, Tier, check_tiers};
use milepost_domain::rule::{Rule as _, all_kept};
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Name, Note};
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
use crate::owner::{self, NamedOwner, settle_tiers};
use crate::reference::{self, Named};
use crate::resources::interventions::{Intervention, open_row};
use crate::store::customers::Customer;
use crate::store::interventions::InterventionRow;
use crate::store::json_text::JsonText;
use crate::store::{Conn, row};
use crate::unit::Entity;

/// Intervention to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "customer_ref": "crm-4711", "kind": "expert_session", "title": "A session on data import", "owner_name": "Ana", "due_on": "2026-05-08"
}))]
pub struct InterventionDraft {
    /// Identifier of the customer. Required without `customer_ref`.
    customer_id: Option<Uuid>,
    /// External reference of the customer. Required without `customer_id`.
    customer_ref: Option<ExternalRef>,
    /// Kind of the intervention.
    kind: InterventionKind,
    /// Title: the task to do.
    title: Name,
    /// Reason for the intervention.
    reason: Option<Note>,
    /// Identifier of the owner, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference or e-mail address of the owner.
    owner_ref: Option<ExternalRef>,
    /// Name of the owner: free text for somebody outside. Has no effect where a person is named. Defaults to the customer's owner.
    owner_name: Option<Name>,
    /// Priority. Defaults to `normal`.
    #[serde(default)]
    priority: Priority,
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
    let named = Named { id: draft.customer_id, external_ref: draft.customer_ref.as_ref() };
    let today = cx.today();
    let mut conn = cx.survey().await?;
    let customer = named_customer(&mut conn, cx.organization_id(), named).await?;
    let models = Models::load(&mut conn, cx.organization_id(), None).await?;
    let stretch = Stretch { from: today, to: today, known_at: None };
    let mut observed = observed::observe(&cx, &mut conn, vec![customer], models.needs(), stretch).await?;
    drop(conn);
    let score = observed.pop().and_then(|one| one.days(&models, today, today).pop()?.score());
    cx.write(async |unit| {
        let customer = named_customer(&mut unit.conn, unit.organization_id, named).await?;
        if draft.due_on < unit.today {
            return Err(ValueRule::InThePast { today: unit.today }.at("/due_on").into());
        }
        let row = open_row(unit, &customer, draft.kind, &draft.title, draft.due_on);
        let mut escalations = draft.escalations.clone();
        settle_tiers(unit, "escalations", &mut escalations, &[]).await?;
        let mut row = InterventionRow {
            reason: draft.reason.as_ref().map(ToString::to_string),
            priority: draft.priority,
            escalations: JsonText(escalations),
            score_at_opening: score,
            ..row
        };
        let named = NamedOwner::of(draft.owner_id, draft.owner_ref.as_ref(), draft.owner_name.as_ref());
        let owner = owner::resolve(&mut unit.conn, unit.organization_id, "owner", named).await?;
        if !owner.is_nobody() {
            row.give_to(owner);
        }
        row::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let opened = Intervention::of(row, unit.today);
        unit.record_created(Entity::Intervention, opened.id, &opened).await?;
        Ok(Answer::created(format!("/v1/interventions/{}", opened.id), &opened)?.version_and_content(opened.version))
    })
    .await
}

async fn named_customer(conn: &mut Conn, organization_id: Uuid, named: Named<'_>) -> Result<Customer, ApiError> {
    let found = reference::resolve::<CustomerContent>(conn, organization_id, "customer", named).await?;
    found.ok_or_else(|| ApiError::field("/customer_id", "required", "must be given, or customer_ref"))
}
