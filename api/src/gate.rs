//! The checks that every request passes before its handler: known path and method, an answer it can accept, a proven caller with the
//! scope the document asks for, and a quota that is not used up.
//!
//! Everything under the document's security needs a caller here, so a new route is closed until it is declared public.

use std::future::ready;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, Accept, CONTENT_ENCODING, CONTENT_LENGTH, Header, HeaderName, HeaderValue, ORIGIN,
    Quality, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::stream;
use milepost_domain::people::identity::check_acting;
use uuid::Uuid;

use crate::auth::api_key::ApiKey;
use crate::auth::link_token::ShareToken;
use crate::auth::tenants::{Authenticated, Bearer};
use crate::clock::date_in;
use crate::context::{CheckedQuery, Context, Matched};
use crate::contract::{Access, Operation, Related};
use crate::envelope::RequestId;
use crate::error::{ApiError, Code};
use crate::extract::collect_up_to;
use crate::identity::{person_of, refused};
use crate::ingest::split::member;
use crate::limit::Allowance;
use crate::sight::lacking;
use crate::state::App;

/// Largest body in which a key is looked for, in bytes: what browsers allow a beacon.
const MOST_BEACON_BYTES: usize = 64 * 1024;

/// Header of the warning about an API key in a browser.
const WARNING: HeaderName = HeaderName::from_static("warning");
/// Text of that warning (RFC 7234, section 5.5, code 299).
const KEY_IN_BROWSER: &str =
    "299 milepost \"An API key was sent by a browser, whose user can read it. Sign people in instead.\"";

/// The middleware.
pub async fn pass<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let shows_key = shows_key(&request);
    match admit(&mut request).await {
        Ok(allowance) => {
            let mut response = next.call(request).await?;
            if shows_key {
                response.headers_mut().insert(WARNING, HeaderValue::from_static(KEY_IN_BROWSER));
            }
            for (name, value) in allowance.into_iter().flat_map(allowance_headers) {
                response.headers_mut().insert(name, value);
            }
            Ok(response.map_into_left_body())
        }
        Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
    }
}

/// Whether a browser sent an API key, which whoever uses it can read. Events are what browsers may send.
fn shows_key(request: &ServiceRequest) -> bool {
    let is_key = || bearer(request).is_some_and(|token| ApiKey::parse(&token).is_some());
    request.headers().contains_key(ORIGIN) && !request.path().starts_with("/v1/events") && is_key()
}

/// Checks a request and leaves in it what its handler needs; answers what is left of the quota, where there is one.
async fn admit(request: &mut ServiceRequest) -> Result<Option<Allowance>, ApiError> {
    let app = request.app_data::<web::Data<App>>().map(|data| Arc::clone(data));
    let app = app.ok_or_else(|| ApiError::internal("the application has no state"))?;
    if request.path().contains("%00") {
        // No id, key or reference has a NUL in it, and databases refuse one.
        return Err(ApiError::not_found());
    }
    let pattern: Rc<str> = request.match_pattern().ok_or_else(ApiError::not_found)?.into();
    let allowed = app.contract.methods(&pattern);
    if allowed.is_empty() {
        // Not in the document: the pages under /docs, served as files, and the way to them. Anything else is closed until
        // the document has it.
        let is_page = &*pattern == "/" || &*pattern == "/docs" || pattern.starts_with("/docs/");
        return if is_page { Ok(None) } else { Err(ApiError::not_found()) };
    }
    let Some(operation) = app.contract.find(&pattern, request.method()) else {
        let allow = allowed.join(", ");
        let error = ApiError::new(Code::MethodNotAllowed, format!("Allowed here: {allow}."));
        return Err(error.with_header(ALLOW, header_value(&allow)));
    };
    let matched = Matched { app: Arc::clone(&app), operation: Arc::clone(operation) };
    check_accept(request, operation)?;
    request.extensions_mut().insert(matched);
    let scope = match operation.access {
        Access::Public => return Ok(None),
        Access::ShareLink => return admit_shared(request, Arc::clone(&app), &pattern, operation).await.map(Some),
        Access::Scope(scope) => Some(scope),
        Access::Anybody => None,
    };

    let who = authenticate(request, &app).await?;
    let allowance = within(app.limiter.take(who.caller.organization_id))?;
    let lacked = scope.filter(|scope| !who.caller.scopes.allow(*scope));
    // A relation may allow a person what no scope does.
    let related = operation.related.filter(|_| who.caller.person.is_some());
    if let Some(scope) = lacked.filter(|_| related.is_none()) {
        return Err(lacking(scope));
    }
    let query = operation.check_query(request.query_string()).map_err(ApiError::parameters)?;
    request.extensions_mut().insert(CheckedQuery(Rc::new(query)));
    let context = context(request, Arc::clone(&app), who, &pattern, operation)?;
    if let (Some(scope), Some(Related::One(kind))) = (lacked, related) {
        // Not routed yet, so the path itself is looked at.
        let id = request.path().split('/').nth(3).and_then(|part| part.parse().ok());
        context.check_related(kind, id.ok_or_else(ApiError::not_found)?, scope).await?;
    }
    request.extensions_mut().insert(context);
    Ok(Some(allowance))
}

