//! Reports on all customers, playbooks, and the interventions that they open.

use chrono::Duration;
use milepost::jobs::keep_health::keep_health;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::health::{activate, active_days_factor, active_on, pulse_factor};
use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    the_report_follows_what_changes,
    a_band_change_opens_an_intervention,
    flapping_opens_one,
    what_begins_in_a_cooldown_waits,
    milestones_and_silence_open_interventions,
    a_playbook_is_tried_on_the_past,
    wrong_playbooks_are_refused,
    an_intervention_is_worked_on,
    interventions_are_reported,
    the_job_keeps_to_its_interval,
);

async fn pulse_model(server: &Server) {
    activate(server, "pulse", json!({ "name": "Pulse", "factors": [pulse_factor(1.0)] })).await;
}

async fn set_pulse(server: &Server, id: &str, score: f64) {
    let pulse = json!({ "score": score, "expires_on": "2027-01-01" });
    server.post(&format!("/v1/customers/{id}/pulses"), pulse).await.expect(201);
}

#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn rescue(trigger: Value) -> Value {
    json!({
        "name": "Rescue", "trigger": trigger, "cooldown_days": 10,
        "action": { "kind": "coaching", "title": "Call the sponsor", "due_in_days": 2, "escalations": [{ "after_days": 3, "to": "Head" }] }
    })
}

async fn playbook(server: &Server, key: &str, content: Value) {
    create(server, "/v1/playbooks", json!({ "key": key, "content": content })).await;
}

async fn opened(server: &Server) -> Vec<Value> {
    server.get("/v1/reports/health").await.expect(200);
    let list = server.get("/v1/interventions").await.expect(200);
    list["data"].as_array().expect("a list").clone()
}

async fn the_report_follows_what_changes(engine: Engine) {
    let server = Server::start(engine).await;
    let empty = server.get("/v1/reports/health").await.expect(200);
    assert_eq!((&empty["customers"], &empty["mean_score"]), (&json!(0), &Value::Null));
    pulse_model(&server).await;
    let mut ids = vec![];
    for (name, score, revenue) in [("a", 90.0, 100), ("b", 50.0, 200), ("c", 20.0, 400)] {
        let customer = json!({ "name": name, "external_ref": name, "annual_revenue_minor": revenue, "segment": "SMB" });
        let path = create(&server, "/v1/customers", customer).await;
        ids.push(path.rsplit('/').next().expect("an id").to_owned());
        set_pulse(&server, ids.last().expect("it"), score).await;
    }
    create_customer(&server, "d").await;
    let report = server.get("/v1/reports/health").await.expect(200);
    assert_eq!(pluck(&report, "name"), ["a", "b", "c", "d"].map(Value::from).iter().collect::<Vec<_>>());
    let count = |band: &str, customers: u64, revenue: i64| json!({ "band": band, "customers": customers, "annual_revenue_minor": revenue });
    let bands = [count("healthy", 1, 100), count("at_risk", 1, 200), count("critical", 1, 400), count("unknown", 1, 0)];
    assert_eq!((&report["bands"], &report["customers"]), (&json!(bands), &json!(4)));
    server.clock.advance(Duration::days(40));
    set_pulse(&server, &ids[0], 60.0).await;
    set_pulse(&server, &ids[2], 30.0).await;
    let report = server.get("/v1/reports/health?segment=SMB").await.expect(200);
    assert_eq!((&report["as_of"], &report["customers"]), (&json!("2026-06-13"), &json!(3)));
    let moved = |list: &str| pluck(&json!({ "data": report[list] }), "delta").into_iter().cloned().collect::<Vec<_>>();
    assert_eq!((moved("fallen"), moved("risen")), (vec![json!(-30.0)], vec![json!(10.0)]));
    let row = &report["data"][0];
    assert_eq!(
        (&row["band"], &row["band_before"], &row["lowest_factor"]),
        (&json!("at_risk"), &json!("healthy"), &json!("pulse"))
    );
    let critical = server.get("/v1/reports/health?band=critical&limit=1").await.expect(200);
    assert_eq!((pluck(&critical, "name"), &critical["has_more"]), (vec![&json!("c")], &json!(false)));
    let first = server.get("/v1/reports/health?limit=3").await.expect(200);
    let next = format!("/v1/reports/health?limit=3&cursor={}", first["next_cursor"].as_str().expect("a cursor"));
    assert_eq!(pluck(&server.get(&next).await.expect(200), "name"), [&json!("d")]);
    let csv = server.call("GET", "/v1/reports/health").header("Accept", "text/csv").send().await;
    assert_eq!(csv.text.lines().count(), 5);
    assert!(
        csv.text.lines().nth(1).is_some_and(|line| line.contains(",a,a,SMB,,100,60,at_risk,1,90,healthy,-30,")),
        "{}",
        csv.text
    );
    server.patch(&format!("/v1/customers/{}", ids[0]), json!({ "archived": true })).await.expect(200);
    assert_eq!(server.get("/v1/reports/health").await.expect(200)["customers"], 3);
}

