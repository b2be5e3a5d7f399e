//! Risk: named factors with evidence, and models fitted to customers' outcomes.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::health::active_on;
use crate::proof::synthetic_customers;
use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    points_come_with_their_evidence,
    silence_is_not_safety,
    events_by_their_own_names,
    who_never_began_is_at_risk,
    a_model_earns_its_place,
    a_model_that_learned_nothing_stays_a_draft,
    nothing_is_fitted_on_too_few,
);

async fn points_come_with_their_evidence(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let path = format!("/v1/customers/{id}/risk");
    let unknown = server.get(&path).await.expect(200);
    assert_eq!(
        (&unknown["level"], &unknown["points"], &unknown["factors"][1]["severity"]),
        (&json!("low"), &json!(0.0), &Value::Null)
    );
    assert_eq!(unknown["factors"][3]["evidence"], "not enough is known", "nobody reports usage");
    active_on(&server, "northwind", &["2026-03-10", "2026-03-15", "2026-03-20", "2026-03-25", "2026-05-01"]).await;
    let escalated = |id: &str| json!({ "id": id, "source": "desk", "type": "support.escalated", "subject": "northwind", "time": "2026-05-02T08:00:00Z" });
    server.post("/v1/events", json!([escalated("1"), escalated("2"), escalated("3")])).await.expect(200);
    let mut plan = crate::samples::plan();
    plan["customer_id"] = json!(id);
    create(&server, "/v1/plans", plan).await;
    let found = server.get(&path).await.expect(200);
    let factor = |name: &str| {
        found["factors"].as_array().expect("factors").iter().find(|one| one["factor"] == name).expect("it").clone()
    };
    // a was planned for 20 April, 14 days ago.
    assert_eq!(
        (&factor("milestone_delay")["found"], &factor("support_escalations")["points"]),
        (&json!(14.0), &json!(15.0))
    );
    let decline = factor("engagement_decline");
    assert_eq!(
        (&decline["found"], &decline["compared_with"], &decline["severity"]),
        (&json!(2.0), &json!(4.0), &json!(0.5))
    );
    let points = 20.0 * 14.0 / 30.0 + 10.0 + 15.0;
    assert!((found["points"].as_f64().expect("points") - points).abs() < 1e-9, "{}", found["points"]);
    assert_eq!(
        (&found["level"], &found["basis"], &found["probability"]),
        (&json!("medium"), &json!("points"), &Value::Null)
    );
    let before = server.get(&format!("{path}?as_of=2026-03-31")).await.expect(200);
    assert_eq!(before["points"], 0.0);
}

/// Finds a factor of a risk by its name.
fn factor<'a>(risk: &'a Value, name: &str) -> &'a Value {
    risk["factors"].as_array().expect("factors").iter().find(|one| one["factor"] == name).expect("it")
}

