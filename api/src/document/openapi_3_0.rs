//! The document in OpenAPI 3.0.3, for generators that do not read 3.1: what JSON Schema 2020-12 says otherwise is said in the older way.

use serde_json::{Map, Value, json};

/// A document of 3.1 in 3.0.3.
pub fn rendered(document: &Value) -> Value {
    let mut older = document.clone();
    older["openapi"] = "3.0.3".into();
    if let Some(license) = older["info"]["license"].as_object_mut() {
        license.remove("identifier");
    }
    each_object(&mut older, &mut |fields| {
        take_example(fields);
        take_null(fields);
        take_reference(fields);
        take_exclusive_bounds(fields);
        take_constant(fields);
        take_open(fields);
        fields.remove("propertyNames");
    });
    older
}

/// `examples` of a schema is one `example`.
fn take_example(fields: &mut Map<String, Value>) {
    if let Some(Value::Array(examples)) = fields.get("examples") {
        let first = examples.first().cloned();
        fields.remove("examples");
        fields.extend(first.map(|first| ("example".to_owned(), first)));
    }
}

/// A type that may be null, or an alternative of null, is `nullable`.
fn take_null(fields: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = fields.get("type") {
        let others: Vec<Value> = types.iter().filter(|one| *one != "null").cloned().collect();
        if others.len() < types.len() {
            fields.insert("nullable".to_owned(), true.into());
        }
        match others.as_slice() {
            [only] => drop(fields.insert("type".to_owned(), only.clone())),
            _ => drop(fields.remove("type")),
        }
    }
    let Some(Value::Array(alternatives)) = fields.get("oneOf") else { return };
    let others: Vec<Value> = alternatives.iter().filter(|one| one["type"] != "null").cloned().collect();
    if others.len() < alternatives.len() {
        fields.insert("nullable".to_owned(), true.into());
        let name = if others.len() == 1 { "allOf" } else { "oneOf" };
        fields.remove("oneOf");
        fields.insert(name.to_owned(), others.into());
    }
}

/// Beside a reference nothing counts in 3.0: it becomes a part of the whole.
fn take_reference(fields: &mut Map<String, Value>) {
    if let Some(reference) = fields.get("$ref").cloned().filter(|_| fields.len() > 1) {
        fields.remove("$ref");
        fields.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
    }
}

/// A bound that is excluded is a bound and a flag.
fn take_exclusive_bounds(fields: &mut Map<String, Value>) {
    for (name, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(value) = fields.get(name).filter(|value| value.is_number()).cloned() {
            fields.insert(bound.to_owned(), value);
            fields.insert(name.to_owned(), true.into());
        }
    }
}

/// A constant is an enumeration of one.
fn take_constant(fields: &mut Map<String, Value>) {
    if let Some(only) = fields.remove("const") {
        fields.insert("enum".to_owned(), json!([only]));
    }
}

/// Readers of 3.0 keep unnamed fields only if their schema is written out.
fn take_open(fields: &mut Map<String, Value>) {
    if fields.get("additionalProperties") == Some(&Value::Bool(true)) {
        fields.insert("additionalProperties".to_owned(), json!({}));
    }
}

fn each_object(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            visit(fields);
            for (name, value) in fields {
                if name != "example" {
                    each_object(value, visit);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_way() {
        for (newer, older) in [
            (json!({ "type": ["string", "null"] }), json!({ "type": "string", "nullable": true })),
            (
                json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/x" }], "description": "D" }),
                json!({ "allOf": [{ "$ref": "#/x" }], "nullable": true, "description": "D" }),
            ),
            (json!({ "$ref": "#/x", "description": "D" }), json!({ "allOf": [{ "$ref": "#/x" }], "description": "D" })),
            (json!({ "exclusiveMinimum": 0 }), json!({ "minimum": 0, "exclusiveMinimum": true })),
            (json!({ "additionalProperties": true }), json!({ "additionalProperties": {} })),
            (json!({ "const": "a" }), json!({ "enum": ["a"] })),
            (json!({ "type": "string", "examples": ["a", "b"] }), json!({ "type": "string", "example": "a" })),
        ] {
            let document = json!({ "openapi": "3.1.0", "components": { "schemas": { "A": newer } } });
            let rendered = rendered(&document);
            assert_eq!(rendered["components"]["schemas"]["A"], older);
            assert_eq!(rendered["openapi"], "3.0.3");
        }
    }
}
