//! The OpenAPI document: collected from the routes, then completed with what is the same everywhere.
//!
//! A handler states only what is its own. Error answers, path parameters and the headers of conditional and idempotent
//! requests follow from what kind of operation it is, and are added here once.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use serde_json::{Map, Value, json};
use strum::IntoEnumIterator;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

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
    servers((url = "/", description = "This server")),
    components(schemas(Problem, FieldError, customers::Customer, people::Person)),
    tags(
        (name = "plans", description = "Plans, their baselines and what is earned."),
        (name = "milestones", description = "The steps of plans, their forecasts and states."),
        (name = "shares", description = "What a client sees of a plan, by a link."),
        (name = "reports", description = "The portfolio at a date."),
        (name = "templates", description = "Versioned lists of milestones that plans are made from."),
        (name = "customers", description = "Accounts the organization serves."),
        (name = "people", description = "Employees, coaches and customers' participants."),
        (name = "events", description = "What customers and people did, pushed by integrations."),
        (name = "metrics", description = "Named aggregates over usage events."),
        (name = "ledger", description = "Every change, in order, chained by hashes."),
        (name = "access", description = "The organization, its API clients and tokens."),
        (name = "server", description = "Health, metrics and this document."),
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
        let json = serde_json::to_vec(&value).map_err(|error| unwritable(&error))?.into();
        let yaml = yaml_serde::to_string(&value).map_err(|error| unwritable(&error))?.into();
        Ok(Self { value, json, yaml })
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
    document["components"]["responses"] = problem_responses();
    document["components"]["headers"] = answer_headers();
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            add_path_parameters(path, operation);
            if operation["security"].is_array() {
                add_request_headers(path, method, operation);
                add_failures(path, method, operation);
                add_answer_headers(method, operation);
            } else if path.starts_with("/share/") {
                add_shared_failures(&[400, 404, 406, 408, 413, 422, 429, 500, 503], operation);
            } else if operation["requestBody"].is_object() {
                add_shared_failures(&[406, 408, 413, 429, 500, 503], operation);
            }
        }
    }
}

/// One shared answer a status: what it is called in `components/responses` is `Problem` and the status.
fn problem_responses() -> Value {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in Code::iter() {
        let (status, title) = code.status_and_title();
        by_status.entry(status.as_u16()).or_default().push(format!("`{}`: {title}.", code.name()));
    }
    let response = |(status, lines): (u16, Vec<String>)| {
        let content = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
        (format!("Problem{status}"), json!({ "description": lines.join(" "), "content": content }))
    };
    Value::Object(by_status.into_iter().map(response).collect())
}

/// What a name in a path stands for.
fn path_parameter(name: &str) -> (&'static str, Value) {
    let uuid = json!({ "type": "string", "format": "uuid" });
    let reference = |schema: &str| json!({ "$ref": format!("#/components/schemas/{schema}") });
    match name {
        "external_ref" => ("What the other system calls it, percent-encoded.", reference("ExternalRef")),
        "health_model" => ("The health model's id or its key.", reference("Key")),
        "override_id" => ("The override's id.", uuid),
        "playbook_key" => ("The playbook's key.", reference("Key")),
        "metric_key" => ("The metric's key.", reference("Key")),
        "template_key" => ("The template's key.", reference("Key")),
        "milestone" => ("The milestone's key or id.", reference("Key")),
        "action" => ("What is done to the milestone.", reference("Action")),
        "number" => ("Its number: 1, 2, 3 and so on.", json!({ "type": "integer", "format": "int64", "minimum": 1 })),
        "key_id" => ("The key's id.", uuid),
        "link_id" => ("The link's id.", uuid),
        "token" => ("The link's token.", json!({ "type": "string", "minLength": 1, "maxLength": 200 })),
        _ => ("Its id.", uuid),
    }
}

fn add_path_parameters(path: &str, operation: &mut Value) {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = names
        .map(|name| {
            let (description, schema) = path_parameter(name);
            json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema })
        })
        .collect();
    let own = operation["parameters"].as_array().cloned().unwrap_or_default();
    parameters.extend(own.into_iter().filter(|parameter| parameter["in"] != "path"));
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
}

