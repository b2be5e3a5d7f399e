//! Customers, as used by a CRM and a frontend.

use milepost_domain::access::Scope;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, create_customer, pluck};

on_both_engines!(
    a_customer_s_life,
    references_are_unique,
    upserts_by_reference,
    bulk_upserts_answer_for_each_item,
    search_and_filters,
    archived_ones_step_aside,
    what_is_referred_to_stays,
);

async fn a_customer_s_life(engine: Engine) {
    let server = Server::start(engine).await;
    let path =
        create(&server, "/v1/customers", json!({ "name": "  Northwind  ", "external_ref": "crm-1", "segment": "SMB" }))
            .await;
    let read = server.get(&path).await.expect(200);
    assert_eq!(
        (&read["name"], &read["external_ref"], &read["owner_name"]),
        (&json!("Northwind"), &json!("crm-1"), &Value::Null)
    );
    assert_eq!(read["created_at"], "2026-05-04T12:00:00Z");
    let patched = server.patch(&path, json!({ "segment": null, "owner_name": "Ana" })).await.expect(200);
    assert_eq!(
        (&patched["segment"], &patched["owner_name"], &patched["name"]),
        (&Value::Null, &json!("Ana"), &json!("Northwind"))
    );
    assert_eq!(server.get("/v1/customers/by-ref/crm-1").await.expect(200), patched);
    let merge = server
        .call("PATCH", &path)
        .header("If-Match", "*")
        .body("application/merge-patch+json", "{\"name\":null}")
        .send()
        .await;
    assert_eq!(merge.problem(422, "validation_failed"), errors(&[("/name", "wrong_type")]));
}

async fn references_are_unique(engine: Engine) {
    let server = Server::start(engine).await;
    create_customer(&server, "A").await;
    let taken = server.post("/v1/customers", json!({ "name": "B", "external_ref": "A" })).await;
    assert_eq!(taken.problem(409, "conflict"), errors(&[("/external_ref", "taken")]));
    let other = create(&server, "/v1/customers", json!({ "name": "B" })).await;
    create(&server, "/v1/customers", json!({ "name": "C" })).await;
    let stolen = server.patch(&other, json!({ "external_ref": "A" })).await;
    assert_eq!(stolen.problem(409, "conflict"), errors(&[("/external_ref", "taken")]));
    let stranger = server.key_of("Contoso", &[Scope::Admin]).await;
    let own = server.call("POST", "/v1/customers").bearer(&stranger).json(json!({ "name": "A", "external_ref": "A" }));
    own.send().await.expect(201);
}

async fn upserts_by_reference(engine: Engine) {
    let server = Server::start(engine).await;
    let put =
        |reference: &str, body: Value| server.call("PUT", &format!("/v1/customers/by-ref/{reference}")).json(body);
    let body = json!({ "name": "Northwind", "owner_name": "Ana" });
    let first = put("a%2Fb%20c", body.clone()).send().await.expect(201);
    assert_eq!((&first["external_ref"], &first["version"]), (&json!("a/b c"), &json!(1)));
    assert_eq!(put("a%2Fb%20c", body.clone()).send().await.expect(200), first, "nothing changes, not even the version");
    let second = put("a%2Fb%20c", json!({ "name": "Northwind" })).send().await.expect(200);
    assert_eq!((&second["id"], &second["owner_name"], &second["version"]), (&first["id"], &Value::Null, &json!(2)));
    put("a%2Fb%20c", body.clone()).header("If-Match", "\"1\"").send().await.problem(412, "version_mismatch");
    put("a%2Fb%20c", body.clone()).header("If-Match", "\"2\"").send().await.expect(200);
    let composed = put("e%CC%81", body.clone()).send().await.expect(201);
    assert_eq!(server.get("/v1/customers/by-ref/e%CC%81").await.expect(200), composed, "read as it is written");
    assert_eq!(server.get("/v1/customers/by-ref/%C3%A9").await.expect(200), composed);
    put("%FF", body.clone()).send().await.problem(400, "invalid_parameter");
    let long = put(&"x".repeat(201), body).send().await;
    assert_eq!(long.problem(400, "invalid_parameter"), errors(&[("external_ref", "too_long")]));
}

