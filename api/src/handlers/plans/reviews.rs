//! The regular review of a plan: what it answers by itself, what it asks for, and what was frozen of it.

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::rule::{Rule as _, Violations, all_kept};
use milepost_domain::values::text::{Key, Label, Name, Note};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::review_state::ReviewState;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::handlers::milestones::{Milestone, save_all};
use crate::read_model::PlanView;
use crate::store::plans::{self, PlanRecord};
use crate::store::reviews::{self, ReviewMark, ReviewRow};
use crate::unit::{Change, Entity, Unit};

/// What a review found of one milestone.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "pipeline", "cause": "The client's firewall change waits for approval.", "action": "Escalate to the sponsor.", "owner": "Ana", "due_on": "2026-05-08"}))]
pub struct ReviewFinding {
    /// The milestone's key.
    key: Key,
    /// Why it is at risk.
    cause: Note,
    /// What is done about it.
    action: Note,
    /// Who does it.
    owner: Option<Label>,
    /// By when.
    due_on: Option<NaiveDate>,
}

/// A review.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "findings": [{"key": "pipeline", "cause": "The client's firewall change waits for approval.", "action": "Escalate to the sponsor.", "owner": "Ana", "due_on": "2026-05-08"}],
    "confirmed": ["report"], "note": "The team is confident."
}))]
pub struct ReviewDraft {
    /// Cause and action for each milestone at risk; others may be spoken of too.
    #[serde(default)]
    #[schema(max_items = 1000)]
    findings: Vec<ReviewFinding>,
    /// Keys of milestones whose forecast still holds.
    #[serde(default)]
    #[schema(max_items = 1000)]
    confirmed: Vec<Key>,
    /// Anything else.
    note: Option<Note>,
}

/// A review as it was frozen.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// The plan.
    plan_id: Uuid,
    /// 1, 2, 3 and so on.
    #[schema(minimum = 1)]
    number: i64,
    /// The day of it.
    reviewed_on: NaiveDate,
    /// Who recorded it.
    #[schema(max_length = 300)]
    author: String,
    /// When.
    recorded_at: DateTime<Utc>,
    /// How the plan stood.
    #[serde(flatten)]
    state: ReviewState,
    /// What was said of milestones.
    #[schema(max_items = 1000)]
    findings: Vec<ReviewFinding>,
    /// Anything else.
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
}

/// What the next review is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextReview {
    /// The plan.
    plan_id: Uuid,
    /// Its name.
    #[schema(value_type = Name)]
    plan_name: String,
    /// The day by which it is due; null where nothing is open any more.
    due_on: Option<NaiveDate>,
    /// Whether that day has passed.
    overdue: bool,
    /// How the plan stands today.
    #[serde(flatten)]
    state: ReviewState,
}

/// The reviews of a plan.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reviews {
    /// The newest first, 200 at most.
    #[schema(max_items = 200)]
    data: Vec<Review>,
}

/// Answers the three questions of a review as they stand today
///
/// Which milestones are at risk and why; which dependencies are unresolved; where the plan is heading. Each milestone in `at_risk` needs
/// its cause and action when the review is held.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), responses((status = 200, description = "What the review is about.", body = NextReview)))]
#[get("/v1/plans/{id}/reviews/next")]
pub async fn read_next_review(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let found = plans::find(&mut cx.snapshot().await?, cx.organization_id(), *id).await?;
    let record = found.ok_or_else(ApiError::not_found)?;
    let view = PlanView::from(&record);
    let next = NextReview {
        plan_id: *id,
        plan_name: record.plan.name.clone(),
        due_on: view.next_review_on(),
        overdue: view.is_review_overdue(cx.today()),
        state: ReviewState::of(&record, &view, cx.today()),
    };
    Ok(Answer::ok(&next)?.version_and_content(record.plan.version))
}

/// Lists a plan's reviews
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), responses((status = 200, description = "The reviews, the newest first.", body = Reviews)))]
#[get("/v1/plans/{id}/reviews")]
pub async fn list_reviews(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    plans.find(*id).ok_or_else(ApiError::not_found)?;
    let rows = reviews::latest(&mut cx.read().await?, cx.organization_id(), *id).await?;
    let data = rows.iter().map(Review::thawed).collect::<Result<_, _>>()?;
    Ok(Answer::ok(&Reviews { data })?.content_tag())
}

