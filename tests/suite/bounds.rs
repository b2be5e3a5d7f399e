//! Bounds of what a request can cost: whatever it sends, the answer stays small. The tests of the program watch its memory.

use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

on_both_engines!(error_lists_stop_at_a_hundred);

/// Largest body in this test: what multiplies shows at a quarter of a mebibyte, too.
const BODY_BYTES: usize = 256 * 1024;
/// Largest answer: four times the body.
const ANSWER_BYTES: usize = 4 * BODY_BYTES;
/// Bodies of the largest size, each of one small thing over and over.
fn largest_bodies() -> Vec<(&'static str, Vec<u8>)> {
    let filled = |open: &str, one: &dyn Fn(usize) -> String, close: &str| {
        let mut text = open.to_owned();
        let mut number = 0;
        while text.len() + 32 < BODY_BYTES - close.len() {
            if number > 0 {
                text.push(',');
            }
            text.push_str(&one(number));
            number += 1;
        }
        text.push_str(close);
        text.into_bytes()
    };
    vec![
        ("commas", vec![b','; BODY_BYTES]),
        ("lines", vec![b'\n'; BODY_BYTES]),
        ("lines of commas", b"a,b\n".repeat(BODY_BYTES / 4)),
        ("open lists", vec![b'['; BODY_BYTES]),
        ("empty lists", filled("[", &|_| "[]".to_owned(), "]")),
        ("empty objects", filled("[", &|_| "{}".to_owned(), "]")),
        ("unknown fields", filled("{", &|number| format!("\"f{number}\":0"), "}")),
        ("items", filled("{\"items\":[", &|number| format!("{{\"f{number}\":0}}"), "]}")),
        ("milestones", filled("{\"milestones\":[", &|_| "{}".to_owned(), "]}")),
        ("batch", filled("{\"batch\":[", &|_| "{}".to_owned(), "]}")),
        ("one long name", format!("{{\"{}\":0}}", "n".repeat(BODY_BYTES - 16)).into_bytes()),
        ("one long text", format!("{{\"name\":\"{}\"}}", "n".repeat(BODY_BYTES - 32)).into_bytes()),
        ("numbers", filled("{\"name\":[", &|_| "0".to_owned(), "]}")),
    ]
}

/// Every operation with a body: method, path with some identifier, and media types.
fn operations(document: &Value) -> Vec<(String, String, Vec<String>)> {
    let id = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
    let mut found = vec![];
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let mut at = String::new();
        for part in path.split('/').skip(1) {
            at.push('/');
            at.push_str(if part.starts_with('{') { id } else { part });
        }
        for (method, operation) in methods.as_object().expect("operations") {
            let Some(content) = operation["requestBody"]["content"].as_object() else { continue };
            found.push((method.to_uppercase(), at.clone(), content.keys().cloned().collect()));
        }
    }
    found
}

/// On one engine, because nothing of this reaches a database.
#[test]
fn no_body_makes_a_large_answer() {
    milepost_tests::run(Engine::Sqlite, send_largest_bodies);
}

async fn send_largest_bodies(engine: Engine) {
    let server = Server::start_with(engine, |settings| settings.max_body_bytes = BODY_BYTES).await;
    let document = server.call("GET", "/openapi.json").anonymous().send().await.expect(200);
    let operations = operations(&document);
    assert!(operations.len() > 60, "{} operations with a body", operations.len());
    for (kind, body) in largest_bodies() {
        for (method, path, media_types) in &operations {
            for media_type in media_types {
                let call = server.call(method, path).header("If-Match", "*");
                let answer = call.body(media_type, body.clone()).send().await;
                let place = format!("{kind} as {media_type} to {method} {path}");
                assert!(!answer.status.is_server_error(), "{place}: {}", answer.text);
                assert!(answer.text.len() <= ANSWER_BYTES, "{place}: {} bytes", answer.text.len());
            }
        }
    }
}

async fn error_lists_stop_at_a_hundred(engine: Engine) {
    let server = Server::start(engine).await;
    let mut plan = crate::samples::plan();
    for number in 0..300 {
        plan[format!("unknown_{number}")] = json!(0);
    }
    let refused = server.post("/v1/plans", plan).await;
    assert_eq!(refused.body["detail"], "101 things or more are wrong; errors names the first 100.");
    assert_eq!(refused.problem(422, "validation_failed").len(), 100);
    let query: Vec<String> = (0..300).map(|number| format!("unknown_{number}=1")).collect();
    assert_eq!(
        server.get(&format!("/v1/plans?{}", query.join("&"))).await.problem(400, "invalid_parameter").len(),
        100
    );
    let milestones: Vec<Value> =
        (0..400).map(|_| json!({ "key": "a", "name": "A", "planned_on": "2026-05-01" })).collect();
    let plan = json!({ "name": "P", "start_on": "2026-05-04", "milestones": milestones });
    let refused = server.post("/v1/plans", plan).await;
    assert!(
        refused.body["detail"].as_str().is_some_and(|detail| detail.ends_with("names the first 100.")),
        "{}",
        refused.text
    );
    assert_eq!(refused.problem(422, "validation_failed").len(), 100);
    let wide = server.call("POST", "/v1/plans/import?name=P&start_on=2026-05-04").body("text/csv", ",".repeat(1000));
    assert_eq!(wide.send().await.problem(422, "validation_failed"), [(String::new(), "too_many_items".to_owned())]);
    let tall = server.call("POST", "/v1/plans/import?name=P&start_on=2026-05-04");
    let lines = format!("key,name,planned_on\n{}", ",,x\n".repeat(400));
    assert_eq!(tall.body("text/csv", lines).send().await.problem(422, "validation_failed").len(), 100);
    let long = server.post("/v1/plans", json!({ "n".repeat(100_000): 0 })).await;
    assert!(long.text.len() < 10_000, "{} bytes", long.text.len());
}
