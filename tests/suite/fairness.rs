//! Organizations beside each other: what one does to the database keeps the others from nothing, and what the database asks to
//! be tried again is tried again.

use futures_util::future::join_all;
use milepost_domain::access::Scope;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::samples::execute;

on_both_engines!(a_greedy_organization_waits_by_itself, what_the_database_asks_to_be_repeated_is_repeated,);

/// Requests of the greedy organization at once, more than may wait.
const GREEDY: usize = 200;

fn event(id: usize) -> Value {
    json!({
        "specversion": "1.0", "id": id.to_string(), "source": "crm", "type": "login", "subject": "crm-1",
        "time": "2026-05-04T12:00:00Z"
    })
}

async fn a_greedy_organization_waits_by_itself(engine: Engine) {
    let server = Server::start(engine).await;
    let other = server.key_of("Contoso", &[Scope::Admin]).await;
    server.post("/v1/events", event(0)).await.expect(200);
    // Somebody holds the rows that every write of the first organization needs. On SQLite that is everybody's.
    let mut lock = server.db().begin().await.expect("a transaction");
    if engine == Engine::Postgres {
        execute(&mut lock, "SELECT * FROM ledger_heads WHERE sequence > 0 ORDER BY organization_id LIMIT 1 FOR UPDATE")
            .await;
        execute(&mut lock, "SELECT * FROM event_heads FOR UPDATE").await;
    }
    let write = |key: &str, name: String| {
        server
            .call("POST", "/v1/customers/bulk")
            .bearer(key)
            .json(json!({ "items": [{ "external_ref": name, "name": name }] }))
            .send()
    };
    let greedy = tokio::spawn(join_all((0..GREEDY).map(|number| write(&server.key, format!("c-{number}")))));
    let events = tokio::spawn(join_all((1..=20).map(|number| server.post("/v1/events", event(number)))));
    while server.app.turns.waiting() < 100 {
        assert!(!greedy.is_finished(), "nobody waits");
        tokio::task::yield_now().await;
    }
    // While all of that waits, the other organization reads, and on PostgreSQL it writes.
    for number in 0..20 {
        server.call("GET", "/v1/customers").bearer(&other).send().await.expect(200);
        server.call("GET", "/readyz").anonymous().send().await.expect(200);
        server.get("/v1/customers").await.expect(200);
        if engine == Engine::Postgres {
            let reply = write(&other, format!("d-{number}")).await;
            assert!(reply.status.is_success(), "{}", reply.text);
            server.call("POST", "/v1/events").bearer(&other).json(event(number)).send().await.expect(200);
        }
    }
    drop(lock);
    let mut refused = 0;
    for reply in greedy.await.expect("replies") {
        if reply.status.as_u16() == 503 {
            assert_eq!(reply.header("retry-after"), "1");
            reply.problem(503, "unavailable");
            refused += 1;
        } else {
            assert!(reply.status.is_success(), "{}", reply.text);
        }
    }
    assert!((1..=GREEDY - 100).contains(&refused), "{refused} refused: whoever came last, and nobody else");
    for reply in events.await.expect("replies") {
        reply.expect(200);
    }
    let metrics = server.call("GET", "/metrics").anonymous().send().await.text;
    assert!(metrics.contains("milepost_waiting_requests{for=\"turn to write\"} 0"), "{metrics}");
}

/// Lets the next inserts of customers fail with a code, so many times.
async fn fail(server: &Server, code: &str, times: u64) {
    let mut conn = server.db().begin().await.expect("a connection");
    let sql = format!(
        "CREATE SEQUENCE IF NOT EXISTS failures; SELECT setval('failures', 1, false); \
         CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('failures') <= {times} THEN RAISE EXCEPTION 'forced' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$; \
         DROP TRIGGER IF EXISTS failing ON customers; \
         CREATE TRIGGER failing BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION fail()"
    );
    execute(&mut conn, &sql).await;
    conn.commit().await.expect("committed");
}

async fn what_the_database_asks_to_be_repeated_is_repeated(engine: Engine) {
    let server = Server::start(engine).await;
    if engine == Engine::Postgres {
        for code in ["40001", "40P01", "23505"] {
            fail(&server, code, 2).await;
            server.post("/v1/customers", json!({ "name": code })).await.expect(201);
        }
        return;
    }
    // Another program holds the file for longer than SQLite waits by itself.
    let file = server.directory.path().join("milepost.db");
    let other = milepost::store::connect::sqlite(&file).await.expect("the file");
    let lock = other.begin().await.expect("the lock");
    let write = tokio::spawn(server.post("/v1/customers", json!({ "name": "A" })));
    tokio::time::sleep(std::time::Duration::from_millis(5500)).await;
    assert!(!write.is_finished(), "it still waits");
    drop(lock);
    write.await.expect("a reply").expect(201);
}

/// On PostgreSQL only: the tests of the program fill the disk of a file.
#[test]
fn a_failure_that_stays_is_told_as_what_it_is() {
    milepost_tests::run(Engine::Postgres, fail_for_good);
}

async fn fail_for_good(engine: Engine) {
    let server = Server::start(engine).await;
    for (code, told, text) in [
        ("53100", "storage_full", "Storage is full"),
        ("55P03", "unavailable", "Other changes took too long"),
        ("40001", "unavailable", "Other changes took too long"),
        ("57P01", "unavailable", "The database cannot be reached"),
    ] {
        fail(&server, code, u64::MAX >> 1).await;
        let reply = server.post("/v1/customers", json!({ "name": "A" })).await;
        assert!(reply.body["detail"].as_str().is_some_and(|detail| detail.starts_with(text)), "{code}: {}", reply.text);
        assert!(!reply.header("retry-after").is_empty(), "{code}");
        reply.problem(503, told);
    }
    let ready = server.call("GET", "/readyz").anonymous().send().await.expect(200);
    assert_eq!(ready["status"], "read_only", "the last failure but three was of storage");
    server.get("/v1/customers").await.expect(200);
}
