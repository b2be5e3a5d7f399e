//! Outlook of an enrolment: early indicators and risk factors of the person, what would help, and who could.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::get;
use actix_web::web::Path;
use chrono::{NaiveDate, NaiveTime};
use milepost_domain::customer::intervention::InterventionKind;
use milepost_domain::customer::risk::{FactorKind, Known, Level, assess, level_of_points};
use milepost_domain::customer::suggestion::suggest;
use milepost_domain::people::mentor::{Candidate, best_mentors};
use milepost_domain::values::dates::{days_between, plus_days};
use milepost_domain::values::text::{Key, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::clock::date_in;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::handlers::risk::read::{RiskFactor, RiskIndicator};
use crate::honours::{Honoured, Honours};
use crate::read_model::{PlanView, Plans};
use crate::store::measured_events::Span;
use crate::store::{interventions, reference_periods, usage_events, usage_rewrites};
use crate::usage::memory::Question;

/// Number of open milestones for which mentors are named, and of mentors for each.
const MOST_MILESTONES: usize = 3;
const MOST_MENTORS: usize = 3;

/// Outlook of a person's enrolment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "person_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "as_of": "2026-05-04",
    "level": "medium", "points": 30.0,
    "factors": [{"factor": "gone_silent", "severity": 1.0, "points": 30.0, "most_points": 30.0, "found": 31.0, "compared_with": 1.0,
        "evidence": "last event 31 days ago, usual pause 1 day"}],
    "indicators": [{"indicator": "engagement_slope", "value": -0.5}],
    "suggestions": [{"kind": "coaching", "factor": "gone_silent"}],
    "mentors": [{"milestone_key": "t2", "milestone_name": "An agent works with the tools of every day",
        "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ben Ito", "achieved_on": "2026-04-02",
        "same_segment": true, "mentees": 1}]
}))]
pub struct EnrolmentOutlook {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Identifier of the person whom the plan serves.
    person_id: Uuid,
    /// Day that this refers to: today.
    as_of: NaiveDate,
    /// Level of the risk that the person does not get there.
    level: Level,
    /// Sum of the factors' points, from 0 to 100.
    points: f64,
    /// Risk factors, each with the figures behind it.
    #[schema(max_items = 20)]
    factors: Vec<RiskFactor>,
    /// Early indicators.
    #[schema(max_items = 20)]
    indicators: Vec<RiskIndicator>,
    /// Interventions that would help, the most urgent first.
    #[schema(max_items = 20)]
    suggestions: Vec<SuggestedIntervention>,
    /// Mentors for the milestones that are due next, up to three for each of three milestones.
    #[schema(max_items = 9)]
    mentors: Vec<SuggestedMentor>,
}

/// Suggested intervention.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "coaching", "factor": "gone_silent"}))]
pub struct SuggestedIntervention {
    /// Kind of intervention.
    kind: InterventionKind,
    /// Risk factor that it answers; null if it is for what goes well.
    factor: Option<FactorKind>,
}

/// Suggested mentor: somebody who has achieved the milestone in the same program.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"milestone_key": "t2", "milestone_name": "An agent works with the tools of every day",
    "person_id": "0199f0a2-9999-7d52-b1a4-0c8a3e0f9d11", "person_name": "Ben Ito", "achieved_on": "2026-04-02", "same_segment": true,
    "mentees": 1}))]
pub struct SuggestedMentor {
    /// Key of the milestone.
    #[schema(value_type = Key)]
    milestone_key: String,
    /// Name of the milestone.
    #[schema(value_type = Name)]
    milestone_name: String,
    /// Identifier of the mentor.
    person_id: Uuid,
    /// Name of the mentor.
    person_name: Name,
    /// Day on which the mentor achieved the milestone.
    achieved_on: NaiveDate,
    /// Whether the mentor belongs to the same segment.
    same_segment: bool,
    /// Number of people whom the mentor helps: enrolments that they own, and open interventions of the kind `peer_mentor`.
    #[schema(maximum = 1_000_000)]
    mentees: usize,
}

/// Get an enrolment's outlook
///
/// Returns the early indicators and risk factors of the person whom the plan serves, judged by the functions that judge customers, from
/// their usage events since the start of the plan and its milestones; interventions that would help; and mentors. Those who show their
/// achievements to nobody, have left, or help five people already are not suggested.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The outlook.", body = EnrolmentOutlook)))]
#[get("/v1/plans/{id}/outlook")]
pub async fn read_outlook(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let honours = cx.honours().await?;
    let plans = cx.plans().await?;
    let plan = plans.find(*id).ok_or_else(ApiError::not_found)?;
    let Some(person_id) = plan.row.person_id else {
        return Err(ApiError::new(Code::Conflict, "The plan serves no person, so it has no outlook of one."));
    };
    let today = cx.today();
    let risk = assess(&known(&cx, plan, person_id).await?, today);
    let suggestions = suggest(&risk, plan.facts.earned_value(today).spi().ok()).into_iter();
    let answer = EnrolmentOutlook {
        plan_id: *id,
        person_id,
        as_of: today,
        level: level_of_points(risk.points),
        points: risk.points,
        factors: risk.factors.iter().map(RiskFactor::of).collect(),
        suggestions: suggestions.map(|one| SuggestedIntervention { kind: one.kind, factor: one.factor }).collect(),
        mentors: mentors(&cx, &plans, plan, &honours).await?,
        indicators: risk.indicators.into_iter().map(RiskIndicator::of).collect(),
    };
    Ok(Answer::ok(&answer)?.content_tag())
}

