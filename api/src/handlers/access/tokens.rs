//! The token endpoint: it exchanges client credentials for a short-lived access token (RFC 6749, section 4.4), or what says who a person
//! is for a token with which the client acts for that person (RFC 8693).
//!
//! Refused token requests use the error responses of that standard instead of problem documents, because the callers
//! are OAuth libraries.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::web::Payload;
use actix_web::{HttpRequest, post, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use milepost_domain::access::{Scope, Scopes};
use milepost_domain::people::PersonContent;
use milepost_domain::people::identity::check_acting;
use milepost_domain::rule::Rule as _;
use milepost_domain::values::text::ExternalRef;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::auth::api_key::ApiKey;
use crate::auth::issuer::Grant;
use crate::auth::tenants::{Authenticated, Bearer};
use crate::clock::date_in;
use crate::error::{ApiError, Code};
use crate::extract::collect;
use crate::gate;
use crate::identity::person_of;
use crate::reference::{self, Named};
use crate::state::App;

/// Grant type of a token exchange (RFC 8693, section 2.1).
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Type of the tokens that this server issues (RFC 8693, section 3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Types of tokens of identity providers (RFC 8693, section 3).
const TOKENS: [&str; 3] =
    [ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"];
/// Type of what names a person without a token.
const PERSON: &str = "urn:milepost:params:oauth:token-type:person";

/// Token request, sent as a form.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"grant_type": "client_credentials", "client_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11",
    "client_secret": "mp_…"}))]
pub struct TokenRequest {
    /// Grant type: `client_credentials`, or `urn:ietf:params:oauth:grant-type:token-exchange` to act for a person.
    #[schema(max_length = 100)]
    grant_type: Option<String>,
    /// Identifier of the API client. Can be sent with HTTP Basic authentication instead.
    #[schema(max_length = 100)]
    client_id: Option<String>,
    /// API key of the client. Can be sent with HTTP Basic authentication instead.
    #[schema(max_length = 200)]
    client_secret: Option<String>,
    /// Requested scopes, separated by spaces. Defaults to all scopes of the client. Has no effect in a token exchange: a person's scopes
    /// come from their roles.
    #[schema(max_length = 1000)]
    scope: Option<String>,
    /// In a token exchange, what says who the person is: a token of one of the organization's identity providers, or the person's
    /// identifier, external reference or e-mail address.
    #[schema(max_length = 10_000)]
    subject_token: Option<String>,
    /// In a token exchange, the type of `subject_token`: `urn:ietf:params:oauth:token-type:access_token`, `…:id_token` or `…:jwt` for a
    /// token, `urn:milepost:params:oauth:token-type:person` for a person's identifier, external reference or e-mail address.
    #[schema(max_length = 100)]
    subject_token_type: Option<String>,
}

/// An access token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"access_token": "eyJ…", "token_type": "Bearer", "expires_in": 900, "scope": "plans:read"}))]
pub struct TokenAnswer {
    /// Access token, to be sent as the bearer token.
    #[schema(max_length = 4000)]
    access_token: String,
    /// Type of the token. Always `Bearer`.
    #[schema(max_length = 10)]
    token_type: &'static str,
    /// Lifetime of the token in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    expires_in: i64,
    /// Granted scopes, separated by spaces.
    #[schema(max_length = 1000)]
    scope: String,
    /// Type of the issued token, in the answer to a token exchange: always `urn:ietf:params:oauth:token-type:access_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, required = false, value_type = String)]
    issued_token_type: Option<&'static str>,
}

/// An error response of the token endpoint (RFC 6749, section 5.2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"error": "invalid_client", "error_description": "The client or its secret is not valid."}))]
pub struct TokenRefusal {
    /// Error code.
    #[schema(max_length = 100)]
    error: &'static str,
    /// Explanation of the error.
    #[schema(max_length = 1000)]
    error_description: String,
}

