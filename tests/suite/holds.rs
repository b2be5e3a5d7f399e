//! Plans on hold: their clocks stand still, and their dates move on when they are resumed.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, pluck};

on_both_engines!(nothing_becomes_late_on_hold, a_resumed_plan_moves, holds_keep_the_past, what_a_hold_refuses);

/// A plan of which the first milestone is overdue today, 4 May.
async fn plan(server: &Server) -> String {
    let milestone = |key: &str, planned_on: &str, needs: &[&str]| json!({ "key": key, "name": key.to_uppercase(), "planned_on": planned_on, "depends_on": needs, "duration_days": 1 });
    let milestones = json!([
        milestone("a", "2026-05-02", &[]),
        milestone("b", "2026-05-10", &["a"]),
        milestone("c", "2026-06-01", &[])
    ]);
    let calendar = json!({ "counts": "calendar_days" });
    let body = json!({ "name": "Northwind", "start_on": "2026-04-01", "milestones": milestones, "calendar": calendar });
    create(server, "/v1/plans", body).await
}

async fn hold(server: &Server, plan: &str) -> Value {
    server.post(&format!("{plan}/hold"), json!({ "reason": "The client has stopped the budget." })).await.expect(200)
}

/// Dates of a plan's milestones, as its list has them.
async fn dates(server: &Server, plan: &str) -> Value {
    let milestones = server.get(&format!("{plan}/milestones")).await.expect(200);
    let fields = ["planned_on", "reckoned_on", "status", "variance_days", "overdue"];
    json!(fields.map(|field| pluck(&milestones, field).into_iter().cloned().collect::<Vec<_>>()))
}

async fn nothing_becomes_late_on_hold(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = plan(&server).await;
    let before = dates(&server, &plan).await;
    let held = hold(&server, &plan).await;
    assert_eq!((&held["on_hold_since"], &held["next_review_on"]), (&json!("2026-05-04"), &Value::Null));
    server.clock.advance(Duration::days(30));
    assert_eq!(dates(&server, &plan).await, before);
    let now = server.get(&plan).await.expect(200);
    for field in ["spi", "planned_percent", "expected_finish_on", "stale_milestones", "unexplained_misses", "status"] {
        assert_eq!(now[field], held[field], "{field}");
    }
    assert_eq!(now["as_of"], "2026-06-03");
    let report = server.get("/v1/reports/spi").await.expect(200);
    assert_eq!(report["data"][0]["spi"], held["spi"]);
    let all = server.get("/v1/milestones").await.expect(200);
    assert_eq!(pluck(&all, "reckoned_on"), ["2026-05-04", "2026-05-10", "2026-06-01"], "lists say the same");
    let value = server.get(&format!("{plan}/earned-value?as_of=2026-05-20")).await.expect(200);
    assert_eq!(value["spi"], held["spi"]);
    let text = server.call("GET", &format!("{plan}/status-report")).header("Accept", "text/markdown").send().await.text;
    assert!(text.contains("on hold since 2026-05-04."), "{text}");
    let page = server.call("GET", &format!("{plan}/status-report")).header("Accept", "text/html").send().await.text;
    assert!(page.contains("on hold since"), "{page}");
}

