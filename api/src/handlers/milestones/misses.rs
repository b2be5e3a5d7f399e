//! Explaining why a milestone was missed, and what is done about it.

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
use strum::{Display, EnumString};
use utoipa::ToSchema;
use uuid::Uuid;

use super::cascade::{Cascade, apply, decide};
use super::forecasts::Cause;
use super::{Milestone, load, save};
use crate::precondition::{IfMatchOptional};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::store::json_text::JsonText;
use crate::store::plans::{self, PlanRecord};
use crate::store::reviews::{self, MissRow};

/// What kind of thing made a milestone miss its date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MissCategory {
    /// The work was larger than estimated.
    Estimate,
    /// More was asked for than was planned.
    ScopeChange,
    /// Data was late, or not as expected.
    Data,
    /// The client had to do something and did not.
    ClientDependency,
    /// A third party had to do something and did not.
    ThirdParty,
    /// It did not work as expected.
    Technical,
    /// People were missing.
    Resourcing,
    /// It was not accepted.
    Quality,
    /// Something else.
    Other,
}

/// Why a milestone was missed, and what is done about it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "root_cause": "The source has four times as many duplicates as the sample had.", "category": "data", "cause": "systemic",
    "recovery_actions": ["A second person cleans data until Friday.", "The sample is drawn anew."], "new_forecast_on": "2026-05-22"
}))]
pub struct MissDraft {
    /// What caused it; not an excuse.
    root_cause: Note,
    /// What kind of thing that is.
    category: MissCategory,
    /// Whether it is likely to come again.
    cause: Option<Cause>,
    /// What is done to get back on track.
    #[schema(min_items = 1, max_items = 20)]
    recovery_actions: Vec<Note>,
    /// When it is expected now.
    new_forecast_on: NaiveDate,
}

/// An explained miss.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "milestone": "pipeline", "missed_on": "2026-05-10",
    "root_cause": "The source has four times as many duplicates as the sample had.", "category": "data",
    "recovery_actions": ["A second person cleans data until Friday."], "new_forecast_on": "2026-05-22",
    "author": "api_client:0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11", "recorded_on": "2026-05-11", "recorded_at": "2026-05-11T09:00:00Z"
}))]
pub struct MissReport {
    /// Its id.
    id: Uuid,
    /// The milestone's key.
    #[schema(value_type = Key)]
    milestone: String,
    /// The planned date that was missed.
    missed_on: NaiveDate,
    /// What caused it.
    #[schema(value_type = Note)]
    root_cause: String,
    /// What kind of thing that is.
    category: MissCategory,
    /// What is done to get back on track.
    #[schema(value_type = Vec<Note>, max_items = 20)]
    recovery_actions: Vec<String>,
    /// When it was expected then.
    new_forecast_on: NaiveDate,
    /// Who recorded it.
    #[schema(max_length = 300)]
    author: String,
    /// The day it was recorded.
    recorded_on: NaiveDate,
    /// When.
    recorded_at: DateTime<Utc>,
}

/// An explained miss, and what its new forecast moved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "report": {
        "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "milestone": "pipeline", "missed_on": "2026-05-10",
        "root_cause": "The source has four times as many duplicates as the sample had.", "category": "data",
        "recovery_actions": ["A second person cleans data until Friday."], "new_forecast_on": "2026-05-22",
        "author": "api_client:0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11", "recorded_on": "2026-05-11", "recorded_at": "2026-05-11T09:00:00Z"
    },
    "cascade": {"dry_run": false, "moves": [{"key": "pipeline", "from_on": "2026-05-11", "to_on": "2026-05-22", "days": 11, "float_used_days": 0}],
                "finish": {"from_on": "2026-06-01", "to_on": "2026-06-13"}}
}))]
pub struct ReportedMiss {
    /// The report.
    report: MissReport,
    /// What moved; nothing where the forecast was this date already.
    cascade: Cascade,
}

/// The explained misses of a plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct MissReports {
    /// Oldest first.
    #[schema(max_items = 100_000)]
    data: Vec<MissReport>,
}

/// Explains why a milestone was missed, and records when it is expected now
///
/// A milestone past its planned date is an unexplained miss until this is done, in every list and review. The new forecast moves what
/// waits for it, as any change of forecast does. Each planned date is explained once; a new baseline's date anew.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), params(IfMatchOptional), request_body = MissDraft,
    responses((status = 201, description = "The report, and what moved.", body = ReportedMiss)))]
#[post("/v1/plans/{id}/milestones/{milestone}/miss-reports")]
pub async fn report_miss(cx: Context, path: Path<(Uuid, String)>, body: Body<MissDraft>) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    let draft = body.0;
    cx.write(async |unit| {
        let (mut record, position) = load(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let before = Milestone::find(&record, &milestone, unit.today).ok_or_else(ApiError::not_found)?;
        let is_explained = before.overdue && !before.unexplained_miss;
        may_report_miss(before.state, before.planned_on, is_explained, unit.today).map_err(|rule| rule.at(""))?;
        let moves = if draft.new_forecast_on == before.forecast_on && draft.new_forecast_on >= unit.today {
            vec![]
        } else {
            decide(&record, position, draft.new_forecast_on, Direction::Push, unit.today)
                .map_err(|rule| rule.at("/new_forecast_on"))?
        };
        let cascade = Cascade::of(&record, &moves, unit.today, false);
        let row = MissRow {
            id: unit.new_id(),
            plan_id: id,
            milestone_id: before.id,
            missed_on: before.planned_on,
            root_cause: draft.root_cause.to_string(),
            category: draft.category.to_string(),
            recovery_actions: JsonText(draft.recovery_actions.iter().map(ToString::to_string).collect()),
            new_forecast_on: draft.new_forecast_on,
            author: unit.author(),
            recorded_on: unit.today,
            recorded_at: unit.now,
        };
        reviews::insert_miss(&mut unit.conn, unit.organization_id, &row).await?;
        record.misses.push(row.clone());
        if !moves.is_empty() {
            apply(unit, &mut record, &moves, &draft.root_cause, draft.cause).await?;
        }
        record.milestones[position].touched_on = Some(unit.today);
        save(unit, &mut record, position, Some(&before), "miss_reported").await?;
        let report = MissReport::of(&record, &row).ok_or_else(|| ApiError::internal("a miss without a milestone"))?;
        let answer = Answer::json(StatusCode::CREATED, &ReportedMiss { report, cascade })?;
        Ok(answer.header(LOCATION, format!("/v1/plans/{id}/miss-reports")))
    })
    .await
}

/// Lists a plan's explained misses
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:read"])),
    responses((status = 200, description = "The reports, oldest first.", body = MissReports)))]
#[get("/v1/plans/{id}/miss-reports")]
pub async fn list_misses(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), *id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let data = record.misses.iter().filter_map(|row| MissReport::of(&record, row)).collect();
    Ok(Answer::ok(&MissReports { data })?.version(record.plan.version))
}

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
            author: row.author.clone(),
            recorded_on: row.recorded_on,
            recorded_at: row.recorded_at,
        })
    }
}
