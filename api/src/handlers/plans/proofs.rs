//! Proofs of a plan's milestones: how far each one has come, and what somebody has to look at.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::access::Scope;
use milepost_domain::proof::criterion::{Criterion, CriterionKind};
use milepost_domain::proof::judge::{Finding, Reached};
use milepost_domain::proof::rule::ProofRule;
use milepost_domain::recognition::badge::BadgeTier;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::{Key, Name, Reason};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::moment::AsOf;
use crate::paging::{Page, Paging};
use crate::precondition::IfMatchOptional;
use crate::proving::observed::{Judged, Observed};
use crate::proving::{self, record};
use crate::store::keyset::{Direction, Position};
use crate::store::milestone_proofs::{self, MilestoneStanding};
use crate::store::row;

/// Proofs of a plan's milestones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "as_of": "2026-05-04", "proofs": []}))]
pub struct PlanProofs {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Date that the proofs refer to.
    as_of: NaiveDate,
    /// Milestones that prove themselves, in the order of the template.
    #[schema(max_items = 500)]
    proofs: Vec<ProofOfMilestone>,
}

/// Proof of a milestone on a date, judged by what is known now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "key": "t4", "name": "Three agents work together", "holds": false, "proved_on": null, "percent": 66.7, "must_hold": false, "is_unlocked": true, "needed": 1,
    "tier": null, "tiers": [], "achieved_on": null, "contested_at": null, "upheld_at": null,
    "criteria": [{"kind": "metric", "subject": "agents-deployed", "is_met": false, "met_on": null, "figure": 2.0, "threshold": 3.0,
        "at_most": false, "percent": 66.7}]
}))]
pub struct ProofOfMilestone {
    /// Key of the milestone.
    key: Key,
    /// Name of the milestone.
    name: Name,
    /// Whether the proof holds on the date.
    holds: bool,
    /// Day on which the milestone was proved; null if it was not. Events that come late can move it.
    proved_on: Option<NaiveDate>,
    /// Share of the way that the proof has come, in percent.
    #[schema(minimum = 0, maximum = 100)]
    percent: f64,
    /// Whether the proof has to hold every day.
    must_hold: bool,
    /// Whether the milestone waits for nothing any more: what it depends on is closed, and its prerequisites hold. What is proved is achieved then.
    is_unlocked: bool,
    /// Number of criteria that have to be met.
    #[schema(minimum = 1, maximum = 20)]
    needed: usize,
    /// Highest tier that was reached; null if there are no tiers, or none was reached.
    tier: Option<BadgeTier>,
    /// Tiers that were reached, the lowest first.
    #[schema(max_items = 3)]
    tiers: Vec<ReachedTier>,
    /// Day of the achievement that the proof has brought; null if it has brought none, such as when a person was quicker.
    achieved_on: Option<NaiveDate>,
    /// Time at which the proof of the achieved milestone fell away; null if nobody has to look.
    contested_at: Option<DateTime<Utc>>,
    /// Time at which somebody decided that the achievement stays although its proof fell away.
    upheld_at: Option<DateTime<Utc>>,
    /// Criteria.
    #[schema(max_items = 20)]
    criteria: Vec<CriterionFinding>,
}

/// Tier that was reached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"tier": "bronze", "reached_on": "2026-05-04"}))]
pub struct ReachedTier {
    /// Tier.
    tier: BadgeTier,
    /// Day on which it was reached.
    reached_on: NaiveDate,
}

/// Finding about a criterion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"kind": "metric", "subject": "agents-deployed", "is_met": false, "met_on": null, "figure": 2.0, "threshold": 3.0,
    "at_most": false, "percent": 66.7}))]
pub struct CriterionFinding {
    /// Kind of criterion.
    kind: CriterionKind,
    /// Figure that is compared, in words.
    #[schema(max_length = 30_000)]
    subject: String,
    /// Whether it is met on the date.
    is_met: bool,
    /// First day on which it was met; null if it never was.
    met_on: Option<NaiveDate>,
    /// Figure on the date; null if it is undefined.
    figure: Option<f64>,
    /// Number that the figure is compared with: that of the lowest tier, where there are tiers.
    threshold: f64,
    /// Whether the figure must not exceed the number, in place of having to reach it.
    at_most: bool,
    /// Share of the way that the figure has come, in percent.
    #[schema(minimum = 0, maximum = 100)]
    percent: f64,
}

/// Decision that an achievement stays although its proof fell away.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The events were sent twice, but the agents are there."}))]
pub struct UpholdDraft {
    /// Reason.
    reason: Reason,
}

/// List the proofs of a plan's milestones
///
/// Returns how far each milestone has come that proves itself, by the version of the template that the plan was made from. A proof is judged
/// by the facts that are known now, so late and erased events count for earlier dates, too; there is none for the days to come. Where events
/// are deleted because of their age, what they have proved stays, but nothing new is proved by them. An achievement follows within a minute
/// of the last event, or at once when the proofs, the progress or the enrolments are read.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(AsOf),
    responses((status = 200, description = "The proofs.", body = PlanProofs)))]
