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
    each_milestone_has_its_cooldown,
    another_description_loses_nothing,
    interventions_end_and_come_again,
    interventions_follow_the_owner,
    customers_that_have_left_are_left_alone,
    a_day_of_work,
    the_risk_of_a_portfolio,
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
        "action": { "kind": "coaching", "title": "Call the sponsor", "due_in_days": 2, "escalations": [{ "after_days": 3,
        "to_name": "Head" }] }
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
    assert_eq!((&late["overdue"], &late["escalated_to_name"]), (&json!(true), &json!("Head")));
}

async fn flapping_opens_one(engine: Engine) {
    let server = Server::start(engine).await;
    pulse_model(&server).await;
    let id = create_customer(&server, "northwind").await;
    set_pulse(&server, &id, 80.0).await;
    let mut content = rescue(json!({ "kind": "band_entered", "bands": ["critical"] }));
    content["one_at_a_time"] = json!(false);
    playbook(&server, "rescue", content).await;
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

async fn each_milestone_has_its_cooldown(engine: Engine) {
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
    assert_eq!(counts, [1, 2, 2], "another milestone has a cooldown of its own");
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

async fn another_description_loses_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    pulse_model(&server).await;
    let id = create_customer(&server, "northwind").await;
    set_pulse(&server, &id, 80.0).await;
    let content = rescue(json!({ "kind": "band_entered", "bands": ["critical"] }));
    playbook(&server, "rescue", content.clone()).await;
    set_pulse(&server, &id, 20.0).await;
    // Nobody has looked since: the edit comes between the cause and the look at it.
    let edited = json!({ "description": "Another text.", "cooldown_days": 5 });
    let mut content = content;
    content.as_object_mut().expect("fields").extend(edited.as_object().expect("fields").clone());
    let put = server.call("PUT", "/v1/playbooks/rescue").header("If-Match", "*").json(content.clone()).send().await;
    put.expect(200);
    assert_eq!(opened(&server).await.len(), 1, "the task is not lost");
    // Another trigger is another playbook: what holds already is not news to it.
    content["trigger"]["bands"] = json!(["critical", "at_risk"]);
    server.call("PUT", "/v1/playbooks/rescue").header("If-Match", "*").json(content).send().await.expect(200);
    server.clock.advance(Duration::days(30));
    assert_eq!(opened(&server).await.len(), 1);
}

async fn interventions_end_and_come_again(engine: Engine) {
    let server = Server::start(engine).await;
    pulse_model(&server).await;
    let id = create_customer(&server, "northwind").await;
    set_pulse(&server, &id, 80.0).await;
    let mut content = rescue(json!({ "kind": "band_entered", "bands": ["critical"] }));
    content["ends_when_over"] = json!(true);
    playbook(&server, "rescue", content).await;
    set_pulse(&server, &id, 20.0).await;
    assert_eq!(opened(&server).await[0]["subjects"], json!([""]));
    set_pulse(&server, &id, 90.0).await;
    let ended = &opened(&server).await[0];
    assert_eq!(
        (&ended["status"], &ended["outcome"], &ended["ended_by"], &ended["outcome_note"]),
        (
            &json!("done"),
            &json!("not_needed"),
            &json!("no_longer_holds"),
            &json!("The trigger no longer holds for the customer.")
        )
    );
    // A pause is not the end of what it looks at.
    server.clock.advance(Duration::days(11));
    set_pulse(&server, &id, 20.0).await;
    assert_eq!(opened(&server).await[0]["status"], "open");
    for is_active in [false, true] {
        let mut content = server.get("/v1/playbooks/rescue").await.expect(200)["content"].clone();
        content["active"] = json!(is_active);
        server.call("PUT", "/v1/playbooks/rescue").header("If-Match", "*").json(content).send().await.expect(200);
        assert_eq!(opened(&server).await[0]["status"], "open", "nobody has looked");
    }
    let second = opened(&server).await[0].clone();
    assert_eq!(second["status"], "open");
    let path = format!("/v1/interventions/{}", second["id"].as_str().expect("an id"));
    server.post(&format!("{path}/finish"), json!({ "outcome": "failed" })).await.expect(200);
    assert_eq!(opened(&server).await.len(), 2, "not before the cooldown is over");
    server.clock.advance(Duration::days(11));
    let found = opened(&server).await;
    assert_eq!((found.len(), &found[0]["status"]), (3, &json!("open")), "it failed, and the trigger still holds");
    let path = format!("/v1/interventions/{}", found[0]["id"].as_str().expect("an id"));
    server.post(&format!("{path}/finish"), json!({ "outcome": "succeeded" })).await.expect(200);
    server.clock.advance(Duration::days(11));
    assert_eq!(opened(&server).await.len(), 3, "what has succeeded is not opened again");
}

async fn interventions_follow_the_owner(engine: Engine) {
    let server = Server::start(engine).await;
    pulse_model(&server).await;
    let customer = json!({ "name": "Northwind", "external_ref": "northwind", "owner_name": "Ana" });
    let path = create(&server, "/v1/customers", customer).await;
    let id = path.rsplit('/').next().expect("an id");
    set_pulse(&server, id, 80.0).await;
    let mut content = rescue(json!({ "kind": "band_entered", "bands": ["critical"] }));
    (content["action"]["follows_owner"], content["action"]["priority"]) = (json!(true), json!("urgent"));
    let mut both = content.clone();
    both["action"]["owner_name"] = json!("Ben");
    let refused = server.post("/v1/playbooks", json!({ "key": "both", "content": both })).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/content/action/follows_owner", "unused")]));
    playbook(&server, "rescue", content).await;
    set_pulse(&server, id, 20.0).await;
    assert_eq!(
        (&opened(&server).await[0]["owner_name"], &opened(&server).await[0]["priority"]),
        (&json!("Ana"), &json!("urgent"))
    );
    server.patch(&path, json!({ "owner_name": "Ben" })).await.expect(200);
    let followed = opened(&server).await[0].clone();
    assert_eq!((&followed["owner_name"], &followed["version"]), (&json!("Ben"), &json!(2)));
    let task = format!("/v1/interventions/{}", followed["id"].as_str().expect("an id"));
    server.post(&format!("{task}/assign"), json!({ "owner_name": "Carl" })).await.expect(200);
    server.patch(&path, json!({ "owner_name": "Dora" })).await.expect(200);
    assert_eq!(opened(&server).await[0]["owner_name"], "Carl", "somebody has decided");
    server.patch(&path, json!({ "archived": true })).await.expect(200);
    let closed = opened(&server).await[0].clone();
    assert_eq!((&closed["status"], &closed["ended_by"]), (&json!("done"), &json!("customer_archived")));
}

async fn customers_that_have_left_are_left_alone(engine: Engine) {
    let server = Server::start(engine).await;
    pulse_model(&server).await;
    let (left, here) = (create_customer(&server, "left").await, create_customer(&server, "here").await);
    for id in [&left, &here] {
        set_pulse(&server, id, 80.0).await;
    }
    playbook(&server, "rescue", rescue(json!({ "kind": "band_entered", "bands": ["critical"] }))).await;
    let churned = json!({ "kind": "churned", "occurred_on": "2026-05-04" });
    server.post(&format!("/v1/customers/{left}/outcomes"), churned).await.expect(201);
    for id in [&left, &here] {
        set_pulse(&server, id, 20.0).await;
    }
    assert_eq!(pluck(&json!({ "data": opened(&server).await }), "customer_ref"), [&json!("here")]);
    let report = server.get("/v1/reports/health").await.expect(200);
    assert_eq!((&report["customers"], pluck(&report, "name")), (&json!(1), vec![&json!("here")]));
    let lost = server.get("/v1/reports/health?lost=true").await.expect(200);
    assert_eq!(pluck(&lost, "name"), [&json!("left")]);
    assert_eq!(server.get("/v1/reports/risk").await.expect(200)["customers"], 1);
    server.clock.advance(Duration::days(1));
    let back = json!({ "kind": "renewed", "occurred_on": "2026-05-05" });
    server.post(&format!("/v1/customers/{left}/outcomes"), back).await.expect(201);
    assert_eq!(server.get("/v1/reports/health").await.expect(200)["customers"], 2, "it was won back");
}

/// Lists, assigns and reopens interventions as someone with many of them does.
async fn a_day_of_work(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "northwind").await;
    let mut ids = vec![];
    for (title, due_on, kind, priority) in [
        ("A", "2026-05-06", "coaching", "high"),
        ("B", "2026-05-05", "resources", "low"),
        ("C", "2026-06-01", "coaching", "normal"),
    ] {
        let escalations = if title == "A" { json!([{ "after_days": 2, "to_name": "Head" }]) } else { json!([]) };
        let draft = json!({ "customer_id": id, "kind": kind, "title": title, "due_on": due_on, "owner_name": "Ana", "priority": priority, "escalations": escalations });
        let path = create(&server, "/v1/interventions", draft).await;
        ids.push(path.rsplit('/').next().expect("an id").to_owned());
    }
    server
        .post(
            &format!("/v1/interventions/{}/snooze", ids[2]),
            json!({ "until": "2026-05-20", "reason": "Their office is closed." }),
        )
        .await
        .expect(200);
    server.clock.advance(Duration::days(2));
    let titles = async |query: &str| -> Vec<String> {
        let found = server.get(&format!("/v1/interventions?{query}")).await.expect(200);
        pluck(&found, "title").into_iter().map(|title| title.as_str().expect("a title").to_owned()).collect()
    };
    for (query, expected) in [
        ("", vec!["C", "B", "A"]),
        ("sort=due_on", vec!["B", "A", "C"]),
        ("sort=-due_on", vec!["C", "A", "B"]),
        ("sort=created_at", vec!["A", "B", "C"]),
        ("status=snoozed", vec!["C"]),
        ("status=open&sort=due_on", vec!["B", "A"]),
        ("status=done", vec![]),
        ("kind=coaching&sort=due_on", vec!["A", "C"]),
        ("priority=high&priority=low&sort=due_on", vec!["B", "A"]),
        ("due_from=2026-05-06&due_to=2026-05-31", vec!["A"]),
        ("overdue=true", vec!["B"]),
        ("overdue=false&sort=due_on", vec!["A", "C"]),
        ("escalated_to_name=Head", vec!["A"]),
        ("escalated_to_name=Nobody", vec![]),
        ("playbook_id=0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", vec![]),
    ] {
        assert_eq!(titles(query).await, expected, "{query}");
    }
    let first = server.get("/v1/interventions?sort=due_on&limit=2").await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    assert_eq!(titles(&format!("sort=due_on&limit=2&cursor={cursor}")).await, ["C"]);

    let assigned =
        server.post("/v1/interventions/assign", json!({ "ids": ids, "owner_name": "Ben" })).await.expect(200);
    assert_eq!(assigned["assigned"], 3);
    let again = server.post("/v1/interventions/assign", json!({ "ids": ids, "owner_name": "Ben" })).await.expect(200);
    assert_eq!(again["assigned"], 0, "nothing changes");
    let path = format!("/v1/interventions/{}", ids[0]);
    let reason = json!({ "reason": "They have not agreed after all." });
    server.post(&format!("{path}/reopen"), reason.clone()).await.problem(409, "conflict");
    server.post(&format!("{path}/finish"), json!({ "outcome": "succeeded", "note": "Agreed." })).await.expect(200);
    let done = server.post("/v1/interventions/assign", json!({ "ids": [ids[1], ids[0]], "owner_name": "Carl" })).await;
    assert_eq!(done.problem(409, "conflict"), errors(&[("/ids/1", "intervention_done")]));
    let nobody = json!({ "ids": ["0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"], "owner_name": "Carl" });
    let unknown = server.post("/v1/interventions/assign", nobody).await.problem(422, "validation_failed");
    assert_eq!(unknown, errors(&[("/ids/0", "unknown_intervention")]));
    assert_eq!(titles("owner_name=Carl").await, Vec::<String>::new(), "all or none");
    let reopened = server.post(&format!("{path}/reopen"), reason).await.expect(200);
    assert_eq!(
        (&reopened["status"], &reopened["outcome"], &reopened["done_on"]),
        (&json!("open"), &Value::Null, &Value::Null)
    );
    let notes = server.get(&format!("{path}/notes")).await.expect(200);
    assert_eq!(notes["data"][0]["text"], "They have not agreed after all.");
}