async fn a_band_change_opens_an_intervention(engine: Engine) {
    let server = Server::start(engine).await;
    pulse_model(&server).await;
    let (low, id) = (create_customer(&server, "already-low").await, create_customer(&server, "northwind").await);
    set_pulse(&server, &low, 10.0).await;
    set_pulse(&server, &id, 80.0).await;
    playbook(&server, "rescue", rescue(json!({ "kind": "band_entered", "bands": ["critical"] }))).await;
    assert_eq!(opened(&server).await, Vec::<Value>::new(), "what holds already opens nothing");
    set_pulse(&server, &id, 20.0).await;
    let found = opened(&server).await;
    assert_eq!(found.len(), 1);
    let one = &found[0];
    assert_eq!(
        (&one["customer_id"], &one["kind"], &one["due_on"], &one["status"], &one["score_at_opening"], &one["reason"]),
        (&json!(id), &json!("coaching"), &json!("2026-05-06"), &json!("open"), &json!(20.0), &json!("band_entered"))
    );
    assert_eq!(opened(&server).await.len(), 1, "and it opens once");
    server.clock.advance(Duration::minutes(1));
    let newcomer = create_customer(&server, "newcomer").await;
    set_pulse(&server, &newcomer, 5.0).await;
    assert_eq!(opened(&server).await.len(), 2, "a customer that comes later begins with nothing");
    let entries = server.get("/v1/ledger?action=intervention.created").await.expect(200);
    let server_itself = json!({ "type": "system", "id": "job" });
    assert_eq!(pluck(&entries, "author"), [&server_itself, &server_itself], "whoever asked for the report");
    server.clock.advance(Duration::days(4));
    let late = server.get(&format!("/v1/interventions/{}", one["id"].as_str().expect("an id"))).await.expect(200);
    assert_eq!((&late["overdue"], &late["escalated_to"]), (&json!(true), &json!("Head")));
}

async fn flapping_opens_one(engine: Engine) {
    let server = Server::start(engine).await;
    pulse_model(&server).await;
    let id = create_customer(&server, "northwind").await;
    set_pulse(&server, &id, 80.0).await;
    playbook(&server, "rescue", rescue(json!({ "kind": "band_entered", "bands": ["critical"] }))).await;
    let mut counts = vec![];
    for (score, days) in [(20.0, 1), (80.0, 1), (20.0, 1), (80.0, 12), (20.0, 0)] {
        set_pulse(&server, &id, score).await;
        counts.push(opened(&server).await.len());
        server.clock.advance(Duration::days(days));
    }
    assert_eq!(counts, [1, 1, 1, 1, 2], "again after the ten days of its cooldown");
    let read = server.get("/v1/playbooks/rescue").await;
    let (etag, mut content) = (read.header("etag"), read.expect(200)["content"].clone());
    content["active"] = json!(false);
    server.call("PUT", "/v1/playbooks/rescue").json(content.clone()).send().await.problem(428, "version_required");
    server.call("PUT", "/v1/playbooks/rescue").header("If-Match", &etag).json(content).send().await.expect(200);
    server.clock.advance(Duration::days(20));
    for score in [80.0, 20.0] {
        set_pulse(&server, &id, score).await;
        assert_eq!(opened(&server).await.len(), 2, "it is switched off");
    }
}

async fn what_begins_in_a_cooldown_waits(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let other = create_customer(&server, "other").await;
    let mut plan = crate::samples::plan();
    plan["customer_id"] = json!(id);
    let plan = create(&server, "/v1/plans", plan).await;
    playbook(&server, "missed", rescue(json!({ "kind": "milestone_missed" }))).await;
    let mut counts = vec![];
    // a was missed before. b becomes missed on 11 May, and a milestone that is added late is already due.
    for days in [7, 1, 10] {
        server.clock.advance(Duration::days(days));
        if days == 1 {
            let late = json!({ "key": "late", "name": "Late", "planned_on": "2026-05-08" });
            server.post(&format!("{plan}/milestones"), late).await.expect(201);
        }
        counts.push(opened(&server).await.len());
    }
    assert_eq!(counts, [1, 1, 2], "the second miss waits for the cooldown to end");
    server.patch(&plan, json!({ "customer_id": other })).await.expect(200);
    server.get("/v1/reports/health").await.expect(200);
    let moved = server.get("/v1/reports/health").await.expect(200);
    let row = |name: &str| {
        moved["data"].as_array().expect("rows").iter().find(|row| row["name"] == name).expect("it").clone()
    };
    assert_eq!(
        (&row("northwind")["coverage"], &row("other")["coverage"]),
        (&json!(0.0), &json!(0.25)),
        "both are looked at anew"
    );
}

