//! Outage and recovery of the database. Only for PostgreSQL, because a file does not become unavailable.

use std::time::Duration;

use milepost_tests::{Engine, POSTGRES, Server};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::task::JoinSet;

/// Proxy that forwards connections to the socket of the temporary server until it is dropped.
fn proxy(listener: TcpListener, socket: String) -> JoinSet<()> {
    let mut accepting = JoinSet::new();
    accepting.spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((mut inbound, _)) = listener.accept().await {
            let socket = socket.clone();
            open.spawn(async move {
                if let Ok(mut outbound) = UnixStream::connect(&socket).await {
                    let _ = copy_bidirectional(&mut inbound, &mut outbound).await;
                }
            });
        }
    });
    accepting
}

#[test]
fn an_outage_answers_503_at_once_and_heals_by_itself() {
    milepost_tests::run(Engine::Postgres, |engine| async move {
        let server_url = std::env::var(POSTGRES).expect("a PostgreSQL server");
        let Some((_, directory)) = server_url.split_once('@').filter(|(_, rest)| rest.starts_with("%2F")) else {
            return; // An external server over TCP has no socket to put a proxy in front of.
        };
        let directory = directory.split('/').next().expect("a directory").replace("%2F", "/");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let socket = format!("{directory}/.s.PGSQL.5432");
        let alive = proxy(listener, socket.clone());
        let server = Server::start_with(engine, |settings| {
            let url = settings.storage.database_url.as_mut().expect("a database");
            let name = url.rsplit('/').next().expect("its name").to_owned();
            *url = format!("postgres://milepost@{address}/{name}");
        })
        .await;
        server.post("/v1/customers", json!({ "name": "A" })).await.expect(201);
        drop(alive);
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in 0..3 {
            // The design allows two seconds. The test only requires a response while a client still waits.
            let refused = tokio::time::timeout(Duration::from_secs(10), server.get("/v1/customers")).await;
            let refused = refused.expect("an answer while the client waits");
            assert_eq!(refused.header("retry-after"), "1");
            assert!(!refused.text.contains("127.0.0.1"), "no internals: {}", refused.text);
            refused.problem(503, "unavailable");
            server.call("GET", "/livez").anonymous().send().await.expect(200);
            server.call("GET", "/readyz").anonymous().send().await.problem(503, "unavailable");
        }
        // The second proxy ends with this test.
        milepost_tests::leave_ledgers_unchecked();
        let _alive = proxy(TcpListener::bind(address).await.expect("the same port"), socket);
        let healed = server.get("/v1/customers").await.expect(200);
        assert_eq!(healed["data"][0]["name"], "A");
        server.post("/v1/customers", json!({ "name": "B" })).await.expect(201);
    });
}
