//! Submission of milestones and impacts for validation, and the asking of people.

use std::sync::Arc;

use actix_web::post;
use actix_web::web::Path;
use milepost_domain::access::Scope;
use milepost_domain::people::PersonContent;
use milepost_domain::plan::milestone::Evidence;
use milepost_domain::proof::rule::ProofRule;
use milepost_domain::proof::validation::{
    Decision, Need, ValidationKind, ValidationState, check_needs, may_ask, may_submit,
};
use milepost_domain::recognition::impact::{ImpactContent, usual_needs};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Key, Note};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::{reloaded, seen};
use super::{Loaded, Recorded, RecordedAsk, Validation, candidate, manager_of, record};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::matters::Matter;
use crate::precondition::IfMatchOptional;
use crate::reference::{self, Named};
use crate::resource::{By, find};
use crate::resources::milestones::check_record;
use crate::sight::lacking;
use crate::stepping;
use crate::store::milestone_proofs;
use crate::store::people::Person;
use crate::store::plans::{self, PlanRecord};
use crate::store::validations::{self, ValidationAsk, ValidationRow};
use crate::store::{row, undated_milestones};
use crate::unit::Unit;

/// Largest number of people who are asked for one validation.
pub(super) const MOST_ASKED: usize = 100;
/// Largest number of pieces of evidence of one validation.
const MOST_EVIDENCE: usize = 100;

/// Milestone to submit for validation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "milestone_key": "b2", "note": "The process has been in use for a month.",
    "evidence": [{"title": "The process", "url": "https://example.com/process"}], "ask": [{"kind": "stakeholder_feedback", "person_ref": "hr-9"}]
}))]
pub struct ValidationDraft {
    /// Key of the milestone.
    milestone_key: Key,
    /// Note for those who decide.
    note: Option<Note>,
    /// Evidence.
    #[serde(default)]
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
    /// People to ask. The person's manager of today is asked in any case where an attestation by the manager is needed.
    #[serde(default)]
    #[schema(max_items = 50)]
    ask: Vec<AskDraft>,
}

/// Impact to submit for validation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "note": "Reckoned with finance.", "evidence": [{"title": "Figures", "url": "https://example.com/figures"}],
    "ask": [{"kind": "roi_verification", "person_ref": "hr-9"}]
}))]
pub struct ImpactValidationDraft {
    /// Policy: the kinds of validation that are needed. Defaults to one verification of the return. Needs the scope `recognition:write`.
    #[serde(default)]
    #[schema(max_items = 8)]
    needs: Vec<Need>,
    /// Whether nobody may validate in two ways. Defaults to `false`.
    #[serde(default)]
    different_people: bool,
    /// Note for those who decide.
    note: Option<Note>,
    /// Evidence, beside that of the impact.
    #[serde(default)]
    #[schema(max_items = 50)]
    evidence: Vec<Evidence>,
    /// People to ask. The person's manager of today is asked in any case where an attestation by the manager is needed.
    #[serde(default)]
    #[schema(max_items = 50)]
    ask: Vec<AskDraft>,
}

/// Person to ask for a validation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "peer_review", "person_ref": "hr-3"}))]
pub struct AskDraft {
    /// Kind of validation.
    kind: ValidationKind,
    /// Identifier of the person.
    person_id: Option<Uuid>,
    /// External reference or e-mail address of the person.
    person_ref: Option<ExternalRef>,
}

/// More evidence for a validation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"evidence": [{"title": "Figures of May", "url": "https://example.com/may"}], "note": "The figures that you asked for."}))]
pub struct EvidenceDraft {
    /// Evidence to add.
    #[schema(min_items = 1, max_items = 50)]
    evidence: Vec<Evidence>,
    /// Note for those who decide. Replaces the earlier one.
    note: Option<Note>,
}

/// Submit a milestone for validation
///
/// The template's proof of the milestone says which validations are needed. Whoever runs the plan can submit, and the person whom it serves. A
/// milestone with a date goes to `submitted`. When everybody needed has approved, the milestone is achieved on that day, if its other criteria are
/// met. After a rejection it can be submitted again.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))),
    request_body = ValidationDraft, responses((status = 201, description = "The validation.", body = Validation)))]
