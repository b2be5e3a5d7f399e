//! Activating and retiring risk models.

use actix_web::web::Path;
use actix_web::{get, post};
use milepost_domain::customer::risk_model::ModelStatus;
use milepost_domain::customer::rule::CustomerRule;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::Reason;
use milepost_domain::values::version::may_be_archived;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::RiskModel;
use crate::answer::Answer;
use crate::archiving::check_in_use;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::store::risk_models::{RiskActivation, RiskModelRow, activations};
use crate::store::{Conn, row};
use crate::unit::{Change, Entity, Unit};

/// Activation of a risk model.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"reason": "The sales team has reviewed its twenty highest cases and agrees."}))]
pub struct RiskActivationDraft {
    /// Reason for activating the model although it lacks something. Required in that case only.
    reason: Option<Reason>,
}

/// Get a risk model
///
/// Returns the model with its quality on held-out days, its status, and what it lacks to be activated.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:read"])),
    responses((status = 200, description = "The risk model.", body = RiskModel)))]
#[get("/v1/risk-models/{id}")]
pub async fn read_risk_model(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let (row, activations) = load(&mut cx.snapshot().await?, cx.organization_id(), *id).await?;
    Ok(Answer::ok(&RiskModel::of(row, &activations)?)?.content_tag())
}

/// Activate a risk model
///
/// From today on, `…/risk` states the model's probability, and its level follows from it. Earlier days keep what applied on them. A model
/// that lacks something is refused with 409 unless a reason is given. The points of the factors stay beside the probability.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:write"])), request_body = Option<RiskActivationDraft>,
    responses((status = 200, description = "The activated risk model.", body = RiskModel)))]
#[post("/v1/risk-models/{id}/activate")]
pub async fn activate_risk_model(
    cx: Context,
    id: Path<Uuid>,
    body: Body<RiskActivationDraft>,
) -> Result<Answer, ApiError> {
    let reason = body.0.reason;
    cx.write(async |unit| {
        let (row, activations) = load(&mut unit.conn, unit.organization_id, *id).await?;
        let before = RiskModel::of(row.clone(), &activations)?;
        if before.status == ModelStatus::Active {
            return Ok(Answer::ok(&before)?.content_tag());
        }
        check_in_use(row.archived_at.is_some(), "")?;
        if reason.is_none() && !before.lacks.is_empty() {
            let lacks: Vec<&str> = before.lacks.iter().map(|lack| lack.detail.as_str()).collect();
            return Err(CustomerRule::ModelUnproven { lacks: lacks.join("; ") }.at("/reason").into());
        }
        settle(unit, row, activations, before, Some(*id), reason.clone(), "activated").await
    })
    .await
}

/// Retire a risk model
///
/// From today on, the points of the factors decide about the level of risk. Earlier days keep what applied on them. Only
/// the active model can be retired.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The retired risk model.", body = RiskModel)))]
#[post("/v1/risk-models/{id}/retire")]
pub async fn retire_risk_model(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (row, activations) = load(&mut unit.conn, unit.organization_id, *id).await?;
        let before = RiskModel::of(row.clone(), &activations)?;
        if before.status != ModelStatus::Active {
            return Err(ApiError::new(Code::Conflict, "This risk model is not active."));
        }
        settle(unit, row, activations, before, None, None, "retired").await
    })
    .await
}

/// Archive a risk model
///
/// Takes the model out of the list; what it stated on earlier days stays. The active model is refused with 409.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The archived risk model.", body = RiskModel)))]
#[post("/v1/risk-models/{id}/archive")]
pub async fn archive_risk_model(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    set_archived(&cx, *id, true).await
}

/// Restore an archived risk model
///
/// Puts the model back into the list.
#[utoipa::path(tag = "risk", security(("bearer" = ["health:write"])),
    responses((status = 200, description = "The restored risk model.", body = RiskModel)))]
#[post("/v1/risk-models/{id}/restore")]
pub async fn restore_risk_model(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    set_archived(&cx, *id, false).await
}

async fn set_archived(cx: &Context, id: Uuid, is_archived: bool) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (row, activations) = load(&mut unit.conn, unit.organization_id, id).await?;
        let before = RiskModel::of(row.clone(), &activations)?;
        if row.archived_at.is_some() == is_archived {
            return Ok(Answer::ok(&before)?.content_tag());
        }
        may_be_archived(is_archived && before.status == ModelStatus::Active).map_err(|rule| rule.at(""))?;
        let row = RiskModelRow { archived_at: is_archived.then_some(unit.now), ..row };
        row::update(&mut unit.conn, unit.organization_id, &row).await?;
        let (after, of) = (RiskModel::of(row, &activations)?, (Entity::RiskModel, id));
        let verb = if is_archived { "archived" } else { "restored" };
        unit.record(Change { verb, entity: of, root: of, before: Some(&before), after: Some(&after) }).await?;
        Ok(Answer::ok(&after)?.content_tag())
    })
    .await
}

async fn load(
    conn: &mut Conn,
    organization_id: Uuid,
    id: Uuid,
) -> Result<(RiskModelRow, Vec<RiskActivation>), ApiError> {
    let found = row::find(conn, organization_id, id).await?.ok_or_else(ApiError::not_found)?;
    Ok((found, activations(conn, organization_id).await?))
}

/// Records which model applies from today on, and answers the one that was asked about.
async fn settle(
    unit: &mut Unit,
    row: RiskModelRow,
    mut activations: Vec<RiskActivation>,
    before: RiskModel,
    risk_model_id: Option<Uuid>,
    reason: Option<Reason>,
    verb: &'static str,
) -> Result<Answer, ApiError> {
    let activation = RiskActivation {
        id: unit.new_id(),
        risk_model_id,
        reason,
        author: unit.author(),
        activated_on: unit.today,
        activated_at: unit.now,
    };
    row::insert(&mut unit.conn, unit.organization_id, &activation).await?;
    activations.push(activation);
    let of = (Entity::RiskModel, row.id);
    let after = RiskModel::of(row, &activations)?;
    unit.record(Change { verb, entity: of, root: of, before: Some(&before), after: Some(&after) }).await?;
    Ok(Answer::ok(&after)?.content_tag())
}
