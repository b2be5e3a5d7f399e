//! What a client sees through a link: the page, its pictures, and its dates for a calendar.

use actix_web::{HttpResponse, get};
use milepost_domain::plan::share::ShareField;

use super::shared_plan;
use crate::context::Context;
use crate::error::ApiError;
use crate::handlers::plans::calendar::write_calendar;
use crate::read_model::PlanView;
use crate::resources::status_report::StatusReport;
use crate::views::{pictures, status_page};

/// Shows a shared plan
///
/// One page, responsive, printable, in light or dark, that loads nothing from anywhere. An unknown, expired or revoked link is 404.
#[utoipa::path(tag = "shares", responses((status = 200, description = "The page.", body = String, content_type = "text/html")))]
#[get("/share/{token}")]
pub async fn read_shared_plan(cx: Context) -> Result<HttpResponse, ApiError> {
    let shared = shared_plan(&cx).await?;
    let visible = &shared.link.visibility.0;
    let report = StatusReport::of(&shared.record, &shared.view, cx.today(), None, visible);
    status_page::respond(&report, &shared.record, visible, Some(&cx.share_path()))
}

/// Draws a shared plan's S-curve
#[utoipa::path(tag = "shares", responses((status = 200, description = "The picture.", body = String, content_type = "image/svg+xml")))]
#[get("/share/{token}/s-curve.svg")]
pub async fn draw_shared_s_curve(cx: Context) -> Result<HttpResponse, ApiError> {
    let shared = shared_plan(&cx).await?;
    if !shared.link.visibility.0.has(ShareField::SCurve) {
        return Err(ApiError::not_found());
    }
    let picture =
        pictures::draw_s_curve(&PlanView::from(&shared.record.restricted_to(&shared.link.visibility.0)), cx.today())?;
    Ok(HttpResponse::Ok().content_type(pictures::MEDIA_TYPE).body(picture))
}

/// Draws how a shared plan's dates moved
#[utoipa::path(tag = "shares", responses((status = 200, description = "The picture.", body = String, content_type = "image/svg+xml")))]
#[get("/share/{token}/trend.svg")]
pub async fn draw_shared_trend(cx: Context) -> Result<HttpResponse, ApiError> {
    let shared = shared_plan(&cx).await?;
    let visible = &shared.link.visibility.0;
    if !visible.has(ShareField::Trend) {
        return Err(ApiError::not_found());
    }
    let picture = pictures::draw_trend(&PlanView::from(&shared.record.restricted_to(visible)), cx.today())?;
    Ok(HttpResponse::Ok().content_type(pictures::MEDIA_TYPE).body(picture))
}

/// Writes a shared plan's dates for a calendar
#[utoipa::path(tag = "shares", responses((status = 200, description = "The dates.", body = String, content_type = "text/calendar")))]
#[get("/share/{token}/calendar.ics")]
pub async fn read_shared_calendar(cx: Context) -> Result<HttpResponse, ApiError> {
    let shared = shared_plan(&cx).await?;
    let visible = &shared.link.visibility.0;
    let report = StatusReport::of(&shared.record, &shared.view, cx.today(), None, visible);
    Ok(write_calendar(&report, cx.now))
}
