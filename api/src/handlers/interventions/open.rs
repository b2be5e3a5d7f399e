//! Opening an intervention by hand.

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
use crate::store::customers;
use crate::store::interventions::{self, InterventionRow};
use crate::store::json_text::JsonText;
use crate::unit::Entity;

/// An intervention to open.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "customer_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "kind": "expert_session", "title": "A session on data import", "owner": "Ana", "due_on": "2026-05-08"
}))]
pub struct InterventionDraft {
    /// The customer.
    customer_id: Uuid,
    /// What kind of intervention.
    kind: InterventionKind,
    /// What is to be done.
    title: Name,
    /// Why.
    reason: Option<Note>,
    /// Who is to do it; the customer's owner if left out.
    owner: Option<Label>,
    /// The day by which it is to be done.
    due_on: NaiveDate,
    /// Whom it goes to when it is not done, tier after tier.
    #[serde(default)]
    #[schema(max_items = 10)]
    escalations: Vec<Tier>,
}

/// Opens an intervention for a customer
#[utoipa::path(tag = "interventions", security(("bearer" = ["health:write"])), request_body = InterventionDraft,
    responses((status = 201, description = "As opened.", body = Intervention)))]
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
        interventions::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let opened = Intervention::of(row, unit.today);
        unit.record_created(Entity::Intervention, opened.id, &opened).await?;
        Ok(Answer::created(format!("/v1/interventions/{}", opened.id), &opened)?.version_and_content(opened.version))
    })
    .await
}
