//! Status report of a plan for the customer: completed milestones, milestones at risk, date changes and next steps.

use actix_web::http::header::VARY;
use actix_web::web::Path;
use actix_web::{HttpRequest, get};
use chrono::NaiveDate;
use milepost_domain::plan::share::Visibility;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::error::ApiError;
use crate::extract::Query;
use crate::gate::negotiate;
use crate::moment::AsOf;
use crate::read_model::PlanView;
use crate::resources::status_report::{Reported, StatusReport};
use crate::store::{organizations, plans};
use crate::views::{status_markdown, status_page};

/// Options of a status report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatusOptions {
    /// Start of the reporting period: the end of this day. Defaults to the time of the last review, or to one update interval
    /// ago without a review.
    since: Option<NaiveDate>,
}

/// Get a plan's status report
///
/// The report is written for the customer: completed milestones first, then milestones at risk with their reasons, date
/// changes, and the next two weeks. With `as_of`, it shows a past day. `Accept` selects the format: JSON, Markdown to
/// paste into a message, or a single HTML page with both pictures to mail or print.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    params(AsOf, StatusOptions), responses(
    (status = 200, description = "The status report.",
        content((StatusReport = "application/json"), (String = "text/markdown"), (String = "text/html")))
))]
#[get("/v1/plans/{id}/status-report")]
pub async fn read_status_report(
    request: HttpRequest,
    cx: Context,
    id: Path<Uuid>,
    AsOf(as_of): AsOf,
    options: Query<StatusOptions>,
) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let record = plans::find(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    let organization = organizations::find(&mut conn, cx.organization_id()).await?.ok_or_else(ApiError::not_found)?;
    let (view, everything) = (PlanView::from(&record), Visibility::everything());
    let reported = Reported { record: &record, view: &view, organization: &organization, visible: &everything };
    let report = StatusReport::of(&reported, as_of, options.0.since);
    let matched = Matched::of(&request)?;
    let answer = match negotiate(&request, &matched.operation.produces) {
        Some("text/markdown") => Answer::text("text/markdown; charset=utf-8", status_markdown::write(&report)),
        Some("text/html") => status_page::respond(&report, &reported, None)?,
        _ => Answer::ok(&report)?.version_and_content(record.plan.version),
    };
    Ok(answer.header(VARY, "accept"))
}
