//! Public endpoints of the server: health checks, metrics, signing keys and the OpenAPI document. They expose no data
//! of any organization.

use std::sync::atomic::Ordering;

use actix_web::http::StatusCode;
use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::error::{ApiError, Code};
use crate::state::App;
use crate::store::organizations;

/// State of the server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub struct Health {
    /// Status: `ok`, or `read_only` while changes are refused because storage is full. Any other state is reported as a
    /// problem document.
    #[schema(max_length = 20)]
    status: &'static str,
}

/// An OpenAPI document.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"openapi": "3.1.0", "info": {"title": "Milepost", "version": "0.1.0"}, "paths": {}}))]
#[expect(dead_code, reason = "describes the document")]
pub struct OpenApiDocument {
    /// Version of the OpenAPI specification.
    #[schema(max_length = 10)]
    openapi: String,
    /// Operations by path.
    #[schema(value_type = Object)]
    paths: (),
}

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, ToSchema)]
#[schema(example = json!({"keys": []}))]
#[expect(dead_code, reason = "describes the document")]
pub struct KeySet {
    /// Public keys.
    #[schema(value_type = Vec<Object>, max_items = 100)]
    keys: (),
}

/// Check liveness
///
/// Reports that the process is running, without accessing the database. Use this check to decide whether to restart the
/// process.
#[utoipa::path(tag = "server", responses((status = 200, description = "The process is running.", body = Health)))]
#[get("/livez")]
pub async fn check_liveness() -> Result<Answer, ApiError> {
    Answer::ok(&Health { status: "ok" })
}

/// Check readiness
///
/// Reports whether the server accepts requests and can reach its database. Responds with 503 from the moment that a
/// stop signal arrives. While storage is full, reading goes on, so the response is 200 with the status `read_only`.
#[utoipa::path(tag = "server", responses(
    (status = 200, description = "The server is ready.", body = Health),
    (status = 503, description = "The server is stopping or cannot reach its database.", body = crate::error::Problem, content_type = "application/problem+json"),
))]
#[get("/readyz")]
pub async fn check_readiness(app: web::Data<App>) -> Result<Answer, ApiError> {
    if !app.is_accepting.load(Ordering::Relaxed) {
        return Err(ApiError::new(Code::Unavailable, "The server is stopping."));
    }
    organizations::ping(&mut app.db.probe().await?).await?;
    Answer::ok(&Health { status: if app.storage.is_full() { "read_only" } else { "ok" } })
}

/// Get the server's metrics
///
/// Uses the text format of Prometheus. Routes are labeled with their patterns, never with actual paths.
#[utoipa::path(tag = "server", responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub async fn read_metrics(app: web::Data<App>) -> Answer {
    Answer::bytes(StatusCode::OK, "text/plain; version=0.0.4", app.render_metrics().into())
}

/// Get the OpenAPI document as JSON
///
/// Returns the description of this API, which is public.
#[utoipa::path(tag = "server", responses((status = 200, description = "The OpenAPI document.", body = OpenApiDocument)))]
#[get("/openapi.json")]
pub async fn read_document_json(app: web::Data<App>) -> Answer {
    Answer::bytes(StatusCode::OK, "application/json", app.document.json.clone()).content_tag()
}

/// Get the OpenAPI document in OpenAPI 3.0.3
///
/// Returns the same description for generators that do not read OpenAPI 3.1.
#[utoipa::path(tag = "server", responses((status = 200, description = "The OpenAPI document.", body = OpenApiDocument)))]
#[get("/openapi-3.0.json")]
pub async fn read_document_3_0(app: web::Data<App>) -> Answer {
    Answer::bytes(StatusCode::OK, "application/json", app.document.json_3_0()).content_tag()
}

/// Get the OpenAPI document as YAML
///
/// Returns the description of this API, which is public.
#[utoipa::path(tag = "server", responses((status = 200, description = "The OpenAPI document.", body = String, content_type = "application/yaml")))]
#[get("/openapi.yaml")]
pub async fn read_document_yaml(app: web::Data<App>) -> Answer {
    Answer::bytes(StatusCode::OK, "application/yaml", app.document.yaml.clone()).content_tag()
}

/// Get the public signing keys
///
/// Returns the keys that verify this server's access tokens, as a JWK set (RFC 7517). A key stays in the set for at
/// least seven days after it stops signing.
#[utoipa::path(tag = "server", responses((status = 200, description = "The JWK set.", body = KeySet)))]
#[get("/.well-known/jwks.json")]
pub async fn read_signing_keys(app: web::Data<App>) -> Result<Answer, ApiError> {
    let answer = Answer::ok(&app.issuer.published(&app.db).await)?;
    Ok(answer.header(actix_web::http::header::CACHE_CONTROL, "public, max-age=300"))
}
