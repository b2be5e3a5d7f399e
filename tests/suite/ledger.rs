//! The ledger: every change is recorded in order, and tampering is detected.

use chrono::Duration;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create_customer, create_plan, execute, pluck};

on_both_engines!(
    every_change_is_recorded,
    entries_are_filtered,
    tampering_is_found,
    writers_at_once_leave_no_gap,
    what_was_once_there_is_missed,
    a_row_that_was_edited_past_the_api_is_found,
    recorded_time_never_goes_back,
    a_plan_or_a_milestone_that_was_removed_is_missed,
);

/// Runs a statement directly on the database, without the API.
pub async fn tamper(server: &Server, sql: &'static str) {
    milepost_tests::leave_ledgers_unchecked();
    let mut conn = server.db().begin().await.expect("a connection");
    execute(&mut conn, sql).await;
    conn.commit().await.expect("committed");
}

async fn every_change_is_recorded(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "A").await;
    server.patch(&format!("/v1/customers/{id}"), json!({ "owner_name": "Ben" })).await.expect(200);
    server.call("DELETE", &format!("/v1/customers/{id}")).header("If-Match", "\"2\"").send().await.expect(204);
    let list = server.get(&format!("/v1/ledger?entity_id={id}")).await.expect(200);
    assert_eq!(pluck(&list, "action"), ["customer.created", "customer.updated", "customer.deleted"]);
    let entries = list["data"].as_array().expect("entries");
    assert_eq!((&entries[0]["before"], &entries[0]["after"]["name"]), (&Value::Null, &json!("A")));
    assert_eq!(
        (&entries[1]["before"]["owner_name"], &entries[1]["after"]["owner_name"]),
        (&Value::Null, &json!("Ben"))
    );
    assert_eq!((&entries[2]["before"]["owner_name"], &entries[2]["after"]), (&json!("Ben"), &Value::Null));
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
            (&sound["intact"], &sound["head_sequence"], &sound["first_broken_sequence"], &sound["detail"]),
            (&json!(true), &json!(entries), &Value::Null, &Value::Null)
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

/// Deletes the last entry and sets the head back to the one before, so that the chain by itself looks whole.
const CUT: [&str; 2] = [
    "DELETE FROM ledger_entries WHERE sequence = (SELECT MAX(sequence) FROM ledger_entries)",
    "UPDATE ledger_heads SET sequence = (SELECT MAX(sequence) FROM ledger_entries), \
     hash = (SELECT hash FROM ledger_entries ORDER BY sequence DESC LIMIT 1)",
];

async fn what_was_once_there_is_missed(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "A").await;
    let before = server.get("/v1/ledger/verification").await.expect(200);
    let made = server.post("/v1/ledger/checkpoints", json!({})).await.expect(201);
    assert_eq!((&made["sequence"], &made["hash"]), (&before["head_sequence"], &before["head_hash"]));
    assert_eq!(server.post("/v1/ledger/checkpoints", json!({})).await.expect(200), made, "nothing has changed");
    create_customer(&server, "B").await;
    milepost::jobs::make_checkpoints(&server.app).await.expect("made");
    let list = server.get("/v1/ledger/checkpoints").await.expect(200);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(list["data"][1], made, "newest first");
    let first = server.get("/v1/ledger/checkpoints?limit=1").await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    assert_eq!(
        server.get(&format!("/v1/ledger/checkpoints?limit=1&cursor={cursor}")).await.expect(200)["data"][0],
        made
    );

    let verify = async |query: &str| {
        let found = server.get(&format!("/v1/ledger/verification{query}")).await.expect(200);
        (found["intact"].as_bool().expect("a verdict"), found["detail"].as_str().unwrap_or_default().to_owned())
    };
    let head = server.get("/v1/ledger/verification").await.expect(200);
    assert_eq!(head["verified_checkpoints"], 2);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let expect =
        |point: &Value, hash: &str| format!("?expect={}:{}", text(&point["head_sequence"]), text(&point[hash]));
    assert!(verify(&expect(&head, "head_hash")).await.0);
    assert!(verify(&expect(&before, "head_hash")).await.0, "an earlier head");
    let (is_intact, detail) = verify(&format!("?expect={}:{}", head["head_sequence"], "0".repeat(64))).await;
    assert!(!is_intact && detail.contains("history was rewritten"), "{detail}");
    let (is_intact, detail) = verify(&format!("?expect=1000:{}", "0".repeat(64))).await;
    assert!(!is_intact && detail.contains("cut off"), "{detail}");
    server.get("/v1/ledger/verification?expect=12").await.problem(400, "invalid_parameter");

    for sql in CUT {
        tamper(&server, sql).await;
    }
    let (is_intact, detail) = verify("").await;
    assert!(!is_intact && detail.contains("cut off"), "{detail}");
    // Whoever deletes the checkpoint, too, is found by the head that somebody noted.
    tamper(&server, "DELETE FROM ledger_checkpoints WHERE sequence > (SELECT MAX(sequence) FROM ledger_entries)").await;
    assert!(verify("").await.0, "the database alone cannot know");
    let (is_intact, detail) = verify(&expect(&head, "head_hash")).await;
    assert!(!is_intact && detail.contains("cut off"), "{detail}");
    tamper(&server, "UPDATE ledger_checkpoints SET sequence = sequence - 1").await;
    let (is_intact, detail) = verify("").await;
    assert!(!is_intact && detail.contains("not signed"), "{detail}");
    tamper(&server, "DELETE FROM ledger_checkpoints").await;
    tamper(&server, "DELETE FROM ledger_entries").await;
    tamper(&server, "UPDATE ledger_heads SET sequence = 0").await;
    let (is_intact, _) = verify("").await;
    assert!(!is_intact, "an organization begins with an entry");
}

