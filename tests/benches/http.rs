//! The service under load over loopback, as ratios against a floor measured in the same run: a static JSON answer by the bare
//! framework. Absolute numbers are this machine's; the ratios are the claim.

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
use chrono::{Days, NaiveDate};
use milepost::store::json_text::JsonText;
use milepost::store::milestones::{self, MilestoneRow};
use milepost_domain::milestone::State;
use milepost_tests::{Engine, Server};
use serde_json::{Value, json};
use sqlx::types::Text;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONNECTIONS: usize = 32;
const MEASURED: Duration = Duration::from_secs(4);
const PLANS: usize = 1_000;
const MILESTONES_A_PLAN: usize = 20;
const MILESTONES_IN_ALL: usize = 1_000_000;

/// What was seen of one path.
struct Seen {
    per_second: f64,
    median: Duration,
    p99: Duration,
}

#[actix_web::main]
async fn main() {
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
    let small = measure("page of 50 milestones of 20,000", page, "application/json").await;

    let last = fill_to_a_million(&server, &plan).await;
    let first = measure("page of 50 milestones of 1,000,000: the first", page, "application/json").await;
    let cursor = deep_cursor(&server, page, &last).await;
    let deep =
        measure("page of 50 milestones of 1,000,000: the last", &format!("{page}&cursor={cursor}"), "application/json")
            .await;
    println!("\nfirst page of a million against first page of 20,000: {:.2}", first.per_second / small.per_second);
    println!("last page of a million against its first: {:.2}", deep.per_second / first.per_second);
    std::process::exit(0);
}

/// A server that does nothing but answer.
fn floor() -> String {
    let answer = || async { HttpResponse::Ok().content_type("application/json").body("{\"status\":\"ok\"}") };
    let http = HttpServer::new(move || App::new().route("/", web::get().to(answer))).disable_signals();
    let http = http.bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", http.addrs()[0]);
    tokio::spawn(http.run());
    url
}

/// Sends the same request over and over on several connections for a while.
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

/// One request and its whole answer, which must be a 200.
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

/// A thousand plans of twenty milestones, through the API; answers one of them.
async fn fill(server: &Server) -> String {
    let mut plan = String::new();
    for n in 0..PLANS {
        let milestone = |m: usize| {
            let planned_on = day(n % 200 + m * 5);
            let is_past = planned_on < date("2026-05-01");
            json!({ "key": format!("m{m}"), "name": format!("Milestone {m}"), "owner": "Ana", "weight": m % 5 + 1, "planned_on": planned_on,
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

/// Milestones up to a million, written straight into the table: only the list reads them.
async fn fill_to_a_million(server: &Server, plan: &str) -> MilestoneRow {
    let plan_id: Uuid = plan.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let now = server.clock.now();
    let row = |n: usize| MilestoneRow {
        id: server.clock.new_id(),
        plan_id,
        key: format!("x{n}"),
        position: 1_000,
        name: format!("Milestone {n}"),
        phase: None,
        owner: Some("Ana".to_owned()),
        weight: 1.0,
        planned_on: day(n % 3_650),
        state: Text(State::Planned),
        started_on: None,
        closed_on: None,
        acceptance_criteria: JsonText(vec![]),
        note: None,
        touched_on: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut greatest = row(0);
    let mut next = PLANS * MILESTONES_A_PLAN;
    while next < MILESTONES_IN_ALL {
        let rows: Vec<MilestoneRow> = (next..(next + 10_000).min(MILESTONES_IN_ALL)).map(row).collect();
        next += rows.len();
        let mut conn = server.db().begin().await.expect("a connection");
        milestones::insert(&mut conn, server.organization_id, &rows).await.expect("written");
        conn.commit().await.expect("committed");
        for row in rows {
            if (row.planned_on, row.id) > (greatest.planned_on, greatest.id) {
                greatest = row;
            }
        }
    }
    greatest
}

/// A cursor that a client would hold after walking almost to the end.
async fn deep_cursor(server: &Server, page: &str, last: &MilestoneRow) -> String {
    let first = server.get(page).await.expect(200);
    let text = BASE64_URL_SAFE_NO_PAD.decode(first["next_cursor"].as_str().expect("a cursor")).expect("base64");
    let mut cursor: Value = serde_json::from_slice(&text).expect("JSON");
    cursor["k"]["d"] = json!(last.planned_on - Days::new(1));
    BASE64_URL_SAFE_NO_PAD.encode(cursor.to_string())
}

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn day(n: usize) -> NaiveDate {
    date("2026-01-01") + Days::new(n as u64)
}
