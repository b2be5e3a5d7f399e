//! Idempotency: a repeated POST request takes effect once and returns the same response.

use chrono::Duration;
use milepost_domain::access::Scope;
use milepost_tests::{Engine, Reply, Server, on_both_engines};
use serde_json::{Value, json};

on_both_engines!(
    secrets_are_not_kept,
    a_repeated_request_happens_once,
    a_key_belongs_to_one_request_caller_and_route,
    two_at_once_happen_once,
    failures_are_not_kept,
    answers_are_kept_for_a_day,
);

async fn post(server: &Server, key: &str, body: Value) -> Reply {
    server.call("POST", "/v1/customers").header("Idempotency-Key", key).json(body).send().await
}

async fn count(server: &Server) -> usize {
    server.get("/v1/customers").await.expect(200)["data"].as_array().expect("a list").len()
}

async fn a_repeated_request_happens_once(engine: Engine) {
    let server = Server::start(engine).await;
    let first = post(&server, "k1", json!({ "name": "A" })).await;
    let again = post(&server, "k1", json!({ "name": "A" })).await;
    assert_eq!(
        (first.header("idempotent-replayed"), again.header("idempotent-replayed")),
        (String::new(), "true".to_owned())
    );
    for header in ["location", "etag", "content-type"] {
        assert_eq!(first.header(header), again.header(header), "{header}");
    }
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!(count(&server).await, 1);
}

async fn a_key_belongs_to_one_request_caller_and_route(engine: Engine) {
    let server = Server::start(engine).await;
    post(&server, "k1", json!({ "name": "A" })).await.expect(201);
    post(&server, "k1", json!({ "name": "B" })).await.problem(422, "idempotency_mismatch");
    let other_route = server
        .call("POST", "/v1/people")
        .header("Idempotency-Key", "k1")
        .json(json!({ "name": "Ana", "kind": "coach" }));
    other_route.send().await.expect(201);
    let colleague = server.key_of("Northwind", &[Scope::Admin]).await;
    let other_caller = server.call("POST", "/v1/customers").bearer(&colleague).header("Idempotency-Key", "k1");
    other_caller.json(json!({ "name": "B" })).send().await.expect(201);
    assert_eq!(count(&server).await, 2);
    post(&server, &"k".repeat(256), json!({ "name": "C" })).await.problem(400, "invalid_parameter");
}

async fn two_at_once_happen_once(engine: Engine) {
    let server = Server::start(engine).await;
    let requests = (0..8).map(|_| post(&server, "k1", json!({ "name": "A" })));
    let replies = futures_util::future::join_all(requests).await;
    for reply in replies {
        match reply.status.as_u16() {
            201 => {}
            _ => drop(reply.problem(409, "idempotency_in_flight")),
        }
    }
    assert_eq!(count(&server).await, 1);
}

async fn failures_are_not_kept(engine: Engine) {
    let server = Server::start(engine).await;
    post(&server, "k1", json!({ "name": "" })).await.problem(422, "validation_failed");
    post(&server, "k1", json!({ "name": "A" })).await.expect(201);
}

async fn answers_are_kept_for_a_day(engine: Engine) {
    let server = Server::start(engine).await;
    post(&server, "k1", json!({ "name": "A" })).await.expect(201);
    server.clock.advance(Duration::hours(23));
    assert_eq!(post(&server, "k1", json!({ "name": "A" })).await.header("idempotent-replayed"), "true");
    server.clock.advance(Duration::hours(1));
    assert_eq!(post(&server, "k1", json!({ "name": "A" })).await.header("idempotent-replayed"), "");
    assert_eq!(count(&server).await, 2);
    server.clock.advance(Duration::hours(25));
    milepost::jobs::prune(&server.app).await.expect("pruned");
    let mut conn = server.db().read().await.expect("a connection");
    let left = match &mut conn {
        milepost::store::Conn::Sqlite(db) => {
            sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM idempotency_keys").fetch_one(&mut **db).await
        }
        milepost::store::Conn::Postgres(db) => {
            sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM idempotency_keys").fetch_one(&mut **db).await
        }
    };
    assert_eq!(left.expect("a count"), 0);
}

async fn secrets_are_not_kept(engine: Engine) {
    let server = Server::start(engine).await;
    let create = || {
        let call = server.call("POST", "/v1/api-clients").header("Idempotency-Key", "k1");
        call.json(json!({ "name": "CRM", "scopes": ["plans:read"] })).send()
    };
    let first = create().await.expect(201);
    assert!(first["key"]["secret"].as_str().is_some_and(|secret| secret.starts_with("mp_")));
    let again = create().await.expect(201);
    assert_eq!(
        (&again["id"], &again["key"]["id"], &again["key"]["secret"]),
        (&first["id"], &first["key"]["id"], &Value::Null)
    );
}
