//! Clients that go away in the middle of a request leave nothing behind: no transaction, no connection that reads the past,
//! and no request that is counted for ever.

use std::time::Duration;

use futures_util::future::join_all;
use milepost::store::Db;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::samples::{create_customer, create_plan};

on_both_engines!(a_storm_of_resets_leaves_nothing_behind);

/// Number of clients at once.
const CLIENTS: u64 = 16;
/// Number of requests of each.
const REQUESTS: u64 = 60;

/// Sends a request and resets the connection a moment later.
async fn send_and_reset(address: &str, request: &str, micros: u64) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_zero_linger().expect("a socket that resets");
    stream.write_all(request.as_bytes()).await.expect("a request");
    tokio::time::sleep(Duration::from_micros(micros)).await;
}

/// A request of every kind: reads in one statement and in many, of every report and of the past, shared pages, and writes.
async fn every_kind(server: &Server, customer: &str) -> Vec<String> {
    let plan = create_plan(server).await;
    let link = server.post(&format!("{plan}/share-links"), json!({ "name": "L" })).await.expect(201);
    let share = link["path"].as_str().expect("a path").to_owned();
    let get =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: milepost\r\nAuthorization: Bearer {}\r\n\r\n", server.key);
    let send = |method: &str, path: &str, media_type: &str, body: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: milepost\r\nAuthorization: Bearer {}\r\nIf-Match: *\r\nContent-Type: {media_type}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            server.key,
            body.len()
        )
    };
    let event = r#"{"specversion": "1.0", "id": "1", "source": "crm", "type": "login", "subject": "crm-1"}"#;
    let items = r#"{"items": [{"name": "A", "external_ref": "a"}, {"name": "B", "external_ref": "b"}]}"#;
    let shared = |path: &str| format!("GET {share}{path} HTTP/1.1\r\nHost: milepost\r\n\r\n");
    vec![
        get(&plan),
        get(&format!("{plan}/milestones")),
        get(&format!("/v1/customers/{customer}/health")),
        get("/v1/reports/health"),
        get("/v1/ledger/verification?deep=true"),
        get("/v1/reports/spi?as_of=2026-05-01"),
        get(&format!("{plan}/earned-value?known_at=2026-05-04T12:00:00Z")),
        get(&format!("{plan}/status-report")),
        get("/v1/events"),
        shared(""),
        shared("/calendar.ics"),
        send("POST", "/v1/customers", "application/json", r#"{"name": "Storm"}"#),
        send("POST", "/v1/customers/bulk", "application/json", items),
        send("PATCH", &plan, "application/merge-patch+json", r#"{"owner_name": "Storm"}"#),
        send("POST", "/v1/events", "application/json", event),
        send(
            "POST",
            "/v1/plans/import?name=P&start_on=2026-05-04&dry_run=true",
            "text/csv",
            "key,name,planned_on\na,A,2026-05-05\n",
        ),
        send("POST", "/v1/ledger/checkpoints", "application/json", ""),
    ]
}

async fn a_storm_of_resets_leaves_nothing_behind(engine: Engine) {
    let server = Server::start(engine).await;
    let customer = create_customer(&server, "crm-1").await;
    let requests = every_kind(&server, &customer).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let storm = (0..CLIENTS).map(|client| {
        let (address, requests) = (address.clone(), &requests);
        async move {
            for turn in 0..REQUESTS {
                let request = &requests[usize::try_from(client + turn).expect("small") % requests.len()];
                // Spread over 0 to 6 ms, so that a request is cut at every stage.
                send_and_reset(&address, request, (client * REQUESTS + turn) * 6_007 % 6_000).await;
            }
        }
    });
    // Others may have to wait for their turn, and nothing worse.
    let others = async {
        for _ in 0..30 {
            let status = server.get(&format!("/v1/customers/{customer}")).await.status.as_u16();
            assert!(matches!(status, 200 | 503), "{status} to somebody else");
        }
    };
    tokio::join!(join_all(storm), others);

    // What was begun is carried to its end, which may take a moment after the last client has gone.
    let mut in_flight = String::new();
    for _ in 0..200 {
        let metrics = server.call("GET", "/metrics").send().await.text;
        let gauge = metrics.lines().find(|line| line.starts_with("milepost_http_requests_in_flight "));
        in_flight = gauge.unwrap_or_default().to_owned();
        if in_flight.ends_with(" 1") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(in_flight, "milepost_http_requests_in_flight 1", "only the request that asks");
    reads_are_fresh(&server, &format!("/v1/customers/{customer}")).await;
    if let Db::Postgres(pools) = server.db() {
        let open: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        )
        .fetch_one(&pools.probe.pool)
        .await
        .expect("the server's sessions");
        assert_eq!(open, 0, "sessions that stay in a transaction");
    }
    assert_eq!(server.get("/v1/ledger/verification").await.expect(200)["intact"], true);
}

/// Whoever reads now reads what was just written, on every connection of either replica.
async fn reads_are_fresh(server: &Server, path: &str) {
    let settings = server.app.settings.clone();
    let database = milepost::database::open_database(&settings.storage).await.expect("the same database");
    let second = milepost::serve::wire(settings, database, server.clock.clone());
    let second = milepost::serve::bind(second.await.expect("another replica")).expect("a server");
    let (second_url, handle) = (format!("http://{}", second.address), second.handle());
    let serving = tokio::spawn(async move { second.until_stopped().await });
    let read_from = |url: &str| server.http.get(format!("{url}{path}")).bearer_auth(&server.key).send();
    for turn in 0..20 {
        let owner_name = format!("Owner {turn}");
        server.patch(path, json!({ "owner_name": owner_name })).await.expect(200);
        let reads = (0..CLIENTS).map(|client| read_from(if client % 2 == 0 { &server.url } else { &second_url }));
        for read in join_all(reads).await {
            let body: serde_json::Value = read.expect("an answer").json().await.expect("JSON");
            assert_eq!(body["owner_name"], owner_name, "a read of the past");
        }
    }
    // A key that is revoked is revoked for every connection.
    let client = server.post("/v1/api-clients", json!({ "name": "C", "scopes": ["customers:read"] })).await.expect(201);
    let secret = client["key"]["secret"].as_str().expect("a secret");
    server.call("GET", path).bearer(secret).send().await.expect(200);
    let client = format!("/v1/api-clients/{}", client["id"].as_str().expect("an id"));
    server.call("DELETE", &client).header("If-Match", "*").send().await.expect(204);
    let refused = join_all((0..CLIENTS).map(|_| server.call("GET", path).bearer(secret).send())).await;
    assert!(refused.iter().all(|reply| reply.status.as_u16() == 401));
    handle.stop(false).await;
    serving.await.expect("ended").expect("ended well");
}
