//! Miss reports: explanations of missed milestones, and their recovery actions.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::Rule as _;
use milepost_domain::plan::cascade::Direction;
use milepost_domain::plan::milestone::may_report_miss;
use milepost_domain::values::text::{Key, Note};
use serde::{Deserialize, Serialize};
use sqlx::types::Text;
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use super::cascade::{Cascade, apply, decide};
use super::forecasts::Cause;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::paging::{Page, Paging};
use crate::precondition::IfMatchOptional;
use crate::resources::milestones::{Milestone, load_running, save};
use crate::store::author::Author;
use crate::store::authored;
use crate::store::authored::name_all;
use crate::store::json_text::JsonText;
use crate::store::keyset::Position;
use crate::store::plans::{self, PlanRecord};
use crate::store::reviews::{self, MissRow};

/// Category of the cause of a miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MissCategory {
    /// Work larger than estimated.
    Estimate,
    /// Scope larger than planned.
    ScopeChange,
    /// Data late, or different from what was expected.
    Data,
    /// Action by the client missing.
    ClientDependency,
    /// Action by a third party missing.
    ThirdParty,
    /// Technical problem: something did not work as expected.
    Technical,
    /// People missing.
    Resourcing,
    /// Result not accepted.
    Quality,
    /// Another cause.
    Other,
}

/// Miss report to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "root_cause": "The source has four times as many duplicates as the sample had.", "category": "data", "cause": "systemic",
    "recovery_actions": ["A second person cleans data until Friday.", "The sample is drawn anew."], "new_forecast_on": "2026-05-22"
}))]
pub struct MissDraft {
    /// Root cause of the miss.
    root_cause: Note,
    /// Category of the root cause.
    category: MissCategory,
    /// Cause: one-time, or systemic and therefore likely to recur.
    cause: Option<Cause>,
    /// Recovery actions: steps to get back on track.
    #[schema(min_items = 1, max_items = 20)]
    recovery_actions: Vec<Note>,
    /// New forecast date of the milestone.
    new_forecast_on: NaiveDate,
}

/// A miss report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "milestone": "pipeline", "missed_on": "2026-05-10",
    "root_cause": "The source has four times as many duplicates as the sample had.", "category": "data",
    "recovery_actions": ["A second person cleans data until Friday."], "new_forecast_on": "2026-05-22",
    "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_on": "2026-05-11",
    "recorded_at": "2026-05-11T09:00:00Z"
}))]
pub struct MissReport {
    /// Identifier.
    id: Uuid,
    /// Key of the milestone.
    #[schema(value_type = Key)]
    milestone: String,
    /// Planned date that was missed.
    missed_on: NaiveDate,
    /// Root cause of the miss.
    #[schema(value_type = Note)]
    root_cause: String,
    /// Category of the root cause.
    category: MissCategory,
    /// Recovery actions: steps to get back on track.
    #[schema(value_type = Vec<Note>, max_items = 20)]
    recovery_actions: Vec<String>,
    /// Forecast date that the report set or confirmed.
    new_forecast_on: NaiveDate,
    /// Author of the record.
    author: Author,
    /// Day of recording, in the organization's time zone.
    recorded_on: NaiveDate,
    /// Time of recording.
    recorded_at: DateTime<Utc>,
}

/// A recorded miss report, and the moves that its new forecast caused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "report": {
        "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "milestone": "pipeline", "missed_on": "2026-05-10",
        "root_cause": "The source has four times as many duplicates as the sample had.", "category": "data",
        "recovery_actions": ["A second person cleans data until Friday."], "new_forecast_on": "2026-05-22",
        "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"}, "recorded_on": "2026-05-11",
        "recorded_at": "2026-05-11T09:00:00Z"
    },
    "cascade": {"dry_run": false, "moves": [{"key": "pipeline", "from_on": "2026-05-11", "to_on": "2026-05-22", "days": 11,
    "float_used_days": 0, "recorded": true}],
                "finish": {"from_on": "2026-06-01", "to_on": "2026-06-13"}, "elsewhere": []}
}))]
pub struct ReportedMiss {
    /// Miss report.
    report: MissReport,
    /// Moves caused by the new forecast date. No moves if the forecast was this date already.
    cascade: Cascade,
}

