//! Calendars of plans, update intervals, and moves of the start date.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::person;
use crate::samples::{self, create, create_plan};

on_both_engines!(
    a_calendar_counts_business_days,
    an_unwatched_date_is_stale,
    a_status_has_a_history,
    a_start_moves_what_is_open,
    both_sides_agree_to_a_baseline,
    dependencies_must_fit_the_plan,
);

async fn a_calendar_counts_business_days(engine: Engine) {
    let server = Server::start(engine).await;
    let mut draft = samples::plan();
    draft["start_on"] = "2026-05-04".into();
    draft["calendar"] = json!({ "counts": "business_days", "holidays": ["2026-05-14"] });
    for (position, on) in ["2026-05-08", "2026-05-15", "2026-05-22"].into_iter().enumerate() {
        draft["milestones"][position]["planned_on"] = on.into();
    }
    let path = create(&server, "/v1/plans", draft).await;
    let days = |schedule: &Value| {
        let milestones = schedule["milestones"].as_array().expect("milestones").iter();
        milestones.map(|one| one["duration_days"].as_i64().expect("days")).collect::<Vec<_>>()
    };
    assert_eq!(days(&server.get(&format!("{path}/schedule")).await.expect(200)), [4, 4, 5], "Thursday the 14th is off");
    let change = json!({ "forecast_on": "2026-05-11", "reason": "Access came late." });
    let moved = server.post(&format!("{path}/milestones/a/forecast-changes"), change).await.expect(201);
    let seen: Vec<(&Value, &Value)> =
        moved["moves"].as_array().expect("moves").iter().map(|one| (&one["to_on"], &one["days"])).collect();
    let expected = [("2026-05-11", 1), ("2026-05-18", 1), ("2026-05-25", 1)].map(|(on, days)| (json!(on), json!(days)));
    assert_eq!(seen, expected.iter().map(|(on, days)| (on, days)).collect::<Vec<_>>(), "a Monday each");
    assert_eq!(server.get(&format!("{path}/milestones/b")).await.expect(200)["variance_days"], 1);
    let every_day = json!({ "calendar": { "counts": "calendar_days" } });
    let changed = server.patch(&path, every_day).await.expect(200);
    let plain = json!({ "counts": "calendar_days", "holidays": [], "planned_on_days_off": "keep" });
    assert_eq!(changed["calendar"], plain);
    assert_eq!(server.get(&format!("{path}/milestones/b")).await.expect(200)["variance_days"], 3);
    assert_eq!(days(&server.get(&format!("{path}/schedule")).await.expect(200)), [4, 7, 7]);
}

async fn an_unwatched_date_is_stale(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let stale = |key: &'static str| {
        let (server, path) = (&server, format!("{path}/milestones/{key}"));
        async move { server.get(&path).await.expect(200)["stale"].clone() }
    };
    assert_eq!((stale("b").await, stale("a").await), (json!(false), json!(true)), "only what has passed");
    server.clock.advance(Duration::days(7));
    assert_eq!(stale("c").await, false, "a week is what was agreed on");
    server.clock.advance(Duration::days(1));
    assert_eq!(stale("c").await, true, "nobody has looked for eight days");
    assert_eq!(server.get(&path).await.expect(200)["stale_milestones"], 3);
    let passed = server.post(&format!("{path}/milestones/b/confirm"), json!({})).await.problem(409, "conflict");
    assert_eq!(passed, errors(&[("", "forecast_passed")]));
    let confirmed = server.post(&format!("{path}/milestones/c/confirm"), json!({})).await.expect(200);
    assert_eq!((&confirmed["stale"], &confirmed["touched_on"]), (&json!(false), &json!("2026-05-12")));
    server.patch(&path, json!({ "update_interval_days": 3 })).await.expect(200);
    server.clock.advance(Duration::days(4));
    assert_eq!(stale("c").await, true, "a plan in a hurry is looked at twice a week");
    let none = server.patch(&path, json!({ "update_interval_days": 0 })).await.problem(422, "validation_failed");
    assert_eq!(none, errors(&[("/update_interval_days", "too_small")]));
}

async fn a_status_has_a_history(engine: Engine) {
    let server = Server::start(engine).await;
    let mut draft = samples::plan();
    draft["milestones"][2]["forecast_changes"] = json!([{ "recorded_on": "2026-04-15", "forecast_on": "2026-06-20" }]);
    let path = create(&server, "/v1/plans", draft).await;
    let history = server.get(&format!("{path}/milestones/c/status-history")).await.expect(200);
    let expected = json!([
        { "from_on": "2026-04-01", "status": "on_track", "reckoned_on": "2026-06-01", "planned_on": "2026-06-01" },
        { "from_on": "2026-04-15", "status": "delayed", "reckoned_on": "2026-06-20", "planned_on": "2026-06-01" },
    ]);
    assert_eq!(history["data"].as_array().map(|all| &all[..2]), expected.as_array().map(|all| &all[..]), "no yellow");
    assert_eq!(history["skipped_warning"], true);
}

