//! Export of a plan's dates as a calendar (RFC 5545).

use actix_web::get;
use actix_web::web::Path;
use chrono::{DateTime, Utc};
use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};
use milepost_domain::plan::schedule::Status;
use milepost_domain::plan::share::Visibility;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::read_model::PlanView;
use crate::resources::status_report::{Reported, ReportedMilestone, StatusReport};
use crate::store::{organizations, plans};
use crate::views::status_markdown::in_words;

/// Export a plan's milestones as a calendar
///
/// Each milestone is an all-day event on its expected date, or on its actual date once achieved. Events of waived and
/// canceled milestones are marked as canceled. A calendar application that subscribes to the `calendar.ics` of a share
/// link follows the dates as they move.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The milestones as calendar events.", body = String,
        content_type = "text/calendar")))]
#[get("/v1/plans/{id}/calendar.ics")]
pub async fn read_calendar(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let record = plans::find(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    let organization = organizations::find(&mut conn, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
    let (view, visible) = (PlanView::from(&record), Visibility::everything());
    let reported = Reported { record: &record, view: &view, organization: &organization, visible: &visible };
    let report = StatusReport::of(&reported, cx.today(), None);
    Ok(write_calendar(&report, record.plan.updated_at))
}

/// Writes the milestones of a report as a calendar. `DTSTAMP` is the time of the plan's last change (RFC 5545, 3.8.7.2), so
/// that a calendar without news is the same text.
pub fn write_calendar(report: &StatusReport, changed_at: DateTime<Utc>) -> Answer {
    let mut calendar = Calendar::new();
    calendar.append_property(Property::new("X-WR-CALNAME", &report.plan_name));
    for milestone in &report.milestones {
        calendar.push(event(report, milestone, changed_at));
    }
    Answer::text("text/calendar; charset=utf-8", calendar.to_string())
}

fn event(report: &StatusReport, milestone: &ReportedMilestone, changed_at: DateTime<Utc>) -> Event {
    let is_dropped = matches!(milestone.status, Status::Waived | Status::Cancelled);
    let mark = if milestone.status == Status::Achieved { "✓ " } else { "" };
    let planned = format!("Planned for {}, {}.", milestone.planned_on, in_words(milestone.status));
    let owner_name =
        milestone.owner_name.as_deref().map(|owner_name| format!(" Owner: {owner_name}.")).unwrap_or_default();
    let note = milestone.note.as_deref().map(|note| format!("\n{note}")).unwrap_or_default();
    Event::with_uid(&format!("{}.{}@milepost", report.plan_id, milestone.key))
        .timestamp(changed_at)
        .starts(milestone.forecast_on)
        .summary(&format!("{mark}{}", milestone.name))
        .description(&format!("{}: {planned}{owner_name}{note}", report.plan_name))
        .status(if is_dropped { EventStatus::Cancelled } else { EventStatus::Confirmed })
        .add_property("TRANSP", "TRANSPARENT")
        .done()
}
