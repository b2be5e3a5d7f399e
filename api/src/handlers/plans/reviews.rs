//! Regular reviews of a plan: the agenda of the next one, and the records of past ones.

use std::collections::HashMap;

use actix_web::web::Path;
use actix_web::{get, post};
use chrono::{DateTime, NaiveDate, Utc};
use milepost_domain::plan::rule::PlanRule;
use milepost_domain::rule::{Rule as _, Violations, all_kept};
use milepost_domain::values::text::{ExternalRef, Key, Name, Note};
use serde::{Deserialize, Serialize};
use sqlx::types::Text;
use utoipa::ToSchema;
use uuid::Uuid;

use super::review_state::ReviewState;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::owner::{self, NamedOwner};
use crate::paging::{Page, Paging};
use crate::read_model::PlanView;
use crate::resources::milestones::check_record;
use crate::resources::milestones::{Milestone, save_all};
use crate::store::Conn;
use crate::store::author::Author;
use crate::store::authored;
use crate::store::authored::name_all;
use crate::store::keyset::{self, Position};
use crate::store::owner::Owner;
use crate::store::people;
use crate::store::plans::{self, PlanRecord};
use crate::store::reviews::{self, ReviewMark, ReviewRow};
use crate::unit::{Change, Entity, Unit};

/// Finding of a review about one milestone.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"key": "pipeline", "cause": "The client's firewall change waits for approval.",
    "action": "Escalate to the sponsor.", "owner_id": null, "owner_ref": "hr-17", "owner_name": "Ana Petrova", "due_on": "2026-05-08"}))]
pub struct ReviewFinding {
    /// Key of the milestone.
    key: Key,
    /// Cause of the risk.
    cause: Note,
    /// Action taken against the risk.
    action: Note,
    /// Identifier of the owner of the action, where a person is responsible.
    owner_id: Option<Uuid>,
    /// External reference of the owner. An e-mail address is taken, too.
    owner_ref: Option<ExternalRef>,
    /// Name of the owner: the person's, or free text for somebody outside. Has no effect where a person is named.
    owner_name: Option<Name>,
    /// Due date of the action.
    due_on: Option<NaiveDate>,
}

/// A review to record.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "findings": [{"key": "pipeline", "cause": "The client's firewall change waits for approval.", "action": "Escalate to the sponsor.",
    "owner_ref": "hr-17", "due_on": "2026-05-08"}],
    "confirmed": ["report"], "note": "The team is confident."
}))]
pub struct ReviewDraft {
    /// Findings: cause and action for each milestone at risk. Findings about other milestones are allowed.
    #[serde(default)]
    #[schema(max_items = 5000)]
    findings: Vec<ReviewFinding>,
    /// Keys of milestones whose forecast still holds.
    #[serde(default)]
    #[schema(max_items = 5000)]
    confirmed: Vec<Key>,
    /// Note on the review.
    note: Option<Note>,
}

/// A review with the state of the plan on its day.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Review {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Number, counting from 1.
    #[schema(minimum = 1)]
    number: i64,
    /// Day of the review.
    reviewed_on: NaiveDate,
    /// Author of the record.
    author: Author,
    /// Time of recording.
    recorded_at: DateTime<Utc>,
    /// State of the plan on the day of the review.
    #[serde(flatten)]
    state: ReviewState,
    /// Findings about milestones.
    #[schema(max_items = 5000)]
    findings: Vec<ReviewFinding>,
    /// Note on the review.
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
}

/// Agenda of a plan's next review.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextReview {
    /// Identifier of the plan.
    plan_id: Uuid,
    /// Name of the plan.
    #[schema(value_type = Name)]
    plan_name: String,
    /// Due date of the next review; null if no milestone is open or the plan is archived.
    due_on: Option<NaiveDate>,
    /// Whether the due date has passed.
    overdue: bool,
    /// State of the plan today.
    #[serde(flatten)]
    state: ReviewState,
}

