//! Updates of a milestone's fields. State and forecast have operations of their own.

use actix_web::patch;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::draft::{MilestoneChange, check_change, check_dependencies};
use milepost_domain::values::text::{Label, Name, Note};
use milepost_domain::values::weight::{Percent, Weight};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::create::{edges, within};
use super::{Milestone, load, save};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::patch::Change;
use crate::precondition::IfMatch;
use crate::store::json_text::JsonText;
use crate::store::milestones::{self, ProgressRow};
use crate::store::plans::PlanRecord;
use crate::unit::Unit;

/// Changes to a milestone.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"owner": "Ben", "percent_complete": 60}))]
pub struct MilestonePatch {
    /// Name: a statement that is true once the milestone is met.
    #[schema(value_type = Name, required = false)]
    name: Option<Name>,
    /// Phase or track of the milestone.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    phase: Change<Label>,
    /// Owner: the person or role responsible.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    owner: Change<Label>,
    /// Planned date. Can change only until a baseline includes the milestone.
    #[schema(value_type = NaiveDate, required = false)]
    planned_on: Option<NaiveDate>,
    /// Weight. Can change only until a baseline includes the milestone.
    #[schema(value_type = Weight, required = false)]
    weight: Option<Weight>,
    /// Dependencies: keys, or keys with a relation and a lag. Replaces the whole list.
    #[schema(value_type = Vec<Dependency>, required = false, max_items = 100)]
    depends_on: Option<Vec<Dependency>>,
    /// Acceptance criteria: conditions that must hold for the milestone to count as met. Replaces the whole list.
    #[schema(value_type = Vec<Note>, required = false, max_items = 50)]
    acceptance_criteria: Option<Vec<Note>>,
    /// Note on the current situation.
    #[serde(default)]
    #[schema(value_type = Option<Note>)]
    note: Change<Note>,
    /// Percentage of completion as of today. Recorded with today's date.
    #[schema(value_type = Percent, required = false)]
    percent_complete: Option<Percent>,
}

/// Update a milestone
///
/// Changes only the fields in the request. A patch that changes nothing leaves the version as it is. State and forecast
/// have operations of their own. Once a baseline includes the milestone, its planned date and weight change only with a
/// new baseline.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), params(IfMatch),
    request_body(content = MilestonePatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The updated milestone.", body = Milestone)))]
#[patch("/v1/plans/{id}/milestones/{milestone}")]
pub async fn update_milestone(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<MilestonePatch>,
) -> Result<Answer, ApiError> {
    let (id, milestone) = path.into_inner();
    cx.write(async |unit| {
        let patch = body.0.clone();
        let (mut record, position) = load(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let before = Milestone::find(&record, &milestone, unit.today).ok_or_else(ApiError::not_found)?;
        let current = &record.milestones[position];
        let change = MilestoneChange {
            planned_on: patch.planned_on,
            changes_weight: patch.weight.is_some(),
            records_progress: patch.percent_complete.is_some(),
        };
        check_change(change, current.state.0, record.is_baselined(current.id), record.plan.start_on)?;
        let row = &mut record.milestones[position];
        if let Some(name) = patch.name {
            row.name = name.into();
        }
        patch.phase.apply(&mut row.phase);
        patch.owner.apply(&mut row.owner);
        patch.note.apply(&mut row.note);
        row.planned_on = patch.planned_on.unwrap_or(row.planned_on);
        row.weight = patch.weight.map_or(row.weight, Weight::value);
        if let Some(criteria) = patch.acceptance_criteria {
            row.acceptance_criteria = JsonText(criteria.into_iter().map(String::from).collect());
        }
        if let Some(depends_on) = patch.depends_on {
            set_dependencies(unit, &mut record, position, &depends_on).await?;
        }
        if let Some(percent) = patch.percent_complete {
            add_progress(unit, &mut record, position, percent).await?;
            record.milestones[position].touched_on = Some(unit.today);
        }
        if patch.percent_complete.is_none()
            && Milestone::find(&record, &milestone, unit.today).as_ref() == Some(&before)
        {
            return before.answer();
        }
        save(unit, &mut record, position, Some(&before), "updated").await?.answer()
    })
    .await
}

async fn set_dependencies(
    unit: &mut Unit,
    record: &mut PlanRecord,
    position: usize,
    depends_on: &[Dependency],
) -> Result<(), ApiError> {
    let (id, key) = (record.milestones[position].id, record.milestones[position].key.clone());
    within(record, |plan| check_dependencies(&key, depends_on, plan)).map_err(ApiError::of_change)?;
    let edges = edges(record, id, depends_on);
    milestones::delete_dependencies(&mut unit.conn, unit.organization_id, record.plan.id, id).await?;
    milestones::insert_dependencies(&mut unit.conn, unit.organization_id, &edges).await?;
    record.dependencies.retain(|edge| edge.milestone_id != id);
    record.dependencies.extend(edges);
    Ok(())
}

async fn add_progress(
    unit: &mut Unit,
    record: &mut PlanRecord,
    position: usize,
    percent: Percent,
) -> Result<(), ApiError> {
    let milestone_id = record.milestones[position].id;
    let last = record.progress.iter().rfind(|entry| entry.milestone_id == milestone_id);
    let entry = ProgressRow {
        plan_id: record.plan.id,
        milestone_id,
        ordinal: last.map_or(1, |last| last.ordinal + 1),
        percent: percent.value(),
        recorded_on: unit.today,
        recorded_at: Some(unit.now),
    };
    milestones::insert_progress(&mut unit.conn, unit.organization_id, &entry).await?;
    record.progress.push(entry);
    Ok(())
}
