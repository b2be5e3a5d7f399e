//! The documents that are served without a key: OpenAPI in two versions, and the page of problems.

use milepost::field_code::FIELD_CODES;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::Value;

on_both_engines!(both_versions_have_the_same_operations, a_known_document_is_not_sent_again, every_code_has_its_place);

/// Paths of a document with their methods.
fn operations(document: &Value) -> Vec<(String, Vec<String>)> {
    let paths = document["paths"].as_object().expect("paths");
    let methods = |item: &Value| item.as_object().expect("methods").keys().cloned().collect();
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

async fn both_versions_have_the_same_operations(engine: Engine) {
    let server = Server::start(engine).await;
    let newer = server.get("/openapi.json").await.expect(200);
    let older = server.get("/openapi-3.0.json").await.expect(200);
    assert_eq!((&newer["openapi"], &older["openapi"]), (&Value::from("3.1.0"), &Value::from("3.0.3")));
    assert!(operations(&newer).len() > 100);
    assert_eq!(operations(&newer), operations(&older));
}

async fn a_known_document_is_not_sent_again(engine: Engine) {
    let server = Server::start(engine).await;
    for path in ["/openapi.json", "/openapi-3.0.json"] {
        let tag = server.get(path).await.header("etag");
        let again = server.call("GET", path).header("If-None-Match", &tag).send().await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path}");
    }
}

async fn every_code_has_its_place(engine: Engine) {
    let server = Server::start(engine).await;
    let problem = server.get("/v1/customers/unknown/nothing").await.expect(404);
    let (path, anchor) = problem["type"].as_str().and_then(|link| link.split_once('#')).expect("a link with its place");
    let page = server.get(path).await.text;
    assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    for one in FIELD_CODES {
        assert!(page.contains(&format!("id=\"field-{}\"", one.code)), "{}", one.code);
    }
}