async fn silence_is_not_safety(engine: Engine) {
    let server = Server::start(engine).await;
    let playbook = json!({ "key": "silent", "content": { "name": "Silent", "trigger": { "kind": "risk_level", "level": "high" },
        "action": { "kind": "coaching", "title": "Call the sponsor", "due_in_days": 2 } } });
    create(&server, "/v1/playbooks", playbook).await;
    let id = create_customer(&server, "northwind").await;
    // Active every day until 4 May, and never again.
    let days: Vec<String> =
        (6..=30).map(|day| format!("2026-04-{day:02}")).chain((1..=4).map(|day| format!("2026-05-{day:02}"))).collect();
    active_on(&server, "northwind", &days.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let path = format!("/v1/customers/{id}/risk");
    let mut last = server.get(&path).await.expect(200)["points"].as_f64().expect("points");
    assert!(last.abs() < f64::EPSILON);
    let mut passed = 0;
    for days in [7, 20, 34, 35, 59, 60, 61, 90, 120] {
        let on = chrono::NaiveDate::from_ymd_opt(2026, 5, 4).expect("a date") + Duration::days(days);
        server.clock.advance(Duration::days(days - passed));
        passed = days;
        let risk = server.get(&path).await.expect(200);
        assert_eq!(risk["as_of"], on.to_string());
        let points = risk["points"].as_f64().expect("points");
        assert!(points >= last, "silence of {days} days: {points} after {last}");
        last = points;
        server.get("/v1/reports/health").await.expect(200);
    }
    let risk = server.get(&path).await.expect(200);
    assert_eq!((&risk["level"], &risk["points"]), (&json!("high"), &json!(50.0)));
    assert_eq!(factor(&risk, "gone_silent")["evidence"], "last event 120 days ago, usual pause 1 day");
    assert_eq!(factor(&risk, "engagement_decline")["compared_with"], 29.0, "its own active time, however long ago");
    let opened = server.get("/v1/interventions").await.expect(200);
    assert_eq!(pluck(&opened, "title"), [&json!("Call the sponsor")], "once");
}

async fn events_by_their_own_names(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let event = |number: usize, kind: &str| json!({ "id": format!("{kind}{number}"), "source": "app", "type": kind, "subject": "northwind", "time": "2026-05-03T09:00:00Z" });
    let mut events: Vec<Value> = (0..4).map(|number| event(number, "lesson_done")).collect();
    events.extend((0..3).map(|number| event(number, "ticket_escalated")));
    events.push(event(0, "support.chat"));
    server.post("/v1/events", json!(events)).await.expect(200);
    let path = format!("/v1/customers/{id}/risk");
    let before = server.get(&path).await.expect(200);
    assert_eq!(factor(&before, "support_escalations")["points"], 0.0);
    let unmapped = server.get("/v1/events/types?mapped=false").await.expect(200);
    let types: Vec<(&Value, &Value)> =
        unmapped["data"].as_array().expect("types").iter().map(|one| (&one["type"], &one["events"])).collect();
    assert_eq!(types, [(&json!("lesson_done"), &json!(4)), (&json!("ticket_escalated"), &json!(3))]);
    let meanings = json!([{ "event_type": "lesson_*", "meaning": "learning" }, { "event_type": "ticket_escalated", "meaning": "escalation" }]);
    server.patch("/v1/organization", json!({ "event_meanings": meanings })).await.expect(200);
    let after = server.get(&path).await.expect(200);
    assert_eq!(factor(&after, "support_escalations")["points"], 15.0);
    let learned =
        after["indicators"].as_array().expect("indicators").iter().find(|one| one["indicator"] == "learning_velocity");
    assert_eq!(learned.expect("it")["value"], 4.0);
    let health = server.get(&format!("/v1/customers/{id}/health")).await.expect(200);
    let tickets = health["factors"].as_array().expect("factors").iter().find(|one| one["key"] == "support_tickets");
    assert_eq!(tickets.expect("it")["input"], 4.0, "of the shipped model: three escalations and a chat");
    assert_eq!(server.get("/v1/events/types?mapped=false").await.expect(200)["data"], json!([]));
}

async fn who_never_began_is_at_risk(engine: Engine) {
    let server = Server::start(engine).await;
    active_on(&server, "contoso", &["2026-05-04"]).await;
    create_customer(&server, "contoso").await;
    let id = create_customer(&server, "northwind").await;
    let playbook = json!({ "key": "unused", "content": { "name": "Unused", "trigger": { "kind": "never_activated", "days": 30 },
        "action": { "kind": "coaching", "title": "Ask what is in the way", "due_in_days": 2 } } });
    create(&server, "/v1/playbooks", playbook).await;
    let path = format!("/v1/customers/{id}/risk");
    assert_eq!(factor(&server.get(&path).await.expect(200), "never_activated")["severity"], 0.0, "it may still begin");
    server.get("/v1/reports/health").await.expect(200);
    server.clock.advance(Duration::days(60));
    let risk = server.get(&path).await.expect(200);
    assert_eq!((&risk["level"], &risk["points"]), (&json!("high"), &json!(50.0)));
    assert_eq!(factor(&risk, "never_activated")["evidence"], "no event in the 60 days as a customer");
    assert_eq!((&risk["health_band"], &risk["health_score"]), (&json!("unknown"), &Value::Null));
    let sentence = "Health is unknown, while risk is high: no event in the 60 days as a customer.";
    assert_eq!(risk["difference"], sentence);
    server.get("/v1/reports/health").await.expect(200);
    let opened = server.get("/v1/interventions").await.expect(200);
    assert_eq!(pluck(&opened, "customer_ref"), [&json!("northwind")]);
}

async fn a_model_earns_its_place(engine: Engine) {
    let server = Server::start(engine).await;
    synthetic_customers(&server).await;
    let customer = server.get("/v1/customers/by-ref/s001").await.expect(200);
    let path = format!("/v1/customers/{}/risk", customer["id"].as_str().expect("an id"));
    assert_eq!(server.get(&path).await.expect(200)["basis"], "points");
    let mut draft = json!({ "horizon_days": 90, "from": "2025-01-01", "to": "2025-12-01" });
    let refused = server.post("/v1/risk-models/fit", draft.clone()).await;
    assert!(refused.text.contains("use \\\"occurred\\\" for imported history"), "{}", refused.text);
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/known_by", "history_not_known")]));
    let proof = server.post("/v1/health-models/shipped/backtest", draft.clone()).await;
    assert_eq!(proof.problem(422, "validation_failed"), errors(&[("/known_by", "history_not_known")]));
    draft["known_by"] = json!("occurred");
    let model = server.post("/v1/risk-models/fit", draft).await.expect(201);
    assert_eq!((&model["horizon_days"], &model["evaluated_on"].as_array().map(Vec::len)), (&json!(90), &Some(4)));
    let coefficient = |name: &str| {
        let all = model["coefficients"].as_array().expect("coefficients");
        all.iter().find(|one| one["feature"] == name).expect("it")["coefficient"].as_f64().expect("a number")
    };
    assert!(coefficient("active_share") < 0.0, "who is active stays: {}", model["coefficients"]);
    let holdout = &model["holdout"];
    assert_eq!(holdout["from"], "2025-09-28");
    assert!(holdout["area_from"].as_f64() > Some(0.5), "{holdout}");
    assert_eq!((&model["status"], &model["lacks"]), (&json!("draft"), &json!([])), "{model:#}");
    assert_eq!(server.get(&path).await.expect(200)["basis"], "points", "a draft does not apply");

    let model_path = format!("/v1/risk-models/{}", model["id"].as_str().expect("an id"));
    server.call("POST", &format!("{model_path}/retire")).send().await.problem(409, "conflict");
    server.clock.advance(Duration::hours(1));
    let active = server.call("POST", &format!("{model_path}/activate")).send().await.expect(200);
    assert_eq!((&active["status"], &active["activated_at"]), (&json!("active"), &json!("2026-05-04T13:00:00Z")));
    let found = server.get(&path).await.expect(200);
    assert_eq!((&found["basis"], &found["model_id"]), (&json!("model"), &model["id"]));
    assert!(found["probability"].as_f64().is_some_and(|probability| (0.0..1.0).contains(&probability)));
    assert!(found["points_level"].is_string(), "the points stay beside it");
    let before = server.get(&format!("{path}?as_of=2026-05-03")).await.expect(200);
    assert_eq!(before["basis"], "points", "earlier days keep what applied on them");
    let known = server.get(&format!("{path}?known_at=2026-05-04T12:30:00Z")).await.expect(200);
    assert_eq!(known["basis"], "points", "there was no model then");
    assert_eq!(server.get("/v1/risk-models").await.expect(200)["data"], json!([active]));

    server.clock.advance(Duration::days(1));
    let retired = server.call("POST", &format!("{model_path}/retire")).send().await.expect(200);
    assert_eq!(retired["status"], "retired");
    assert_eq!(server.get(&path).await.expect(200)["basis"], "points");
    let then = server.get(&format!("{path}?as_of=2026-05-04")).await.expect(200);
    assert_eq!(then["basis"], "model", "that day keeps its model");
}

/// Fits a model on customers of whom nothing is known, some of whom were lost, so that there is nothing to learn.
pub async fn fit_hopelessly(server: &Server) -> Value {
    for number in 0..40 {
        let name = format!("c{number}");
        let customer = json!({ "name": name, "external_ref": name, "since_on": "2024-01-01" });
        let path = create(server, "/v1/customers", customer).await;
        if number < 20 {
            let on = format!("2025-{:02}-15", 1 + number % 12);
            server.post(&format!("{path}/outcomes"), json!({ "kind": "churned", "occurred_on": on })).await.expect(201);
        }
    }
    let draft = json!({ "horizon_days": 60, "from": "2025-01-01", "to": "2025-12-01", "known_by": "occurred" });
    server.post("/v1/risk-models/fit", draft).await.expect(201)
}

async fn a_model_that_learned_nothing_stays_a_draft(engine: Engine) {
    let server = Server::start(engine).await;
    let model = fit_hopelessly(&server).await;
    assert_eq!(pluck(&json!({ "data": model["lacks"] }), "code")[0], &json!("learned_nothing"), "{model:#}");
    let path = format!("/v1/risk-models/{}", model["id"].as_str().expect("an id"));
    let refused = server.call("POST", &format!("{path}/activate")).send().await.problem(409, "conflict");
    assert_eq!(refused, errors(&[("/reason", "model_unproven")]));
    let dots = server.post(&format!("{path}/activate"), json!({ "reason": "..." })).await;
    assert_eq!(dots.problem(422, "validation_failed"), errors(&[("/reason", "wrong_pattern")]));
    let reason = "We want to see how it does for a month.";
    let active = server.post(&format!("{path}/activate"), json!({ "reason": reason })).await.expect(200);
    assert_eq!((&active["status"], &active["activation_reason"]), (&json!("active"), &json!(reason)));
}

async fn nothing_is_fitted_on_too_few(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let draft = json!({ "horizon_days": 30, "from": "2026-01-01", "to": "2026-04-01" });
    let refused = server.post("/v1/risk-models/fit", draft).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("", "too_few_events")]));
    assert_eq!(server.get("/v1/risk-models").await.expect(200)["data"], json!([]));
}
