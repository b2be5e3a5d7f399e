//! Putting a plan on hold, and resuming it.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::Path;
use actix_web::{get, post};
use chrono::NaiveDate;
use milepost_domain::plan::hold::{on_hold_since, resume};
use milepost_domain::plan::start::Shift;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{ExternalRef, Name, Reason};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Plan;
use super::baselines::{Freeze, Replanned, approver, freeze};
use super::move_start::StartedMilestone;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::owner::NamedOwner;
use crate::paging::{Page, Paging};
use crate::precondition::IfMatchOptional;
use crate::read_model::PlanView;
use crate::resources::milestones::{Milestone, check_record};
use crate::store::authored::name_all;
use crate::store::holds::PlanHold;
use crate::store::keyset::{Direction, Order, Position};
use crate::store::plans::{self, PlanRecord};
use crate::store::row::{self, Column as _, Condition};
use crate::unit::{Change, Entity, Unit};

/// Reason for which a plan is put on hold.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The client has stopped the budget."}))]
pub struct HoldDraft {
    /// Reason for the hold.
    reason: Reason,
}

/// Resumption of a plan.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"approver_ref": "hr-17"}))]
pub struct ResumptionDraft {
    /// Identifier of the person who approved the moved dates on the organization's side.
    approver_id: Option<Uuid>,
    /// External reference or e-mail address of that person.
    approver_ref: Option<ExternalRef>,
    /// Name of an approver who is not a person of the organization. Has no effect where a person is named.
    approver_name: Option<Name>,
}

/// Way of resuming a plan.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResumeOptions {
    /// Whether to report the changes without saving.
    dry_run: Option<bool>,
}

/// Changes that the resumption of a plan causes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "on_hold_since": "2026-05-04", "resumed_on": "2026-05-18", "days": 14, "baseline": 2,
    "moves": [{"key": "pipeline", "planned_from_on": "2026-05-20", "planned_to_on": "2026-06-03", "forecast_from_on": null,
    "forecast_to_on": null}]
}))]
pub struct Resumption {
    /// Whether this was a dry run, which saves nothing.
    dry_run: bool,
    /// First day of the hold.
    on_hold_since: NaiveDate,
    /// Day of the resumption: today.
    resumed_on: NaiveDate,
    /// Number of days of the plan's calendar by which open milestones move.
    #[schema(minimum = 0)]
    days: i64,
    /// Number of the new baseline; null if no date moves.
    #[schema(minimum = 1)]
    baseline: Option<i64>,
    /// Milestones that move, in plan order: all open milestones, unless the hold took no time.
    #[schema(max_items = 5000)]
    moves: Vec<StartedMilestone>,
}

/// Put a plan on hold
///
/// From today on, the plan's clock stands still: nothing in it becomes due, late or stale, and figures stay as they are at the end of
/// today. While it is on hold, its milestones cannot be worked on, and its dates cannot change; corrections of what happened before can be
/// recorded.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), params(IfMatchOptional),
    request_body = HoldDraft,
    responses((status = 200, description = "The plan on hold.", body = Plan)))]
#[post("/v1/plans/{id}/hold")]
pub async fn hold_plan(cx: Context, id: Path<Uuid>, body: Body<HoldDraft>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        let mut record = load(&cx, unit, *id).await?;
        check_record(&record, unit.today)?;
        let before = Plan::at(&PlanView::from(&record), unit.today);
        let hold = PlanHold {
            id: unit.new_id(),
            plan_id: *id,
            from_on: unit.today,
            until_on: None,
            reason: body.0.reason.clone(),
            author: unit.author(),
            recorded_at: unit.now,
            resumed_at: None,
        };
        row::insert(&mut unit.conn, unit.organization_id, &hold).await?;
        record.holds.push(hold);
        save(unit, &mut record).await?;
        changed(unit, &record, &before, "held").await
    })
    .await
}