/// Record a miss report
///
/// Explains why an open milestone missed its planned date, and sets a new forecast date. Until then, lists and reviews
/// show the milestone as an unexplained miss. The new forecast moves dependent milestones, as any forecast change does.
/// The report names the latest planned date that passed, also one of an earlier baseline: a new baseline does not explain
/// a miss. Each planned date can be explained once; the date of a new baseline needs its own report once it has passed.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = MissDraft,
    responses((status = 201, description = "The report, and what moved.", body = ReportedMiss)))]
#[post("/v1/plans/{id}/milestones/{milestone}/miss-reports")]
pub async fn report_miss(cx: Context, path: Path<(Uuid, String)>, body: Body<MissDraft>) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    let draft = body.0;
    let others = cx.plans().await?;
    cx.write(async |unit| {
        let (mut record, position) = load_running(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let before = Milestone::find(&record, &milestone, unit.today).ok_or_else(ApiError::not_found)?;
        let missed_on = before.missed_on.unwrap_or(before.planned_on);
        may_report_miss(before.state, missed_on, before.missed_on.is_none(), unit.today).map_err(|rule| rule.at(""))?;
        let moves = if draft.new_forecast_on == before.forecast_on && draft.new_forecast_on >= unit.today {
            vec![]
        } else {
            decide(&record, position, draft.new_forecast_on, Direction::Push, unit.today)
                .map_err(|rule| rule.at("/new_forecast_on"))?
        };
        let cascade = Cascade::of(&record, &moves, unit.today, false, (&cx, &others));
        let row = MissRow {
            id: unit.new_id(),
            plan_id: id,
            milestone_id: before.id,
            missed_on,
            root_cause: draft.root_cause.to_string(),
            category: draft.category.to_string(),
            recovery_actions: JsonText(draft.recovery_actions.iter().map(ToString::to_string).collect()),
            new_forecast_on: draft.new_forecast_on,
            author: Text(unit.author()),
            recorded_on: unit.today,
            recorded_at: unit.now,
        };
        reviews::insert_miss(&mut unit.conn, unit.organization_id, &row).await?;
        record.misses.push(row.clone());
        if !moves.is_empty() {
            apply(unit, &mut record, &moves, draft.root_cause.as_str(), draft.cause).await?;
        }
        record.milestones[position].touched_on = Some(unit.today);
        save(unit, &mut record, position, Some(&before), "miss_reported").await?;
        let report = MissReport::of(&record, &row).ok_or_else(|| ApiError::internal("a miss without a milestone"))?;
        let answer = Answer::json(StatusCode::CREATED, &ReportedMiss { report, cascade })?;
        Ok(answer.header(LOCATION, format!("/v1/plans/{id}/miss-reports")))
    })
    .await
}

/// List a plan's miss reports
///
/// Returns a page of the reports of all milestones of the plan, the newest first, including achieved, waived and canceled
/// milestones.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of miss reports.", body = Page<MissReport>)))]
#[get("/v1/plans/{id}/miss-reports")]
pub async fn list_misses(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let found = plans::find(&mut conn, cx.organization_id(), *id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let mut reports: Vec<MissReport> = record.misses.iter().filter_map(|row| MissReport::of(&record, row)).collect();
    name_all(&mut conn, cx.organization_id(), &mut reports).await?;
    paging.answer_newest(reports, |one: &MissReport| Position { key: None, id: one.id }, |one| one)
}

authored!(MissReport);

impl MissReport {
    fn of(record: &PlanRecord, row: &MissRow) -> Option<Self> {
        let milestone = record.milestones.iter().find(|milestone| milestone.id == row.milestone_id)?;
        Some(Self {
            id: row.id,
            milestone: milestone.key.clone(),
            missed_on: row.missed_on,
            root_cause: row.root_cause.clone(),
            category: row.category.parse().ok()?,
            recovery_actions: row.recovery_actions.0.clone(),
            new_forecast_on: row.new_forecast_on,
            author: row.author.0.clone(),
            recorded_on: row.recorded_on,
            recorded_at: row.recorded_at,
        })
    }
}
