//! Baselines of a plan. Each one is created deliberately, with a reason, and never changes.

use std::collections::HashMap;

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::baseline::{Candidate, check};
use milepost_domain::values::text::{ExternalRef, Key, Name, Note, Reason};
use milepost_domain::values::weight::Weight;
use serde::{Deserialize, Serialize};
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::Body;
use crate::owner::{self, NamedOwner};
use crate::paging::{Page, Paging};
use crate::precondition::IfMatchOptional;
use crate::resources::milestones::Milestone;
use crate::resources::milestones::check_record;
use crate::store::author::Author;
use crate::store::authored;
use crate::store::authored::name_all;
use crate::store::baselines::{self, ApprovalRow, BaselineRow, LineRow, Side};
use crate::store::keyset::{Key as PositionKey, Position};
use crate::store::milestones::{self, ForecastRow};
use crate::store::owner::Owner;
use crate::store::plans::{self, PlanRecord};
use crate::unit::{Change, Entity, Unit};

/// A baseline to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The client moved the launch to autumn.", "approver_ref": "hr-17", "changes": [{"key": "pipeline",
    "planned_on": "2026-05-04"}]}))]
pub struct BaselineDraft {
    /// Reason for the new baseline.
    reason: Reason,
    /// Identifier of the person who approved the baseline on the organization's side.
    approver_id: Option<Uuid>,
    /// External reference or e-mail address of that person.
    approver_ref: Option<ExternalRef>,
    /// Name of an approver who is not a person of the organization. Has no effect where a person is named.
    approver_name: Option<Name>,
    /// Changes from the previous baseline; open milestones only.
    #[serde(default)]
    #[schema(max_items = 5000)]
    changes: Vec<LineChange>,
}

/// A change of one milestone in a new baseline.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "pipeline", "planned_on": "2026-05-04"}))]
pub struct LineChange {
    /// Key of the milestone.
    key: Key,
    /// New planned date.
    planned_on: Option<NaiveDate>,
    /// New weight.
    weight: Option<Weight>,
}

/// A baseline with its lines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "number": 2, "effective_on": "2026-04-01",
    "reason": "The client moved the launch to autumn.", "author": {"type": "api_client", "id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11"},
    "created_at": "2026-04-01T09:00:00Z", "approver_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "approver_name": "Ana Petrova",
    "approved_at": "2026-04-01T09:00:00Z", "client_approver_id": null, "client_approver_name": null, "client_approved_at": null,
    "lines": [{"key": "pipeline", "planned_on": "2026-05-04", "weight": 5.0}]
}))]
pub struct Baseline {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Number, counting from 1.
    #[schema(minimum = 1)]
    number: i64,
    /// First day on which the baseline is in force.
    effective_on: NaiveDate,
    /// Reason for the baseline; null for the first.
    #[schema(value_type = Option<Note>)]
    reason: Option<String>,
    /// Author of the record.
    author: Author,
    /// Time of creation.
    created_at: DateTime<Utc>,
    /// Identifier of the person who approved the baseline on the organization's side.
    approver_id: Option<Uuid>,
    /// Name of whoever approved the baseline on the organization's side.
    #[schema(value_type = Option<Name>)]
    approver_name: Option<String>,
    /// Time at which that approval was recorded.
    approved_at: Option<DateTime<Utc>>,
    /// Identifier of the person who approved the baseline on the customer's side.
    client_approver_id: Option<Uuid>,
    /// Name of whoever approved the baseline on the customer's side.
    #[schema(value_type = Option<Name>)]
    client_approver_name: Option<String>,
    /// Time at which that approval was recorded.
    client_approved_at: Option<DateTime<Utc>>,
    /// Lines: one for each milestone in scope.
    #[schema(max_items = 5000)]
    lines: Vec<BaselineLine>,
}

/// Planned date and weight of a milestone in a baseline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "pipeline", "planned_on": "2026-05-04", "weight": 5.0}))]
pub struct BaselineLine {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    key: String,
    /// Planned date.
    planned_on: NaiveDate,
    /// Weight.
    #[schema(value_type = Weight)]
    weight: f64,
}

/// Maximum number of baselines of a plan.
const MOST: usize = 200;

/// List a plan's baselines
///
/// Returns a page of the baselines with their lines, the newest first. A plan has at most 200 baselines.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of baselines.", body = Page<Baseline>)))]
#[get("/v1/plans/{id}/baselines")]
pub async fn list_baselines(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let mut conn = cx.snapshot().await?;
    let found = plans::find(&mut conn, cx.organization_id(), *id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let mut rows: Vec<Baseline> = record.baselines.iter().map(|row| Baseline::of(&record, row)).collect();
    name_all(&mut conn, cx.organization_id(), &mut rows).await?;
    let position = |row: &Baseline| Position { key: Some(PositionKey::Number(row.number)), id: record.plan.id };
    paging.answer_newest(rows, position, |row| row)
}

/// Create a baseline
///
/// Freezes the planned dates and weights again, with the given changes. Waived and canceled milestones leave the scope;
/// milestones added since the previous baseline enter it. The baseline is in force from today; figures for earlier
/// dates still use the previous one. A planned date that moves is recorded as a forecast change of its milestone, which
/// is to be communicated to the client like any other: the owner's own forecast stays, or else becomes the new planned
/// date. A new baseline does not explain a date that was missed before. A plan may have at most 200 baselines.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), params(IfMatchOptional),
    request_body = BaselineDraft,
    responses((status = 201, description = "The created baseline.", body = Baseline)))]
