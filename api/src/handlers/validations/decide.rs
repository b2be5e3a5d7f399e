//! Decisions of those who were asked.

use actix_web::post;
use actix_web::web::Path;
use milepost_domain::people::PersonContent;
use milepost_domain::proof::rule::ProofRule;
use milepost_domain::proof::validation::{Decision, Score, ValidationKind, may_validate};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{ExternalRef, Note};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::read::{reloaded, seen};
use super::{Validation, candidate, manager_of};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::precondition::IfMatchOptional;
use crate::reference::{self, Named};
use crate::store::people::Person;
use crate::store::row;
use crate::store::validations::ValidationAsk;
use crate::unit::Unit;

/// Decision to record.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "portfolio_review", "decision": "approve", "comment": "Clear and complete.",
    "scores": [{"criterion": "Clarity", "points": 4, "of": 5}]}))]
pub struct DecisionDraft {
    /// Kind of validation that was asked for.
    kind: ValidationKind,
    /// Decision.
    decision: Decision,
    /// Comment, for the person and for those who run the plan.
    comment: Option<Note>,
    /// Scores by a rubric.
    #[serde(default)]
    #[schema(max_items = 50)]
    scores: Vec<Score>,
    /// Identifier of the person who decides. For API clients, which record what somebody has said; people decide for themselves.
    person_id: Option<Uuid>,
    /// External reference or e-mail address of the person who decides.
    person_ref: Option<ExternalRef>,
}

/// Decide about a validation
///
/// Whoever was asked approves, rejects, or asks for more evidence, once for each kind of validation. One rejection ends the validation. What was
/// decided stays when the validator leaves. An attestation by the manager has to come from the manager of the day.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))), params(IfMatchOptional),
    request_body = DecisionDraft, responses((status = 200, description = "The validation.", body = Validation)))]
#[post("/v1/validations/{validation_id}/decisions")]
pub async fn decide_validation(cx: Context, id: Path<Uuid>, body: Body<DecisionDraft>) -> Result<Answer, ApiError> {
    let (seen, matter) = seen(&cx, *id).await?;
    if !cx.may_see_validation(&matter, &seen.asks) {
        return Err(ApiError::not_found());
    }
    cx.write(async |unit| {
        let (mut loaded, mut matter) = reloaded(&cx, unit, *id, &matter).await?;
        let draft = &body.0;
        for (index, score) in draft.scores.iter().enumerate() {
            score.check().map_err(|rule| rule.at(format!("/scores/{index}/points")))?;
        }
        let named = Named { id: draft.person_id, external_ref: draft.person_ref.as_ref() };
        let person = decider(&cx, unit, named).await?;
        let own = |ask: &ValidationAsk| ask.kind == draft.kind && ask.person_id == Some(person.id);
        let place = loaded.asks.iter().position(|ask| own(ask) && ask.decision.is_none());
        let place = place.or_else(|| loaded.asks.iter().position(own));
        let place = place.ok_or_else(|| ProofRule::NotAsked.at("/kind"))?;
        let manager_id = manager_of(unit, &matter).await?;
        may_validate(draft.kind, candidate(unit, &person, manager_id, &matter)).map_err(|rule| rule.at("/kind"))?;
        let ask = &mut loaded.asks[place];
        if ask.decision.is_some() {
            return Err(ProofRule::DecidedAlready.at("/kind").into());
        }
        ask.decision = Some(draft.decision);
        ask.comment.clone_from(&draft.comment);
        ask.scores.clone_from(&draft.scores);
        (ask.decided_on, ask.decided_at) = (Some(unit.today), Some(unit.now));
        row::update(&mut unit.conn, unit.organization_id, ask).await?;
        loaded.settle(unit, &mut matter, "decided").await?;
        loaded.answer(&matter)
    })
    .await
}

/// The person who decides: the caller, or the one whom an API client names.
pub(super) async fn decider(cx: &Context, unit: &mut Unit, mut named: Named<'_>) -> Result<Person, ApiError> {
    if let Some(own) = cx.who.caller.person_id() {
        if !named.is_nobody() {
            return Err(ValueRule::Unused { unless: "an API client records the decision" }.at("/person_id").into());
        }
        named.id = Some(own);
    }
    let person = reference::resolve::<PersonContent>(&mut unit.conn, unit.organization_id, "person", named).await?;
    person.ok_or_else(|| ValueRule::Required { what: "the person who decides" }.at("/person_id").into())
}
