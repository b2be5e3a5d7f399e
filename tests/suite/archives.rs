//! Definitions that are no longer used are archived: they leave the lists, cannot be used, and can be restored.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::health::{activate, pulse_factor};
use crate::risk::fit_hopelessly;
use crate::samples::{create, create_customer};

on_both_engines!(definitions_leave_the_lists_and_come_back, what_is_archived_is_not_used);

async fn act(server: &Server, path: &str, action: &str) -> milepost_tests::Reply {
    server.call("POST", &format!("{path}/{action}")).send().await
}

async fn listed(server: &Server, list: &str) -> [usize; 2] {
    let count = async |query: &str| {
        let found = server.get(&format!("{list}{query}")).await.expect(200);
        found["data"].as_array().map_or(0, Vec::len)
    };
    [count("").await, count("?archived=true").await]
}

fn playbook() -> Value {
    let action = json!({ "kind": "coaching", "title": "Call", "due_in_days": 2 });
    json!({ "name": "Rescue", "trigger": { "kind": "band_entered", "bands": ["critical"] }, "action": action })
}

async fn definitions_leave_the_lists_and_come_back(engine: Engine) {
    let server = Server::start(engine).await;
    create(&server, "/v1/playbooks", json!({ "key": "rescue", "content": playbook() })).await;
    let content = json!({ "name": "Pulse", "factors": [pulse_factor(1.0)] });
    create(&server, "/v1/health-models", json!({ "key": "pulse", "content": content })).await;
    let risk_model = fit_hopelessly(&server).await;
    let risk_model = format!("/v1/risk-models/{}", risk_model["id"].as_str().expect("an id"));
    for (list, path, others) in [
        ("/v1/playbooks", "/v1/playbooks/rescue", 0),
        ("/v1/health-models", "/v1/health-models/pulse", 0),
        ("/v1/risk-models", &*risk_model, 0),
        ("/v1/templates", "/v1/templates/onboarding", 2),
    ] {
        assert_eq!(listed(&server, list).await, [others + 1, 0], "{list}");
        let archived = act(&server, path, "archive").await.expect(200);
        assert!(archived["archived_at"].is_string(), "{archived}");
        assert_eq!(listed(&server, list).await, [others, 1], "{list}");
        let again = act(&server, path, "archive").await.expect(200);
        assert_eq!(again, archived, "it changes nothing any more");
        assert_eq!(server.get(path).await.expect(200)["archived_at"], archived["archived_at"], "it can still be read");
        let restored = act(&server, path, "restore").await.expect(200);
        assert_eq!(restored["archived_at"], Value::Null);
        assert_eq!(listed(&server, list).await, [others + 1, 0], "{list}");
    }
    let entries = server.get("/v1/ledger?entity_type=health_model&sort=-sequence").await.expect(200);
    assert_eq!(entries["data"][0]["action"], "health_model.restored");
}

async fn what_is_archived_is_not_used(engine: Engine) {
    let server = Server::start(engine).await;
    let archived = |at: &str| errors(&[(at, "archived")]);
    act(&server, "/v1/templates/onboarding", "archive").await.expect(200);
    let plan = json!({ "name": "P", "start_on": "2026-05-04", "template": "onboarding" });
    assert_eq!(server.post("/v1/plans", plan).await.problem(409, "conflict"), archived("/template"));

    let content = json!({ "name": "Pulse", "factors": [pulse_factor(1.0)] });
    let model = activate(&server, "pulse", content.clone()).await;
    let refused = act(&server, &model, "archive").await.problem(409, "conflict");
    assert_eq!(refused, errors(&[("", "active")]));
    act(&server, &model, "deactivate").await.expect(200);
    act(&server, &model, "archive").await.expect(200);
    let active = act(&server, &model, "versions/1/activate").await.problem(409, "conflict");
    assert_eq!(active, archived(""));
    let version = server.post(&format!("{model}/versions"), content).await.problem(409, "conflict");
    assert_eq!(version, archived(""));

    create(&server, "/v1/playbooks", json!({ "key": "rescue", "content": playbook() })).await;
    let archive = act(&server, "/v1/playbooks/rescue", "archive").await.expect(200);
    assert_eq!(archive["content"]["active"], false);
    let put = server.call("PUT", "/v1/playbooks/rescue").header("If-Match", "*").json(playbook()).send().await;
    assert_eq!(put.problem(409, "conflict"), archived(""));
    let id = create_customer(&server, "crm-4711").await;
    let set = json!({ "score": 10, "reason": "Their sponsor left.", "expires_on": "2026-06-01" });
    server.post(&format!("/v1/customers/{id}/health/overrides"), set).await.expect(201);
    server.get("/v1/reports/health").await.expect(200);
    assert_eq!(server.get("/v1/interventions").await.expect(200)["data"], json!([]), "it reacts to nothing");
    act(&server, "/v1/playbooks/rescue", "restore").await.expect(200);
    server.call("PUT", "/v1/playbooks/rescue").header("If-Match", "*").json(playbook()).send().await.expect(200);

    let risk_model = fit_hopelessly(&server).await;
    let risk_model = format!("/v1/risk-models/{}", risk_model["id"].as_str().expect("an id"));
    act(&server, &risk_model, "archive").await.expect(200);
    let reason = json!({ "reason": "We want to see how it does for a month." });
    let active = server.post(&format!("{risk_model}/activate"), reason.clone()).await.problem(409, "conflict");
    assert_eq!(active, archived(""));
    act(&server, &risk_model, "restore").await.expect(200);
    server.post(&format!("{risk_model}/activate"), reason).await.expect(200);
    assert_eq!(act(&server, &risk_model, "archive").await.problem(409, "conflict"), errors(&[("", "active")]));
}
