//! The published document as the thing requests are checked against: what it says is what is accepted.
//!
//! Compiled once from the OpenAPI document, per operation: who may call it, which query parameters it knows, what its body
//! must look like and what it answers with. So strictness, scopes and media types come with a route and cannot be forgotten.

mod differences;

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::Method;
use chrono::{DateTime, Datelike, NaiveDate};
use jsonschema::{Draft, Validator};
use milepost_domain::access::Scope;
use milepost_domain::access::may::SubjectKind;
use serde_json::{Map, Value, json};

use self::differences::{differences, explain};
use crate::error::{FieldError, MOST_ERRORS};
use crate::precondition::Precondition;

/// Every operation, by path pattern and method.
#[derive(Debug)]
pub struct Contract {
    paths: HashMap<String, Vec<(Method, Arc<Operation>)>>,
    items: HashMap<String, Validator>,
}

/// The rules of one operation in the document.
#[derive(Debug)]
pub struct Operation {
    /// Its operationId.
    pub id: String,
    /// The credential that a caller needs.
    pub access: Access,
    /// Subject of the operation for which a relation can stand in place of the scope.
    pub related: Option<Related>,
    /// Whether the operation looks at `If-Match`.
    pub precondition: Precondition,
    /// Its request body, if it takes one.
    pub body: Option<BodyRule>,
    /// Media types of its successful answers, the default first.
    pub produces: Vec<String>,
    /// Known query parameters.
    query: Vec<Parameter>,
}

/// The credential that an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// None.
    Public,
    /// The token of a share link, in the path.
    ShareLink,
    /// A bearer token with this scope.
    Scope(Scope),
    /// Any bearer token.
    Anybody,
}

/// Subject of an operation that a relation allows a person without the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Related {
    /// One thing of a kind, whose identifier the path has first.
    One(SubjectKind),
    /// A list, of which the handler shows what the caller may read.
    List,
}

impl Related {
    fn read(name: &str) -> Option<Self> {
        Some(match name {
            "plan" => Self::One(SubjectKind::Plan),
            "person" => Self::One(SubjectKind::Person),
            "profile" => Self::One(SubjectKind::Profile),
            "customer" => Self::One(SubjectKind::Customer),
            "list" => Self::List,
            _ => return None,
        })
    }
}

/// The rules of a request body.
#[derive(Debug)]
pub struct BodyRule {
    /// Its only media type.
    pub media_type: String,
    /// Whether it may be left out.
    pub required: bool,
    validator: Validator,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    required: bool,
    /// Whether it may be repeated: then its value is the list of what was given.
    is_list: bool,
    kind: ParameterKind,
    validator: Validator,
}

#[derive(Debug, Clone, Copy)]
enum ParameterKind {
    Text,
    Integer,
    Number,
    Boolean,
}

/// The document could not be compiled: a mistake in the program, found at start and by every test.
#[derive(Debug, thiserror::Error)]
#[error("the OpenAPI document is not usable: {0}")]
pub struct BadDocument(String);

impl Contract {
    /// Compiles a document.
    pub fn compile(document: &Value) -> Result<Self, BadDocument> {
        let mut paths: HashMap<String, Vec<(Method, Arc<Operation>)>> = HashMap::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes())
                    .map_err(|error| BadDocument(format!("{path}: {error}")))?;
                let compiled = Operation::compile(operation, &document["components"])?;
                paths.entry(path.clone()).or_default().push((method, Arc::new(compiled)));
            }
        }
        let mut items = HashMap::new();
        for name in document["components"]["schemas"].as_object().into_iter().flatten().map(|(name, _)| name) {
            if name.ends_with("Item") || name.ends_with("Patch") {
                let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
                items.insert(name.clone(), compile_schema(&schema, &document["components"]).map_err(BadDocument)?);
            }
        }
        Ok(Self { paths, items })
    }

    /// Everything in which a value differs from a schema of the document: an item of a bulk request, or a patched content.
    pub fn check_schema(&self, schema: &str, item: &Value) -> Vec<FieldError> {
        match self.items.get(schema) {
            Some(validator) => differences(validator, item),
            None => vec![FieldError::in_body("", "not_valid", "has no schema")],
        }
    }

    /// The operation, if the document has it.
    pub fn find(&self, pattern: &str, method: &Method) -> Option<&Arc<Operation>> {
        self.paths.get(pattern)?.iter().find(|(known, _)| known == method).map(|(_, operation)| operation)
    }

    /// The methods of a path for an `Allow` header; empty if the document does not have the path.
    pub fn methods(&self, pattern: &str) -> Vec<&str> {
        let mut methods: Vec<&str> = self.paths.get(pattern).into_iter().flatten().map(|(m, _)| m.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.sort_unstable();
        methods
    }
}

