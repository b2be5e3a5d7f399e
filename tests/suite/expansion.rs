//! Expansion signals from what a customer's people have achieved, and the outlook of a person's enrolment.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    playbooks_react_to_what_people_achieve,
    the_report_names_the_evidence,
    an_enrolment_has_an_outlook,
    mentors_are_near_and_free,
    wrong_triggers_are_refused
);

/// A participant of a customer; returns the identifier.
async fn participant(server: &Server, name: &str, customer: &str) -> String {
    person(server, name, json!({ "kind": "participant", "customer_id": customer })).await
}

async fn playbook(server: &Server, key: &str, trigger: Value) {
    let action = json!({ "kind": "expansion", "title": "Offer more", "due_in_days": 5 });
    let content = json!({ "name": key, "trigger": trigger, "action": action, "cooldown_days": 0 });
    create(server, "/v1/playbooks", json!({ "key": key, "content": content })).await;
}

/// A program of two milestones of one level, published.
async fn program(server: &Server) {
    let milestones = json!([
        { "key": "a", "name": "A is done", "phase": "Technical", "level": "Foundation", "offset_days": 3 },
        { "key": "b", "name": "B is done", "phase": "Technical", "level": "Foundation", "offset_days": 6, "depends_on": ["a"] }
    ]);
    let draft = json!({ "key": "p", "name": "P", "kind": "coaching", "publish": true, "milestones": milestones });
    create(server, "/v1/templates", draft).await;
}

async fn enrol(server: &Server, name: &str, more: &Value) -> String {
    let mut draft = json!({ "name": name, "start_on": "2026-05-01", "template": "p", "person_ref": name });
    draft.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    create(server, "/v1/plans", draft).await
}

async fn achieve(server: &Server, plan: &str, keys: &[&str]) {
    for key in keys {
        server.post(&format!("{plan}/milestones/{key}/achieve"), json!({})).await.expect(200);
    }
}

async fn award(server: &Server, name: &str, tier: &str) {
    let design = json!({ "shape": "hexagon", "color": "blue", "tier": tier, "text": "S" });
    let key = format!("savings-{tier}");
    let badge = json!({ "key": key, "name": format!("Savings: {tier}"), "description": "Saved.", "criteria": "Savings.", "design": design });
    server.post("/v1/badges", badge).await;
    server.post("/v1/awards", json!({ "badge_key": key, "person_ref": name })).await.expect(201);
}

async fn verified_impact(server: &Server, id: &str, minor: i64) {
    let impact = json!({ "title": "Saved", "kind": "cost_savings", "from_on": "2026-02-01", "to_on": "2026-04-30",
        "annualized_minor": minor, "currency": "USD" });
    let impact = create(server, &format!("/v1/people/{id}/impacts"), impact).await;
    let ask = json!({ "ask": [{ "kind": "roi_verification", "person_ref": "fin" }] });
    let validation = create(server, &format!("{impact}/validations"), ask).await;
    let decision = json!({ "kind": "roi_verification", "decision": "approve", "person_ref": "fin" });
    server.post(&format!("{validation}/decisions"), decision).await.expect(200);
}

async fn opened(server: &Server) -> Vec<Value> {
    server.get("/v1/reports/health").await.expect(200);
    let list = server.get("/v1/interventions").await.expect(200);
    let mut titles: Vec<Value> = pluck(&list, "reason").into_iter().cloned().collect();
    titles.sort_by_key(ToString::to_string);
    titles
}