async fn milestones_and_silence_open_interventions(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    active_on(&server, "northwind", &["2026-05-03"]).await;
    let mut plan = crate::samples::plan();
    plan["customer_id"] = json!(id);
    let plan = create(&server, "/v1/plans", plan).await;
    playbook(&server, "missed", rescue(json!({ "kind": "milestone_missed", "milestone": "b", "grace_days": 3 }))).await;
    playbook(&server, "silent", rescue(json!({ "kind": "no_event", "days": 10 }))).await;
    playbook(&server, "met", rescue(json!({ "kind": "milestone_achieved", "milestone": "a" }))).await;
    playbook(&server, "slow", rescue(json!({ "kind": "spi_below", "below": 0.5 }))).await;
    assert_eq!(opened(&server).await.len(), 0, "SPI is 0, but that was so before");
    let reasons = |found: Vec<Value>| {
        found.into_iter().map(|one| one["reason"].as_str().expect("a reason").to_owned()).collect::<Vec<_>>()
    };
    let plan_id = plan.rsplit('/').next().expect("an id");
    server.post(&format!("{plan}/milestones/a/achieve"), json!({})).await.expect(200);
    assert_eq!(reasons(opened(&server).await), [format!("milestone_achieved: {plan_id}/a")]);
    server.clock.advance(Duration::days(9));
    // b was planned for the 10th. On the 13th its grace period is not over, and there has been no event for ten days.
    let found = reasons(opened(&server).await);
    // b was planned too: 2 of 5 are earned, whereas everything planned had been earned after a.
    let spi = format!("spi_below: {plan_id}");
    assert_eq!(found, [spi, "no_event".to_owned(), format!("milestone_achieved: {plan_id}/a")]);
    server.clock.advance(Duration::days(1));
    let found = reasons(opened(&server).await);
    assert_eq!(found[0], format!("milestone_missed: {plan_id}/b"));
    assert_eq!(found.len(), 4, "{found:?}");
}

async fn a_playbook_is_tried_on_the_past(engine: Engine) {
    let server = Server::start(engine).await;
    activate(&server, "active", json!({ "name": "Active", "factors": [active_days_factor(1.0)] })).await;
    create_customer(&server, "northwind").await;
    let busy = [
        "2026-03-01",
        "2026-03-02",
        "2026-03-03",
        "2026-03-04",
        "2026-04-10",
        "2026-04-11",
        "2026-04-12",
        "2026-04-13",
    ];
    active_on(&server, "northwind", &busy).await;
    let mut content = rescue(json!({ "kind": "factor_drop", "factor": "active", "points": 50, "days": 7 }));
    content["active"] = json!(false);
    playbook(&server, "drop", content).await;
    let tried = server.call("POST", "/v1/playbooks/drop/dry-run").send().await.expect(200);
    assert_eq!(
        (&tried["from"], &tried["to"], &tried["customers"]),
        (&json!("2026-02-04"), &json!("2026-05-04"), &json!(1))
    );
    assert_eq!(pluck(&tried, "because_of"), [&json!(["active"]), &json!(["active"])], "after each of the two weeks");
    assert_eq!(server.get("/v1/interventions").await.expect(200)["data"], json!([]), "nothing is written");
    let short = server.call("POST", "/v1/playbooks/drop/dry-run?days=5").send().await.expect(200);
    assert_eq!(short["data"], json!([]));
}

async fn wrong_playbooks_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let refused = |trigger: Value| server.post("/v1/playbooks", json!({ "key": "p", "content": rescue(trigger) }));
    let found = refused(json!({ "kind": "factor_drop" })).await.problem(422, "validation_failed");
    assert_eq!(found, errors(&[("/content/trigger/days", "required"), ("/content/trigger/points", "required")]));
    let found = refused(json!({ "kind": "band_entered", "bands": ["critical"], "below": 1 }))
        .await
        .problem(422, "validation_failed");
    assert_eq!(found, errors(&[("/content/trigger/below", "unused")]));
    playbook(&server, "p", rescue(json!({ "kind": "milestone_missed" }))).await;
    refused(json!({ "kind": "milestone_missed" })).await.problem(409, "conflict");
    server.get("/v1/playbooks/ghost").await.problem(404, "not_found");
    assert_eq!(pluck(&server.get("/v1/playbooks").await.expect(200), "key"), [&json!("p")]);
}