impl Operation {
    fn compile(operation: &Value, components: &Value) -> Result<Self, BadDocument> {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let compile =
            |schema: &Value| compile_schema(schema, components).map_err(|error| BadDocument(format!("{id}: {error}")));
        let parameters: Vec<&Value> =
            operation["parameters"].as_array().into_iter().flatten().map(|one| resolve(one, components)).collect();
        let mut query = Vec::new();
        for parameter in parameters.iter().filter(|one| one["in"] == "query") {
            query.push(Parameter {
                name: parameter["name"].as_str().unwrap_or_default().to_owned(),
                required: parameter["required"] == true,
                is_list: is_type(&parameter["schema"], "array"),
                kind: ParameterKind::of(match &parameter["schema"]["items"] {
                    Value::Null => &parameter["schema"],
                    items => items,
                }),
                validator: compile(&parameter["schema"])?,
            });
        }
        let body = match operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next()) {
            Some((media_type, content)) => Some(BodyRule {
                media_type: media_type.clone(),
                required: operation["requestBody"]["required"] == true,
                validator: compile(&content["schema"])?,
            }),
            None => None,
        };
        let successes = operation["responses"].as_object().into_iter().flatten().filter(|(s, _)| s.starts_with('2'));
        let media_types = successes.filter_map(|(_, response)| response["content"].as_object());
        let produces = media_types.flat_map(|content| content.keys().cloned()).fold(Vec::new(), |mut list, media| {
            if !list.contains(&media) {
                list.push(media);
            }
            list
        });
        let scope = operation["security"][0]["bearer"][0].as_str();
        let scope = scope.map(|name| name.parse().map_err(|_| BadDocument(format!("{id}: unknown scope {name}"))));
        let access = match scope.transpose()? {
            Some(scope) => Access::Scope(scope),
            None if operation["security"][0]["bearer"].is_array() => Access::Anybody,
            None if parameters.iter().any(|one| one["in"] == "path" && one["name"] == "token") => Access::ShareLink,
            None => Access::Public,
        };
        let precondition = match parameters.iter().find(|one| one["in"] == "header" && one["name"] == "If-Match") {
            Some(header) if header["required"] == true => Precondition::Required,
            Some(_) => Precondition::Optional,
            None => Precondition::None,
        };
        let related = operation["x-related"]
            .as_str()
            .map(|name| Related::read(name).ok_or_else(|| BadDocument(format!("{id}: unknown relation to {name}"))));
        let related = related.transpose()?;
        Ok(Self { id, access, related, precondition, body, produces, query })
    }

    /// Checks a query string whole: unknown, repeated, missing and wrong parameters, all at once. Answers the parameters by name.
    pub fn check_query(&self, query: &str) -> Result<Map<String, Value>, Vec<FieldError>> {
        let mut found = Map::new();
        let mut errors = Vec::new();
        for (name, raw) in query_pairs(query) {
            if errors.len() > MOST_ERRORS {
                return Err(errors);
            }
            let Some(parameter) = self.query.iter().find(|known| known.name == name) else {
                let known: Vec<&str> = self.query.iter().map(|known| known.name.as_str()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                errors.push(FieldError::in_parameter(
                    &name,
                    "unknown_parameter",
                    format!("is not a parameter here; known: {known}"),
                ));
                continue;
            };
            if raw.contains('\0') {
                errors.push(FieldError::in_parameter(&name, "control_character", "must not contain NUL"));
                continue;
            }
            let value = parameter.kind.read(&raw);
            match found.get_mut(&name) {
                Some(Value::Array(list)) if parameter.is_list => list.push(value),
                Some(_) => errors.push(FieldError::in_parameter(&name, "repeated", "is given more than once")),
                None if parameter.is_list => drop(found.insert(name, Value::Array(vec![value]))),
                None => drop(found.insert(name, value)),
            }
        }
        for (parameter, value) in self.query.iter().filter_map(|known| Some((known, found.get(&known.name)?))) {
            for error in parameter.validator.iter_errors(value) {
                let tell = |code: &str, detail| FieldError::in_parameter(&parameter.name, code, detail);
                explain(&error, &mut |_, code, detail| errors.push(tell(code, detail)));
            }
        }
        for missing in self.query.iter().filter(|known| known.required && !found.contains_key(&known.name)) {
            errors.push(FieldError::in_parameter(&missing.name, "required", "must be given"));
        }
        if errors.is_empty() { Ok(found) } else { Err(errors) }
    }
}

