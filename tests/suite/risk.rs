//! Risk: named factors with evidence, and models fitted to customers' outcomes.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::health::active_on;
use crate::proof::synthetic_customers;
use crate::samples::{create, create_customer};

on_both_engines!(points_come_with_their_evidence, a_model_is_fitted_on_outcomes, nothing_is_fitted_on_too_few);

async fn points_come_with_their_evidence(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let path = format!("/v1/customers/{id}/risk");
    let unknown = server.get(&path).await.expect(200);
    assert_eq!(
        (&unknown["level"], &unknown["points"], &unknown["factors"][1]["severity"]),
        (&json!("low"), &json!(0.0), &Value::Null)
    );
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
        (&json!(14.0), &json!(20.0))
    );
    let decline = factor("engagement_decline");
    assert_eq!(
        (&decline["found"], &decline["compared_with"], &decline["severity"]),
        (&json!(2.0), &json!(4.0), &json!(0.5))
    );
    let points = 25.0 * 14.0 / 30.0 + 15.0 + 20.0;
    assert!((found["points"].as_f64().expect("points") - points).abs() < 1e-9, "{}", found["points"]);
    assert_eq!(
        (&found["level"], &found["basis"], &found["probability"]),
        (&json!("medium"), &json!("points"), &Value::Null)
    );
    let before = server.get(&format!("{path}?as_of=2026-03-31")).await.expect(200);
    assert_eq!(before["points"], 0.0);
}

async fn a_model_is_fitted_on_outcomes(engine: Engine) {
    let server = Server::start(engine).await;
    synthetic_customers(&server).await;
    let customer = server.get("/v1/customers/by-ref/s001").await.expect(200);
    let path = format!("/v1/customers/{}/risk?as_of=2025-01-01", customer["id"].as_str().expect("an id"));
    assert_eq!(server.get(&path).await.expect(200)["basis"], "points");
    let draft = json!({ "horizon_days": 90, "from": "2025-01-01", "to": "2025-12-01", "known_by": "occurred" });
    let model = server.post("/v1/risk-models/fit", draft).await.expect(201);
    assert_eq!((&model["horizon_days"], &model["evaluated_on"].as_array().map(Vec::len)), (&json!(90), &Some(4)));
    let coefficient = |name: &str| {
        let all = model["coefficients"].as_array().expect("coefficients");
        all.iter().find(|one| one["feature"] == name).expect("it")["coefficient"].as_f64().expect("a number")
    };
    assert!(coefficient("active_share") < -1.0, "who is active stays: {}", model["coefficients"]);
    let holdout = &model["holdout"];
    assert_eq!(holdout["from"], "2025-09-28");
    assert!(
        holdout["area"].as_f64() > Some(0.6) && holdout["area_from"].as_f64() < holdout["area_to"].as_f64(),
        "{holdout}"
    );
    let found = server.get(&path).await.expect(200);
    assert_eq!((&found["basis"], &found["model_id"]), (&json!("model"), &model["id"]));
    let probability = found["probability"].as_f64().expect("a chance");
    assert!((0.0..1.0).contains(&probability));
    let known = server.get(&format!("{path}&known_at=2026-05-04T11:59:59Z")).await.expect(200);
    assert_eq!(known["basis"], "points", "there was no model then");
    assert_eq!(server.get("/v1/risk-models").await.expect(200)["data"], json!([model]));
}

async fn nothing_is_fitted_on_too_few(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "northwind").await;
    let draft = json!({ "horizon_days": 30, "from": "2026-01-01", "to": "2026-04-01" });
    let refused = server.post("/v1/risk-models/fit", draft).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("", "too_few_events")]));
    assert_eq!(server.get("/v1/risk-models").await.expect(200)["data"], json!([]));
}
