//! The completion of every operation: path parameters, the headers of conditional and idempotent requests, error responses
//! and response headers. All of it follows from what the operation declares: its method, its security, its parameters and
//! its body.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use strum::IntoEnumIterator;

use crate::error::Code;
use crate::ingest::MOST_BYTES;

/// One shared response a status: its name in `components/responses` is `Problem` and the status.
pub fn problem_responses() -> Value {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in Code::iter() {
        let (status, title) = code.status_and_title();
        by_status.entry(status.as_u16()).or_default().push(format!("`{}`: {title}.", code.name()));
    }
    let response = |(status, lines): (u16, Vec<String>)| {
        let content = json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } });
        let headers = match status {
            401 => &["X-Request-Id", "WWW-Authenticate"][..],
            429 | 503 => &["X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After"],
            _ => &["X-Request-Id", "RateLimit", "RateLimit-Policy"],
        };
        let response =
            json!({ "description": lines.join(" "), "headers": header_references(headers), "content": content });
        (format!("Problem{status}"), response)
    };
    Value::Object(by_status.into_iter().map(response).collect())
}

/// The headers of successful responses, each described once in `components/headers`.
pub fn response_headers() -> Value {
    let header =
        |description: &str| json!({ "description": description, "schema": { "type": "string", "maxLength": 4000 } });
    json!({
        "ETag": header("Version and content of the resource: send it as `If-Match` or `If-None-Match`. Absent from streamed responses."),
        "Location": header("Path of the created resource."),
        "Link": header("Path of the next page, with `rel=\"next\"`, if there is one."),
        "X-Request-Id": header("Identifier of the request."),
        "RateLimit": header("Remaining quota of the organization, and the seconds until it is full again."),
        "RateLimit-Policy": header("Quota of the organization."),
        "Retry-After": header("Seconds after which the request can be tried again."),
        "WWW-Authenticate": header("Authentication scheme that the operation accepts (RFC 9110)."),
        "Idempotent-Replayed": header("`true` if this is the stored response of an earlier request."),
    })
}

/// Completes one operation.
pub fn complete(path: &str, method: &str, operation: &mut Value) {
    let is_secured = operation["security"].is_array();
    bound_text_body(operation);
    add_path_parameters(path, operation);
    if is_secured {
        add_request_headers(method, operation);
        add_response_headers(method, operation);
    } else {
        operation["security"] = json!([]);
    }
    add_failures(method, is_secured, operation);
}

