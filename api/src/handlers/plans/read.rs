//! Reading a single plan.

use actix_web::get;
use actix_web::web::Path;
use uuid::Uuid;

use super::Plan;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;

/// Get a plan
///
/// Returns the plan with its status and figures as of today. Archived plans are returned too.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The plan.", body = Plan)))]
#[get("/v1/plans/{id}")]
pub async fn read_plan(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    let view = plans.find(*id).ok_or_else(ApiError::not_found)?;
    Ok(Answer::ok(&Plan::at(view, cx.today()))?.version_and_content(view.row.version))
}
