//! Progress of a plan by track and level, and what is best done next.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use actix_web::get;
use actix_web::web::{Path, block};
use chrono::NaiveDate;
use milepost_domain::plan::milestone::State;
use milepost_domain::plan::progress::{Part, Share, Step, Track, progress};
use milepost_domain::plan::template::{MilestoneDefinition, TemplateContent};
use milepost_domain::values::text::{Key, Label, Name, Note};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::earned_value::simulation::{PlanSimulation, ProbableDates};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::proving;
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
    "reckoned_on": "2026-05-25", "proved_percent": 50.0, "pathway": null, "badge_name": "Integration", "reward_names": [],
    "celebration": "A portrait in the newsletter."}))]
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
    /// Key of the pathway in which it is an alternative; null if it is in none.
    #[schema(value_type = Option<Key>)]
    pathway: Option<String>,
    /// Name of the badge that it earns; null if it earns none.
    badge_name: Option<Name>,
    /// Names of the rewards that it brings.
    #[schema(max_items = 10)]
    reward_names: Vec<Name>,
    /// Celebration: the way in which the achievement is made known; null if the template names none.
    celebration: Option<Note>,
}

/// Progress of a plan, such as a person's enrolment in a program.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ana Petrova",
    "as_of": "2026-05-04", "progress": {"achieved": 3, "total": 30, "percent": 10.0}, "tracks": [], "next": [],
    "expected_finish_on": "2027-05-01", "finish_variance_days": 0, "probable_finish": {"planned_on": "2027-05-01", "p10_on": "2027-04-20",
    "p50_on": "2027-05-12", "p80_on": "2027-06-25", "p95_on": "2027-07-14", "chance_to_meet_plan": 0.14}
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
    /// Probable dates of the finish, from a thousand simulated runs; null if no milestone with a date is open.
    probable_finish: Option<ProbableDates>,
}

/// Number of simulated runs.
const RUNS: u32 = 1_000;

/// Get a plan's progress
///
/// Returns how much of each track and level is achieved, what is best done next, and the probable finish. Milestones without a date count, too;
/// earned value leaves them out. Alternatives do not count: their pathway does. Levels come from the template that the plan was made from.
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
    let mut proved = Proved::default();
    let is_judged = |one: &MilestoneDefinition| one.proof.is_some() || !one.prerequisites.is_empty();
    if content.iter().flat_map(|content| &content.milestones).any(is_judged) {
        let observed = proving::observe_one(cx, plan, cx.today()).await?;
        for (judged, observed) in proving::judge_all(observed.into_iter().collect()).await? {
            let key = |at: usize| observed.content.milestones[at].key.clone();
            proved.percents = judged.iter().map(|one| (key(one.at), one.judgement.percent)).collect();
            let conditional = observed.content.milestones.iter().filter(|one| !one.prerequisites.is_empty());
            proved.locked =
                conditional.filter(|one| !observed.missing(one).is_empty()).map(|one| one.key.clone()).collect();
        }
    }
    let (plan, today) = (Arc::clone(plan), cx.today());
    // The simulation takes milliseconds, so it must not hold up others.
    let made = block(move || {
        let probable_finish = PlanSimulation::of(&plans, &plan, today, RUNS, 1).map(PlanSimulation::into_finish);
        let sources = Sources { plan: &plan, undated: &undated, content: content.as_deref(), proved: &proved, today };
        PlanProgress { probable_finish, ..sources.progress() }
    });
    made.await.map_err(ApiError::internal)
}

/// Standing of the proofs and prerequisites of a plan's milestones.
#[derive(Debug, Default)]
struct Proved {
    /// Share of the way that the proofs have come, in percent.
    percents: HashMap<Key, f64>,
    /// Milestones whose prerequisites are not met.
    locked: HashSet<Key>,
}

impl Proved {
    fn percent(&self, key: &str) -> Option<f64> {
        self.percents.iter().find(|(known, _)| known.as_str() == key).map(|(_, percent)| *percent)
    }
}

/// Sources of the progress of a plan.
struct Sources<'a> {
    plan: &'a PlanView,
    undated: &'a [UndatedMilestone],
    content: Option<&'a TemplateContent>,
    proved: &'a Proved,
    today: NaiveDate,
}

