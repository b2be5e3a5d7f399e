//! Authorization of every operation in the document. A new operation is tested without a change here.

use std::collections::HashMap;

use milepost_domain::access::Scope;
use milepost_tests::{Engine, Reply, Server, on_both_engines};
use serde_json::{Value, json};

use crate::contract::{operations, parameters};
use crate::credentials::ARTWORK;
use crate::risk::fit_hopelessly;
use crate::samples::{create, create_customer, create_plan};

on_both_engines!(anonymous_is_401, the_wrong_scope_is_403, another_organization_is_404);

fn secured(server: &Server) -> Vec<(String, String, Value)> {
    let document = server.app.document.value();
    let all = operations(&document).into_iter();
    let secured =
        all.filter(|(_, _, operation)| operation["security"].as_array().is_some_and(|needed| !needed.is_empty()));
    secured.map(|(method, path, operation)| (method.to_uppercase(), path.to_owned(), operation.clone())).collect()
}

/// Fills in every parameter of a path with a value of the right form.
fn filled(path: &str) -> String {
    let id = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
    path.replace("{number}", "1")
        .split('/')
        .map(|part| if part.starts_with('{') { id } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

async fn anonymous_is_401(engine: Engine) {
    let server = Server::start(engine).await;
    for (method, path, _) in secured(&server) {
        for call in [
            server.call(&method, &filled(&path)).anonymous(),
            server.call(&method, &filled(&path)).bearer("mp_not_a_key"),
            server.call(&method, &filled(&path)).anonymous().header("Authorization", "Basic dXNlcjpwYXNz"),
        ] {
            let reply = call.send().await;
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
            reply.problem(401, "unauthenticated");
        }
    }
}

async fn the_wrong_scope_is_403(engine: Engine) {
    let server = Server::start(engine).await;
    let all = [
        Scope::CustomersRead,
        Scope::CustomersWrite,
        Scope::PeopleRead,
        Scope::PeopleWrite,
        Scope::PeopleAct,
        Scope::PlansRead,
        Scope::PlansWrite,
        Scope::LedgerRead,
        Scope::EventsRead,
        Scope::EventsWrite,
        Scope::HealthRead,
        Scope::HealthWrite,
        Scope::RecognitionRead,
        Scope::RecognitionWrite,
    ];
    let mut keys = HashMap::new();
    for (method, path, operation) in secured(&server) {
        // What every credential may ask needs no scope.
        let Some(needed) = operation["security"][0]["bearer"][0].as_str().map(str::to_owned) else { continue };
        if !keys.contains_key(&needed) {
            let others: Vec<Scope> = all.into_iter().filter(|scope| scope.to_string() != needed).collect();
            keys.insert(needed.clone(), server.key_of("Northwind", &others).await);
        }
        let reply = server.call(&method, &filled(&path)).bearer(&keys[&needed]).send().await;
        assert!(reply.text.contains(&needed), "{method} {path}: {}", reply.text);
        reply.problem(403, "forbidden");
    }
}

/// An admin of another organization gets the same response for an existing resource as for an unknown one.
#[expect(clippy::too_many_lines, reason = "one of everything is set up")]
async fn another_organization_is_404(engine: Engine) {
    let server = Server::start(engine).await;
    let stranger = server.key_of("Contoso", &[Scope::Admin]).await;
    let plan = create_plan(&server).await;
    let change = json!({ "forecast_on": "2026-05-20", "reason": "It comes later." });
    server.post(&format!("{plan}/milestones/a/forecast-changes"), change).await.expect(201);
    let finding = json!({ "key": "a", "cause": "No access.", "action": "Escalate." });
    let also = json!({ "key": "b", "cause": "It waits.", "action": "Wait." });
    server
        .post(
            &format!("{plan}/reviews"),
            json!({ "findings": [finding, also, { "key": "c", "cause": "It waits.", "action": "Wait." }] }),
        )
        .await
        .expect(201);
    let link = server.post(&format!("{plan}/share-links"), json!({})).await.expect(201);
    let link_id = link["id"].as_str().expect("an id").to_owned();
    let customer = format!("/v1/customers/{}", create_customer(&server, "ours").await);
    let person = create(&server, "/v1/people", json!({ "name": "Ana", "kind": "coach", "external_ref": "ours" })).await;
    let client = create(&server, "/v1/api-clients", json!({ "name": "CRM", "scopes": ["plans:read"] })).await;
    let template = json!({ "key": "ours", "name": "Ours", "kind": "coaching", "milestones": [{ "key": "a", "name": "A", "offset_days": 1 }] });
    create(&server, "/v1/templates", template).await;
    create(&server, "/v1/metrics", json!({ "key": "ours", "event_type": "login", "aggregate": "count" })).await;
    let factor =
        json!({ "key": "f", "name": "F", "weight": 1, "input": { "kind": "pulse" }, "curve": [{ "x": 0, "y": 0 }] });
    create(&server, "/v1/health-models", json!({ "key": "ours", "content": { "name": "Ours", "factors": [factor] } }))
        .await;
    let id_of = |reply: &Value| reply["id"].as_str().expect("an id").to_owned();
    let pulse = server.post(&format!("{customer}/pulses"), json!({ "score": 50 })).await.expect(201);
    let outcome = json!({ "kind": "renewed", "occurred_on": "2026-05-04" });
    let outcome = server.post(&format!("{customer}/outcomes"), outcome).await.expect(201);
    let cost = server.post(&format!("{plan}/costs"), json!({ "incurred_on": "2026-05-04", "amount_minor": 1 })).await;
    let set = json!({ "score": 1, "reason": "A reason.", "expires_on": "2026-06-01" });
    let set = server.post(&format!("{customer}/health/overrides"), set).await.expect(201);
    let override_id = set["id"].as_str().expect("an id").to_owned();
    let action = json!({ "kind": "coaching", "title": "T", "due_in_days": 1 });
    let content = json!({ "name": "P", "trigger": { "kind": "milestone_missed" }, "action": action });
    create(&server, "/v1/playbooks", json!({ "key": "ours", "content": content })).await;
    let customer_id = customer.rsplit('/').next().expect("an id");
    let task = json!({ "customer_id": customer_id, "kind": "coaching", "title": "T", "due_on": "2026-06-01" });
    let intervention = create(&server, "/v1/interventions", task).await;
    let note = server.post(&format!("{intervention}/notes"), json!({ "text": "N" })).await.expect(201);
    let began = json!({ "occurred_on": "2026-05-01" });
    server.post(&format!("{plan}/milestones/a/start"), began).await.expect(200);
    let correction = json!({ "started_on": "2026-04-30", "reason": "A day earlier." });
    let correction = server.post(&format!("{plan}/milestones/a/corrections"), correction).await.expect(201);
    server.call("POST", "/v1/events").body("application/x-ndjson", "{\"id\": NaN}").send().await.expect(207);
    let rejected = server.get("/v1/events/rejected").await.expect(200);
    let other = create_plan(&server).await;
    let other = other.rsplit('/').next().expect("an id");
    let wait = json!({ "milestone": "c", "on_plan_id": other, "on_milestone": "a" });
    let dependency = server.post(&format!("{plan}/dependencies"), wait).await.expect(201);
    let team = create(&server, "/v1/teams", json!({ "name": "Data", "external_ref": "ours" })).await;
    let person_id = person.rsplit('/').next().expect("an id");
    let member = server.post(&format!("{team}/members"), json!({ "person_id": person_id })).await.expect(201);
    let line = server.post(&format!("{person}/reporting-lines"), json!({})).await.expect(201);
    let provider = json!({ "issuer": "https://login.example.com", "audience": "ours" });
    let provider = create(&server, "/v1/identity-providers", provider).await;
    create(&server, "/v1/roles", json!({ "key": "ours", "name": "Ours", "scopes": ["plans:read"] })).await;
    let undated = json!({ "key": "ours", "name": "Ours" });
    server.post(&format!("{plan}/undated-milestones"), undated).await.expect(201);
    create(&server, "/v1/badges", json!({ "key": "ours", "name": "Ours", "description": "D", "criteria": "C" })).await;
    let award = server.post("/v1/awards", json!({ "badge_key": "ours", "person_ref": "ours" })).await.expect(201);
    let contest =
        create(&server, "/v1/competitions", json!({ "name": "C", "from_on": "2026-04-01", "to_on": "2026-04-30" }))
            .await;
    let competition_id = contest.rsplit('/').next().expect("an id");
    let achieved = json!({ "name": "P", "start_on": "2026-05-01", "person_ref": "ours",
        "milestones": [{ "key": "a", "name": "A", "planned_on": "2026-05-03", "actual_on": "2026-05-03" }] });
    create(&server, "/v1/plans", achieved).await;
    create(&server, "/v1/people", json!({ "name": "Ben", "kind": "coach", "external_ref": "friend" })).await;
    let feed = server.get("/v1/celebrations").await.expect(200);
    let celebration_id = id_of(&feed["data"][0]);
    let congratulations = format!("{person}/celebrations/{celebration_id}/congratulations");
    let congratulation = server.post(&congratulations, json!({ "sender_ref": "friend" })).await.expect(201);
    let congratulation_id = id_of(&congratulation);
    create(&server, "/v1/rewards", json!({ "key": "ours", "name": "Ours" })).await;
    let granted = server.post(&format!("{person}/entitlements"), json!({ "reward_key": "ours" })).await.expect(201);
    let entitlement_id = id_of(&granted);
    let impact = create(&server, &format!("{person}/impacts"), body_for("POST", "impacts")).await;
    let impact_id = impact.rsplit('/').next().expect("an id");
    let records = [
        ("/members/", id_of(&member)),
        ("/reporting-lines/", id_of(&line)),
        ("/rejected/", id_of(&rejected["data"][0])),
        ("/corrections/", id_of(&correction)),
        ("/pulses/", id_of(&pulse)),
        ("/outcomes/", id_of(&outcome)),
        ("/costs/", id_of(&cost.expect(201))),
        ("/notes/", id_of(&note)),
        ("/dependencies/", id_of(&dependency)),
        ("/customers/{id}/merges/", merged(&server, &customer, "/v1/customers").await),
        ("/people/{id}/merges/", merged(&server, &person, "/v1/people").await),
    ];
    let risk_model = format!("/v1/risk-models/{}", id_of(&fit_hopelessly(&server).await));
    let (proved, validation) = proved_plan(&server).await;
    let invited =
        server.post(&format!("/v1/validations/{validation}/invitations"), body_for("POST", "invitations")).await;
    let invitation_id = id_of(&invited.expect(201));
    let file = server.call("POST", &format!("/v1/validations/{validation}/files?title=F")).body("text/plain", "F");
    let file_id = id_of(&file.send().await.expect(201));
    let story = server.post(&format!("{person}/stories"), json!({ "title": "T", "text": "T" })).await;
    let story_id = id_of(&story.expect(201));
    let artwork = server.call("POST", "/v1/artworks").body("image/svg+xml", ARTWORK).send().await;
    let artwork_id = id_of(&artwork.expect(201));
    let keys = server.get(&format!("{client}/keys")).await.expect(200);
    let key_id = keys["data"][0]["id"].as_str().expect("a key").to_owned();
    let mut operations = secured(&server);
    operations.sort_by_key(|(method, _, _)| method == "DELETE");
    for (method, path, operation) in operations.into_iter().filter(|(_, path, _)| path.contains('{')) {
        let record = records.iter().find(|(of, _)| path.contains(of)).map_or("", |(_, id)| id);
        let query = if path.ends_with("/metrics/series") { "?key=ours" } else { "" };
        let plan = if path.contains("{proof_key}") { &proved } else { &plan };
        let own = (path.clone() + query)
            .replace("/v1/plans/{id}", plan)
            .replace("/v1/customers/{id}", &customer)
            .replace("/v1/people/{id}", &person)
            .replace("/v1/teams/{id}", &team)
            .replace("/v1/identity-providers/{id}", &provider)
            .replace("{role_key}", "ours")
            .replace("{badge_key}", "ours")
            .replace("{undated_key}", "ours")
            .replace("{proof_key}", "a")
            .replace("{competition_id}", competition_id)
            .replace("{celebration_id}", &celebration_id)
            .replace("{congratulation_id}", &congratulation_id)
            .replace("{entitlement_id}", &entitlement_id)
            .replace("{reward_key}", "ours")
            .replace("{impact_id}", impact_id)
            .replace("{validation_id}", &validation)
            .replace("{invitation_id}", &invitation_id)
            .replace("{file_id}", &file_id)
            .replace("{artwork_id}", &artwork_id)
            .replace("{story_id}", &story_id)
            .replace("{award_id}", award["id"].as_str().expect("an id"))
            .replace("/v1/api-clients/{id}", &client)
            .replace("/v1/interventions/{id}", &intervention)
            .replace("/v1/risk-models/{id}", &risk_model)
            .replace("{record_id}", record)
            .replace("{playbook_key}", "ours")
            .replace("{key_id}", &key_id)
            .replace("{link_id}", &link_id)
            .replace("{milestone}", "a")
            .replace("{template_key}", "ours")
            .replace("{metric_key}", "ours")
            .replace("{health_model}", "ours")
            .replace("{override_id}", &override_id)
            .replace("{external_ref}", "ours")
            .replace("{number}", "1");
        assert!(!own.contains('{'), "{path}: the test does not know this parameter");
        if method == "PUT" && path.contains("/by-ref/") {
            continue; // This creates a resource in the stranger's own organization, which is correct.
        }
        let body = body_for(&method, &path);
        let ask = |token: &str| {
            let call = server.call(&method, &own).bearer(token).header("If-Match", "\"999\"");
            if body.is_null() { call } else { call.json(body.clone()) }
        };
        ask(&stranger).send().await.problem(404, "not_found");
        let owner_name = ask(&server.key).send().await;
        assert_ne!(owner_name.status.as_u16(), 404, "{method} {path}: the owner finds it: {}", owner_name.text);
        check_precondition(&server, (&method, &own, &body), &operation, &owner_name).await;
    }
}

/// Merges a duplicate into a customer or a person; returns the identifier of the merge.
async fn merged(server: &Server, into: &str, collection: &str) -> String {
    let duplicate = if collection.ends_with("people") {
        json!({ "name": "Anna", "kind": "coach" })
    } else {
        json!({ "name": "Ours, too" })
    };
    let duplicate = create(server, collection, duplicate).await;
    let duplicate = duplicate.rsplit('/').next().expect("an id");
    let report = server.post(&format!("{into}/merges"), json!({ "duplicate_id": duplicate })).await.expect(201);
    report["merge_id"].as_str().expect("an id").to_owned()
}

/// Checks that a version that does not exist is refused exactly where the document says that `If-Match` is looked at, and that the
/// header's absence is refused exactly where the document requires it.
async fn check_precondition(server: &Server, call: (&str, &str, &Value), operation: &Value, stale: &Reply) {
    let (method, path, body) = call;
    let document = server.app.document.value();
    let if_match = parameters(&document, operation).find(|one| one["name"] == "If-Match");
    assert_eq!(stale.status == 412, if_match.is_some(), "{method} {path}: {}", stale.text);
    if if_match.is_some_and(|header| header["required"] == true) {
        let call = server.call(method, path);
        let call = if body.is_null() { call } else { call.json(body.clone()) };
        call.send().await.problem(428, "version_required");
    }
}

/// Creates a plan with a milestone that proves itself, lets it be judged, and submits it; returns the path of the plan and the identifier of the
/// validation.
async fn proved_plan(server: &Server) -> (String, String) {
    let by_people = json!({ "kind": "validation", "needs": [{ "kind": "peer_review" }] });
    let proof = json!({ "criteria": [{ "kind": "spi", "at_least": 9 }, by_people] });
    let milestones = json!([{ "key": "a", "name": "A", "offset_days": 1, "proof": proof }]);
    let template =
        json!({ "key": "proved", "name": "P", "kind": "coaching", "publish": true, "milestones": milestones });
    server.post("/v1/templates", template).await.expect(201);
    let plan =
        create(server, "/v1/plans", json!({ "name": "P", "start_on": "2026-05-01", "template": "proved" })).await;
    server.get(&format!("{plan}/proofs")).await.expect(200);
    let made = server.post(&format!("{plan}/validations"), json!({ "milestone_key": "a" })).await.expect(201);
    (plan, made["id"].as_str().expect("an id").to_owned())
}

/// Returns a body that matches the document, so that a refusal concerns the resource.
fn body_for(method: &str, path: &str) -> Value {
    let milestone = json!({ "key": "z", "name": "Z", "planned_on": "2026-06-01" });
    let content =
        json!({ "name": "T", "kind": "coaching", "milestones": [{ "key": "a", "name": "A", "offset_days": 1 }] });
    if path.contains("/{entitlement_id}/") {
        return json!({});
    }
    match (method, path.rsplit('/').next().unwrap_or_default()) {
        ("POST", "enrolments") => json!({ "start_on": "2026-06-01", "people": [{ "person_ref": "ours" }] }),
        ("POST", "undated-milestones") => json!({ "key": "z", "name": "Z" }),
        ("POST", "date") => json!({ "planned_on": "2026-06-01" }),
        ("PUT", "roles") => json!({ "roles": [] }),
        ("PUT", "{badge_key}") => json!({ "key": "ours", "name": "Ours", "description": "D", "criteria": "C" }),
        ("PUT", "publication") => json!({ "publication": "hashed" }),
        ("POST", "restore") if path.contains("/awards/") => json!({ "reason": "A good reason." }),
        ("POST", "suspend" | "revoke" | "uphold" | "disagree" | "return") => json!({ "reason": "A good reason." }),
        ("PUT", "{role_key}") => json!({ "key": "ours", "name": "Ours", "scopes": ["plans:read"] }),
        ("POST", "milestones") => milestone,
        ("POST", "entitlements") => json!({ "reward_key": "ours" }),
        ("PUT", "{reward_key}") => json!({ "key": "ours", "name": "Ours" }),
        ("POST", "congratulations") => json!({ "sender_ref": "friend" }),
        ("POST", "stories") | ("PUT", "{story_id}") => json!({ "title": "T", "text": "T" }),
        ("POST", "submit") if path.contains("/stories/") => json!({}),
        ("POST", "agree") => json!({ "shown_to": "organization" }),
        ("POST", "impacts") => {
            json!({ "title": "I", "kind": "revenue", "annualized_minor": 1, "currency": "USD", "from_on": "2026-04-01", "to_on": "2026-04-30" })
        }
        ("POST", "validations") if path.contains("/impacts/") => json!({}),
        ("POST", "validations") => json!({ "milestone_key": "a" }),
        ("POST", "invitations") => json!({ "kind": "peer_review", "name": "Petra" }),
        ("POST", "delegate") => json!({ "kind": "peer_review", "to_ref": "ours", "person_ref": "ours" }),
        ("POST", "asks") => json!({ "kind": "peer_review", "person_ref": "ours" }),
        ("POST", "decisions") => json!({ "kind": "peer_review", "decision": "approve", "person_ref": "ours" }),
        ("POST", "evidence") => json!({ "evidence": [{ "title": "E" }] }),
        ("POST", "reporting-lines") => json!({}),
        ("POST", "hand-over") => json!({ "to_ref": "other" }),
        ("POST", "members") => json!({ "person_ref": "ours", "from_on": "2026-01-01", "until_on": "2026-01-02" }),
        ("POST", "acknowledge") => json!({ "by": "Petra" }),
        ("POST", "corrections") if path.contains("/costs/") => json!({ "amount_minor": 2, "reason": "A reason." }),
        ("POST", "corrections") => json!({ "started_on": "2026-05-01", "reason": "A reason." }),
        ("POST", "dependencies") => {
            json!({ "milestone": "a", "on_plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "on_milestone": "a" })
        }
        ("POST", "scenarios") => {
            json!({ "scenarios": [{ "name": "S", "changes": [{ "key": "a", "dropped": true }] }] })
        }
        ("POST", "merges") => json!({ "duplicate_ref": "theirs" }),
        ("POST", "costs") => json!({ "incurred_on": "2026-05-01", "amount_minor": 1 }),
        ("POST", "miss-reports") => {
            json!({ "root_cause": "None.", "category": "data", "recovery_actions": ["Work."], "new_forecast_on": "2026-05-30" })
        }
        ("POST", "approve") => json!({ "side": "client", "approver_name": "Petra" }),
        ("POST", "move") => json!({ "start_on": "2026-04-02", "reason": "It comes later." }),
        ("POST", "baselines") => json!({ "reason": "The scope changed." }),
        ("POST", "forecast-changes") => json!({ "forecast_on": "2026-06-01", "reason": "It comes later." }),
        ("POST", "versions") | ("PUT", "{number}") if path.contains("health-models") => {
            json!({ "name": "M", "factors": [{ "key": "f", "name": "F", "weight": 1, "input": { "kind": "pulse" }, "curve": [{ "x": 0, "y": 0 }] }] })
        }
        ("POST", "versions") | ("PUT", "{number}") => content,
        ("PUT", "{playbook_key}") => {
            json!({ "name": "P", "trigger": { "kind": "milestone_missed" }, "action": { "kind": "coaching", "title": "T", "due_in_days": 1 } })
        }
        ("POST", "assign") => json!({ "owner_name": "Ben" }),
        ("POST", "notes") => json!({ "text": "N" }),
        ("POST", "snooze") => json!({ "until": "2026-06-01", "reason": "A reason." }),
        ("POST", "finish") => json!({ "outcome": "succeeded" }),
        ("POST", "backtest") => json!({ "horizon_days": 30, "from": "2025-01-01", "to": "2025-06-01" }),
        ("POST", "pulses") => json!({ "score": 50 }),
        ("POST", "overrides") => json!({ "score": 50, "reason": "A reason.", "expires_on": "2026-06-01" }),
        ("POST", "outcomes") => json!({ "kind": "renewed", "occurred_on": "2026-05-04" }),
        ("POST", "reject" | "reopen" | "waive" | "cancel" | "withdraw" | "hold" | "transfer") => {
            json!({ "reason": "A reason." })
        }
        ("POST", "keys" | "start" | "submit" | "achieve" | "communicate" | "confirm" | "reviews" | "share-links")
        | ("PATCH", _) => {
            json!({})
        }
        _ => Value::Null,
    }
}
