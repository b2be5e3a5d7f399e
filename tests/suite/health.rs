//! Customer health: models, scores, explanations of changes, and pulses.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    a_model_goes_from_draft_to_active,
    wrong_models_are_refused,
    the_shipped_model_scores_a_customer,
    contributions_add_up_to_the_score,
    missing_inputs_and_coverage,
    late_events_and_what_was_known,
    another_model_does_not_rescore_the_past,
    a_change_is_explained,
    the_band_is_reluctant,
    overrides_stand_beside_the_computed_score,
    pulses_expire,
    segments_choose_the_model,
    milestones_add_and_take_away,
    outcomes_are_recorded,
    parts_roll_up,
    history_and_picture,
    the_calendar_has_an_end,
);

pub fn pulse_factor(weight: f64) -> Value {
    json!({ "key": "pulse", "name": "Pulse", "weight": weight, "input": { "kind": "pulse" }, "curve": [{ "x": 0, "y": 0 }, { "x": 100, "y": 100 }] })
}

/// Returns a factor that scores the days with an event in a week: no day scores 0, five days score 100.
pub fn active_days_factor(weight: f64) -> Value {
    json!({
        "key": "active", "name": "Active days", "weight": weight, "curve": [{ "x": 0, "y": 0 }, { "x": 5, "y": 100 }],
        "input": { "kind": "metric", "definition": { "event_type": "*", "aggregate": "active_days" }, "window_days": 7 }
    })
}

/// Creates, publishes and activates a model; returns its path.
pub async fn activate(server: &Server, key: &str, content: Value) -> String {
    let version = create(server, "/v1/health-models", json!({ "key": key, "content": content })).await;
    server.call("POST", &format!("{version}/publish")).send().await.expect(200);
    server.call("POST", &format!("{version}/activate")).send().await.expect(200);
    version.trim_end_matches("/versions/1").to_owned()
}

/// Creates a health model and activates it for days that no model has scored yet.
pub async fn activate_from(server: &Server, key: &str, content: Value, from_on: &str) {
    let version = create(server, "/v1/health-models", json!({ "key": key, "content": content })).await;
    server.call("POST", &format!("{version}/publish")).send().await.expect(200);
    server.post(&format!("{version}/activate"), json!({ "from_on": from_on })).await.expect(200);
}

/// Sends one event of a customer on each of the given days.
pub async fn active_on(server: &Server, customer: &str, days: &[&str]) {
    let events: Vec<Value> = days
        .iter()
        .map(|day| {
            json!({ "id": format!("{customer}-{day}"), "source": "app", "type": "app.login", "subject": customer, "time": format!("{day}T09:00:00Z") })
        })
        .collect();
    assert_eq!(server.post("/v1/events", json!(events)).await.expect(200)["rejected"], 0);
}

async fn set_pulse(server: &Server, id: &str, score: f64) {
    server.post(&format!("/v1/customers/{id}/pulses"), json!({ "score": score })).await.expect(201);
}

async fn health(server: &Server, id: &str, query: &str) -> Value {
    server.get(&format!("/v1/customers/{id}/health{query}")).await.expect(200)
}

/// Returns everything that contributes to a score.
fn contributions(health: &Value) -> Vec<f64> {
    let parts = ["factors", "impacts"].into_iter().flat_map(|name| health[name].as_array().expect("parts"));
    let parts = parts.map(|part| part["contribution"].as_f64().expect("points"));
    parts.chain(health["limit"].as_f64()).collect()
}

