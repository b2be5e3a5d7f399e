//! Lets progenitor write the client of openapi-3.0.json ($MILEPOST_DOCUMENT), less what it cannot express: all of that is listed here.
//! Anything else that it cannot express fails the build.

use std::{env, error::Error, fs, path::Path};

use progenitor::{GenerationSettings, Generator, InterfaceStyle};
use serde_json::{Map, Value};

/// Operations whose body is of a type that progenitor does not know ("unexpected content type").
const LEFT_OUT: [(&str, &str); 16] = [
    ("add_artwork", "application/octet-stream"),
    ("add_validation_file", "application/pdf"),
    ("import_plan", "text/csv"),
    ("replace_avatar", "image/png"),
    ("update_api_client", "application/merge-patch+json"),
    ("update_competition", "application/merge-patch+json"),
    ("update_customer", "application/merge-patch+json"),
    ("update_identity_provider", "application/merge-patch+json"),
    ("update_impact", "application/merge-patch+json"),
    ("update_milestone", "application/merge-patch+json"),
    ("update_organization", "application/merge-patch+json"),
    ("update_person", "application/merge-patch+json"),
    ("update_plan", "application/merge-patch+json"),
    ("update_profile", "application/merge-patch+json"),
    ("update_team", "application/merge-patch+json"),
    ("verify_picture", "application/octet-stream"),
];

/// Of several types that a body may have, progenitor takes one.
const BODY: (&str, &str) = ("take_events", "application/json");

/// Of the errors of an operation progenitor takes one type: here what OAuth says; what every operation may answer is "unexpected" here.
const ERRORS: (&str, [&str; 6]) = ("issue_token", ["406", "408", "413", "429", "500", "503"]);

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=MILEPOST_DOCUMENT");
    let path = env::var("MILEPOST_DOCUMENT").map_err(|_| "MILEPOST_DOCUMENT is the path of openapi-3.0.json")?;
    println!("cargo::rerun-if-changed={path}");
    let mut document: Value = serde_json::from_str(&fs::read_to_string(path)?)?;

    let all = operations(&mut document).count();
    for (name, body) in LEFT_OUT {
        if operation(&mut document, name)?["requestBody"]["content"].get(body).is_none() {
            return Err(format!("{name} has no body of {body}: it need not be left out").into());
        }
        for methods in paths(&mut document) {
            methods.retain(|_, each| each["operationId"] != name);
        }
    }
    let left = operations(&mut document).count();
    println!("cargo::rustc-env=MILEPOST_OPERATIONS={left} of {all} operations");

    let (name, body) = BODY;
    fields(operation(&mut document, name)?.pointer_mut("/requestBody/content"), name)?.retain(|each, _| each == body);
    let (name, statuses) = ERRORS;
    fields(operation(&mut document, name)?.get_mut("responses"), name)?
        .retain(|each, _| !statuses.contains(&each.as_str()));

    let mut generator = Generator::new(GenerationSettings::new().with_interface(InterfaceStyle::Builder));
    let client = generator.generate_tokens(&serde_json::from_value(document)?)?;
    let client = prettyplease::unparse(&syn::parse2(client)?);
    fs::write(Path::new(&env::var("OUT_DIR")?).join("client.rs"), client)?;
    Ok(())
}

fn paths(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut)
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    paths(document).flat_map(Map::values_mut).filter(|each| each["operationId"].is_string())
}

fn operation<'a>(document: &'a mut Value, name: &str) -> Result<&'a mut Value, String> {
    operations(document).find(|each| each["operationId"] == name).ok_or_else(|| format!("there is no operation {name}"))
}

fn fields<'a>(value: Option<&'a mut Value>, name: &str) -> Result<&'a mut Map<String, Value>, String> {
    value.and_then(Value::as_object_mut).ok_or_else(|| format!("{name} is not as build.rs expects it"))
}
