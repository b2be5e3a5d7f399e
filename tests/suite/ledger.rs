//! The ledger: every change is recorded in order, and tampering is detected.

use chrono::Duration;
use milepost::store::Conn;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create_customer, create_plan, pluck};

on_both_engines!(every_change_is_recorded, entries_are_filtered, tampering_is_found, writers_at_once_leave_no_gap);

/// Runs a statement directly on the database, without the API.
pub async fn tamper(server: &Server, sql: &'static str) {
    let mut conn = server.db().begin().await.expect("a connection");
    match &mut conn {
        Conn::Sqlite(db) => sqlx::query(sql).execute(&mut **db).await.map(|_| ()),
        Conn::Postgres(db) => sqlx::query(sql).execute(&mut **db).await.map(|_| ()),
    }
    .expect("tampered");
    conn.commit().await.expect("committed");
}

async fn every_change_is_recorded(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "A").await;
    server.patch(&format!("/v1/customers/{id}"), json!({ "owner": "Ben" })).await.expect(200);
    server.call("DELETE", &format!("/v1/customers/{id}")).header("If-Match", "\"2\"").send().await.expect(204);
    let list = server.get(&format!("/v1/ledger?entity_id={id}")).await.expect(200);
    assert_eq!(pluck(&list, "action"), ["customer.created", "customer.updated", "customer.deleted"]);
    let entries = list["data"].as_array().expect("entries");
    assert_eq!((&entries[0]["before"], &entries[0]["after"]["name"]), (&Value::Null, &json!("A")));
    assert_eq!((&entries[1]["before"]["owner"], &entries[1]["after"]["owner"]), (&Value::Null, &json!("Ben")));
    assert_eq!((&entries[2]["before"]["owner"], &entries[2]["after"]), (&json!("Ben"), &Value::Null));
    assert_eq!(entries[1]["previous_hash"], entries[0]["hash"]);
    assert_eq!(entries[0]["author"]["type"], "api_client");
    assert!(entries[0]["request_id"].as_str().is_some_and(|id| id.len() == 36));
    let all = server.get("/v1/ledger?limit=200").await.expect(200);
    let sequences: Vec<i64> = pluck(&all, "sequence").into_iter().filter_map(Value::as_i64).collect();
    assert_eq!(sequences, (1..=i64::try_from(sequences.len()).expect("a count")).collect::<Vec<_>>());
}

async fn entries_are_filtered(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "A").await;
    server.clock.advance(Duration::hours(1));
    let plan = create_plan(&server).await;
    server.call("POST", &format!("{plan}/milestones/a/start")).send().await.expect(200);
    let plan_id = plan.rsplit('/').next().expect("an id").to_owned();
    let actor = server.get("/v1/ledger?entity_type=plan").await.expect(200)["data"][0]["author"]["id"].clone();
    for (query, expected) in [
        ("entity_type=milestone".to_owned(), vec!["milestone.started"]),
        (format!("root_id={plan_id}"), vec!["plan.created", "milestone.started"]),
        ("action=customer.created".to_owned(), vec!["customer.created"]),
        (
            format!("author_id={}&sort=-sequence", actor.as_str().expect("an id")),
            vec!["milestone.started", "plan.created", "customer.created"],
        ),
        ("from=2026-05-04T12:30:00Z".to_owned(), vec!["plan.created", "milestone.started"]),
        ("to=2026-05-04T12:30:00Z&entity_type=customer".to_owned(), vec!["customer.created"]),
        ("from=2026-05-05T00:00:00Z".to_owned(), vec![]),
    ] {
        let list = server.get(&format!("/v1/ledger?{query}")).await.expect(200);
        assert_eq!(pluck(&list, "action"), expected, "{query}");
    }
    let first = server.get("/v1/ledger?limit=1").await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = server.get(&format!("/v1/ledger?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(pluck(&second, "sequence"), [2]);
}

async fn tampering_is_found(engine: Engine) {
    let changed = "UPDATE ledger_entries SET after = '{}' WHERE sequence = 3";
    let deleted = "DELETE FROM ledger_entries WHERE sequence = 4";
    let last_deleted = "DELETE FROM ledger_entries WHERE sequence = (SELECT MAX(sequence) FROM ledger_entries)";
    let reordered =
        "UPDATE ledger_entries SET sequence = CASE sequence WHEN 2 THEN 1002 ELSE sequence END WHERE sequence = 2";
    let actor = "UPDATE ledger_entries SET actor_id = 'somebody-else' WHERE sequence = 2";
    for (sql, expected) in
        [(changed, Some(3)), (deleted, Some(4)), (last_deleted, None), (reordered, Some(2)), (actor, Some(2))]
    {
        let server = Server::start(engine).await;
        create_customer(&server, "A").await;
        let sound = server.get("/v1/ledger/verification").await.expect(200);
        let entries = sound["verified_entries"].as_i64().expect("a count");
        assert_eq!(
            sound,
            json!({ "intact": true, "verified_entries": entries, "first_broken_sequence": null, "detail": null })
        );
        tamper(&server, sql).await;
        let found = server.get("/v1/ledger/verification").await.expect(200);
        assert_eq!(found["intact"], false, "{sql}");
        assert_eq!(found["first_broken_sequence"], expected.unwrap_or(entries), "{sql}: {found}");
    }
    let server = Server::start(engine).await;
    // Two rows are swapped, each of them intact.
    tamper(&server, "UPDATE ledger_entries SET sequence = -sequence WHERE sequence IN (2, 3)").await;
    tamper(&server, "UPDATE ledger_entries SET sequence = 5 + sequence WHERE sequence < 0").await;
    assert_eq!(server.get("/v1/ledger/verification").await.expect(200)["first_broken_sequence"], 2);
}

async fn writers_at_once_leave_no_gap(engine: Engine) {
    let server = Server::start(engine).await;
    let names: Vec<String> = (0..24).map(|n| format!("c{n}")).collect();
    let writers = names.iter().map(|name| create_customer(&server, name));
    futures_util::future::join_all(writers).await;
    let verified = server.get("/v1/ledger/verification").await.expect(200);
    assert_eq!(verified["intact"], true);
    let list = server.get("/v1/ledger?action=customer.created&limit=200").await.expect(200);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(24));
}