/// As [`admit`], for whoever has a share link. One that never was, has expired or was revoked is answered alike.
async fn admit_shared(
    request: &ServiceRequest,
    app: Arc<App>,
    pattern: &str,
    operation: &Operation,
) -> Result<Allowance, ApiError> {
    // Not routed yet, so the path itself is looked at.
    let token = ShareToken::parse(request.path().split('/').nth(2).unwrap_or_default());
    let token = token.ok_or_else(ApiError::not_found)?;
    let address = client_address(request.request(), &app);
    if let Some(wait) = app.refusals.wait(address).filter(|_| !app.tenants.was_used(token.link_id())) {
        return Err(too_many_failures(wait));
    }
    let Some((who, link)) = app.tenants.by_share(&token, &app.db, app.clock.now()).await? else {
        return Err(note_failure(&app, address, Some(token.link_id())).unwrap_or_else(ApiError::not_found));
    };
    let allowance = within(app.share_limiter.take(link.id))?;
    let query = operation.check_query(request.query_string()).map_err(ApiError::parameters)?;
    request.extensions_mut().insert(CheckedQuery(Rc::new(query)));
    let mut context = context(request, app, who, pattern, operation)?;
    context.share_link = Some(Arc::new(link));
    request.extensions_mut().insert(context);
    Ok(allowance)
}

/// Refuses a request that a quota does not allow.
fn within(allowance: Allowance) -> Result<Allowance, ApiError> {
    match allowance.retry_after {
        Some(wait) => Err(with_allowance(rate_limited(wait), allowance)),
        None => Ok(allowance),
    }
}

fn context(
    request: &ServiceRequest,
    app: Arc<App>,
    who: Authenticated,
    pattern: &str,
    operation: &Operation,
) -> Result<Context, ApiError> {
    let request_id = request.extensions().get::<RequestId>().map(|id| Arc::clone(&id.0)).unwrap_or_default();
    let route = format!("{} {pattern}", request.method());
    let target = format!("{} {}", request.method(), request.uri());
    Context::new(app, who, request_id, route.into(), target.into(), operation.precondition, request.headers())
}

async fn authenticate(request: &mut ServiceRequest, app: &Arc<App>) -> Result<Authenticated, ApiError> {
    let token = match bearer(request).or_else(|| write_key(request)) {
        Some(token) => Some(token),
        None => beacon_key(request).await?,
    };
    let token = token.ok_or_else(|| unauthenticated("Send Authorization: Bearer with an API key or a token."))?;
    let address = client_address(request.request(), app);
    if let Some(key) = ApiKey::parse(&token) {
        if let Some(wait) = app.refusals.wait(address).filter(|_| !app.tenants.was_used(key.id)) {
            return Err(too_many_failures(wait));
        }
        let found = app.tenants.by_key(&key, &app.db, app.clock.now()).await?;
        return found.ok_or_else(|| note_failure(app, address, Some(key.id)).unwrap_or_else(invalid_credentials));
    }
    // The signature of a token of ours is checked before anything is looked up. Whether there is a provider of an issuer is looked up once.
    let found = bearer_of(app, &token, app.refusals.wait(address).is_some()).await?;
    let found = found.ok_or_else(|| note_failure(app, address, None).unwrap_or_else(invalid_credentials))?;
    let (tenant, organization_id, person_id, client, issued_at) = match found {
        Bearer::Caller(who) => return Ok(who),
        Bearer::Person { tenant, organization_id, person_id, client, issued_at } => {
            (tenant, organization_id, person_id, client, Some(issued_at))
        }
        Bearer::Subject(verified) => {
            let person_id = person_of(app, &verified).await?;
            let tenant = app.tenants.tenant(&app.db, verified.organization_id).await?;
            (tenant.ok_or_else(invalid_credentials)?, verified.organization_id, person_id, None, None)
        }
    };
    let day = date_in(tenant.zone, app.clock.now());
    let client_id = client.as_ref().map(|(id, _)| *id);
    let found = app.tenants.by_person(&app.db, tenant, (organization_id, person_id, client_id), day).await?;
    let who = found.map_err(refused)?;
    let circle = who.caller.person.as_ref();
    if issued_at.is_some_and(|at| circle.is_some_and(|circle| circle.has_ended(at))) {
        return Err(invalid_credentials());
    }
    // What is taken from the client, or given to the person, counts for tokens that were issued before, too.
    if let Some((_, scopes)) = client {
        check_acting(&scopes, &who.caller.scopes).map_err(refused)?;
    }
    Ok(who)
}

/// Returns the bearer of a token; `None` if it is not valid.
pub async fn bearer_of(app: &App, token: &str, is_limited: bool) -> sqlx::Result<Option<Bearer>> {
    let others = (app.external.as_ref(), &app.providers, is_limited);
    app.tenants.by_token(token, &app.db, &app.issuer, others, app.clock.now()).await
}

