//! Erasure of customers and people: nothing of them is left, the ledger still holds, and others keep what is theirs.

use milepost::store::Conn;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::ledger::tamper;
use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    nothing_of_a_customer_is_left,
    others_keep_what_is_theirs,
    a_person_is_erased,
    a_dry_run_only_counts,
    emptied_entries_without_an_erasure_are_found,
);

/// Every row of every table as text, but for stored answers, which end by themselves, and the bare references of erased subjects.
async fn everything(server: &Server) -> String {
    const APART: [&str; 2] = ["idempotency_keys", "usage_rewrites"];
    let mut all = String::new();
    match server.db().begin().await.expect("a connection") {
        Conn::Sqlite(mut db) => {
            let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
                .fetch_all(&mut *db)
                .await
                .expect("tables");
            for table in tables.iter().filter(|table| !APART.contains(&table.as_str())) {
                let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
                    .bind(table)
                    .fetch_all(&mut *db)
                    .await
                    .expect("columns");
                for column in columns {
                    let sql = format!("SELECT CAST(COALESCE(\"{column}\", '') AS BLOB) FROM \"{table}\"");
                    let values: Vec<Vec<u8>> =
                        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *db).await.expect("values");
                    all.extend(values.iter().map(|value| String::from_utf8_lossy(value).into_owned() + "\n"));
                }
            }
        }
        Conn::Postgres(mut db) => {
            let tables: Vec<String> = sqlx::query_scalar(
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()",
            )
            .fetch_all(&mut *db)
            .await
            .expect("tables");
            for table in tables.iter().filter(|table| !APART.contains(&table.as_str())) {
                let sql = format!("SELECT t::text FROM \"{table}\" t");
                let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *db).await.expect("rows");
                all.extend(rows.into_iter().map(|row| row + "\n"));
            }
        }
    }
    all
}

async fn erase(server: &Server, path: &str) -> Value {
    let tag = server.get(path).await.header("etag");
    server.call("POST", &format!("{path}/erase")).header("If-Match", &tag).send().await.expect(200)
}

async fn is_intact(server: &Server) {
    let found = server.get("/v1/ledger/verification?deep=true").await.expect(200);
    assert_eq!((&found["intact"], &found["detail"]), (&json!(true), &Value::Null), "{found}");
}

