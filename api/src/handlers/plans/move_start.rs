//! Moving a plan's start.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{http::header::LOCATION, post};
use chrono::NaiveDate;
use milepost_domain::Rule as _;
use milepost_domain::plan::start::{Shift, move_start};
use milepost_domain::values::text::{Key, Label, Note};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Plan;
use super::baselines::{Freeze, freeze};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::{Body, Query};
use crate::read_model::PlanView;
use crate::store::milestones::{self, ForecastRow};
use crate::store::plans::{self, PlanRecord};
use crate::unit::{Change, Entity, Unit};

/// A new start for a plan.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"start_on": "2026-04-07", "reason": "The contract was signed a week later.", "approved_by": "Petra Novak"}))]
pub struct StartDraft {
    /// The plan's new first day.
    start_on: NaiveDate,
    /// Why it moves.
    reason: Note,
    /// Who agreed to it.
    approved_by: Option<Label>,
}

/// Whether to write.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MoveOptions {
    /// Answers what would move, and writes nothing.
    dry_run: Option<bool>,
}

/// What moves with a plan's start.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "start": {"from_on": "2026-03-30", "to_on": "2026-04-07"}, "baseline": 2,
    "moves": [{"key": "pipeline", "planned_from_on": "2026-05-01", "planned_to_on": "2026-05-09", "forecast_from_on": null, "forecast_to_on": null}]
}))]
pub struct StartMove {
    /// Whether nothing was written.
    dry_run: bool,
    /// The plan's first day, before and after.
    start: StartDates,
    /// The number of the baseline that the new dates are in.
    #[schema(minimum = 1)]
    baseline: i64,
    /// Every milestone that moves, in the plan's order: those still open.
    #[schema(max_items = 1000)]
    moves: Vec<StartedMilestone>,
}

/// A plan's first day, before and after.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from_on": "2026-03-30", "to_on": "2026-04-07"}))]
pub struct StartDates {
    /// Before.
    from_on: NaiveDate,
    /// After.
    to_on: NaiveDate,
}

/// A milestone that moves with its plan's start.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "pipeline", "planned_from_on": "2026-05-01", "planned_to_on": "2026-05-09", "forecast_from_on": null, "forecast_to_on": null}))]
pub struct StartedMilestone {
    /// Its key.
    #[schema(value_type = Key)]
    key: String,
    /// Its planned date before.
    planned_from_on: NaiveDate,
    /// Its planned date after.
    planned_to_on: NaiveDate,
    /// Its recorded forecast before, if there was one.
    forecast_from_on: Option<NaiveDate>,
    /// Its forecast after.
    forecast_to_on: Option<NaiveDate>,
}

/// Moves a plan's start, and with it what is not yet fixed
///
/// Open milestones keep their distance from the start, counted in the plan's days; their new planned dates are a new baseline
/// with the reason given, so the old ones stay to be compared with. Recorded forecasts move too, each as a recorded change.
/// Achieved milestones stay. A start cannot move behind work that has begun. `dry_run=true` answers the same with 200 and
/// writes nothing.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), request_body = StartDraft, params(MoveOptions), responses(
    (status = 200, description = "What would move.", body = StartMove),
    (status = 201, description = "What has moved.", body = StartMove),
))]
#[post("/v1/plans/{id}/move")]
pub async fn move_plan(
    cx: Context,
    id: Path<Uuid>,
    options: Query<MoveOptions>,
    body: Body<StartDraft>,
) -> Result<Answer, ApiError> {
    let draft = body.0;
    if options.0.dry_run.unwrap_or_default() {
        let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), *id).await?;
        let record = found.ok_or_else(ApiError::not_found)?;
        return Answer::ok(&StartMove::of(&record, &decide(&record, &draft)?, draft.start_on, true));
    }
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        cx.check_version_if_given(record.plan.version)?;
        let shifts = decide(&record, &draft)?;
        let answer = StartMove::of(&record, &shifts, draft.start_on, false);
        let before = Plan::at(&PlanView::from(&record), unit.today);
        let changes = forecast_rows(unit, &record, &shifts, &draft);
        milestones::insert_forecasts(&mut unit.conn, unit.organization_id, &changes).await?;
        record.forecasts.extend(changes);
        record.plan.start_on = draft.start_on;
        for shift in &shifts {
            record.milestones[shift.milestone].planned_on = shift.planned_on.1;
            record.milestones[shift.milestone].touched_on = Some(unit.today);
        }
        let moved = |milestone: usize| shifts.iter().any(|shift| shift.milestone == milestone);
        let approved_by = draft.approved_by.as_ref().map(Label::as_str);
        freeze(unit, &mut record, Freeze { reason: draft.reason.as_str(), approved_by }, moved).await?;
        let after = Plan::at(&PlanView::from(&record), unit.today);
        let entity = (Entity::Plan, *id);
        unit.record(Change { verb: "moved", entity, root: entity, before: Some(&before), after: Some(&after) }).await?;
        Ok(Answer::json(StatusCode::CREATED, &answer)?.header(LOCATION, format!("/v1/plans/{id}/baselines")))
    })
    .await
}

fn decide(record: &PlanRecord, draft: &StartDraft) -> Result<Vec<Shift>, ApiError> {
    let shifts = move_start(&record.facts(), draft.start_on).map_err(|rule| rule.at("/start_on"))?;
    if shifts.is_empty() {
        return Err(ApiError::new(Code::Conflict, "Nothing of this plan is open, so nothing can move."));
    }
    Ok(shifts)
}

fn forecast_rows(unit: &Unit, record: &PlanRecord, shifts: &[Shift], draft: &StartDraft) -> Vec<ForecastRow> {
    let row = |shift: &Shift| {
        let (from_on, to_on) = shift.forecast_on?;
        let milestone = &record.milestones[shift.milestone];
        let last = record.forecasts.iter().rfind(|change| change.milestone_id == milestone.id)?;
        Some(ForecastRow {
            id: unit.new_id(),
            plan_id: record.plan.id,
            milestone_id: milestone.id,
            ordinal: last.ordinal + 1,
            from_on,
            to_on,
            reason: Some(draft.reason.to_string()),
            cause: None,
            author: unit.author(),
            recorded_on: unit.today,
            recorded_at: unit.now,
            caused_by: None,
        })
    };
    shifts.iter().filter_map(row).collect()
}

impl StartMove {
    fn of(record: &PlanRecord, shifts: &[Shift], to_on: NaiveDate, dry_run: bool) -> Self {
        let one = |shift: &Shift| {
            let (forecast_from_on, forecast_to_on) = shift.forecast_on.unzip();
            StartedMilestone {
                key: record.milestones[shift.milestone].key.clone(),
                planned_from_on: shift.planned_on.0,
                planned_to_on: shift.planned_on.1,
                forecast_from_on,
                forecast_to_on,
            }
        };
        Self {
            dry_run,
            start: StartDates { from_on: record.plan.start_on, to_on },
            baseline: record.baselines.last().map_or(1, |last| last.number + 1),
            moves: shifts.iter().map(one).collect(),
        }
    }
}
