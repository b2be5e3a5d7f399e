//! The past keeps its own facts: references, segments and models of the day, and nothing that was not known yet.

use chrono::Duration;
use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::health::{activate, active_on, pulse_factor};
use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    a_customer_keeps_its_events_when_its_reference_changes,
    a_reference_that_was_deleted_starts_empty,
    a_day_keeps_its_segment,
    the_report_of_a_day_keeps_its_facts,
    the_parts_of_a_day,
    scores_drift,
    nothing_was_known_before_it_was_recorded,
    mistakes_are_withdrawn,
);

async fn count(server: &Server, customer: &str) -> f64 {
    let found = server.get(&format!("{customer}/metrics?window=all")).await.expect(200);
    found["data"][0]["value"].as_f64().expect("a count")
}

async fn count_events(server: &Server) {
    create(server, "/v1/metrics", json!({ "key": "logins", "event_type": "app.login", "aggregate": "count" })).await;
}

async fn a_customer_keeps_its_events_when_its_reference_changes(engine: Engine) {
    let server = Server::start(engine).await;
    count_events(&server).await;
    active_on(&server, "first", &["2026-05-01", "2026-05-02"]).await;
    let old = format!("/v1/customers/{}", create_customer(&server, "first").await);
    assert!((count(&server, &old).await - 2.0).abs() < f64::EPSILON, "what came before it waited for it");
    let said = server.get(&format!("{old}/health?as_of=2026-05-03")).await.expect(200);
    server.clock.advance(Duration::hours(1));
    server.patch(&old, json!({ "external_ref": "second" })).await.expect(200);
    let still = server.get(&format!("{old}/health?as_of=2026-05-03")).await.expect(200);
    assert_eq!((&still["score"], &still["factors"]), (&said["score"], &said["factors"]), "no past score is rewritten");
    // Some sender does not know the new reference yet.
    active_on(&server, "first", &["2026-05-03"]).await;
    active_on(&server, "second", &["2026-05-04"]).await;
    assert!((count(&server, &old).await - 4.0).abs() < f64::EPSILON);

    server.clock.advance(Duration::days(2));
    let new = format!("/v1/customers/{}", create_customer(&server, "first").await);
    assert!(count(&server, &new).await.abs() < f64::EPSILON, "it inherits nothing");
    active_on(&server, "first", &["2026-05-05"]).await;
    let later = json!({ "id": "later", "source": "app", "type": "app.login", "subject": "first", "time": "2026-05-06T15:00:00Z" });
    server.clock.advance(Duration::hours(3));
    server.post("/v1/events", later).await.expect(200);
    assert!((count(&server, &old).await - 5.0).abs() < f64::EPSILON, "late, but of its time");
    assert!((count(&server, &new).await - 1.0).abs() < f64::EPSILON, "from then on it is the other's");

    let references = server.get(&format!("{old}/references")).await.expect(200);
    let seen: Vec<(&Value, &Value, &Value, &Value)> = references["data"]
        .as_array()
        .expect("references")
        .iter()
        .map(|one| (&one["external_ref"], &one["from"], &one["to"], &one["is_current"]))
        .collect();
    let (first, second, taken) = (json!("first"), json!("second"), json!("2026-05-06T13:00:00Z"));
    assert_eq!(
        seen,
        [(&second, &Value::Null, &Value::Null, &json!(true)), (&first, &Value::Null, &taken, &json!(false))]
    );
    server.patch(&old, json!({ "external_ref": "second" })).await.expect(200);
    assert_eq!(server.get(&format!("{old}/references")).await.expect(200), references, "nothing changes");
}

async fn a_reference_that_was_deleted_starts_empty(engine: Engine) {
    let server = Server::start(engine).await;
    count_events(&server).await;
    let gone = format!("/v1/customers/{}", create_customer(&server, "northwind").await);
    active_on(&server, "northwind", &["2026-05-01", "2026-05-02"]).await;
    server.call("DELETE", &gone).header("If-Match", "*").send().await.expect(204);
    let held = server.get("/v1/events/quarantine").await.expect(200);
    assert_eq!(pluck(&held, "held"), [&json!("unknown_customer"), &json!("unknown_customer")]);
    server.clock.advance(Duration::hours(1));
    let again = format!("/v1/customers/{}", create_customer(&server, "northwind").await);
    assert!(count(&server, &again).await.abs() < f64::EPSILON);
    let now = json!({ "id": "now", "source": "app", "type": "app.login", "subject": "northwind", "time": "2026-05-04T13:00:00Z" });
    assert_eq!(server.post("/v1/events", now).await.expect(200)["accepted"], 1);
    assert!((count(&server, &again).await - 1.0).abs() < f64::EPSILON);
    assert_eq!(server.get("/v1/events/quarantine").await.expect(200)["data"].as_array().map(Vec::len), Some(2));
}

