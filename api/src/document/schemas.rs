//! The completion of every schema: names for composed types, items of pages by reference, required fields of responses,
//! bounds of whole numbers, descriptions beside alternatives.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::field_code::FIELD_CODES;

/// Fields that a response leaves out where they say nothing.
const MAY_BE_ABSENT: [(&str, &str); 9] = [
    ("Author", "name"),
    ("Author", "client_id"),
    ("TokenAnswer", "issued_token_type"),
    ("IntakeResult", "code"),
    ("IntakeResult", "pointer"),
    ("IntakeResult", "detail"),
    ("PlanEarnedValue", "explanations"),
    ("FieldError", "pointer"),
    ("FieldError", "parameter"),
];

/// Objects with more fields than the document names.
const OPEN: [&str; 4] = ["OpenApiDocument", "CloudEvent", "SegmentMessage", "SegmentBatch"];

/// The greatest whole number that every JSON reader keeps exactly: 2^53 - 1.
const SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// Completes all schemas of a document.
pub fn complete(document: &mut Value) {
    name_composed(document);
    refer_to_items(document);
    require_in_responses(document);
    name_options(document);
    each_schema(document, &mut |schema| {
        bound_integer(schema);
        describe_beside_alternatives(schema);
        list_example(schema);
        if let Some(names) = schema.get_mut("propertyNames").and_then(Value::as_object_mut) {
            names.entry("maxLength").or_insert_with(|| 200.into());
        }
    });
    document["components"]["schemas"]["FieldError"]["properties"]["code"] =
        json!({ "$ref": "#/components/schemas/FieldCode", "description": "Stable code of the rule." });
    document["components"]["schemas"]["FieldCode"] = field_code();
    for name in OPEN {
        document["components"]["schemas"][name]["additionalProperties"] = true.into();
    }
}

/// The codes of fields, with their meanings. It is no closed enumeration: new codes may be added.
fn field_code() -> Value {
    let meanings =
        FIELD_CODES.iter().map(|one| format!("- `{}`: {} For example: {}.", one.code, one.meaning, one.example));
    let codes: Vec<&str> = FIELD_CODES.iter().map(|one| one.code).collect();
    json!({
        "type": "string", "maxLength": 100, "x-extensible-enum": codes, "examples": ["required"],
        "description": format!("Stable code of what is wrong. New codes may be added.\n\n{}", meanings.collect::<Vec<_>>().join("\n")),
    })
}

/// Names composed types by what they hold first: `Page_Customer` is `CustomerPage`.
fn name_composed(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let composed: BTreeMap<String, String> = schemas
        .keys()
        .filter_map(|name| name.split_once('_').map(|(outer, inner)| (name.clone(), format!("{inner}{outer}"))))
        .collect();
    for (old, new) in &composed {
        if let Some(schema) = schemas.remove(old) {
            schemas.insert(new.clone(), schema);
        }
    }
    each_reference(document, &mut |name| composed.get(name).cloned());
}

/// Items of pages and bulk requests are the schemas that they are everywhere else, not copies.
fn refer_to_items(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let names: BTreeSet<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas {
        for (ending, field) in [("Page", "data"), ("BulkRequest", "items")] {
            let Some(item) = name.strip_suffix(ending).filter(|item| names.contains(*item)) else { continue };
            schema["properties"][field]["items"] = json!({ "$ref": format!("#/components/schemas/{item}") });
            if ending == "BulkRequest" {
                schema["properties"][field]["x-checked-one-by-one"] = true.into();
            }
        }
    }
}

/// Options of query parameters are schemas with names, so that generators make one type of them and not one for each operation.
fn name_options(document: &mut Value) {
    let key =
        |schema: &Value| schema["enum"].as_array().map(|options| serde_json::to_string(options).unwrap_or_default());
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        names.extend(key(schema).map(|options| (options, name.clone())));
    }
    let schemas = document["components"]["schemas"].as_object();
    let mut taken: BTreeSet<String> = schemas.into_iter().flat_map(Map::keys).cloned().collect();
    let mut added = Map::new();
    super::operations::each_parameter(document, |parameter| {
        let Some(options) = key(&parameter["schema"]) else { return };
        let name = names.entry(options).or_insert_with_key(|options| {
            let mut name = option_name(parameter["name"].as_str().unwrap_or_default(), options);
            while !taken.insert(name.clone()) {
                name.push_str("Option");
            }
            let mut schema = parameter["schema"].clone();
            schema["description"] =
                format!("Options of the parameter `{}`.", parameter["name"].as_str().unwrap_or_default()).into();
            added.insert(name.clone(), schema);
            name
        });
        parameter["schema"] = json!({ "$ref": format!("#/components/schemas/{name}") });
    });
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.extend(added);
    }
}

