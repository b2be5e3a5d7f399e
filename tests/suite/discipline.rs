//! Common behavior of all endpoints: refusals, headers and limits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use milepost::envelope;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::samples;

on_both_engines!(
    what_is_no_request_is_refused_with_a_document,
    unknown_paths_and_methods,
    media_types,
    bad_bodies_leave_nothing_behind,
    bad_parameters,
    request_ids,
    headers_of_every_answer,
    a_slow_body_is_cut_off,
    quotas,
    health,
    panics_are_answered,
    browsers_of_allowed_origins,
);

async fn unknown_paths_and_methods(engine: Engine) {
    let server = Server::start(engine).await;
    for path in ["/v1", "/v1/nothing", "/v1/plans/", "/v2/plans", "/v1/plans/not-a-uuid", "/v1/templates/%00"] {
        server.get(path).await.problem(404, "not_found");
    }
    for (method, path, allow) in [
        ("DELETE", "/v1/plans", "GET, HEAD, POST"),
        ("PUT", "/v1/customers/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/livez", "GET, HEAD"),
        ("GET", "/v1/oauth/token", "POST"),
    ] {
        let reply = server.call(method, path).send().await;
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
        reply.problem(405, "method_not_allowed");
    }
    let head = server.call("HEAD", "/v1/plans").send().await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
}

async fn media_types(engine: Engine) {
    let server = Server::start(engine).await;
    let accept = |accept: &str| server.call("GET", "/v1/customers").header("Accept", accept).send();
    accept("text/html").await.problem(406, "not_acceptable");
    for refused in ["application/json;q=0", "*/*;q=0"] {
        accept(refused).await.problem(406, "not_acceptable");
    }
    for fine in ["*/*", "application/*", "text/html, application/json;q=0.1", "application/json"] {
        accept(fine).await.expect(200);
    }
    let send = |media: &'static str| server.call("POST", "/v1/customers").body(media, "{\"name\":\"A\"}").send();
    send("text/plain").await.problem(415, "unsupported_media_type");
    send("application/x-www-form-urlencoded").await.problem(415, "unsupported_media_type");
    send("application/json; charset=utf-8").await.expect(201);
    let zipped = server.call("POST", "/v1/customers").header("Content-Encoding", "gzip");
    zipped.body("application/json", "{\"name\":\"A\"}").send().await.problem(415, "unsupported_media_type");
    let compressed = server.call("GET", "/openapi.json").anonymous().header("Accept-Encoding", "gzip").send().await;
    assert_eq!(compressed.header("content-encoding"), "gzip");
}

async fn bad_bodies_leave_nothing_behind(engine: Engine) {
    let server = Server::start(engine).await;
    let before = server.get("/v1/ledger?sort=-sequence&limit=1").await.expect(200);
    let send = |body: String| server.call("POST", "/v1/customers").body("application/json", body).send();
    send("{\"name\": ".to_owned()).await.problem(400, "malformed_body");
    send(String::new()).await.problem(400, "malformed_body");
    send("[]".to_owned()).await.problem(422, "validation_failed");
    send(format!("{{\"name\": \"{}\"}}", "x".repeat(10_000_000))).await.problem(413, "body_too_large");
    for (body, expected) in [
        (json!({}), vec![("/name", "required")]),
        (json!({ "name": 5, "color": "red" }), vec![("/color", "unknown_field"), ("/name", "wrong_type")]),
        (json!({ "name": "a\u{0}b" }), vec![("/name", "wrong_pattern")]),
        (json!({ "name": "x".repeat(201) }), vec![("/name", "too_long")]),
        (json!({ "name": "A", "segment": "" }), vec![("/segment", "too_short"), ("/segment", "wrong_pattern")]),
        (json!({ "name": "A", "owner_name": 7 }), vec![("/owner_name", "wrong_type")]),
        (
            json!({ "name": "a\u{85}b", "owner_name": "\u{90}" }),
            vec![("/name", "wrong_pattern"), ("/owner_name", "wrong_pattern")],
        ),
    ] {
        let mut found = send(body.to_string()).await.problem(422, "validation_failed");
        found.sort();
        assert_eq!(found, errors(&expected), "{body}");
    }
    let after = server.get("/v1/ledger?sort=-sequence&limit=1").await.expect(200);
    assert_eq!(before["data"], after["data"]);
    assert_eq!(server.get("/v1/customers").await.expect(200)["data"], json!([]));
}

