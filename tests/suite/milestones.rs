//! Milestones: their states, their forecasts, and what they wait for.

use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{self, create, create_plan, pluck};

on_both_engines!(
    steps_lead_from_state_to_state,
    dependencies_are_a_gate,
    reasons_and_dates_are_checked,
    forecasts_are_recorded_and_never_rewritten,
    an_unfinished_milestone_does_not_lie,
    milestones_are_added_and_changed,
    percent_complete_earns,
    milestones_across_plans,
);

async fn act(server: &Server, plan: &str, milestone: &str, action: &str, body: Value) -> Reply {
    server.post(&format!("{plan}/milestones/{milestone}/{action}"), body).await
}

async fn steps_lead_from_state_to_state(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let evidence = json!({ "evidence": [{ "title": "Run 118", "url": "https://ci.example.com/118" }] });
    for (action, body, state) in [
        ("start", json!({}), "in_progress"),
        ("submit", evidence, "submitted"),
        ("reject", json!({ "reason": "One source is missing." }), "in_progress"),
        ("achieve", json!({}), "achieved"),
        ("reopen", json!({ "reason": "It broke again." }), "in_progress"),
        ("waive", json!({ "reason": "Not needed." }), "waived"),
        ("reopen", json!({ "reason": "Needed after all." }), "in_progress"),
        ("cancel", json!({ "reason": "Dropped." }), "cancelled"),
    ] {
        let answer = act(&server, &plan, "a", action, body).await.expect(200);
        assert_eq!(answer["state"], state, "{action}");
        assert_eq!(
            answer["actual_on"],
            if state == "achieved" { json!("2026-05-04") } else { Value::Null },
            "{action}"
        );
    }
    act(&server, &plan, "a", "start", json!({})).await.problem(409, "conflict");
    act(&server, &plan, "a", "frobnicate", json!({})).await.problem(404, "not_found");
    let steps = server.get(&format!("{plan}/milestones/a/transitions")).await.expect(200);
    assert_eq!(
        pluck(&steps, "to_state"),
        ["in_progress", "submitted", "in_progress", "achieved", "in_progress", "waived", "in_progress", "cancelled"]
    );
    assert_eq!(steps["data"][1]["evidence"][0]["title"], "Run 118");
    let null_body =
        server.call("POST", &format!("{plan}/milestones/b/start")).body("application/json", "null").send().await;
    null_body.expect(200);
    let without_body = server.call("POST", &format!("{plan}/milestones/c/start")).send().await;
    assert_eq!(without_body.expect(200)["version"], 2);
    assert_eq!(server.get(&plan).await.expect(200)["version"], 11, "a plan's version moves with its milestones");
    let by_id = server.get(&format!("{plan}/milestones/c")).await.expect(200)["id"].as_str().expect("an id").to_owned();
    assert_eq!(server.get(&format!("{plan}/milestones/{by_id}")).await.expect(200)["key"], "c");
}

async fn dependencies_are_a_gate(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let refused = act(&server, &plan, "c", "achieve", json!({})).await;
    assert!(refused.text.contains("a, b"), "both are named: {}", refused.text);
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/override_reason", "unmet_dependencies")]));
    act(&server, &plan, "a", "achieve", json!({})).await.expect(200);
    act(&server, &plan, "b", "waive", json!({ "reason": "Bought instead." })).await.expect(200);
    act(&server, &plan, "c", "achieve", json!({})).await.expect(200);
    let other = create_plan(&server).await;
    let overridden = act(&server, &other, "c", "achieve", json!({ "override_reason": "The client insisted." })).await;
    assert_eq!(overridden.expect(200)["state"], "achieved");
    let steps = server.get(&format!("{other}/milestones/c/transitions")).await.expect(200);
    assert_eq!(pluck(&steps, "override_reason"), ["The client insisted."]);
    let reopened =
        act(&server, &other, "c", "reopen", json!({ "reason": "Not yet.", "occurred_on": "2026-05-03" })).await;
    assert_eq!(reopened.problem(422, "validation_failed"), errors(&[("/occurred_on", "out_of_order")]));
    act(&server, &other, "c", "reopen", json!({ "reason": "Not yet." })).await.expect(200);
    let earlier = act(&server, &other, "c", "start", json!({ "occurred_on": "2026-05-01" })).await;
    assert_eq!(earlier.problem(422, "validation_failed"), errors(&[("/occurred_on", "out_of_order")]));
}