async fn a_resumed_plan_moves(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = plan(&server).await;
    let change = json!({ "forecast_on": "2026-06-05", "reason": "The rollout takes longer." });
    server.post(&format!("{plan}/milestones/c/forecast-changes"), change).await.expect(201);
    let before = dates(&server, &plan).await;
    hold(&server, &plan).await;
    server.clock.advance(Duration::days(14));
    let resume = format!("{plan}/resume");
    let tried = server.post(&format!("{resume}?dry_run=true"), json!({})).await.expect(200);
    assert_eq!(
        (&tried["days"], &tried["baseline"], &tried["resumed_on"]),
        (&json!(14), &json!(2), &json!("2026-05-18"))
    );
    assert_eq!(server.get(&plan).await.expect(200)["on_hold_since"], "2026-05-04", "a dry run changes nothing");
    let mut done = server.post(&resume, json!({ "approver_name": "Ben" })).await.expect(201);
    done["dry_run"] = json!(true);
    assert_eq!(done, tried);
    let moves = done["moves"].as_array().expect("moves");
    let moved = json!({ "key": "c", "planned_from_on": "2026-06-01", "planned_to_on": "2026-06-15", "forecast_from_on": "2026-06-05", "forecast_to_on": "2026-06-19" });
    assert_eq!((moves.len(), &moves[2]), (3, &moved));
    let after = dates(&server, &plan).await;
    assert_eq!(after[0], json!(["2026-05-16", "2026-05-24", "2026-06-15"]));
    assert_eq!(
        [&after[2], &after[3], &after[4]],
        [&before[2], &before[3], &before[4]],
        "status and variance are as before"
    );
    let now = server.get(&plan).await.expect(200);
    assert_eq!(
        (&now["on_hold_since"], &now["unexplained_misses"]),
        (&Value::Null, &json!(1)),
        "only what was missed before"
    );
    assert_eq!(now["uncommunicated_changes"], 4, "the moves are to be told");
    let holds = server.get(&format!("{plan}/holds")).await.expect(200);
    let (from, until) = (&holds["data"][0]["from_on"], &holds["data"][0]["until_on"]);
    assert_eq!((from, until), (&json!("2026-05-04"), &json!("2026-05-18")));
    assert_eq!(server.post(&resume, json!({})).await.problem(409, "conflict"), errors(&[("", "not_on_hold")]));
    hold(&server, &plan).await;
    let same_day = server.post(&resume, json!({})).await.expect(201);
    assert_eq!((&same_day["baseline"], &same_day["moves"]), (&Value::Null, &json!([])));
}

async fn holds_keep_the_past(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = plan(&server).await;
    server.clock.advance(Duration::hours(1));
    let value =
        async |query: &str| server.get(&format!("{plan}/earned-value?{query}")).await.expect(200)["spi"].clone();
    hold(&server, &plan).await;
    server.clock.advance(Duration::days(20));
    let during = value("as_of=2026-05-12").await;
    server.post(&format!("{plan}/resume"), json!({})).await.expect(201);
    server.clock.advance(Duration::days(20));
    assert_eq!(value("as_of=2026-05-12").await, during, "the hold is as it was");
    let known = value("as_of=2026-06-10&known_at=2026-05-04T12:30:00Z").await;
    assert_eq!(known, json!(0.0), "nobody knew of the hold then");
    let known = value("as_of=2026-06-10&known_at=2026-05-10T12:00:00Z").await;
    assert_eq!(known, during, "nor of its end");
    let history = server.get(&format!("{plan}/milestones/b/status-history")).await.expect(200);
    let days = pluck(&history, "from_on").into_iter().map(|on| on.as_str().expect("a date").to_owned());
    assert!(days.into_iter().all(|on| on.as_str() < "2026-05-05" || on.as_str() > "2026-05-23"), "{history}");
}

async fn what_a_hold_refuses(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = plan(&server).await;
    hold(&server, &plan).await;
    let finding = json!({ "key": "a", "cause": "No budget.", "action": "Wait for it." });
    for (path, body) in [
        ("/hold", json!({ "reason": "Once more, please." })),
        ("/move", json!({ "start_on": "2026-04-02", "reason": "It starts later." })),
        ("/baselines", json!({ "reason": "The scope has changed." })),
        ("/reviews", json!({ "findings": [finding] })),
        ("/milestones", json!({ "key": "d", "name": "D", "planned_on": "2026-07-01" })),
        ("/milestones/a/achieve", json!({})),
        ("/milestones/a/confirm", json!({})),
        ("/milestones/a/forecast-changes", json!({ "forecast_on": "2026-06-05", "reason": "It takes longer." })),
        (
            "/milestones/a/forecast-changes?dry_run=true",
            json!({ "forecast_on": "2026-06-05", "reason": "It takes longer." }),
        ),
    ] {
        let refused = server.post(&format!("{plan}{path}"), body).await.problem(409, "conflict");
        assert_eq!(refused, errors(&[("", "on_hold")]), "{path}");
    }
    create(&server, &format!("{plan}/costs"), json!({ "incurred_on": "2026-05-04", "amount_minor": 1 })).await;
    server.patch(&plan, json!({ "owner_name": "Ben" })).await.expect(200);
    let blank = server.post(&format!("{plan}/hold"), json!({ "reason": "..." })).await;
    assert_eq!(blank.problem(422, "validation_failed"), errors(&[("/reason", "wrong_pattern")]));
}
