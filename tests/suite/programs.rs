//! Plans that wait for other plans: a slip in one pushes the others, in every answer.

use chrono::Duration;
use milepost_domain::access::Scope;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, pluck};

on_both_engines!(
    a_slip_pushes_other_plans,
    the_finish_hangs_on_other_plans,
    dependencies_end_and_the_past_knows_them,
    plans_wait_in_no_circle,
    what_is_erased_is_waited_for_no_more
);

/// A plan with a milestone `done` that takes five days.
async fn plan(server: &Server, name: &str, planned_on: &str) -> String {
    let milestone =
        json!({ "key": "done", "name": format!("{name} is done"), "planned_on": planned_on, "duration_days": 5 });
    create(server, "/v1/plans", json!({ "name": name, "start_on": "2026-04-01", "milestones": [milestone] })).await
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().expect("an id")
}

async fn wait_for(server: &Server, plan: &str, other: &str) -> String {
    let body = json!({ "milestone": "done", "on_plan_id": id(other), "on_milestone": "done" });
    create(server, &format!("{plan}/dependencies"), body).await
}

async fn slip(server: &Server, plan: &str, forecast_on: &str) {
    let change = json!({ "forecast_on": forecast_on, "reason": "The platform comes later." });
    server.post(&format!("{plan}/milestones/done/forecast-changes"), change).await.expect(201);
}

/// The reckoned dates of three plans by name, where every plan has one milestone.
async fn reckoned(server: &Server, query: &str) -> Vec<Value> {
    let list = server.get(&format!("/v1/plans{query}")).await.expect(200);
    pluck(&list, "expected_finish_on").into_iter().cloned().collect()
}

async fn a_slip_pushes_other_plans(engine: Engine) {
    let server = Server::start(engine).await;
    let (a, b) = (plan(&server, "A", "2026-05-20").await, plan(&server, "B", "2026-05-27").await);
    let c = plan(&server, "C", "2026-06-03").await;
    wait_for(&server, &b, &a).await;
    wait_for(&server, &c, &b).await;
    assert_eq!(reckoned(&server, "").await, ["2026-05-20", "2026-05-27", "2026-06-03"], "there is room");
    let change = json!({ "forecast_on": "2026-05-25", "reason": "The platform comes later." });
    let dry = server.post(&format!("{a}/milestones/done/forecast-changes?dry_run=true"), change).await.expect(200);
    let elsewhere = json!([
        { "plan_id": id(&b), "plan_name": "B", "key": "done", "from_on": "2026-05-27", "to_on": "2026-05-30", "days": 3 },
        { "plan_id": id(&c), "plan_name": "C", "key": "done", "from_on": "2026-06-03", "to_on": "2026-06-04", "days": 1 },
    ]);
    assert_eq!(
        (dry["moves"].as_array().map(Vec::len), &dry["elsewhere"]),
        (Some(1), &elsewhere),
        "a dry run shows all plans"
    );
    assert_eq!(reckoned(&server, "").await, ["2026-05-20", "2026-05-27", "2026-06-03"]);
    slip(&server, &a, "2026-05-25").await;
    let expected = ["2026-05-25", "2026-05-30", "2026-06-04"];
    assert_eq!(reckoned(&server, "").await, expected, "each needs its five days");
    let milestone = server.get(&format!("{c}/milestones/done")).await.expect(200);
    let waits_for = json!({ "key": "done", "plan_id": id(&b), "plan_name": "B", "days": 1 });
    assert_eq!((&milestone["waits_for"], &milestone["status"]), (&waits_for, &json!("at_risk")));
    let all = server.get("/v1/milestones").await.expect(200);
    assert_eq!(pluck(&all, "reckoned_on"), expected, "lists say the same");
    assert_eq!(all["data"][2]["waits_for"], waits_for);
    let report = server.get("/v1/reports/spi").await.expect(200);
    assert_eq!(pluck(&report, "expected_finish_on"), expected);
    let status = server.get(&format!("{c}/status-report")).await.expect(200);
    assert_eq!(status["at_risk"][0]["milestone"]["forecast_on"], "2026-06-04");
    let calendar = server.get(&format!("{c}/calendar.ics")).await.text;
    assert!(calendar.contains("20260604"), "{calendar}");
    let review = server.get(&format!("{c}/reviews/next")).await.expect(200);
    assert_eq!(review["at_risk"][0]["waits_for"], waits_for);
    server.post(&format!("{a}/milestones/done/achieve"), json!({ "occurred_on": "2026-05-04" })).await.expect(200);
    assert_eq!(
        reckoned(&server, "").await,
        ["2026-05-04", "2026-05-27", "2026-06-03"],
        "and nothing needs to be told again"
    );
}