#[post("/v1/plans/{id}/baselines")]
pub async fn create_baseline(cx: Context, id: Path<Uuid>, body: Body<BaselineDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        check_record(&record, unit.today)?;
        cx.check_version(record.plan.version)?;
        let before = Milestone::all_of(&record, unit.today);
        apply(&mut record, &draft)?;
        let positions = draft.changes.iter().filter_map(|change| record.position(change.key.as_str()));
        let replanned = positions.map(|position| Replanned { position, forecast_on: None }).collect();
        let named = NamedOwner::of(draft.approver_id, draft.approver_ref.as_ref(), draft.approver_name.as_ref());
        let approver = approver(&cx, unit, named).await?;
        let terms = Freeze { reason: draft.reason.as_str(), approver, replanned };
        let row = freeze(unit, &mut record, terms, &before).await?;
        let baseline = Baseline::of(&record, &row);
        let change = Change {
            verb: "baselined",
            entity: (Entity::Plan, *id),
            root: (Entity::Plan, *id),
            before: None,
            after: Some(&baseline),
        };
        unit.record(change).await?;
        Answer::created(format!("/v1/plans/{id}/baselines"), &baseline)
    })
    .await
}

/// Whoever a body names as an approver. The caller names nobody whom they may not read.
pub async fn approver(cx: &Context, unit: &mut Unit, named: NamedOwner<'_>) -> Result<Owner, ApiError> {
    let approver = owner::resolve(&mut unit.conn, unit.organization_id, "approver", named).await?;
    cx.check_named_person("approver", approver.id)?;
    Ok(approver)
}

/// Applies the changes to the plan's milestones and checks the lines that the baseline would freeze.
fn apply(record: &mut PlanRecord, draft: &BaselineDraft) -> Result<(), ApiError> {
    let calendar = record.plan.calendar.0.clone();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut errors = vec![];
    for (index, change) in draft.changes.iter().enumerate() {
        let at = |field: &str| format!("/changes/{index}{field}");
        let Some(milestone) = record.milestones.iter_mut().find(|milestone| milestone.key == change.key.as_str())
        else {
            errors.push(FieldError::in_body(at("/key"), "unknown_milestone", "names no milestone of this plan"));
            continue;
        };
        if places.insert(change.key.as_str(), index).is_some() {
            errors.push(FieldError::in_body(at("/key"), "repeated", "is changed more than once"));
        }
        milestone.planned_on = change.planned_on.map_or(milestone.planned_on, |on| calendar.taken(on));
        milestone.weight = change.weight.map_or(milestone.weight, Weight::value);
    }
    if !errors.is_empty() {
        return Err(ApiError::with_errors(Code::ValidationFailed, errors));
    }
    let in_scope = record.milestones.iter().filter(|m| !m.state.0.is_dropped() || places.contains_key(m.key.as_str()));
    let candidates: Vec<Candidate> = in_scope
        .map(|milestone| Candidate {
            at: places.get(milestone.key.as_str()).map_or_else(String::new, |index| format!("/changes/{index}")),
            planned_on: milestone.planned_on,
            state: milestone.state.0,
            changed: places.contains_key(milestone.key.as_str()),
        })
        .collect();
    Ok(check(&candidates, record.plan.start_on, &calendar)?)
}

/// A milestone that a new baseline changes.
#[derive(Debug, Clone, Copy)]
pub struct Replanned {
    /// Position of the milestone.
    pub position: usize,
    /// New forecast date, if the owner's own forecast moves with the plan.
    pub forecast_on: Option<NaiveDate>,
}

/// Reason for a new baseline, its approval and its changes.
#[derive(Debug, Clone)]
pub struct Freeze<'a> {
    /// Reason for the baseline.
    pub reason: &'a str,
    /// Whoever approved the baseline on the organization's side.
    pub approver: Owner,
    /// Milestones that change.
    pub replanned: Vec<Replanned>,
}