async fn a_day_keeps_its_segment(engine: Engine) {
    let server = Server::start(engine).await;
    let content = json!({ "name": "Enterprise", "segments": ["Enterprise"], "factors": [pulse_factor(1.0)] });
    activate(&server, "enterprise", content).await;
    let customer =
        json!({ "name": "Northwind", "external_ref": "northwind", "segment": "Enterprise", "since_on": "2026-01-01" });
    let path = create(&server, "/v1/customers", customer).await;
    server.post(&format!("{path}/pulses"), json!({ "score": 80, "expires_on": "2027-01-01" })).await.expect(201);
    server.clock.advance(Duration::days(3));
    server.patch(&path, json!({ "segment": "Former" })).await.expect(200);
    let model = async |as_of: &str| {
        server.get(&format!("{path}/health?as_of={as_of}")).await.expect(200)["model"]["key"].clone()
    };
    assert_eq!(
        [model("2026-05-04").await, model("2026-05-06").await, model("2026-05-07").await],
        ["enterprise", "enterprise", "shipped"]
    );
    let tried = server.call("POST", "/v1/health-models/enterprise/simulate?as_of=2026-05-05").send().await.expect(200);
    assert_eq!(tried["customers"], 1, "it was of that segment then");
    let today = server.call("POST", "/v1/health-models/enterprise/simulate").send().await.expect(200);
    assert_eq!(today["customers"], 0);

    let milestones = json!([{ "key": "first-value", "name": "First value", "offset_days": 20 }]);
    create(
        &server,
        "/v1/templates",
        json!({ "key": "steps", "name": "Steps", "kind": "onboarding", "milestones": milestones, "publish": true }),
    )
    .await;
    create(
        &server,
        "/v1/plans",
        json!({ "name": "P", "start_on": "2026-02-01", "customer_ref": "northwind", "template": "steps" }),
    )
    .await;
    for (segment, expected) in [("Enterprise", 1), ("Former", 0)] {
        let report = server.get(&format!("/v1/reports/retention?template=steps&segment={segment}")).await.expect(200);
        assert_eq!(report["enrolments"], expected, "{segment}");
    }
}

async fn nothing_was_known_before_it_was_recorded(engine: Engine) {
    let server = Server::start(engine).await;
    let before = "2026-05-04T11:00:00Z";
    server.clock.advance(Duration::hours(1));
    let id = create_customer(&server, "northwind").await;
    for path in ["health", "health/history", "risk"] {
        let path = format!("/v1/customers/{id}/{path}");
        server.get(&format!("{path}?known_at={before}")).await.problem(404, "not_found");
        server.get(&path).await.expect(200);
    }
    active_on(&server, "northwind", &["2026-05-01", "2026-05-02"]).await;
    server.clock.advance(Duration::hours(1));
    active_on(&server, "northwind", &["2026-05-03"]).await;
    let through = async |query: &str| {
        server.get(&format!("/v1/customers/{id}/health{query}")).await.expect(200)["computed_through"].clone()
    };
    assert_eq!((through("").await, through("?known_at=2026-05-04T13:30:00Z").await), (json!(3), json!(2)));
}

async fn mistakes_are_withdrawn(engine: Engine) {
    let server = Server::start(engine).await;
    activate(&server, "pulse", json!({ "name": "Pulse", "factors": [pulse_factor(1.0)] })).await;
    let customer = json!({ "name": "Northwind", "external_ref": "northwind", "since_on": "2026-01-01" });
    let path = create(&server, "/v1/customers", customer).await;
    let right = json!({ "score": 80, "expires_on": "2027-01-01" });
    server.post(&format!("{path}/pulses"), right).await.expect(201);
    server.clock.advance(Duration::hours(1));
    let wrong =
        server.post(&format!("{path}/pulses"), json!({ "score": 8, "expires_on": "2027-01-01" })).await.expect(201);
    server.clock.advance(Duration::hours(1));
    let score = async |query: &str| server.get(&format!("{path}/health{query}")).await.expect(200)["score"].clone();
    assert_eq!(score("").await, 8.0);
    let withdraw = format!("{path}/pulses/{}/withdraw", wrong["id"].as_str().expect("an id"));
    let reason = json!({ "reason": "A digit was missing." });
    let withdrawn = server.post(&withdraw, reason.clone()).await.expect(200);
    assert_eq!(
        (&withdrawn["withdrawn_at"], &withdrawn["withdrawal_reason"]),
        (&json!("2026-05-04T14:00:00Z"), &reason["reason"])
    );
    server.post(&withdraw, reason.clone()).await.problem(409, "conflict");
    assert_eq!((score("").await, score("?known_at=2026-05-04T13:30:00Z").await), (json!(80.0), json!(8.0)));
    assert_eq!(
        server.get(&format!("{path}/pulses")).await.expect(200)["data"].as_array().map(Vec::len),
        Some(2),
        "it stays visible"
    );

    let lost = json!({ "kind": "churned", "occurred_on": "2026-05-01" });
    let outcome = server.post(&format!("{path}/outcomes"), lost.clone()).await.expect(201);
    let twice = server.post(&format!("{path}/outcomes"), lost.clone()).await.problem(409, "conflict");
    assert_eq!(twice, milepost_tests::errors(&[("/occurred_on", "already_recorded")]));
    let customers = async || server.get("/v1/reports/health").await.expect(200)["customers"].clone();
    assert_eq!(customers().await, 0);
    server
        .post(&format!("{path}/outcomes/{}/withdraw", outcome["id"].as_str().expect("an id")), reason)
        .await
        .expect(200);
    assert_eq!(customers().await, 1, "it is a customer after all");
    server.post(&format!("{path}/outcomes"), lost).await.expect(201);
}