/// A customer with one of everything, all of which name it: `Zebra` or `zebra`.
async fn customer_with_everything(server: &Server) -> String {
    create(server, "/v1/metrics", json!({ "key": "uses", "event_type": "used", "aggregate": "count" })).await;
    let customer = json!({ "name": "Zebra", "external_ref": "zebra", "annual_revenue_minor": 1 });
    let customer = create(server, "/v1/customers", customer).await;
    let duplicate = create(server, "/v1/customers", json!({ "name": "Zebra 2", "external_ref": "zebra-2" })).await;
    create(server, "/v1/customers", json!({ "name": "Part", "external_ref": "part", "parent_ref": "zebra" })).await;
    let person =
        json!({ "name": "Zebra Ana", "kind": "participant", "external_ref": "zebra-ana", "customer_ref": "zebra-2" });
    let person = create(server, "/v1/people", person).await;
    let milestone = json!({ "key": "a", "name": "Zebra goes live", "planned_on": "2026-05-01", "acceptance_criteria": ["Zebra agrees."] });
    let own = json!({ "name": "Zebra rollout", "start_on": "2026-04-01", "customer_ref": "zebra", "milestones": [milestone] });
    let plan = create(server, "/v1/plans", own).await;
    let coaching = json!({ "name": "Zebra coaching", "start_on": "2026-04-01", "person_ref": "zebra-ana", "template": "onboarding" });
    create(server, "/v1/plans", coaching).await;
    let change = json!({ "forecast_on": "2026-05-20", "reason": "Zebra was late." });
    server.post(&format!("{plan}/milestones/a/forecast-changes"), change).await.expect(201);
    create(
        server,
        &format!("{plan}/costs"),
        json!({ "incurred_on": "2026-05-01", "amount_minor": 5, "note": "Zebra" }),
    )
    .await;
    server.post(&format!("{plan}/share-links"), json!({})).await.expect(201);
    let finding = json!({ "key": "a", "cause": "Zebra is late.", "action": "Call Zebra." });
    server.post(&format!("{plan}/reviews"), json!({ "findings": [finding] })).await.expect(201);
    create(server, &format!("{customer}/pulses"), json!({ "score": 10, "note": "Zebra is unhappy." })).await;
    let set = json!({ "score": 20, "reason": "Zebra said so.", "expires_on": "2026-05-20" });
    create(server, &format!("{customer}/health/overrides"), set).await;
    create(
        server,
        &format!("{customer}/outcomes"),
        json!({ "kind": "renewed", "occurred_on": "2026-05-03", "note": "Zebra" }),
    )
    .await;
    let call = json!({ "kind": "coaching", "title": "Call Zebra", "due_on": "2026-06-01", "customer_ref": "zebra" });
    let call = create(server, "/v1/interventions", call).await;
    create(server, &format!("{call}/notes"), json!({ "text": "Zebra will call back." })).await;
    server.get("/v1/reports/health").await.expect(200);
    let event = |id: &str, subject: Option<&str>, person: &str| json!({ "id": id, "source": "app", "type": "used", "time": "2026-05-03T09:00:00Z", "subject": subject, "person": person });
    let events = json!([
        event("1", Some("zebra"), "zebra-eve"),
        event("2", Some("zebra-2"), "zebra-ana"),
        event("3", None, "zebra-ana"),
        event("4", Some("other"), "zebra-ana"),
        event("5", Some("other"), "somebody")
    ]);
    assert_eq!(server.post("/v1/events", events).await.expect(200)["rejected"], 0);
    server
        .call("POST", "/v1/events")
        .body("application/x-ndjson", "{\"id\": NaN, \"subject\": \"zebra\"}")
        .send()
        .await
        .expect(207);
    let group = json!({ "userId": "zebra-ana", "groupId": "zebra", "traits": { "name": "Zebra" } });
    server.post("/v1/segment/group", group).await.expect(200);
    let merge = json!({ "duplicate_id": duplicate.rsplit('/').next(), "reason": "Zebra was imported twice." });
    server.post(&format!("{customer}/merges"), merge).await.expect(201);
    server.patch(&person, json!({ "email": "ana@zebra.example" })).await.expect(200);
    customer
}

async fn nothing_of_a_customer_is_left(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "other").await;
    let customer = customer_with_everything(&server).await;
    server.get("/v1/plans").await.expect(200);
    assert!(everything(&server).await.to_lowercase().matches("zebra").count() > 50, "the search finds what is there");
    let report = erase(&server, &customer).await;
    let counts = ["customers", "people", "plans", "interventions", "usage_events"].map(|name| report[name].clone());
    assert_eq!(json!(counts), json!([2, 1, 2, 1, 4]), "{report}");
    let left = everything(&server).await.to_lowercase();
    // What the ledger says of a part names the reference of what it was a part of.
    let of_part = |line: &str| line.contains("parent_ref") && line.matches("zebra").count() == 1;
    let left: Vec<&str> = left.lines().filter(|line| line.contains("zebra") && !of_part(line)).collect();
    assert_eq!(left, Vec::<&str>::new());
    is_intact(&server).await;
    server.get(&customer).await.problem(404, "not_found");
    assert_eq!(server.get("/v1/plans").await.expect(200)["data"], json!([]), "nor in memory");
    let part = server.get("/v1/customers/by-ref/part").await.expect(200);
    assert_eq!(part["parent_id"], Value::Null);
    let id = customer.rsplit('/').next().expect("an id");
    let entries = server.get(&format!("/v1/ledger?entity_id={id}")).await.expect(200);
    let actions = pluck(&entries, "action");
    assert_eq!((actions[0], actions[actions.len() - 1]), (&json!("customer.created"), &json!("customer.erased")));
    let first = &entries["data"][0];
    assert_eq!((&first["after"], &first["content_salt"]), (&Value::Null, &Value::Null));
    assert!(first["erased_at"].is_string() && first["content_digest"].is_string(), "{first}");
    let again = create(&server, "/v1/customers", json!({ "name": "New", "external_ref": "zebra" })).await;
    let metrics = server.get(&format!("{again}/metrics?window=all")).await.expect(200);
    assert_eq!(metrics["data"][0]["value"], 0.0, "whoever gets the reference begins with nothing");
    let report = server.get("/v1/reports/health").await.expect(200);
    assert_eq!(pluck(&report, "name"), ["New", "other", "Part"]);
}

