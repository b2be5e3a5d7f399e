//! People, both as individuals and as members of a customer.

use std::collections::BTreeSet;

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    a_person_s_life,
    they_belong_to_a_customer_that_is_there,
    upserts_and_bulk,
    filters,
    those_with_plans_stay,
    everything_about_them_can_be_copied
);

const UNKNOWN: &str = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";

async fn a_person_s_life(engine: Engine) {
    let server = Server::start(engine).await;
    let draft =
        json!({ "name": "Ana Petrova", "kind": "employee", "external_ref": "hr-1", "email": "ana@example.com" });
    let path = create(&server, "/v1/people", draft.clone()).await;
    let read = server.get("/v1/people/by-ref/hr-1").await.expect(200);
    assert_eq!((&read["kind"], &read["email"]), (&json!("employee"), &json!("ana@example.com")));
    assert_eq!(server.post("/v1/people", draft).await.problem(409, "conflict"), errors(&[("/external_ref", "taken")]));
    let patched = server.patch(&path, json!({ "kind": "coach", "email": null })).await.expect(200);
    assert_eq!((&patched["kind"], &patched["email"]), (&json!("coach"), &Value::Null));
    for (body, expected) in [
        (json!({ "name": "B", "kind": "robot" }), ("/kind", "not_an_option")),
        (json!({ "name": "B", "kind": "coach", "email": "nobody" }), ("/email", "wrong_pattern")),
    ] {
        assert_eq!(server.post("/v1/people", body).await.problem(422, "validation_failed"), errors(&[expected]));
    }
    server.call("DELETE", &path).header("If-Match", "\"2\"").send().await.expect(204);
    server.get(&path).await.problem(404, "not_found");
}

async fn they_belong_to_a_customer_that_is_there(engine: Engine) {
    let server = Server::start(engine).await;
    let customer = create_customer(&server, "A").await;
    let path =
        create(&server, "/v1/people", json!({ "name": "Ana", "kind": "participant", "customer_id": customer })).await;
    let unknown = errors(&[("/customer_id", "unknown_customer")]);
    let draft = json!({ "name": "Ben", "kind": "participant", "customer_id": UNKNOWN });
    assert_eq!(server.post("/v1/people", draft).await.problem(422, "validation_failed"), unknown);
    assert_eq!(server.patch(&path, json!({ "customer_id": UNKNOWN })).await.problem(422, "validation_failed"), unknown);
    assert_eq!(server.patch(&path, json!({ "customer_id": null })).await.expect(200)["customer_id"], Value::Null);
}

async fn upserts_and_bulk(engine: Engine) {
    let server = Server::start(engine).await;
    let put = |body: Value| server.call("PUT", "/v1/people/by-ref/hr-1").json(body).send();
    let first = put(json!({ "name": "Ana", "kind": "coach" })).await.expect(201);
    assert_eq!(put(json!({ "name": "Ana", "kind": "coach" })).await.expect(200), first);
    assert_eq!(put(json!({ "name": "Ana", "kind": "employee" })).await.expect(200)["version"], 2);
    let items = json!({ "items": [
        { "external_ref": "hr-1", "name": "Ana", "kind": "employee" },
        { "external_ref": "hr-2", "name": "Ben", "kind": "coach", "email": "ben@example.com" },
        { "external_ref": "hr-3", "name": "Cai", "kind": "coach", "customer_id": UNKNOWN },
    ]});
    let results = server.post("/v1/people/bulk", items).await.expect(207);
    let outcomes: Vec<&Value> =
        results["results"].as_array().expect("results").iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["unchanged", "created", "refused"]);
    assert_eq!(results["results"][2]["errors"][0]["code"], "unknown_customer");
}

async fn filters(engine: Engine) {
    let server = Server::start(engine).await;
    let customer = create_customer(&server, "A").await;
    for body in [
        json!({ "name": "Ana", "kind": "employee", "owner_name": "Zoe" }),
        json!({ "name": "Ben", "kind": "participant", "customer_id": customer, "segment": "Admins" }),
    ] {
        create(&server, "/v1/people", body).await;
    }
    let by_customer = format!("customer_id={customer}");
    for (query, expected) in [
        ("kind=employee", vec!["Ana"]),
        (by_customer.as_str(), vec!["Ben"]),
        ("segment=Admins", vec!["Ben"]),
        ("owner_name=Zoe", vec!["Ana"]),
        ("q=N", vec!["Ana", "Ben"]),
        ("sort=-name", vec!["Ben", "Ana"]),
    ] {
        let list = server.get(&format!("/v1/people?{query}")).await.expect(200);
        assert_eq!(pluck(&list, "name"), expected, "{query}");
    }
}

