//! Withdrawal of a person from a program.

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::start::check_withdrawal;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::Reason;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Plan;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::precondition::IfMatchOptional;
use crate::read_model::PlanView;
use crate::store::plans;
use crate::unit::{Change, Entity};

/// Withdrawal from a program.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The person has changed to another department.", "withdrawn_on": "2026-05-04"}))]
pub struct WithdrawalDraft {
    /// Reason.
    reason: Reason,
    /// Day of the withdrawal. Not in the future, and not before the plan. Defaults to today.
    withdrawn_on: Option<NaiveDate>,
}

/// Withdraw a person from a program
///
/// The plan is archived, with the day and the reason: nothing in it is proved or due any more, what was achieved stays, and the person can be
/// enrolled again. Restoring the plan undoes the withdrawal.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), params(IfMatchOptional),
    request_body = WithdrawalDraft,
    responses((status = 200, description = "The archived plan.", body = Plan)))]
#[post("/v1/plans/{id}/withdraw")]
pub async fn withdraw_person(cx: Context, id: Path<Uuid>, body: Body<WithdrawalDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        cx.check_version(record.plan.version)?;
        if record.plan.person_id.is_none() {
            return Err(ApiError::new(Code::Conflict, "The plan serves no person, so nobody can withdraw from it."));
        }
        if record.plan.archived_at.is_some() {
            return Err(ApiError::new(Code::Conflict, "The plan is archived."));
        }
        let before = Plan::at(&PlanView::from(&record), unit.today);
        let WithdrawalDraft { reason, withdrawn_on } = body.0.clone();
        let withdrawn_on = withdrawn_on.unwrap_or(unit.today);
        let row = &mut record.plan;
        check_withdrawal(withdrawn_on, row.start_on, unit.today).map_err(|rule| rule.at("/withdrawn_on"))?;
        (row.archived_at, row.withdrawn_on, row.withdrawal_reason) =
            (Some(unit.now), Some(withdrawn_on), Some(reason.into()));
        row.version += 1;
        row.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, row).await?;
        let after = Plan::at(&PlanView::from(&record), unit.today);
        let entity = (Entity::Plan, *id);
        unit.record(Change { verb: "withdrawn", entity, root: entity, before: Some(&before), after: Some(&after) })
            .await?;
        Ok(Answer::ok(&after)?.version_and_content(record.plan.version))
    })
    .await
}