/// Create an access token
///
/// Accepts the client credentials in the form or with HTTP Basic authentication, but not both. Refused requests follow
/// RFC 6749, section 5.2; an exceeded quota is reported as a problem document. A client with the scope `people:act` acts for a person by a
/// token exchange (RFC 8693): the token then does what the person may do, and the ledger names the person and the client. Only a client
/// with the scope `admin` acts for people whose roles include `admin`.
#[utoipa::path(tag = "access", request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 200, description = "The access token.", body = TokenAnswer),
    (status = 400, description = "The request is not a client credentials request.", body = TokenRefusal),
    (status = 401, description = "The API client is unknown, or the secret is not one of its API keys.", body = TokenRefusal),
))]
#[post("/v1/oauth/token")]
pub async fn issue_token(request: HttpRequest, app: web::Data<App>, payload: Payload) -> Result<Answer, ApiError> {
    let body = collect(&request, payload.into_inner()).await?;
    let Some(form) = read_form(&request, &body) else {
        return refuse("invalid_request", "Send grant_type, client_id and client_secret as a form, each once.");
    };
    let is_exchange = form.grant_type.as_deref() == Some(TOKEN_EXCHANGE);
    if !is_exchange && form.grant_type.as_deref() != Some("client_credentials") {
        return refuse("unsupported_grant_type", "Only client_credentials and token exchange are supported.");
    }
    let (Some(id), Some(secret)) = (&form.client_id, &form.client_secret) else {
        return refuse("invalid_client", "Send the client's id and one of its keys as the secret.");
    };
    let address = gate::client_address(&request, &app);
    let invalid = |key: Option<Uuid>| match gate::note_failure(&app, address, key) {
        Some(too_many) => Err(too_many),
        None => refuse("invalid_client", "The client or its secret is not valid."),
    };
    let Some(key) = ApiKey::parse(secret) else { return invalid(None) };
    if let Some(wait) = app.refusals.wait(address).filter(|_| !app.tenants.was_used(key.id)) {
        return Err(gate::too_many_failures(wait));
    }
    let now = app.clock.now();
    let Some(who) = app.tenants.by_key(&key, &app.db, now).await? else { return invalid(Some(key.id)) };
    if *id != who.caller.author.id {
        return invalid(Some(key.id));
    }
    if let Some(wait) = app.limiter.take(who.caller.organization_id).retry_after {
        return Err(gate::rate_limited(wait));
    }
    let client_id = id.parse().map_err(ApiError::internal)?;
    if is_exchange {
        return exchange(&app, &form, &who, (client_id, key.id)).await;
    }
    let scopes = match &form.scope {
        Some(wanted) => who.caller.scopes.restricted_to(&Scopes::read(wanted)),
        None => who.caller.scopes.clone(),
    };
    if scopes.list().is_empty() {
        return refuse("invalid_scope", "The client has none of these scopes.");
    }
    let client = Some((client_id, key.id));
    let grant = Grant { organization_id: who.caller.organization_id, client, scopes, person_id: None };
    let access_token = app.issuer.issue(&grant, app.clock.new_id(), &app.db, now).await?;
    issued(access_token, &grant, None)
}

/// The answer that carries a token.
pub fn issued(
    access_token: String,
    grant: &Grant,
    issued_token_type: Option<&'static str>,
) -> Result<Answer, ApiError> {
    let (scope, expires_in) = (grant.scopes.to_string(), grant.seconds());
    let token = TokenAnswer { access_token, token_type: "Bearer", expires_in, scope, issued_token_type };
    Ok(Answer::ok(&token)?.header(CACHE_CONTROL, "no-store"))
}

