//! Milestones: states, forecasts and dependencies.

use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{self, create, create_plan, pluck};

on_both_engines!(
    the_client_is_told_of_date_changes,
    a_slip_pushes_what_waits_for_it,
    relations_and_lags_are_kept,
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
        ["cancelled", "in_progress", "waived", "in_progress", "achieved", "in_progress", "submitted", "in_progress"]
    );
    assert_eq!(steps["data"][6]["evidence"][0]["title"], "Run 118");
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
        ("waive", json!({}), ("/reason", "required")),
        ("cancel", json!({}), ("/reason", "required")),
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
    act(&server, &plan, "a", "achieve", json!({ "occurred_on": "2026-04-20" })).await.expect(200);
    let forecast = |on: &str, reason: &str| {
        server.post(
            &format!("{plan}/milestones/b/forecast-changes"),
            json!({ "forecast_on": on, "reason": reason, "cause": "one_time" }),
        )
    };
    let read = || server.get(&format!("{plan}/milestones/b"));
    let first = forecast("2026-05-15", "Waiting for the client.").await.expect(201);
    let moved = json!({ "key": "b", "from_on": "2026-05-10", "to_on": "2026-05-15", "days": 5, "float_used_days": 0, "recorded": true });
    assert_eq!(first["moves"][0], moved);
    let b = read().await.expect(200);
    assert_eq!(
        (&b["status"], &b["variance_days"], &b["forecast_on"]),
        (&json!("at_risk"), &json!(5), &json!("2026-05-15"))
    );
    server.clock.advance(chrono::Duration::days(1));
    forecast("2026-05-25", "Still waiting.").await.expect(201);
    let b = read().await.expect(200);
    assert_eq!(
        (&b["status"], &b["forecast_changes"], &b["skipped_warning"]),
        (&json!("delayed"), &json!(2), &json!(false))
    );
    let changes = server.get(&format!("{plan}/milestones/b/forecast-changes")).await.expect(200);
    assert_eq!(pluck(&changes, "from_on"), ["2026-05-15", "2026-05-10"]);
    assert_eq!(pluck(&changes, "to_on"), ["2026-05-25", "2026-05-15"]);
    assert_eq!(pluck(&changes, "recorded_on"), ["2026-05-05", "2026-05-04"]);
    for (on, expected) in [("2026-05-25", "forecast_unchanged"), ("2026-05-04", "in_the_past")] {
        assert_eq!(
            forecast(on, "Once more.").await.problem(422, "validation_failed"),
            errors(&[("/forecast_on", expected)])
        );
    }
    assert_eq!(
        forecast("2026-05-26", "").await.problem(422, "validation_failed"),
        errors(&[("/reason", "too_short"), ("/reason", "wrong_pattern")])
    );
    act(&server, &plan, "b", "cancel", json!({ "reason": "Dropped." })).await.expect(200);
    forecast("2026-05-27", "Later still.").await.problem(409, "conflict");
    let before = server.get(&format!("{plan}/milestones/b?as_of=2026-05-04")).await.expect(200);
    assert_eq!((&before["status"], &before["forecast_on"]), (&json!("at_risk"), &json!("2026-05-15")));
}

async fn an_unfinished_milestone_does_not_lie(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let a = server.get(&format!("{plan}/milestones/a")).await.expect(200);
    let seen =
        ["forecast_on", "reckoned_on", "stale", "overdue", "variance_days", "status"].map(|field| a[field].clone());
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
    assert_eq!(cycle.problem(409, "conflict"), errors(&[("/depends_on", "dependency_cycle")]));
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
    assert_eq!(settled.problem(409, "conflict"), errors(&[("/percent_complete", "settled")]));
}

