//! Corrections of what was recorded wrongly of a milestone.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::NaiveDate;
use milepost_domain::Rule as _;
use milepost_domain::plan::milestone::{self, Evidence, corrected};
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::Reason;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::precondition::IfMatchOptional;
use crate::record::{self, Record};
use crate::resources::milestones::{Milestone, load, save};
use crate::store::corrections::Correction;
use crate::store::json_text::JsonText;
use crate::store::row;
use crate::unit::Entity;

impl Record for Correction {
    const OF: &'static str = "milestone_id";
    const ENTITY: Entity = Entity::Milestone;
    const VERB: &'static str = "corrected";

    fn of(&self) -> Uuid {
        self.milestone_id
    }
}

/// Correction to record. At least one field besides the reason is required.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"actual_on": "2026-04-17", "reason": "The run of Friday already met all criteria."}))]
pub struct CorrectionDraft {
    /// Right start date.
    started_on: Option<NaiveDate>,
    /// Right actual date.
    actual_on: Option<NaiveDate>,
    /// Right evidence.
    #[schema(max_items = 50)]
    evidence: Option<Vec<Evidence>>,
    /// Reason for the correction.
    reason: Reason,
}

/// Record a correction of a milestone
///
/// Corrects a start date, an actual date or evidence that was recorded wrongly; dates may move in both directions. The
/// correction and what stood there before remain as history, status reports tell the client of it, and `known_at` still
/// gives what was said before.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = CorrectionDraft,
    responses((status = 201, description = "The recorded correction.", body = Correction)))]
#[post("/v1/plans/{id}/milestones/{milestone}/corrections")]
pub async fn correct_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<CorrectionDraft>,
) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    let draft = body.0;
    cx.write(async |unit| {
        let (mut record, position) = load(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let before = Milestone::find(&record, &milestone, unit.today).ok_or_else(ApiError::not_found)?;
        if draft.started_on.is_none() && draft.actual_on.is_none() && draft.evidence.is_none() {
            return Err(ValueRule::Required { what: "what is to be corrected" }.at("").into());
        }
        let was = (record.milestones[position].started_on, record.milestones[position].closed_on);
        let (state, started_on, actual_on) = (record.milestones[position].state.0, draft.started_on, draft.actual_on);
        let right = milestone::Correction { state, recorded: was, started_on, actual_on };
        let row = &mut record.milestones[position];
        (row.started_on, row.closed_on) = corrected(right, unit.today)?;
        let correction = Correction {
            id: unit.new_id(),
            plan_id: id,
            milestone_id: row.id,
            started_from_on: was.0.filter(|_| started_on.is_some()),
            started_to_on: started_on,
            actual_from_on: was.1.filter(|_| actual_on.is_some()),
            actual_to_on: actual_on,
            evidence: JsonText(draft.evidence.clone()),
            reason: draft.reason.clone(),
            author: unit.author(),
            recorded_on: unit.today,
            recorded_at: unit.now,
        };
        row::insert(&mut unit.conn, unit.organization_id, &correction).await?;
        record.corrections.push(correction.clone());
        save(unit, &mut record, position, Some(&before), Correction::VERB).await?;
        record::recorded(unit, &format!("/v1/plans/{id}/milestones/{milestone}/corrections"), &correction).await
    })
    .await
}

/// List a milestone's corrections
///
/// Returns a page of the corrections, the newest first.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of corrections.", body = Page<Correction>)))]
#[get("/v1/plans/{id}/milestones/{milestone}/corrections")]
pub async fn list_corrections(cx: Context, path: Path<(Uuid, String)>, paging: Paging) -> Result<Answer, ApiError> {
    let milestone_id = milestone_id(&cx, path.0, &path.1).await?;
    record::list::<Correction>(&cx, &mut cx.read().await?, milestone_id, &paging).await
}

/// Get a correction of a milestone
///
/// Returns one recorded correction.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The correction.", body = Correction)))]
#[get("/v1/plans/{id}/milestones/{milestone}/corrections/{record_id}")]
pub async fn read_correction(cx: Context, path: Path<(Uuid, String, Uuid)>) -> Result<Answer, ApiError> {
    let milestone_id = milestone_id(&cx, path.0, &path.1).await?;
    record::read::<Correction>(&cx, milestone_id, path.2).await
}

async fn milestone_id(cx: &Context, plan_id: Uuid, id_or_key: &str) -> Result<Uuid, ApiError> {
    let plans = cx.plans().await?;
    let plan = plans.find(plan_id).ok_or_else(ApiError::not_found)?;
    let id = id_or_key.parse::<Uuid>().ok();
    let found = plan.labels.iter().find(|label| Some(label.id) == id || &*label.key == id_or_key);
    Ok(found.ok_or_else(ApiError::not_found)?.id)
}