async fn bulk_upserts_answer_for_each_item(engine: Engine) {
    let server = Server::start(engine).await;
    let items = json!({ "items": [
        { "external_ref": "1", "name": "One" },
        { "external_ref": "2" },
        { "external_ref": "3", "name": "Three", "colour": "red" },
        { "external_ref": "1", "name": "One" },
        { "external_ref": "1", "name": "Uno" },
        "nonsense",
    ]});
    let results = server.post("/v1/customers/bulk", items.clone()).await.expect(207);
    let outcomes: Vec<&Value> =
        results["results"].as_array().expect("results").iter().map(|one| &one["outcome"]).collect();
    assert_eq!(outcomes, ["created", "refused", "refused", "unchanged", "updated", "refused"]);
    assert_eq!(
        results["results"][1]["errors"][0],
        json!({ "pointer": "/name", "code": "required", "detail": "must be given" })
    );
    assert_eq!(results["results"][2]["errors"][0]["pointer"], "/colour");
    assert_eq!(pluck(&server.get("/v1/customers").await.expect(200), "name"), ["Uno"]);
    server.post("/v1/customers/bulk", json!({ "items": [] })).await.problem(422, "validation_failed");
    let many: Vec<Value> = (0..501).map(|n| json!({ "external_ref": n.to_string(), "name": "N" })).collect();
    let many = server.post("/v1/customers/bulk", json!({ "items": many })).await;
    assert_eq!(many.problem(422, "validation_failed"), errors(&[("/items", "too_many_items")]));
}

async fn search_and_filters(engine: Engine) {
    let server = Server::start(engine).await;
    for (name, segment, owner_name) in [
        ("Müller 100%", "SMB", "Ana"),
        ("MÜLLER & Co", "Enterprise", "Ana"),
        ("a_b", "SMB", "Ben"),
        ("axb", "SMB", "Ben"),
    ] {
        create(&server, "/v1/customers", json!({ "name": name, "segment": segment, "owner_name": owner_name })).await;
    }
    for (query, expected) in [
        ("q=m%C3%BCll", vec!["MÜLLER & Co", "Müller 100%"]),
        ("q=MU%CC%88LLER&segment=SMB", vec!["Müller 100%"]),
        ("q=0%25", vec!["Müller 100%"]),
        ("q=a_b", vec!["a_b"]),
        ("q=%5C", vec![]),
        ("owner_name=Ben", vec!["a_b", "axb"]),
        ("owner_name=%20Ben", vec!["a_b", "axb"]),
        ("segment=Enterprise&owner_name=Ana", vec!["MÜLLER & Co"]),
    ] {
        let list = server.get(&format!("/v1/customers?{query}")).await.expect(200);
        assert_eq!(pluck(&list, "name"), expected, "{query}");
    }
}

async fn archived_ones_step_aside(engine: Engine) {
    let server = Server::start(engine).await;
    let path = format!("/v1/customers/{}", create_customer(&server, "A").await);
    let archived = server.patch(&path, json!({ "archived": true })).await.expect(200);
    assert_eq!(archived["archived_at"], "2026-05-04T12:00:00Z");
    assert!(pluck(&server.get("/v1/customers").await.expect(200), "name").is_empty());
    assert_eq!(pluck(&server.get("/v1/customers?archived=true").await.expect(200), "name"), ["A"]);
    server.clock.advance(chrono::Duration::days(1));
    let again = server.patch(&path, json!({ "archived": true })).await.expect(200);
    assert_eq!(again["archived_at"], archived["archived_at"]);
    assert_eq!(server.patch(&path, json!({ "archived": false })).await.expect(200)["archived_at"], Value::Null);
}

async fn what_is_referred_to_stays(engine: Engine) {
    let server = Server::start(engine).await;
    let id = create_customer(&server, "A").await;
    let person =
        create(&server, "/v1/people", json!({ "name": "Ana", "kind": "participant", "customer_id": id })).await;
    let delete = |path: String| server.call("DELETE", &path).header("If-Match", "*").send();
    delete(format!("/v1/customers/{id}")).await.problem(409, "conflict");
    delete(person).await.expect(204);
    delete(format!("/v1/customers/{id}")).await.expect(204);
}
