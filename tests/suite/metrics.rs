//! Metrics: named aggregates over usage events of customers and people.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    metrics_are_defined,
    a_customer_is_measured,
    late_events_count_from_when_they_are_there,
    days_are_the_organizations,
    windows_of_every_kind,
    a_metric_over_time,
    real_accounts_are_measured,
);

async fn define(server: &Server, metric: Value) {
    create(server, "/v1/metrics", metric).await;
}

async fn send(server: &Server, events: Value) {
    let taken = server.post("/v1/events", events).await.expect(200);
    assert_eq!(taken["rejected"], 0);
}

fn event(id: &str, time: &str, data: impl Into<Value>) -> Value {
    let data: Value = data.into();
    json!({ "id": id, "source": "app", "type": "app.export", "subject": "northwind", "time": time, "data": data })
}

/// Returns the values by key.
fn values(answer: &Value) -> Vec<(String, Value)> {
    let data = answer["data"].as_array().expect("metrics").iter();
    data.map(|one| (one["key"].as_str().expect("a key").to_owned(), one["value"].clone())).collect()
}

async fn metrics_are_defined(engine: Engine) {
    let server = Server::start(engine).await;
    define(&server, json!({ "key": "exports", "name": "Exports", "event_type": "app.*", "aggregate": "count" })).await;
    let read = server.get("/v1/metrics/exports").await;
    let read_tag = read.header("etag");
    let read = read.expect(200);
    assert_eq!(
        (&read["name"], &read["event_type"], &read["property"]),
        (&json!("Exports"), &json!("app.*"), &Value::Null)
    );
    let twice = json!({ "key": "exports", "event_type": "x", "aggregate": "count" });
    server.post("/v1/metrics", twice).await.problem(409, "conflict");
    for (metric, place, code) in [
        (json!({ "key": "s", "event_type": "x", "aggregate": "sum" }), "/property", "property_required"),
        (
            json!({ "key": "s", "event_type": "x", "aggregate": "count", "property": "n" }),
            "/property",
            "property_unused",
        ),
        (
            json!({ "key": "s", "event_type": "x", "aggregate": "median", "property": "n" }),
            "/aggregate",
            "not_an_option",
        ),
    ] {
        let refused = server.post("/v1/metrics", metric).await.problem(422, "validation_failed");
        assert_eq!(refused, errors(&[(place, code)]));
    }
    server.call("DELETE", "/v1/metrics/exports").send().await.problem(428, "version_required");
    let stale = server.call("DELETE", "/v1/metrics/exports").header("If-Match", "\"2\"").send().await;
    stale.problem(412, "version_mismatch");
    let deleted = server.call("DELETE", "/v1/metrics/exports").header("If-Match", &read_tag).send().await;
    assert_eq!(deleted.status, 204);
    server.get("/v1/metrics/exports").await.problem(404, "not_found");
    assert_eq!(server.get("/v1/metrics").await.expect(200)["data"], json!([]));
}

async fn a_customer_is_measured(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    send(
        &server,
        json!([
            event("1", "2026-05-01T10:00:00Z", json!({ "rows": 10, "plan": { "name": "pro" } })),
            event("2", "2026-05-01T11:00:00Z", json!({ "rows": 30, "plan": { "name": "free" }, "person": "ana" })),
            event("3", "2026-04-20T10:00:00Z", json!({ "rows": "many", "plan": { "name": "pro" } })),
            event("4", "2026-03-01T10:00:00Z", json!({ "rows": 5 })),
            event("5", "2026-05-05T10:00:00Z", json!({ "rows": 1000 })),
        ]),
    )
    .await;
    for (key, aggregate, property) in [
        ("count", "count", Value::Null),
        ("sum", "sum", json!("rows")),
        ("average", "average", json!("rows")),
        ("plans", "distinct", json!("plan.name")),
        ("active", "active_days", Value::Null),
        ("recency", "days_since_last", Value::Null),
    ] {
        define(
            &server,
            json!({ "key": key, "event_type": "app.export", "aggregate": aggregate, "property": property }),
        )
        .await;
    }
    let pro = json!({ "key": "pro", "event_type": "app.*", "aggregate": "count", "filter": { "property": "plan.name", "equals": "pro" } });
    define(&server, pro).await;
    let answer = server.get(&format!("/v1/customers/{id}/metrics")).await.expect(200);
    assert_eq!((&answer["as_of"], &answer["window_days"]), (&json!("2026-05-04"), &json!(30)));
    let expected = [
        ("active", 2.0),
        ("average", 20.0),
        ("count", 3.0),
        ("plans", 2.0),
        ("pro", 2.0),
        ("recency", 3.0),
        ("sum", 40.0),
    ];
    assert_eq!(values(&answer), expected.map(|(key, value)| (key.to_owned(), json!(value))));
    assert_eq!(answer["data"][1]["ignored"], 1, "'many' is not a number");
    let some = server
        .get(&format!("/v1/customers/{id}/metrics?keys=sum,count&as_of=2026-03-02&window_days=2"))
        .await
        .expect(200);
    assert_eq!(values(&some), [("sum".to_owned(), json!(5.0)), ("count".to_owned(), json!(1.0))]);
    let by_ref =
        server.get("/v1/customers/by-ref/northwind/metrics?window_days=1&keys=count,average,recency").await.expect(200);
    let expected = [("count", json!(0.0)), ("average", Value::Null), ("recency", json!(3.0))];
    assert_eq!(values(&by_ref), expected.map(|(key, value)| (key.to_owned(), value)));
    let unknown = server.get(&format!("/v1/customers/{id}/metrics?keys=ghost")).await.problem(400, "invalid_parameter");
    assert_eq!(unknown, errors(&[("keys", "unknown_metric")]));
    server.get("/v1/customers/by-ref/nobody/metrics").await.problem(404, "not_found");
    let person =
        create(&server, "/v1/people", json!({ "name": "Ana", "kind": "participant", "external_ref": "ana" })).await;
    let of_person = server.get(&format!("{person}/metrics?keys=sum")).await.expect(200);
    assert_eq!(values(&of_person), [("sum".to_owned(), json!(30.0))]);
    let erased = |person: &str| server.post("/v1/events/erase", json!({ "person": person }));
    assert_eq!(erased("ana").await.expect(200)["erased"], 1);
    assert_eq!(erased("ana").await.expect(200)["erased"], 0);
    let of_person = server.get(&format!("{person}/metrics?keys=sum")).await.expect(200);
    assert_eq!(values(&of_person), [("sum".to_owned(), json!(0.0))]);
    let of_customer = server.get(&format!("/v1/customers/{id}/metrics?keys=sum,count")).await.expect(200);
    assert_eq!(
        values(&of_customer),
        [("sum".to_owned(), json!(10.0)), ("count".to_owned(), json!(2.0))],
        "figures are without them"
    );
    let entries = server.get("/v1/ledger?action=organization.events_erased").await.expect(200);
    let counts = [json!({ "erased": 1 }), json!({ "erased": 0 })];
    assert_eq!(pluck(&entries, "after"), counts.iter().collect::<Vec<_>>(), "the ledger does not say whose");
}

