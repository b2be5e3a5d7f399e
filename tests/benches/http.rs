//! Benchmarks of the service under load over loopback. Results are ratios to a floor that is measured in the same run:
//! a static JSON response of the bare framework. Absolute numbers apply only to the machine; the ratios are the result.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program that measures and tells")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts of requests are far from the limits of any number"
)]

use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Days, NaiveDate, Utc};
use milepost::ingest::event::{Form, identity, read_event};
use milepost::store::usage_events::{self, NewEvent};
use milepost_domain::usage::event::UsageEvent;
use milepost_tests::{Engine, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: usize = 32;
const MEASURED: Duration = Duration::from_secs(4);
const PLANS: usize = 1_000;
const MILESTONES_A_PLAN: usize = 20;

/// Measurements of one path.
struct Seen {
    per_second: f64,
    median: Duration,
    p99: Duration,
}

#[actix_web::main]
async fn main() {
    let asked_for = |name: &str| std::env::args().any(|argument| argument == name);
    if asked_for("events") {
        tell_all_events().await;
        std::process::exit(0);
    }
    if asked_for("growth") {
        for engine in engines() {
            tell_growth(engine).await;
        }
        std::process::exit(0);
    }
    if asked_for("health") {
        for engine in engines() {
            tell_health(engine).await;
        }
        std::process::exit(0);
    }
    let floor = floor();
    let address = floor.trim_start_matches("http://").to_owned();
    println!("{:<58} {:>10} {:>9} {:>10} {:>10}", "", "req/s", "of floor", "p50", "p99");
    let base = load(&address, "/", "", "application/json").await;
    let tell = |name: &str, seen: &Seen| {
        let ratio = seen.per_second / base.per_second;
        println!("{name:<58} {:>10.0} {ratio:>9.3} {:>10.1?} {:>10.1?}", seen.per_second, seen.median, seen.p99);
    };
    tell("floor: static JSON by the bare framework", &base);

    let server = Server::start_with(Engine::Sqlite, |settings| {
        settings.workers = None;
        settings.rate_limit_per_minute = u32::MAX;
        settings.share_rate_limit_per_minute = u32::MAX;
    })
    .await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let measure = async |name: &str, path: &str, accept: &str| {
        let seen = load(&address, path, &server.key, accept).await;
        tell(name, &seen);
        seen
    };
    measure("static JSON through our middleware (/livez)", "/livez", "application/json").await;

    let plan = fill(&server).await;
    let as_of = "2026-05-04";
    measure("earned value of one plan", &format!("{plan}/earned-value?as_of={as_of}"), "application/json").await;
    measure("one plan as it stands", &plan, "application/json").await;
    measure("its 20 milestones, from rows", &format!("{plan}/milestones"), "application/json").await;
    let report = format!("/v1/reports/spi?as_of={as_of}");
    measure("portfolio of 1,000 x 20: page of 50 and the total", &report, "application/json").await;
    measure("portfolio of 1,000 x 20: page of 200 and the total", &format!("{report}&limit=200"), "application/json")
        .await;
    measure("portfolio of 1,000 x 20: whole as NDJSON, computed", &report, "application/x-ndjson").await;
    measure("probable finish of 20 milestones, 10,000 samples", &format!("{plan}/simulation"), "application/json")
        .await;
    let link = server.post(&format!("{plan}/share-links"), json!({})).await.expect(201);
    let shared = link["path"].as_str().expect("a path");
    let one = load_with(&address, shared, "", "text/html", 1).await;
    tell("a client's page with both pictures, one at a time", &one);
    measure("a client's page with both pictures", shared, "text/html").await;
    let page = "/v1/milestones?limit=50";
    let first = measure("page of 50 milestones of 20,000: the first", page, "application/json").await;
    let cursor = deep_cursor(&server, page).await;
    let deep = format!("{page}&cursor={cursor}");
    let deep = measure("page of 50 milestones of 20,000: a late one", &deep, "application/json").await;
    println!("\na late page of milestones against the first: {:.2}", deep.per_second / first.per_second);
    tell_all_events().await;
    for engine in engines() {
        tell_health(engine).await;
    }
    std::process::exit(0);
}

/// Returns SQLite, and PostgreSQL if a server is available.
fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Sqlite];
    if std::env::var_os(milepost_tests::POSTGRES).is_some() {
        engines.push(Engine::Postgres);
    }
    engines
}