async fn others_keep_what_is_theirs(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "other").await;
    let customer = customer_with_everything(&server).await;
    let other = customer_like(&server, "Yak").await;
    let before = (server.get(&other).await.expect(200), server.get("/v1/plans?customer_ref=Yak").await.expect(200));
    erase(&server, &customer).await;
    let after = (server.get(&other).await.expect(200), server.get("/v1/plans?customer_ref=Yak").await.expect(200));
    assert_eq!(after, before);
    let metrics = server.get("/v1/customers/by-ref/other/metrics?window=all").await.expect(200);
    assert_eq!(metrics["data"][0]["value"], 1.0, "all but what the erased person did there");
    let known = server.get("/v1/reports/spi?known_at=2026-05-04T12:00:00Z").await.expect(200);
    assert_eq!(pluck(&known, "customer_ref"), ["Yak"], "also when the past is asked");
    let tag = server.get(&other).await.header("etag");
    let path = format!("{other}/erase");
    server.call("POST", &path).send().await.problem(428, "version_required");
    server.call("POST", &path).header("If-Match", "\"7\"").send().await.problem(412, "version_mismatch");
    server.call("POST", &path).header("If-Match", &tag).send().await.expect(200);
    is_intact(&server).await;
}

/// A customer with a plan.
async fn customer_like(server: &Server, name: &str) -> String {
    let id = create_customer(server, name).await;
    let mut plan = crate::samples::plan();
    plan["customer_ref"] = json!(name);
    create(server, "/v1/plans", plan).await;
    format!("/v1/customers/{id}")
}

async fn a_person_is_erased(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "other").await;
    customer_with_everything(&server).await;
    let person = server.get("/v1/people/by-ref/zebra-ana").await.expect(200);
    let person = format!("/v1/people/{}", person["id"].as_str().expect("an id"));
    server.patch(&person, json!({ "external_ref": "ana@zebra.example" })).await.expect(200);
    let report = erase(&server, &person).await;
    let counts = ["customers", "people", "plans", "usage_events"].map(|name| report[name].clone());
    assert_eq!(json!(counts), json!([0, 1, 1, 3]), "{report}");
    let left = everything(&server).await.to_lowercase();
    let left: Vec<&str> =
        left.lines().filter(|line| line.contains("zebra-ana") || line.contains("ana@zebra")).collect();
    assert_eq!(left, Vec::<&str>::new());
    assert_eq!(pluck(&server.get("/v1/plans").await.expect(200), "name"), ["Zebra rollout"]);
    is_intact(&server).await;
}

async fn a_dry_run_only_counts(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "other").await;
    let customer = customer_with_everything(&server).await;
    let before = everything(&server).await;
    let tag = server.get(&customer).await.header("etag");
    let call = server.call("POST", &format!("{customer}/erase?dry_run=true")).header("If-Match", &tag);
    let mut counted = call.send().await.expect(200);
    assert_eq!(everything(&server).await, before);
    counted["dry_run"] = json!(false);
    assert_eq!(erase(&server, &customer).await, counted);
}

async fn emptied_entries_without_an_erasure_are_found(engine: Engine) {
    for sql in [
        "UPDATE ledger_entries SET after = NULL, content_salt = NULL, erased_at = '2026-05-04 12:00:00+00:00' WHERE sequence = 3",
        "UPDATE ledger_entries SET after = NULL WHERE sequence = 3",
        "UPDATE ledger_entries SET content_salt = NULL WHERE sequence = 3",
        "UPDATE ledger_entries SET erased_at = '2026-05-04 12:00:00+00:00' WHERE sequence = 3",
    ] {
        let server = Server::start(engine).await;
        create_customer(&server, "A").await;
        tamper(&server, sql).await;
        let found = server.get("/v1/ledger/verification").await.expect(200);
        assert_eq!((&found["intact"], &found["first_broken_sequence"]), (&json!(false), &json!(3)), "{sql}: {found}");
    }
    // An erased entry is not filled again.
    let server = Server::start(engine).await;
    let id = create_customer(&server, "A").await;
    erase(&server, &format!("/v1/customers/{id}")).await;
    is_intact(&server).await;
    tamper(&server, "UPDATE ledger_entries SET after = '{\"name\": \"B\"}' WHERE erased_at IS NOT NULL").await;
    let found = server.get("/v1/ledger/verification").await.expect(200);
    assert_eq!(found["intact"], false);
}