async fn the_finish_hangs_on_other_plans(engine: Engine) {
    let server = Server::start(engine).await;
    let (a, b) = (plan(&server, "A", "2026-05-20").await, plan(&server, "B", "2026-05-27").await);
    let c = plan(&server, "C", "2026-06-03").await;
    wait_for(&server, &b, &a).await;
    let newest = wait_for(&server, &c, &b).await;
    let driving_path = async || server.get(&format!("{c}/schedule")).await.expect(200)["driving_path"].clone();
    let own = |on: &str| json!({ "plan_id": null, "plan_name": null, "key": "done", "reckoned_on": on });
    assert_eq!(driving_path().await, json!([own("2026-06-03")]), "there is room between the plans");
    slip(&server, &a, "2026-05-25").await;
    let through = json!([
        { "plan_id": id(&a), "plan_name": "A", "key": "done", "reckoned_on": "2026-05-25" },
        { "plan_id": id(&b), "plan_name": "B", "key": "done", "reckoned_on": "2026-05-30" },
        own("2026-06-04"),
    ]);
    assert_eq!(driving_path().await, through);
    let simulation = server.get(&format!("{c}/simulation")).await.expect(200);
    let p10_on = simulation["finish"]["p10_on"].as_str().expect("a date");
    assert!(p10_on >= "2026-06-03", "at least four days after B: {p10_on}");
    let waiting = server.get(&format!("{b}/dependents")).await.expect(200);
    assert_eq!(waiting["data"], json!([server.get(&newest).await.expect(200)]));
    let nobody = server.get(&format!("{c}/dependents")).await.expect(200);
    assert_eq!(nobody["data"], json!([]));
}

