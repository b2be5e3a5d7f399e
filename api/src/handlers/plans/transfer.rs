//! Transfer of a plan to another version of its template, or to another timeline.

use std::collections::HashSet;

use actix_web::http::StatusCode;
use actix_web::post;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::draft::check_addition;
use milepost_domain::plan::milestone::Action;
use milepost_domain::plan::template::{self, Fate, MilestoneDefinition, Present, TemplateContent, Terms, Timeline};
use milepost_domain::values::text::{Key, Reason};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Plan;
use super::baselines::{Freeze, Replanned, freeze};
use super::create::version;
use super::undated;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::{Body, Query};
use crate::handlers::milestones::create::{edges, within};
use crate::owner;
use crate::precondition::IfMatchOptional;
use crate::read_model::PlanView;
use crate::resources::milestones::{Milestone, check_record, new_rows, owner_of};
use crate::stepping::{self, Details};
use crate::store::milestones;
use crate::store::owner::Owner;
use crate::store::plans::{self, PlanRecord};
use crate::store::row;
use crate::store::undated_milestones::{self, UndatedMilestone};
use crate::unit::{Change, Entity, Unit};
use crate::versioned;

/// Transfer of a plan.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"template_version": 2, "timeline": "fast_track", "reason": "The person has done this before."}))]
pub struct TransferDraft {
    /// Number of the version of the plan's template. Defaults to the newest published version.
    #[schema(minimum = 1)]
    template_version: Option<i64>,
    /// Timeline that open milestones get. By default, those that stay keep their dates, and those that are added get the standard ones.
    timeline: Option<Timeline>,
    /// Reason.
    reason: Reason,
}

/// Options of a transfer.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TransferOptions {
    /// Whether to report the changes without saving.
    dry_run: Option<bool>,
}

/// Changes that a transfer causes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": true, "template_version_from": 1, "template_version_to": 2, "baseline": 2, "milestones": [{"key": "t1", "fate": "kept",
    "planned_from_on": "2026-05-08", "planned_to_on": "2026-05-06"}]
}))]
pub struct TransferReport {
    /// Whether this was a dry run, which saves nothing.
    dry_run: bool,
    /// Number of the version before.
    #[schema(minimum = 1)]
    template_version_from: i64,
    /// Number of the version after.
    #[schema(minimum = 1)]
    template_version_to: i64,
    /// Number of the new baseline; null if no milestone with a date changes.
    #[schema(minimum = 1)]
    baseline: Option<i64>,
    /// Milestones: first those that the plan has, in their order, then those that are added.
    #[schema(max_items = 6000)]
    milestones: Vec<TransferredMilestone>,
}

/// Milestone of a plan in a transfer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "t1", "fate": "kept", "planned_from_on": "2026-05-08", "planned_to_on": "2026-05-06"}))]
pub struct TransferredMilestone {
    /// Key.
    #[schema(value_type = Key)]
    key: String,
    /// Fate.
    fate: Fate,
    /// Planned date before; null without one.
    planned_from_on: Option<NaiveDate>,
    /// Planned date after; null without one.
    planned_to_on: Option<NaiveDate>,
}

/// Transfer a plan to another version or timeline
///
/// Open milestones that are in both versions take their names, phases, acceptance criteria and weights from the new one, and keep their owners
/// and dependencies. Those that are new are added; those that the new version no longer has are canceled, or removed if they have no date. What
/// was achieved, and what somebody added to the plan, stays as it is. With a timeline, open milestones move to its dates, though not before
/// today. What changes of dates and weights is a new baseline with the reason, and each move is recorded as a forecast change. A dry run
/// (`dry_run=true`) returns the same report with status 200 and saves nothing.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional, TransferOptions), request_body = TransferDraft, responses(
    (status = 200, description = "The changes that the transfer would cause (dry run).", body = TransferReport),
    (status = 201, description = "The changes that the transfer caused.", body = TransferReport),
))]
#[post("/v1/plans/{id}/transfer")]
pub async fn transfer_plan(
    cx: Context,
    id: Path<Uuid>,
    options: Query<TransferOptions>,
    body: Body<TransferDraft>,
) -> Result<Answer, ApiError> {
    if options.0.dry_run.unwrap_or_default() {
        // What is not committed has not happened.
        let mut unit = cx.begin().await?;
        return Answer::ok(&transfer(&cx, &mut unit, *id, &body.0, true).await?);
    }
    cx.write(async |unit| Answer::json(StatusCode::CREATED, &transfer(&cx, unit, *id, &body.0, false).await?)).await
}

/// Fate of one milestone, with its definition in the new version.
struct Planned {
    report: TransferredMilestone,
    definition: Option<MilestoneDefinition>,
}