/// A server that only returns a static response.
fn floor() -> String {
    let answer = || async { HttpResponse::Ok().content_type("application/json").body("{\"status\":\"ok\"}") };
    let http = HttpServer::new(move || App::new().route("/", web::get().to(answer))).disable_signals();
    let http = http.bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", http.addrs()[0]);
    tokio::spawn(http.run());
    url
}

/// Sends the same request repeatedly on several connections for a period of time.
async fn load(address: &str, path: &str, key: &str, accept: &str) -> Seen {
    load_with(address, path, key, accept, CONNECTIONS).await
}

async fn load_with(address: &str, path: &str, key: &str, accept: &str, connections: usize) -> Seen {
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: {accept}\r\nauthorization: Bearer {key}\r\n\r\n");
    one(&mut TcpStream::connect(address).await.expect("a connection"), &request, &mut Vec::new()).await;
    let until = Instant::now() + MEASURED;
    let started = Instant::now();
    let workers = (0..connections).map(|_| {
        let (address, request) = (address.to_owned(), request.clone());
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(&address).await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let (mut times, mut buffer) = (Vec::new(), Vec::new());
            while Instant::now() < until {
                let sent = Instant::now();
                one(&mut stream, &request, &mut buffer).await;
                times.push(sent.elapsed());
            }
            times
        })
    });
    let mut times: Vec<Duration> = vec![];
    for worker in futures_util::future::join_all(workers).await {
        times.extend(worker.expect("a worker"));
    }
    let took = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Seen { per_second: times.len() as f64 / took, median: at(0.5), p99: at(0.99) }
}

/// Sends one request and reads the whole response, which must be a 200.
async fn one(stream: &mut TcpStream, request: &str, buffer: &mut Vec<u8>) {
    stream.write_all(request.as_bytes()).await.expect("sent");
    buffer.clear();
    let head = loop {
        assert!(stream.read_buf(buffer).await.expect("an answer") > 0, "closed: {}", String::from_utf8_lossy(buffer));
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head]).expect("a head").to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(buffer));
    let length =
        text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
    loop {
        let is_whole = match length {
            Some(length) => buffer.len() >= head + length,
            None => buffer.ends_with(b"0\r\n\r\n"),
        };
        if is_whole {
            return;
        }
        assert!(stream.read_buf(buffer).await.expect("an answer") > 0, "closed early");
    }
}

/// Creates a thousand plans of twenty milestones through the API; returns one of them.
async fn fill(server: &Server) -> String {
    let mut plan = String::new();
    for n in 0..PLANS {
        let milestone = |m: usize| {
            let planned_on = day(n % 200 + m * 5);
            let is_past = planned_on < date("2026-05-01");
            json!({ "key": format!("m{m}"), "name": format!("Milestone {m}"), "owner_name": "Ana", "weight": m % 5 + 1, "planned_on": planned_on,
                    "actual_on": if is_past && !m.is_multiple_of(4) { json!(planned_on) } else { Value::Null } })
        };
        let milestones: Vec<Value> = (0..MILESTONES_A_PLAN).map(milestone).collect();
        let draft = json!({ "name": format!("Plan {n:04}"), "start_on": "2026-01-01", "milestones": milestones });
        let created = server.post("/v1/plans", draft).await;
        plan = created.header("location");
        created.expect(201);
    }
    plan
}

