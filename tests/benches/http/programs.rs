//! Programs: what it costs that milestones prove themselves.

use std::time::{Duration, Instant};

use milepost_tests::{Engine, Server};
use serde_json::{Value, json};

use crate::load::{Seen, load};
use crate::start;

const PEOPLE: usize = 1_000;
const BATCH: usize = 100;
const ROUNDS: usize = 30;

/// Measures a batch of events of enrolled people with the judgement of their proofs against the same batch where nobody is enrolled, and the
/// progress of a person against a static answer.
pub async fn tell_programs(engine: Engine, floor: &Seen) {
    println!("\nprograms on {engine:?}: {PEOPLE} people, 7 milestones that prove themselves each");
    let plain = people(engine).await;
    let alone = batches(&plain, false).await;
    println!("{:<58} {alone:>10.1?}", "a batch of 100 events, nobody enrolled");
    let server = people(engine).await;
    let started = Instant::now();
    let plan = enrol(&server).await;
    server.get("/v1/contested-proofs").await.expect(200);
    println!("{:<58} {:>10.1?}", "enrolling all, and their first judgement", started.elapsed());
    let judged = batches(&server, true).await;
    let ratio = judged.as_secs_f64() / alone.as_secs_f64();
    println!("{:<58} {judged:>10.1?} {ratio:>6.2} x", "the same batch, and its people judged");
    let address = server.url.trim_start_matches("http://").to_owned();
    let person = server.get(&plan).await.expect(200)["person_id"].as_str().expect("an id").to_owned();
    for (name, path) in [
        ("progress of a person", format!("{plan}/progress")),
        ("proofs of a person", format!("{plan}/proofs")),
        ("leaderboard, a page of 50", "/v1/leaderboard?limit=50".to_owned()),
        ("standing of a person", format!("/v1/people/{person}/standing")),
    ] {
        let seen = load(&address, &path, &server.key, "application/json").await;
        let ratio = seen.per_second / floor.per_second;
        println!("{name:<58} {:>10.0} req/s {ratio:>6.3} of floor {:>10.1?}", seen.per_second, seen.median);
    }
}

/// Starts a server with people, of whom each has twenty events.
async fn people(engine: Engine) -> Server {
    let server = start(engine).await;
    let person =
        |n: usize| json!({ "external_ref": format!("p{n}"), "name": format!("Person {n}"), "kind": "participant" });
    let all: Vec<Value> = (0..PEOPLE).map(person).collect();
    for some in all.chunks(500) {
        server.post("/v1/people/bulk", json!({ "items": some })).await.expect(200);
    }
    for day in 1..=20 {
        let event = |n: usize| {
            json!({ "id": format!("{n}-{day}"), "source": "bench", "type": "repo.commit", "person": format!("p{n}"),
                    "time": format!("2026-04-{day:02}T10:00:00Z"), "data": { "files": 3 } })
        };
        let events: Vec<Value> = (0..PEOPLE).map(event).collect();
        server.post("/v1/events?results=errors", json!(events)).await.expect(200);
    }
    server
}

/// Enrols everybody in the program of the demo; returns the path of one enrolment.
async fn enrol(server: &Server) -> String {
    let program = include_str!("../../../api/src/shipped/contributor.json");
    server.call("POST", "/v1/templates").body("application/json", program).send().await.expect(201);
    let mut plan = String::new();
    let all: Vec<Value> = (0..PEOPLE).map(|n| json!({ "person_ref": format!("p{n}") })).collect();
    for some in all.chunks(100) {
        let draft = json!({ "start_on": "2026-04-01", "people": some });
        let made = server.post("/v1/programs/contributor/enrolments", draft).await.expect(200);
        plan = format!("/v1/plans/{}", made["people"][0]["plan_id"].as_str().expect("an id"));
    }
    plan
}

/// The time of a batch of events of different people, with what follows from them if somebody asks.
async fn batches(server: &Server, are_judged: bool) -> Duration {
    let mut spent = Duration::ZERO;
    for round in 0..ROUNDS {
        let event = |n: usize| {
            let person = (round * BATCH + n) % PEOPLE;
            json!({ "id": format!("b{round}-{n}"), "source": "bench", "type": "repo.commit", "person": format!("p{person}"),
                    "time": "2026-05-02T10:00:00Z", "data": { "files": 3 } })
        };
        let events = json!((0..BATCH).map(event).collect::<Vec<_>>());
        let started = Instant::now();
        server.post("/v1/events?results=errors", events).await.expect(200);
        if are_judged {
            server.get("/v1/contested-proofs").await.expect(200);
        }
        spent += started.elapsed();
    }
    spent / u32::try_from(ROUNDS).expect("few")
}