/// Issues a token with which a client acts for a person.
async fn exchange(
    app: &Arc<App>,
    form: &TokenRequest,
    who: &Authenticated,
    (client_id, key_id): (Uuid, Uuid),
) -> Result<Answer, ApiError> {
    let caller = &who.caller;
    if !caller.scopes.allow(Scope::PeopleAct) {
        return refuse("unauthorized_client", "The client lacks the scope people:act.");
    }
    let (Some(subject), Some(kind)) = (&form.subject_token, &form.subject_token_type) else {
        return refuse("invalid_request", "Send subject_token and subject_token_type.");
    };
    let found = match kind.as_str() {
        PERSON => named_person(app, caller.organization_id, subject).await,
        _ if TOKENS.contains(&kind.as_str()) => person_of_token(app, caller.organization_id, subject).await,
        _ => return refuse("invalid_request", "The subject_token_type is not supported."),
    };
    let person_id = match found {
        Ok(person_id) => person_id,
        Err(error) if error.code() == Code::Internal || error.code() == Code::Unavailable => return Err(error),
        Err(error) => return refuse("invalid_request", error.detail()),
    };
    let named = (caller.organization_id, person_id, Some(client_id));
    let day = date_in(who.tenant.zone, app.clock.now());
    let person = match app.tenants.by_person(&app.db, Arc::clone(&who.tenant), named, day).await? {
        Ok(person) => person.caller,
        Err(reason) => return refuse("invalid_request", &reason.to_string()),
    };
    if let Err(reason) = check_acting(&caller.scopes, &person.scopes) {
        return refuse("invalid_target", &reason.to_string());
    }
    let person_id = person.person_id();
    let scopes = person.scopes.clone();
    let client = Some((client_id, key_id));
    let grant = Grant { organization_id: caller.organization_id, client, scopes, person_id };
    let token = app.issuer.issue(&grant, app.clock.new_id(), &app.db, app.clock.now()).await?;
    issued(token, &grant, Some(ACCESS_TOKEN))
}

/// The person with an identifier, an external reference or an e-mail address.
async fn named_person(app: &App, organization_id: Uuid, text: &str) -> Result<Uuid, ApiError> {
    let external_ref = ExternalRef::parse(text).map_err(|rule| rule.at("/subject_token"))?;
    let named = match text.parse() {
        Ok(id) => Named { id: Some(id), external_ref: None },
        Err(_) => Named { id: None, external_ref: Some(&external_ref) },
    };
    let mut conn = app.db.read().await?;
    let found = reference::resolve::<PersonContent>(&mut conn, organization_id, "subject", named).await?;
    Ok(found.ok_or_else(ApiError::not_found)?.id)
}

/// The person whom a token of one of the organization's identity providers means.
async fn person_of_token(app: &Arc<App>, organization_id: Uuid, token: &str) -> Result<Uuid, ApiError> {
    match gate::bearer_of(app, token, false).await? {
        Some(Bearer::Subject(verified)) if verified.organization_id == organization_id => {
            person_of(app, &verified).await
        }
        _ => Err(ApiError::new(Code::Unauthenticated, "The subject_token is not a valid token of a known provider.")),
    }
}

/// Reads the form, and takes the credentials from the `Authorization` header if the form has none. Refuses both at
/// once.
fn read_form(request: &HttpRequest, body: &[u8]) -> Option<TokenRequest> {
    let media_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    let mut form = web::Query::<TokenRequest>::from_query(text).ok()?.into_inner();
    let Some(header) = request.headers().get(AUTHORIZATION) else { return Some(form) };
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    if form.client_secret.is_some() || form.client_id.as_deref().is_some_and(|in_form| in_form != id) {
        return None;
    }
    form.client_id = Some(id.to_owned());
    form.client_secret = Some(secret.to_owned());
    Some(form)
}

fn refuse(error: &'static str, error_description: &str) -> Result<Answer, ApiError> {
    let is_client = error == "invalid_client";
    let status = if is_client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let answer = Answer::json(status, &TokenRefusal { error, error_description: error_description.to_owned() })?
        .header(CACHE_CONTROL, "no-store");
    Ok(if is_client { answer.header(WWW_AUTHENTICATE, "Basic realm=\"milepost\"") } else { answer })
}