#[get("/v1/plans/{id}/proofs")]
pub async fn list_proofs(cx: Context, id: Path<Uuid>, AsOf(as_of): AsOf) -> Result<Answer, ApiError> {
    let (cx, _) = proving::up_to_date(&cx).await?;
    let plans = cx.plans().await?;
    let plan = plans.find(*id).ok_or_else(ApiError::not_found)?;
    let as_of = as_of.min(cx.today());
    let observed = proving::observe_one(&cx, plan, as_of).await?;
    let judged = proving::judge_all(observed.into_iter().collect()).await?;
    let judged = judged.into_iter().flat_map(|(judged, observed)| {
        judged.into_iter().filter_map(move |one| ProofOfMilestone::of(&observed, one)).collect::<Vec<_>>()
    });
    let proofs = judged.collect();
    Ok(Answer::ok(&PlanProofs { plan_id: *id, as_of, proofs })?.content_tag())
}

impl ProofOfMilestone {
    fn of(observed: &Observed, Judged { at, judgement, is_unlocked }: Judged) -> Option<Self> {
        let definition = &observed.content.milestones[at];
        let proof = definition.proof.as_ref()?;
        let standing = observed.standing(definition.key.as_str());
        let criteria =
            proof.criteria.iter().zip(&judgement.findings).map(|(one, found)| CriterionFinding::of(one, found));
        let reached = |Reached { tier, reached_on }: Reached| ReachedTier { tier, reached_on };
        Some(Self {
            key: definition.key.clone(),
            name: definition.name.clone(),
            holds: judgement.holds,
            proved_on: judgement.proved_on,
            percent: judgement.percent,
            must_hold: proof.must_hold,
            is_unlocked,
            needed: proof.needed(),
            tier: judgement.tiers.last().map(|one| one.tier),
            criteria: criteria.collect(),
            tiers: judgement.tiers.into_iter().map(reached).collect(),
            achieved_on: standing.and_then(|standing| standing.achieved_on),
            contested_at: standing.and_then(|standing| standing.contested_at),
            upheld_at: standing.and_then(|standing| standing.upheld_at),
        })
    }
}

impl CriterionFinding {
    fn of(criterion: &Criterion, finding: &Finding) -> Self {
        Self {
            kind: criterion.kind,
            subject: criterion.subject(),
            is_met: finding.is_met,
            met_on: finding.met_on,
            figure: finding.figure,
            threshold: finding.threshold,
            at_most: criterion.at_most.is_some(),
            percent: finding.percent,
        }
    }
}

/// List contested proofs
///
/// Returns the milestones that were achieved by a proof which has fallen away since, because events were erased or corrected, or an award was
/// taken back. Somebody has to decide: uphold the achievement, or reopen the milestone. The ones that have waited longest come first.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("list"))), params(Paging),
    responses((status = 200, description = "A page of contested proofs.", body = Page<MilestoneStanding>)))]
#[get("/v1/contested-proofs")]
pub async fn list_contested_proofs(cx: Context, paging: Paging) -> Result<Answer, ApiError> {
    let (cx, _) = proving::up_to_date(&cx).await?;
    let plans = cx.plans().await?;
    let mut rows = milestone_proofs::contested(&mut cx.read().await?, cx.organization_id()).await?;
    rows.retain(|row| plans.find(row.plan_id).is_some_and(|plan| cx.may_with_plan(Scope::PlansRead, plan)));
    let position = |row: &MilestoneStanding| Position {
        key: row.contested_at.map(|at| crate::store::keyset::Key::Text(at.to_rfc3339())),
        id: row.id,
    };
    paging.answer_sorted(Direction::Ascending, rows, position, |row| row)
}

/// Uphold an achievement whose proof fell away
///
/// The milestone stays achieved, with the reason. The person whom the plan serves cannot decide this. Reopen the milestone to decide otherwise.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))),
    params(IfMatchOptional), request_body = UpholdDraft,
    responses((status = 200, description = "The standing of the milestone.", body = MilestoneStanding)))]
#[post("/v1/plans/{id}/proofs/{proof_key}/uphold")]
pub async fn uphold_proof(
    cx: Context,
    path: Path<(Uuid, String)>,
    body: Body<UpholdDraft>,
) -> Result<Answer, ApiError> {
    let (id, key) = path.into_inner();
    let plans = cx.plans().await?;
    let plan = plans.find(id).ok_or_else(ApiError::not_found)?;
    cx.check_not_own(plan)?;
    cx.write(async |unit| {
        let found = milestone_proofs::find(&mut unit.conn, unit.organization_id, id, &key).await?;
        let before = found.ok_or_else(ApiError::not_found)?;
        cx.check_version(before.version)?;
        if before.contested_at.is_none() {
            return Err(ProofRule::NotContested.at("").into());
        }
        let after = MilestoneStanding {
            contested_at: None,
            upheld_at: Some(unit.now),
            reason: Some(body.0.reason.clone()),
            version: before.version + 1,
            updated_at: unit.now,
            ..before.clone()
        };
        row::update(&mut unit.conn, unit.organization_id, &after).await?;
        record(unit, "upheld", &before, &after).await?;
        Ok(Answer::ok(&after)?.version(after.version))
    })
    .await
}