async fn a_start_moves_what_is_open(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let forecast = json!({ "forecast_on": "2026-06-03", "reason": "Two days more." });
    server.post(&format!("{path}/milestones/c/forecast-changes"), forecast).await.expect(201);
    let draft = json!({ "start_on": "2026-04-08", "reason": "Signed a week later.", "approver_name": "Ana" });
    let dry = server.post(&format!("{path}/move?dry_run=true"), draft.clone()).await.expect(200);
    assert_eq!(server.get(&path).await.expect(200)["start_on"], "2026-04-01", "nothing was written");
    let mut real = server.post(&format!("{path}/move"), draft.clone()).await.expect(201);
    let c = json!({
        "key": "c", "planned_from_on": "2026-06-01", "planned_to_on": "2026-06-08", "forecast_from_on": "2026-06-03",
        "forecast_to_on": "2026-06-10"
    });
    assert_eq!((&real["moves"][2], &real["baseline"]), (&c, &json!(2)));
    real["dry_run"] = true.into();
    assert_eq!(real, dry);
    let milestone = server.get(&format!("{path}/milestones/c")).await.expect(200);
    let seen = ["planned_on", "forecast_on", "variance_days"].map(|field| milestone[field].clone());
    assert_eq!(
        seen,
        [json!("2026-06-08"), json!("2026-06-10"), json!(7)],
        "a, still open, pushes it by five days more"
    );
    let baselines = server.get(&format!("{path}/baselines")).await.expect(200);
    assert_eq!(baselines["data"][1]["lines"][2]["planned_on"], "2026-06-01", "the old dates stay");
    assert_eq!(baselines["data"][0]["approver_name"], "Ana");
    let same = server.post(&format!("{path}/move"), draft).await.problem(422, "validation_failed");
    assert_eq!(same, errors(&[("/start_on", "start_unchanged")]));
    server.post(&format!("{path}/milestones/a/start"), json!({ "occurred_on": "2026-04-20" })).await.expect(200);
    let late = json!({ "start_on": "2026-04-21", "reason": "It comes later." });
    let late = server.post(&format!("{path}/move"), late).await.problem(422, "validation_failed");
    assert_eq!(late, errors(&[("/start_on", "after_work_began")]));
}

async fn both_sides_agree_to_a_baseline(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let ana = person(&server, "ana", json!({ "name": "Ana Petrova" })).await;
    let approve = format!("{path}/baselines/1/approve");
    for (approver, at, code) in [
        (json!({ "side": "internal" }), "/approver_id", "required"),
        (json!({ "side": "internal", "approver_ref": "nobody" }), "/approver_ref", "unknown_person"),
    ] {
        let refused = server.post(&approve, approver).await.problem(422, "validation_failed");
        assert_eq!(refused, errors(&[(at, code)]));
    }
    server.post(&approve, json!({ "side": "internal", "approver_ref": "ana@example.com" })).await.expect(200);
    let client = json!({ "side": "client", "approver_name": "Petra Novak" });
    let both = server.post(&approve, client.clone()).await.expect(200);
    let fields = ["approver_id", "approver_name", "client_approver_id", "client_approver_name", "client_approved_at"];
    let expected = [json!(ana), json!("Ana Petrova"), Value::Null, json!("Petra Novak"), json!("2026-05-04T12:00:00Z")];
    assert_eq!(fields.map(|field| both[field].clone()), expected);
    server.post(&approve, client.clone()).await.problem(409, "conflict");
    server.post(&format!("{path}/baselines/9/approve"), client).await.problem(404, "not_found");
    server.patch(&format!("/v1/people/{ana}"), json!({ "name": "Ana Novak" })).await.expect(200);
    let first = async || server.get(&format!("{path}/baselines")).await.expect(200)["data"][0].clone();
    assert_eq!(first().await["approver_name"], "Ana Novak");
    server.call("POST", &format!("/v1/people/{ana}/erase")).header("If-Match", "*").send().await.expect(200);
    let erased = first().await;
    assert_eq!((&erased["approver_id"], &erased["approver_name"]), (&Value::Null, &Value::Null));
    assert_eq!(erased["approved_at"], "2026-05-04T12:00:00Z");
}

async fn dependencies_must_fit_the_plan(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let cycle = server.patch(&format!("{path}/milestones/a"), json!({ "depends_on": ["c"] })).await;
    assert!(cycle.text.contains("a -> c -> a"), "{}", cycle.text);
    assert_eq!(cycle.problem(409, "conflict"), errors(&[("/depends_on", "dependency_cycle")]));
    let twice = json!({ "depends_on": [{ "key": "a", "relation": "start_to_start" }, { "key": "a", "relation": "finish_to_finish" }] });
    let twice = server.patch(&format!("{path}/milestones/b"), twice).await.problem(422, "validation_failed");
    assert_eq!(twice, errors(&[("/depends_on/1", "repeated_dependency")]), "none is dropped silently");
    let far = json!({ "forecast_on": "9999-12-30", "reason": "A typing mistake." });
    let far =
        server.post(&format!("{path}/milestones/a/forecast-changes"), far).await.problem(422, "validation_failed");
    assert_eq!(far, errors(&[("/forecast_on", "beyond_calendar")]));
    let reaching_back = json!({ "depends_on": [{ "key": "a", "lag_days": -20 }] });
    let reaching_back = server.patch(&format!("{path}/milestones/b"), reaching_back).await;
    let expected = errors(&[("/depends_on/0/lag_days", "lag_before_start")]);
    assert_eq!(reaching_back.problem(422, "validation_failed"), expected);
    let mut draft = samples::plan();
    draft["milestones"][1]["depends_on"] = json!([{ "key": "a", "lag_days": -30 }]);
    let created = server.post("/v1/plans", draft).await.problem(422, "validation_failed");
    assert_eq!(created, errors(&[("/milestones/1/depends_on/0/lag_days", "lag_before_start")]));
}