/// Target of a reference into the components; anything else is itself.
fn resolve<'a>(value: &'a Value, components: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|target| target.strip_prefix("#/components"));
    target.and_then(|pointer| components.pointer(pointer)).unwrap_or(value)
}

impl BodyRule {
    /// Everything in which a body differs from the document.
    pub fn check(&self, body: &Value) -> Vec<FieldError> {
        differences(&self.validator, body)
    }
}

/// Whether a schema allows a type.
fn is_type(schema: &Value, name: &str) -> bool {
    schema["type"] == name || schema["type"].as_array().is_some_and(|types| types.iter().any(|one| one == name))
}

impl ParameterKind {
    fn of(schema: &Value) -> Self {
        if is_type(schema, "integer") {
            Self::Integer
        } else if is_type(schema, "number") {
            Self::Number
        } else if is_type(schema, "boolean") {
            Self::Boolean
        } else {
            Self::Text
        }
    }

    /// The value as JSON; a text where it does not parse, so that the schema says what was expected.
    fn read(self, raw: &str) -> Value {
        let parsed = match self {
            Self::Text => None,
            Self::Integer => raw.parse::<i64>().map(Value::from).ok(),
            Self::Number => raw.parse::<f64>().map(Value::from).ok(),
            Self::Boolean => raw.parse::<bool>().map(Value::from).ok(),
        };
        parsed.unwrap_or_else(|| raw.into())
    }
}

/// A schema with those of the document's components that its references reach: with all of them beside each schema, the time to compile
/// would grow with the square of the document.
fn compile_schema(schema: &Value, components: &Value) -> Result<Validator, String> {
    let mut reached = Map::new();
    reach(schema, components, &mut reached);
    for field in reached.values_mut().filter_map(|schema| schema.get_mut("properties")?.get_mut("items")) {
        // Items of a bulk request are checked when their turn comes: one that is wrong does not cost the others.
        if field.get("x-checked-one-by-one").is_some() {
            field["items"] = json!({});
        }
    }
    let rooted = json!({ "allOf": [schema], "components": { "schemas": reached } });
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("date", is_date)
        .with_format("date-time", is_instant)
        .build(&rooted)
        .map_err(|error| error.to_string())
}

/// Collects the schemas that a schema refers to, and those that they refer to.
fn reach(schema: &Value, components: &Value, reached: &mut Map<String, Value>) {
    match schema {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(|target| target.as_str()?.strip_prefix("#/components/schemas/"));
            if let Some(name) = name.filter(|name| !reached.contains_key(*name)) {
                let found = &components["schemas"][name];
                reached.insert(name.to_owned(), found.clone());
                reach(found, components, reached);
            }
            fields.values().for_each(|value| reach(value, components, reached));
        }
        Value::Array(items) => items.iter().for_each(|item| reach(item, components, reached)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A day of a four-digit year from 1 on: others are stored and sorted differently by the two engines.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<NaiveDate>().is_ok_and(|date| date.year() >= 1)
}

/// An instant (RFC 3339) that lies in a four-digit year in UTC too.
fn is_instant(text: &str) -> bool {
    let instant = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc().year());
    instant.is_ok_and(|year| (1..=9999).contains(&year))
}

/// The pairs of a query string, percent-decoded, in their order.
pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(query);
    pairs.map(actix_web::web::Query::into_inner).unwrap_or_default()
}