/// Description and schema of a path parameter, by its name.
fn path_parameter(name: &str) -> (&'static str, Value) {
    let uuid = json!({ "type": "string", "format": "uuid" });
    let reference = |schema: &str| json!({ "$ref": format!("#/components/schemas/{schema}") });
    match name {
        "external_ref" => {
            ("External reference: the identifier in the calling system, percent-encoded.", reference("ExternalRef"))
        }
        "health_model" => ("Identifier or key of the health model.", reference("Key")),
        "record_id" => ("Identifier of the record.", uuid),
        "override_id" => ("Identifier of the override.", uuid),
        "celebration_id" => ("Identifier of the celebration.", uuid),
        "congratulation_id" => ("Identifier of the congratulation.", uuid),
        "reward_key" => ("Key of the reward.", reference("Key")),
        "entitlement_id" => ("Identifier of the entitlement.", uuid),
        "competition_id" => ("Identifier of the competition.", uuid),
        "impact_id" => ("Identifier of the impact.", uuid),
        "file_id" => ("Identifier of the file.", uuid),
        "person_id" => ("Identifier of the person.", uuid),
        "story_id" => ("Identifier of the story.", uuid),
        "artwork_id" => ("Identifier of the artwork.", uuid),
        "invitation_id" => ("Identifier of the invitation.", uuid),
        "invitation_token" => {
            ("Token in the link of the invitation.", json!({ "type": "string", "minLength": 1, "maxLength": 200 }))
        }
        "validation_id" => ("Identifier of the validation.", uuid),
        "proof_key" => ("Key of the milestone that proves itself.", reference("Key")),
        "undated_key" => ("Key of the milestone without a date.", reference("Key")),
        "badge_key" => ("Key of the badge.", reference("Key")),
        "badge_id" => ("Identifier of the badge.", uuid),
        "award_id" => ("Identifier of the award.", uuid),
        "organization_id" => ("Identifier of the organization that issues.", uuid),
        "picture_name" => ("Picture.", json!({ "type": "string", "enum": ["badge.png", "badge.svg", "preview.png"] })),
        "issuer_key" => ("Identifier of the key of the issuer.", uuid),
        "status_purpose" => {
            ("Purpose of the status list.", json!({ "type": "string", "enum": ["revocation", "suspension"] }))
        }
        "playbook_key" => ("Key of the playbook.", reference("Key")),
        "metric_key" => ("Key of the metric.", reference("Key")),
        "template_key" => ("Key of the template.", reference("Key")),
        "milestone" => ("Key or identifier of the milestone.", reference("Key")),
        "number" => ("Number, counting from 1.", json!({ "type": "integer", "format": "int64", "minimum": 1 })),
        "key_id" => ("Identifier of the key.", uuid),
        "link_id" => ("Identifier of the share link.", uuid),
        "token" => ("Token of the share link.", json!({ "type": "string", "minLength": 1, "maxLength": 200 })),
        _ => ("Identifier.", uuid),
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

/// A body that is text is as long as a request may be.
fn bound_text_body(operation: &mut Value) {
    let content = operation.get_mut("requestBody").and_then(|body| body.get_mut("content")?.as_object_mut());
    for schema in
        content.into_iter().flat_map(|content| content.values_mut()).filter_map(|media| media.get_mut("schema"))
    {
        if let Some(fields) =
            schema.as_object_mut().filter(|fields| fields.get("type").is_some_and(|one| one == "string"))
        {
            fields.entry("maxLength").or_insert_with(|| MOST_BYTES.into());
        }
    }
}

fn add_request_headers(method: &str, operation: &mut Value) {
    let header = |name: &str, description: &str, max_length: u32| {
        json!({ "name": name, "in": "header", "required": false, "description": description,
                "schema": { "type": "string", "minLength": 1, "maxLength": max_length } })
    };
    let added = match method {
        // What tells repetitions by itself needs no key.
        "post" if operation["x-idempotent"] == true => return,
        "post" => header(
            "Idempotency-Key",
            "Key that makes the request safe to repeat for 24 hours: the same request with the same key gets the same response.",
            255,
        ),
        "get" => header("If-None-Match", "`ETag` of a known version: 304 if it is still current.", 200),
        _ => return,
    };
    match operation.get_mut("parameters").and_then(Value::as_array_mut) {
        Some(parameters) => parameters.push(added),
        None => operation["parameters"] = json!([added]),
    }
}

/// Whether an operation has a parameter, and whether it requires it.
fn parameter<'a>(operation: &'a Value, location: &str, name: &str) -> Option<&'a Value> {
    let mut all = operation["parameters"].as_array().into_iter().flatten();
    all.find(|one| one["in"] == location && (name.is_empty() || one["name"] == name))
}

fn add_failures(method: &str, is_secured: bool, operation: &mut Value) {
    let mut statuses = vec![];
    // What needs no credentials and names something in its path: share links, issuers and published credentials.
    let is_shared = !is_secured && parameter(operation, "path", "").is_some();
    let has_body = operation["requestBody"].is_object();
    if is_secured {
        statuses.extend([401, 403]);
    }
    if is_secured || is_shared {
        statuses.extend([400, 404, 406, 429, 500, 503]);
    }
    if !is_secured && !is_shared && method == "get" {
        statuses.push(406);
    }
    if has_body {
        statuses.extend([406, 408, 413, 429, 500, 503]);
    }
    let is_json = !operation["requestBody"]["content"]["application/json"].is_null();
    if has_body && (is_secured || is_shared || is_json) {
        statuses.extend([400, 415, 422]);
    }
    if is_secured {
        match method {
            "post" => statuses.extend([409, 422]),
            "patch" | "put" | "delete" => statuses.push(409),
            _ => {}
        }
    }
    if parameter(operation, "path", "").is_none() {
        statuses.retain(|status| *status != 404);
    }
    if let Some(if_match) = parameter(operation, "header", "If-Match") {
        statuses.push(412);
        if if_match["required"] == true {
            statuses.push(428);
        }
    }
    // A status that the operation mentions by itself is the shared one too.
    let is_problem = |response: &Value| !response["content"]["application/problem+json"].is_null();
    let own = operation["responses"].as_object().into_iter().flatten().filter(|(_, response)| is_problem(response));
    let own: Vec<String> = own.map(|(status, _)| status.clone()).collect();
    statuses.extend(own.iter().filter_map(|status| status.parse::<u16>().ok()));
    statuses.sort_unstable();
    statuses.dedup();
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    responses.retain(|status, _| !own.contains(status));
    for status in statuses {
        let reference = json!({ "$ref": format!("#/components/responses/Problem{status}") });
        insert_unless_there(responses, &status.to_string(), reference);
    }
    if is_secured && method == "get" {
        insert_unless_there(responses, "304", json!({ "description": "The known version is still current." }));
    }
}

