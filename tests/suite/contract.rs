//! The OpenAPI document: the checked-in file equals the generated document, which describes everything.

use std::collections::{HashMap, HashSet};

use milepost::document::Document;
use milepost::routes;
use serde_json::{Value, json};

fn document() -> Value {
    Document::checked_in().expect("a document").value()
}

/// Returns every operation as `(method, path, operation)`.
pub fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("operations").iter();
            methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

/// The parameters of an operation, with those that are shared in place of their references.
pub fn parameters<'a>(document: &'a Value, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
    operation["parameters"].as_array().into_iter().flatten().map(|one| match one["$ref"].as_str() {
        Some(target) => document.pointer(target.trim_start_matches('#')).expect("a shared parameter"),
        None => one,
    })
}

#[test]
fn the_checked_in_document_is_the_generated_one() {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.yaml")).expect("openapi.yaml");
    let generated = routes::document().expect("a document");
    assert!(file == generated, "openapi.yaml is not what the code says: run `make openapi` and look at the difference");
}

#[test]
fn every_operation_is_described_whole() {
    let document = document();
    let mut ids = HashSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        let id = operation["operationId"].as_str().expect("an operationId");
        assert!(ids.insert(id), "{at}: operationId {id} is used twice");
        assert!(operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{at} has no summary");
        assert!(operation["description"].is_string(), "{at} has no description");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{at} has one tag");
        let is_declared =
            |tag: &Value| document["tags"].as_array().expect("tags").iter().any(|one| one["name"] == *tag);
        assert!(is_declared(&operation["tags"][0]), "{at}: the tag is not declared");
        for parameter in parameters(&document, operation) {
            let name = &parameter["name"];
            assert!(parameter["description"].is_string(), "{at}: parameter {name} is not described");
            check_bounded(&parameter["schema"], &format!("{at}: parameter {name}"));
        }
        let responses = operation["responses"].as_object().expect("responses");
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2') && *status != "204") {
            assert!(response["content"].is_object(), "{at}: {status} has no content");
        }
        if path.starts_with("/v1/") && path != "/v1/oauth/token" {
            let is_public = path.starts_with("/v1/sign-in/");
            let is_for_everybody = path == "/v1/me" || path == "/v1/me/sign-out" || is_public;
            assert!(is_for_everybody || operation["security"][0]["bearer"][0].is_string(), "{at} names no scope");
            let of_callers = ["401", "403"].into_iter().filter(|_| !is_public);
            for status in ["400", "406", "429", "500", "503"].into_iter().chain(of_callers) {
                assert!(responses.contains_key(status), "{at} does not document {status}");
            }
        }
    }
}

#[test]
fn every_property_is_described_and_bounded() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        for (property, schema) in parts.filter_map(|part| part["properties"].as_object()).flatten() {
            let at = format!("{name}.{property}");
            let mut branches = schema["oneOf"].as_array().into_iter().flatten().chain([schema]);
            let is_described = branches.any(|branch| branch["description"].is_string());
            assert!(is_described, "{at} is not described");
            check_bounded(schema, &at);
        }
    }
}

/// A number in the name of a component says that two things share a name.
#[test]
fn no_component_is_numbered() {
    let document = document();
    for (kind, components) in document["components"].as_object().expect("components") {
        for name in components.as_object().expect("named").keys() {
            let is_status = kind == "responses" && name.starts_with("Problem");
            assert!(is_status || !name.ends_with(|last: char| last.is_ascii_digit()), "components/{kind}/{name}");
        }
    }
}

/// Every text has a length or a format, every list a length, and every integer a range.
fn check_bounded(schema: &Value, at: &str) {
    let is = |name: &str| {
        let types = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
        types.iter().any(|one| one == name)
    };
    let has = |names: &[&str]| names.iter().any(|name| !schema[*name].is_null());
    if is("string") {
        assert!(has(&["maxLength", "format", "enum", "const", "pattern"]), "{at}: a text without bounds");
    }
    if is("array") {
        assert!(has(&["maxItems"]), "{at}: a list without bounds");
        check_bounded(&schema["items"], &format!("{at}[]"));
    }
    if is("integer") {
        assert!(has(&["minimum", "maximum", "format"]), "{at}: a number without bounds");
    }
}