async fn the_risk_of_a_portfolio(engine: Engine) {
    let server = Server::start(engine).await;
    for (name, revenue, renews_on) in
        [("idle", 500, "2026-08-01"), ("busy", 300, "2027-01-01"), ("late", 200, "2026-07-10")]
    {
        let customer = json!({ "name": name, "external_ref": name, "annual_revenue_minor": revenue, "renews_on": renews_on, "since_on": "2025-01-01" });
        create(&server, "/v1/customers", customer).await;
    }
    let days: Vec<String> = (10..=30).map(|day| format!("2026-04-{day}")).collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    active_on(&server, "idle", &days).await;
    active_on(&server, "busy", &days).await;
    active_on(&server, "late", &days).await;
    let due = json!({ "key": "renewal", "content": { "name": "Renewal", "trigger": { "kind": "renewal_due", "days": 10 },
        "action": { "kind": "other", "title": "Offer the renewal", "due_in_days": 5 } } });
    create(&server, "/v1/playbooks", due).await;
    server.clock.advance(Duration::days(60));
    let recent: Vec<String> = (1..=30).map(|day| format!("2026-06-{day:02}")).collect();
    active_on(&server, "busy", &recent.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let plan = json!({ "name": "P", "customer_ref": "late", "start_on": "2026-04-01",
        "milestones": [{ "key": "a", "name": "A is done", "planned_on": "2026-05-01" }] });
    create(&server, "/v1/plans", plan).await;
    let report = server.get("/v1/reports/risk").await.expect(200);
    assert_eq!(pluck(&report, "name"), [&json!("late"), &json!("idle"), &json!("busy")], "the worst first");
    assert_eq!(
        (&report["revenue_minor"], &report["revenue_at_risk_minor"], &report["customers"]),
        (&json!(1000), &json!(700), &json!(3))
    );
    let high = report["risks"].as_array().expect("levels").iter().find(|one| one["risk_level"] == "high").expect("it");
    assert_eq!((&high["customers"], &high["annual_revenue_minor"]), (&json!(2), &json!(700)));
    assert_eq!(report["data"][1]["risk_evidence"], "last event 64 days ago, usual pause 1 day");
    let soon = server.get("/v1/reports/risk?renews_to=2026-08-01&risk_level=high&limit=1").await.expect(200);
    assert_eq!((&soon["customers"], pluck(&soon, "name")), (&json!(2), vec![&json!("late")]));
    let cursor = soon["next_cursor"].as_str().expect("a cursor");
    let rest = server
        .get(&format!("/v1/reports/risk?renews_to=2026-08-01&risk_level=high&limit=1&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!((pluck(&rest, "name"), &rest["has_more"]), (vec![&json!("idle")], &json!(false)));
    let health = server.get("/v1/reports/health?risk_level=high").await.expect(200);
    assert_eq!(pluck(&health, "name"), [&json!("idle"), &json!("late")]);
    let tasks = server.get("/v1/interventions").await.expect(200);
    assert_eq!(pluck(&tasks, "customer_ref"), [&json!("late")], "its renewal is a week ahead");
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
    let assigned = server.post(&format!("{path}/assign"), json!({ "owner_name": "Ben" })).await.expect(200);
    assert_eq!((&assigned["owner_name"], &assigned["due_on"]), (&json!("Ben"), &json!("2026-05-08")));
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
    server.post(&format!("{path}/assign"), json!({ "owner_name": "Ana" })).await.problem(409, "conflict");
    for (query, count) in [("open=false", 1), ("open=true", 0), ("owner_name=Ben", 1), ("owner_name=Ana", 0)] {
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
