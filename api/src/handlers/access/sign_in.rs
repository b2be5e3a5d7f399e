//! Sign-in for organizations without an identity provider: one-time codes by e-mail, and short sessions.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, post, web};
use chrono::Duration;
use milepost_domain::people::PersonContent;
use milepost_domain::values::text::Email;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::roles::check_not_protected;
use super::tokens::{TokenAnswer, issued};
use crate::answer::Answer;
use crate::auth::issuer::Grant;
use crate::auth::link_token::SignInToken;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::Body;
use crate::gate;
use crate::identity::{by_address, refused};
use crate::resource::{By, find};
use crate::state::App;
use crate::store::identity_providers::Provider;
use crate::store::people::{self, Person};
use crate::store::row::{self, Condition};
use crate::store::sign_in_codes::{self, SignInCode};
use crate::unit::{Change, Entity, Unit};

/// Time for which a code is valid, in minutes.
const CODE_MINUTES: i64 = 15;
/// Largest number of codes that a person is sent in an hour.
const MOST_AN_HOUR: i64 = 5;

/// Request for a one-time code.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"organization_id": "0199f0a2-8888-7d52-b1a4-0c8a3e0f9d11", "email": "ana@example.com"}))]
pub struct SignInRequest {
    /// Identifier of the organization.
    organization_id: Uuid,
    /// E-mail address of the person.
    email: Email,
}

/// Answer to a request for a one-time code. It is the same whether or not somebody has the address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"expires_in": 900}))]
pub struct SignInRequested {
    /// Time for which the code is valid, in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    expires_in: i64,
}

/// One-time code.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "mo_…"}))]
pub struct SignInCodeDraft {
    /// Code from the message.
    #[schema(min_length = 1, max_length = 200)]
    code: String,
}

/// Send a one-time code
///
/// Sends a message with a code, valid for 15 minutes, to the only active person of the organization with the address. An organization with
/// an identity provider in use sends none. A person gets at most five in an hour. Nothing tells whether a message was sent.
#[utoipa::path(tag = "access", request_body = SignInRequest, extensions(("x-idempotent" = json!(true))), responses(
    (status = 202, description = "The request was taken.", body = SignInRequested),
))]
#[post("/v1/sign-in/codes")]
pub async fn send_sign_in_code(
    app: web::Data<App>,
    request: HttpRequest,
    body: Body<SignInRequest>,
) -> Result<Answer, ApiError> {
    let app = app.into_inner();
    let address = gate::client_address(&request, &app);
    if let Some(wait) = app.refusals.note(address, None) {
        return Err(gate::too_many_failures(wait));
    }
    if let Some(wait) = app.limiter.take(body.0.organization_id).retry_after {
        return Err(gate::rate_limited(wait));
    }
    let SignInRequest { organization_id, email } = body.0;
    // Beside the request, so that its time tells nothing.
    tokio::spawn(async move {
        let sent = match Context::of_job(&app, organization_id).await {
            Ok(None) => return,
            Ok(Some(cx)) => send(&cx, &email).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = sent {
            tracing::warn!(%error, cause = error.cause(), "a one-time code could not be sent");
        }
    });
    Answer::json(StatusCode::ACCEPTED, &SignInRequested { expires_in: CODE_MINUTES * 60 })
}

async fn send(cx: &Context, email: &Email) -> Result<(), ApiError> {
    let organization_id = cx.organization_id();
    let Some(person) = addressee(cx, email).await? else { return Ok(()) };
    let since = cx.now - Duration::hours(1);
    // Only a message that may be sent is worth a turn to write.
    if sign_in_codes::sent_since(&mut cx.read().await?, organization_id, person.id, since).await? >= MOST_AN_HOUR {
        return Ok(());
    }
    let mut unit = cx.begin().await?;
    if sign_in_codes::sent_since(&mut unit.conn, organization_id, person.id, since).await? >= MOST_AN_HOUR {
        return Ok(());
    }
    let id = unit.new_id();
    let token = SignInToken::generate(organization_id, id);
    let token = token.ok_or_else(|| ApiError::internal("the system provides no randomness"))?;
    let code = SignInCode {
        id,
        person_id: person.id,
        secret_hash: token.secret_hash(),
        created_at: unit.now,
        expires_at: unit.now + Duration::minutes(CODE_MINUTES),
        used_at: None,
    };
    row::insert(&mut unit.conn, organization_id, &code).await?;
    unit.commit().await?;
    let text = message(&cx.app, &person, &token.reveal());
    // To the address that is known, and not to one that only looks the same when case is ignored.
    let address = person.email.as_ref().map_or("", |email| email.as_str());
    cx.app.mail.send(&person.name, address, "Your sign-in code", text).await.map_err(ApiError::internal)
}

/// The only active person with an address, in an organization that has no identity provider.
async fn addressee(cx: &Context, email: &Email) -> Result<Option<Person>, ApiError> {
    let mut conn = cx.snapshot().await?;
    let in_use = [Condition::IsPresent("archived_at", false)];
    if row::count::<Provider>(&mut conn, cx.organization_id(), &in_use).await? > 0 {
        return Ok(None);
    }
    Ok(by_address(&mut conn, cx.organization_id(), email, cx.today()).await?.unwrap_or_default())
}

fn message(app: &App, person: &Person, code: &str) -> String {
    let name = &person.name;
    let how = match &app.settings.mail.sign_in_url {
        Some(url) => format!("Open this address to sign in:\n\n{url}#code={code}"),
        None => format!("This is your code to sign in:\n\n{code}"),
    };
    format!(
        "Hello {name},\n\n{how}\n\nIt works once, within {CODE_MINUTES} minutes. If you did not ask for it, you can ignore this message.\n"
    )
}

/// Sign in with a one-time code
///
/// Returns an access token for the person, valid for an hour. The code works once, and shows that the address is the person's.
#[utoipa::path(tag = "access", request_body = SignInCodeDraft, extensions(("x-idempotent" = json!(true))), responses(
    (status = 200, description = "The access token.", body = TokenAnswer),
))]
#[post("/v1/sign-in/sessions")]
pub async fn redeem_sign_in_code(
    app: web::Data<App>,
    request: HttpRequest,
    body: Body<SignInCodeDraft>,
) -> Result<Answer, ApiError> {
    let app = app.into_inner();
    let address = gate::client_address(&request, &app);
    if let Some(wait) = app.refusals.wait(address) {
        return Err(gate::too_many_failures(wait));
    }
    let invalid = || {
        let refused = || ApiError::field("/code", "not_valid", "is not valid, has expired or was used before");
        gate::note_failure(&app, address, None).unwrap_or_else(refused)
    };
    let token = SignInToken::parse(&body.0.code).ok_or_else(invalid)?;
    let organization_id = token.organization_id();
    let cx = Context::of_job(&app, organization_id).await?.ok_or_else(invalid)?;
    let is_usable =
        |code: &SignInCode| token.matches(&code.secret_hash) && code.used_at.is_none() && cx.now < code.expires_at;
    let found: Option<SignInCode> = row::find(&mut cx.read().await?, organization_id, token.link_id()).await?;
    // Only a code that works is worth a turn to write, in which it still has to.
    found.filter(is_usable).ok_or_else(invalid)?;
    let mut unit = cx.begin().await?;
    let found: Option<SignInCode> = row::find(&mut unit.conn, organization_id, token.link_id()).await?;
    let code = found.filter(is_usable).ok_or_else(invalid)?;
    let used = SignInCode { used_at: Some(unit.now), ..code };
    row::update(&mut unit.conn, organization_id, &used).await?;
    let person_id = used.person_id;
    let of = (Entity::Person, person_id);
    let signed_in = serde_json::json!({ "code_id": used.id });
    unit.record(Change { verb: "signed_in", entity: of, root: of, before: None, after: Some(&signed_in) }).await?;
    if let Some(before) =
        row::find::<Person>(&mut unit.conn, organization_id, person_id).await?.filter(|one| !one.email_verified)
    {
        let after = before.with(PersonContent { email_verified: true, ..before.content.clone() }, unit.now);
        row::update(&mut unit.conn, organization_id, &after).await?;
        unit.record_updated(Entity::Person, person_id, &before, &after).await?;
    }
    unit.commit().await?;
    let named = (organization_id, person_id, None);
    let who = app.tenants.by_person(&app.db, cx.who.tenant.clone(), named, cx.today()).await?.map_err(refused)?;
    let scopes = who.caller.scopes.clone();
    let grant = Grant { organization_id, client: None, scopes, person_id: Some(person_id) };
    let token = app.issuer.issue(&grant, app.clock.new_id(), &app.db, cx.now).await?;
    issued(token, &grant, None)
}

