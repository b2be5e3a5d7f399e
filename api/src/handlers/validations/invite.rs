//! Invitations of people outside the organization, by links that work once; passing a question on; and reminders.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::web::Path;
use actix_web::{delete, post};
use chrono::{DateTime, Duration, Utc};
use milepost_domain::people::PersonContent;
use milepost_domain::proof::rule::ProofRule;
use milepost_domain::proof::validation::{ValidationKind, may_delegate, may_invite, may_remind};
use milepost_domain::rule::Rule as _;
use milepost_domain::values::rule::ValueRule;
use milepost_domain::values::text::{Email, ExternalRef, Name};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;
use uuid::Uuid;

use super::decide::decider;
use super::read::{reloaded, seen};
use super::submit::{MOST_ASKED, change};
use super::{Validation, candidate, manager_of};
use crate::answer::Answer;
use crate::auth::link_token::InvitationToken;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::issuing::Addresses;
use crate::matters::Matter;
use crate::precondition::IfMatchOptional;
use crate::reference::{self, Named};
use crate::reminding::{self, Letter};
use crate::store::row;
use crate::store::validations::ValidationAsk;

/// Number of days for which a link works, unless a request says otherwise.
const USUAL_DAYS: u32 = 14;

/// Invitation of somebody outside the organization.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "stakeholder_feedback", "name": "Petra Novak", "email": "petra@example.com", "valid_days": 14}))]
pub struct InvitationDraft {
    /// Kind of validation to ask for. Not an attestation by the manager.
    kind: ValidationKind,
    /// Name of whoever is invited.
    name: Name,
    /// E-mail address to which the link is sent. It is not kept. By default, nothing is sent, and whoever invites passes the link on.
    email: Option<Email>,
    /// Number of days for which the link works. Defaults to 14.
    #[schema(minimum = 1, maximum = 90)]
    valid_days: Option<u32>,
}

/// Invitation by a link that works once.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "validation_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "kind": "stakeholder_feedback",
    "name": "Petra Novak", "expires_at": "2026-05-18T12:00:00Z", "path": "/invitations/mi_…"
}))]
pub struct ValidationInvitation {
    /// Identifier: that of the question among those of the validation.
    id: Uuid,
    /// Identifier of the validation.
    validation_id: Uuid,
    /// Kind of validation.
    kind: ValidationKind,
    /// Name of whoever is invited.
    name: Name,
    /// Time until which the link works.
    expires_at: DateTime<Utc>,
    /// Path of the page on this server, including the token. Present only in the response that made the invitation.
    #[schema(max_length = 300)]
    path: Option<String>,
}

/// Person to whom a question is passed on.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "peer_review", "to_ref": "hr-3"}))]
pub struct DelegationDraft {
    /// Kind of validation that was asked for.
    kind: ValidationKind,
    /// Identifier of the person to ask.
    to_id: Option<Uuid>,
    /// External reference or e-mail address of the person to ask.
    to_ref: Option<ExternalRef>,
    /// Identifier of the person who was asked. For API clients; people pass on what they were asked themselves.
    person_id: Option<Uuid>,
    /// External reference or e-mail address of the person who was asked.
    person_ref: Option<ExternalRef>,
}

/// Invite somebody outside for a validation
///
/// Whoever has the link sees what is to be validated, with its evidence, and decides once, without an account. The link is in this response only
/// and cannot be retrieved again; a repeated request with the same `Idempotency-Key` returns null instead. Withdrawing the invitation, or the
/// validation, ends the link.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))), params(IfMatchOptional),
    request_body = InvitationDraft, responses((status = 201, description = "The invitation, with its path.", body = ValidationInvitation)))]
#[post("/v1/validations/{validation_id}/invitations")]
pub async fn invite_for_validation(
    cx: Context,
    id: Path<Uuid>,
    body: Body<InvitationDraft>,
) -> Result<Answer, ApiError> {
    let draft = body.0;
    let (_, matter) = seen(&cx, *id).await?;
    cx.check_may_submit(&matter)?;
    let token = InvitationToken::generate(cx.organization_id(), cx.app.clock.new_id());
    let token = token.ok_or_else(|| ApiError::internal("the system has no randomness"))?;
    let path = format!("/invitations/{}", token.reveal());
    let is_made = AtomicBool::new(false);
    let answer = cx.write(async |unit| {
        let (mut loaded, mut matter) = reloaded(&cx, unit, *id, &matter).await?;
        may_invite(&loaded.row.needs, draft.kind).map_err(|rule| rule.at("/kind"))?;
        if loaded.asks.len() >= MOST_ASKED {
            return Err(ApiError::field("", "too_many_items", format!("at most {MOST_ASKED} people can be asked")));
        }
        let expires_at = unit.now + Duration::days(draft.valid_days.unwrap_or(USUAL_DAYS).into());
        let ask = ValidationAsk {
            outsider_name: Some(draft.name.clone()),
            expires_at: Some(expires_at),
            secret_hash: Some(token.secret_hash()),
            ..ValidationAsk::begun(token.link_id(), &loaded.row, draft.kind, unit.now)
        };
        row::insert(&mut unit.conn, unit.organization_id, &ask).await?;
        loaded.asks.push(ask);
        loaded.settle(unit, &mut matter, "asked").await?;
        is_made.store(true, Ordering::Relaxed);
        let (kind, name) = (draft.kind, draft.name.clone());
        let hidden =
            ValidationInvitation { id: token.link_id(), validation_id: *id, kind, name, expires_at, path: None };
        let shown = ValidationInvitation { path: Some(path.clone()), ..hidden.clone() };
        Answer::created(format!("/v1/validations/{id}/invitations/{}", hidden.id), &shown)?.kept_as(&hidden)
    });
    let answer = answer.await?;
    // A repeated request sends nothing again.
    if let Some(email) = draft.email.as_ref().filter(|_| is_made.load(Ordering::Relaxed)) {
        send(&cx, &draft.name, email, &matter, &path).await;
    }
    Ok(answer)
}

