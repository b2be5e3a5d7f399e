//! Plans: creation, search, changes and measurement.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{self, create, create_customer, create_plan, pluck};

on_both_engines!(
    a_plan_as_it_stands,
    history_is_brought_along,
    bad_plans_are_refused_whole,
    plans_are_found,
    fields_are_changed,
    today_is_the_organization_s,
    renamed_customers_show,
);

async fn a_plan_as_it_stands(engine: Engine) {
    let server = Server::start(engine).await;
    let customer = create_customer(&server, "crm-1").await;
    let mut draft = samples::plan();
    draft["customer_ref"] = "crm-1".into();
    let created = server.post("/v1/plans", draft).await;
    let path = created.header("location");
    let created = created.expect(201);
    assert_eq!(server.get(&path).await.expect(200), created);
    let expected = json!({
        "customer_id": customer, "customer_name": "crm-1", "kind": "delivery", "weight_unit": "points", "credit_rule": "zero_hundred",
        "at_risk_limit_days": 7, "as_of": "2026-05-04", "status": "delayed", "spi": 0.0, "planned_percent": 20.0, "earned_percent": 0.0,
        "next_milestone": { "key": "a", "name": "Access", "expected_on": "2026-05-04" }, "expected_finish_on": "2026-06-15", "version": 1,
    });
    for (field, value) in expected.as_object().expect("fields") {
        assert_eq!(created[field], *value, "{field}");
    }
    assert_eq!(
        created["status_counts"],
        json!({ "on_track": 0, "at_risk": 0, "delayed": 3, "achieved": 0, "waived": 0, "cancelled": 0 }),
        "what waits for the late one is late too"
    );
    let baselines = server.get(&format!("{path}/baselines")).await.expect(200);
    assert_eq!(baselines["data"][0]["effective_on"], "2026-04-01");
    assert_eq!(baselines["data"][0]["lines"].as_array().map(Vec::len), Some(3));
}

async fn history_is_brought_along(engine: Engine) {
    let server = Server::start(engine).await;
    let mut draft = samples::plan();
    draft["milestones"][0]["forecast_changes"] = json!([
        { "recorded_on": "2026-04-10", "forecast_on": "2026-04-25", "reason": "Credentials came late." },
        { "recorded_on": "2026-04-24", "forecast_on": "2026-05-06" },
    ]);
    draft["milestones"][0]["actual_on"] = "2026-05-02".into();
    draft["milestones"][1]["started_on"] = "2026-04-28".into();
    let path = create(&server, "/v1/plans", draft).await;
    let a = server.get(&format!("{path}/milestones/a")).await.expect(200);
    assert_eq!(
        (&a["state"], &a["status"], &a["variance_days"], &a["forecast_changes"]),
        (&json!("achieved"), &json!("achieved"), &json!(12), &json!(2))
    );
    let b = server.get(&format!("{path}/milestones/b")).await.expect(200);
    assert_eq!((&b["state"], &b["depends_on"]), (&json!("in_progress"), &json!(["a"])));
    let then = server.get(&format!("{path}/milestones/a?as_of=2026-04-15")).await.expect(200);
    assert_eq!((&then["status"], &then["forecast_on"]), (&json!("at_risk"), &json!("2026-04-25")));
    let changes = server.get(&format!("{path}/milestones/a/forecast-changes")).await.expect(200);
    assert_eq!(pluck(&changes, "from_on"), ["2026-04-25", "2026-04-20"]);
    assert_eq!(pluck(&changes, "reason"), [&Value::Null, &json!("Credentials came late.")]);
    let value = server.get(&format!("{path}/earned-value?as_of=2026-05-02")).await.expect(200);
    assert_eq!(
        (&value["planned_value"], &value["earned_value"], &value["spi"]),
        (&json!(2.0), &json!(2.0), &json!(1.0))
    );
}

async fn bad_plans_are_refused_whole(engine: Engine) {
    let server = Server::start(engine).await;
    let with = |pointer: &str, value: Value| {
        let mut draft = samples::plan();
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
        draft.pointer_mut(parent).expect("its parent")[field] = value;
        draft
    };
    let template = |key: &str| json!({ "name": "P", "start_on": "2026-05-04", "template": key });
    let mut both = samples::plan();
    both["template"] = "onboarding".into();
    let unknown = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
    for (draft, expected) in [
        (template("nonsense"), vec![("/template", "unknown_template")]),
        (both, vec![("/milestones", "template_and_milestones")]),
        (json!({ "name": "P", "start_on": "2026-05-04" }), vec![("/milestones", "template_or_milestones")]),
        (with("/milestones/0/depends_on", json!(["c"])), vec![("/milestones/0/depends_on", "dependency_cycle")]),
        (
            with("/milestones/1/key", json!("a")),
            vec![
                ("/milestones/1/key", "duplicate_key"),
                ("/milestones/2/depends_on/1", "unknown_dependency"),
                ("/milestones/1/depends_on", "dependency_cycle"),
            ],
        ),
        (with("/milestones/1/planned_on", json!("2026-03-31")), vec![("/milestones/1/planned_on", "before_start")]),
        (with("/milestones/0/weight", json!(-1)), vec![("/milestones/0/weight", "too_small")]),
        (with("/milestones/0/actual_on", json!("2026-05-05")), vec![("/milestones/0/actual_on", "in_the_future")]),
        (with("/milestones/0/key", json!("k".repeat(300))), vec![("/milestones/0/key", "too_long")]),
        (with("/milestones/0/key", json!("a/b")), vec![("/milestones/0/key", "wrong_pattern")]),
        (with("/currency", json!("EUR")), vec![("/budget_minor", "currency_without_budget")]),
        (with("/customer_id", json!(unknown)), vec![("/customer_id", "unknown_customer")]),
        (with("/person_ref", json!("nobody")), vec![("/person_ref", "unknown_person")]),
        (with("/start_on", json!("2026-13-01")), vec![("/start_on", "wrong_format")]),
        (with("/start_on", json!("0000-01-01")), vec![("/start_on", "wrong_format")]),
        (with("/milestones/0/weight", json!(-0.5)), vec![("/milestones/0/weight", "too_small")]),
        (
            with("/milestones/0/acceptance_criteria", json!([" "])),
            vec![("/milestones/0/acceptance_criteria/0", "wrong_pattern")],
        ),
    ] {
        let found = server.post("/v1/plans", draft.clone()).await.problem(422, "validation_failed");
        assert_eq!(found, errors(&expected), "{draft}");
    }
    let cycle = server.post("/v1/plans", with("/milestones/0/depends_on", json!(["c"]))).await;
    assert!(cycle.text.contains("a -> c -> a"), "the cycle is named: {}", cycle.text);
    assert_eq!(pluck(&server.get("/v1/plans").await.expect(200), "id").len(), 0);
    assert_eq!(server.get("/v1/ledger?entity_type=plan").await.expect(200)["data"], json!([]));
}