#[post("/v1/plans/{id}/validations")]
pub async fn submit_for_validation(
    cx: Context,
    id: Path<Uuid>,
    body: Body<ValidationDraft>,
) -> Result<Answer, ApiError> {
    let plans = cx.plans().await?;
    let plan = plans.find(*id).ok_or_else(ApiError::not_found)?;
    let matter = Matter::Milestone(Arc::clone(plan));
    cx.check_may_submit(&matter)?;
    cx.write(async |unit| {
        let draft = &body.0;
        let content = cx.app.definitions.of_plan(&mut unit.conn, unit.organization_id, &plan.row).await?;
        let definition = content.as_ref().and_then(|content| content.find(&draft.milestone_key));
        let proof = definition.and_then(|one| one.proof.as_ref());
        let criterion = proof.and_then(|proof| proof.validated());
        let criterion = criterion.ok_or_else(|| ProofRule::NoValidation.at("/milestone_key"))?;
        let mut plan_record = begin(unit, *id, &draft.milestone_key).await?;
        stepping::await_validation(unit, &mut plan_record, draft.milestone_key.as_str()).await?;
        let row = ValidationRow {
            plan_id: Some(*id),
            milestone_key: Some(draft.milestone_key.clone()),
            needs: criterion.needs.clone(),
            different_people: criterion.different_people,
            note: draft.note.clone(),
            evidence: draft.evidence.clone(),
            ..blank(unit)
        };
        submit(&cx, unit, row, matter.clone(), &draft.ask).await
    })
    .await
}

/// Submit an impact for validation
///
/// One verification of the return is needed. Whoever may write recognition can name another policy in `needs`. People submit their own impacts.
/// When everybody needed has approved, the impact is verified from that day on, and counts. After a rejection it can be corrected and submitted
/// again.
#[utoipa::path(tag = "recognition", security(("bearer" = ["recognition:write"])), extensions(("x-related" = json!("list"))),
    request_body = ImpactValidationDraft, responses((status = 201, description = "The validation.", body = Validation)))]
#[post("/v1/impacts/{impact_id}/validations")]
pub async fn submit_impact(cx: Context, id: Path<Uuid>, body: Body<ImpactValidationDraft>) -> Result<Answer, ApiError> {
    let draft = body.0;
    cx.write(async |unit| {
        let impact = find::<ImpactContent>(&mut unit.conn, unit.organization_id, By::Id(*id)).await?;
        let state = impact.stamp.state;
        let matter = Matter::Impact(Box::new(impact));
        cx.check_may_submit(&matter)?;
        state.check_may_change().map_err(|rule| rule.at(""))?;
        if !draft.needs.is_empty() && !cx.who.caller.scopes.allow(Scope::RecognitionWrite) {
            return Err(lacking(Scope::RecognitionWrite));
        }
        check_needs(&draft.needs)?;
        let row = ValidationRow {
            impact_id: Some(*id),
            needs: if draft.needs.is_empty() { usual_needs() } else { draft.needs.clone() },
            different_people: draft.different_people,
            note: draft.note.clone(),
            evidence: draft.evidence.clone(),
            ..blank(unit)
        };
        submit(&cx, unit, row, matter, &draft.ask).await
    })
    .await
}

/// A validation that begins now, of nothing yet.
fn blank(unit: &Unit) -> ValidationRow {
    ValidationRow {
        id: unit.new_id(),
        plan_id: None,
        milestone_key: None,
        impact_id: None,
        needs: vec![],
        different_people: false,
        note: None,
        evidence: vec![],
        state: ValidationState::Pending,
        submitted_on: unit.today,
        closed_at: None,
        author: unit.author(),
        version: 1,
        created_at: unit.now,
        updated_at: unit.now,
    }
}