async fn playbooks_react_to_what_people_achieve(engine: Engine) {
    let server = Server::start(engine).await;
    let customer = create_customer(&server, "Northwind").await;
    let ana = participant(&server, "ana", &customer).await;
    participant(&server, "ben", &customer).await;
    person(&server, "fin", json!({})).await;
    program(&server).await;
    playbook(&server, "champions", json!({ "kind": "champion", "tier": "silver" })).await;
    playbook(&server, "teams", json!({ "kind": "team_level" })).await;
    playbook(&server, "worth", json!({ "kind": "verified_impact", "at_least_minor": 500_000, "currency": "USD" }))
        .await;
    playbook(&server, "limits", json!({ "kind": "entitlement_limit" })).await;
    let plans = [enrol(&server, "ana", &json!({})).await, enrol(&server, "ben", &json!({})).await];
    assert_eq!(opened(&server).await.len(), 0, "what there is at the first look is not new");
    award(&server, "ana", "bronze").await;
    verified_impact(&server, &ana, 300_000).await;
    achieve(&server, &plans[0], &["a", "b"]).await;
    achieve(&server, &plans[1], &["a"]).await;
    assert_eq!(opened(&server).await.len(), 0, "nothing is enough");
    award(&server, "ana", "gold").await;
    assert_eq!(opened(&server).await.len(), 1);
    verified_impact(&server, &ana, 200_000).await;
    assert_eq!(opened(&server).await.len(), 2);
    achieve(&server, &plans[1], &["b"]).await;
    assert_eq!(opened(&server).await.len(), 3);
    let reward = json!({ "key": "seat", "name": "Seat", "stock": 0 });
    create(&server, "/v1/rewards", reward).await;
    server.post(&format!("/v1/people/{ana}/entitlements"), json!({ "reward_key": "seat" })).await.expect(201);
    assert_eq!(opened(&server).await.len(), 4);
    let list = server.get("/v1/interventions?kind=expansion").await.expect(200);
    assert_eq!(pluck(&list, "customer_id"), vec![&json!(customer); 4]);
    assert_eq!(opened(&server).await.len(), 4, "each once");
    // Whoever shows their achievements to nobody is no signal any more.
    let dry = json!({});
    let tried = server.post("/v1/playbooks/champions/dry-run?days=30", dry.clone()).await.expect(200);
    assert_eq!(tried["data"].as_array().map(Vec::len), Some(1), "{tried}");
    let consent = json!({ "recognition": "private" });
    server
        .call("PATCH", &format!("/v1/people/{ana}/profile"))
        .header("If-Match", "*")
        .json(consent)
        .send()
        .await
        .expect(200);
    let tried = server.post("/v1/playbooks/champions/dry-run?days=30", dry).await.expect(200);
    assert_eq!(tried["data"], json!([]));
}

async fn the_report_names_the_evidence(engine: Engine) {
    let server = Server::start(engine).await;
    let (northwind, contoso) = (create_customer(&server, "Northwind").await, create_customer(&server, "Contoso").await);
    let ana = participant(&server, "ana", &northwind).await;
    participant(&server, "zoe", &contoso).await;
    person(&server, "fin", json!({})).await;
    award(&server, "zoe", "gold").await;
    server.clock.advance(Duration::days(1));
    verified_impact(&server, &ana, 300_000).await;
    verified_impact(&server, &ana, 200_000).await;
    let report = server.get("/v1/reports/expansion").await.expect(200);
    assert_eq!(pluck(&report, "customer_name"), ["Northwind", "Contoso"], "the newest signal first");
    let first = &report["data"][0];
    assert_eq!(first["verified"], json!([{ "currency": "USD", "amount_minor": 500_000 }]));
    assert_eq!(first["kinds"], json!([{ "kind": "verified_impact", "signals": 2 }]));
    let signal = &report["data"][1]["signals"][0];
    assert_eq!(
        (&signal["person_name"], &signal["tier"], &signal["name"]),
        (&json!("zoe"), &json!("gold"), &json!("Savings: gold"))
    );
    let page = server.get("/v1/reports/expansion?limit=1").await.expect(200);
    let next = page["next_cursor"].as_str().expect("a cursor");
    let second = server.get(&format!("/v1/reports/expansion?limit=1&cursor={next}")).await.expect(200);
    assert_eq!((pluck(&second, "customer_name"), &second["has_more"]), (vec![&json!("Contoso")], &json!(false)));
    for (query, expected) in [
        ("kind=champion", vec!["Contoso"]),
        ("segment=none", vec![]),
        ("to=2026-05-04", vec!["Contoso"]),
        ("from=2026-05-05", vec!["Northwind"]),
    ] {
        let found = server.get(&format!("/v1/reports/expansion?{query}")).await.expect(200);
        assert_eq!(pluck(&found, "customer_name"), expected, "{query}");
    }
    let refused = server.get("/v1/reports/expansion?from=2026-05-05&to=2026-05-04").await;
    refused.problem(400, "invalid_parameter");
}

