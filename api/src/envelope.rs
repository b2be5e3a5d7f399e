//! The outermost middleware. It gives every response a request identifier, security headers, metrics and a log line,
//! turns every failure (including panics) into a problem document, and responds with 304 if the caller already has the
//! representation.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};
use futures_util::FutureExt;
use tokio::time::timeout;

use crate::error::{ApiError, Code};
use crate::state::App;
use crate::telemetry::seldom::Seldom;
use crate::views::status_page;

/// Identifier of a request, either supplied by the caller or generated here.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// Time after which a request is stopped: longer than any statement may take, shorter than for ever.
const DEADLINE: Duration = Duration::from_mins(2);
/// Route of a request that matches none.
const UNMATCHED: &str = "unmatched";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
/// Policy for API responses: they contain data, so nothing in them may be loaded, framed or executed.
const STRICT_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// Policy for Swagger UI, which needs its own scripts and styles and calls the API.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

/// Data of a request that is kept while the request is processed. The request itself cannot be kept, because routing
/// changes it.
struct Kept {
    app: Arc<App>,
    id: Arc<str>,
    method: Method,
    path: String,
    if_none_match: Option<HeaderValue>,
    /// Whether the request comes from a browser that shows a page. A failure is then rendered as a page too.
    is_page: bool,
    started: Instant,
}

/// The outermost middleware.
pub async fn wrap(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let app = request.app_data::<web::Data<App>>().map(|data| Arc::clone(data));
    let app = app.ok_or_else(|| ApiError::internal("the application has no state"))?;
    let kept = Kept {
        id: request_id(&request, &app),
        method: request.method().clone(),
        path: request.path().to_owned(),
        if_none_match: request.headers().get(IF_NONE_MATCH).cloned(),
        is_page: is_page(&request),
        started: Instant::now(),
        app,
    };
    request.extensions_mut().insert(RequestId(Arc::clone(&kept.id)));
    if request.method() == Method::HEAD {
        // A HEAD request is a GET request without the body, which the connection omits by itself.
        request.head_mut().method = Method::GET;
    }
    // A task of its own: a request whose client goes away is carried to its end, and nothing in it stops half-way.
    let work = actix_web::rt::spawn(async move {
        kept.app.metrics.in_flight.inc();
        let outcome = timeout(DEADLINE, AssertUnwindSafe(next.call(request)).catch_unwind()).await;
        kept.app.metrics.in_flight.dec();
        match outcome {
            Ok(Ok(Ok(response))) => Ok(kept.finish(response.map_into_boxed_body())),
            Ok(Ok(Err(error))) => Err(kept.fail(error.as_error::<ApiError>(), error.as_response_error().status_code())),
            Ok(Err(panic)) => {
                let failure = ApiError::internal(panic_text(panic.as_ref()));
                Err(kept.fail(Some(&failure), StatusCode::INTERNAL_SERVER_ERROR))
            }
            Err(_) => {
                let failure = ApiError::try_again("The request took too long and was stopped.");
                Err(kept.fail(Some(&failure), StatusCode::SERVICE_UNAVAILABLE))
            }
        }
    });
    work.await.map_err(|gone| Error::from(ApiError::internal(gone.to_string())))?
}

