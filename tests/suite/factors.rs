//! Factors that are no plain part of the weighted mean: groups, the worst of a group, and points that are added.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::health::{activate, active_days_factor, active_on, pulse_factor};
use crate::samples::create_customer;

on_both_engines!(groups_and_points_make_a_score, what_groups_must_be);

/// Active days and a pulse of which the worst counts, and points for milestones that are overdue.
fn content() -> Value {
    let (mut active, mut pulse) = (active_days_factor(1.0), pulse_factor(1.0));
    (active["group"], pulse["group"]) = (json!("use"), json!("use"));
    let overdue = json!({
        "key": "overdue", "name": "Overdue milestones", "weight": 0, "effect": "additive",
        "input": { "kind": "plans", "measure": "overdue_milestones" }, "curve": [{ "x": 0, "y": 5 }, { "x": 2, "y": -15 }]
    });
    json!({
        "name": "Worst", "factors": [active, pulse, overdue], "additive_limit_points": 10,
        "groups": [{ "key": "use", "name": "Use", "weight": 2, "combine": "worst" }]
    })
}

async fn groups_and_points_make_a_score(engine: Engine) {
    let server = Server::start(engine).await;
    activate(&server, "worst", content()).await;
    let id = create_customer(&server, "crm-4711").await;
    active_on(&server, "crm-4711", &["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04"]).await;
    server.post(&format!("/v1/customers/{id}/pulses"), json!({ "score": 50 })).await.expect(201);
    let milestones: Vec<Value> =
        ["a", "b", "c"].map(|key| json!({ "key": key, "name": key, "planned_on": "2026-05-01" })).into_iter().collect();
    let plan =
        json!({ "name": "Late", "start_on": "2026-04-01", "customer_ref": "crm-4711", "milestones": milestones });
    server.post("/v1/plans", plan).await.expect(201);
    let health = server.get(&format!("/v1/customers/{id}/health")).await.expect(200);
    assert_eq!(
        (&health["score"], &health["coverage"]),
        (&json!(40.0), &json!(1.0)),
        "50 as the worst, and 10 of 15 points less"
    );
    let part = |at: usize, field: &str| health["factors"][at][field].clone();
    assert_eq!(json!([0, 1, 2].map(|at| part(at, "contribution"))), json!([0.0, 50.0, -10.0]));
    assert_eq!(json!([0, 1, 2].map(|at| part(at, "sub_score"))), json!([80.0, 50.0, null]));
    let group = json!({
        "key": "use", "name": "Use", "combine": "worst", "sub_score": 50.0, "weight": 2.0, "effective_weight": 1.0, "contribution": 50.0,
        "decided_by": "pulse"
    });
    assert_eq!(health["groups"], json!([group]));
    let report = server.get("/v1/reports/health").await.expect(200);
    assert_eq!(report["data"][0]["lowest_factor"], "pulse", "points are no sub-score");
    server.post(&format!("/v1/customers/{id}/pulses"), json!({ "score": 100 })).await.expect(201);
    let change = server.get(&format!("/v1/customers/{id}/health/explain-change?from=2026-05-03")).await.expect(200);
    let parts = change["parts"].as_array().expect("parts").iter();
    let sum: f64 = parts.map(|part| part["points"].as_f64().expect("points")).sum();
    assert_eq!(Some(sum), change["difference"].as_f64(), "{change}");
}

async fn what_groups_must_be(engine: Engine) {
    let server = Server::start(engine).await;
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut content = content();
        change(&mut content);
        let draft = json!({ "key": "m", "content": content });
        server.post("/v1/health-models", draft).await.problem(422, "validation_failed")
    };
    let unknown = refused(&|content| content["factors"][0]["group"] = json!("other")).await;
    assert_eq!(unknown, errors(&[("/content/factors/0/group", "unknown_group")]));
    let weightless = refused(&|content| content["groups"][0]["weight"] = json!(0)).await;
    assert_eq!(weightless, errors(&[("/content/factors", "no_weight")]));
    let unused = refused(&|content| content["factors"][2]["weight"] = json!(1)).await;
    assert_eq!(unused, errors(&[("/content/factors/2/weight", "unused")]));
    let negative = refused(&|content| content["factors"][0]["curve"][0]["y"] = json!(-1)).await;
    assert_eq!(negative, errors(&[("/content/factors/0/curve/0/y", "percent_out_of_range")]));
}
