//! API clients and their keys: permissions, expiry and revocation.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, pluck};

on_both_engines!(
    however_many_keys_all_of_them_end,
    a_key_opens_what_its_client_may,
    keys_expire,
    rotation_overlaps,
    revocation_is_at_once,
    secrets_are_shown_once,
    last_use_is_noted,
);

async fn new_client(server: &Server, body: Value) -> (String, String) {
    let created = server.post("/v1/api-clients", body).await;
    let path = created.header("location");
    (path, created.expect(201)["key"]["secret"].as_str().expect("a secret").to_owned())
}

async fn status(server: &Server, key: &str) -> u16 {
    server.call("GET", "/v1/customers").bearer(key).send().await.status.as_u16()
}

async fn a_key_opens_what_its_client_may(engine: Engine) {
    let server = Server::start(engine).await;
    let (path, key) = new_client(&server, json!({ "name": "CRM", "scopes": ["customers:read"] })).await;
    assert_eq!(status(&server, &key).await, 200);
    server
        .call("POST", "/v1/customers")
        .bearer(&key)
        .json(json!({ "name": "A" }))
        .send()
        .await
        .problem(403, "forbidden");
    server.patch(&path, json!({ "scopes": ["customers:write"] })).await.expect(200);
    assert_eq!(status(&server, &key).await, 403, "writing does not imply reading");
    server.call("POST", "/v1/customers").bearer(&key).json(json!({ "name": "A" })).send().await.expect(201);
    let unknown = server.post("/v1/api-clients", json!({ "name": "X", "scopes": ["everything"] })).await;
    assert_eq!(unknown.problem(422, "validation_failed"), errors(&[("/scopes/0", "not_an_option")]));
    assert_eq!(pluck(&server.get("/v1/api-clients").await.expect(200), "name"), ["Command line", "CRM"]);
}

async fn keys_expire(engine: Engine) {
    let server = Server::start(engine).await;
    let draft = json!({ "name": "CRM", "scopes": ["customers:read"], "key_expires_at": "2026-05-04T13:00:00Z" });
    let (_, key) = new_client(&server, draft.clone()).await;
    server.clock.advance(Duration::minutes(59));
    assert_eq!(status(&server, &key).await, 200);
    server.clock.advance(Duration::minutes(1));
    assert_eq!(status(&server, &key).await, 401);
    let past = server.post("/v1/api-clients", draft).await;
    assert_eq!(past.problem(422, "validation_failed"), errors(&[("/key_expires_at", "in_the_past")]));
}

async fn rotation_overlaps(engine: Engine) {
    let server = Server::start(engine).await;
    let (path, old) = new_client(&server, json!({ "name": "CRM", "scopes": ["customers:read"] })).await;
    let rotated = server.post(&format!("{path}/keys"), json!({ "overlap_seconds": 3600 })).await.expect(201);
    let new = rotated["secret"].as_str().expect("a secret").to_owned();
    assert_eq!((status(&server, &old).await, status(&server, &new).await), (200, 200));
    server.clock.advance(Duration::minutes(60));
    assert_eq!((status(&server, &old).await, status(&server, &new).await), (401, 200));
    let keys = server.get(&format!("{path}/keys")).await.expect(200);
    assert_eq!(pluck(&keys, "revoked_at"), [&Value::Null, &json!("2026-05-04T13:00:00Z")]);
    let third = server.post(&format!("{path}/keys"), json!({})).await.expect(201);
    assert_eq!(status(&server, third["secret"].as_str().expect("a secret")).await, 200);
    assert_eq!(status(&server, &new).await, 200, "without an overlap the others are not touched");
}

async fn revocation_is_at_once(engine: Engine) {
    let server = Server::start(engine).await;
    let (path, key) = new_client(&server, json!({ "name": "CRM", "scopes": ["customers:read"] })).await;
    let second = server.post(&format!("{path}/keys"), json!({})).await.expect(201);
    assert_eq!(status(&server, &key).await, 200);
    let keys = server.get(&format!("{path}/keys")).await.expect(200);
    let first_id = keys["data"][1]["id"].as_str().expect("an id");
    server.call("DELETE", &format!("{path}/keys/{first_id}")).send().await.expect(204);
    let second = second["secret"].as_str().expect("a secret");
    assert_eq!((status(&server, &key).await, status(&server, second).await), (401, 200));
    server.call("DELETE", &path).header("If-Match", "*").send().await.expect(204);
    assert_eq!(status(&server, second).await, 401);
    server.post(&format!("{path}/keys"), json!({})).await.problem(409, "conflict");
}

async fn secrets_are_shown_once(engine: Engine) {
    let server = Server::start(engine).await;
    let (path, key) = new_client(&server, json!({ "name": "CRM", "scopes": ["customers:read"] })).await;
    let secret = key.split('_').nth(2).expect("its random part");
    for shown in
        [server.get(&path).await, server.get(&format!("{path}/keys")).await, server.get("/v1/ledger?limit=200").await]
    {
        assert!(!shown.text.contains(secret), "{}", shown.text);
    }
    let other = if key.ends_with('x') { 'y' } else { 'x' };
    let damaged = format!("{}{other}", &key[..key.len() - 1]);
    let refused = server.call("GET", "/v1/customers").bearer(&damaged).send().await;
    assert!(!refused.text.contains(secret));
    refused.problem(401, "unauthenticated");
    create(&server, "/v1/customers", json!({ "name": "A" })).await;
}

async fn last_use_is_noted(engine: Engine) {
    let server = Server::start(engine).await;
    let (path, key) = new_client(&server, json!({ "name": "CRM", "scopes": ["customers:read"] })).await;
    status(&server, &key).await;
    milepost::jobs::note_key_usage(&server.app).await.expect("written");
    let keys = server.get(&format!("{path}/keys")).await.expect(200);
    assert_eq!(pluck(&keys, "last_used_at"), ["2026-05-04T12:00:00Z"]);
}

async fn however_many_keys_all_of_them_end(engine: Engine) {
    let server = Server::start(engine).await;
    let (path, _) = new_client(&server, json!({ "name": "CRM", "scopes": ["customers:read"] })).await;
    let create = |body: Value| server.post(&format!("{path}/keys"), body);
    for _ in 1..50 {
        create(json!({})).await.expect(201);
    }
    create(json!({})).await.problem(409, "conflict");
    // Rotation makes room for new keys. After a few hundred keys, the newest are still found.
    for _ in 0..160 {
        create(json!({ "overlap_seconds": 0 })).await.expect(201);
    }
    let newest = create(json!({})).await.expect(201);
    let secret = newest["secret"].as_str().expect("a secret");
    let keys = server.get(&format!("{path}/keys")).await.expect(200);
    assert_eq!(pluck(&keys, "id").first(), Some(&&newest["id"]));
    assert_eq!(status(&server, secret).await, 200);
    let id = newest["id"].as_str().expect("an id");
    server.call("DELETE", &format!("{path}/keys/{id}")).send().await.expect(204);
    assert_eq!(status(&server, secret).await, 401);
}
