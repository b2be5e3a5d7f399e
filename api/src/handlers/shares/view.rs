//! Shared views of a plan: the page, its pictures, and its calendar.

use actix_web::http::header::VARY;
use actix_web::{HttpRequest, get};
use milepost_domain::plan::share::ShareField;

use super::shared_plan;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::gate::negotiate;
use crate::handlers::plans::exchange::calendar::write_calendar;
use crate::moment::AsOf;
use crate::read_model::PlanView;
use crate::resources::status_report::StatusReport;
use crate::views::{pictures, status_page};

/// Get a shared plan's page
///
/// Returns one self-contained HTML page that loads nothing from other servers, or the same report as JSON (`Accept`). An
/// unknown, expired or revoked link responds with 404. With `as_of`, the page shows a past day.
#[utoipa::path(tag = "shares", params(AsOf), responses((status = 200, description = "The shared page.",
    content((String = "text/html"), (StatusReport = "application/json")))))]
#[get("/share/{token}")]
pub async fn read_shared_plan(request: HttpRequest, cx: Context, AsOf(as_of): AsOf) -> Result<Answer, ApiError> {
    let shared = shared_plan(&cx).await?;
    let report = StatusReport::of(&shared.reported(), as_of, None);
    // The page comes first: a reader that takes anything is a browser.
    let offered = ["text/html", "application/json"].map(str::to_owned);
    let answer = match negotiate(&request, &offered) {
        Some("application/json") => Answer::ok(&report)?.content_tag(),
        _ => status_page::respond(&report, &shared.reported(), Some(&cx.share_path()))?,
    };
    Ok(answer.header(VARY, "accept"))
}

/// Draw a shared plan's S-curve
///
/// Includes only the milestones that the share link shows. Responds with 404 if the link does not show the S-curve.
#[utoipa::path(tag = "shares", responses((status = 200, description = "The picture as SVG.", body = String, content_type = "image/svg+xml")))]
#[get("/share/{token}/s-curve.svg")]
pub async fn draw_shared_s_curve(cx: Context) -> Result<Answer, ApiError> {
    let shared = shared_plan(&cx).await?;
    if !shared.link.visibility.0.has(ShareField::SCurve) {
        return Err(ApiError::not_found());
    }
    let picture =
        pictures::draw_s_curve(&PlanView::from(&shared.record.restricted_to(&shared.link.visibility.0)), cx.today())?;
    Ok(Answer::text(pictures::MEDIA_TYPE, picture))
}

/// Draw a shared plan's milestone trend
///
/// Shows the expected date of each visible milestone over time. Responds with 404 if the link does not show the trend
/// chart.
#[utoipa::path(tag = "shares", responses((status = 200, description = "The picture as SVG.", body = String, content_type = "image/svg+xml")))]
#[get("/share/{token}/trend.svg")]
pub async fn draw_shared_trend(cx: Context) -> Result<Answer, ApiError> {
    let shared = shared_plan(&cx).await?;
    let visible = &shared.link.visibility.0;
    if !visible.has(ShareField::Trend) {
        return Err(ApiError::not_found());
    }
    let picture = pictures::draw_trend(&PlanView::from(&shared.record.restricted_to(visible)), cx.today())?;
    Ok(Answer::text(pictures::MEDIA_TYPE, picture))
}

/// Export a shared plan's dates as a calendar
///
/// Returns one all-day event per visible milestone (RFC 5545). A calendar application that subscribes to this URL
/// follows the dates as they move.
#[utoipa::path(tag = "shares", responses((status = 200, description = "The calendar.", body = String, content_type = "text/calendar")))]
#[get("/share/{token}/calendar.ics")]
pub async fn read_shared_calendar(cx: Context) -> Result<Answer, ApiError> {
    let shared = shared_plan(&cx).await?;
    let report = StatusReport::of(&shared.reported(), cx.today(), None);
    Ok(write_calendar(&report, shared.record.plan.updated_at))
}
