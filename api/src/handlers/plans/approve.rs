//! Recording the approval of a baseline.

use actix_web::post;
use actix_web::web::Path;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Name};
use serde::Deserialize;
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::baselines::{Baseline, approver};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::owner::NamedOwner;
use crate::store::baselines::{self, ApprovalRow, Side};
use crate::store::plans;
use crate::unit::{Change, Entity};

/// Approval of a baseline.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"side": "client", "approver_name": "Petra Novak"}))]
pub struct Approval {
    /// Side that approves the baseline.
    side: Side,
    /// Identifier of the person who approves the baseline.
    approver_id: Option<Uuid>,
    /// External reference or e-mail address of that person.
    approver_ref: Option<ExternalRef>,
    /// Name of an approver who is not a person of the organization. Has no effect where a person is named.
    approver_name: Option<Name>,
}

/// Record the approval of a baseline
///
/// Each side, the organization (`internal`) and the customer (`client`), can approve a baseline once. The approver is a person of the
/// organization, or somebody outside by name. The approval does not change the baseline itself.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), request_body = Approval,
    responses((status = 200, description = "The baseline with its approvals.", body = Baseline)))]
#[post("/v1/plans/{id}/baselines/{number}/approve")]
pub async fn approve_baseline(cx: Context, path: Path<(Uuid, i64)>, body: Body<Approval>) -> Result<Answer, ApiError> {
    let (id, number) = path.into_inner();
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        let row = record.baselines.iter().find(|row| row.number == number).cloned().ok_or_else(ApiError::not_found)?;
        let side = body.0.side;
        if record.approvals.iter().any(|one| one.number == number && one.side.0 == side) {
            return Err(ValueRule::AlreadyRecorded.at("/side").into());
        }
        let before = Baseline::of(&record, &row);
        let Approval { approver_id, approver_ref, approver_name, .. } = &body.0;
        let named = NamedOwner::of(*approver_id, approver_ref.as_ref(), approver_name.as_ref());
        let approver = approver(&cx, unit, named).await?;
        if approver.is_nobody() {
            return Err(ApiError::field("/approver_id", "required", "must be given, or approver_ref or approver_name"));
        }
        let (side, author) = (Text(side), Text(unit.author()));
        let approval = ApprovalRow { plan_id: id, number, side, approver, author, recorded_at: unit.now };
        baselines::insert_approval(&mut unit.conn, unit.organization_id, &approval).await?;
        record.approvals.push(approval);
        record.plan.version += 1;
        record.plan.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
        let after = Baseline::of(&record, &row);
        let entity = (Entity::Plan, id);
        let verb = "baseline_approved";
        unit.record(Change { verb, entity, root: entity, before: Some(&before), after: Some(&after) }).await?;
        Answer::ok(&after)
    })
    .await
}