async fn bad_parameters(engine: Engine) {
    let server = Server::start(engine).await;
    for (query, expected) in [
        ("limit=0", vec![("limit", "too_small")]),
        ("limit=201", vec![("limit", "too_large")]),
        ("limit=ten", vec![("limit", "wrong_type")]),
        ("colour=red&limit=500", vec![("colour", "unknown_parameter"), ("limit", "too_large")]),
        ("q=a&q=b", vec![("q", "repeated")]),
        ("sort=color", vec![("sort", "not_an_option")]),
        ("q=%00", vec![("q", "control_character")]),
        ("archived=perhaps", vec![("archived", "wrong_type")]),
        ("limit=1.0", vec![("limit", "wrong_type")]),
    ] {
        let found = server.get(&format!("/v1/customers?{query}")).await.problem(400, "invalid_parameter");
        assert_eq!(found, errors(&expected), "{query}");
    }
    let found = server.get("/v1/reports/spi?as_of=2026-02-30").await.problem(400, "invalid_parameter");
    assert_eq!(found, errors(&[("as_of", "wrong_format")]));
}

async fn request_ids(engine: Engine) {
    let server = Server::start(engine).await;
    let own = server.call("GET", "/livez").header("X-Request-Id", "my-own.id_7").send().await;
    assert_eq!(own.header("x-request-id"), "my-own.id_7");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = server.call("GET", "/livez").header("traceparent", trace).send().await;
    assert_eq!(traced.header("x-request-id"), "4bf92f3577b34da6a3ce929d0e0e4736");
    for bad in ["has space", "<script>", &"x".repeat(129)] {
        let made = server.call("GET", "/livez").header("X-Request-Id", bad).send().await;
        assert_eq!(made.header("x-request-id").len(), 36, "{bad}");
    }
}

async fn headers_of_every_answer(engine: Engine) {
    let server = Server::start(engine).await;
    for path in ["/livez", "/v1/plans", "/v1/nothing"] {
        let reply = server.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert!(reply.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(!reply.header("x-request-id").is_empty(), "{path}");
    }
    assert!(server.get("/v1/plans").await.header("ratelimit-policy").contains("q=60000"));
}

/// A body that arrives too slowly is refused when its time is over, no matter how long its sender would continue.
async fn a_slow_body_is_cut_off(engine: Engine) {
    let server = Server::start_with(engine, |settings| settings.body_deadline_ms = 200).await;
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.expect("a connection");
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{",
        server.key
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer)).await;
    let length = read.expect("an answer in time").expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("application/problem+json"), "{answer}");
}

async fn quotas(engine: Engine) {
    let server = Server::start_with(engine, |settings| settings.rate_limit_per_minute = 3).await;
    let stranger = server.key_of("Contoso", &[milepost_domain::access::Scope::Admin]).await;
    for left in ["r=2", "r=1", "r=0"] {
        assert!(server.get("/v1/organization").await.header("ratelimit").contains(left));
    }
    let refused = server.get("/v1/organization").await;
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=21).contains(&wait), "a third of a minute at most: {wait}");
    assert!(refused.header("ratelimit").contains("r=0"));
    refused.problem(429, "rate_limited");
    server.call("GET", "/v1/organization").bearer(&stranger).send().await.expect(200);
}

async fn health(engine: Engine) {
    let server = Server::start(engine).await;
    server.call("GET", "/livez").anonymous().send().await.expect(200);
    server.call("GET", "/readyz").anonymous().send().await.expect(200);
    samples::create_plan(&server).await;
    let metrics = server.call("GET", "/metrics").anonymous().send().await.text;
    let line = "milepost_http_requests_total{method=\"POST\",route=\"/v1/plans\",status=\"201\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    server.call("BREW", "/v1/plans").send().await.problem(405, "method_not_allowed");
    let metrics = server.call("GET", "/metrics").anonymous().send().await.text;
    assert!(metrics.contains("method=\"OTHER\"") && !metrics.contains("BREW"), "methods are anybody's to invent");
    server.app.is_accepting.store(false, std::sync::atomic::Ordering::Relaxed);
    server.call("GET", "/readyz").anonymous().send().await.problem(503, "unavailable");
    server.call("GET", "/livez").anonymous().send().await.expect(200);
}

