//! Forecast changes and their effect on dependent milestones.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::access::Scope;
use milepost_domain::plan::cascade::{Direction, Move};
use milepost_domain::plan::milestone::{MilestoneRule, may_forecast};
use milepost_domain::plan::schedule::Standing;
use milepost_domain::plan::{PlanFacts, finish_on};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::dates::LAST_DAY;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Key, Name, Note, Reason};
use serde::{Deserialize, Serialize};
use sqlx::types::Text;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::forecasts::Cause;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::{Body, Query};
use crate::precondition::IfMatchOptional;
use crate::read_model::{PlanView, Plans};
use crate::resources::milestones::check_record;
use crate::resources::milestones::{Milestone, load_running, save_all};
use crate::store::milestones::{self, ForecastRow};
use crate::store::plans::{self, PlanRecord};
use crate::unit::Unit;

/// Forecast change to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"forecast_on": "2026-04-06", "reason": "The client's firewall change takes a week.", "cause": "one_time"}))]
pub struct ForecastChangeDraft {
    /// New forecast date.
    forecast_on: NaiveDate,
    /// Reason for the change.
    reason: Reason,
    /// Cause: one-time, or systemic and therefore likely to recur.
    cause: Option<Cause>,
}

/// Options of a forecast change.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CascadeOptions {
    /// Whether to validate and report without saving.
    dry_run: Option<bool>,
    /// Whether to move dependent milestones to their earliest possible date. If false, they only move later, and only
    /// as far as needed.
    pull: Option<bool>,
}

/// Moves that a forecast change causes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "moves": [
        {"key": "data-access", "from_on": "2026-03-09", "to_on": "2026-03-12", "days": 3, "float_used_days": 0, "recorded": true},
        {"key": "pipeline", "from_on": "2026-04-01", "to_on": "2026-04-04", "days": 3, "float_used_days": 0, "recorded": true}
    ], "finish": {"from_on": "2026-04-01", "to_on": "2026-04-04"}, "elsewhere": []
}))]
pub struct Cascade {
    /// Whether this was a dry run: nothing was saved.
    dry_run: bool,
    /// Moves: the milestone itself first, then its dependents in the order of the network.
    #[schema(max_items = 5000)]
    moves: Vec<MilestoneMove>,
    /// Expected finish of the plan before and after the change.
    finish: Finish,
    /// Milestones of other plans whose dates follow by themselves, because they wait for this plan.
    #[schema(max_items = 5000)]
    elsewhere: Vec<MoveElsewhere>,
}

/// Move of a milestone of another plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "plan_name": "Warehouse", "key": "go-live", "from_on": "2026-04-20",
    "to_on": "2026-04-23", "days": 3
}))]
pub struct MoveElsewhere {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Name of the plan.
    #[schema(value_type = Name)]
    plan_name: String,
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Reckoned date before the move.
    from_on: NaiveDate,
    /// Reckoned date after the move.
    to_on: NaiveDate,
    /// Length of the move in days of that plan's calendar. Negative if earlier.
    days: i64,
}

/// Move of one milestone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "pipeline", "from_on": "2026-04-01", "to_on": "2026-04-04", "days": 3, "float_used_days": 0,
    "recorded": true}))]
pub struct MilestoneMove {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Reckoned date before the move.
    from_on: NaiveDate,
    /// Reckoned date after the move. It is later than a recorded forecast if the milestone waits for another one.
    to_on: NaiveDate,
    /// Length of the move in days of the plan's calendar. Negative if earlier.
    days: i64,
    /// Days of total float that the move uses up.
    #[schema(minimum = 0)]
    float_used_days: i64,
    /// Whether the move is recorded as a forecast change. If not, the date follows by itself from what the milestone waits
    /// for.
    recorded: bool,
}

/// Expected finish of a plan before and after a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"from_on": "2026-04-01", "to_on": "2026-04-04"}))]
pub struct Finish {
    /// Expected finish before the change.
    from_on: Option<NaiveDate>,
    /// Expected finish after the change.
    to_on: Option<NaiveDate>,
}

