//! A plan's two pictures.

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use uuid::Uuid;

use super::earned_value::AsOf;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Query;
use crate::read_model::PlanView;
use crate::views::pictures::{MEDIA_TYPE, draw_s_curve, draw_trend};

/// Draws a plan's S-curve: planned, earned and expected value
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), params(AsOf),
    responses((status = 200, description = "The picture.", body = String, content_type = "image/svg+xml")))]
#[get("/v1/plans/{id}/s-curve.svg")]
pub async fn draw_plan_s_curve(cx: Context, id: Path<Uuid>, date: Query<AsOf>) -> Result<HttpResponse, ApiError> {
    draw(&cx, *id, date.0.as_of, draw_s_curve).await
}

/// Draws how a plan's dates moved: its milestone trend chart
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), params(AsOf),
    responses((status = 200, description = "The picture.", body = String, content_type = "image/svg+xml")))]
#[get("/v1/plans/{id}/trend.svg")]
pub async fn draw_plan_trend(cx: Context, id: Path<Uuid>, date: Query<AsOf>) -> Result<HttpResponse, ApiError> {
    draw(&cx, *id, date.0.as_of, draw_trend).await
}

async fn draw(
    cx: &Context,
    id: Uuid,
    as_of: Option<NaiveDate>,
    picture: fn(&PlanView, NaiveDate) -> Result<String, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let plans = cx.plans().await?;
    let view = plans.find(id).ok_or_else(ApiError::not_found)?;
    let drawn = picture(view, as_of.unwrap_or_else(|| cx.today()))?;
    Ok(HttpResponse::Ok().content_type(MEDIA_TYPE).body(drawn))
}