/// Saves a validation that begins, and asks the people whom its draft names, and the manager.
async fn submit(
    cx: &Context,
    unit: &mut Unit,
    row: ValidationRow,
    mut matter: Matter,
    ask: &[AskDraft],
) -> Result<Answer, ApiError> {
    row::insert(&mut unit.conn, unit.organization_id, &row).await?;
    matter.follow(unit, row.milestone_key.as_ref(), row.state).await?;
    let mut loaded = Loaded { row, asks: vec![], known: vec![] };
    let manager_id = manager_of(unit, &matter).await?;
    for (index, ask) in ask.iter().enumerate() {
        add(cx, unit, &mut loaded, (&matter, manager_id), ask, &format!("/ask/{index}")).await?;
    }
    ask_manager(unit, &mut loaded, (&matter, manager_id)).await?;
    let asks = loaded.asks.iter().map(RecordedAsk::of).collect();
    record(unit, &matter, "submitted", None, &Recorded { row: &loaded.row, asks }).await?;
    let location = format!("/v1/validations/{}", loaded.row.id);
    let version = loaded.row.version;
    Ok(Answer::created(location, &Validation::of(loaded.row, loaded.asks, &matter))?.version(version))
}

/// Ask somebody for a validation
///
/// Nobody is asked twice in the same way, nor about an achievement of their own. Only the person's manager of today can be asked for an
/// attestation by the manager.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))), params(IfMatchOptional),
    request_body = AskDraft, responses((status = 200, description = "The validation.", body = Validation)))]
#[post("/v1/validations/{validation_id}/asks")]
pub async fn ask_for_validation(cx: Context, id: Path<Uuid>, body: Body<AskDraft>) -> Result<Answer, ApiError> {
    change(&cx, *id, async |unit, loaded, matter| {
        let manager_id = manager_of(unit, matter).await?;
        add(&cx, unit, loaded, (matter, manager_id), &body.0, "").await?;
        loaded.settle(unit, matter, "asked").await
    })
    .await
}

/// Add evidence to a validation
///
/// Those who asked for more can decide again.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))), params(IfMatchOptional),
    request_body = EvidenceDraft, responses((status = 200, description = "The validation.", body = Validation)))]
#[post("/v1/validations/{validation_id}/evidence")]
pub async fn add_validation_evidence(
    cx: Context,
    id: Path<Uuid>,
    body: Body<EvidenceDraft>,
) -> Result<Answer, ApiError> {
    change(&cx, *id, async |unit, loaded, matter| {
        loaded.row.evidence.extend(body.0.evidence.iter().cloned());
        if loaded.row.evidence.len() > MOST_EVIDENCE {
            return Err(ApiError::field("/evidence", "too_many_items", format!("there can be {MOST_EVIDENCE} in all")));
        }
        loaded.row.note = body.0.note.clone().or_else(|| loaded.row.note.clone());
        for ask in &mut loaded.asks {
            if ask.decision == Some(Decision::AskForMore) {
                (ask.decision, ask.decided_on, ask.decided_at) = (None, None, None);
                row::update(&mut unit.conn, unit.organization_id, ask).await?;
            }
        }
        loaded.settle(unit, matter, "evidence_added").await
    })
    .await
}

/// Withdraw a validation
///
/// Takes the submission back while it is open. A milestone goes back to work, and an impact is a claim again.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))), params(IfMatchOptional),
    responses((status = 200, description = "The withdrawn validation.", body = Validation)))]
#[post("/v1/validations/{validation_id}/withdraw")]
pub async fn withdraw_validation(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let withdrawn = ValidationState::Withdrawn;
    change(&cx, *id, async |unit, loaded, matter| loaded.save(unit, matter, "withdrawn", withdrawn).await).await
}