/// Sends the link of an invitation.
async fn send(cx: &Context, name: &Name, email: &Email, matter: &Matter, path: &str) {
    let link = format!("{}{path}", Addresses::of(&cx.app, cx.organization_id()).base());
    let who = matter.person_name().unwrap_or_else(|| "a colleague".to_owned());
    let text = format!(
        "Hello {name},\n\nyou are asked for your word on an achievement of {who}. This link shows it, and takes your answer once:\n\n{link}\n"
    );
    let subject = format!("Your word on an achievement of {who}");
    reminding::deliver(&cx.app, &Letter { name: name.to_string(), email: email.to_string(), subject, text }).await;
}

/// Withdraw an invitation
///
/// The link stops working at once. What was decided by it stays.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))), params(IfMatchOptional),
    responses((status = 204, description = "Withdrawn.")))]
#[delete("/v1/validations/{validation_id}/invitations/{invitation_id}")]
pub async fn withdraw_invitation(cx: Context, path: Path<(Uuid, Uuid)>) -> Result<Answer, ApiError> {
    let (id, ask_id) = *path;
    change(&cx, id, async |unit, loaded, matter| {
        let is_meant = |ask: &ValidationAsk| ask.id == ask_id && ask.outsider_name.is_some();
        let at = loaded.asks.iter().position(is_meant).ok_or_else(ApiError::not_found)?;
        if loaded.asks[at].decision.is_some() {
            return Err(ProofRule::DecidedAlready.at("").into());
        }
        row::delete::<ValidationAsk>(&mut unit.conn, unit.organization_id, ask_id).await?;
        loaded.asks.remove(at);
        loaded.settle(unit, matter, "invitation_withdrawn").await
    })
    .await?;
    Ok(Answer::no_content())
}

/// Delegate a validation
///
/// Whoever was asked and has not decided names somebody to be asked in their place. An attestation by the manager is not passed on.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))), params(IfMatchOptional),
    request_body = DelegationDraft, responses((status = 200, description = "The validation.", body = Validation)))]
#[post("/v1/validations/{validation_id}/delegate")]
pub async fn delegate_validation(cx: Context, id: Path<Uuid>, body: Body<DelegationDraft>) -> Result<Answer, ApiError> {
    let (known, matter) = seen(&cx, *id).await?;
    if !cx.may_see_validation(&matter, &known.asks) {
        return Err(ApiError::not_found());
    }
    cx.write(async |unit| {
        let (mut loaded, mut matter) = reloaded(&cx, unit, *id, &matter).await?;
        let draft = &body.0;
        let from = decider(&cx, unit, Named { id: draft.person_id, external_ref: draft.person_ref.as_ref() }).await?;
        let own = |ask: &ValidationAsk| ask.kind == draft.kind && ask.person_id == Some(from.id);
        let at = loaded.asks.iter().position(own).ok_or_else(|| ProofRule::NotAsked.at("/kind"))?;
        let named = Named { id: draft.to_id, external_ref: draft.to_ref.as_ref() };
        let (conn, organization_id) = (&mut unit.conn, unit.organization_id);
        let to = reference::resolve::<PersonContent>(conn, organization_id, "to", named).await?;
        let to = to.ok_or_else(|| ValueRule::Required { what: "the person to ask" }.at("/to_id"))?;
        let manager_id = manager_of(unit, &matter).await?;
        let who = candidate(unit, &to, manager_id, &matter);
        may_delegate(&loaded.row.needs, loaded.row.different_people, &loaded.asked(), at, who)
            .map_err(|rule| rule.at("/to_id"))?;
        let ask = &mut loaded.asks[at];
        (ask.person_id, ask.person_ref, ask.person_name) =
            (Some(to.id), to.external_ref.clone(), Some(to.name.clone()));
        (ask.asked_at, ask.reminded_at) = (unit.now, None);
        row::update(&mut unit.conn, unit.organization_id, ask).await?;
        loaded.settle(unit, &mut matter, "delegated").await?;
        loaded.answer(&matter)
    })
    .await
}

/// Remind those who have not decided
///
/// Sends an e-mail to everybody who was asked, has an address, and has neither decided nor been reminded in the last day. Whoever waits for three
/// days is reminded by the server, and then once a week.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), extensions(("x-related" = json!("list"))), params(IfMatchOptional),
    responses((status = 200, description = "The validation.", body = Validation)))]
#[post("/v1/validations/{validation_id}/remind")]
pub async fn remind_validators(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    let (_, matter) = seen(&cx, *id).await?;
    cx.check_may_submit(&matter)?;
    let letters = Mutex::new(vec![]);
    let answer = cx.write(async |unit| {
        let (mut loaded, matter) = reloaded(&cx, unit, *id, &matter).await?;
        let mut written = vec![];
        let now = unit.now;
        for ask in loaded.asks.iter_mut().filter(|ask| may_remind(ask.reminded_at, now)) {
            written.extend(reminding::remind(unit, ask, &matter).await?);
        }
        if written.is_empty() {
            return Err(ApiError::new(
                Code::Conflict,
                "There is nobody to remind who was not reminded in the last day.",
            ));
        }
        *letters.lock().await = written;
        loaded.answer(&matter)
    });
    let answer = answer.await?;
    for letter in letters.into_inner() {
        reminding::deliver(&cx.app, &letter).await;
    }
    Ok(answer)
}