async fn milestones_across_plans(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    create_plan(&server).await;
    server
        .post(
            &format!("{plan}/milestones/b/forecast-changes"),
            json!({ "forecast_on": "2026-05-15", "reason": "It comes later." }),
        )
        .await
        .expect(201);
    let all = server.get("/v1/milestones").await.expect(200);
    assert_eq!(pluck(&all, "key"), ["a", "a", "b", "b", "c", "c"]);
    assert_eq!(pluck(&all, "status"), ["delayed", "delayed", "delayed", "delayed", "delayed", "delayed"]);
    for (query, expected) in [
        ("planned_from=2026-05-10&planned_to=2026-05-31", vec!["b", "b"]),
        ("state=in_progress", vec![]),
        ("open=true&planned_to=2026-05-03", vec!["a", "a"]),
        ("open=false", vec![]),
        ("overdue=true", vec!["a", "a"]),
        ("status=on_track", vec![]),
        ("sort=-reckoned_on&limit=2", vec!["c", "c"]),
        ("owner_name=Ana", vec![]),
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

/// In the small plan, b takes 20 days after a, and c takes 22 days after b. a is overdue and therefore expected today,
/// 4 May.
async fn a_slip_pushes_what_waits_for_it(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let before = server.get("/v1/ledger?sort=-sequence&limit=1").await.expect(200);
    let body = json!({ "forecast_on": "2026-05-08", "reason": "Credentials came late.", "cause": "one_time" });
    let path = format!("{plan}/milestones/a/forecast-changes");
    let dry = server.post(&format!("{path}?dry_run=true"), body.clone()).await.expect(200);
    let expected = json!([
        { "key": "a", "from_on": "2026-05-04", "to_on": "2026-05-08", "days": 4, "float_used_days": 0, "recorded": true },
        { "key": "b", "from_on": "2026-05-24", "to_on": "2026-05-28", "days": 4, "float_used_days": 0, "recorded": true },
        { "key": "c", "from_on": "2026-06-15", "to_on": "2026-06-19", "days": 4, "float_used_days": 0, "recorded": true },
    ]);
    assert_eq!((&dry["moves"], &dry["dry_run"]), (&expected, &json!(true)));
    assert_eq!(dry["finish"], json!({ "from_on": "2026-06-15", "to_on": "2026-06-19" }));
    assert_eq!(
        server.get("/v1/ledger?sort=-sequence&limit=1").await.expect(200)["data"],
        before["data"],
        "nothing is written"
    );
    let done = server.post(&path, body).await.expect(201);
    assert_eq!((&done["moves"], &done["finish"], &done["dry_run"]), (&dry["moves"], &dry["finish"], &json!(false)));
    let milestones = server.get(&format!("{plan}/milestones")).await.expect(200);
    assert_eq!(pluck(&milestones, "forecast_on"), ["2026-05-08", "2026-05-28", "2026-06-19"]);
    assert_eq!(pluck(&milestones, "planned_on"), ["2026-04-20", "2026-05-10", "2026-06-01"], "plans are not rewritten");
    let of_c = server.get(&format!("{plan}/milestones/c/forecast-changes")).await.expect(200);
    assert_eq!(pluck(&of_c, "reason"), ["Follows a: Credentials came late."]);
    assert_eq!(server.get(&plan).await.expect(200)["version"], 2, "one change, one version");
    let entries = server.get("/v1/ledger?action=milestone.forecast_changed").await.expect(200);
    assert_eq!(pluck(&entries, "root_type"), ["plan", "plan", "plan"]);
    let pulled = json!({ "forecast_on": "2026-05-05", "reason": "It came after all." });
    let pushed_only = server.post(&format!("{path}?dry_run=true"), pulled.clone()).await.expect(200);
    assert_eq!(pushed_only["moves"].as_array().map(Vec::len), Some(1), "nothing is pulled unless asked");
    let pulled = server.post(&format!("{path}?pull=true"), pulled).await.expect(201);
    let days: Vec<&Value> = pulled["moves"].as_array().expect("moves").iter().map(|one| &one["days"]).collect();
    assert_eq!(days, [-3, -3, -3]);
}

async fn relations_and_lags_are_kept(engine: Engine) {
    let server = Server::start(engine).await;
    let link = json!({ "key": "a", "relation": "start_to_start", "lag_days": 3 });
    let plan = json!({ "name": "P", "start_on": "2026-05-04", "milestones": [
        { "key": "a", "name": "A", "planned_on": "2026-05-14" },
        { "key": "b", "name": "B", "planned_on": "2026-05-19", "depends_on": [link] },
        { "key": "c", "name": "C", "planned_on": "2026-05-29", "depends_on": ["b", { "key": "a", "lag_days": -2 }] },
    ]});
    let plan = create(&server, "/v1/plans", plan).await;
    let milestones = server.get(&format!("{plan}/milestones")).await.expect(200);
    assert_eq!(milestones["data"][1]["depends_on"], json!([link]));
    let of_c = &milestones["data"][2]["depends_on"];
    assert!(
        of_c.as_array().expect("two").contains(&json!("b")),
        "the usual relation is written as the key alone: {of_c}"
    );
    let schedule = server.get(&format!("{plan}/schedule")).await.expect(200);
    assert_eq!(
        (&schedule["finish_on"], &schedule["critical_paths"]),
        (&json!("2026-05-29"), &json!([["a", "b", "c"]]))
    );
    let a = json!({
        "key": "a", "duration_days": 10, "early_start_on": "2026-05-04", "early_finish_on": "2026-05-14", "late_start_on": "2026-05-04",
        "late_finish_on": "2026-05-14", "total_float_days": 0, "free_float_days": 0, "critical": true
    });
    assert_eq!(schedule["milestones"][0], a);
    assert_eq!(schedule["milestones"][1]["duration_days"], 12, "from three days after a starts");
    // b depends only on the start of a, so it may be achieved once a has started.
    let early = act(&server, &plan, "b", "achieve", json!({})).await;
    assert_eq!(early.problem(422, "validation_failed"), errors(&[("/override_reason", "unmet_dependencies")]));
    act(&server, &plan, "a", "start", json!({})).await.expect(200);
    act(&server, &plan, "b", "achieve", json!({})).await.expect(200);
    let forecast = server.get(&format!("{plan}/schedule?basis=forecast")).await.expect(200);
    assert_eq!(
        forecast["milestones"][1]["early_finish_on"], "2026-05-07",
        "b is done, and its start cannot precede a's by less"
    );
    for (depends_on, expected) in [
        (json!([{ "key": "a", "relation": "sideways" }]), ("/depends_on/0/relation", "not_an_option")),
        (json!([{ "key": "a", "lag_days": 366 }]), ("/depends_on/0/lag_days", "too_large")),
        (json!([{ "key": "a", "colour": "red" }]), ("/depends_on/0/colour", "unknown_field")),
        (json!(["no key"]), ("/depends_on/0", "wrong_pattern")),
    ] {
        let found = server.patch(&format!("{plan}/milestones/c"), json!({ "depends_on": depends_on })).await;
        assert_eq!(found.problem(422, "validation_failed"), errors(&[expected]));
    }
}

async fn the_client_is_told_of_date_changes(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create_plan(&server).await;
    let changes = format!("{plan}/milestones/c/forecast-changes");
    for on in ["2026-06-05", "2026-06-08"] {
        server.post(&changes, json!({ "forecast_on": on, "reason": "It comes later." })).await.expect(201);
    }
    let untold = || async {
        let of_plan = server.get(&plan).await.expect(200)["uncommunicated_changes"].clone();
        let of_c = server.get(&format!("{plan}/milestones/c")).await.expect(200)["uncommunicated_changes"].clone();
        (of_plan, of_c)
    };
    assert_eq!(untold().await, (json!(2), json!(2)));
    let acknowledge =
        |number: u8| server.post(&format!("{changes}/{number}/acknowledge"), json!({ "by": "Petra Novak" }));
    acknowledge(1).await.problem(409, "conflict");
    let told = server.post(&format!("{changes}/1/communicate"), json!({ "to": "Petra Novak" })).await.expect(200);
    assert_eq!(
        (&told["communicated_at"], &told["communicated_to"]),
        (&json!("2026-05-04T12:00:00Z"), &json!("Petra Novak"))
    );
    assert_eq!(untold().await, (json!(1), json!(1)));
    server.call("POST", &format!("{changes}/1/communicate")).send().await.problem(409, "conflict");
    let noted = acknowledge(1).await.expect(200);
    assert_eq!(
        (&noted["acknowledged_by"], &noted["acknowledged_at"]),
        (&json!("Petra Novak"), &json!("2026-05-04T12:00:00Z"))
    );
    acknowledge(1).await.problem(409, "conflict");
    acknowledge(3).await.problem(404, "not_found");
    let list = server.get(&changes).await.expect(200);
    assert_eq!(pluck(&list, "communicated_to"), [&Value::Null, &json!("Petra Novak")]);
    let entries = server.get("/v1/ledger?action=milestone.forecast_acknowledged").await.expect(200);
    assert_eq!(entries["data"][0]["after"]["acknowledged_by"], "Petra Novak");
    act(&server, &plan, "c", "cancel", json!({ "reason": "Dropped." })).await.expect(200);
    assert_eq!(untold().await, (json!(0), json!(0)), "what is closed need not be told any more");
}