async fn a_model_goes_from_draft_to_active(engine: Engine) {
    let server = Server::start(engine).await;
    let content = json!({ "name": "Pulse", "factors": [pulse_factor(1.0)] });
    let created = server.post("/v1/health-models", json!({ "key": "pulse", "content": content })).await;
    let (version, etag) = (created.header("location"), created.header("etag"));
    let body = created.expect(201);
    assert_eq!(
        (&body["status"], &body["number"], &body["content"]["bands"]["healthy_from"]),
        (&json!("draft"), &json!(1), &json!(70.0))
    );
    let refused = server.call("POST", &format!("{version}/activate")).send().await;
    assert_eq!(refused.problem(409, "conflict"), errors(&[("", "not_published")]), "a draft is not activated");
    let changed = json!({ "name": "How we see them", "factors": [pulse_factor(2.0)] });
    server.call("PUT", &version).json(changed.clone()).send().await.problem(428, "version_required");
    let replaced =
        server.call("PUT", &version).header("If-Match", &etag).json(changed.clone()).send().await.expect(200);
    assert_eq!((&replaced["content"]["name"], &replaced["version"]), (&json!("How we see them"), &json!(2)));
    let published = server.call("POST", &format!("{version}/publish")).send().await.expect(200);
    assert_eq!(published["status"], "published");
    let frozen = server.call("PUT", &version).header("If-Match", "*").json(changed.clone()).send().await;
    assert_eq!(frozen.problem(409, "conflict"), errors(&[("", "published")]));
    let active = server.call("POST", &format!("{version}/activate")).send().await.expect(200);
    assert_eq!((&active["status"], &active["activated_at"]), (&json!("active"), &json!("2026-05-04T12:00:00Z")));
    create(&server, "/v1/health-models/pulse/versions", changed).await;
    let model = server.get("/v1/health-models/pulse").await.expect(200);
    assert_eq!(
        (&model["latest_version"], &model["published_version"], &model["active_version"]),
        (&json!(2), &json!(1), &json!(1))
    );
    let by_id = server.get(&format!("/v1/health-models/{}", model["id"].as_str().expect("an id"))).await.expect(200);
    assert_eq!(by_id, model);
    assert_eq!(server.get("/v1/health-models").await.expect(200)["data"], json!([model]));
    let idle = server.call("POST", "/v1/health-models/pulse/deactivate").send().await.expect(200);
    assert_eq!(idle["active_version"], Value::Null);
    server.call("POST", "/v1/health-models/pulse/deactivate").send().await.problem(409, "conflict");
    let entries = server.get("/v1/ledger?entity_type=health_model").await.expect(200);
    let actions = [
        "version_created",
        "version_updated",
        "version_published",
        "version_activated",
        "version_created",
        "deactivated",
    ];
    assert_eq!(
        pluck(&entries, "action"),
        actions.map(|verb| json!(format!("health_model.{verb}"))).iter().collect::<Vec<_>>()
    );
}

async fn wrong_models_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let with = |factor: Value| json!({ "key": "m", "content": { "name": "M", "factors": [factor] } });
    let mut bent = pulse_factor(1.0);
    bent["curve"] = json!([{ "x": 5, "y": 0 }, { "x": 5, "y": 100 }]);
    let metric = json!({ "key": "m", "name": "M", "weight": 1, "input": { "kind": "metric", "metric": "ghost" }, "curve": [{ "x": 0, "y": 0 }] });
    for (model, place, code) in [
        (with(pulse_factor(0.0)), "/content/factors", "no_weight"),
        (with(bent), "/content/factors/0/curve/1/x", "curve_not_increasing"),
        (with(metric), "/content/factors/0/input/metric", "unknown_metric"),
        (with(json!({ "key": "m" })), "/content/factors/0/weight", "required"),
    ] {
        let refused = server.post("/v1/health-models", model).await.problem(422, "validation_failed");
        assert!(refused.contains(&(place.to_owned(), code.to_owned())), "{refused:?}");
    }
    let shipped = json!({ "key": "shipped", "content": { "name": "M", "factors": [pulse_factor(1.0)] } });
    server.post("/v1/health-models", shipped).await.problem(409, "conflict");
    assert_eq!(server.get("/v1/health-models").await.expect(200)["data"], json!([]), "nothing half-written");
    server.get("/v1/health-models/ghost").await.problem(404, "not_found");
}

async fn the_shipped_model_scores_a_customer(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let unseen = health(&server, &id, "").await;
    assert_eq!(
        (&unseen["score"], &unseen["band"], &unseen["reason"]),
        (&Value::Null, &json!("unknown"), &json!("no_input")),
        "who sends nothing is not healthy"
    );
    active_on(&server, "northwind", &["2026-05-01", "2026-05-02"]).await;
    let seen = health(&server, &id, "").await;
    assert_eq!(
        (&seen["model"]["key"], &seen["coverage"], &seen["computed_through"]),
        (&json!("shipped"), &json!(0.75), &json!(2))
    );
    let sub_scores: Vec<&Value> =
        seen["factors"].as_array().expect("factors").iter().map(|factor| &factor["sub_score"]).collect();
    assert_eq!(
        sub_scores,
        [&json!(50.0), &json!(40.0), &json!(100.0), &Value::Null],
        "one kind of event, two days, no tickets, no plan"
    );
    // (25 x 50 + 35 x 40 + 15 x 100) / 75
    let score = seen["score"].as_f64().expect("a score");
    assert!((score - 4150.0 / 75.0).abs() < 1e-6, "{score}");
    assert_eq!(seen["band"], "at_risk");
    let by_ref = server.get("/v1/customers/by-ref/northwind/health").await.expect(200);
    assert_eq!(by_ref, seen);
    assert_eq!(server.get("/v1/health-models/shipped").await.expect(200)["factors"].as_array().map(Vec::len), Some(4));
}

