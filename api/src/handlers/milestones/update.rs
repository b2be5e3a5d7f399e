//! Updates of a milestone's fields. State and forecast have operations of their own.

use actix_web::patch;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::Rule as _;
use milepost_domain::earned_value::CreditRule;
use milepost_domain::plan::dependency::Dependency;
use milepost_domain::plan::draft::{MilestoneChange, check_change, check_dependencies};
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Label, Name, Note};
use milepost_domain::values::weight::{Percent, Weight};
use serde::Deserialize;
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::create::{edges, within};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::owner::{self, NamedOwner};
use crate::patch::Change;
use crate::precondition::IfMatch;
use crate::resources::milestones::{Milestone, load_running, save};
use crate::store::json_text::JsonText;
use crate::store::milestones::{self, ProgressRow};
use crate::store::plans::PlanRecord;
use crate::unit::Unit;

/// Changes to a milestone.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"owner_name": "Ben", "percent_complete": 60}))]
pub struct MilestonePatch {
    /// Name: a statement that is true once the milestone is met.
    #[schema(value_type = Name, required = false)]
    name: Option<Name>,
    /// Phase or track of the milestone.
    #[serde(default)]
    #[schema(value_type = Option<Label>)]
    phase: Change<Label>,
    /// Identifier of the owner, where a person is responsible.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    owner_id: Change<Uuid>,
    /// External reference or e-mail address of the owner.
    #[serde(default)]
    #[schema(value_type = Option<ExternalRef>)]
    owner_ref: Change<ExternalRef>,
    /// Name of the owner: free text for somebody outside. Has no effect where a person is named.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    owner_name: Change<Name>,
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
    /// Time that it takes, in days of the plan's calendar; null if it takes all the time that its dependencies leave it.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 3650)]
    duration_days: Change<u32>,
    /// Credit rule of the milestone; null for the plan's.
    #[serde(default)]
    #[schema(value_type = Option<CreditRule>)]
    credit_rule: Change<CreditRule>,
    /// Percentage of completion.
    #[schema(value_type = Percent, required = false)]
    percent_complete: Option<Percent>,
    /// Day of the percentage. Defaults to today; not before the day of the last percentage.
    #[schema(value_type = NaiveDate, required = false)]
    percent_complete_on: Option<NaiveDate>,
}

/// Update a milestone
///
/// Changes only the fields in the request. A patch that changes nothing leaves the version as it is. State and forecast
/// have operations of their own. Once a baseline includes the milestone, its planned date and weight change only with a
/// new baseline.
#[utoipa::path(tag = "milestones", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), params(IfMatch),
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
        let (mut record, position) = load_running(unit, id, &milestone).await?;
        cx.check_version(record.milestones[position].version)?;
        let before = Milestone::find(&record, &milestone, unit.today).ok_or_else(ApiError::not_found)?;
        let current = &record.milestones[position];
        let calendar = record.plan.calendar.0.clone();
        let planned_on = patch.planned_on.map(|on| calendar.taken(on));
        let last_on =
            record.progress.iter().rfind(|entry| entry.milestone_id == current.id).map(|last| last.recorded_on);
        let progress_on = patch.percent_complete_on.unwrap_or(unit.today);
        if patch.percent_complete_on.is_some() && patch.percent_complete.is_none() {
            return Err(ValueRule::Required { what: "the percentage of completion" }.at("/percent_complete").into());
        }
        let change = MilestoneChange {
            planned_on,
            changes_weight: patch.weight.is_some(),
            progress_on: patch.percent_complete.map(|_| (progress_on, last_on)),
        };
        let terms = (record.plan.start_on, &calendar);
        check_change(change, current.state.0, record.is_baselined(current.id), terms, unit.today)?;
        let row = &mut record.milestones[position];
        if let Some(name) = patch.name {
            row.name = name.into();
        }
        patch.phase.apply(&mut row.phase);
        if let Some(named) = NamedOwner::changed(&patch.owner_id, &patch.owner_ref, &patch.owner_name) {
            row.owner = owner::resolve(&mut unit.conn, unit.organization_id, "owner", named).await?;
            cx.check_named_person("owner", row.owner.id)?;
        }
        patch.note.apply(&mut row.note);
        row.planned_on = planned_on.unwrap_or(row.planned_on);
        patch.duration_days.apply(&mut row.duration_days);
        patch.credit_rule.map(Text).apply(&mut row.credit_rule);
        row.weight = patch.weight.map_or(row.weight, Weight::value);
        if let Some(criteria) = patch.acceptance_criteria {
            row.acceptance_criteria = JsonText(criteria.into_iter().map(String::from).collect());
        }
        if let Some(depends_on) = patch.depends_on {
            set_dependencies(unit, &mut record, position, &depends_on).await?;
        }
        if let Some(percent) = patch.percent_complete {
            add_progress(unit, &mut record, position, (percent, progress_on)).await?;
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
    (percent, recorded_on): (Percent, NaiveDate),
) -> Result<(), ApiError> {
    let milestone_id = record.milestones[position].id;
    let last = record.progress.iter().rfind(|entry| entry.milestone_id == milestone_id);
    let entry = ProgressRow {
        plan_id: record.plan.id,
        milestone_id,
        ordinal: last.map_or(1, |last| last.ordinal + 1),
        percent: percent.value(),
        recorded_on,
        recorded_at: Some(unit.now),
    };
    milestones::insert_progress(&mut unit.conn, unit.organization_id, std::slice::from_ref(&entry)).await?;
    record.progress.push(entry);
    Ok(())
}
