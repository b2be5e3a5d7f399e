//! The dependencies that are linked in: their licences are in the list of `deny.toml`, and all come from one registry.

use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Packages of the lock file, as cargo describes them.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    let output =
        cargo.args(["metadata", "--format-version", "1", "--locked"]).current_dir(ROOT).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata in JSON");
    serde_json::from_value(metadata["packages"].take()).expect("a list of packages")
}

/// The list `allow` of `deny.toml`: the quoted texts between its brackets.
fn allowed_licences() -> Vec<String> {
    let settings = std::fs::read_to_string(format!("{ROOT}/deny.toml")).expect("deny.toml");
    let (_, rest) = settings.split_once("allow = [").expect("a list of licences");
    let (list, _) = rest.split_once(']').expect("its end");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn licences_can_be_shipped() {
    let allowed = allowed_licences();
    let refused: Vec<String> = packages()
        .iter()
        .filter(|package| {
            let licence = package["license"].as_str().unwrap_or_default();
            let expression = Expression::parse_mode(licence, ParseMode::LAX);
            !expression.is_ok_and(|one| one.evaluate(|needed| allowed.contains(&needed.to_string())))
        })
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "these licences are not in deny.toml: {refused:#?}");
}

#[test]
fn sources_are_one_registry() {
    let strange: Vec<String> = packages()
        .iter()
        .filter(|package| package["source"].as_str().is_some_and(|source| source != REGISTRY))
        .map(|package| format!("{} from {}", package["name"], package["source"]))
        .collect();
    assert!(strange.is_empty(), "these are not from the registry: {strange:#?}");
}