#[test]
fn every_example_is_valid() {
    let document = document();
    let mut examples = 0;
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        let rooted = json!({ "$ref": format!("#/components/schemas/{name}"), "components": document["components"] });
        let validator = jsonschema::options().should_validate_formats(true).build(&rooted).expect("a schema");
        for example in schema["example"]
            .as_object()
            .map(|_| &schema["example"])
            .into_iter()
            .chain(schema["examples"].as_array().into_iter().flatten())
        {
            examples += 1;
            let errors: Vec<String> =
                validator.iter_errors(example).map(|error| format!("{} at {}", error, error.instance_path())).collect();
            assert!(errors.is_empty(), "the example of {name} is not valid: {errors:?}");
        }
    }
    assert!(examples > 40, "only {examples} examples were found");
}

/// Request and response bodies have examples, so that readers see real values.
#[test]
fn bodies_have_examples() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    for (method, path, operation) in operations(&document) {
        let responses = operation["responses"].as_object().expect("responses").values();
        for content in responses.map(|response| &response["content"]).chain([&operation["requestBody"]["content"]]) {
            let Some(reference) = content["application/json"]["schema"]["$ref"].as_str() else { continue };
            let name = reference.rsplit('/').next().expect("a name");
            let is_composed = ["Page", "BulkRequest"].iter().any(|ending| name.ends_with(ending));
            let is_list = schemas[name]["properties"]["data"].is_object();
            let is_flat = schemas[name]["allOf"].is_array();
            assert!(
                is_composed || is_list || is_flat || schemas[name]["examples"].is_array(),
                "{method} {path}: {name} has no example"
            );
        }
    }
}

/// If two schemas had the same name, the document would silently keep only one.
#[test]
fn no_two_schemas_have_one_name() {
    let mut seen: HashMap<String, String> = HashMap::new();
    for folder in ["../api/src", "../domain/src"] {
        for (file, text) in sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            for name in schema_names(&text) {
                if let Some(other) = seen.insert(name.clone(), file.clone()) {
                    panic!("{name} is a schema in {other} and in {file}: give one another name with #[schema(as = …)]");
                }
            }
        }
    }
    assert!(seen.len() > 150, "only {} schemas were found", seen.len());
}

/// Returns all files in a folder and its subfolders.
fn sources(folder: &std::path::Path) -> Vec<(String, String)> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).expect("a file")));
        }
    }
    found
}

/// Returns the names in the document of the types of a file: their own names, unless they declare others.
fn schema_names(text: &str) -> Vec<String> {
    let mut names = vec![];
    for part in text.split("#[derive(").skip(1) {
        let Some((derived, rest)) = part.split_once(")]") else { continue };
        let Some((attributes, body)) = rest.split_once("\npub ") else { continue };
        if !derived.contains("ToSchema") || attributes.contains("#[derive(") {
            continue;
        }
        let own = body.split_whitespace().nth(1).unwrap_or_default();
        let own: String = own.chars().take_while(char::is_ascii_alphanumeric).collect();
        let said = attributes.split_once("schema(as = ").map(|(_, name)| name);
        let said = said.map(|name| name.chars().take_while(char::is_ascii_alphanumeric).collect());
        names.push(said.unwrap_or(own));
    }
    names
}

/// A description that begins so reads like a translation: what is described has no name in it.
const BARE_OPENERS: [&str; 13] =
    ["What", "Whom", "Who", "Whose", "Which", "For", "Of", "That", "How", "Under", "When", "Why", "Where"];

#[test]
fn descriptions_start_with_what_they_describe() {
    let mut found = vec![];
    collect_bare(&document(), "", &mut found);
    assert!(found.is_empty(), "begin with a bare relative: {found:#?}");
}

fn collect_bare(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let text = value.as_str().filter(|_| name == "description" || name == "summary").unwrap_or_default();
                let first = text.split([' ', ',']).next().unwrap_or_default();
                if BARE_OPENERS.contains(&first) {
                    found.push(format!("{at}: {text}"));
                }
                if name != "example" && name != "examples" {
                    collect_bare(value, &format!("{at}/{name}"), found);
                }
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect_bare(item, &format!("{at}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Summaries are commands to the server: "List customers", not "Lists customers" or "The customers".
#[test]
fn summaries_are_imperatives() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let summary = operation["summary"].as_str().expect("a summary");
        let verb = summary.split(' ').next().expect("a word");
        let is_verb = !verb.ends_with('s') || ["Process", "Express"].contains(&verb);
        let is_article = ["The", "A", "An", "One", "This"].contains(&verb);
        assert!(is_verb && !is_article && !summary.ends_with('.'), "{method} {path}: {summary}");
    }
}
