//! Missed milestones and their explanations; regular reviews.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::person;
use crate::samples::{create_plan, pluck};

on_both_engines!(
    a_miss_wants_an_explanation,
    a_review_answers_the_three_questions,
    a_review_wants_causes_and_actions,
    reviews_fall_due,
    what_followed_another_needs_no_finding
);

fn explanation() -> Value {
    json!({
        "root_cause": "Four times as many duplicates as in the sample.", "category": "data", "cause": "systemic",
        "recovery_actions": ["A second person cleans data."], "new_forecast_on": "2026-05-12"
    })
}

async fn a_miss_wants_an_explanation(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    assert_eq!(server.get(&format!("{path}/milestones/a")).await.expect(200)["unexplained_miss"], true);
    assert_eq!(server.get(&path).await.expect(200)["unexplained_misses"], 1);
    let listed = server.get("/v1/milestones?open=true&planned_to=2026-05-03").await.expect(200);
    assert_eq!(pluck(&listed, "unexplained_miss"), [true]);
    assert_eq!(server.get("/v1/plans?unexplained_misses=false").await.expect(200)["data"], json!([]));
    let report =
        |milestone: &str, body: Value| server.post(&format!("{path}/milestones/{milestone}/miss-reports"), body);
    assert_eq!(report("c", explanation()).await.problem(409, "conflict"), errors(&[("", "not_missed")]));
    let mut past = explanation();
    past["new_forecast_on"] = "2026-05-01".into();
    let past = report("a", past).await.problem(422, "validation_failed");
    assert_eq!(past, errors(&[("/new_forecast_on", "in_the_past")]));
    let mut idle = explanation();
    idle["recovery_actions"] = json!([]);
    assert_eq!(
        report("a", idle).await.problem(422, "validation_failed"),
        errors(&[("/recovery_actions", "too_few_items")])
    );
    let reported = report("a", explanation()).await.expect(201);
    assert_eq!(
        (&reported["report"]["missed_on"], &reported["report"]["category"]),
        (&json!("2026-04-20"), &json!("data"))
    );
    let moved: Vec<&Value> =
        reported["cascade"]["moves"].as_array().expect("moves").iter().map(|one| &one["key"]).collect();
    assert_eq!(moved, ["a", "b", "c"], "the cascade follows");
    let a = server.get(&format!("{path}/milestones/a")).await.expect(200);
    assert_eq!(
        (&a["unexplained_miss"], &a["overdue"], &a["forecast_on"]),
        (&json!(false), &json!(true), &json!("2026-05-12"))
    );
    assert_eq!(server.get(&path).await.expect(200)["unexplained_misses"], 0);
    let listed = server.get("/v1/milestones?open=true&planned_to=2026-05-03").await.expect(200);
    assert_eq!(pluck(&listed, "unexplained_miss"), [false]);
    report("a", explanation()).await.problem(409, "conflict");
    let all = server.get(&format!("{path}/miss-reports")).await.expect(200);
    assert_eq!(pluck(&all, "milestone"), ["a"]);
    let changes = server.get(&format!("{path}/milestones/a/forecast-changes")).await.expect(200);
    assert_eq!(
        (&changes["data"][0]["reason"], &changes["data"][0]["cause"]),
        (&explanation()["root_cause"], &json!("systemic"))
    );
}

async fn a_review_answers_the_three_questions(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let slip = json!({ "forecast_on": "2026-05-06", "reason": "Access is late.", "cause": "one_time" });
    server.post(&format!("{path}/milestones/a/forecast-changes"), slip).await.expect(201);
    let next = server.get(&format!("{path}/reviews/next")).await.expect(200);
    assert_eq!((&next["due_on"], &next["overdue"]), (&json!("2026-05-11"), &json!(false)));
    let at_risk = &next["at_risk"][0];
    let seen =
        ["key", "status", "changes_since", "reason", "cause", "skipped_warning"].map(|field| at_risk[field].clone());
    assert_eq!(
        seen,
        [json!("a"), json!("delayed"), json!(1), json!("Access is late."), json!("one_time"), json!(false)]
    );
    let waits: Vec<(&Value, &Value)> = next["unresolved_dependencies"]
        .as_array()
        .expect("dependencies")
        .iter()
        .map(|one| (&one["key"], &one["waits_for"]))
        .collect();
    let (a, b, c) = (json!("a"), json!("b"), json!("c"));
    let expected = [(&b, &a), (&c, &a), (&c, &b)];
    let sorted = |mut list: Vec<(&Value, &Value)>| {
        list.sort_by_key(|pair| format!("{pair:?}"));
        list.into_iter().map(|(a, b)| (a.clone(), b.clone())).collect::<Vec<_>>()
    };
    assert_eq!(sorted(waits), sorted(expected.to_vec()));
    let trajectory = &next["trajectory"];
    assert_eq!((&trajectory["trend"], &trajectory["since_on"]), (&json!("worsening"), &json!("2026-04-27")));
    // a moved by 16 days, which moved b and c by 16 days each.
    assert_eq!((&trajectory["changes_since"], &trajectory["days_slipped_since"]), (&json!(3), &json!(48)));
    assert_eq!(next["uncommunicated_changes"].as_array().map(Vec::len), Some(3), "the client knows nothing of it");
    server.post(&format!("{path}/milestones/a/forecast-changes/1/communicate"), json!({})).await.expect(200);
    let next = server.get(&format!("{path}/reviews/next")).await.expect(200);
    assert_eq!(next["uncommunicated_changes"], json!([]), "what follows was told with it");
}

