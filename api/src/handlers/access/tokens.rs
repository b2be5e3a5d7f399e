//! The token endpoint: it exchanges client credentials for a short-lived access token (RFC 6749, section 4.4).
//!
//! Refused token requests use the error responses of that standard instead of problem documents, because the callers
//! are OAuth libraries.

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::web::Payload;
use actix_web::{HttpRequest, post, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use milepost_domain::access::Scopes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::auth::api_key::ApiKey;
use crate::auth::issuer::{Grant, TOKEN_SECONDS};
use crate::error::ApiError;
use crate::extract::collect;
use crate::gate;
use crate::state::App;

/// Token request, sent as a form.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"grant_type": "client_credentials", "client_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "client_secret": "mp_…"}))]
pub struct TokenRequest {
    /// Grant type. Always `client_credentials`.
    #[schema(max_length = 100)]
    grant_type: Option<String>,
    /// Identifier of the API client. Can be sent with HTTP Basic authentication instead.
    #[schema(max_length = 100)]
    client_id: Option<String>,
    /// API key of the client. Can be sent with HTTP Basic authentication instead.
    #[schema(max_length = 200)]
    client_secret: Option<String>,
    /// Requested scopes, separated by spaces. Defaults to all scopes of the client.
    #[schema(max_length = 1000)]
    scope: Option<String>,
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
    error_description: &'static str,
}

/// Create an access token
///
/// Accepts the client credentials in the form or with HTTP Basic authentication, but not both. Refused requests follow
/// RFC 6749, section 5.2; an exceeded quota is reported as a problem document.
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
    if form.grant_type.as_deref() != Some("client_credentials") {
        return refuse("unsupported_grant_type", "Only client_credentials is supported.");
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
    let scopes = match &form.scope {
        Some(wanted) => who.caller.scopes.restricted_to(&Scopes::read(wanted)),
        None => who.caller.scopes.clone(),
    };
    if scopes.list().is_empty() {
        return refuse("invalid_scope", "The client has none of these scopes.");
    }
    let client_id = id.parse().map_err(ApiError::internal)?;
    let grant = Grant { organization_id: who.caller.organization_id, client_id, key_id: key.id, scopes };
    let access_token = app.issuer.issue(&grant, app.clock.new_id(), &app.db, now).await?;
    let scope = grant.scopes.to_string();
    let answer = Answer::ok(&TokenAnswer { access_token, token_type: "Bearer", expires_in: TOKEN_SECONDS, scope })?;
    Ok(answer.header(CACHE_CONTROL, "no-store"))
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

fn refuse(error: &'static str, error_description: &'static str) -> Result<Answer, ApiError> {
    let is_client = error == "invalid_client";
    let status = if is_client { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let answer = Answer::json(status, &TokenRefusal { error, error_description })?.header(CACHE_CONTROL, "no-store");
    Ok(if is_client { answer.header(WWW_AUTHENTICATE, "Basic realm=\"milepost\"") } else { answer })
}