/// Counts a failed authentication; returns the refusal if there were too many.
pub fn note_failure(app: &App, address: IpAddr, key: Option<Uuid>) -> Option<ApiError> {
    app.metrics.refused_credentials.inc();
    app.refusals.note(address, key).map(too_many_failures)
}

/// The refusal of an address or a key with too many failed authentications.
pub fn too_many_failures(wait: Duration) -> ApiError {
    let seconds = wait.as_secs() + 1;
    let detail = format!("Too many authentications from here or with this key have failed. Try again in {seconds} s.");
    ApiError::new(Code::RateLimited, detail).with_header(RETRY_AFTER, HeaderValue::from(seconds))
}

/// The address that a request comes from: the peer's, or what the proxy says that the settings name.
pub fn client_address(request: &HttpRequest, app: &App) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip());
    let Some(header) = &app.settings.client_address_header else { return peer };
    let last = request.headers().get_all(header).last().and_then(|value| value.to_str().ok()?.rsplit(',').next());
    last.and_then(|address| address.trim().parse().ok()).unwrap_or(peer)
}

fn invalid_credentials() -> ApiError {
    unauthenticated("The API key or token is not valid, has expired or was revoked.")
}

fn bearer(request: &ServiceRequest) -> Option<String> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Segment's libraries send their key as the user of Basic authentication, without a password.
fn write_key(request: &ServiceRequest) -> Option<String> {
    let (scheme, encoded) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || !request.path().starts_with("/v1/segment/") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(user, _)| user.to_owned())
}

/// Browsers send what is left when a page is closed without headers (`navigator.sendBeacon`, at most 64 KiB): Segment's libraries then
/// put their key into the body. Only a body of a stated length that is small enough is looked at.
async fn beacon_key(request: &mut ServiceRequest) -> Result<Option<String>, ApiError> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let is_small = length.is_some_and(|length| length <= MOST_BEACON_BYTES);
    let is_plain = !request.headers().contains_key(CONTENT_ENCODING) && !request.headers().contains_key(AUTHORIZATION);
    if !is_small || !is_plain || !request.path().starts_with("/v1/segment/") {
        return Ok(None);
    }
    let payload = request.take_payload();
    let body = collect_up_to(request.request(), payload, MOST_BEACON_BYTES).await?.freeze();
    let key = member(&body, "writeKey").ok().flatten().and_then(|text| serde_json::from_slice(text).ok());
    request.set_payload(Payload::Stream { payload: Box::pin(stream::once(ready(Ok(body)))) });
    Ok(key)
}

fn unauthenticated(detail: &str) -> ApiError {
    ApiError::new(Code::Unauthenticated, detail)
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"milepost\""))
}

/// 406 when none of the operation's media types fits; problems are always sent as what they are.
fn check_accept(request: &ServiceRequest, operation: &Operation) -> Result<(), ApiError> {
    if !request.headers().contains_key(ACCEPT) || operation.produces.is_empty() {
        return Ok(());
    }
    if negotiate(request.request(), &operation.produces).is_some() {
        return Ok(());
    }
    Err(ApiError::new(Code::NotAcceptable, format!("Available: {}.", operation.produces.join(", "))))
}

/// The offered media type that the request prefers; the first offered without an `Accept`.
pub fn negotiate<'a>(request: &actix_web::HttpRequest, offered: &'a [String]) -> Option<&'a str> {
    if !request.headers().contains_key(ACCEPT) {
        return offered.first().map(String::as_str);
    }
    let accept = Accept::parse(request).ok()?;
    let refused = |range: &_| accept.iter().any(|one| one.item == *range && one.quality == Quality::ZERO);
    accept.ranked().iter().filter(|range| !refused(*range)).find_map(|range| {
        offered.iter().map(String::as_str).find(|media| {
            let essence = media.split(';').next().unwrap_or_default();
            let kind = essence.split('/').next().unwrap_or_default();
            range.type_() == "*"
                || (range.type_() == kind && range.subtype() == "*")
                || range.essence_str().eq_ignore_ascii_case(essence)
        })
    })
}

/// The refusal when an organization's quota is used up.
pub fn rate_limited(wait: Duration) -> ApiError {
    let seconds = wait.as_secs() + 1;
    let error = ApiError::new(Code::RateLimited, format!("The quota is used up. Try again in {seconds} s."));
    error.with_header(RETRY_AFTER, HeaderValue::from(seconds))
}

fn with_allowance(error: ApiError, allowance: Allowance) -> ApiError {
    allowance_headers(allowance).into_iter().fold(error, |error, (name, value)| error.with_header(name, value))
}

fn allowance_headers(allowance: Allowance) -> [(HeaderName, HeaderValue); 2] {
    [
        (HeaderName::from_static("ratelimit-policy"), header_value(&allowance.policy())),
        (HeaderName::from_static("ratelimit"), header_value(&allowance.state())),
    ]
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}