fn add_response_headers(method: &str, operation: &mut Value) {
    let is_list = parameter(operation, "query", "cursor").is_some();
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
        let mut names = vec!["X-Request-Id", "RateLimit", "RateLimit-Policy"];
        match method {
            "get" if is_list => names.extend(["ETag", "Link"]),
            "get" | "patch" | "put" => names.push("ETag"),
            "post" if status == "201" => names.extend(["ETag", "Idempotent-Replayed"]),
            "post" => names.push("Idempotent-Replayed"),
            _ => {}
        }
        if status == "201" {
            names.push("Location");
        }
        response["headers"] = header_references(&names);
    }
}

fn header_references(names: &[&str]) -> Value {
    let reference = |name: &&str| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }));
    Value::Object(names.iter().map(reference).collect())
}

fn insert_unless_there(object: &mut Map<String, Value>, key: &str, value: Value) {
    object.entry(key).or_insert(value);
}

/// Drops the problem responses that no operation answers with.
pub fn drop_unused_problems(document: &mut Value) {
    let paths = document["paths"].to_string();
    if let Some(responses) = document["components"]["responses"].as_object_mut() {
        responses.retain(|name, _| paths.contains(&format!("#/components/responses/{name}\"")));
    }
}

/// Moves parameters that several operations share into `components/parameters`, where each is described once.
pub fn share_parameters(document: &mut Value) {
    let mut uses: BTreeMap<String, (Value, usize)> = BTreeMap::new();
    each_parameter(document, |one| {
        let entry = uses.entry(one.to_string()).or_insert_with(|| (one.clone(), 0));
        entry.1 += 1;
    });
    let mut by_count: Vec<(Value, usize)> = uses.into_values().filter(|(_, count)| *count > 1).collect();
    by_count.sort_by_key(|(one, count)| (std::cmp::Reverse(*count), one.to_string()));
    let mut shared = Map::new();
    for (one, _) in by_count {
        let name = pascal(one["name"].as_str().unwrap_or_default());
        // One of several that share a name is shared, and its required form: the others stay where they are used.
        let required = format!("{name}Required");
        let is_required = one["required"] == true;
        let free = [Some(name), is_required.then_some(required)];
        if let Some(name) = free.into_iter().flatten().find(|name| !shared.contains_key(name)) {
            shared.insert(name, one);
        }
    }
    each_parameter(document, |one| {
        if let Some((name, _)) = shared.iter().find(|(_, definition)| *definition == one) {
            *one = json!({ "$ref": format!("#/components/parameters/{name}") });
        }
    });
    document["components"]["parameters"] = Value::Object(shared);
}

pub(super) fn each_parameter(document: &mut Value, mut visit: impl FnMut(&mut Value)) {
    for item in document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        for operation in item.as_object_mut().into_iter().flat_map(|operations| operations.values_mut()) {
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            parameters.into_iter().flatten().for_each(&mut visit);
        }
    }
}

/// `If-Match` and `if_match` as `IfMatch`.
pub(super) fn pascal(name: &str) -> String {
    let words = name.split(['-', '_']).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}
