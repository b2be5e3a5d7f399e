//! Export of a plan as a file that can be imported again: CSV, or Microsoft Project's XML.

use std::collections::HashSet;

use actix_web::get;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Path;
use uuid::Uuid;

use super::import_rows::COLUMNS;
use super::import_rows::cell::{written, written_criteria};
use crate::answer::Answer;
use crate::context::Context;
use crate::csv_text::{date, file, harmless, line};
use crate::error::ApiError;
use crate::store::plans::{self, PlanRecord};
use crate::views::project_xml;

/// Export a plan's milestones as CSV
///
/// The columns are those of `POST /v1/plans/import`, so that a file edited in a spreadsheet can be imported as a new
/// plan. Planned dates are those of the baseline in force. Waived and canceled milestones are left out. Text that a
/// spreadsheet would treat as a formula has a leading apostrophe.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The CSV file.", body = String, content_type = "text/csv")))]
#[get("/v1/plans/{id}/export")]
pub async fn export_plan(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), *id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    Ok(file(&format!("plan-{id}"), write(&record, cx.today())?))
}

/// Export a plan as a project file
///
/// The file is Microsoft Project's XML (MSPDI), which `POST /v1/plans/import` and project management programs read. Phases are summary
/// tasks, forecasts the schedule, planned dates baseline 0, and owners resources. Waived and canceled milestones are left out; there is no
/// place for acceptance criteria and credit rules.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The project file.", body = String, content_type = "application/xml")))]
#[get("/v1/plans/{id}/export.xml")]
pub async fn export_project(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), *id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let name = format!("attachment; filename=\"plan-{id}.xml\"");
    Ok(Answer::text("application/xml", project_xml::write(&record, cx.today())).header(CONTENT_DISPOSITION, name))
}

fn write(record: &PlanRecord, today: chrono::NaiveDate) -> Result<Vec<u8>, ApiError> {
    let mut bytes = line(COLUMNS)?;
    let facts = record.facts();
    let by_milestone = record.by_milestone();
    let dropped: HashSet<&str> =
        record.milestones.iter().filter(|row| row.state.0.is_dropped()).map(|row| row.key.as_str()).collect();
    for (row, standing) in
        record.milestones.iter().zip(facts.standings(today)).filter(|(row, _)| !row.state.0.is_dropped())
    {
        let actual_on = row.closed_on;
        let progress = by_milestone.progress_of(row.id);
        let moved =
            (standing.forecast_on != standing.planned_on && actual_on.is_none()).then_some(standing.forecast_on);
        let text = |text: &Option<String>| harmless(text.as_deref().unwrap_or_default());
        let needs = by_milestone.dependencies_of(row.id);
        let needs: Vec<String> =
            needs.iter().filter(|needed| !dropped.contains(needed.as_str())).map(written).collect();
        bytes.extend(line([
            harmless(&row.key),
            harmless(&row.name),
            standing.planned_on.to_string(),
            text(&row.phase),
            text(&row.owner.name),
            row.weight.to_string(),
            needs.join(" "),
            date(row.started_on),
            date(moved),
            date(actual_on),
            harmless(&written_criteria(&row.acceptance_criteria.0)),
            text(&row.note),
            row.duration_days.map(|days| days.to_string()).unwrap_or_default(),
            row.credit_rule.map(|rule| rule.to_string()).unwrap_or_default(),
            progress.map(|entry| entry.percent.to_string()).unwrap_or_default(),
            date(progress.map(|entry| entry.recorded_on)),
            text(&row.owner.external_ref),
        ])?);
    }
    Ok(bytes)
}