/// Checks that a milestone can be submitted, and loads its plan. Where a person has reopened the milestone, what its proof did before no longer
/// counts.
async fn begin(unit: &mut Unit, id: Uuid, key: &Key) -> Result<PlanRecord, ApiError> {
    let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
    let record = plans::find(conn, organization_id, id).await?.ok_or_else(ApiError::not_found)?;
    check_record(&record, unit.today)?;
    let dated = record.milestone(key.as_str()).map(|row| row.state.0.is_open());
    let undated = undated_milestones::find(conn, organization_id, id, key.as_str()).await?;
    let is_open = dated.or(undated.map(|row| row.achieved_on.is_none())).unwrap_or_default();
    let standing = milestone_proofs::find(conn, organization_id, id, key.as_str()).await?;
    let reopened = standing.filter(|standing| is_open && standing.was_achieved);
    let submissions = validations::of_plans(conn, organization_id, &[id]).await?;
    let last = submissions.iter().rfind(|row| row.milestone_key.as_ref() == Some(key)).map(|row| row.state);
    may_submit(is_open && record.plan.archived_at.is_none(), reopened.is_some(), last)
        .map_err(|rule| rule.at("/milestone_key"))?;
    if let Some(standing) = reopened {
        row::update(conn, organization_id, &standing.begun_anew(unit.now)).await?;
    }
    Ok(record)
}

/// Changes an open validation on behalf of whoever may submit it.
pub(super) async fn change(
    cx: &Context,
    id: Uuid,
    work: impl AsyncFn(&mut Unit, &mut Loaded, &mut Matter) -> Result<(), ApiError>,
) -> Result<Answer, ApiError> {
    let (_, matter) = seen(cx, id).await?;
    cx.check_may_submit(&matter)?;
    cx.write(async |unit| {
        let (mut loaded, mut matter) = reloaded(cx, unit, id, &matter).await?;
        work(unit, &mut loaded, &mut matter).await?;
        loaded.answer(&matter)
    })
    .await
}

/// Asks a person whom a draft names.
async fn add(
    cx: &Context,
    unit: &mut Unit,
    loaded: &mut Loaded,
    (matter, manager_id): (&Matter, Option<Uuid>),
    draft: &AskDraft,
    at: &str,
) -> Result<(), ApiError> {
    let field = format!("{at}/person").trim_start_matches('/').to_owned();
    let named = Named { id: draft.person_id, external_ref: draft.person_ref.as_ref() };
    let person = reference::resolve::<PersonContent>(&mut unit.conn, unit.organization_id, &field, named).await?;
    let missing = || ValueRule::Required { what: "the person" }.at(format!("/{field}_id"));
    let person = person.ok_or_else(missing)?;
    cx.check_named_person(&field, Some(person.id))?;
    if loaded.asks.len() >= MOST_ASKED {
        return Err(ApiError::field(at, "too_many_items", format!("at most {MOST_ASKED} people can be asked")));
    }
    let who = candidate(unit, &person, manager_id, matter);
    may_ask(&loaded.row.needs, loaded.row.different_people, &loaded.asked(), draft.kind, who)
        .map_err(|rule| rule.at(format!("/{field}_id")))?;
    insert(unit, loaded, draft.kind, &person).await
}

/// Asks the manager of today, if an attestation by the manager is needed and nobody was asked for it.
async fn ask_manager(
    unit: &mut Unit,
    loaded: &mut Loaded,
    (matter, manager_id): (&Matter, Option<Uuid>),
) -> Result<(), ApiError> {
    let Some(manager_id) = manager_id else { return Ok(()) };
    let manager = find::<PersonContent>(&mut unit.conn, unit.organization_id, By::Id(manager_id)).await?;
    let (kind, who) = (ValidationKind::ManagerAttestation, candidate(unit, &manager, Some(manager_id), matter));
    match may_ask(&loaded.row.needs, loaded.row.different_people, &loaded.asked(), kind, who) {
        Ok(()) => insert(unit, loaded, kind, &manager).await,
        Err(_) => Ok(()),
    }
}

async fn insert(unit: &mut Unit, loaded: &mut Loaded, kind: ValidationKind, person: &Person) -> Result<(), ApiError> {
    let ask = ValidationAsk {
        person_id: Some(person.id),
        person_ref: person.external_ref.clone(),
        person_name: Some(person.name.clone()),
        ..ValidationAsk::begun(unit.new_id(), &loaded.row, kind, unit.now)
    };
    row::insert(&mut unit.conn, unit.organization_id, &ask).await?;
    loaded.asks.push(ask);
    Ok(())
}