/// The facts by which the person's risk is judged: their activities since the start of the plan, and what is overdue in it.
async fn known(cx: &Context, plan: &PlanView, person_id: Uuid) -> Result<Known, ApiError> {
    let (organization_id, zone, today) = (cx.organization_id(), cx.who.tenant.zone, cx.today());
    let mut conn = cx.survey().await?;
    let references = reference_periods::of_holders(&mut conn, organization_id, &[person_id]).await?;
    let own = references.get(&person_id).map_or(&[][..], Vec::as_slice);
    let names: Vec<&str> = own.iter().map(|row| row.external_ref.as_str()).collect();
    let rewritten = usage_rewrites::of_subjects(&mut conn, organization_id, &names).await?;
    let head = usage_events::last_number(&mut conn, organization_id).await?;
    let reported_from = usage_events::first_at(&mut conn, organization_id, None).await?;
    let (start_on, reading) = (plan.facts.start_on, cx.reading());
    // A day before the plan, because days depend on the time zone.
    let from = Some(plus_days(start_on, -1).and_time(NaiveTime::MIN).and_utc());
    let (reading, rewritten) = (&reading, &rewritten);
    let question = Question { organization_id, reading, from, wanted: &[], head, rewritten, recent: None };
    let spans: Vec<Span> = own.iter().map(Span::from).collect();
    let digest = cx.app.usage.digest(&mut conn, &spans, &question).await?;
    let standings = plan.standings(today);
    let overdue = standings.iter().filter(|one| one.overdue).map(|one| days_between(one.planned_on, today));
    Ok(Known {
        deeds: digest.deeds().filter(|(on, ..)| (start_on..=today).contains(on)).collect(),
        customer_since: Some(start_on),
        observed_from: reported_from.filter(|_| !own.is_empty()).map(|at| date_in(zone, at)),
        overdue_days: (start_on <= today).then(|| overdue.collect()),
    })
}

/// The best mentors for the open milestones that are due next and wait for nothing.
async fn mentors(
    cx: &Context,
    plans: &Plans,
    plan: &PlanView,
    honours: &Honours,
) -> Result<Vec<SuggestedMentor>, ApiError> {
    // Plans without a template have no program in common.
    let Some(template_id) = plan.row.template_id else { return Ok(vec![]) };
    let today = cx.today();
    let segment = plan.row.person_id.and_then(|id| honours.people.get(&id)?.person.segment.clone());
    let mentees = mentees(cx, plans).await?;
    let mut found = vec![];
    for at in plan.facts.due_next(today).into_iter().take(MOST_MILESTONES) {
        let label = &plan.labels[at];
        let candidate = |honoured: &Honoured| {
            let id = honoured.person.id;
            let own = honoured.deeds.milestones.iter();
            let mut own = own.filter(|deed| *deed.key == *label.key && deed.place.template_id == Some(template_id));
            Some(Candidate {
                person_id: id,
                achieved_on: own.next()?.on,
                is_same_segment: segment.is_some() && honoured.person.segment == segment,
                mentees: mentees.get(&id).copied().unwrap_or_default(),
            })
        };
        let others = honours
            .people
            .values()
            .filter(|one| Some(one.person.id) != plan.row.person_id && one.is_listed(today, cx.audience()));
        let candidates = others.filter_map(|one| candidate(one)).collect();
        for mentor in best_mentors(candidates, MOST_MENTORS) {
            let Some(person) = honours.people.get(&mentor.person_id) else { continue };
            found.push(SuggestedMentor {
                milestone_key: label.key.to_string(),
                milestone_name: label.name.to_string(),
                person_id: mentor.person_id,
                person_name: person.person.name.clone(),
                achieved_on: mentor.achieved_on,
                same_segment: mentor.is_same_segment,
                mentees: mentor.mentees,
            });
        }
    }
    Ok(found)
}

/// Number of people whom each person helps.
async fn mentees(cx: &Context, plans: &Plans) -> Result<HashMap<Uuid, usize>, ApiError> {
    let mut counts: HashMap<Uuid, usize> = HashMap::new();
    let is_helped = |plan: &&Arc<PlanView>| plan.row.archived_at.is_none() && plan.row.person_id.is_some();
    let owned = plans.by_name.iter().filter(is_helped).filter(|plan| plan.row.owner.id != plan.row.person_id);
    let owners = owned.filter_map(|plan| plan.row.owner.id);
    let (organization_id, kind) = (cx.organization_id(), InterventionKind::PeerMentor);
    let asked = interventions::owners_of_unfinished(&mut cx.read().await?, organization_id, kind).await?;
    for id in owners.chain(asked) {
        *counts.entry(id).or_default() += 1;
    }
    Ok(counts)
}
