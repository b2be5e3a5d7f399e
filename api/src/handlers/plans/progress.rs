//! Progress of a plan by track and level, and what is best done next.

use std::collections::HashMap;

use actix_web::get;
use actix_web::web::Path;
use chrono::NaiveDate;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::progress::{Share, Step, progress};
use milepost_domain::plan::template::MilestoneDefinition;
use milepost_domain::values::text::{Key, Label, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::proving;
use crate::proving::observed::Judged;
use crate::read_model::PlanView;
use crate::read_model::reports::{Report, ReportKey};
use crate::store::undated_milestones::{self, UndatedMilestone};

/// Number of milestones that are named as next.
const MOST_NEXT: usize = 5;

/// Achieved milestones out of all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"achieved": 3, "total": 12, "percent": 25.0}))]
pub struct ProgressShare {
    /// Number of milestones that are achieved.
    #[schema(maximum = 10_000)]
    achieved: usize,
    /// Number of milestones, without waived and canceled ones.
    #[schema(maximum = 10_000)]
    total: usize,
    /// Share that is achieved, in percent.
    #[schema(minimum = 0, maximum = 100)]
    percent: f64,
}

impl From<Share> for ProgressShare {
    fn from(share: Share) -> Self {
        Self { achieved: share.achieved, total: share.total, percent: share.percent() }
    }
}

/// Progress within a level of a track.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"level": "Foundation", "progress": {"achieved": 3, "total": 3, "percent": 100.0}}))]
pub struct LevelProgress {
    /// Level, as the template names it; null for milestones without one.
    level: Option<Label>,
    /// Progress.
    progress: ProgressShare,
}

/// Progress within a track.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"track": "Technical", "progress": {"achieved": 3, "total": 9, "percent": 33.3}, "levels": []}))]
pub struct TrackProgress {
    /// Track: the phase of the milestones; null for those without one.
    track: Option<Label>,
    /// Progress.
    progress: ProgressShare,
    /// Progress of each level, in the order of the plan.
    #[schema(max_items = 500)]
    levels: Vec<LevelProgress>,
}

/// Milestone that can be achieved next: everything that it waits for is done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "t2", "name": "An agent works with the tools of every day", "track": "Technical", "level": "Foundation",
    "reckoned_on": "2026-05-25", "proved_percent": 50.0}))]
pub struct NextStep {
    /// Key.
    #[schema(value_type = Key)]
    key: String,
    /// Name.
    #[schema(value_type = Name)]
    name: String,
    /// Track; null if it has none.
    track: Option<Label>,
    /// Level; null if it has none.
    level: Option<Label>,
    /// Reckoned date; null for a milestone without a date.
    reckoned_on: Option<NaiveDate>,
    /// Share of the way that its proof has come, in percent; null for a milestone that does not prove itself.
    #[schema(minimum = 0, maximum = 100)]
    proved_percent: Option<f64>,
}

/// Progress of a plan, such as a person's enrolment in a program.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova",
    "as_of": "2026-05-04", "progress": {"achieved": 3, "total": 30, "percent": 10.0}, "tracks": [], "next": [],
    "expected_finish_on": "2027-05-01", "finish_variance_days": 0
}))]
pub struct PlanProgress {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Identifier of the person whom the plan serves.
    person_id: Option<Uuid>,
    /// Name of the person whom the plan serves.
    #[schema(value_type = Option<Name>)]
    person_name: Option<String>,
    /// Day that this refers to: today.
    as_of: NaiveDate,
    /// Progress of all milestones, with and without a date.
    progress: ProgressShare,
    /// Progress of each track, in the order of the plan.
    #[schema(max_items = 500)]
    tracks: Vec<TrackProgress>,
    /// Milestones that are best achieved next: up to five. Those whose proof has begun come first, the closest to its end first; then those
    /// with the nearest date.
    #[schema(max_items = 5)]
    next: Vec<NextStep>,
    /// Expected finish of the milestones with a date; null if none is open.
    expected_finish_on: Option<NaiveDate>,
    /// Days by which the expected finish is later than planned; negative means early.
    finish_variance_days: Option<i64>,
}

/// Get a plan's progress
///
/// Returns how much of each track and level is achieved, and what is best done next. Milestones without a date count, too; earned value
/// leaves them out. Levels come from the template that the plan was made from.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The progress.", body = PlanProgress)))]
#[get("/v1/plans/{id}/progress")]
pub async fn read_progress(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let (cx, event_sequence) = proving::up_to_date(&cx).await?;
    let (organization_id, today) = (cx.organization_id(), cx.today());
    // It follows from the ledger, the events and the day.
    let question = format!("{} {event_sequence} {today}", cx.target);
    let key = ReportKey { organization_id, sequence: cx.who.tenant.sequence, question };
    let make = async || Report::of(&compute(&cx, *id).await?);
    cx.app.read_model.reports.make(key, make).await
}

