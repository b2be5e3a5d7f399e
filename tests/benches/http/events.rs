//! Usage events and health: how many events a second are taken in, and what the computation from them costs.

use std::time::Instant;

use chrono::{DateTime, Utc};
use milepost::ingest::event::{Form, identity, read_event};
use milepost::store::usage_events::{self, NewEvent};
use milepost_domain::usage::event::UsageEvent;
use milepost_tests::{Engine, Server};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::load::{MEASURED, Seen, load, one};
use crate::{engines, start};

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
pub async fn tell_all_events() {
    for engine in engines() {
        tell_events(engine).await;
    }
}

/// Starts a server without limits, with the customer to which the benchmark's events belong.
async fn start_for_events(engine: Engine) -> Server {
    let server = start(engine).await;
    server.post("/v1/customers", json!({ "name": "Bench", "external_ref": "bench" })).await.expect(201);
    server
}

/// Measures the cost of an event when ten thousand, a million and ten million events are stored, in requests of 100
/// events, together with the floor.
pub async fn tell_growth(engine: Engine) {
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
pub async fn tell_health(engine: Engine) {
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
