//! Actions that move a milestone through its states.

use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::milestone::{Action, Evidence};
use milepost_domain::values::text::{Note, Reason};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::awarding;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::precondition::IfMatchOptional;
use crate::proving;
use crate::resources::milestones::{Milestone, load_running};
use crate::stepping::{Details, take};

/// Details of a step that needs no reason.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"occurred_on": "2026-04-06"}))]
pub struct Step {
    /// Day on which the step happened. Defaults to today.
    occurred_on: Option<NaiveDate>,
    /// Reason for the step.
    reason: Option<Note>,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
}

/// Details of a step that needs a reason.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The client has descoped it."}))]
pub struct ReasonedStep {
    /// Day on which the step happened. Defaults to today.
    occurred_on: Option<NaiveDate>,
    /// Reason for the step.
    reason: Reason,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
}

/// Details of an achievement.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"occurred_on": "2026-04-06", "evidence": [{"title": "Run 118", "url": "https://ci.example.com/118"}]}))]
pub struct Achievement {
    /// Day on which the milestone was achieved. Defaults to today.
    occurred_on: Option<NaiveDate>,
    /// Reason for the step.
    reason: Option<Note>,
    /// Reason for achieving the milestone although its dependencies are not met.
    override_reason: Option<Reason>,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
}

impl From<Step> for Details {
    fn from(step: Step) -> Self {
        Self { occurred_on: step.occurred_on, reason: step.reason, override_reason: None, evidence: step.evidence }
    }
}

impl From<ReasonedStep> for Details {
    fn from(step: ReasonedStep) -> Self {
        Self {
            occurred_on: step.occurred_on,
            reason: Some(step.reason.into()),
            override_reason: None,
            evidence: step.evidence,
        }
    }
}

impl From<Achievement> for Details {
    fn from(step: Achievement) -> Self {
        let Achievement { occurred_on, reason, override_reason, evidence } = step;
        Self { occurred_on, reason, override_reason, evidence }
    }
}

/// Start a milestone
///
/// Work on the milestone has begun: `planned → in_progress`.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body(content = Option<Step>),
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/start")]
pub async fn start_milestone(cx: Context, path: Path<(Uuid, String)>, body: Body<Step>) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Start, body.0.into()).await
}

/// Submit a milestone
///
/// The milestone awaits acceptance: `planned` or `in_progress → submitted`.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body(content = Option<Step>),
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/submit")]
pub async fn submit_milestone(cx: Context, path: Path<(Uuid, String)>, body: Body<Step>) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Submit, body.0.into()).await
}

/// Reject a milestone
///
/// The submitted milestone is not accepted and goes back to work: `submitted → in_progress`.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = ReasonedStep,
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/reject")]
pub async fn reject_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<ReasonedStep>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Reject, body.0.into()).await
}

/// Achieve a milestone
///
/// A milestone can be achieved only when its dependencies are met: the milestones it waits for are closed, or started
/// where the relation waits for a start, and the prerequisites that the template names hold. `override_reason` overrides this check. A
/// badge that the template names for the milestone is awarded to the person whom the plan serves, and rewards are granted.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body(content = Option<Achievement>),
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/achieve")]
pub async fn achieve_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<Achievement>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Achieve, body.0.into()).await
}

/// Reopen a milestone
///
/// A reopened milestone counts as never closed, so responses for dates in between change too.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = ReasonedStep,
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/reopen")]
pub async fn reopen_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<ReasonedStep>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Reopen, body.0.into()).await
}

/// Waive a milestone
///
/// The milestone is no longer needed. It earns nothing and holds up nothing.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = ReasonedStep,
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/waive")]
pub async fn waive_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<ReasonedStep>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Waive, body.0.into()).await
}

/// Cancel a milestone
///
/// The milestone will not happen. It earns nothing and holds up nothing.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = ReasonedStep,
    responses((status = 200, description = "The milestone as it stands now.", body = Milestone)))]
#[post("/v1/plans/{id}/milestones/{milestone}/cancel")]
pub async fn cancel_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<ReasonedStep>,
) -> Result<Answer, ApiError> {
    act(&cx, path.into_inner(), Action::Cancel, body.0.into()).await
}

async fn act(
    cx: &Context,
    (id, milestone): (Uuid, String),
    action: Action,
    details: Details,
) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let (mut record, position) = load_running(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let occurred_on = details.occurred_on.unwrap_or(unit.today);
        if action == Action::Achieve {
            proving::check_prerequisites(cx, unit, &record, &milestone, details.override_reason.as_ref()).await?;
        }
        let milestone = take(unit, &mut record, position, action, details.clone()).await?;
        if action == Action::Achieve {
            awarding::for_milestone(cx, unit, &record, &milestone.key, occurred_on).await?;
        }
        milestone.answer()
    })
    .await
}