async fn late_events_count_from_when_they_are_there(engine: Engine) {
    let server = Server::start(engine).await;
    define(&server, json!({ "key": "count", "event_type": "app.export", "aggregate": "count" })).await;
    send(&server, json!([event("1", "2026-05-01T10:00:00Z", json!({}))])).await;
    let id = create_customer(&server, "northwind").await;
    let count = |as_of: &str| {
        let path = format!("/v1/customers/{id}/metrics?as_of={as_of}");
        let server = &server;
        async move { server.get(&path).await.expect(200)["data"][0]["value"].clone() }
    };
    assert_eq!(count("2026-05-04").await, 1.0, "what came before the customer counts");
    send(&server, json!([event("2", "2026-04-20T10:00:00Z", json!({}))])).await;
    assert_eq!(
        (count("2026-05-04").await, count("2026-04-30").await, count("2026-04-19").await),
        (json!(2.0), json!(1.0), json!(0.0))
    );
    send(&server, json!([event("3", "2026-05-04T12:10:00Z", json!({}))])).await;
    assert_eq!(count("2026-05-04").await, 2.0, "what is held does not count");
    let held = server.get("/v1/events/quarantine").await.expect(200);
    server.post("/v1/events/quarantine/release", json!({ "sequences": pluck(&held, "sequence") })).await.expect(200);
    assert_eq!(count("2026-05-04").await, 3.0);
}

async fn days_are_the_organizations(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    server.patch("/v1/organization", json!({ "time_zone": "Asia/Tokyo" })).await.expect(200);
    define(&server, json!({ "key": "active", "event_type": "app.export", "aggregate": "active_days" })).await;
    let both = [event("1", "2026-05-01T14:00:00Z", json!({})), event("2", "2026-05-01T16:00:00Z", json!({}))];
    send(&server, json!(both)).await;
    let active = |query: &str| {
        let path = format!("/v1/customers/{id}/metrics?{query}");
        let server = &server;
        async move { server.get(&path).await.expect(200)["data"][0]["value"].clone() }
    };
    assert_eq!(active("as_of=2026-05-03").await, 2.0, "in Tokyo the second was on the 2nd");
    assert_eq!(
        (active("as_of=2026-05-01").await, active("as_of=2026-05-02&window_days=1").await),
        (json!(1.0), json!(1.0))
    );
}