impl<'a> Sources<'a> {
    fn definition(&self, key: &str) -> Option<&'a MilestoneDefinition> {
        self.content?.find(key)
    }

    /// The position of a milestone among all: first those with a date, then those without.
    fn place(&self, key: &str) -> Option<usize> {
        let dated = self.plan.labels.iter().position(|label| &*label.key == key);
        let undated = || self.undated.iter().position(|one| one.key.as_str() == key);
        dated.or_else(|| Some(self.plan.labels.len() + undated()?))
    }

    fn pathway_of(&self, key: &str) -> Option<&'a Key> {
        self.content?.pathway_of(key)
    }

    /// A milestone as far as its key tells.
    fn step(&self, key: &str, track: Option<&'a str>) -> Step<'a> {
        let definition = self.definition(key);
        let pathway = self.pathway_of(key).and_then(|pathway| self.place(pathway.as_str()));
        Step {
            track,
            level: definition.and_then(|one| one.level.as_ref()).map(Label::as_str),
            is_achieved: false,
            is_dropped: false,
            part: match pathway {
                Some(at) => Part::Alternative(at),
                None if definition.is_some_and(|one| one.pathway().is_some()) => Part::Pathway,
                None => Part::None,
            },
            is_locked: self.proved.locked.iter().any(|locked| locked.as_str() == key),
            proved_percent: self.proved.percent(key),
            due_in_days: None,
            waits_for: vec![],
        }
    }

    fn steps(&self) -> Vec<Step<'a>> {
        let (facts, standings) = (&self.plan.facts, self.plan.standings(self.today));
        let dated = self.plan.labels.iter().zip(&facts.milestones).enumerate().map(|(at, (label, milestone))| Step {
            is_achieved: milestone.state == State::Achieved,
            is_dropped: milestone.state.is_dropped(),
            due_in_days: Some((standings[at].reckoned_on - self.today).num_days()),
            waits_for: facts.links.iter().filter(|link| link.to == at).map(|link| link.from).collect(),
            ..self.step(&label.key, label.phase.as_deref())
        });
        // What a milestone without a date waits for is only in the template.
        let needed = |key: &str| self.definition(key).into_iter().flat_map(|one| &one.depends_on);
        let undated = self.undated.iter().map(|one| Step {
            is_achieved: one.achieved_on.is_some(),
            waits_for: needed(&one.key).filter_map(|needed| self.place(needed.as_str())).collect(),
            ..self.step(&one.key, one.phase.as_ref().map(Label::as_str))
        });
        dated.chain(undated).collect()
    }

    fn next_step(&self, at: usize, step: &Step<'_>) -> NextStep {
        let dated = self.plan.labels.get(at);
        let (key, name) = match dated {
            Some(label) => (label.key.to_string(), label.name.to_string()),
            None => {
                let undated = &self.undated[at - self.plan.labels.len()];
                (undated.key.to_string(), undated.name.to_string())
            }
        };
        let own = self.definition(&key);
        NextStep {
            pathway: self.pathway_of(&key).map(Key::to_string),
            badge_name: own.and_then(|one| one.badge.as_ref()).map(|badge| badge.name.clone()),
            reward_names: own.iter().flat_map(|one| &one.rewards).map(|reward| reward.name.clone()).collect(),
            celebration: own.and_then(|one| one.celebration.clone()),
            key,
            name,
            track: label(step.track),
            level: label(step.level),
            reckoned_on: dated.map(|_| self.plan.standings(self.today)[at].reckoned_on),
            proved_percent: step.proved_percent,
        }
    }

    fn progress(&self) -> PlanProgress {
        let steps = self.steps();
        let found = progress(&steps);
        let plan = self.plan;
        let summary = plan.summary(self.today);
        let level =
            |(level, share): &(Option<&str>, Share)| LevelProgress { level: label(*level), progress: (*share).into() };
        let track = |track: &Track<'_>| TrackProgress {
            track: label(track.name),
            progress: track.share.into(),
            levels: track.levels.iter().map(level).collect(),
        };
        PlanProgress {
            plan_id: plan.row.id,
            person_id: plan.row.person_id,
            person_name: plan.row.person_name.clone(),
            as_of: self.today,
            progress: found.share.into(),
            tracks: found.tracks.iter().map(track).collect(),
            next: found.next.iter().take(MOST_NEXT).map(|at| self.next_step(*at, &steps[*at])).collect(),
            expected_finish_on: summary.finish_on,
            finish_variance_days: plan.facts.finish_variance_days(summary.planned_finish_on, summary.finish_on),
            probable_finish: None,
        }
    }
}

fn label(text: Option<&str>) -> Option<Label> {
    text.map(|text| Label::trusted(text.to_owned()))
}
