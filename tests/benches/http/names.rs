//! Names beside ids: what it costs that an answer says who owns a thing and who wrote it.

use std::time::Instant;

use milepost::store::author::Author;
use milepost::store::authored::name_all;
use milepost_tests::{Engine, Server};
use serde_json::{Value, json};

use crate::load::{load, load_with};
use crate::start;

const ROWS: usize = 50;
const TIMES: u32 = 500;

/// Something that somebody wrote.
struct Written {
    author: Author,
}

milepost::store::authored!(Written);

/// Measures a page of milestones whose owners are people against one whose owners are texts, and the names of a page's authors against the
/// page.
pub async fn tell_names(engine: Engine) {
    let server = start(engine).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    println!("\n{:<58} {:>10} {:>10}", format!("names beside ids on {engine:?}"), "req/s", "p50");

    let texts = plan(&server, |n| json!({ "owner_name": format!("Person {n}") })).await;
    let texts = load(&address, &texts, &server.key, "application/json").await;
    let (seen, median) = (texts.per_second, texts.median);
    println!("{:<58} {seen:>10.0} {median:>10.1?}", "page of 50 milestones: their owners are texts");
    let people: Vec<Value> = (0..ROWS)
        .map(|n| json!({ "name": format!("Person {n}"), "kind": "employee", "external_ref": format!("p{n}") }))
        .collect();
    server.post("/v1/people/bulk", json!({ "items": people })).await.expect(200);
    let persons = plan(&server, |n| json!({ "owner_ref": format!("p{n}") })).await;
    let persons = load(&address, &persons, &server.key, "application/json").await;
    let (seen, median) = (persons.per_second, persons.median);
    println!("{:<58} {seen:>10.0} {median:>10.1?}", "page of 50 milestones: their owners are 50 people");

    let page = format!("/v1/ledger?limit={ROWS}&sort=-sequence");
    let entries = server.get(&page).await.expect(200);
    let recorded = &entries["data"][0]["author"];
    let text = |field: &str| recorded[field].as_str().expect("a text");
    let mut written: Vec<Written> =
        (0..ROWS).map(|_| Written { author: Author::recorded(text("type"), text("id")) }).collect();
    let mut conn = server.db().read().await.expect("a connection");
    let started = Instant::now();
    for _ in 0..TIMES {
        name_all(&mut conn, server.organization_id, &mut written).await.expect("names");
    }
    let naming = started.elapsed() / TIMES;
    assert!(written.iter().all(|row| row.author.name.is_some()), "every author has a name");
    let ledger = load_with(&address, &page, &server.key, "application/json", 1).await;
    let (seen, median) = (ledger.per_second, ledger.median);
    println!("{:<58} {seen:>10.0} {median:>10.1?}", "page of 50 ledger entries, one at a time");
    println!("{:<58} {:>10} {naming:>10.1?}", "the names of its authors alone", "");
    println!("\nowners who are people against texts: {:.2}", persons.per_second / texts.per_second);
    println!("names of authors, as part of the page: {:.2}", naming.as_secs_f64() / median.as_secs_f64());
}

/// Creates a plan of milestones whose owners are told; returns the path of its milestones.
async fn plan(server: &Server, owner: impl Fn(usize) -> Value) -> String {
    let milestone = |n: usize| {
        let mut milestone =
            json!({ "key": format!("m{n}"), "name": format!("Milestone {n}"), "planned_on": "2026-05-10" });
        milestone.as_object_mut().expect("fields").extend(owner(n).as_object().expect("fields").clone());
        milestone
    };
    let milestones: Vec<Value> = (0..ROWS).map(milestone).collect();
    let draft = json!({ "name": "Named", "start_on": "2026-01-01", "milestones": milestones });
    let created = server.post("/v1/plans", draft).await;
    let path = created.header("location");
    created.expect(201);
    format!("{path}/milestones?limit={ROWS}")
}