async fn transfer(
    cx: &Context,
    unit: &mut Unit,
    id: Uuid,
    draft: &TransferDraft,
    dry_run: bool,
) -> Result<TransferReport, ApiError> {
    let found = plans::find(&mut unit.conn, unit.organization_id, id).await?;
    let mut record = found.ok_or_else(ApiError::not_found)?;
    cx.check_version(record.plan.version)?;
    check_record(&record, unit.today)?;
    let before = cx.app.definitions.of_plan(&mut unit.conn, unit.organization_id, &record.plan).await?;
    let (Some(before), Some(from)) = (before, record.plan.template_version) else {
        return Err(ApiError::new(Code::Conflict, "The plan was made without a template."));
    };
    let (to, after) = version_after(unit, &record, draft.template_version).await?;
    let undated = undated_milestones::of_plan(&mut unit.conn, unit.organization_id, id).await?;
    let planned = decide(&record, &undated, (&before, &after), draft.timeline, unit.today);
    let last = record.baselines.last().map(|last| last.number);
    let plan_before = Plan::at(&PlanView::from(&record), unit.today);
    record.plan.template_version = Some(to);
    carry_out(unit, &mut record, &undated, &planned, &draft.reason).await?;
    let plan_after = Plan::at(&PlanView::from(&record), unit.today);
    let entity = (Entity::Plan, id);
    let change =
        Change { verb: "transferred", entity, root: entity, before: Some(&plan_before), after: Some(&plan_after) };
    unit.record(change).await?;
    let baseline = record.baselines.last().map(|last| last.number).filter(|number| Some(*number) != last);
    let milestones = planned.into_iter().map(|one| one.report).collect();
    Ok(TransferReport { dry_run, template_version_from: from, template_version_to: to, baseline, milestones })
}

/// The version of the plan's template that it gets: the one with a number, or the newest.
async fn version_after(
    unit: &mut Unit,
    record: &PlanRecord,
    number: Option<i64>,
) -> Result<(i64, TemplateContent), ApiError> {
    let id = record.plan.template_id.unwrap_or_default().to_string();
    let found = versioned::find::<TemplateContent>(&mut unit.conn, unit.organization_id, &id).await?;
    let found = found.ok_or_else(ApiError::not_found)?;
    let version = version(&found, number)?;
    Ok((version.number, version.content.clone()))
}

fn decide(
    record: &PlanRecord,
    undated: &[UndatedMilestone],
    (before, after): (&TemplateContent, &TemplateContent),
    timeline: Option<Timeline>,
    today: NaiveDate,
) -> Vec<Planned> {
    let dated = record.milestones.iter().map(|row| Present {
        key: row.key.as_str(),
        planned_on: Some(row.planned_on),
        is_open: row.state.0.is_open(),
    });
    let ongoing = undated.iter().map(|row| Present {
        key: row.key.as_str(),
        planned_on: None,
        is_open: row.achieved_on.is_none(),
    });
    let present: Vec<Present<'_>> = dated.chain(ongoing).collect();
    let before: HashSet<&str> = before.milestones.iter().map(|one| one.key.as_str()).collect();
    let calendar = &record.plan.calendar.0;
    let terms = Terms { start_on: record.plan.start_on, timeline: timeline.unwrap_or_default(), calendar };
    let is_redated = timeline.is_some();
    let terms = template::Transfer { before: &before, after: &after.milestones, terms, is_redated, today };
    let steps = template::transfer(&present, &terms).into_iter();
    let planned = steps.map(|step| Planned {
        report: TransferredMilestone {
            key: step.key.to_owned(),
            fate: step.fate,
            planned_from_on: step.planned_from_on,
            planned_to_on: step.planned_to_on.map(|on| calendar.taken(on)),
        },
        definition: step.definition.cloned(),
    });
    planned.collect()
}

/// Writes what becomes of the milestones, and the plan with its new version.
async fn carry_out(
    unit: &mut Unit,
    record: &mut PlanRecord,
    undated: &[UndatedMilestone],
    planned: &[Planned],
    reason: &Reason,
) -> Result<(), ApiError> {
    let mut has_changed = add(unit, record, planned).await?;
    for one in planned.iter().filter(|one| one.report.fate == Fate::Removed) {
        if let Some(position) = record.position(&one.report.key) {
            let details = Details { reason: Some(reason.clone().into()), ..Details::default() };
            stepping::take(unit, record, position, Action::Cancel, details).await?;
            has_changed = true;
        }
    }
    for row in undated {
        let Some(one) = planned.iter().find(|one| one.report.key == row.key.as_str()) else { continue };
        change_undated(unit, row, one).await?;
    }
    let milestones_before = Milestone::all_of(record, unit.today);
    let replanned = take_over(record, planned);
    if has_changed || !replanned.is_empty() {
        let terms = Freeze { reason: reason.as_str(), approver: Owner::default(), replanned };
        freeze(unit, record, terms, &milestones_before).await?;
    } else {
        record.plan.version += 1;
        record.plan.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
    }
    Ok(())
}

