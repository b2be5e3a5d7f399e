//! Whether the server is well, what it measures, and its document. Public: none of it belongs to an organization.

use std::sync::atomic::Ordering;

use actix_web::http::StatusCode;
use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::error::{ApiError, Code};
use crate::state::App;
use crate::store::organizations;

/// The server's state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub struct Health {
    /// `ok`; anything else is a problem document.
    #[schema(max_length = 20)]
    status: &'static str,
}

/// Says that the process runs
///
/// Asks nothing of the database: use it to decide whether to restart the process.
#[utoipa::path(tag = "server", responses((status = 200, description = "It runs.", body = Health)))]
#[get("/livez")]
pub async fn check_liveness() -> Result<Answer, ApiError> {
    Answer::ok(&Health { status: "ok" })
}

/// Says whether requests should be sent here
///
/// Asks the database, and says no from the moment a stop signal arrives.
#[utoipa::path(tag = "server", responses(
    (status = 200, description = "It is ready.", body = Health),
    (status = 503, description = "Not now.", body = crate::error::Problem, content_type = "application/problem+json"),
))]
#[get("/readyz")]
pub async fn check_readiness(app: web::Data<App>) -> Result<Answer, ApiError> {
    if !app.is_accepting.load(Ordering::Relaxed) {
        return Err(ApiError::new(Code::Unavailable, "The server is stopping."));
    }
    organizations::ping(&mut app.db.read().await?).await?;
    Answer::ok(&Health { status: "ok" })
}

/// What the server has counted and timed
///
/// Prometheus' text format. Routes are patterns, never paths.
#[utoipa::path(tag = "server", responses((status = 200, description = "The meters.", body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub async fn read_metrics(app: web::Data<App>) -> Answer {
    Answer::bytes(StatusCode::OK, "text/plain; version=0.0.4", app.metrics.render().into())
}

/// This document as JSON
#[utoipa::path(tag = "server", responses((status = 200, description = "The OpenAPI document.", body = Object)))]
#[get("/openapi.json")]
pub async fn read_document_json(app: web::Data<App>) -> Answer {
    Answer::bytes(StatusCode::OK, "application/json", app.document.json.clone())
}

/// This document as YAML
#[utoipa::path(tag = "server", responses((status = 200, description = "The OpenAPI document.", body = String, content_type = "application/yaml")))]
#[get("/openapi.yaml")]
pub async fn read_document_yaml(app: web::Data<App>) -> Answer {
    Answer::bytes(StatusCode::OK, "application/yaml", app.document.yaml.clone())
}

/// The public keys of our tokens
///
/// A JWK set (RFC 7517). Keys stay in it for days after they stopped signing.
#[utoipa::path(tag = "server", responses((status = 200, description = "The keys.", body = Object)))]
#[get("/.well-known/jwks.json")]
pub async fn read_signing_keys(app: web::Data<App>) -> Result<Answer, ApiError> {
    let answer = Answer::ok(&app.issuer.published(&app.db).await)?;
    Ok(answer.header(actix_web::http::header::CACHE_CONTROL, "public, max-age=300"))
}