/// Record a forecast change
///
/// The newest forecast is in force; earlier forecasts are kept as history. A dependent milestone is pushed later when
/// its dependencies no longer leave it the time that it was planned to take. Each such move is recorded as a forecast
/// change caused by this one. Closed milestones never move. With `dry_run=true`, the request responds with 200, reports
/// the same moves and saves nothing.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    request_body = ForecastChangeDraft, params(IfMatchOptional, CascadeOptions), responses(
    (status = 200, description = "Moves that the change would cause.", body = Cascade),
    (status = 201, description = "Recorded moves.", body = Cascade),
))]
#[post("/v1/plans/{id}/milestones/{milestone}/forecast-changes")]
pub async fn record_forecast_change(
    cx: Context,
    path: Path<(Uuid, String)>,
    options: Query<CascadeOptions>,
    body: Body<ForecastChangeDraft>,
) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    let others = cx.plans().await?;
    let direction = if options.0.pull.unwrap_or_default() { Direction::Pull } else { Direction::Push };
    if options.0.dry_run.unwrap_or_default() {
        let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), id).await?;
        let record = found.ok_or_else(ApiError::not_found)?;
        let position = record.position(&milestone).ok_or_else(ApiError::not_found)?;
        check_record(&record, cx.today())?;
        let moves = decide(&record, position, body.0.forecast_on, direction, cx.today())
            .map_err(|rule| rule.at("/forecast_on"))?;
        return Answer::ok(&Cascade::of(&record, &moves, cx.today(), true, (&cx, &others)));
    }
    cx.write(async |unit| {
        let (mut record, position) = load_running(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let moves = decide(&record, position, body.0.forecast_on, direction, unit.today)
            .map_err(|rule| rule.at("/forecast_on"))?;
        let answer = Cascade::of(&record, &moves, unit.today, false, (&cx, &others));
        apply(unit, &mut record, &moves, body.0.reason.as_str(), body.0.cause).await?;
        let location = format!("/v1/plans/{id}/milestones/{milestone}/forecast-changes");
        Ok(Answer::json(StatusCode::CREATED, &answer)?.header(LOCATION, location))
    })
    .await
}

/// Writes the moves: the forecast changes, the milestones and the ledger entries.
pub async fn apply(
    unit: &mut Unit,
    record: &mut PlanRecord,
    moves: &[Move],
    reason: &str,
    cause: Option<Cause>,
) -> Result<(), ApiError> {
    let before = Milestone::all_of(record, unit.today);
    let changes = rows(unit, record, moves, reason, cause);
    milestones::insert_forecasts(&mut unit.conn, unit.organization_id, &changes).await?;
    record.forecasts.extend(changes);
    for one in moves {
        record.milestones[one.milestone].touched_on = Some(unit.today);
    }
    let changed: Vec<(usize, Option<&Milestone>)> =
        moves.iter().map(|one| (one.milestone, before.get(one.milestone))).collect();
    save_all(unit, record, &changed, "forecast_changed").await?;
    Ok(())
}

/// Returns the moves that a new forecast causes, according to the domain's rules.
pub fn decide(
    record: &PlanRecord,
    position: usize,
    forecast_on: NaiveDate,
    direction: Direction,
    today: NaiveDate,
) -> Result<Vec<Move>, MilestoneRule> {
    let row = &record.milestones[position];
    let last = record.forecasts.iter().rfind(|change| change.milestone_id == row.id);
    let current_on = last.map_or(row.planned_on, |last| last.to_on);
    may_forecast(row.state.0, current_on, forecast_on, today)?;
    let facts = record.facts();
    let joined = facts.joined(&facts.standings(today), today);
    let moves = joined.cascade((position, forecast_on), direction, today);
    if moves.iter().skip(1).any(|one| one.to_on >= LAST_DAY) {
        return Err(ValueRule::BeyondCalendar { last: LAST_DAY }.into());
    }
    Ok(moves)
}