/// Get the agenda of a plan's next review
///
/// Answers three questions as of today: which milestones are at risk and why, which dependencies are unresolved, and
/// where the plan is heading. Each milestone in `at_risk` needs a finding with cause and action when the review is
/// recorded.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The agenda of the next review.", body = NextReview)))]
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

/// List a plan's reviews
///
/// Returns a page of the reviews of the plan, the newest first, each with the state of the plan on its day.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))), params(Paging),
    responses((status = 200, description = "A page of reviews.", body = Page<Review>)))]
#[get("/v1/plans/{id}/reviews")]
pub async fn list_reviews(cx: Context, id: Path<Uuid>, paging: Paging) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    plans.find(*id).ok_or_else(ApiError::not_found)?;
    let before = paging.after_number();
    let mut conn = cx.snapshot().await?;
    let rows = reviews::page(&mut conn, cx.organization_id(), *id, before, paging.limit + 1).await?;
    let shown = thawed(&mut conn, cx.organization_id(), &rows).await?;
    let position = |review: &Review| Position { key: Some(keyset::Key::Number(review.number)), id: *id };
    paging.answer(shown, position, |review| review)
}

/// Get a review
///
/// Returns the review as it was recorded. Later changes of the plan do not affect it.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:read"])), extensions(("x-related" = json!("plan"))),
    responses((status = 200, description = "The review as it was recorded.", body = Review)))]
#[get("/v1/plans/{id}/reviews/{number}")]
pub async fn read_review(cx: Context, path: Path<(Uuid, i64)>) -> Result<Answer, ApiError> {
    let (id, number) = path.into_inner();
    let mut conn = cx.snapshot().await?;
    let found = reviews::find(&mut conn, cx.organization_id(), id, number).await?.ok_or_else(ApiError::not_found)?;
    let shown = thawed(&mut conn, cx.organization_id(), &[found]).await?;
    Ok(Answer::ok(&shown[0])?.content_tag())
}

/// Record a review
///
/// Freezes the state of the plan together with a cause and an action for each milestone at risk. A review is refused
/// while a milestone at risk has no finding; the error names each of them. A milestone that is late only because of what it
/// waits for needs none. `confirmed` is applied first, so a confirmed
/// forecast is no longer stale. The next review is due after the plan's `update_interval_days`.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("plan"))), request_body = ReviewDraft,
    responses((status = 201, description = "The recorded review.", body = Review)))]
#[post("/v1/plans/{id}/reviews")]
pub async fn create_review(cx: Context, id: Path<Uuid>, body: Body<ReviewDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let found = plans::find(&mut unit.conn, unit.organization_id, *id).await?;
        let mut record = found.ok_or_else(ApiError::not_found)?;
        check_record(&record, unit.today)?;
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
            findings: owned(&cx, unit, &draft.findings).await?,
            note: draft.note.clone().map(String::from),
        };
        let row = review.frozen()?;
        reviews::insert(&mut unit.conn, unit.organization_id, &row).await?;
        let (number, reviewed_on, recorded_at) = (row.number, row.reviewed_on, row.recorded_at);
        record.last_review = Some(ReviewMark { plan_id: *id, number, reviewed_on, recorded_at });
        record.plan.version += 1;
        record.plan.updated_at = unit.now;
        plans::update(&mut unit.conn, unit.organization_id, &record.plan).await?;
        let entity = (Entity::Plan, *id);
        let change = Change { verb: "reviewed", entity, root: entity, before: None, after: Some(&review) };
        unit.record(change).await?;
        let mut shown = [review];
        name_all(&mut unit.conn, unit.organization_id, &mut shown).await?;
        Answer::created(format!("/v1/plans/{id}/reviews/{number}"), &shown[0])
    })
    .await
}