async fn compute(cx: &Context, id: Uuid) -> Result<PlanProgress, ApiError> {
    let plans = cx.plans().await?;
    let plan = plans.find(id).ok_or_else(ApiError::not_found)?;
    let mut conn = cx.snapshot().await?;
    let undated = undated_milestones::of_plan(&mut conn, cx.organization_id(), id).await?;
    let content = cx.app.definitions.of_plan(&mut conn, cx.organization_id(), &plan.row).await?;
    drop(conn);
    let definitions: HashMap<&str, &MilestoneDefinition> =
        content.iter().flat_map(|content| &content.milestones).map(|one| (one.key.as_str(), one)).collect();
    let mut percents: HashMap<&str, f64> = HashMap::new();
    if definitions.values().any(|one| one.proof.is_some()) {
        let observed = proving::observe_one(cx, plan, cx.today()).await?;
        for (judged, observed) in proving::judge_all(observed.into_iter().collect()).await? {
            for Judged { at, judgement } in judged {
                let key = observed.content.milestones[at].key.as_str();
                if let Some((key, _)) = definitions.get_key_value(key) {
                    percents.insert(key, judgement.percent);
                }
            }
        }
    }
    Ok(PlanProgress::of(plan, &undated, (&definitions, &percents), cx.today()))
}

impl PlanProgress {
    fn of(
        plan: &PlanView,
        undated: &[UndatedMilestone],
        (definitions, percents): (&HashMap<&str, &MilestoneDefinition>, &HashMap<&str, f64>),
        today: NaiveDate,
    ) -> Self {
        let standings = plan.standings(today);
        let level = |key: &str| Some(definitions.get(key)?.level.as_ref()?.as_str());
        // What a milestone without a date waits for is only in the template.
        let place = |key: &str| plan.labels.iter().position(|label| &*label.key == key);
        let needed = |key: &str| definitions.get(key).into_iter().flat_map(|one| &one.depends_on);
        let mut steps: Vec<Step<'_>> = vec![];
        for (at, (label, facts)) in plan.labels.iter().zip(&plan.facts.milestones).enumerate() {
            let links = plan.facts.links.iter().filter(|link| link.to == at);
            steps.push(Step {
                track: label.phase.as_deref(),
                level: level(&label.key),
                is_achieved: facts.state == State::Achieved,
                is_dropped: facts.state.is_dropped(),
                proved_percent: percents.get(&*label.key).copied(),
                due_in_days: Some((standings[at].reckoned_on - today).num_days()),
                waits_for: links.map(|link| link.from).collect(),
            });
        }
        steps.extend(undated.iter().map(|one| Step {
            track: one.phase.as_ref().map(Label::as_str),
            level: level(&one.key),
            is_achieved: one.achieved_on.is_some(),
            is_dropped: false,
            proved_percent: percents.get(one.key.as_str()).copied(),
            due_in_days: None,
            waits_for: needed(&one.key).filter_map(|needed| place(needed.as_str())).collect(),
        }));
        let found = progress(&steps);
        let label = |text: Option<&str>| text.map(|text| Label::trusted(text.to_owned()));
        let next = |at: &usize| {
            let dated = plan.labels.get(*at);
            let (key, name) = match dated {
                Some(label) => (label.key.to_string(), label.name.to_string()),
                None => (
                    undated[*at - plan.labels.len()].key.to_string(),
                    undated[*at - plan.labels.len()].name.to_string(),
                ),
            };
            let reckoned_on = dated.map(|_| standings[*at].reckoned_on);
            let Step { track, level, proved_percent, .. } = steps[*at];
            NextStep { key, name, track: label(track), level: label(level), reckoned_on, proved_percent }
        };
        let summary = plan.summary(today);
        Self {
            plan_id: plan.row.id,
            person_id: plan.row.person_id,
            person_name: plan.row.person_name.clone(),
            as_of: today,
            progress: found.share.into(),
            tracks: found
                .tracks
                .iter()
                .map(|track| TrackProgress {
                    track: label(track.name),
                    progress: track.share.into(),
                    levels: track
                        .levels
                        .iter()
                        .map(|(level, share)| LevelProgress { level: label(*level), progress: (*share).into() })
                        .collect(),
                })
                .collect(),
            next: found.next.iter().take(MOST_NEXT).map(next).collect(),
            expected_finish_on: summary.finish_on,
            finish_variance_days: plan.facts.finish_variance_days(summary.planned_finish_on, summary.finish_on),
        }
    }
}
