//! What is shipped: dependencies whose licences are in the list of `deny.toml` and which come from one registry, and a
//! repository that holds nothing but its sources.

use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// Top level of the repository. Whatever else is tracked there was added by accident.
const TOP_LEVEL: [&str; 18] = [
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "api",
    "clippy.toml",
    "deny.toml",
    "domain",
    "migrations",
    "openapi.yaml",
    "rustfmt.toml",
    "tests",
];

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

#[test]
fn the_top_level_holds_sources_only() {
    let listed = Command::new("git").args(["ls-files"]).current_dir(ROOT).output();
    let Some(listed) = listed.ok().filter(|output| output.status.success()) else {
        eprintln!("SKIPPED: this is no clone of the repository, or git is missing");
        return;
    };
    let listed = String::from_utf8(listed.stdout).expect("names in UTF-8");
    let is_strange = |path: &&str| !TOP_LEVEL.contains(&path.split('/').next().unwrap_or_default());
    let strange: Vec<&str> = listed.lines().filter(is_strange).collect();
    assert!(strange.is_empty(), "these are tracked at the top level: {strange:?}");
}
