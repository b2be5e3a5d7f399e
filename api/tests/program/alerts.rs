//! The alert rules that are shipped name metrics that exist.

use serde_json::json;

use crate::serving::{Serving, admin_key};

/// Every metric that an alert names is one that a server has after some work.
#[test]
fn alerts_name_metrics_that_exist() {
    let directory = tempfile::tempdir().expect("a directory");
    let key = admin_key(directory.path(), "Northwind");
    let server = Serving::start(directory.path(), &[]);
    assert_eq!(server.call("POST", "/v1/customers", &key, Some(json!({ "name": "A" }))).0, 201);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let metrics = runtime.block_on(async {
        let answer = reqwest::get(format!("{}/metrics", server.url)).await.expect("an answer");
        answer.text().await.expect("a text")
    });
    let known: Vec<&str> = metrics.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    // Labels appear with the first event of their kind; these have had none yet.
    let later = [
        "milepost_http_malformed_requests_total",
        "milepost_job_failures_total",
        "milepost_job_last_success_timestamp_seconds",
    ];
    let alerts: serde_json::Value = yaml_serde::from_str(include_str!("../../alerts.yaml")).expect("YAML");
    let rules = alerts["groups"][0]["rules"].as_array().expect("rules");
    assert!(rules.len() > 10);
    for rule in rules {
        let expression = rule["expr"].as_str().expect("an expression");
        let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let named: Vec<&str> =
            words.filter(|word| word.starts_with("milepost_") || word.starts_with("process_")).collect();
        assert!(!named.is_empty(), "{expression}");
        for name in named {
            let name = name.trim_end_matches("_bucket");
            assert!(known.contains(&name) || later.contains(&name), "{name} in {expression}");
        }
    }
}