/// Resume a plan that is on hold
///
/// The dates of all open milestones move by the days that the hold took, counted in the plan's calendar, in a new baseline. Each move is
/// recorded as a forecast change, which is to be communicated to the client. A plan that is resumed on the day on which it was put on hold
/// moves nothing. A dry run (`dry_run=true`) returns the same report with status 200 and saves nothing.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional, ResumeOptions),
    request_body = Option<ResumptionDraft>, responses(
    (status = 200, description = "The changes that the resumption would cause (dry run).", body = Resumption),
    (status = 201, description = "The changes that the resumption caused.", body = Resumption),
))]
#[post("/v1/plans/{id}/resume")]
pub async fn resume_plan(
    cx: Context,
    id: Path<Uuid>,
    options: Query<ResumeOptions>,
    body: Body<ResumptionDraft>,
) -> Result<Answer, ApiError> {
    if options.0.dry_run.unwrap_or_default() {
        let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), *id).await?;
        let record = found.ok_or_else(ApiError::not_found)?;
        return Answer::ok(&Resumption::of(&record, &decide(&record, cx.today())?, cx.today(), true));
    }
    cx.write(async |unit| {
        let mut record = load(&cx, unit, *id).await?;
        let shifts = decide(&record, unit.today)?;
        let report = Resumption::of(&record, &shifts, unit.today, false);
        let before = Plan::at(&PlanView::from(&record), unit.today);
        let milestones_before = Milestone::all_of(&record, unit.today);
        if let Some(hold) = record.holds.last_mut() {
            (hold.until_on, hold.resumed_at) = (Some(unit.today), Some(unit.now));
            row::update(&mut unit.conn, unit.organization_id, hold).await?;
        }
        if shifts.is_empty() {
            save(unit, &mut record).await?;
        } else {
            for shift in &shifts {
                record.milestones[shift.milestone].planned_on = shift.planned_on.1;
            }
            let replanned = |shift: &Shift| {
                let forecast_on = shift.forecast_on.map(|(_, to_on)| to_on);
                Replanned { position: shift.milestone, forecast_on }
            };
            let reason = format!("Resumed after {} days on hold since {}.", report.days, report.on_hold_since);
            let ResumptionDraft { approver_id, approver_ref, approver_name } = &body.0;
            let named = NamedOwner::of(*approver_id, approver_ref.as_ref(), approver_name.as_ref());
            let approver = approver(&cx, unit, named).await?;
            let terms = Freeze { reason: &reason, approver, replanned: shifts.iter().map(replanned).collect() };
            freeze(unit, &mut record, terms, &milestones_before).await?;
        }
        changed(unit, &record, &before, "resumed").await?;
        Ok(Answer::json(StatusCode::CREATED, &report)?.header(LOCATION, format!("/v1/plans/{id}/holds")))
    })
    .await
}

/// List the holds of a plan
///
/// Returns a page of the times in which the plan was on hold, the newest first.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of holds.", body = Page<PlanHold>)))]
#[get("/v1/plans/{id}/holds")]
pub async fn list_plan_holds(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    plans::find(&mut conn, cx.organization_id(), *id).await?.ok_or_else(ApiError::not_found)?;
    let slice = paging.slice(Order::Id, Direction::Descending)?;
    let conditions = [Condition::Equals("plan_id", id.to_value())];
    let mut rows: Vec<PlanHold> = row::page(&mut conn, cx.organization_id(), &conditions, &slice).await?;
    name_all(&mut conn, cx.organization_id(), &mut rows).await?;
    paging.answer(rows, |hold| Position { key: None, id: hold.id }, |hold| hold)
}

async fn load(cx: &Context, unit: &mut Unit, id: Uuid) -> Result<PlanRecord, ApiError> {
    let found = plans::find(&mut unit.conn, unit.organization_id, id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    cx.check_version(record.plan.version)?;
    Ok(record)
}

async fn save(unit: &mut Unit, record: &mut PlanRecord) -> Result<(), ApiError> {
    record.plan.version += 1;
    record.plan.updated_at = unit.now;
    Ok(plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?)
}

async fn changed(unit: &mut Unit, record: &PlanRecord, before: &Plan, verb: &str) -> Result<Answer, ApiError> {
    let after = Plan::at(&PlanView::from(record), unit.today);
    let of = (Entity::Plan, record.plan.id);
    unit.record(Change { verb, entity: of, root: of, before: Some(before), after: Some(&after) }).await?;
    Ok(Answer::ok(&after)?.version_and_content(record.plan.version))
}

fn decide(record: &PlanRecord, today: NaiveDate) -> Result<Vec<Shift>, ApiError> {
    resume(&record.facts(), today).map_err(|rule| rule.at("").into())
}

impl Resumption {
    fn of(record: &PlanRecord, shifts: &[Shift], today: NaiveDate, dry_run: bool) -> Self {
        let facts = record.facts();
        let on_hold_since = on_hold_since(&facts.holds, today).unwrap_or(today);
        let number = record.baselines.last().map_or(1, |last| last.number + 1);
        Self {
            dry_run,
            on_hold_since,
            resumed_on: today,
            days: facts.terms.calendar.days_between(on_hold_since, today),
            baseline: (!shifts.is_empty()).then_some(number),
            moves: shifts.iter().map(|shift| StartedMilestone::of(record, shift)).collect(),
        }
    }
}
