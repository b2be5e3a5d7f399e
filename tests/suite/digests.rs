//! What is kept of customers' usage in memory says what the events say, whatever happens to them in between.

use std::collections::BTreeSet;

use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::acting::person;
use crate::samples::{create, create_customer};

on_both_engines!(figures_follow_the_events, many_questions_at_once, the_quarantine_knows_whom_it_waits_for);

/// An event as the test remembers it.
#[derive(Debug, Clone)]
struct Sent {
    customer: usize,
    person: usize,
    day: u64,
    value: u64,
}

/// A generator of numbers that are the same in every run (Knuth's multiplier).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Day of the sample before 4 May 2026, which the server takes for today.
fn time(day: u64) -> String {
    let on = milepost_tests::beginning() - chrono::Duration::days(i64::try_from(day).expect("few"));
    on.format("%Y-%m-%dT08:00:00Z").to_string()
}

fn expected(sent: &[Sent], customer: usize, days: u64, only_even: bool) -> [f64; 4] {
    let own = || sent.iter().filter(move |one| one.customer == customer && one.day < days);
    let counted = || own().filter(move |one| !only_even || one.value.is_multiple_of(2));
    let number = |count: usize| f64::from(u32::try_from(count).expect("few"));
    let sum: u64 = own().map(|one| one.value).sum();
    let people: BTreeSet<usize> = own().map(|one| one.person).collect();
    let active: BTreeSet<u64> = own().map(|one| one.day).collect();
    [
        number(active.len()),
        number(counted().count()),
        number(people.len()),
        f64::from(u32::try_from(sum).expect("small")),
    ]
}

async fn figures_follow_the_events(engine: Engine) {
    let server = Server::start(engine).await;
    let mut numbers = Numbers(42);
    let mut ids = vec![];
    for name in ["northwind", "contoso"] {
        ids.push(create_customer(&server, name).await);
    }
    let mut people = vec![];
    for number in 0..4 {
        people.push(person(&server, &format!("p{number}"), json!({})).await);
    }
    for (key, aggregate, property) in [
        ("active", "active_days", Value::Null),
        ("count", "count", Value::Null),
        ("people", "distinct", json!("who")),
        ("sum", "sum", json!("value")),
    ] {
        let metric = json!({ "key": key, "event_type": "app.*", "aggregate": aggregate, "property": property });
        create(&server, "/v1/metrics", metric).await;
    }
    let (mut sent, mut only_even, mut number): (Vec<Sent>, bool, u64) = (vec![], false, 0);
    for step in 0..60 {
        match numbers.below(10) {
            0 => {
                let person = usize::try_from(numbers.below(4)).expect("small");
                server.post("/v1/events/erase", json!({ "person": format!("p{person}") })).await.expect(200);
                sent.retain(|one| one.person != person);
            }
            1 => {
                only_even = !only_even;
                let filter = if only_even { json!({ "property": "even", "equals": "true" }) } else { Value::Null };
                let read = server.get("/v1/metrics/count").await;
                let tag = read.header("etag");
                let metric = json!({ "key": "count", "event_type": "app.*", "aggregate": "count", "filter": filter });
                let gone = server.call("DELETE", "/v1/metrics/count").header("If-Match", &tag).send().await;
                assert_eq!(gone.status, 204);
                create(&server, "/v1/metrics", metric).await;
            }
            2 => {
                let name = format!("contoso-{step}");
                server.patch(&format!("/v1/customers/{}", ids[1]), json!({ "external_ref": name })).await.expect(200);
            }
            _ => {
                let mut batch = vec![];
                for _ in 0..=numbers.below(5) {
                    number += 1;
                    let small = |bound, numbers: &mut Numbers| usize::try_from(numbers.below(bound)).expect("small");
                    let one = Sent {
                        customer: small(2, &mut numbers),
                        person: small(4, &mut numbers),
                        day: numbers.below(60),
                        value: numbers.below(100),
                    };
                    let subject = if one.customer == 0 { "northwind" } else { "contoso" };
                    batch.push(json!({
                        "id": number.to_string(), "source": "app", "type": "app.use", "subject": subject,
                        "person": format!("p{}", one.person), "time": time(one.day),
                        "data": { "who": one.person, "value": one.value, "even": one.value.is_multiple_of(2) },
                    }));
                    sent.push(one);
                }
                let taken = server.post("/v1/events", Value::Array(batch)).await.expect(200);
                assert_eq!(taken["rejected"], 0);
            }
        }
        for (person, id) in people.iter().enumerate() {
            let own: u64 = sent.iter().filter(|one| one.person == person).map(|one| one.value).sum();
            assert_eq!(sum_of_person(&server, id).await, Some(own.to_string()), "step {step}, person {person}");
        }
        for (customer, id) in ids.iter().enumerate() {
            compare(&server, id, &format!("step {step}, customer {customer}"), |days| {
                expected(&sent, customer, days, only_even)
            })
            .await;
        }
    }
}

