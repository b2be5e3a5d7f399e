//! People, both as individuals and as members of a customer.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    a_person_s_life,
    they_belong_to_a_customer_that_is_there,
    upserts_and_bulk,
    filters,
    those_with_plans_stay
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