/// Returns the forecast changes to append: the requested one, and the ones it causes.
fn rows(unit: &Unit, record: &PlanRecord, moves: &[Move], reason: &str, cause: Option<Cause>) -> Vec<ForecastRow> {
    let first_id = unit.new_id();
    let row = |(index, one): (usize, &Move)| {
        let milestone = &record.milestones[one.milestone];
        let last = record.forecasts.iter().rfind(|change| change.milestone_id == milestone.id);
        let follows = |first: &Move| {
            let key = &record.milestones[first.milestone].key;
            format!("Follows {key}: {reason}").chars().take(Note::MAX_CHARS).collect::<String>()
        };
        let is_first = index == 0;
        ForecastRow {
            id: if is_first { first_id } else { unit.new_id() },
            plan_id: milestone.plan_id,
            milestone_id: milestone.id,
            ordinal: last.map_or(1, |last| last.ordinal + 1),
            from_on: last.map_or(milestone.planned_on, |last| last.to_on),
            to_on: one.to_on,
            reason: if is_first { Some(reason.to_owned()) } else { moves.first().map(follows) },
            cause: cause.filter(|_| is_first).map(|cause| cause.to_string()),
            author: Text(unit.author()),
            recorded_on: unit.today,
            recorded_at: unit.now,
            caused_by: (!is_first).then_some(first_id),
            baseline_number: None,
            planned_from_on: None,
            planned_to_on: None,
        }
    };
    moves.iter().enumerate().map(row).collect()
}

impl Cascade {
    /// Builds the response from the recorded moves and the record as it was before them. Milestones whose reckoned dates
    /// follow without a record come after them, in the order of the plan.
    pub fn of(
        record: &PlanRecord,
        moves: &[Move],
        today: NaiveDate,
        dry_run: bool,
        (cx, others): (&Context, &Plans),
    ) -> Self {
        let facts = record.facts();
        let before = facts.standings(today);
        let changed = Arc::new(facts.with_moves(moves, today));
        let after = changed.standings(today);
        let waiting = others.by_name.iter().filter(|view| view.sources.contains(&record.plan.id));
        let waiting = waiting.filter(|view| cx.may_with_plan(Scope::PlansRead, view));
        let elsewhere = waiting.flat_map(|view| elsewhere(view, record.plan.id, &changed, today)).collect();
        let calendar = &record.plan.calendar.0;
        let is_recorded = |position: usize| moves.iter().any(|one| one.milestone == position);
        let has_moved = |position: &usize| before[*position].reckoned_on != after[*position].reckoned_on;
        let follows = (0..before.len()).filter(|position| !is_recorded(*position)).filter(has_moved);
        let float_used =
            |position| moves.iter().find(|one| one.milestone == position).map_or(0, |one| one.float_used_days);
        let moved = |position: usize| {
            let (from_on, to_on) = (before[position].reckoned_on, after[position].reckoned_on);
            MilestoneMove {
                key: record.milestones[position].key.clone(),
                from_on,
                to_on,
                days: calendar.days_between(from_on, to_on),
                float_used_days: float_used(position),
                recorded: is_recorded(position),
            }
        };
        Self {
            dry_run,
            moves: moves.iter().map(|one| one.milestone).chain(follows).map(moved).collect(),
            finish: Finish { from_on: finish_on(&before), to_on: finish_on(&after) },
            elsewhere,
        }
    }
}

/// The moves of a plan's milestones when a plan that it waits for changes.
fn elsewhere(view: &PlanView, plan_id: Uuid, changed: &Arc<PlanFacts>, today: NaiveDate) -> Vec<MoveElsewhere> {
    let (before, after) = (view.standings(today), view.facts.with_source(plan_id, changed).standings(today));
    let moved = |(at, (was, is)): (usize, (&Standing, &Standing))| {
        let (from_on, to_on) = (was.reckoned_on, is.reckoned_on);
        (from_on != to_on).then(|| MoveElsewhere {
            plan_id: view.row.id,
            plan_name: view.row.name.clone(),
            key: view.labels[at].key.to_string(),
            from_on,
            to_on,
            days: view.facts.terms.calendar.days_between(from_on, to_on),
        })
    };
    before.iter().zip(&after).enumerate().filter_map(moved).collect()
}