/// Compares what the server says of a customer with the events, and with what it says when it reads them anew.
async fn compare(server: &Server, id: &str, when: &str, expected: impl Fn(u64) -> [f64; 4]) {
    for days in [30, 7] {
        let answer = server.get(&format!("/v1/customers/{id}/metrics?window_days={days}")).await.expect(200);
        let data = answer["data"].as_array().expect("metrics");
        let found: Vec<f64> = data.iter().filter_map(|one| one["value"].as_f64()).collect();
        assert_eq!(found, expected(days), "{when}, {days} days");
    }
    // What was known by now is read from the events themselves.
    let now = milepost_tests::beginning().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    for question in ["health", "risk"] {
        let of_now = server.get(&format!("/v1/customers/{id}/{question}")).await.expect(200);
        let as_known = server.get(&format!("/v1/customers/{id}/{question}?known_at={now}")).await.expect(200);
        for field in ["score", "factors", "coverage", "trend", "points", "indicators"] {
            assert_eq!(of_now[field], as_known[field], "{when}, {question}: {field}");
        }
    }
}

/// The sum of all that a person's events state.
async fn sum_of_person(server: &Server, id: &str) -> Option<String> {
    let found = server.get(&format!("/v1/people/{id}/metrics?keys=sum&window=all")).await.expect(200);
    found["data"][0]["value"].as_f64().map(|sum| sum.to_string())
}

async fn many_questions_at_once(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    create(&server, "/v1/metrics", json!({ "key": "uses", "event_type": "app.*", "aggregate": "count" })).await;
    for round in 1..=5_u64 {
        let event = |n: u64| {
            let id = format!("{round}-{n}");
            json!({ "id": id, "source": "app", "type": "app.use", "subject": "northwind", "time": time(n % 28) })
        };
        server.post("/v1/events", Value::Array((0..100).map(event).collect())).await.expect(200);
        let ask = || server.get(&format!("/v1/customers/{id}/metrics"));
        for answer in futures_util::future::join_all((0..20).map(|_| ask())).await {
            assert_eq!(
                answer.expect(200)["data"][0]["value"],
                json!(f64::from(u32::try_from(round * 100).expect("few")))
            );
        }
    }
}

async fn the_quarantine_knows_whom_it_waits_for(engine: Engine) {
    let server = Server::start(engine).await;
    let event = |id: &str, subject: &str| json!({ "id": id, "source": "app", "type": "app.use", "subject": subject, "time": time(3) });
    let held = async |filter: &str| {
        let answer = server.get(&format!("/v1/events/quarantine{filter}")).await.expect(200);
        let ids =
            answer["data"].as_array().expect("events").iter().map(|one| one["id"].as_str().expect("an id").to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(held("").await, Vec::<String>::new());
    let many: Vec<Value> = (0..105).map(|n| event(&format!("n{n}"), &format!("nobody-{n:03}"))).collect();
    server.post("/v1/events", Value::Array(many[..3].to_vec())).await.expect(200);
    create_customer(&server, "northwind").await;
    server.post("/v1/events", json!([event("known", "northwind")])).await.expect(200);
    assert_eq!(held("").await, ["n2", "n1", "n0"], "the newest first");
    assert_eq!(held("?subject=nobody-001").await, ["n1"]);
    assert_eq!(held("?subject=northwind").await, Vec::<String>::new());
    create_customer(&server, "nobody-001").await;
    assert_eq!(held("").await, ["n2", "n0"]);
    server.post("/v1/events", Value::Array(many[3..].to_vec())).await.expect(200);
    assert_eq!(held("?limit=2").await, ["n104", "n103"], "also of very many");
    let gone = create_customer(&server, "gone").await;
    server.post("/v1/events", json!([event("lost", "gone")])).await.expect(200);
    let tag = server.get(&format!("/v1/customers/{gone}")).await.header("etag");
    let deleted = server.call("DELETE", &format!("/v1/customers/{gone}")).header("If-Match", &tag).send().await;
    assert_eq!(deleted.status, 204);
    assert_eq!(held("?limit=1").await, ["lost"]);
}