/// Writes a new baseline of a plan from its record, the milestones that changed, and the plan's new version. Each planned
/// date that moved becomes a forecast change. Each changed milestone has a ledger entry of its own, because time travel reads
/// its state there; `before` are the milestones before the change.
pub async fn freeze(
    unit: &mut Unit,
    record: &mut PlanRecord,
    terms: Freeze<'_>,
    before: &[Milestone],
) -> Result<BaselineRow, ApiError> {
    if record.baselines.len() >= MOST {
        return Err(ApiError::new(Code::Conflict, format!("A plan may have at most {MOST} baselines.")));
    }
    let plan_id = record.plan.id;
    let number = record.baselines.last().map_or(1, |last| last.number + 1);
    let row = BaselineRow {
        plan_id,
        number,
        effective_on: unit.today,
        reason: Some(terms.reason.to_owned()),
        author: Text(unit.author()),
        created_at: unit.now,
    };
    let in_scope = record.milestones.iter().filter(|m| !m.state.0.is_dropped());
    let lines: Vec<LineRow> = in_scope
        .map(|m| LineRow { plan_id, number, milestone_id: m.id, planned_on: m.planned_on, weight: m.weight })
        .collect();
    baselines::insert(&mut unit.conn, unit.organization_id, &row, &lines).await?;
    if !terms.approver.is_nobody() {
        let (approver, author) = (terms.approver, Text(unit.author()));
        let side = Text(Side::Internal);
        let approval = ApprovalRow { plan_id, number, side, approver, author, recorded_at: unit.now };
        baselines::insert_approval(&mut unit.conn, unit.organization_id, &approval).await?;
        record.approvals.push(approval);
    }
    let changes: Vec<ForecastRow> = terms
        .replanned
        .iter()
        .filter_map(|one| moved_date(unit, record, (number, terms.reason), before[one.position].planned_on, *one))
        .collect();
    milestones::insert_forecasts(&mut unit.conn, unit.organization_id, &changes).await?;
    record.forecasts.extend(changes);
    let now = unit.now;
    for one in &terms.replanned {
        let milestone = &mut record.milestones[one.position];
        milestone.touched_on = Some(unit.today);
        milestone.version += 1;
        milestone.updated_at = now;
        milestones::update(&mut unit.conn, unit.organization_id, milestone).await?;
    }
    record.plan.version += 1;
    record.plan.updated_at = now;
    plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
    record.baselines.push(row.clone());
    record.lines.extend(lines);
    let after = Milestone::all_of(record, unit.today);
    for one in &terms.replanned {
        let (was, is) = (&before[one.position], &after[one.position]);
        let entity = (Entity::Milestone, record.milestones[one.position].id);
        let root = (Entity::Plan, plan_id);
        unit.record(Change { verb: "replanned", entity, root, before: Some(was), after: Some(is) }).await?;
    }
    Ok(row)
}

/// Returns the forecast change by which a baseline moves a milestone's date, if it moves one.
fn moved_date(
    unit: &Unit,
    record: &PlanRecord,
    (number, reason): (i64, &str),
    planned_from_on: NaiveDate,
    one: Replanned,
) -> Option<ForecastRow> {
    let milestone = &record.milestones[one.position];
    let last = record.forecasts.iter().rfind(|change| change.milestone_id == milestone.id);
    let from_on = last.map_or(planned_from_on, |last| last.to_on);
    let to_on = one.forecast_on.or(last.map(|last| last.to_on)).unwrap_or(milestone.planned_on);
    (milestone.planned_on != planned_from_on || to_on != from_on).then(|| ForecastRow {
        id: unit.new_id(),
        plan_id: record.plan.id,
        milestone_id: milestone.id,
        ordinal: last.map_or(1, |last| last.ordinal + 1),
        from_on,
        to_on,
        reason: Some(reason.to_owned()),
        cause: None,
        author: Text(unit.author()),
        recorded_on: unit.today,
        recorded_at: unit.now,
        caused_by: None,
        baseline_number: Some(number),
        planned_from_on: Some(planned_from_on),
        planned_to_on: Some(milestone.planned_on),
    })
}

authored!(Baseline);

impl Baseline {
    /// A baseline with its lines and approvals.
    pub fn of(record: &PlanRecord, row: &BaselineRow) -> Self {
        let approval = |side| record.approvals.iter().find(move |one| one.number == row.number && one.side.0 == side);
        let (internal, client) = (approval(Side::Internal), approval(Side::Client));
        let key = |id: Uuid| record.milestones.iter().find(|m| m.id == id).map(|m| m.key.clone());
        let line = |line: &LineRow| {
            Some(BaselineLine { key: key(line.milestone_id)?, planned_on: line.planned_on, weight: line.weight })
        };
        Self {
            plan_id: row.plan_id,
            number: row.number,
            effective_on: row.effective_on,
            reason: row.reason.clone(),
            author: row.author.0.clone(),
            created_at: row.created_at,
            approver_id: internal.and_then(|one| one.approver.id),
            approver_name: internal.and_then(|one| one.approver.name.clone()),
            approved_at: internal.map(|one| one.recorded_at),
            client_approver_id: client.and_then(|one| one.approver.id),
            client_approver_name: client.and_then(|one| one.approver.name.clone()),
            client_approved_at: client.map(|one| one.recorded_at),
            lines: record.lines.iter().filter(|line| line.number == row.number).filter_map(line).collect(),
        }
    }
}
