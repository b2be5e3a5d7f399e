//! Templates: shipped and created templates, versions, and immutability after publication.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, pluck};

on_both_engines!(
    three_are_shipped,
    drafts_change_and_published_versions_do_not,
    bad_templates_are_refused,
    a_plan_of_a_template_has_a_history,
);

async fn three_are_shipped(engine: Engine) {
    let server = Server::start(engine).await;
    let list = server.get("/v1/templates").await.expect(200);
    assert_eq!(pluck(&list, "key"), ["ai-coaching", "ai-delivery", "onboarding"]);
    assert_eq!(pluck(&list, "milestones"), [30, 19, 5]);
    let delivery = server.get("/v1/templates/ai-delivery/versions/1").await.expect(200);
    let milestones = delivery["milestones"].as_array().expect("milestones");
    let mut phases: Vec<&Value> = milestones.iter().map(|milestone| &milestone["phase"]).collect();
    phases.dedup();
    assert_eq!(phases.len(), 5);
    for milestone in milestones {
        assert!(!milestone["acceptance_criteria"].as_array().expect("criteria").is_empty(), "{}", milestone["key"]);
        let own = milestone["offset_days"].as_i64();
        for needed in milestone["depends_on"].as_array().expect("dependencies") {
            let needed = milestones.iter().find(|other| other["key"] == *needed).expect("it is there");
            assert!(needed["offset_days"].as_i64() <= own, "{} before {}", needed["key"], milestone["key"]);
        }
    }
    let plan = json!({ "name": "P", "start_on": "2026-05-04", "template": "ai-delivery" });
    let plan = create(&server, "/v1/plans", plan).await;
    let milestones = server.get(&format!("{plan}/milestones")).await.expect(200);
    assert_eq!(pluck(&milestones, "planned_on")[0], "2026-05-09");
    let value = server.get(&format!("{plan}/earned-value?as_of=2026-09-07")).await.expect(200);
    assert_eq!((&value["budget_at_completion"], &value["planned_percent"]), (&json!(78.0), &json!(100.0)));
}

fn content(name: &str) -> Value {
    json!({ "name": name, "kind": "onboarding", "milestones": [{ "key": "a", "name": "A", "offset_days": 3 }] })
}

async fn drafts_change_and_published_versions_do_not(engine: Engine) {
    let server = Server::start(engine).await;
    let mut draft = content("Pilot");
    draft["key"] = "pilot".into();
    let path = create(&server, "/v1/templates", draft.clone()).await;
    assert_eq!(server.post("/v1/templates", draft).await.problem(409, "conflict"), errors(&[("/key", "taken")]));
    let plan = json!({ "name": "P", "start_on": "2026-05-04", "template": "pilot" });
    let unpublished = server.post("/v1/plans", plan.clone()).await.problem(409, "conflict");
    assert_eq!(unpublished, errors(&[("/template", "not_published")]));
    let replace = |name: &str| server.call("PUT", &path).header("If-Match", "\"1\"").json(content(name)).send();
    assert_eq!(replace("Better").await.expect(200)["name"], "Better");
    replace("Stale").await.problem(412, "version_mismatch");
    server.call("POST", &format!("{path}/publish")).send().await.expect(200);
    server.call("POST", &format!("{path}/publish")).send().await.problem(409, "conflict");
    server.call("PUT", &path).header("If-Match", "*").json(content("Late")).send().await.problem(409, "conflict");
    let second = create(&server, "/v1/templates/pilot/versions", content("Second")).await;
    assert_eq!(second, "/v1/templates/pilot/versions/2");
    let made = server.post("/v1/plans", plan.clone()).await.expect(201);
    assert_eq!(made["template_version"], 1, "a draft is not what plans are made from");
    let mut of_draft = plan;
    of_draft["template_version"] = 2.into();
    let of_draft = server.post("/v1/plans", of_draft).await.problem(409, "conflict");
    assert_eq!(of_draft, errors(&[("/template_version", "not_published")]));
    let summary = server.get("/v1/templates/pilot").await.expect(200);
    assert_eq!((&summary["latest_version"], &summary["published_version"]), (&json!(2), &json!(1)));
}

async fn bad_templates_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let milestone =
        |key: &str, needs: &[&str]| json!({ "key": key, "name": "M", "offset_days": 1, "depends_on": needs });
    for (milestones, expected) in [
        (json!([]), ("/milestones", "too_few_items")),
        (json!([milestone("a", &[]), milestone("a", &[])]), ("/milestones/1/key", "duplicate_key")),
        (json!([milestone("a", &["ghost"])]), ("/milestones/0/depends_on/0", "unknown_dependency")),
        (json!([milestone("a", &["b"]), milestone("b", &["a"])]), ("/milestones/0/depends_on", "dependency_cycle")),
    ] {
        let draft = json!({ "key": "x", "name": "X", "kind": "coaching", "milestones": milestones });
        let found = server.post("/v1/templates", draft).await.problem(422, "validation_failed");
        assert_eq!(found, errors(&[expected]));
    }
    assert_eq!(pluck(&server.get("/v1/templates").await.expect(200), "key").len(), 3);
}

async fn a_plan_of_a_template_has_a_history(engine: Engine) {
    let server = Server::start(engine).await;
    let mut draft = content("Pilot");
    (draft["key"], draft["publish"]) = ("pilot".into(), true.into());
    draft["milestones"] =
        json!([{ "key": "a", "name": "A", "offset_days": 3 }, { "key": "b", "name": "B", "offset_days": 9 }]);
    create(&server, "/v1/templates", draft).await;
    let plan =
        |history: Value| json!({ "name": "P", "start_on": "2026-04-20", "template": "pilot", "history": history });
    let forecast =
        json!({ "recorded_on": "2026-04-22", "forecast_on": "2026-04-27", "reason": "The sponsor was ill." });
    let history =
        json!([{ "key": "a", "forecast_changes": [forecast], "started_on": "2026-04-21", "actual_on": "2026-04-28" }]);
    let path = create(&server, "/v1/plans", plan(history)).await;
    let first = server.get(&format!("{path}/milestones/a")).await.expect(200);
    assert_eq!(
        [&first["planned_on"], &first["actual_on"], &first["started_on"], &first["state"]],
        ["2026-04-23", "2026-04-28", "2026-04-21", "achieved"]
    );
    let value = server.get(&format!("{path}/earned-value?as_of=2026-04-28")).await.expect(200);
    assert_eq!(value["earned_value"], 1.0);
    for (history, expected) in [
        (json!([{ "key": "c" }]), ("/history/0/key", "unknown_milestone")),
        (json!([{ "key": "a" }, { "key": "a" }]), ("/history/1/key", "repeated_key")),
        (json!([{ "key": "b", "actual_on": "2026-05-05" }]), ("/history/0/actual_on", "in_the_future")),
    ] {
        let found = server.post("/v1/plans", plan(history)).await.problem(422, "validation_failed");
        assert_eq!(found, errors(&[expected]));
    }
    let mut own = crate::samples::plan();
    own["history"] = json!([{ "key": "a" }]);
    assert_eq!(
        server.post("/v1/plans", own).await.problem(422, "validation_failed"),
        errors(&[("/history", "unused")])
    );
}