async fn reasons_and_dates_are_checked(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    act(&server, &plan, "a", "start", json!({ "occurred_on": "2026-04-20" })).await.expect(200);
    for (action, body, expected) in [
        ("waive", json!({}), ("/reason", "reason_required")),
        ("cancel", json!({}), ("/reason", "reason_required")),
        ("achieve", json!({ "occurred_on": "2026-05-05" }), ("/occurred_on", "in_the_future")),
        ("achieve", json!({ "occurred_on": "2026-04-19" }), ("/occurred_on", "out_of_order")),
        (
            "achieve",
            json!({ "evidence": [{ "title": "x", "url": "javascript:alert(1)" }] }),
            ("/evidence/0/url", "wrong_pattern"),
        ),
        ("achieve", json!({ "when": "now" }), ("/when", "unknown_field")),
    ] {
        let found = act(&server, &plan, "a", action, body).await.problem(422, "validation_failed");
        assert_eq!(found, errors(&[expected]));
    }
    let achieved = act(&server, &plan, "a", "achieve", json!({ "occurred_on": "2026-04-22" })).await.expect(200);
    assert_eq!((&achieved["actual_on"], &achieved["variance_days"]), (&json!("2026-04-22"), &json!(2)));
}

async fn forecasts_are_recorded_and_never_rewritten(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let forecast = |on: &str, reason: &str| {
        server.post(
            &format!("{plan}/milestones/b/forecast-changes"),
            json!({ "forecast_on": on, "reason": reason, "cause": "one_time" }),
        )
    };
    let first = forecast("2026-05-15", "Waiting for the client.").await.expect(201);
    assert_eq!(
        (&first["status"], &first["variance_days"], &first["forecast_on"]),
        (&json!("at_risk"), &json!(5), &json!("2026-05-15"))
    );
    server.clock.advance(chrono::Duration::days(1));
    let second = forecast("2026-05-25", "Still waiting.").await.expect(201);
    assert_eq!(
        (&second["status"], &second["forecast_changes"], &second["skipped_warning"]),
        (&json!("delayed"), &json!(2), &json!(false))
    );
    let changes = server.get(&format!("{plan}/milestones/b/forecast-changes")).await.expect(200);
    assert_eq!(pluck(&changes, "from_on"), ["2026-05-10", "2026-05-15"]);
    assert_eq!(pluck(&changes, "to_on"), ["2026-05-15", "2026-05-25"]);
    assert_eq!(pluck(&changes, "recorded_on"), ["2026-05-04", "2026-05-05"]);
    for (on, expected) in [("2026-05-25", "forecast_unchanged"), ("2026-05-04", "in_the_past")] {
        assert_eq!(forecast(on, "x").await.problem(422, "validation_failed"), errors(&[("/forecast_on", expected)]));
    }
    assert_eq!(
        forecast("2026-05-26", "").await.problem(422, "validation_failed"),
        errors(&[("/reason", "too_short"), ("/reason", "wrong_pattern")])
    );
    act(&server, &plan, "b", "cancel", json!({ "reason": "Dropped." })).await.expect(200);
    forecast("2026-05-27", "Later.").await.problem(409, "conflict");
    let before = server.get(&format!("{plan}/milestones/b?as_of=2026-05-04")).await.expect(200);
    assert_eq!((&before["status"], &before["forecast_on"]), (&json!("at_risk"), &json!("2026-05-15")));
}

async fn an_unfinished_milestone_does_not_lie(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let a = server.get(&format!("{plan}/milestones/a")).await.expect(200);
    let seen = ["forecast_on", "effective_forecast_on", "stale", "overdue", "variance_days", "status"]
        .map(|field| a[field].clone());
    assert_eq!(seen, [json!("2026-04-20"), json!("2026-05-04"), json!(true), json!(true), json!(14), json!("delayed")]);
}

async fn milestones_are_added_and_changed(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let add = |body: Value| server.post(&format!("{plan}/milestones"), body);
    let draft = json!({ "key": "d", "name": "Demo", "planned_on": "2026-06-03", "depends_on": ["c"] });
    let added = add(draft.clone()).await;
    assert_eq!(added.header("location"), format!("{plan}/milestones/d"));
    assert_eq!(added.expect(201)["baselined"], false);
    for (draft, expected) in [
        (draft, vec![("/key", "duplicate_key")]),
        (
            json!({ "key": "e", "name": "E", "planned_on": "2026-03-01", "depends_on": ["ghost"] }),
            vec![("/planned_on", "before_start"), ("/depends_on/0", "unknown_dependency")],
        ),
    ] {
        assert_eq!(add(draft).await.problem(422, "validation_failed"), errors(&expected));
    }
    let path = format!("{plan}/milestones/d");
    let changed = server.patch(&path, json!({ "planned_on": "2026-06-10", "weight": 4, "phase": "Last", "depends_on": ["a", "b"], "acceptance_criteria": ["Seen."] })).await;
    let changed = changed.expect(200);
    assert_eq!(
        (&changed["planned_on"], &changed["weight"], &changed["version"]),
        (&json!("2026-06-10"), &json!(4.0), &json!(2))
    );
    assert_eq!((&changed["depends_on"], &changed["acceptance_criteria"]), (&json!(["a", "b"]), &json!(["Seen."])));
    let cycle = server.patch(&format!("{plan}/milestones/a"), json!({ "depends_on": ["d"] })).await;
    assert!(cycle.text.contains("a -> d -> a"), "{}", cycle.text);
    assert_eq!(cycle.problem(422, "validation_failed"), errors(&[("/depends_on", "dependency_cycle")]));
    let list = server.get(&format!("{plan}/milestones")).await.expect(200);
    assert_eq!(pluck(&list, "key"), ["a", "b", "c", "d"]);
}

