//! Benchmarks of the service under load over loopback. Results are ratios to a floor that is measured in the same run:
//! a static JSON response of the bare framework. Absolute numbers apply only to the machine; the ratios are the result.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a program that measures and tells")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts of requests are far from the limits of any number"
)]

mod events;
mod load;
mod names;
mod programs;

use actix_web::{App, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{Days, NaiveDate};
use milepost_tests::{Engine, Server};
use serde_json::{Value, json};

use crate::events::{tell_all_events, tell_growth, tell_health};
use crate::load::{Seen, load, load_with};
use crate::names::tell_names;
use crate::programs::tell_programs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PLANS: usize = 1_000;
const MILESTONES_A_PLAN: usize = 20;

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
    if asked_for("names") {
        for engine in engines() {
            tell_names(engine).await;
        }
        std::process::exit(0);
    }
    let floor = floor();
    let address = floor.trim_start_matches("http://").to_owned();
    println!("{:<58} {:>10} {:>9} {:>10} {:>10}", "", "req/s", "of floor", "p50", "p99");
    let base = load(&address, "/", "", "application/json").await;
    if asked_for("programs") {
        for engine in engines() {
            tell_programs(engine, &base).await;
        }
        std::process::exit(0);
    }
    let tell = |name: &str, seen: &Seen| {
        let ratio = seen.per_second / base.per_second;
        println!("{name:<58} {:>10.0} {ratio:>9.3} {:>10.1?} {:>10.1?}", seen.per_second, seen.median, seen.p99);
    };
    tell("floor: static JSON by the bare framework", &base);

    let server = start(Engine::Sqlite).await;
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
        tell_names(engine).await;
        tell_programs(engine, &base).await;
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

/// Starts the service without limits, on all cores.
async fn start(engine: Engine) -> Server {
    Server::start_with(engine, |settings| {
        settings.workers = None;
        settings.rate_limit_per_minute = u32::MAX;
        settings.share_rate_limit_per_minute = u32::MAX;
    })
    .await
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