/// Returns a cursor that a client would have after reading almost to the end.
async fn deep_cursor(server: &Server, page: &str) -> String {
    let first = server.get(page).await.expect(200);
    let text = BASE64_URL_SAFE_NO_PAD.decode(first["next_cursor"].as_str().expect("a cursor")).expect("base64");
    let mut cursor: Value = serde_json::from_slice(&text).expect("JSON");
    cursor["k"]["d"] = json!(day(199 + (MILESTONES_A_PLAN - 1) * 5) - Days::new(7));
    BASE64_URL_SAFE_NO_PAD.encode(cursor.to_string())
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn day(n: usize) -> NaiveDate {
    date("2026-01-01") + Days::new(n as u64)
}

/// Measures usage events per second over HTTP, in requests of `size` events.
async fn events(server: &Server, size: usize, round: &str) -> f64 {
    let address = server.url.trim_start_matches("http://").to_owned();
    let until = Instant::now() + MEASURED;
    let started = Instant::now();
    let connections = if size > 1 { 16 } else { 256 };
    let workers = (0..connections).map(|worker: usize| {
        let (address, key, round) = (address.clone(), server.key.clone(), round.to_owned());
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(&address).await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let (mut sent, mut buffer) = (0, Vec::new());
            while Instant::now() < until {
                let text = |n: usize| {
                    let id = format!("{round}-{worker}-{}", sent + n);
                    format!("{{\"id\":\"{id}\",\"source\":\"bench\",\"type\":\"login\",\"subject\":\"bench\",\"time\":\"2026-05-04T10:00:00Z\",\"data\":{{\"n\":1}}}}")
                };
                let body = format!("[{}]", (0..size).map(text).collect::<Vec<_>>().join(","));
                let request = format!(
                    "POST /v1/events?results=errors HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                one(&mut stream, &request, &mut buffer).await;
                sent += size;
            }
            sent
        })
    });
    let sent: usize =
        futures_util::future::join_all(workers).await.into_iter().map(|done| done.expect("a worker")).sum();
    sent as f64 / started.elapsed().as_secs_f64()
}

/// Measures the floor for events: the same rows are inserted into the same table over one connection by the library
/// alone, with a fixed number of rows per transaction.
async fn raw_events(server: &Server, at_once: usize) -> f64 {
    let (db, organization_id, now) = (server.db(), server.organization_id, server.clock.now());
    let value = |n: usize| json!({ "id": n.to_string(), "source": "raw", "type": "login", "subject": "bench", "time": "2026-05-04T10:00:00Z", "data": { "n": 1 } });
    let until = Instant::now() + MEASURED;
    let started = Instant::now();
    let mut sent = 0;
    while Instant::now() < until {
        let events: Vec<UsageEvent> =
            (sent..sent + at_once).map(|n| read_event(&value(n), Form::Plain, now).expect("an event")).collect();
        let mut conn = db.begin().await.expect("a transaction");
        let first = i64::try_from(sent).expect("a number") + 1;
        let rows = (first..).zip(&events).map(|(sequence, event)| row(sequence, event, organization_id, now));
        usage_events::insert(&mut conn, organization_id, &rows.collect::<Vec<_>>()).await.expect("written");
        conn.commit().await.expect("committed");
        sent += at_once;
    }
    sent as f64 / started.elapsed().as_secs_f64()
}

/// The row of an event whose customer is known.
fn row(sequence: i64, event: &UsageEvent, organization_id: Uuid, received_at: DateTime<Utc>) -> NewEvent<'_> {
    NewEvent {
        sequence,
        key: identity(event, organization_id),
        event,
        subject: event.subject.clone(),
        by_person: false,
        received_at,
        held_for: None,
    }
}

/// Runs the benchmark on each available engine.
async fn tell_all_events() {
    for engine in engines() {
        tell_events(engine).await;
    }
}

/// Starts a server without limits, with the customer to which the benchmark's events belong.
async fn start_for_events(engine: Engine) -> Server {
    let server = Server::start_with(engine, |settings| {
        settings.workers = None;
        settings.rate_limit_per_minute = u32::MAX;
        settings.share_rate_limit_per_minute = u32::MAX;
    })
    .await;
    server.post("/v1/customers", json!({ "name": "Bench", "external_ref": "bench" })).await.expect(201);
    server
}

/// Measures the cost of an event when ten thousand, a million and ten million events are stored, in requests of 100
/// events, together with the floor.
async fn tell_growth(engine: Engine) {
    let server = start_for_events(engine).await;
    println!("\n{:<58} {:>10}", format!("requests of 100 events on {engine:?}"), "events/s");
    let mut stored = 0;
    for wanted in [10_000, 1_000_000, 10_000_000] {
        fill_events(&server, stored, wanted).await;
        let seen = events(&server, 100, &format!("growth-{wanted}")).await;
        println!("{:<58} {seen:>10.0}", format!("with {wanted} stored"));
        stored = server.get("/v1/events/lag").await.expect(200)["received_seq"].as_i64().expect("a number");
    }
}