async fn percent_complete_earns(engine: Engine) {
    let server = Server::start(engine).await;
    let mut draft = samples::plan();
    draft["credit_rule"] = "percent_complete".into();
    let plan = create(&server, "/v1/plans", draft).await;
    server.patch(&format!("{plan}/milestones/a"), json!({ "percent_complete": 50 })).await.expect(200);
    server.clock.advance(chrono::Duration::days(1));
    let changed = server.patch(&format!("{plan}/milestones/a"), json!({ "percent_complete": 75 })).await.expect(200);
    assert_eq!(changed["percent_complete"], 75.0);
    for (as_of, earned) in [("2026-05-03", 0.0), ("2026-05-04", 1.0), ("2026-05-05", 1.5)] {
        let value = server.get(&format!("{plan}/earned-value?as_of={as_of}")).await.expect(200);
        assert_eq!(value["earned_value"], earned, "{as_of}");
    }
    let over = server.patch(&format!("{plan}/milestones/a"), json!({ "percent_complete": 101 })).await;
    assert_eq!(over.problem(422, "validation_failed"), errors(&[("/percent_complete", "too_large")]));
    server.patch(&plan, json!({ "credit_rule": "fifty_fifty" })).await.expect(200);
    act(&server, &plan, "b", "start", json!({})).await.expect(200);
    let value = server.get(&format!("{plan}/earned-value")).await.expect(200);
    assert_eq!(value["earned_value"], 1.5, "half of what has started");
    act(&server, &plan, "b", "cancel", json!({ "reason": "Dropped." })).await.expect(200);
    let value = server.get(&format!("{plan}/earned-value")).await.expect(200);
    assert_eq!(value["earned_value"], 0.0, "what was dropped earns nothing");
    let settled = server.patch(&format!("{plan}/milestones/b"), json!({ "percent_complete": 90 })).await;
    assert_eq!(settled.problem(422, "validation_failed"), errors(&[("/percent_complete", "settled")]));
}

async fn milestones_across_plans(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    create_plan(&server).await;
    server
        .post(
            &format!("{plan}/milestones/b/forecast-changes"),
            json!({ "forecast_on": "2026-05-15", "reason": "Later." }),
        )
        .await
        .expect(201);
    let all = server.get("/v1/milestones").await.expect(200);
    assert_eq!(pluck(&all, "key"), ["a", "a", "b", "b", "c", "c"]);
    assert_eq!(pluck(&all, "status"), ["delayed", "delayed", "at_risk", "on_track", "on_track", "on_track"]);
    for (query, expected) in [
        ("planned_from=2026-05-10&planned_until=2026-05-31", vec!["b", "b"]),
        ("state=in_progress", vec![]),
        ("owner=Ana", vec![]),
        ("limit=1", vec!["a"]),
    ] {
        let list = server.get(&format!("/v1/milestones?{query}")).await.expect(200);
        assert_eq!(pluck(&list, "key"), expected, "{query}");
    }
    let (mut keys, mut path) = (vec![], "/v1/milestones?limit=2".to_owned());
    while !path.is_empty() {
        let page = server.get(&path).await.expect(200);
        keys.extend(pluck(&page, "id").into_iter().cloned());
        path = page["next_cursor"]
            .as_str()
            .map(|cursor| format!("/v1/milestones?limit=2&cursor={cursor}"))
            .unwrap_or_default();
    }
    assert_eq!(keys, pluck(&all, "id").into_iter().cloned().collect::<Vec<_>>());
    server.patch(&plan, json!({ "archived": true })).await.expect(200);
    let due = server.get("/v1/milestones").await.expect(200);
    assert_eq!(pluck(&due, "key"), ["a", "b", "c"], "an archived plan's milestones are not due");
}
