//! The two pictures of a plan: its S-curve and its milestone trend chart.

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::moment::AsOf;
use crate::read_model::PlanView;
use crate::views::pictures::{MEDIA_TYPE, draw_s_curve, draw_trend};

/// Draw a plan's S-curve
///
/// Shows planned value (PV), earned value (EV) and the value expected of the open milestones over time, in percent of
/// the scope. The curves refer to the baseline in force at `as_of`.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(AsOf),
    responses((status = 200, description = "The picture as SVG.", body = String, content_type = "image/svg+xml")))]
#[get("/v1/plans/{id}/s-curve.svg")]
pub async fn draw_plan_s_curve(cx: Context, id: Path<Uuid>, as_of: AsOf) -> Result<Answer, ApiError> {
    draw(&cx, *id, as_of, draw_s_curve).await
}

/// Draw a plan's milestone trend chart
///
/// Shows the expected date of each milestone over time. A rising line is a milestone that moves to a later date; a
/// level line is a milestone that keeps its date. Waived and canceled milestones are left out.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(AsOf),
    responses((status = 200, description = "The picture as SVG.", body = String, content_type = "image/svg+xml")))]
#[get("/v1/plans/{id}/trend.svg")]
pub async fn draw_plan_trend(cx: Context, id: Path<Uuid>, as_of: AsOf) -> Result<Answer, ApiError> {
    draw(&cx, *id, as_of, draw_trend).await
}

async fn draw(
    cx: &Context,
    id: Uuid,
    AsOf(as_of): AsOf,
    picture: fn(&PlanView, NaiveDate) -> Result<String, ApiError>,
) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    let view = plans.find(id).ok_or_else(ApiError::not_found)?;
    let drawn = picture(view, as_of)?;
    Ok(Answer::text(MEDIA_TYPE, drawn))
}