/// Reads one review
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), responses((status = 200, description = "The review as it was frozen.", body = Review)))]
#[get("/v1/plans/{id}/reviews/{number}")]
pub async fn read_review(cx: Context, path: Path<(Uuid, i64)>) -> Result<Answer, ApiError> {
    let (id, number) = path.into_inner();
    let found = reviews::find(&mut cx.read().await?, cx.organization_id(), id, number).await?;
    Ok(Answer::ok(&Review::thawed(&found.ok_or_else(ApiError::not_found)?)?)?.content_tag())
}

/// Holds a review: freezes how the plan stands, with cause and action for each milestone at risk
///
/// Refused as long as a milestone at risk has none, naming each. The next review is due after the plan's `update_interval_days`.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), request_body = ReviewDraft,
    responses((status = 201, description = "The review.", body = Review)))]
#[post("/v1/plans/{id}/reviews")]
pub async fn create_review(cx: Context, id: Path<Uuid>, body: Body<ReviewDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        confirm(unit, &mut record, &draft.confirmed).await?;
        let state = ReviewState::of(&record, &PlanView::from(&record), unit.today);
        check(&draft, &record, &state)?;
        let review = Review {
            plan_id: *id,
            number: record.last_review.as_ref().map_or(1, |last| last.number + 1),
            reviewed_on: unit.today,
            author: unit.author(),
            recorded_at: unit.now,
            state,
            findings: draft.findings.clone(),
            note: draft.note.clone().map(String::from),
        };
        let row = review.frozen()?;
        reviews::insert(&mut unit.conn, unit.organization_id, &row).await?;
        record.last_review = Some(ReviewMark { plan_id: *id, number: row.number, reviewed_on: row.reviewed_on });
        record.plan.version += 1;
        record.plan.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
        let entity = (Entity::Plan, *id);
        let change = Change { verb: "reviewed", entity, root: entity, before: None, after: Some(&review) };
        unit.record(change).await?;
        Answer::created(format!("/v1/plans/{id}/reviews/{}", review.number), &review)
    })
    .await
}

/// Notes that the dates of these milestones have been looked at.
async fn confirm(unit: &mut Unit, record: &mut PlanRecord, keys: &[Key]) -> Result<(), ApiError> {
    let before = Milestone::all_of(record, unit.today);
    let mut positions: Vec<usize> = keys.iter().filter_map(|key| record.position(key.as_str())).collect();
    positions.sort_unstable();
    positions.dedup();
    for position in &positions {
        record.milestones[*position].touched_on = Some(unit.today);
    }
    let changed: Vec<(usize, Option<&Milestone>)> =
        positions.into_iter().map(|position| (position, before.get(position))).collect();
    if !changed.is_empty() {
        save_all(unit, record, &changed, "confirmed").await?;
    }
    Ok(())
}

/// Every milestone named is one of the plan, and each at risk has its cause and action.
fn check(draft: &ReviewDraft, record: &PlanRecord, state: &ReviewState) -> Result<(), ApiError> {
    let mut violations = Violations::new();
    let unknown = |key: &Key, at: String| {
        let is_known = record.position(key.as_str()).is_some();
        (!is_known).then(|| PlanRule::UnknownMilestone { key: key.to_string() }.at(at))
    };
    let findings = draft.findings.iter().enumerate();
    violations.extend(findings.filter_map(|(at, one)| unknown(&one.key, format!("/findings/{at}/key"))));
    let confirmed = draft.confirmed.iter().enumerate();
    violations.extend(confirmed.filter_map(|(at, key)| unknown(key, format!("/confirmed/{at}"))));
    let missing = state.keys_at_risk().filter(|key| !draft.findings.iter().any(|one| one.key.as_str() == *key));
    violations.extend(missing.map(|key| PlanRule::FindingMissing { key: key.to_owned() }.at("/findings")));
    Ok(all_kept(violations)?)
}

impl Review {
    fn frozen(&self) -> Result<ReviewRow, ApiError> {
        Ok(ReviewRow {
            plan_id: self.plan_id,
            number: self.number,
            reviewed_on: self.reviewed_on,
            content: serde_json::to_string(self)?,
            author: self.author.clone(),
            recorded_at: self.recorded_at,
        })
    }

    fn thawed(row: &ReviewRow) -> Result<Self, ApiError> {
        Ok(serde_json::from_str(&row.content)?)
    }
}