/// Fills the table up to a number of events, without the API.
async fn fill_events(server: &Server, stored: i64, wanted: i64) {
    let (organization_id, now) = (server.organization_id, server.clock.now());
    let value = |n: i64| json!({ "id": n.to_string(), "source": "fill", "type": "login", "subject": "bench", "time": "2026-05-04T10:00:00Z", "data": { "n": 1 } });
    let mut next = stored;
    while next < wanted {
        let last = (next + 5_000).min(wanted);
        let batch: Vec<UsageEvent> =
            (next..last).map(|n| read_event(&value(n), Form::Plain, now).expect("an event")).collect();
        let mut conn = server.db().begin().await.expect("a transaction");
        let count = i64::try_from(batch.len()).expect("a number");
        let first = usage_events::take_numbers(&mut conn, organization_id, count, now).await.expect("numbers").0 + 1;
        let rows = (first..).zip(&batch).map(|(sequence, event)| row(sequence, event, organization_id, now));
        usage_events::insert(&mut conn, organization_id, &rows.collect::<Vec<_>>()).await.expect("written");
        conn.commit().await.expect("committed");
        next = last;
    }
}

/// Measures the health computation of 1,000 customers with 100 events each.
async fn tell_health(engine: Engine) {
    let server = start_for_events(engine).await;
    let customers: Vec<Value> =
        (0..1_000).map(|n| json!({ "external_ref": format!("c{n}"), "name": format!("Customer {n}") })).collect();
    for some in customers.chunks(500) {
        server.post("/v1/customers/bulk", json!({ "items": some })).await.expect(200);
    }
    for n in 0..100 {
        let day = 1 + n % 30;
        let sent: Vec<Value> = (0..1_000)
            .map(|c| json!({ "id": format!("{c}-{n}"), "source": "bench", "type": format!("app.{}", n % 5), "subject": format!("c{c}"), "time": format!("2026-04-{day:02}T10:00:00Z") }))
            .collect();
        server.post("/v1/events?results=errors", json!(sent)).await.expect(200);
    }
    println!("\nhealth of 1,000 customers with 100 events each on {engine:?}");
    let started = Instant::now();
    server.get("/v1/reports/health").await.expect(200);
    println!("{:<58} {:>10.1?}", "the first report: all of them computed", started.elapsed());
    let address = server.url.trim_start_matches("http://").to_owned();
    let tell = |name: &str, seen: &Seen| println!("{name:<58} {:>10.0} req/s {:>10.1?}", seen.per_second, seen.median);
    tell(
        "the report when nothing has changed",
        &load(&address, "/v1/reports/health", &server.key, "application/json").await,
    );
    let one = "/v1/customers/by-ref/c7/health";
    tell("one customer's health, computed", &load(&address, one, &server.key, "application/json").await);
    let started = Instant::now();
    for n in 0..20 {
        let event = json!([{ "id": format!("late-{n}"), "source": "bench", "type": "app.1", "subject": format!("c{n}"), "time": "2026-05-01T10:00:00Z" }]);
        server.post("/v1/events", event).await.expect(200);
        server.get("/v1/reports/health").await.expect(200);
    }
    println!("{:<58} {:>10.1?}", "an event, and the report with its customer computed anew", started.elapsed() / 20);
}

/// Measures the intake of events on one engine, with its own floor.
async fn tell_events(engine: Engine) {
    let floor = raw_events(&start_for_events(engine).await, 2_000).await;
    println!("\n{:<58} {:>10} {:>9}", format!("usage events on {engine:?}"), "events/s", "of floor");
    println!("{:<58} {floor:>10.0} {:>9.3}", "floor: rows by the library alone, 2,000 a transaction", 1.0);
    let server = start_for_events(engine).await;
    for (name, size) in
        [("one a request, durable when answered", 1), ("100 a request", 100), ("1,000 a request", 1_000)]
    {
        let seen = events(&server, size, &size.to_string()).await;
        println!("{name:<58} {seen:>10.0} {:>9.3}", seen / floor);
    }
    let stored = server.get("/v1/events/lag").await.expect(200)["received_seq"].as_f64().expect("a number");
    let again = events(&server, 100, "again").await;
    println!("{:<58} {again:>10.0} {:>9.3}", format!("100 a request, with {stored:.0} stored"), again / floor);
}