/// Whether a change must name the version it changes. Upserts by reference may; keys of API clients have no versions.
fn needs_if_match(path: &str, method: &str) -> bool {
    may_have_if_match(path, method) && method != "post" && !path.contains("/by-ref/")
}

fn may_have_if_match(path: &str, method: &str) -> bool {
    let acts_on_a_version =
        ["/baselines", "/forecast-changes", "/{action}", "/publish"].iter().any(|end| path.ends_with(end));
    match method {
        "patch" | "put" | "delete" => !path.contains("/keys/"),
        "post" => acts_on_a_version,
        _ => false,
    }
}

fn add_request_headers(path: &str, method: &str, operation: &mut Value) {
    let header = |name: &str, required: bool, description: &str, max_length: u32| {
        json!({ "name": name, "in": "header", "required": required, "description": description,
                "schema": { "type": "string", "minLength": 1, "maxLength": max_length } })
    };
    let mut headers = vec![];
    if method == "post" {
        let text =
            "Makes the request safe to repeat for 24 hours: the same key with the same request gets the same answer.";
        headers.push(header("Idempotency-Key", false, text, 255));
    }
    if may_have_if_match(path, method) {
        let text = "The `ETag` of the version that is changed.";
        headers.push(header("If-Match", needs_if_match(path, method), text, 200));
    }
    if method == "get" {
        headers.push(header(
            "If-None-Match",
            false,
            "The `ETag` of the version you have: 304 if it is still right.",
            200,
        ));
    }
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.extend(headers);
    } else if !headers.is_empty() {
        operation["parameters"] = headers.into();
    }
}

fn add_failures(path: &str, method: &str, operation: &mut Value) {
    let mut statuses = vec![400, 401, 403, 406, 429, 500, 503];
    if path.contains('{') {
        statuses.push(404);
    }
    if operation["requestBody"].is_object() {
        statuses.extend([408, 413, 415, 422]);
    }
    match method {
        "post" => statuses.extend([409, 422]),
        "patch" | "put" | "delete" => statuses.push(409),
        _ => {}
    }
    if may_have_if_match(path, method) {
        statuses.push(412);
    }
    if needs_if_match(path, method) {
        statuses.push(428);
    }
    add_shared_failures(&statuses, operation);
    if method == "get"
        && let Some(responses) = operation["responses"].as_object_mut()
    {
        insert_unless_there(responses, "304", json!({ "description": "The version you have is still right." }));
    }
}

fn add_shared_failures(statuses: &[u16], operation: &mut Value) {
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for status in statuses {
        let reference = json!({ "$ref": format!("#/components/responses/Problem{status}") });
        insert_unless_there(responses, &status.to_string(), reference);
    }
}

/// The headers of successful answers, each described once in `components/headers`.
fn answer_headers() -> Value {
    let header =
        |description: &str| json!({ "description": description, "schema": { "type": "string", "maxLength": 4000 } });
    json!({
        "ETag": header("Names this version and content: send it as If-Match or If-None-Match."),
        "Location": header("Where the new resource is."),
        "Link": header("The next page, with rel=\"next\", if there is one."),
        "X-Request-Id": header("The request's id."),
        "RateLimit": header("What is left of the organization's quota, and when it is whole again."),
        "RateLimit-Policy": header("The organization's quota."),
        "Idempotent-Replayed": header("`true` when this is the kept answer of an earlier request."),
    })
}

fn add_answer_headers(method: &str, operation: &mut Value) {
    let is_list = operation["parameters"].as_array().is_some_and(|list| list.iter().any(|one| one["name"] == "cursor"));
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
        let mut names = vec!["X-Request-Id", "RateLimit", "RateLimit-Policy"];
        match method {
            "get" if is_list => names.extend(["ETag", "Link"]),
            "get" | "patch" | "put" => names.push("ETag"),
            "post" => names.push("Idempotent-Replayed"),
            _ => {}
        }
        if status == "201" {
            names.push("Location");
        }
        let reference = |name: &str| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
        response["headers"] = Value::Object(names.into_iter().map(reference).collect());
    }
}

fn insert_unless_there(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.entry(key).or_insert(value);
}