async fn panics_are_answered(engine: Engine) {
    let server = Server::start(engine).await;
    let shared = web::Data::from(Arc::clone(&server.app));
    let boom = || async { if Instant::now().elapsed() < Duration::MAX { panic!("a secret of ours") } else { "" } };
    let http = HttpServer::new(move || {
        App::new().app_data(shared.clone()).wrap(from_fn(envelope::wrap)).route("/boom", web::get().to(boom))
    });
    let http = http.workers(1).disable_signals().bind("127.0.0.1:0").expect("a server");
    let url = format!("http://{}/boom", http.addrs()[0]);
    tokio::spawn(http.run());
    for _ in 0..2 {
        let answer = server.http.get(&url).header("X-Request-Id", "boom-1").send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 500);
        let text = answer.text().await.expect("a body");
        assert!(text.contains("\"internal\"") && text.contains("boom-1") && !text.contains("secret"), "{text}");
    }
}

async fn browsers_of_allowed_origins(engine: Engine) {
    let server =
        Server::start_with(engine, |settings| settings.cors_origins = vec!["https://app.example.com".to_owned()]).await;
    let ask = |origin: &str| {
        let call = server.call("OPTIONS", "/v1/plans").anonymous().header("Origin", origin);
        call.header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "idempotency-key,content-type")
            .send()
    };
    let allowed = ask("https://app.example.com").await;
    assert_eq!(
        (allowed.status.as_u16(), allowed.header("access-control-allow-origin").as_str()),
        (200, "https://app.example.com")
    );
    let refused = server.call("GET", "/v1/plans").anonymous().header("Origin", "https://app.example.com").send().await;
    assert_eq!(refused.header("access-control-allow-origin"), "https://app.example.com", "errors can be read too");
    refused.problem(401, "unauthenticated");
    assert_eq!(ask("https://evil.example.com").await.header("access-control-allow-origin"), "");
}

/// Sends bytes and returns everything that is answered.
async fn raw(server: &Server, bytes: &[u8]) -> String {
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(bytes).await.expect("sent");
    let mut answer = vec![];
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer));
    read.await.expect("the connection is closed").expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn what_is_no_request_is_refused_with_a_document(engine: Engine) {
    let server = Server::start(engine).await;
    let good = "GET /livez HTTP/1.1\r\nHost: milepost\r\n\r\n";
    for (bytes, status, code) in [
        ("GET /livez HTTP/1.1\r\nHost: milepost\r\nBad Header: 1\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("GET /livez HTTP/9.9\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("\x16\x03\x01\x02\r\n\r\n".to_owned(), 400, "malformed_request"),
        (format!("GET /{} HTTP/1.1\r\nHost: milepost\r\n\r\n", "a".repeat(200_000)), 431, "head_too_large"),
        (
            format!("GET /livez HTTP/1.1\r\nHost: milepost\r\nX-Long: {}\r\n\r\n", "a".repeat(200_000)),
            431,
            "head_too_large",
        ),
        // After a request that can be read, on the same connection.
        (format!("{good}GET /livez HTTP/1.1\r\nBad Header: 1\r\n\r\n"), 400, "malformed_request"),
    ] {
        let answer = raw(&server, bytes.as_bytes()).await;
        let last = answer.rfind("HTTP/1.1 ").map_or("", |at| &answer[at..]);
        let (head, body) = last.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        let head = head.to_lowercase();
        assert!(head.contains("content-type: application/problem+json"), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).expect("a problem");
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)));
        let id = problem["request_id"].as_str().expect("an id");
        assert!(head.contains(&format!("x-request-id: {id}")) && head.contains("nosniff"), "{head}");
    }
    assert!(
        raw(&server, b"GET /livez HTTP/1.1\r\nHost: milepost\r\nConnection: close\r\n\r\n").await.contains("200 OK")
    );
    let metrics = server.call("GET", "/metrics").anonymous().send().await.text;
    assert!(metrics.contains("milepost_http_malformed_requests_total{status=\"400\"} 4"), "{metrics}");
    assert!(metrics.contains("milepost_http_malformed_requests_total{status=\"431\"} 2"), "{metrics}");
}
