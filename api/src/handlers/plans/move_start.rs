//! Moving a plan's start.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{http::header::LOCATION, post};
use chrono::NaiveDate;
use milepost_domain::Rule as _;
use milepost_domain::plan::start::{Shift, move_start};
use milepost_domain::values::text::{ExternalRef, Key, Name, Reason};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Plan;
use super::baselines::{Freeze, Replanned, approver, freeze};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::{Body, Query};
use crate::owner::NamedOwner;
use crate::precondition::IfMatchOptional;
use crate::read_model::PlanView;
use crate::resources::milestones::Milestone;
use crate::resources::milestones::check_record;
use crate::store::plans::{self, PlanRecord};
use crate::unit::{Change, Entity};

/// New start of a plan.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"start_on": "2026-04-07", "reason": "The contract was signed a week later.", "approver_name": "Petra Novak"}))]
pub struct StartDraft {
    /// New first day of the plan.
    start_on: NaiveDate,
    /// Reason for the move.
    reason: Reason,
    /// Identifier of the person who approved the move on the organization's side.
    approver_id: Option<Uuid>,
    /// External reference or e-mail address of that person.
    approver_ref: Option<ExternalRef>,
    /// Name of an approver who is not a person of the organization. Has no effect where a person is named.
    approver_name: Option<Name>,
}

/// Options of a move.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MoveOptions {
    /// Whether to validate and report without saving.
    dry_run: Option<bool>,
}

/// Changes caused by moving a plan's start.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "start": {"from_on": "2026-03-30", "to_on": "2026-04-07"}, "baseline": 2,
    "moves": [{"key": "pipeline", "planned_from_on": "2026-05-01", "planned_to_on": "2026-05-09", "forecast_from_on": null,
    "forecast_to_on": null}]
}))]
pub struct StartMove {
    /// Whether this was a dry run, which saves nothing.
    dry_run: bool,
    /// First day of the plan, before and after.
    start: StartDates,
    /// Number of the baseline that contains the new dates.
    #[schema(minimum = 1)]
    baseline: i64,
    /// Milestones that move, in plan order: all open milestones.
    #[schema(max_items = 5000)]
    moves: Vec<StartedMilestone>,
}

/// First day of a plan, before and after.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from_on": "2026-03-30", "to_on": "2026-04-07"}))]
pub struct StartDates {
    /// First day before the move.
    from_on: NaiveDate,
    /// First day after the move.
    to_on: NaiveDate,
}

/// A milestone that moves with its plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "pipeline", "planned_from_on": "2026-05-01", "planned_to_on": "2026-05-09", "forecast_from_on": null,
    "forecast_to_on": null}))]
pub struct StartedMilestone {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Planned date before the move.
    planned_from_on: NaiveDate,
    /// Planned date after the move.
    planned_to_on: NaiveDate,
    /// Forecast date before the move; null without a recorded forecast.
    forecast_from_on: Option<NaiveDate>,
    /// Forecast date after the move; null without a recorded forecast.
    forecast_to_on: Option<NaiveDate>,
}

/// Move a plan's start
///
/// Open milestones keep their distance from the start, counted in days of the plan's calendar. Their new planned dates form a new baseline
/// with the given reason, so that the previous baselines remain available for comparison. Recorded forecasts move too. Every move is
/// recorded as a forecast change, which is to be communicated to the client. Achieved, waived and canceled milestones do not move. The new
/// start must not be later than the first day of work that has already begun. A dry run (`dry_run=true`) returns the same report with
/// status 200 and saves nothing.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    request_body = StartDraft, params(IfMatchOptional, MoveOptions), responses(
    (status = 200, description = "The changes that the move would cause (dry run).", body = StartMove),
    (status = 201, description = "The changes that the move caused.", body = StartMove),
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
        return Answer::ok(&StartMove::of(&record, &decide(&record, &draft, cx.today())?, draft.start_on, true));
    }
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        cx.check_version(record.plan.version)?;
        let shifts = decide(&record, &draft, unit.today)?;
        let answer = StartMove::of(&record, &shifts, draft.start_on, false);
        let before = Plan::at(&PlanView::from(&record), unit.today);
        let milestones_before = Milestone::all_of(&record, unit.today);
        record.plan.start_on = draft.start_on;
        for shift in &shifts {
            record.milestones[shift.milestone].planned_on = shift.planned_on.1;
        }
        let replanned = |shift: &Shift| {
            let forecast_on = shift.forecast_on.map(|(_, to_on)| to_on);
            Replanned { position: shift.milestone, forecast_on }
        };
        let named = NamedOwner::of(draft.approver_id, draft.approver_ref.as_ref(), draft.approver_name.as_ref());
        let approver = approver(&cx, unit, named).await?;
        let replanned = shifts.iter().map(replanned).collect();
        let terms = Freeze { reason: draft.reason.as_str(), approver, replanned };
        freeze(unit, &mut record, terms, &milestones_before).await?;
        let after = Plan::at(&PlanView::from(&record), unit.today);
        let entity = (Entity::Plan, *id);
        unit.record(Change { verb: "moved", entity, root: entity, before: Some(&before), after: Some(&after) }).await?;
        Ok(Answer::json(StatusCode::CREATED, &answer)?.header(LOCATION, format!("/v1/plans/{id}/baselines")))
    })
    .await
}

fn decide(record: &PlanRecord, draft: &StartDraft, today: NaiveDate) -> Result<Vec<Shift>, ApiError> {
    check_record(record, today)?;
    let shifts = move_start(&record.facts(), draft.start_on).map_err(|rule| rule.at("/start_on"))?;
    if shifts.is_empty() {
        return Err(ApiError::new(Code::Conflict, "The plan has no open milestones, so nothing can move."));
    }
    Ok(shifts)
}

impl StartedMilestone {
    /// A milestone with its move.
    pub fn of(record: &PlanRecord, shift: &Shift) -> Self {
        let (forecast_from_on, forecast_to_on) = shift.forecast_on.unzip();
        Self {
            key: record.milestones[shift.milestone].key.clone(),
            planned_from_on: shift.planned_on.0,
            planned_to_on: shift.planned_on.1,
            forecast_from_on,
            forecast_to_on,
        }
    }
}

impl StartMove {
    fn of(record: &PlanRecord, shifts: &[Shift], to_on: NaiveDate, dry_run: bool) -> Self {
        Self {
            dry_run,
            start: StartDates { from_on: record.plan.start_on, to_on },
            baseline: record.baselines.last().map_or(1, |last| last.number + 1),
            moves: shifts.iter().map(|shift| StartedMilestone::of(record, shift)).collect(),
        }
    }
}