async fn dependencies_end_and_the_past_knows_them(engine: Engine) {
    let server = Server::start(engine).await;
    let (a, b) = (plan(&server, "A", "2026-05-20").await, plan(&server, "B", "2026-05-27").await);
    server.clock.advance(Duration::hours(1));
    let dependency = wait_for(&server, &b, &a).await;
    slip(&server, &a, "2026-05-25").await;
    server.clock.advance(Duration::hours(1));
    slip(&server, &a, "2026-05-28").await;
    assert_eq!(reckoned(&server, "").await, ["2026-05-28", "2026-06-02"]);
    let known = async |at: &str| {
        let report = server.get(&format!("/v1/reports/spi?known_at=2026-05-04T{at}Z")).await.expect(200);
        pluck(&report, "expected_finish_on").into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(known("12:30:00").await, ["2026-05-20", "2026-05-27"], "before the dependency");
    assert_eq!(known("13:30:00").await, ["2026-05-25", "2026-05-30"], "with the slip as it was known");
    let listed = server.get(&format!("{b}/dependencies")).await.expect(200);
    assert_eq!(listed["data"], json!([server.get(&dependency).await.expect(200)]));
    let names = ["milestone", "on_milestone", "on_plan_name"].map(|field| listed["data"][0][field].clone());
    assert_eq!(names, ["done", "done", "A"]);
    server.clock.advance(Duration::hours(1));
    let reason = json!({ "reason": "B has another platform now." });
    server.post(&format!("{dependency}/withdraw"), reason.clone()).await.expect(200);
    server.post(&format!("{dependency}/withdraw"), reason).await.problem(409, "conflict");
    assert_eq!(reckoned(&server, "").await, ["2026-05-28", "2026-05-27"]);
    assert_eq!(known("14:30:00").await, ["2026-05-28", "2026-06-02"], "it held then");
    let entries = server.get("/v1/ledger?sort=-sequence&limit=1").await.expect(200);
    assert_eq!(pluck(&entries, "action"), ["plan.dependency_withdrawn"]);
    wait_for(&server, &a, &b).await;
    let z = plan(&server, "Z", "2026-05-12").await;
    wait_for(&server, &b, &z).await;
    slip(&server, &z, "2026-06-20").await;
    let turned = ["2026-06-30", "2026-06-25", "2026-06-20"];
    assert_eq!(reckoned(&server, "").await, turned, "the other way round, and through b");
    let plan_a = server.get(&a).await.expect(200);
    assert_eq!(plan_a["expected_finish_on"], turned[0], "a plan by itself says the same");
    assert_eq!(known("14:30:00").await, ["2026-05-28", "2026-06-02"], "and then it was as it was");
}

async fn plans_wait_in_no_circle(engine: Engine) {
    let server = Server::start(engine).await;
    let mut row = vec![];
    for name in ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"] {
        row.push(plan(&server, name, "2026-06-20").await);
    }
    for pair in row[..11].windows(2) {
        wait_for(&server, &pair[1], &pair[0]).await;
    }
    let refused = async |plan: &str, body: Value| {
        let reply = server.post(&format!("{plan}/dependencies"), body).await;
        let (status, code) = if reply.status.as_u16() == 409 { (409, "conflict") } else { (422, "validation_failed") };
        reply.problem(status, code)
    };
    let on = |other: &str, milestone: &str| json!({ "milestone": "done", "on_plan_id": id(other), "on_milestone": milestone });
    assert_eq!(refused(&row[0], on(&row[2], "done")).await, errors(&[("/on_plan_id", "plan_cycle")]));
    assert_eq!(refused(&row[0], on(&row[0], "done")).await, errors(&[("/on_plan_id", "same_plan")]));
    assert_eq!(refused(&row[11], on(&row[10], "done")).await, errors(&[("/on_plan_id", "chain_too_long")]));
    assert_eq!(refused(&row[1], on(&row[0], "done")).await, errors(&[("/on_milestone", "already_recorded")]));
    let first = plan(&server, "before A", "2026-05-01").await;
    assert_eq!(
        refused(&row[0], on(&first, "done")).await,
        errors(&[("/on_plan_id", "chain_too_long")]),
        "at either end"
    );
    assert_eq!(refused(&row[11], on(&row[0], "gone")).await, errors(&[("/on_milestone", "unknown_milestone")]));
    let nobody =
        json!({ "milestone": "done", "on_plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "on_milestone": "done" });
    assert_eq!(refused(&row[11], nobody).await, errors(&[("/on_plan_id", "unknown_plan")]));
    let stranger = server.key_of("Other", &[Scope::Admin]).await;
    let theirs = json!({ "name": "T", "start_on": "2026-04-01", "milestones": [{ "key": "done", "name": "T", "planned_on": "2026-05-20" }] });
    let theirs = server.call("POST", "/v1/plans").bearer(&stranger).json(theirs).send().await.header("location");
    let across =
        server.call("POST", &format!("{theirs}/dependencies")).bearer(&stranger).json(on(&row[0], "done")).send().await;
    assert_eq!(
        across.problem(422, "validation_failed"),
        errors(&[("/on_plan_id", "unknown_plan")]),
        "not of another organization"
    );
    slip(&server, &row[0], "2026-06-21").await;
    let last = server.get(&row[10]).await.expect(200);
    assert_eq!(last["expected_finish_on"], "2026-08-10", "ten plans of five days each later");
}

async fn what_is_erased_is_waited_for_no_more(engine: Engine) {
    let server = Server::start(engine).await;
    let customer = create(&server, "/v1/customers", json!({ "name": "Zebra" })).await;
    let (a, b) = (plan(&server, "A", "2026-05-20").await, plan(&server, "B", "2026-05-27").await);
    server.patch(&a, json!({ "customer_id": id(&customer) })).await.expect(200);
    wait_for(&server, &b, &a).await;
    slip(&server, &a, "2026-06-25").await;
    assert_eq!(reckoned(&server, "").await, ["2026-06-25", "2026-06-30"]);
    let tag = server.get(&customer).await.header("etag");
    server.call("POST", &format!("{customer}/erase")).header("If-Match", &tag).send().await.expect(200);
    assert_eq!(reckoned(&server, "").await, ["2026-05-27"]);
}