async fn an_intervention_is_worked_on(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let draft = json!({ "customer_id": id, "kind": "expert_session", "title": "Data import", "due_on": "2026-05-08" });
    let path = create(&server, "/v1/interventions", draft.clone()).await;
    let mut past = draft.clone();
    past["due_on"] = json!("2026-05-03");
    assert_eq!(
        server.post("/v1/interventions", past).await.problem(422, "validation_failed"),
        errors(&[("/due_on", "in_the_past")])
    );
    let mut unknown = draft;
    unknown["customer_id"] = json!("0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11");
    let found = server.post("/v1/interventions", unknown).await.problem(422, "validation_failed");
    assert_eq!(found, errors(&[("/customer_id", "unknown_customer")]));
    let assigned = server.post(&format!("{path}/assign"), json!({ "owner": "Ben" })).await.expect(200);
    assert_eq!((&assigned["owner"], &assigned["due_on"]), (&json!("Ben"), &json!("2026-05-08")));
    server.post(&format!("{path}/notes"), json!({ "text": "They will call." })).await.expect(201);
    assert_eq!(server.get(&format!("{path}/notes")).await.expect(200)["data"][0]["text"], "They will call.");
    let snooze = |until: &str| server.post(&format!("{path}/snooze"), json!({ "until": until, "reason": "Closed." }));
    assert_eq!(snooze("2026-05-04").await.problem(422, "validation_failed"), errors(&[("/until", "in_the_past")]));
    assert_eq!(snooze("2026-05-06").await.expect(200)["status"], "snoozed");
    server.clock.advance(Duration::days(2));
    assert_eq!(server.get(&path).await.expect(200)["status"], "open", "it comes back");
    let done =
        server.post(&format!("{path}/finish"), json!({ "outcome": "succeeded", "note": "Agreed." })).await.expect(200);
    assert_eq!(
        (&done["status"], &done["done_on"], &done["outcome"]),
        (&json!("done"), &json!("2026-05-06"), &json!("succeeded"))
    );
    server.post(&format!("{path}/assign"), json!({ "owner": "Ana" })).await.problem(409, "conflict");
    for (query, count) in [("open=false", 1), ("open=true", 0), ("owner=Ben", 1), ("owner=Ana", 0)] {
        let list = server.get(&format!("/v1/interventions?{query}")).await.expect(200);
        assert_eq!(list["data"].as_array().map(Vec::len), Some(count), "{query}");
    }
    server.call("DELETE", &format!("/v1/customers/{id}")).header("If-Match", "*").send().await.problem(409, "conflict");
}

async fn interventions_are_reported(engine: Engine) {
    let server = Server::start(engine).await;
    pulse_model(&server).await;
    let id = create_customer(&server, "northwind").await;
    set_pulse(&server, &id, 30.0).await;
    for (kind, days) in [("coaching", 2), ("coaching", 4), ("resources", 0)] {
        let draft = json!({ "customer_id": id, "kind": kind, "title": "T", "due_on": "2026-06-30" });
        let path = create(&server, "/v1/interventions", draft).await;
        if days > 0 {
            server.clock.advance(Duration::days(days));
            server.post(&format!("{path}/finish"), json!({ "outcome": "succeeded" })).await.expect(200);
        }
    }
    set_pulse(&server, &id, 70.0).await;
    server.clock.advance(Duration::days(60));
    let report = server.get("/v1/reports/interventions").await.expect(200);
    assert!(report["caution"].as_str().is_some_and(|text| text.contains("regression to the mean")));
    let group = &report["groups"][0];
    assert_eq!(
        (&group["kind"], &group["opened"], &group["done"], &group["succeeded"]),
        (&json!("coaching"), &json!(2), &json!(2), &json!(2))
    );
    assert_eq!((&group["median_days_to_done"], &group["compared"]), (&json!(3.0), &json!(2)));
    assert_eq!((&group["mean_score_at_opening"], &group["mean_score_after"]), (&json!(30.0), &json!(70.0)));
    assert_eq!(
        (&report["groups"][1]["overdue"], &report["groups"][1]["median_days_to_done"]),
        (&json!(1), &Value::Null)
    );
}

async fn the_job_keeps_to_its_interval(engine: Engine) {
    let server = Server::start(engine).await;
    let mut content = json!({ "name": "Pulse", "factors": [pulse_factor(1.0)] });
    content["update_interval_minutes"] = json!(10);
    activate(&server, "pulse", content).await;
    let id = create_customer(&server, "northwind").await;
    set_pulse(&server, &id, 80.0).await;
    playbook(&server, "rescue", rescue(json!({ "kind": "band_entered", "bands": ["critical"] }))).await;
    set_pulse(&server, &id, 10.0).await;
    let count = || async {
        keep_health(&server.app).await.expect("kept");
        server.get("/v1/interventions").await.expect(200)["data"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count().await, 0, "the interval is not over");
    server.clock.advance(Duration::minutes(10));
    assert_eq!(count().await, 1);
    let entry = server.get("/v1/ledger?action=intervention.created").await.expect(200)["data"][0].clone();
    assert_eq!(entry["author"], json!({ "type": "system", "id": "job" }));
}