async fn contributions_add_up_to_the_score(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let thirds = |key: &str| {
        let mut factor = pulse_factor(1.0 / 3.0);
        factor["key"] = json!(key);
        factor
    };
    activate(&server, "thirds", json!({ "name": "Thirds", "factors": [thirds("a"), thirds("b"), thirds("c")] })).await;
    set_pulse(&server, &id, 70.0).await;
    let found = health(&server, &id, "").await;
    assert_eq!((&found["score"], &found["band"]), (&json!(70.0), &json!("healthy")), "70 is healthy");
    assert_eq!(json!(contributions(&found).iter().sum::<f64>()), found["score"]);
    set_pulse(&server, &id, 33.3).await;
    let found = health(&server, &id, "").await;
    assert_eq!(Some(contributions(&found).iter().sum::<f64>()), found["score"].as_f64());
    assert_eq!(found["band"], "critical");
}

async fn missing_inputs_and_coverage(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    set_pulse(&server, &id, 80.0).await;
    let mut missing = active_days_factor(3.0);
    missing["missing"] = json!("worst");
    activate(&server, "half", json!({ "name": "Half", "factors": [pulse_factor(1.0), missing] })).await;
    let found = health(&server, &id, "").await;
    assert_eq!((&found["score"], &found["coverage"]), (&json!(20.0), &json!(0.25)));
    assert_eq!((&found["band"], &found["reason"]), (&json!("unknown"), &json!("low_coverage")), "and not critical");
    assert_eq!(found["factors"][1]["source"], "assumed");
    let mut block = active_days_factor(3.0);
    block["missing"] = json!("block");
    let version = create(
        &server,
        "/v1/health-models/half/versions",
        json!({ "name": "Half", "factors": [pulse_factor(1.0), block] }),
    )
    .await;
    for step in ["publish", "activate"] {
        server.call("POST", &format!("{version}/{step}")).send().await.expect(200);
    }
    let found = health(&server, &id, "").await;
    assert_eq!((&found["score"], &found["reason"]), (&Value::Null, &json!("no_input")));
    assert!(contributions(&found).iter().all(|points| *points == 0.0));
}

async fn another_model_does_not_rescore_the_past(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    server.post(&format!("/v1/customers/{id}/pulses"), json!({ "score": 14 })).await.expect(201);
    activate(&server, "first", json!({ "name": "First", "factors": [pulse_factor(1.0)], "priority": 5 })).await;
    server.clock.advance(Duration::days(2));
    let said = health(&server, &id, "?as_of=2026-05-05").await;
    assert_eq!((&said["score"], &said["band"]), (&json!(14.0), &json!("critical")));
    let mut kinder = pulse_factor(1.0);
    kinder["curve"] = json!([{ "x": 0, "y": 50 }, { "x": 100, "y": 100 }]);
    let second = json!({ "name": "Second", "factors": [kinder], "priority": 1 });
    let version = create(&server, "/v1/health-models", json!({ "key": "second", "content": second })).await;
    server.call("POST", &format!("{version}/publish")).send().await.expect(200);
    let early = server.post(&format!("{version}/activate"), json!({ "from_on": "2026-05-01" })).await;
    assert_eq!(early.problem(422, "validation_failed"), errors(&[("/from_on", "already_scored")]));
    let ahead = server.post(&format!("{version}/activate"), json!({ "from_on": "2026-05-07" })).await;
    assert_eq!(ahead.problem(422, "validation_failed"), errors(&[("/from_on", "in_the_future")]));
    server.call("POST", &format!("{version}/activate")).send().await.expect(200);
    assert_eq!(health(&server, &id, "?as_of=2026-05-05").await, said, "that day keeps its model");
    assert_eq!(health(&server, &id, "").await["score"], 57.0);
    let path = format!("/v1/customers/{id}/health/explain-change?from=2026-05-05&to=2026-05-06");
    let change = server.get(&path).await.expect(200);
    assert_eq!((&change["from_model"]["key"], &change["to_model"]["key"]), (&json!("first"), &json!("second")));
    let model = change["parts"].as_array().expect("parts").iter().find(|one| one["cause"] == "model").expect("it");
    assert_eq!(model["points"], 43.0);
}