async fn windows_of_every_kind(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    define(&server, json!({ "key": "count", "event_type": "app.export", "aggregate": "count" })).await;
    let days = ["2025-01-01", "2026-04-01", "2026-04-20", "2026-05-01", "2026-05-04"];
    let person = json!({ "person": "ana" });
    send(&server, json!(days.map(|day| event(day, &format!("{day}T09:00:00Z"), person.clone())))).await;
    let mut plan = crate::samples::plan();
    plan["customer_id"] = json!(id);
    create(&server, "/v1/plans", plan).await;
    for (query, from, value) in [
        ("", json!("2026-04-05"), 3.0),
        ("window=days&window_days=4", json!("2026-05-01"), 2.0),
        ("window=month", json!("2026-05-01"), 2.0),
        ("window=month&as_of=2026-04-19", json!("2026-04-01"), 1.0),
        ("window=since_start", json!("2026-04-01"), 4.0),
        ("window=all", Value::Null, 5.0),
    ] {
        let found = server.get(&format!("/v1/customers/{id}/metrics?{query}")).await.expect(200);
        assert_eq!((&found["from"], &found["data"][0]["value"]), (&from, &json!(value)), "{query}");
    }
    let refused = server.get(&format!("/v1/customers/{id}/metrics?window=all&window_days=3")).await;
    assert_eq!(refused.problem(400, "invalid_parameter"), errors(&[("window_days", "unused")]));
    create(&server, "/v1/people", json!({ "name": "Ana", "kind": "participant", "external_ref": "ana" })).await;
    let of_person = server.get("/v1/people/by-ref/ana/metrics?window=all").await.expect(200);
    assert_eq!(of_person["data"][0]["value"], 5.0);
}

async fn a_metric_over_time(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    define(&server, json!({ "key": "count", "event_type": "app.export", "aggregate": "count" })).await;
    define(&server, json!({ "key": "recency", "event_type": "app.export", "aggregate": "days_since_last" })).await;
    let days = ["2026-04-01", "2026-04-20", "2026-04-21", "2026-05-04"];
    send(&server, json!(days.map(|day| event(day, &format!("{day}T09:00:00Z"), json!({}))))).await;
    let path = format!("/v1/customers/{id}/metrics/series");
    let weeks = server.get(&format!("{path}?key=count&from=2026-04-20")).await.expect(200);
    let points = json!([
        { "from": "2026-04-20", "to": "2026-04-26", "value": 2.0, "events": 2 },
        { "from": "2026-04-27", "to": "2026-05-03", "value": 0.0, "events": 0 },
        { "from": "2026-05-04", "to": "2026-05-04", "value": 1.0, "events": 1 },
    ]);
    assert_eq!((&weeks["period"], &weeks["data"]), (&json!("week"), &points));
    let recency = server.get(&format!("{path}?key=recency&from=2026-04-19&to=2026-04-21&period=day")).await.expect(200);
    assert_eq!(pluck(&recency, "value"), [&json!(18.0), &json!(0.0), &json!(0.0)]);
    let csv = server
        .call("GET", &format!("{path}?key=count&period=month&from=2026-04-01"))
        .header("Accept", "text/csv")
        .send()
        .await;
    assert_eq!(csv.text, "from,to,value,events\r\n2026-04-01,2026-04-30,3,3\r\n2026-05-01,2026-05-04,1,1\r\n");
    for (query, place, code) in [
        ("key=ghost", "key", "unknown_metric"),
        ("key=count&from=2026-05-05", "from", "out_of_range"),
        ("key=count&period=day&from=2020-01-01", "from", "out_of_range"),
    ] {
        let refused = server.get(&format!("{path}?{query}")).await.problem(400, "invalid_parameter");
        assert_eq!(refused, errors(&[(place, code)]));
    }
}

async fn real_accounts_are_measured(engine: Engine) {
    let server = Server::start(engine).await;
    milepost::commands::demo::import(&server.url, &server.key).await.expect("the demo");
    define(&server, json!({ "key": "commits", "event_type": "repo.*", "aggregate": "count" })).await;
    define(&server, json!({ "key": "active", "event_type": "repo.commit", "aggregate": "active_days" })).await;
    define(
        &server,
        json!({ "key": "people", "event_type": "repo.commit", "aggregate": "distinct", "property": "person" }),
    )
    .await;
    define(&server, json!({ "key": "files", "event_type": "repo.commit", "aggregate": "sum", "property": "files" }))
        .await;
    define(&server, json!({ "key": "recency", "event_type": "repo.commit", "aggregate": "days_since_last" })).await;
    for (account, as_of, window_days, expected) in FIGURES {
        let path = format!(
            "/v1/customers/by-ref/{account}/metrics?as_of={as_of}&window_days={window_days}&keys=commits,active,people,files,recency"
        );
        let answer = server.get(&path).await.expect(200);
        let found: Vec<Value> = values(&answer).into_iter().map(|(_, value)| value).collect();
        assert_eq!(found, expected.map(Value::from), "{account} on {as_of}");
    }
}

/// Account, date and window, followed by commits, active days, people, files and days since the last commit. Counted in
/// the file by a separate script.
const FIGURES: [(&str, &str, i64, [f64; 5]); 4] = [
    ("acct-585d817b57", "2019-06-30", 365, [194.0, 112.0, 12.0, 934.0, 2.0]),
    ("acct-9b2613a0a2", "2025-09-01", 30, [3.0, 2.0, 1.0, 9.0, 5.0]),
    ("acct-b4cd0aa522", "2022-03-31", 90, [18.0, 13.0, 1.0, 126.0, 9.0]),
    ("acct-c41c8aa009", "2020-01-01", 3660, [119.0, 72.0, 1.0, 1004.0, 1.0]),
];