async fn a_review_wants_causes_and_actions(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let hold = |body: Value| server.post(&format!("{path}/reviews"), body);
    let silent = hold(json!({})).await;
    assert!(silent.text.contains("'a' is at risk: give its cause and action"), "{}", silent.text);
    assert_eq!(silent.problem(422, "validation_failed"), errors(&[("/findings", "finding_missing")]));
    let ana = person(&server, "ana", json!({ "name": "Ana Petrova" })).await;
    let finding = json!({ "key": "a", "cause": "No credentials.", "action": "Escalate.", "owner_ref": "ana", "due_on": "2026-05-06" });
    let strange = json!({ "findings": [{ "key": "a", "cause": "c", "action": "a", "owner_ref": "nobody" }] });
    let refused = hold(strange).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("/findings/0/owner_ref", "unknown_person")]));
    let ghost =
        json!({ "findings": [finding, { "key": "ghost", "cause": "c", "action": "a" }], "confirmed": ["nobody"] });
    let expected = errors(&[("/findings/1/key", "unknown_milestone"), ("/confirmed/0", "unknown_milestone")]);
    assert_eq!(hold(ghost).await.problem(422, "validation_failed"), expected);
    let held = hold(json!({ "findings": [finding], "confirmed": ["c"], "note": "The team is confident." })).await;
    assert_eq!(held.header("location"), format!("{path}/reviews/1"));
    let held = held.expect(201);
    assert_eq!((&held["number"], &held["reviewed_on"]), (&json!(1), &json!("2026-05-04")));
    assert_eq!(held["findings"][0]["action"], "Escalate.");
    let owner = ["owner_id", "owner_ref", "owner_name"].map(|field| held["findings"][0][field].clone());
    assert_eq!(owner, [json!(ana), json!("ana"), json!("Ana Petrova")]);
    server.clock.advance(Duration::days(1));
    let slip = json!({ "forecast_on": "2026-05-20", "reason": "Still none." });
    server.post(&format!("{path}/milestones/a/forecast-changes"), slip).await.expect(201);
    assert_eq!(server.get(&format!("{path}/reviews/1")).await.expect(200), held, "frozen");
    let next = server.get(&format!("{path}/reviews/next")).await.expect(200);
    assert_eq!(
        (&next["trajectory"]["trend"], &next["trajectory"]["since_on"]),
        (&json!("worsening"), &json!("2026-05-04"))
    );
    let all = server.get(&format!("{path}/reviews")).await.expect(200);
    assert_eq!(pluck(&all, "number"), [1]);
    server.get(&format!("{path}/reviews/2")).await.problem(404, "not_found");
    // People are called what they are called now, and not at all once they are erased.
    server.patch(&format!("/v1/people/{ana}"), json!({ "name": "Ana Novak" })).await.expect(200);
    let listed = server.get(&format!("{path}/reviews")).await.expect(200);
    assert_eq!(listed["data"][0]["findings"][0]["owner_name"], "Ana Novak");
    server.call("POST", &format!("/v1/people/{ana}/erase")).header("If-Match", "*").send().await.expect(200);
    let erased = server.get(&format!("{path}/reviews/1")).await;
    assert!(!erased.text.contains("Ana") && !erased.text.contains(&ana), "{}", erased.text);
}

async fn what_followed_another_needs_no_finding(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let slip = async |key: &str, forecast_on: &str| {
        let body = json!({ "forecast_on": forecast_on, "reason": "Access is late." });
        server.post(&format!("{path}/milestones/{key}/forecast-changes"), body).await.expect(201);
    };
    let wanted = async || {
        let next = server.get(&format!("{path}/reviews/next")).await.expect(200);
        let at_risk = next["at_risk"].as_array().expect("milestones").iter();
        let wanted = at_risk.filter(|one| one["needs_finding"] == true).map(|one| one["key"].clone());
        (next["at_risk"].as_array().map(Vec::len), wanted.collect::<Vec<_>>())
    };
    slip("a", "2026-05-06").await;
    slip("a", "2026-05-07").await;
    assert_eq!(wanted().await, (Some(3), vec![json!("a")]), "b and c moved only together with a");
    slip("b", "2026-06-30").await;
    assert_eq!(wanted().await, (Some(3), vec![json!("a"), json!("b")]), "b is later by itself, and c moved with it");
    let findings = ["a", "b"].map(|key| json!({ "key": key, "cause": "No credentials.", "action": "Escalate." }));
    server.post(&format!("{path}/reviews"), json!({ "findings": findings })).await.expect(201);
    let achieved = json!({ "override_reason": "It went without a." });
    server.post(&format!("{path}/milestones/b/achieve"), achieved).await.expect(200);
    assert_eq!(
        wanted().await,
        (Some(2), vec![json!("a"), json!("c")]),
        "what c followed is there, and c is still late"
    );
}

async fn reviews_fall_due(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create_plan(&server).await;
    let overdue = |wanted: bool| {
        let path = format!("/v1/plans?review_overdue={wanted}");
        let server = &server;
        async move { server.get(&path).await.expect(200)["data"].as_array().map(Vec::len) }
    };
    assert_eq!(server.get(&path).await.expect(200)["next_review_on"], "2026-05-11");
    server.clock.advance(Duration::days(8));
    assert_eq!((overdue(true).await, overdue(false).await), (Some(1), Some(0)));
    let names = ["a", "b", "c"].map(|key| json!({ "key": key, "cause": "Nobody looked.", "action": "Look." }));
    server.post(&format!("{path}/reviews"), json!({ "findings": names })).await.expect(201);
    let plan = server.get(&path).await.expect(200);
    assert_eq!((&plan["next_review_on"], &plan["review_overdue"]), (&json!("2026-05-19"), &json!(false)));
    assert_eq!((overdue(true).await, overdue(false).await), (Some(0), Some(1)));
    server.patch(&path, json!({ "archived": true })).await.expect(200);
    assert_eq!(server.get(&path).await.expect(200)["next_review_on"], Value::Null);
}