async fn the_report_of_a_day_keeps_its_facts(engine: Engine) {
    let server = Server::start(engine).await;
    for (name, revenue, score) in [("alpha", 100, 30), ("beta", 300, 90), ("gamma", 200, 60)] {
        let customer = json!({ "name": name, "external_ref": name, "segment": "SMB", "owner_name": "Ana", "annual_revenue_minor": revenue });
        let path = create(&server, "/v1/customers", customer).await;
        server
            .post(
                &format!("{path}/health/overrides"),
                json!({ "score": score, "reason": "Known well", "expires_on": "2026-07-01" }),
            )
            .await
            .expect(201);
    }
    server.clock.advance(Duration::days(10));
    let alpha = server.get("/v1/customers/by-ref/alpha").await.expect(200);
    let path = alpha["id"].as_str().expect("an id");
    server
        .patch(
            &format!("/v1/customers/{path}"),
            json!({ "segment": "Former", "owner_name": "Ben", "annual_revenue_minor": 1 }),
        )
        .await
        .expect(200);
    create(&server, "/v1/customers", json!({ "name": "delta" })).await;
    let names = async |query: &str| {
        let report = server.get(&format!("/v1/reports/health{query}")).await.expect(200);
        let data = report["data"].as_array().expect("customers").iter();
        data.map(|row| row["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["alpha", "beta", "delta", "gamma"]);
    assert_eq!(names("?as_of=2026-05-06").await, ["alpha", "beta", "gamma"], "one was not there yet");
    assert_eq!(names("?segment=SMB").await, ["beta", "gamma"]);
    assert_eq!(names("?segment=SMB&owner_name=Ana&as_of=2026-05-06").await, ["alpha", "beta", "gamma"]);
    assert_eq!(names("?sort=score").await, ["alpha", "gamma", "beta", "delta"], "those without a score come last");
    assert_eq!(names("?sort=-score&as_of=2026-05-06").await, ["beta", "gamma", "alpha"]);
    assert_eq!(names("?sort=-annual_revenue").await, ["beta", "gamma", "alpha", "delta"]);
    assert_eq!(
        names("?sort=-annual_revenue&as_of=2026-05-06").await,
        ["beta", "gamma", "alpha"],
        "100 then, and 1 now"
    );
    let then = server.get("/v1/reports/health?as_of=2026-05-06&sort=score&limit=1").await.expect(200);
    assert_eq!(
        (&then["as_of"], &then["customers"], &then["mean_score"]),
        (&json!("2026-05-06"), &json!(3), &json!(60.0))
    );
    let alpha = &then["data"][0];
    let facts = ["segment", "owner_name", "annual_revenue_minor", "score"].map(|field| alpha[field].clone());
    assert_eq!(facts, [json!("SMB"), json!("Ana"), json!(100), json!(30.0)]);
    let next = then["next_cursor"].as_str().expect("a cursor").to_owned();
    let page = names(&format!("?as_of=2026-05-06&sort=score&limit=1&cursor={next}")).await;
    assert_eq!(page, ["gamma"]);
    assert_eq!(names("?as_of=2026-04-01").await, Vec::<String>::new());
    server.get("/v1/reports/health?sort=worst").await.problem(400, "invalid_parameter");

    let risk = async |query: &str| server.get(&format!("/v1/reports/risk{query}")).await.expect(200);
    let (now, then) = (risk("").await, risk("?as_of=2026-05-06").await);
    assert_eq!((&now["customers"], &then["customers"]), (&json!(4), &json!(3)));
    assert_eq!((&now["revenue_minor"], &then["revenue_minor"]), (&json!(501), &json!(600)), "alpha was worth 100 then");
    assert_eq!(then["as_of"], "2026-05-06");
    assert_eq!(risk("?as_of=2026-05-06&segment=SMB&owner_name=Ana").await["customers"], 3);
    assert_eq!(risk("?segment=SMB&owner_name=Ana").await["customers"], 2);
}

async fn the_parts_of_a_day(engine: Engine) {
    let server = Server::start(engine).await;
    let mut paths = vec![];
    for name in ["holding", "other"] {
        paths.push(create(&server, "/v1/customers", json!({ "name": name, "external_ref": name })).await);
    }
    let part = json!({ "name": "part", "parent_ref": "holding", "annual_revenue_minor": 5 });
    let part = create(&server, "/v1/customers", part).await;
    create(&server, "/v1/customers", json!({ "name": "part of part", "parent_id": part.rsplit('/').next() })).await;
    server.clock.advance(Duration::days(10));
    server.patch(&part, json!({ "parent_ref": "other", "annual_revenue_minor": 7 })).await.expect(200);
    let parts = async |path: &str, query: &str| {
        let rollup = server.get(&format!("{path}/health/rollup{query}")).await.expect(200);
        let data = rollup["data"].as_array().expect("parts").iter();
        data.map(|one| (one["name"].as_str().expect("a name").to_owned(), one["annual_revenue_minor"].as_i64()))
            .collect::<Vec<_>>()
    };
    let (now, then) = (("part".to_owned(), Some(7)), ("part".to_owned(), Some(5)));
    let below = ("part of part".to_owned(), None);
    assert_eq!(parts(&paths[0], "").await, []);
    assert_eq!(parts(&paths[1], "").await, [now, below.clone()]);
    assert_eq!(parts(&paths[0], "?as_of=2026-05-06").await, [then, below]);
    assert_eq!(parts(&paths[1], "?as_of=2026-05-06").await, []);
}

async fn scores_drift(engine: Engine) {
    let server = Server::start(engine).await;
    let drift = async |query: &str| server.get(&format!("/v1/reports/health/drift{query}")).await;
    let nobody = drift("").await.expect(200);
    assert_eq!((&nobody["psi"], &nobody["level"], &nobody["before"]), (&Value::Null, &Value::Null, &json!(0)));
    let mut paths = vec![];
    for (number, score) in [95.0, 100.0, 40.0, 49.9].into_iter().enumerate() {
        let customer =
            json!({ "name": format!("c{number}"), "segment": if number == 3 { "SMB" } else { "Enterprise" } });
        let path = create(&server, "/v1/customers", customer).await;
        let said = json!({ "score": score, "reason": "Known well", "expires_on": "2026-05-10" });
        server.post(&format!("{path}/health/overrides"), said).await.expect(201);
        paths.push(path);
    }
    server.clock.advance(Duration::days(20));
    for path in &paths[..3] {
        let said = json!({ "score": 5, "reason": "Known well", "expires_on": "2026-06-10" });
        server.post(&format!("{path}/health/overrides"), said).await.expect(201);
    }
    let found = drift("?from=2026-05-05&to=2026-05-24").await.expect(200);
    let class = |at: usize| (found["classes"][at]["before"].clone(), found["classes"][at]["after"].clone());
    assert_eq!([class(0), class(4), class(9)], [(0, 3), (2, 0), (2, 0)].map(|(a, b): (i64, i64)| (json!(a), json!(b))));
    assert_eq!((&found["before"], &found["after"], &found["unscored_after"]), (&json!(4), &json!(3), &json!(1)));
    assert_eq!(found["level"], "significant");
    // Shares of .5, 2.5 and 2.5 of 5.5, against 3.5, .5 and .5 of 4.5.
    let expected = [(0.5_f64, 3.5_f64), (2.5, 0.5), (2.5, 0.5)].map(|(before, after)| (before / 5.5, after / 4.5));
    let expected: f64 = expected.iter().map(|(before, after)| (after - before) * (after / before).ln()).sum();
    assert!((found["psi"].as_f64().expect("an index") - expected).abs() < 1e-9, "{found}");
    let of_segment = drift("?from=2026-05-05&to=2026-05-06&segment=SMB").await.expect(200);
    assert_eq!(
        (&of_segment["psi"], &of_segment["level"], &of_segment["after"]),
        (&json!(0.0), &json!("stable"), &json!(1))
    );
    drift("?from=2026-05-05&to=2026-05-05").await.problem(400, "invalid_parameter");
}
