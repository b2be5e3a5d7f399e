//! The OpenAPI document: collected from the routes, then completed with what is the same everywhere.
//!
//! A handler states only what is its own. Error answers, path parameters and the headers of conditional and idempotent
//! requests follow from what kind of operation it is, and are added here once.

mod openapi_3_0;
mod operations;
mod schemas;
mod text;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use serde_json::Value;
use strum::IntoEnumIterator;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use self::text::Ordered;
use crate::error::{Code, FieldError, Problem};
use crate::store::{customers, people};

/// What of the document belongs to no operation.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Milepost",
        description = "Are we on schedule, is the customer healthy, and who has earned what.\n\n\
            Every error answer is a problem document (RFC 9457) with a stable `code`. Lists come in pages with an opaque cursor. \
            Changes need `If-Match` with the `ETag` that was read; every POST takes an `Idempotency-Key`. \
            Calendar dates end in `_on`, instants in `_at` (RFC 3339, UTC).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact(name = "Milepost")
    ),
    servers((url = "/", description = "This server: a local or a production installation.")),
    components(schemas(Problem, FieldError, customers::Customer, people::Person)),
    tags(
        (name = "plans", description = "Plans, their baselines and their earned value."),
        (name = "milestones", description = "Steps of plans, with their forecasts and states."),
        (name = "shares", description = "Links by which a client sees a plan."),
        (name = "reports", description = "Reports over all plans and customers."),
        (name = "templates", description = "Versioned lists of milestones that plans are created from."),
        (name = "customers", description = "Accounts that the organization serves."),
        (name = "people", description = "Employees, coaches and participants of customers."),
        (name = "health", description = "Health of customers: scores, pulses, overrides and outcomes."),
        (name = "health-models", description = "Versioned models that health scores are computed by."),
        (name = "risk", description = "Risk of losing customers, and the models that estimate it."),
        (name = "playbooks", description = "Rules that react to changes of customers' health."),
        (name = "interventions", description = "Tasks opened for customers, by playbooks or by people."),
        (name = "events", description = "Usage events of customers and people, sent by integrations."),
        (name = "segment", description = "Usage events, people and customers as Segment's libraries send them."),
        (name = "metrics", description = "Named aggregates over usage events."),
        (name = "ledger", description = "Every change, in order and chained by hashes."),
        (name = "access", description = "The organization, its API clients and tokens."),
        (name = "server", description = "Liveness, telemetry and this document."),
    ),
    modifiers(&Bearer)
)]
pub struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("API key (mp_…) or JWT")
            .description(Some("An API key, a token from POST /v1/oauth/token, or a token of the configured issuer."))
            .build();
        let write_key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Basic)
            .description(Some(
                "An API key as the user, without a password: how Segment's libraries send their write key.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
        components.add_security_scheme("write_key", SecurityScheme::Http(write_key));
    }
}

/// The document in the forms in which it is served and used.
#[derive(Debug)]
pub struct Document {
    /// As a value.
    pub value: Value,
    /// As JSON.
    pub json: Bytes,
    /// As JSON, in OpenAPI 3.0.3.
    pub json_3_0: Bytes,
    /// As YAML: the checked-in file.
    pub yaml: Bytes,
}

/// The document could not be written: a mistake in the program.
#[derive(Debug, thiserror::Error)]
#[error("the OpenAPI document cannot be written: {0}")]
pub struct Unwritable(String);

impl Document {
    /// Completes what was collected from the routes.
    pub fn complete(collected: &utoipa::openapi::OpenApi) -> Result<Self, Unwritable> {
        let unwritable = |error: &dyn std::fmt::Display| Unwritable(error.to_string());
        let mut value = serde_json::to_value(collected).map_err(|error| unwritable(&error))?;
        value["info"]["version"] = env!("CARGO_PKG_VERSION").into();
        complete(&mut value);
        let json = serde_json::to_vec(&Ordered(&value)).map_err(|error| unwritable(&error))?.into();
        let older = openapi_3_0::rendered(&value);
        let json_3_0 = serde_json::to_vec(&Ordered(&older)).map_err(|error| unwritable(&error))?.into();
        let yaml = yaml_serde::to_string(&Ordered(&value)).map_err(|error| unwritable(&error))?;
        Ok(Self { value, json, json_3_0, yaml: text::for_yaml_1_1(&yaml).into() })
    }
}

/// Swagger UI from its vendored files, over this server's document.
pub fn swagger_ui() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}")
        .config(Config::new(["/openapi.json"]).try_it_out_enabled(true).persist_authorization(true))
}

/// Where the kinds of problems are explained: the `type` of a problem points into this page.
pub const PROBLEMS_PATH: &str = "/docs/problems";

/// The page that explains every kind of problem, from the one table.
pub async fn problems_page() -> HttpResponse {
    let rows: String = Code::iter()
        .map(|code| {
            let (status, title) = code.status_and_title();
            let (name, status) = (code.name(), status.as_u16());
            format!("<tr id=\"{name}\"><td><code>{name}</code></td><td>{status}</td><td>{title}</td></tr>")
        })
        .collect();
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Milepost: problems</title>\
         <style>body{{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}}td,th{{text-align:left;padding:.3rem 1rem .3rem 0}}\
         tr:target{{background:#fff3c4}}</style>\
         <h1>Problems</h1><p>Every error answer is a problem document (RFC 9457). Its <code>code</code> is one of these and does not change.</p>\
         <table><tr><th>code</th><th>status</th><th>meaning</th></tr>{rows}</table></html>"
    );
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page)
}

fn complete(document: &mut Value) {
    document["components"]["responses"] = operations::problem_responses();
    document["components"]["headers"] = operations::response_headers();
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            operations::complete(path, method, operation);
        }
    }
    schemas::complete(document);
    document["servers"][0]["x-internal"] = false.into();
    operations::share_parameters(document);
    operations::drop_unused_problems(document);
}