/// Findings with their owners as they are known.
async fn owned(cx: &Context, unit: &mut Unit, findings: &[ReviewFinding]) -> Result<Vec<ReviewFinding>, ApiError> {
    let at = |index: usize| format!("findings/{index}/owner");
    let named =
        findings.iter().map(|one| NamedOwner::of(one.owner_id, one.owner_ref.as_ref(), one.owner_name.as_ref()));
    let owners = owner::resolve_all(&mut unit.conn, unit.organization_id, named, at).await?;
    for (index, owner) in owners.iter().enumerate() {
        cx.check_named_person(&at(index), owner.id)?;
    }
    Ok(findings.iter().zip(owners).map(|(finding, owner)| finding.clone().owned_by(owner)).collect())
}

/// Reviews as they were recorded. People in them are called what they are called now; what was erased of somebody is gone.
async fn thawed(conn: &mut Conn, organization_id: Uuid, rows: &[ReviewRow]) -> Result<Vec<Review>, ApiError> {
    let mut shown: Vec<Review> =
        rows.iter().map(|row| serde_json::from_str(&row.content)).collect::<Result<_, serde_json::Error>>()?;
    name_all(conn, organization_id, &mut shown).await?;
    let mut ids: Vec<Uuid> =
        shown.iter().flat_map(|review| &review.findings).filter_map(|finding| finding.owner_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let people = people::with_ids(conn, organization_id, &ids).await?;
    let known: HashMap<Uuid, Owner> = people.iter().map(|person| (person.id, Owner::from(person))).collect();
    for finding in shown.iter_mut().flat_map(|review| &mut review.findings) {
        if let Some(id) = finding.owner_id {
            *finding = finding.clone().owned_by(known.get(&id).cloned().unwrap_or_default());
        }
    }
    Ok(shown)
}

/// Records that the forecasts of these milestones were confirmed.
async fn confirm(unit: &mut Unit, record: &mut PlanRecord, keys: &[Key]) -> Result<(), ApiError> {
    let before = Milestone::all_of(record, unit.today);
    let mut positions: Vec<usize> = keys.iter().filter_map(|key| record.position(key.as_str())).collect();
    positions.sort_unstable();
    positions.dedup();
    for position in &positions {
        let row = &mut record.milestones[*position];
        (row.touched_on, row.confirmed_on) = (Some(unit.today), Some(unit.today));
    }
    let changed: Vec<(usize, Option<&Milestone>)> =
        positions.into_iter().map(|position| (position, before.get(position))).collect();
    if !changed.is_empty() {
        save_all(unit, record, &changed, "confirmed").await?;
    }
    Ok(())
}

/// Checks that every key names a milestone of the plan and that each milestone at risk has a finding.
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
    let missing = state.keys_without_cause().filter(|key| !draft.findings.iter().any(|one| one.key.as_str() == *key));
    violations.extend(missing.map(|key| PlanRule::FindingMissing { key: key.to_owned() }.at("/findings")));
    Ok(all_kept(violations)?)
}

authored!(Review);

impl ReviewFinding {
    fn owned_by(self, owner: Owner) -> Self {
        let external_ref = owner.external_ref.map(ExternalRef::trusted);
        Self { owner_id: owner.id, owner_ref: external_ref, owner_name: owner.name.map(Name::trusted), ..self }
    }

    /// Without what is read from the person.
    fn frozen(&self) -> Self {
        let name = self.owner_name.clone().filter(|_| self.owner_id.is_none());
        Self { owner_ref: None, owner_name: name, ..self.clone() }
    }
}

impl Review {
    fn frozen(&self) -> Result<ReviewRow, ApiError> {
        let findings: Vec<ReviewFinding> = self.findings.iter().map(ReviewFinding::frozen).collect();
        let mut content = serde_json::to_value(self)?;
        content["findings"] = serde_json::to_value(findings)?;
        Ok(ReviewRow {
            plan_id: self.plan_id,
            number: self.number,
            reviewed_on: self.reviewed_on,
            content: content.to_string(),
            author: Text(self.author.clone()),
            recorded_at: self.recorded_at,
        })
    }
}