async fn an_enrolment_has_an_outlook(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    for name in ["ana", "other"] {
        person(&server, name, json!({})).await;
    }
    program(&server).await;
    let plan = enrol(&server, "ana", &json!({})).await;
    let event = |id: u32, kind: &str, day: u32| json!({ "id": id.to_string(), "source": "app", "type": kind, "person": "ana", "time": format!("2026-05-{day:02}T12:00:00Z") });
    let events = [
        event(1, "agent.run", 1),
        event(2, "support.escalated", 2),
        event(3, "support.escalated", 3),
        event(4, "support.escalated", 3),
    ];
    server.post("/v1/events", json!(events)).await.expect(200);
    let early = server.get(&format!("{plan}/outlook")).await.expect(200);
    assert_eq!(early["suggestions"], json!([{ "kind": "expert_session", "factor": "support_escalations" }]));
    server.clock.advance(Duration::days(21));
    let late = server.get(&format!("{plan}/outlook")).await.expect(200);
    let found = |name: &str| {
        let factors = late["factors"].as_array().expect("factors");
        factors.iter().find(|one| one["factor"] == name).expect("the factor")["found"].clone()
    };
    assert_eq!((found("milestone_delay"), found("support_escalations")), (json!(21.0), json!(3.0)), "{late}");
    let kinds: Vec<&Value> = late["suggestions"].as_array().expect("a list").iter().map(|one| &one["kind"]).collect();
    assert!(kinds.contains(&&json!("plan_adjustment")), "{late}");
    for (name, expected) in [("ana", 200), ("other", 404)] {
        let token = token_of(&server, &client, name).await;
        let read = server.call("GET", &format!("{plan}/outlook")).bearer(&token).send().await;
        assert_eq!(read.status.as_u16(), expected, "{name}");
    }
    let own = create(&server, "/v1/plans", crate::samples::plan()).await;
    server.get(&format!("{own}/outlook")).await.problem(409, "conflict");
}

async fn mentors_are_near_and_free(engine: Engine) {
    let server = Server::start(engine).await;
    for (name, segment) in
        [("ana", "spring"), ("near", "spring"), ("busy", "spring"), ("far", "autumn"), ("shy", "spring")]
    {
        person(&server, name, json!({ "segment": segment })).await;
    }
    program(&server).await;
    for name in ["near", "busy", "far", "shy"] {
        let plan = enrol(&server, name, &json!({})).await;
        achieve(&server, &plan, &["a"]).await;
    }
    let shy = server.get("/v1/people/by-ref/shy").await.expect(200)["id"].clone();
    let consent = json!({ "recognition": "private" });
    let profile = format!("/v1/people/{}/profile", shy.as_str().expect("an id"));
    server.call("PATCH", &profile).header("If-Match", "*").json(consent).send().await.expect(200);
    let plan = enrol(&server, "ana", &json!({ "owner_ref": "busy" })).await;
    let outlook = server.get(&format!("{plan}/outlook")).await.expect(200);
    let mentors = json!({ "data": outlook["mentors"] });
    assert_eq!(pluck(&mentors, "person_name"), ["near", "busy", "far"], "{outlook}");
    assert_eq!(pluck(&mentors, "mentees"), [0, 1, 0]);
    assert_eq!(pluck(&mentors, "milestone_key"), ["a", "a", "a"], "b waits for a");
}

async fn wrong_triggers_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let action = json!({ "kind": "expansion", "title": "Offer more", "due_in_days": 5 });
    for (trigger, at, code) in [
        (json!({ "kind": "champion" }), "/content/trigger/tier", "required"),
        (json!({ "kind": "team_level", "tier": "gold" }), "/content/trigger/tier", "unused"),
        (json!({ "kind": "verified_impact", "at_least_minor": 1 }), "/content/trigger/currency", "required"),
    ] {
        let content = json!({ "name": "P", "trigger": trigger, "action": action });
        let refused = server.post("/v1/playbooks", json!({ "key": "p", "content": content })).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[(at, code)]), "{content}");
    }
}