impl Kept {
    /// Completes the response of a handler or of the gate.
    fn finish(&self, mut response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let route = response.request().match_pattern();
        let route = route.as_deref().unwrap_or(UNMATCHED);
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            let failure = response.response().error().map(|error| error.as_error::<ApiError>());
            let is_document = response.headers().get(CONTENT_TYPE).is_some_and(is_json);
            if failure.is_some() || !is_document {
                let mut problem = self.problem(failure.flatten(), status, route);
                // Keep headers that were added on the way out, such as the CORS headers.
                for (name, value) in response.headers() {
                    if !describes_body(name) && !problem.headers().contains_key(name) {
                        problem.headers_mut().append(name.clone(), value.clone());
                    }
                }
                response = response.into_response(problem);
            }
        } else if self.is_known(response.headers()) {
            *response.response_mut().status_mut() = StatusCode::NOT_MODIFIED;
            response = response.map_body(|_, _| BoxBody::new(()));
        }
        add_headers(response.headers_mut(), &self.id, &self.path);
        self.record(route, response.status());
        response
    }

    /// Handles a failure that comes without its request: a panic, or an error between the gate and this middleware.
    fn fail(&self, failure: Option<&ApiError>, status: StatusCode) -> Error {
        let mut problem = self.problem(failure, status, UNMATCHED);
        add_headers(problem.headers_mut(), &self.id, &self.path);
        self.record(UNMATCHED, problem.status());
        actix_web::error::InternalError::from_response("failed", problem).into()
    }

    /// Returns the problem document of a failure, whether it is an error of ours or a refusal by the framework.
    fn problem(&self, failure: Option<&ApiError>, status: StatusCode, route: &str) -> HttpResponse {
        let foreign;
        let failure = match failure {
            Some(ours) => ours,
            None => {
                foreign = of_status(status);
                &foreign
            }
        };
        self.log(failure, route);
        let problem = failure.problem(&self.path, &self.id);
        let status = StatusCode::from_u16(problem.status).unwrap_or(status);
        let mut answer = if self.is_page {
            status_page::failure(&problem)
        } else {
            HttpResponse::build(status).content_type(PROBLEM).body(serde_json::to_vec(&problem).unwrap_or_default())
        };
        for (name, value) in failure.headers() {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
        answer
    }

    /// Logs the cause of a failure under the pattern of its route, because a path may hold a share link's token. What every
    /// request meets at the same time is one line a minute.
    fn log(&self, failure: &ApiError, route: &str) {
        let Some(cause) = failure.cause() else { return };
        let metrics = &self.app.metrics;
        let seldom = match failure.code() {
            Code::StorageFull => {
                self.app.storage.note_full();
                Some(&metrics.full_storage)
            }
            Code::Unavailable => Some(&metrics.outages),
            _ => None,
        };
        let Some(left_out) = seldom.map_or(Some(0), Seldom::due) else { return };
        tracing::error!(request_id = %self.id, method = %self.method, route, cause, left_out, "failed");
    }

    /// Returns whether the caller already has this exact representation.
    fn is_known(&self, answer: &HeaderMap) -> bool {
        let is_read = self.method == Method::GET || self.method == Method::HEAD;
        let (Some(known), Some(tag)) = (&self.if_none_match, answer.get(ETAG)) else { return false };
        let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
        let mut known = known.split(',').map(str::trim);
        is_read && known.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    }

    fn record(&self, route: &str, status: StatusCode) {
        let took = self.started.elapsed();
        self.app.metrics.record(self.method.as_str(), route, status.as_str(), took);
        let (status, micros) = (status.as_u16(), took.as_micros());
        tracing::info!(request_id = %self.id, method = %self.method, route, status, micros, "answered");
    }
}

/// Returns whether a browser requests a shared page.
fn is_page(request: &ServiceRequest) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_page = ["/share/", "/credentials/"].iter().any(|pages| request.path().starts_with(pages));
    is_page && accept.contains("text/html")
}

fn describes_body(name: &HeaderName) -> bool {
    [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING].contains(name)
}

fn is_json(media_type: &HeaderValue) -> bool {
    media_type.as_bytes().starts_with(b"application/")
}

/// Returns the caller's own request identifier if it is well-formed, else the trace of its `traceparent`, else a new
/// identifier.
fn request_id(request: &ServiceRequest, app: &App) -> Arc<str> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_decent = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if let Some(id) = header(REQUEST_ID.as_str()).filter(is_decent) {
        return id.into();
    }
    // W3C Trace Context: version-traceid-parentid-flags.
    let trace = header("traceparent").and_then(|parent| parent.split('-').nth(1));
    match trace.filter(|trace| trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit())) {
        Some(trace) => trace.into(),
        None => app.clock.new_id().to_string().into(),
    }
}

/// Returns the error for a refusal by the framework.
fn of_status(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::not_found(),
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(Code::BodyTooLarge, "The body is too large."),
        StatusCode::REQUEST_TIMEOUT => ApiError::new(Code::RequestTimeout, "The request did not arrive in time."),
        StatusCode::METHOD_NOT_ALLOWED => ApiError::new(Code::MethodNotAllowed, "This method is not allowed here."),
        status if status.is_client_error() => ApiError::new(Code::MalformedBody, "The request cannot be read."),
        status => ApiError::internal(format!("the framework answered {status}")),
    }
}

fn add_headers(headers: &mut HeaderMap, id: &str, path: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let is_docs = path == "/docs" || path.starts_with("/docs/");
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, if is_docs { DOCS_POLICY } else { STRICT_POLICY });
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
}

/// The headers of a refusal that no middleware has seen.
pub fn bare_headers(id: &str) -> Vec<(String, String)> {
    let mut headers = HeaderMap::new();
    add_headers(&mut headers, id, "/");
    headers.insert(CONTENT_TYPE, PROBLEM);
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".to_owned())
}
