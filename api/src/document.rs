//! The OpenAPI document: collected from the routes, then completed with what is the same everywhere.
//!
//! A handler states only what is its own. Error answers, path parameters and the headers of conditional and idempotent
//! requests follow from what kind of operation it is, and are added here once.

mod openapi_3_0;
mod operations;
pub mod problems;
mod schemas;
mod text;

use std::sync::OnceLock;

use actix_web::web::Bytes;
use serde_json::Value;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

use self::text::Ordered;
use crate::error::{FieldError, Problem};
use crate::store::{customers, people};

/// The part of the document that belongs to no operation.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Milepost",
        description = "Schedules, earned value, customer health and recognition.\n\n\
            **Errors.** Every error response is a problem document (RFC 9457) with a stable `code`; all codes are explained at `/docs/problems`.\n\n\
            **Limits.** A request body has at most 2 MiB unless the operation or the server's settings say otherwise \
            and, as JSON, fewer than 100,000 values. An error response names at most 100 errors.\n\n\
            **Lists.** Lists are paged with an opaque cursor. Without a sort order, records come newest first and definitions by key.\n\n\
            **Changes.** Changes need `If-Match` with the `ETag` that was read. Every POST accepts \
            an `Idempotency-Key`, except those that are safe to repeat without one (`x-idempotent`).\n\n\
            **Dates.** Calendar dates end in `_on`, instants in `_at` (RFC 3339, UTC). A range is `from` and `to`: dates include both ends, \
            instants exclude the end.\n\n\
            **References.** Customers and people are named by `…_id` or by `…_ref`, their external reference; responses have both. \
            For a person, `…_ref` also takes their e-mail address.\n\n\
            **Amounts.** Amounts end in `_minor`: they are in the smallest unit of the currency beside them, or else of the organization's.\n\n\
            **Endings.** What can come back is archived (`archived`). `DELETE` removes a record to which nothing refers, or revokes access for good. \
            Work ends by an action that keeps its result, such as `/achieve`, `/cancel`, `/finish` or `/end`.\n\n\
            **Compatibility.** Within `/v1`, these changes are compatible and may happen at any time: new operations, new optional parameters and \
            request fields, new response fields, new values of `code`, new values of enumerations in responses, wider limits. Clients must ignore \
            fields that they do not know. Whatever else would break a client appears under a new version. An operation or field that will be \
            removed is marked `deprecated` in this document at least twelve months before, and responses carry the headers `Deprecation` \
            (RFC 9745) and `Sunset` (RFC 8594).",
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
        (name = "people", description = "Employees, coaches and participants of customers, their managers and their teams."),
        (name = "health", description = "Health of customers: scores, pulses, overrides and outcomes."),
        (name = "health-models", description = "Versioned models that health scores are computed by."),
        (name = "risk", description = "Risk of losing customers, and the models that estimate it."),
        (name = "playbooks", description = "Rules that react to changes of customers' health."),
        (name = "interventions", description = "Tasks opened for customers, by playbooks or by people."),
        (name = "events", description = "Usage events of customers and people, sent by integrations."),
        (name = "segment", description = "Usage events, people and customers as Segment's libraries send them."),
        (name = "metrics", description = "Named aggregates over usage events."),
        (name = "ledger", description = "Every change, in order and chained by hashes."),
        (name = "recognition", description = "Badges, their awards to people, and the credentials that prove them."),
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
    /// As JSON.
    pub json: Bytes,
    /// As YAML: the checked-in file.
    pub yaml: Bytes,
    json_3_0: OnceLock<Bytes>,
}

/// The checked-in file. It is written from the code by `make openapi`, and a test compares the two.
pub const CHECKED_IN: &str = include_str!("../../openapi.yaml");

/// The document could not be written: a mistake in the program.
#[derive(Debug, thiserror::Error)]
#[error("the OpenAPI document cannot be written: {0}")]
pub struct Unwritable(String);

/// Writes the document as YAML from what was collected from the routes, completed with what is the same everywhere.
pub fn write(collected: &utoipa::openapi::OpenApi) -> Result<String, Unwritable> {
    let unwritable = |error: &dyn std::fmt::Display| Unwritable(error.to_string());
    let mut value = serde_json::to_value(collected).map_err(|error| unwritable(&error))?;
    value["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    complete(&mut value);
    let yaml = yaml_serde::to_string(&Ordered(&value)).map_err(|error| unwritable(&error))?;
    Ok(text::for_yaml_1_1(&yaml))
}

impl Document {
    /// Reads the checked-in document.
    pub fn checked_in() -> Result<Self, Unwritable> {
        let value: Value = yaml_serde::from_str(CHECKED_IN).map_err(|error| Unwritable(error.to_string()))?;
        let json = serde_json::to_vec(&Ordered(&value)).map_err(|error| Unwritable(error.to_string()))?.into();
        Ok(Self { json, yaml: Bytes::from_static(CHECKED_IN.as_bytes()), json_3_0: OnceLock::new() })
    }

    /// Returns the document as a value. It is read anew each time, because it is rarely needed and large in memory.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.json).unwrap_or_default()
    }

    /// Returns the document as JSON in OpenAPI 3.0.3, rendered when it is first asked for.
    pub fn json_3_0(&self) -> Bytes {
        let render = || serde_json::to_vec(&Ordered(&openapi_3_0::rendered(&self.value()))).unwrap_or_default().into();
        self.json_3_0.get_or_init(render).clone()
    }
}

/// Swagger UI from its vendored files, over this server's document.
pub fn swagger_ui() -> SwaggerUi {
    SwaggerUi::new("/docs/{_:.*}")
        .config(Config::new(["/openapi.json"]).try_it_out_enabled(true).persist_authorization(true))
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
