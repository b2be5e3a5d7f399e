//! Milestones and retention: customers are grouped by landmark, not by whether they ever reached the milestone.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::create;

on_both_engines!(
    milestones_that_go_with_staying,
    who_was_lost_before_the_plan_has_not_stayed,
    options_that_make_no_sense,
);

async fn template(server: &Server) {
    let milestones = json!([{ "key": "first-value", "name": "First value", "offset_days": 20 }, { "key": "training", "name": "Training", "offset_days": 25 }]);
    create(server, "/v1/templates", json!({ "key": "first-steps", "name": "Onboarding", "kind": "onboarding", "milestones": milestones, "publish": true })).await;
}

/// Creates a customer that started on 1 January 2025, with optional dates of first value and of loss.
async fn enrol(server: &Server, number: usize, segment: &str, reached: Option<&str>, lost: Option<&str>) {
    let body = json!({ "name": format!("c{number}"), "segment": segment, "since_on": "2025-01-01" });
    let customer = create(server, "/v1/customers", body).await;
    let customer_id = customer.rsplit('/').next().expect("an id");
    let plan = json!({ "name": "P", "start_on": "2025-01-01", "customer_id": customer_id, "template": "first-steps" });
    let plan = create(server, "/v1/plans", plan).await;
    if let Some(on) = reached {
        server.post(&format!("{plan}/milestones/first-value/achieve"), json!({ "occurred_on": on })).await.expect(200);
    }
    if let Some(on) = lost {
        server.post(&format!("{customer}/outcomes"), json!({ "kind": "churned", "occurred_on": on })).await.expect(201);
    }
}

async fn milestones_that_go_with_staying(engine: Engine) {
    let server = Server::start(engine).await;
    template(&server).await;
    let mut number = 0;
    for (count, segment, reached, lost) in [
        (8, "SMB", Some("2025-01-20"), None),
        (1, "SMB", Some("2025-01-20"), Some("2025-03-01")),
        (2, "Enterprise", Some("2025-03-20"), None), // after the landmark: not reached
        (6, "Enterprise", None, Some("2025-04-01")),
        (1, "Enterprise", None, Some("2025-01-15")), // lost before the landmark: not counted
        (1, "Enterprise", None, None),
    ] {
        for _ in 0..count {
            enrol(&server, number, segment, reached, lost).await;
            number += 1;
        }
    }
    let report = server.get("/v1/reports/retention?template=first-steps").await.expect(200);
    assert_eq!(
        (&report["enrolments"], &report["landmark_days"], &report["horizon_days"]),
        (&json!(19), &json!(30), &json!(180))
    );
    let first = &report["milestones"][0];
    let counts =
        ["n", "reached_stayed", "reached_lost", "not_reached_stayed", "not_reached_lost", "lost_before_landmark"];
    assert_eq!(counts.map(|name| first[name].clone()), [18, 8, 1, 3, 6, 1].map(Value::from));
    let near = |found: &Value, expected: f64| {
        assert!((found.as_f64().expect("a number") - expected).abs() < 5e-4, "{found} is not {expected}");
    };
    near(&first["risk_ratio"]["value"], (8.0 / 9.0) / (3.0 / 9.0));
    near(&first["odds_ratio"]["value"], 16.0);
    near(&first["risk_difference"]["value"], 5.0 / 9.0);
    assert_eq!(first["test"], "fisher_exact");
    // Sum over the hypergeometric distribution of 9, 9 and 11: all tables that are at most as likely as this one.
    near(&first["p_value"], 0.0498);
    assert!(first["adjusted_p_value"].as_f64() >= first["p_value"].as_f64());
    assert_eq!((&first["strata"], &first["mantel_haenszel"]), (&json!(2), &Value::Null), "no segment has both");
    assert!(first["log_rank"]["p_value"].as_f64() < Some(0.05));
    let step = json!({ "day": 29, "at_risk": 9, "lost": 1 });
    for name in ["day", "at_risk", "lost"] {
        assert_eq!(first["reached_curve"][0][name], step[name], "lost on the 59th day, counted from the landmark");
    }
    assert_eq!(report["milestones"][1]["p_value"], Value::Null, "nobody had training: nothing to compare");
    let reasons = report["milestones"][1]["undetermined"].as_array().expect("reasons");
    let nulls =
        report["milestones"][1].as_object().expect("figures").iter().filter(|(_, value)| value.is_null()).count();
    assert_eq!(reasons.len(), nulls, "every null has its reason: {}", report["milestones"][1]);
    assert!(reasons.iter().all(|one| one["reason"] == "nobody_exposed"), "{reasons:?}");
    let nulls = first.as_object().expect("figures").iter().filter(|(_, value)| value.is_null()).count();
    assert_eq!((nulls, first["undetermined"].as_array().map(Vec::len)), (2, Some(2)), "{first}");
    let small = server
        .get("/v1/reports/retention?template=first-steps&segment=SMB&landmark_days=10&horizon_days=40")
        .await
        .expect(200);
    assert_eq!((&small["enrolments"], &small["milestones"][0]["not_reached_stayed"]), (&json!(9), &json!(9)));
}

async fn who_was_lost_before_the_plan_has_not_stayed(engine: Engine) {
    let server = Server::start(engine).await;
    template(&server).await;
    for (number, (reached, lost)) in
        [(Some("2025-01-20"), None), (None, None), (None, Some("2025-01-01"))].into_iter().enumerate()
    {
        enrol(&server, number, "SMB", reached, lost).await;
    }
    let report = server.get("/v1/reports/retention?template=first-steps").await.expect(200);
    assert_eq!((&report["enrolments"], &report["lost_before_start"]), (&json!(3), &json!(1)));
    let first = &report["milestones"][0];
    assert_eq!(
        (&first["n"], &first["reached_stayed"], &first["not_reached_stayed"]),
        (&json!(2), &json!(1), &json!(1))
    );
    assert_eq!((&first["risk_ratio"], &first["odds_ratio"]), (&Value::Null, &Value::Null), "nobody was lost");
    let reason = first["undetermined"].as_array().expect("reasons").iter().find(|one| one["figure"] == "risk_ratio");
    assert_eq!(reason.expect("it")["reason"], "event_for_everybody");
}

async fn options_that_make_no_sense(engine: Engine) {
    let server = Server::start(engine).await;
    template(&server).await;
    for (query, place, code) in [
        ("template=ghost", "template", "unknown_template"),
        ("template=first-steps&landmark_days=90&horizon_days=90", "horizon_days", "out_of_order"),
        ("", "template", "required"),
    ] {
        let refused = server.get(&format!("/v1/reports/retention?{query}")).await.problem(400, "invalid_parameter");
        assert_eq!(refused, errors(&[(place, code)]));
    }
    let nobody = server.get("/v1/reports/retention?template=first-steps").await.expect(200);
    assert_eq!((&nobody["enrolments"], &nobody["milestones"][0]["n"]), (&json!(0), &json!(0)));
}