async fn those_with_plans_stay(engine: Engine) {
    let server = Server::start(engine).await;
    let path =
        create(&server, "/v1/people", json!({ "name": "Ana", "kind": "employee", "external_ref": "hr-1" })).await;
    let plan = json!({ "name": "Growth", "kind": "development", "person_ref": "hr-1", "start_on": "2026-05-04", "template": "onboarding" });
    let plan = server.post("/v1/plans", plan).await.expect(201);
    assert_eq!(plan["person_id"].as_str(), path.rsplit('/').next());
    server.call("DELETE", &path).header("If-Match", "*").send().await.problem(409, "conflict");
}

async fn everything_about_them_can_be_copied(engine: Engine) {
    let server = Server::start(engine).await;
    create(&server, "/v1/customers", json!({ "name": "Northwind", "external_ref": "c 1" })).await;
    create(&server, "/v1/people", json!({ "name": "Boss", "kind": "employee", "external_ref": "boss" })).await;
    let draft = json!({ "name": "Ana", "kind": "participant", "external_ref": "ana", "customer_ref": "c 1", "manager_ref": "boss" });
    let ana = create(&server, "/v1/people", draft).await;
    let team = create(&server, "/v1/teams", json!({ "name": "T", "lead_ref": "ana" })).await;
    server.post(&format!("{team}/members"), json!({ "person_ref": "ana" })).await.expect(201);
    server.call("PUT", &format!("{ana}/roles")).json(json!({ "roles": ["coach"] })).send().await.expect(200);
    let milestones = json!([{ "key": "a", "name": "A", "planned_on": "2026-05-10", "owner_ref": "ana" }]);
    let plan = json!({ "name": "P", "start_on": "2026-05-01", "person_ref": "ana", "customer_ref": "c 1", "milestones": milestones });
    create(&server, "/v1/plans", plan).await;
    let other = json!({ "name": "Other", "start_on": "2026-05-01", "milestones": milestones });
    create(&server, "/v1/plans", other).await;
    let content = json!({
        "name": "Rescue", "trigger": { "kind": "milestone_missed" },
        "action": { "kind": "coaching", "title": "Call", "owner_ref": "ana", "due_in_days": 2 },
    });
    create(&server, "/v1/playbooks", json!({ "key": "rescue", "content": content })).await;
    let lines = async |path: &str| -> Vec<Value> {
        let copy = server.get(path).await;
        assert!(copy.header("content-type").starts_with("application/x-ndjson"));
        assert!(copy.header("content-disposition").starts_with("attachment"));
        let text = copy.text.clone();
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    };
    let kinds = |lines: &[Value]| -> BTreeSet<String> {
        lines.iter().map(|line| line["kind"].as_str().expect("a kind").to_owned()).collect()
    };
    let of_ana = lines(&format!("{ana}/export")).await;
    let expected = [
        "end",
        "ledger_entry",
        "membership",
        "milestone",
        "person",
        "plan",
        "reference",
        "reporting_line",
        "responsibility",
        "role",
        "team_membership",
    ];
    assert_eq!(kinds(&of_ana), expected.map(str::to_owned).into());
    let last = of_ana.last().expect("a last line");
    assert_eq!(last["data"]["lines"], of_ana.len() - 1, "a copy that was cut off shows");
    let plans = of_ana.iter().filter(|line| line["kind"] == "plan").map(|line| &line["data"]["name"]);
    assert_eq!(plans.collect::<Vec<_>>(), ["P"], "what only belongs to her is no plan that serves her");
    let held = of_ana.iter().filter(|line| line["kind"] == "responsibility").count();
    assert_eq!(held, 4, "two milestones, a team and a playbook");
    let customers = server.get("/v1/customers").await.expect(200);
    let customer = format!("/v1/customers/{}", customers["data"][0]["id"].as_str().expect("an id"));
    let score = json!({ "score": 70 });
    server.post(&format!("{customer}/pulses"), score).await.expect(201);
    let of_customer = lines(&format!("{customer}/export")).await;
    let found = kinds(&of_customer);
    assert!(["customer", "person", "pulse", "plan"].iter().all(|kind| found.contains(*kind)), "{found:?}");
    let reference = of_customer.iter().find(|line| line["kind"] == "reference").expect("a reference");
    assert_eq!(reference["data"]["usage_events"], "/v1/events?subject=c%201");
}