/// Adds what is new in the version. Answers whether any of it has a date.
async fn add(unit: &mut Unit, record: &mut PlanRecord, planned: &[Planned]) -> Result<bool, ApiError> {
    let plan_id = record.plan.id;
    let mut added = vec![];
    let new = planned.iter().filter(|one| one.report.fate == Fate::Added);
    for (one, definition) in new.filter_map(|one| Some((one, one.definition.as_ref()?))) {
        let MilestoneDefinition { key, name, phase, acceptance_criteria, .. } = definition.clone();
        let Some(planned_on) = one.report.planned_to_on else {
            let row = undated::begun(unit, plan_id, key, name, phase, acceptance_criteria);
            undated::add(unit, &row).await?;
            continue;
        };
        let calendar = &record.plan.calendar.0;
        let terms = Terms { start_on: record.plan.start_on, timeline: Timeline::Standard, calendar };
        let Some(mut draft) = terms.draft(definition) else { continue };
        let depends_on = std::mem::take(&mut draft.depends_on);
        draft.planned_on = planned_on;
        within(record, |plan| check_addition(&draft, plan, unit.today)).map_err(ApiError::of_change)?;
        let owner = owner::resolve(&mut unit.conn, unit.organization_id, "owner", owner_of(&draft)).await?;
        let position = record.milestones.last().map_or(1, |last| last.position + 1);
        let row = new_rows(unit, plan_id, position, &draft, owner).milestone;
        milestones::insert(&mut unit.conn, unit.organization_id, std::slice::from_ref(&row)).await?;
        added.push((record.milestones.len(), row.id, depends_on));
        record.milestones.push(row);
    }
    // What is added can wait for what is added after it.
    for (_, id, depends_on) in &added {
        let edges = edges(record, *id, depends_on);
        milestones::insert_dependencies(&mut unit.conn, unit.organization_id, &edges).await?;
        record.dependencies.extend(edges);
    }
    let all = Milestone::all_of(record, unit.today);
    for (position, id, _) in &added {
        let (entity, root) = ((Entity::Milestone, *id), (Entity::Plan, plan_id));
        unit.record(Change { verb: "created", entity, root, before: None, after: Some(&all[*position]) }).await?;
    }
    Ok(!added.is_empty())
}

/// Removes a milestone without a date that the version no longer has, or takes over its texts.
async fn change_undated(unit: &mut Unit, row: &UndatedMilestone, one: &Planned) -> Result<(), ApiError> {
    let (entity, root) = ((Entity::UndatedMilestone, row.id), (Entity::Plan, row.plan_id));
    match &one.definition {
        None if one.report.fate == Fate::Removed => {
            row::delete::<UndatedMilestone>(&mut unit.conn, unit.organization_id, row.id).await?;
            unit.record(Change { verb: "deleted", entity, root, before: Some(row), after: None }).await
        }
        Some(definition) if row.achieved_on.is_none() => {
            let MilestoneDefinition { name, phase, acceptance_criteria, .. } = definition.clone();
            let mut after = UndatedMilestone { name, phase, acceptance_criteria, ..row.clone() };
            if after == *row {
                return Ok(());
            }
            after.version += 1;
            after.updated_at = unit.now;
            row::update(&mut unit.conn, unit.organization_id, &after).await?;
            unit.record(Change { verb: "updated", entity, root, before: Some(row), after: Some(&after) }).await
        }
        _ => Ok(()),
    }
}

/// Takes over the texts, the weights and the dates of what is kept and open. Answers what has changed.
fn take_over(record: &mut PlanRecord, planned: &[Planned]) -> Vec<Replanned> {
    let mut replanned = vec![];
    for one in planned.iter().filter(|one| one.report.fate == Fate::Kept) {
        let (Some(definition), Some(position)) = (&one.definition, record.position(&one.report.key)) else { continue };
        let row = &mut record.milestones[position];
        if !row.state.0.is_open() {
            continue;
        }
        let was = row.clone();
        row.name = definition.name.to_string();
        row.phase = definition.phase.clone().map(String::from);
        row.acceptance_criteria.0 = definition.acceptance_criteria.iter().map(ToString::to_string).collect();
        if definition.offset_days.is_some() {
            row.weight = definition.weight.value();
        }
        row.planned_on = one.report.planned_to_on.unwrap_or(row.planned_on);
        if *row != was {
            // A date of the timeline is a new promise, so it takes the place of the forecast.
            let forecast_on = (row.planned_on != was.planned_on).then_some(row.planned_on);
            replanned.push(Replanned { position, forecast_on });
        }
    }
    replanned
}