async fn a_row_that_was_edited_past_the_api_is_found(engine: Engine) {
    for (sql, what) in [
        ("UPDATE customers SET owner_name = 'Mallory'", "customer"),
        ("DELETE FROM people", "person"),
        ("UPDATE organizations SET display_name = 'Mallory'", "organization"),
        ("UPDATE api_clients SET scopes = 'admin plans:read'", "api_client"),
        ("UPDATE api_keys SET revoked_at = NULL", "api_key"),
        ("UPDATE api_keys SET secret_hash = (SELECT hash FROM ledger_heads)", "secret_fingerprint"),
        ("UPDATE milestones SET note = 'fine' WHERE key = 'c'", "in the milestone c"),
        ("UPDATE metrics SET event_type = 'other'", "metric"),
        ("UPDATE plans SET budget_minor = 1", "plan"),
        ("UPDATE milestones SET weight = 7 WHERE key = 'b'", "in the milestone b"),
        ("DELETE FROM milestone_dependencies", "in the dependencies"),
    ] {
        let server = Server::start(engine).await;
        let customer = create_customer(&server, "crm-1").await;
        server
            .patch(&format!("/v1/customers/{customer}"), json!({ "owner_name": "Ben", "arr": null }))
            .await
            .problem(422, "validation_failed");
        server.patch(&format!("/v1/customers/{customer}"), json!({ "owner_name": "Ben" })).await.expect(200);
        server
            .post("/v1/people", json!({ "name": "Ana", "kind": "participant", "customer_ref": "crm-1" }))
            .await
            .expect(201);
        server
            .post("/v1/metrics", json!({ "key": "m", "event_type": "login", "aggregate": "count" }))
            .await
            .expect(201);
        let client =
            server.post("/v1/api-clients", json!({ "name": "CRM", "scopes": ["plans:read"] })).await.expect(201);
        let keys = format!("/v1/api-clients/{}/keys", client["id"].as_str().expect("an id"));
        let key = server.post(&keys, json!({})).await.expect(201);
        let key = format!("{keys}/{}", key["id"].as_str().expect("an id"));
        server.call("DELETE", &key).header("If-Match", "*").send().await.expect(204);
        let plan = create_plan(&server).await;
        server.patch(&plan, json!({ "owner_name": "Ben" })).await.expect(200);
        server.call("POST", &format!("{plan}/milestones/a/start")).send().await.expect(200);
        server.call("POST", &format!("{plan}/milestones/a/achieve")).send().await.expect(200);
        // What a row shows of another row changes without an entry of its own.
        server.patch(&format!("/v1/customers/{customer}"), json!({ "external_ref": "crm-2" })).await.expect(200);
        let sound = server.get("/v1/ledger/verification?deep=true").await.expect(200);
        assert_eq!((&sound["intact"], &sound["detail"]), (&json!(true), &Value::Null));
        assert!(sound["verified_rows"].as_u64().is_some_and(|rows| rows >= 11), "{sound}");
        tamper(&server, sql).await;
        assert_eq!(server.get("/v1/ledger/verification").await.expect(200)["intact"], true, "the chain is whole");
        let found = server.get("/v1/ledger/verification?deep=true").await.expect(200);
        assert_eq!(found["intact"], false, "{sql}");
        assert!(found["detail"].as_str().is_some_and(|detail| detail.contains(what)), "{sql}: {found}");
    }
}

async fn recorded_time_never_goes_back(engine: Engine) {
    let server = Server::start(engine).await;
    let event = |id: &str| {
        json!({
            "specversion": "1.0", "id": id, "source": "crm", "type": "login", "subject": "A",
            "time": "2026-05-04T09:00:00Z"
        })
    };
    let id = create_customer(&server, "A").await;
    server.post("/v1/events", event("1")).await.expect(200);
    server.clock.advance(Duration::hours(-2));
    server.patch(&format!("/v1/customers/{id}"), json!({ "owner_name": "Ben" })).await.expect(200);
    server.post("/v1/events", event("2")).await.expect(200);
    server.clock.advance(Duration::minutes(150));
    server.patch(&format!("/v1/customers/{id}"), json!({ "owner_name": "Ana" })).await.expect(200);
    let list = server.get(&format!("/v1/ledger?entity_id={id}")).await.expect(200);
    assert_eq!(
        pluck(&list, "recorded_at"),
        ["2026-05-04T12:00:00Z", "2026-05-04T12:00:00Z", "2026-05-04T12:30:00Z"],
        "the clock was set back by two hours in between"
    );
    let events = server.get("/v1/events?subject=A").await.expect(200);
    assert_eq!(pluck(&events, "received_at"), ["2026-05-04T12:00:00Z", "2026-05-04T12:00:00Z"]);
}

async fn a_plan_or_a_milestone_that_was_removed_is_missed(engine: Engine) {
    for (statements, what) in [
        (
            &[
                "DELETE FROM milestone_dependencies",
                "DELETE FROM baseline_lines WHERE milestone_id IN (SELECT id FROM milestones WHERE key = 'c')",
                "DELETE FROM milestones WHERE key = 'c'",
            ][..],
            "is missing",
        ),
        (
            &[
                "DELETE FROM milestone_dependencies",
                "DELETE FROM baseline_lines",
                "DELETE FROM baselines",
                "DELETE FROM milestones",
                "DELETE FROM plans",
            ][..],
            "is missing",
        ),
    ] {
        let server = Server::start(engine).await;
        create_plan(&server).await;
        for sql in statements {
            tamper(&server, sql).await;
        }
        let found = server.get("/v1/ledger/verification?deep=true").await.expect(200);
        assert_eq!(found["intact"], false);
        assert!(found["detail"].as_str().is_some_and(|detail| detail.contains(what)), "{found}");
    }
}