/// Sign out
///
/// Ends all sessions of the person: every token of this server that means them, those of clients that act for them included, stops
/// working at once. Tokens of an identity provider are not the server's to end.
#[utoipa::path(tag = "access", security(("bearer" = [])), responses((status = 204, description = "All sessions have ended.")))]
#[post("/v1/me/sign-out")]
pub async fn sign_out(cx: Context) -> Result<Answer, ApiError> {
    let Some(circle) = &cx.who.caller.person else {
        return Err(ApiError::new(Code::Forbidden, "Only a person signs out. An API client revokes its keys."));
    };
    cx.write(async |unit| end_sessions_of(unit, circle.person_id).await).await
}

/// End a person's sessions
///
/// Does for somebody else what signing out does. Somebody whose roles grant more than the caller has cannot be signed out.
#[utoipa::path(tag = "access", security(("bearer" = ["people:write"])),
    responses((status = 204, description = "All sessions have ended.")))]
#[post("/v1/people/{id}/sign-out")]
pub async fn sign_out_person(cx: Context, id: Path<Uuid>) -> Result<Answer, ApiError> {
    cx.write(async |unit| {
        find::<PersonContent>(&mut unit.conn, unit.organization_id, By::Id(*id)).await?;
        check_not_protected(unit, &[*id], "").await?;
        end_sessions_of(unit, *id).await
    })
    .await
}

async fn end_sessions_of(unit: &mut Unit, person_id: Uuid) -> Result<Answer, ApiError> {
    people::sign_out(&mut unit.conn, unit.organization_id, person_id, unit.now).await?;
    let of = (Entity::Person, person_id);
    let signed_out = serde_json::json!({ "signed_out_at": unit.now });
    unit.record(Change { verb: "signed_out", entity: of, root: of, before: None, after: Some(&signed_out) }).await?;
    Ok(Answer::no_content())
}