async fn plans_are_found(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "crm-1").await;
    for (name, kind, owner_name, customer, actual) in [
        ("Beta", "delivery", "Ana", true, true),
        ("alpha", "coaching", "Ben", false, false),
        ("Gamma straße", "delivery", "Ana", false, false),
    ] {
        let mut draft = json!({ "name": name, "kind": kind, "owner_name": owner_name, "start_on": "2026-05-01", "milestones": [{ "key": "m", "name": "M", "planned_on": "2026-05-03" }] });
        if customer {
            draft["customer_ref"] = "crm-1".into();
        }
        if actual {
            draft["milestones"][0]["actual_on"] = "2026-05-02".into();
        }
        create(&server, "/v1/plans", draft).await;
    }
    for (query, expected) in [
        ("", vec!["alpha", "Beta", "Gamma straße"]),
        ("kind=delivery", vec!["Beta", "Gamma straße"]),
        ("owner_name=Ben", vec!["alpha"]),
        ("customer_ref=crm-1", vec!["Beta"]),
        ("customer_ref=unknown", vec![]),
        ("q=STRASSE", vec!["Gamma straße"]),
        ("status=achieved", vec!["Beta"]),
        ("status=at_risk&kind=delivery", vec!["Gamma straße"]),
        ("archived=true", vec![]),
        ("limit=2", vec!["alpha", "Beta"]),
    ] {
        let list = server.get(&format!("/v1/plans?{query}")).await.expect(200);
        assert_eq!(pluck(&list, "name"), expected, "{query}");
    }
    let first = server.get("/v1/plans?limit=1&kind=delivery").await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = server.get(&format!("/v1/plans?limit=1&kind=delivery&cursor={cursor}")).await.expect(200);
    assert_eq!((pluck(&second, "name"), &second["has_more"]), (vec![&json!("Gamma straße")], &json!(false)));
}

async fn fields_are_changed(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let changed = server
        .patch(
            &path,
            json!({ "name": "New", "owner_name": "Ana", "at_risk_limit_days": 30, "budget_minor": 5000, "currency": "EUR" }),
        )
        .await;
    let changed = changed.expect(200);
    assert_eq!(
        (&changed["name"], &changed["status"], &changed["version"]),
        (&json!("New"), &json!("at_risk"), &json!(2))
    );
    assert_eq!(server.get(&path).await.expect(200), changed, "what is read follows what is written");
    for (patch, expected) in [
        (json!({ "budget_minor": null }), ("/budget_minor", "currency_without_budget")),
        (json!({ "customer_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11" }), ("/customer_id", "unknown_customer")),
        (json!({ "start_on": "2026-01-01" }), ("/start_on", "unknown_field")),
        (json!({ "at_risk_limit_days": 366 }), ("/at_risk_limit_days", "too_large")),
    ] {
        assert_eq!(server.patch(&path, patch).await.problem(422, "validation_failed"), errors(&[expected]));
    }
    server.patch(&path, json!({ "archived": true })).await.expect(200);
    assert!(pluck(&server.get("/v1/plans").await.expect(200), "id").is_empty());
}

/// At noon in UTC it is already tomorrow on Kiritimati (UTC+14).
async fn today_is_the_organization_s(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    assert_eq!(server.get(&path).await.expect(200)["as_of"], "2026-05-04");
    let unknown = server.patch("/v1/organization", json!({ "time_zone": "Mars/Olympus" })).await;
    assert_eq!(unknown.problem(422, "validation_failed"), errors(&[("/time_zone", "unknown_time_zone")]));
    server.patch("/v1/organization", json!({ "time_zone": "Pacific/Kiritimati" })).await.expect(200);
    assert_eq!(server.get(&path).await.expect(200)["as_of"], "2026-05-05");
}

async fn renamed_customers_show(engine: Engine) {
    let server = Server::start(engine).await;
    let customer = create_customer(&server, "crm-1").await;
    let mut draft = samples::plan();
    draft["customer_id"] = customer.clone().into();
    let path = create(&server, "/v1/plans", draft).await;
    server.get(&path).await.expect(200);
    server.patch(&format!("/v1/customers/{customer}"), json!({ "name": "Renamed" })).await.expect(200);
    assert_eq!(server.get(&path).await.expect(200)["customer_name"], "Renamed");
    let report = server.get("/v1/reports/spi").await.expect(200);
    assert_eq!(pluck(&report, "customer_name"), ["Renamed"]);
}