async fn late_events_and_what_was_known(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    server.clock.advance(Duration::minutes(30));
    let content = json!({ "name": "Active", "factors": [active_days_factor(1.0)] });
    activate_from(&server, "active", content, "2026-01-01").await;
    active_on(&server, "northwind", &["2026-05-01"]).await;
    assert_eq!(health(&server, &id, "?as_of=2026-05-02").await["score"], 20.0);
    server.clock.advance(Duration::hours(1));
    active_on(&server, "northwind", &["2026-04-30", "2026-05-02"]).await;
    assert_eq!(health(&server, &id, "?as_of=2026-05-02").await["score"], 60.0, "late events count");
    let then = health(&server, &id, "?as_of=2026-05-02&known_at=2026-05-04T12:30:00Z").await;
    assert_eq!(then["score"], 20.0, "what was said then");
    let before = health(&server, &id, "?as_of=2026-05-02&known_at=2026-05-04T12:15:00Z").await;
    assert_eq!(
        (&before["score"], &before["model"]["key"]),
        (&Value::Null, &json!("shipped")),
        "nothing had been sent or activated"
    );
}

async fn a_change_is_explained(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let content = json!({ "name": "Both", "factors": [pulse_factor(1.0), active_days_factor(1.0)] });
    activate(&server, "both", content).await;
    active_on(&server, "northwind", &["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04"]).await;
    set_pulse(&server, &id, 50.0).await;
    server.clock.advance(Duration::days(8));
    let path = format!("/v1/customers/{id}/health/explain-change");
    let change = server.get(&format!("{path}?from=2026-05-04")).await.expect(200);
    assert_eq!(
        (&change["from_score"], &change["to_score"], &change["difference"]),
        (&json!(65.0), &json!(25.0), &json!(-40.0))
    );
    let parts = json!([{ "cause": "factor", "factor": "pulse", "points": 0.0 }, { "cause": "factor", "factor": "active", "points": -40.0 }]);
    assert_eq!(change["parts"], parts);
    let heavier = json!({ "name": "Both", "factors": [pulse_factor(3.0), active_days_factor(1.0)] });
    let version = create(&server, "/v1/health-models/both/versions", heavier).await;
    for step in ["publish", "activate"] {
        server.call("POST", &format!("{version}/{step}")).send().await.expect(200);
    }
    server
        .post(
            &format!("/v1/customers/{id}/health/overrides"),
            json!({ "score": 90, "reason": "They signed.", "expires_on": "2026-06-01" }),
        )
        .await
        .expect(201);
    let change = server.get(&format!("{path}?from=2026-05-04")).await.expect(200);
    // Computed again: 3/4 of 50 is 37.5, where the earlier day had 50. With the new model, the earlier day has 57.5.
    let points: Vec<(&str, f64)> = change["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| (part["cause"].as_str().expect("a cause"), part["points"].as_f64().expect("points")))
        .collect();
    assert_eq!(points, [("factor", 0.0), ("factor", -20.0), ("model", -7.5), ("override", 52.5)]);
    assert_eq!(change["difference"], 25.0);
    assert_eq!(json!(points.iter().map(|(_, points)| points).sum::<f64>()), change["difference"]);
    let turned = server.get(&format!("{path}?from=2026-05-14&to=2026-05-04")).await.problem(400, "invalid_parameter");
    assert_eq!(turned, errors(&[("from", "out_of_order")]));
}

async fn the_band_is_reluctant(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let bands = json!({ "hysteresis_points": 5, "dwell_days": 2 });
    activate(&server, "slow", json!({ "name": "Slow", "factors": [pulse_factor(1.0)], "bands": bands })).await;
    let mut seen = vec![];
    for score in [80.0, 66.0, 60.0, 60.0, 72.0, 76.0, 76.0] {
        set_pulse(&server, &id, score).await;
        seen.push(health(&server, &id, "").await["band"].as_str().expect("a band").to_owned());
        server.clock.advance(Duration::days(1));
    }
    assert_eq!(seen, ["healthy", "healthy", "healthy", "at_risk", "at_risk", "at_risk", "healthy"]);
    let history =
        server.get(&format!("/v1/customers/{id}/health/history?from=2026-05-04&to=2026-05-10")).await.expect(200);
    assert_eq!(
        pluck(&history, "band"),
        seen.iter().map(|band| json!(band)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
}

async fn overrides_stand_beside_the_computed_score(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    activate(&server, "pulse", json!({ "name": "Pulse", "factors": [pulse_factor(1.0)] })).await;
    set_pulse(&server, &id, 80.0).await;
    let path = format!("/v1/customers/{id}/health/overrides");
    let past = server.post(&path, json!({ "score": 1, "reason": "It came late.", "expires_on": "2026-05-03" })).await;
    assert_eq!(past.problem(422, "validation_failed"), errors(&[("/expires_on", "in_the_past")]));
    let set = server
        .post(&path, json!({ "score": 20, "reason": "Their sponsor left.", "expires_on": "2026-05-05" }))
        .await
        .expect(201);
    let found = health(&server, &id, "").await;
    assert_eq!(
        (&found["score"], &found["band"], &found["computed_score"], &found["computed_band"]),
        (&json!(20.0), &json!("critical"), &json!(80.0), &json!("healthy"))
    );
    assert_eq!(found["override"]["reason"], "Their sponsor left.");
    assert_eq!(health(&server, &id, "?as_of=2026-05-06").await["score"], 80.0, "it expires");
    let end = format!("{path}/{}/end", set["id"].as_str().expect("an id"));
    server.call("POST", &end).send().await.expect(200);
    server.call("POST", &end).send().await.problem(409, "conflict");
    assert_eq!(health(&server, &id, "").await["score"], 80.0);
    assert_eq!(server.get(&path).await.expect(200)["data"][0]["ended_on"], "2026-05-04");
}

async fn pulses_expire(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let mut carried = pulse_factor(1.0);
    carried["missing"] = json!("carry_forward");
    carried["max_age_days"] = json!(4);
    activate(&server, "pulse", json!({ "name": "Pulse", "factors": [carried] })).await;
    let path = format!("/v1/customers/{id}/pulses");
    server.post(&path, json!({ "score": 60, "expires_on": "2026-05-06" })).await.expect(201);
    for (as_of, score, confidence) in
        [("2026-05-06", json!(60.0), 1.0), ("2026-05-08", json!(60.0), 0.6), ("2026-05-11", Value::Null, 0.0)]
    {
        let found = health(&server, &id, &format!("?as_of={as_of}")).await;
        assert_eq!((&found["score"], &found["confidence"]), (&score, &json!(confidence)), "{as_of}");
    }
    assert_eq!(server.get(&path).await.expect(200)["data"][0]["score"], 60.0);
    let wrong = server.post(&path, json!({ "score": 101 })).await.problem(422, "validation_failed");
    assert_eq!(wrong, errors(&[("/score", "too_large")]));
}

async fn segments_choose_the_model(engine: Engine) {
    let server = Server::start(engine).await;
    let model = |name: &str, segments: Value, priority: u32| json!({ "name": name, "segments": segments, "priority": priority, "factors": [pulse_factor(1.0)] });
    activate(&server, "everyone", model("Everyone", json!([]), 50)).await;
    activate(&server, "large", model("Large", json!(["Enterprise"]), 10)).await;
    activate(&server, "also-large", model("Also large", json!(["Enterprise", "SMB"]), 20)).await;
    let mut applied = vec![];
    for segment in [json!("Enterprise"), json!("SMB"), json!("Startup"), Value::Null] {
        let customer = create(&server, "/v1/customers", json!({ "name": "C", "segment": segment })).await;
        let found = server.get(&format!("{customer}/health")).await.expect(200);
        applied.push(found["model"]["key"].as_str().expect("a key").to_owned());
    }
    assert_eq!(applied, ["large", "also-large", "everyone", "everyone"]);
}

async fn milestones_add_and_take_away(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let mut plan = crate::samples::plan();
    plan["customer_id"] = json!(id);
    let plan = create(&server, "/v1/plans", plan).await;
    let completion = json!({ "key": "done", "name": "Done", "weight": 1, "input": { "kind": "plans", "measure": "milestone_completion" }, "curve": [{ "x": 0, "y": 20 }, { "x": 100, "y": 100 }] });
    let impacts = json!([
        { "milestone": "a", "on": "missed", "points": -16, "half_life_days": 14 },
        { "milestone": "a", "on": "achieved", "points": 8, "half_life_days": 14 },
    ]);
    activate(&server, "plans", json!({ "name": "Plans", "factors": [completion], "impacts": impacts })).await;
    // a was planned for 20 April and missed on the 21st, 13 days ago.
    let missed = health(&server, &id, "?as_of=2026-05-05").await;
    assert_eq!((&missed["score"], &missed["impacts"][0]["contribution"]), (&json!(12.0), &json!(-8.0)));
    assert_eq!(contributions(&missed), [20.0, -8.0, 0.0]);
    let achieve = server.post(&format!("{plan}/milestones/a/achieve"), json!({})).await;
    achieve.expect(200);
    let met = health(&server, &id, "?as_of=2026-05-05").await;
    assert_eq!(met["factors"][0]["input"], 100.0);
    assert_eq!(Some(contributions(&met).iter().sum::<f64>()), met["score"].as_f64());
    assert_eq!(met["impacts"].as_array().map(Vec::len), Some(2), "what was missed stays missed, and fades");
    assert!(met["limit"].as_f64().is_some_and(|limit| limit <= 0.0));
}

async fn outcomes_are_recorded(engine: Engine) {
    let server = Server::start(engine).await;
    let customer = create(
        &server,
        "/v1/customers",
        json!({ "name": "Northwind", "external_ref": "northwind", "since_on": "2026-01-10" }),
    )
    .await;
    let path = format!("{customer}/outcomes");
    for (on, code) in [("2026-01-09", "before_customer"), ("2026-05-05", "in_the_future")] {
        let refused = server.post(&path, json!({ "kind": "churned", "occurred_on": on })).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/occurred_on", code)]));
    }
    server
        .post(&path, json!({ "kind": "expanded", "occurred_on": "2026-02-01", "amount_minor": 500 }))
        .await
        .expect(201);
    server.post(&path, json!({ "kind": "churned", "occurred_on": "2026-05-04", "note": "Price." })).await.expect(201);
    let all = server.get(&path).await.expect(200);
    assert_eq!(pluck(&all, "kind"), [&json!("churned"), &json!("expanded")]);
    let other = create_customer(&server, "contoso").await;
    active_on(&server, "contoso", &["2026-03-01"]).await;
    let before = server
        .post(&format!("/v1/customers/{other}/outcomes"), json!({ "kind": "renewed", "occurred_on": "2026-02-28" }))
        .await;
    assert_eq!(before.problem(422, "validation_failed"), errors(&[("/occurred_on", "before_customer")]));
    server
        .post(&format!("/v1/customers/{other}/outcomes"), json!({ "kind": "renewed", "occurred_on": "2026-03-01" }))
        .await
        .expect(201);
    server
        .call("DELETE", &format!("/v1/customers/{other}"))
        .header("If-Match", "*")
        .send()
        .await
        .problem(409, "conflict");
}

async fn parts_roll_up(engine: Engine) {
    let server = Server::start(engine).await;
    activate(&server, "pulse", json!({ "name": "Pulse", "factors": [pulse_factor(1.0)] })).await;
    let whole = create(&server, "/v1/customers", json!({ "name": "Whole" })).await;
    let whole_id = whole.rsplit('/').next().expect("an id").to_owned();
    let mut first = String::new();
    for (name, revenue, score) in [("Asia", 100, Some(40.0)), ("Europe", 300, Some(80.0)), ("Moon", 900, None)] {
        let part = create(
            &server,
            "/v1/customers",
            json!({ "name": name, "parent_id": whole_id, "annual_revenue_minor": revenue }),
        )
        .await;
        if let Some(score) = score {
            server.post(&format!("{part}/pulses"), json!({ "score": score })).await.expect(201);
        }
        first = if first.is_empty() { part } else { first };
    }
    let rollup = server.get(&format!("{whole}/health/rollup")).await.expect(200);
    assert_eq!(
        (
            &rollup["worst"],
            &rollup["mean"],
            &rollup["revenue_weighted"],
            &rollup["worst_band"],
            &rollup["without_score"]
        ),
        (&json!(40.0), &json!(60.0), &json!(70.0), &json!("at_risk"), &json!(1))
    );
    assert_eq!(pluck(&rollup, "name"), [&json!("Asia"), &json!("Europe"), &json!("Moon")]);
    let first_id = first.rsplit('/').next().expect("an id");
    let around = server.patch(&whole, json!({ "parent_id": first_id })).await.problem(422, "validation_failed");
    assert_eq!(around, errors(&[("/parent_id", "parent_cycle")]));
    let unknown =
        server.post("/v1/customers", json!({ "name": "X", "parent_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11" })).await;
    assert_eq!(unknown.problem(422, "validation_failed"), errors(&[("/parent_id", "unknown_customer")]));
    server.call("DELETE", &whole).header("If-Match", "*").send().await.problem(409, "conflict");
}

async fn history_and_picture(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    activate(&server, "active", json!({ "name": "Active", "factors": [active_days_factor(1.0)] })).await;
    active_on(&server, "northwind", &["2026-04-20", "2026-04-21", "2026-04-22", "2026-05-03"]).await;
    let history = server.get(&format!("/v1/customers/{id}/health/history")).await.expect(200);
    let days = history["data"].as_array().expect("days");
    assert_eq!((days.len(), &days[0]["on"], &days[89]["on"]), (90, &json!("2026-02-04"), &json!("2026-05-04")));
    assert_eq!(
        (&days[74]["on"], &days[74]["band"]),
        (&json!("2026-04-19"), &json!("unknown")),
        "before the first event"
    );
    for day in days {
        let on = day["on"].as_str().expect("a day");
        if ["2026-04-19", "2026-04-22", "2026-04-28", "2026-05-04"].contains(&on) {
            let one = health(&server, &id, &format!("?as_of={on}")).await;
            assert_eq!((&one["score"], &one["band"]), (&day["score"], &day["band"]), "{on}");
        }
    }
    let csv = server
        .call("GET", &format!("/v1/customers/{id}/health/history?from=2026-05-04"))
        .header("Accept", "text/csv")
        .send()
        .await;
    assert_eq!(csv.text.lines().nth(1), Some("2026-05-04,20,critical,20,critical,1,active,1"));
    let svg = server.get(&format!("/v1/customers/{id}/health.svg")).await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert!(svg.text.contains("<title>northwind: health 20</title>"), "{}", svg.text);
    let long = server
        .get(&format!("/v1/customers/{id}/health/history?from=2020-01-01"))
        .await
        .problem(400, "invalid_parameter");
    assert_eq!(long, errors(&[("from", "out_of_range")]));
}

/// Dates at the beginning and at the end of the calendar work like any other date.
async fn the_calendar_has_an_end(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let mut plan = crate::samples::plan();
    plan["customer_id"] = json!(id);
    let plan = create(&server, "/v1/plans", plan).await;
    active_on(&server, "northwind", &["2026-05-01"]).await;
    create(&server, "/v1/metrics", json!({ "key": "count", "event_type": "*", "aggregate": "count" })).await;
    for on in ["9999-12-31", "9999-12-30", "0001-01-01"] {
        for path in [
            format!("/v1/customers/{id}/health?as_of={on}"),
            format!("/v1/customers/{id}/health/history?to={on}"),
            format!("/v1/customers/{id}/health.svg?to={on}"),
            format!("/v1/customers/{id}/health/explain-change?to={on}"),
            format!("/v1/customers/{id}/health/rollup?as_of={on}"),
            format!("/v1/customers/{id}/risk?as_of={on}"),
            format!("/v1/customers/{id}/metrics?as_of={on}&window=all"),
            format!("/v1/customers/{id}/metrics/series?key=count&to={on}&period=day"),
            format!("{plan}/earned-value?as_of={on}&period=week"),
            format!("{plan}/s-curve.svg?as_of={on}"),
        ] {
            assert_eq!(server.get(&path).await.status, 200, "{path}");
        }
    }
    let all = server.get(&format!("/v1/customers/{id}/metrics?as_of=9999-12-30&window=all")).await.expect(200);
    assert_eq!(all["data"][0]["value"], 1.0, "on either engine");
}