/// A name for options that no schema of a body has.
fn option_name(parameter: &str, options: &str) -> String {
    let name = super::operations::pascal(parameter);
    let first = serde_json::from_str::<Vec<String>>(options).ok().and_then(|all| all.into_iter().next());
    let name_of_first = super::operations::pascal(first.unwrap_or_default().trim_start_matches('-'));
    match parameter {
        // A list sorts by its first option unless asked otherwise.
        "sort" => format!("{name_of_first}Sort"),
        "by" => "VarianceGrouping".to_owned(),
        "results" => "IntakeResultSelection".to_owned(),
        _ => name,
    }
}

/// Fields of schemas that only responses use are always present, even if null.
fn require_in_responses(document: &mut Value) {
    let mut sent = BTreeSet::new();
    for item in document["paths"].as_object().into_iter().flat_map(Map::values) {
        for operation in item.as_object().into_iter().flat_map(Map::values) {
            reach(&operation["requestBody"], &document["components"]["schemas"], &mut sent);
            reach(&operation["parameters"], &document["components"]["schemas"], &mut sent);
        }
    }
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for (name, schema) in schemas.iter_mut().filter(|(name, _)| !sent.contains(*name)) {
        require_all(name, schema);
        let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
        parts.into_iter().flatten().for_each(|part| require_all(name, part));
    }
}

fn require_all(name: &str, schema: &mut Value) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let is_present = |field: &&String| !MAY_BE_ABSENT.contains(&(name, field.as_str()));
    let all: Vec<Value> = properties.keys().filter(is_present).map(|field| field.as_str().into()).collect();
    if !all.is_empty() {
        schema["required"] = all.into();
    }
}

/// Collects the names of the schemas that a value refers to, and those that they refer to.
fn reach(value: &Value, schemas: &Value, reached: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(|target| target.as_str()?.strip_prefix("#/components/schemas/"));
            if let Some(name) = name.filter(|name| reached.insert((*name).to_owned())) {
                reach(&schemas[name], schemas, reached);
            }
            fields.values().for_each(|value| reach(value, schemas, reached));
        }
        Value::Array(items) => items.iter().for_each(|item| reach(item, schemas, reached)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A whole number has a format and both bounds: those it states, or those of its format.
fn bound_integer(schema: &mut Map<String, Value>) {
    let is_integer = match schema.get("type") {
        Some(Value::String(name)) => name == "integer",
        Some(Value::Array(names)) => names.iter().any(|name| name == "integer"),
        _ => false,
    };
    if !is_integer || schema.contains_key("enum") || schema.contains_key("const") {
        return;
    }
    let most = match schema.entry("format").or_insert_with(|| "int64".into()).as_str() {
        Some("int32") => i64::from(i32::MAX),
        _ => SAFE_INTEGER,
    };
    if !schema.contains_key("exclusiveMaximum") {
        schema.entry("maximum").or_insert_with(|| most.into());
    }
    if !schema.contains_key("exclusiveMinimum") {
        schema.entry("minimum").or_insert_with(|| (-most).into());
    }
}

/// The description of a field that may be null stands beside the alternatives, where every tool looks for it.
fn describe_beside_alternatives(schema: &mut Map<String, Value>) {
    if schema.contains_key("description") {
        return;
    }
    let alternatives = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    let described = alternatives.into_iter().flatten().filter_map(Value::as_object_mut);
    let found: Vec<Value> =
        described.filter(|one| one.contains_key("$ref")).filter_map(|one| one.remove("description")).collect();
    if let [only] = found.as_slice() {
        schema.insert("description".to_owned(), only.clone());
    }
}

/// The example of a schema, in the form of JSON Schema: a list.
fn list_example(schema: &mut Map<String, Value>) {
    let is_schema = ["type", "properties", "allOf", "oneOf", "$ref"].iter().any(|field| schema.contains_key(*field));
    if is_schema && let Some(example) = schema.remove("example") {
        schema.entry("examples").or_insert_with(|| json!([example]));
    }
}

/// Visits every schema of the document, and whatever else looks like one.
fn each_schema(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            visit(fields);
            for (name, value) in fields {
                if name != "example" && name != "examples" {
                    each_schema(value, visit);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_schema(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Renames what references point to.
fn each_reference(value: &mut Value, rename: &mut impl FnMut(&str) -> Option<String>) {
    match value {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(|target| target.as_str()?.strip_prefix("#/components/schemas/"));
            if let Some(new) = name.and_then(&mut *rename) {
                fields.insert("$ref".to_owned(), format!("#/components/schemas/{new}").into());
            }
            fields.values_mut().for_each(|value| each_reference(value, rename));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_reference(item, rename)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
