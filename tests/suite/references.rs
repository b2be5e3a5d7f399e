//! Customers and people are named by identifier or by external reference, whichever the caller knows, and are answered by both.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{self, create, create_customer, pluck};

on_both_engines!(
    either_name_is_taken_and_both_are_answered,
    names_that_disagree_are_refused,
    plans_are_found_by_either_name,
    plans_have_references_of_their_own,
    records_carry_the_reference,
    amounts_without_a_currency_are_in_the_organization_s,
    plans_are_sorted_and_filtered_by_several_values,
    what_changes_nothing_raises_no_version,
    pictures_and_files_are_not_sent_again,
);

const NOBODY: &str = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";

async fn either_name_is_taken_and_both_are_answered(engine: Engine) {
    let server = Server::start(engine).await;
    let [a, b] = [create_customer(&server, "crm-a").await, create_customer(&server, "crm-b").await];
    let draft = json!({ "name": "Ana", "kind": "participant", "external_ref": "ana", "customer_ref": "crm-a" });
    let ana = create(&server, "/v1/people", draft).await;
    let names = |person: &Value| (person["customer_id"].clone(), person["customer_ref"].clone());
    let of = |id: &str, reference: &str| (json!(id), json!(reference));
    assert_eq!(names(&server.get(&ana).await.expect(200)), of(&a, "crm-a"));
    for (patch, expected) in [
        (json!({ "customer_id": b }), of(&b, "crm-b")),
        (json!({ "customer_ref": "crm-a" }), of(&a, "crm-a")),
        (json!({ "customer_ref": null }), (Value::Null, Value::Null)),
        (json!({ "customer_id": b, "customer_ref": "crm-b" }), of(&b, "crm-b")),
        (json!({ "owner_name": "Ben" }), of(&b, "crm-b")),
    ] {
        assert_eq!(names(&server.patch(&ana, patch.clone()).await.expect(200)), expected, "{patch}");
    }
    for (query, count) in [
        ("customer_ref=crm-b", 1),
        ("customer_ref=crm-a", 0),
        ("customer_ref=nobody", 0),
        (&*format!("customer_ref=crm-b&customer_id={b}"), 1),
        (&*format!("customer_ref=crm-b&customer_id={a}"), 0),
    ] {
        let list = server.get(&format!("/v1/people?{query}")).await.expect(200);
        assert_eq!(list["data"].as_array().map(Vec::len), Some(count), "{query}");
    }
    let body = json!({ "name": "Ana", "kind": "participant", "customer_ref": "crm-a" });
    assert_eq!(
        names(&server.call("PUT", "/v1/people/by-ref/ana").json(body).send().await.expect(200)),
        of(&a, "crm-a")
    );
    let part = create(&server, "/v1/customers", json!({ "name": "Asia", "parent_ref": "crm-a" })).await;
    let part = server.get(&part).await.expect(200);
    assert_eq!((&part["parent_id"], &part["parent_ref"]), (&json!(a), &json!("crm-a")));

    let tag = server.get(&ana).await.header("etag");
    server.patch(&format!("/v1/customers/{a}"), json!({ "external_ref": "crm-a2" })).await.expect(200);
    let again = server.call("GET", &ana).header("If-None-Match", &tag).send().await.expect(200);
    assert_eq!(names(&again), of(&a, "crm-a2"), "a new reference shows, and is no news of the person");
    assert_eq!(again["version"], server.get(&ana).await.expect(200)["version"]);
}

async fn names_that_disagree_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let a = create_customer(&server, "crm-a").await;
    create_customer(&server, "crm-b").await;
    let ana = create(&server, "/v1/people", json!({ "name": "Ana", "kind": "coach", "external_ref": "ana" })).await;
    let plan = create(&server, "/v1/plans", samples::plan()).await;
    let both = json!({ "customer_id": a, "customer_ref": "crm-b" });
    let with = |mut body: Value| {
        body["customer_id"] = both["customer_id"].clone();
        body["customer_ref"] = both["customer_ref"].clone();
        body
    };
    let ambiguous = errors(&[("/customer_ref", "ambiguous")]);
    for (path, body) in [
        ("/v1/people", with(json!({ "name": "Ben", "kind": "coach" }))),
        ("/v1/plans", with(samples::plan())),
        ("/v1/interventions", with(json!({ "kind": "coaching", "title": "Call", "due_on": "2026-06-01" }))),
    ] {
        assert_eq!(server.post(path, body).await.problem(422, "validation_failed"), ambiguous, "{path}");
    }
    for path in [&ana, &plan] {
        assert_eq!(server.patch(path, both.clone()).await.problem(422, "validation_failed"), ambiguous, "{path}");
        for (patch, pointer) in
            [(json!({ "customer_id": NOBODY }), "/customer_id"), (json!({ "customer_ref": "crm-c" }), "/customer_ref")]
        {
            let found = server.patch(path, patch).await.problem(422, "validation_failed");
            assert_eq!(found, errors(&[(pointer, "unknown_customer")]), "{path}");
        }
    }
    let unknown = server.patch(&plan, json!({ "person_ref": "ben" })).await.problem(422, "validation_failed");
    assert_eq!(unknown, errors(&[("/person_ref", "unknown_person")]));
    let nobody = json!({ "kind": "coaching", "title": "Call", "due_on": "2026-06-01" });
    let nobody = server.post("/v1/interventions", nobody).await.problem(422, "validation_failed");
    assert_eq!(nobody, errors(&[("/customer_id", "required")]));
}

async fn plans_are_found_by_either_name(engine: Engine) {
    let server = Server::start(engine).await;
    let a = create_customer(&server, "crm-a").await;
    let ana = create(&server, "/v1/people", json!({ "name": "Ana", "kind": "coach", "external_ref": "ana" })).await;
    let plan = create(&server, "/v1/plans", samples::plan()).await;
    let changed = server.patch(&plan, json!({ "customer_ref": "crm-a", "person_ref": "ana" })).await.expect(200);
    let names = ["customer_id", "customer_ref", "customer_name", "person_ref", "person_name"];
    let expected = json!([a, "crm-a", "crm-a", "ana", "Ana"]);
    assert_eq!(json!(names.map(|name| &changed[name])), expected);
    let report = server.get("/v1/reports/spi?customer_ref=crm-a").await.expect(200);
    assert_eq!(pluck(&report, "customer_ref"), ["crm-a"]);
    let csv = server.call("GET", "/v1/reports/spi").header("Accept", "text/csv").send().await.text;
    assert!(csv.contains(&format!(",{a},crm-a,")), "{csv}");
    for (query, count) in [("person_ref=ana", 1), ("person_ref=ben", 0), ("customer_ref=crm-a&person_ref=ana", 1)] {
        let list = server.get(&format!("/v1/plans?{query}")).await.expect(200);
        assert_eq!(list["data"].as_array().map(Vec::len), Some(count), "{query}");
    }
    server.patch(&ana, json!({ "name": "Ana Petrova" })).await.expect(200);
    let listed = server.get("/v1/plans").await.expect(200);
    assert_eq!(pluck(&listed, "person_name"), ["Ana Petrova"], "the read model follows people, too");
}

async fn records_carry_the_reference(engine: Engine) {
    let server = Server::start(engine).await;
    let a = create_customer(&server, "crm-a").await;
    let customer = format!("/v1/customers/{a}");
    let draft = json!({ "kind": "coaching", "title": "Call", "due_on": "2026-06-01", "customer_ref": "crm-a" });
    let task = create(&server, "/v1/interventions", draft).await;
    assert_eq!(server.get(&task).await.expect(200)["customer_ref"], "crm-a");
    let listed = server.get("/v1/interventions?customer_ref=crm-a").await.expect(200);
    assert_eq!(pluck(&listed, "customer_id"), [&json!(a)]);
    let records = [
        ("pulses", json!({ "score": 70 })),
        ("outcomes", json!({ "kind": "renewed", "occurred_on": "2026-05-04" })),
        ("health/overrides", json!({ "score": 30, "reason": "Their sponsor has left.", "expires_on": "2026-06-04" })),
    ];
    for (name, body) in records {
        let path = create(&server, &format!("{customer}/{name}"), body).await;
        let list = server.get(&format!("{customer}/{name}")).await.expect(200);
        assert_eq!(list["data"][0], server.get(&path).await.expect(200));
        assert_eq!(list["data"][0]["customer_ref"], "crm-a", "{name}");
        assert_eq!(list["data"][0]["author"]["type"], "api_client", "{name}");
    }
    for path in ["health", "health/history", "health/rollup", "risk"] {
        assert_eq!(server.get(&format!("{customer}/{path}")).await.expect(200)["customer_ref"], "crm-a", "{path}");
    }
}

async fn amounts_without_a_currency_are_in_the_organization_s(engine: Engine) {
    let server = Server::start(engine).await;
    let path = "/v1/organization";
    assert_eq!(server.get(path).await.expect(200)["currency"], "EUR");
    let wrong = server.patch(path, json!({ "currency": "euro" })).await.problem(422, "validation_failed");
    assert_eq!(wrong[0].0, "/currency");
    server.patch(path, json!({ "currency": "USD" })).await.expect(200);
    let mut draft = samples::plan();
    draft["budget_minor"] = 500_000.into();
    let plan = create(&server, "/v1/plans", draft).await;
    assert_eq!(server.get(&plan).await.expect(200)["currency"], "USD");
    server.patch(&plan, json!({ "budget_minor": null, "currency": null })).await.expect(200);
    let again = server.patch(&plan, json!({ "budget_minor": 100 })).await.expect(200);
    assert_eq!(again["currency"], "USD");
    server.patch(path, json!({ "currency": "GBP" })).await.expect(200);
    assert_eq!(server.get(&plan).await.expect(200)["currency"], "USD", "a budget keeps its currency");
    create(&server, "/v1/customers", json!({ "name": "A", "annual_revenue_minor": 100 })).await;
    server.patch(path, json!({ "currency": "EUR" })).await.problem(409, "conflict");
    server.patch(path, json!({ "currency": "GBP" })).await.expect(200);
}

async fn plans_are_sorted_and_filtered_by_several_values(engine: Engine) {
    let server = Server::start(engine).await;
    for (name, owner_name) in [("b", "Ana"), ("c", "Ben"), ("a", "Cem")] {
        let mut draft = samples::plan();
        (draft["name"], draft["owner_name"]) = (name.into(), owner_name.into());
        create(&server, "/v1/plans", draft).await;
    }
    for (query, expected) in [
        ("", ["a", "b", "c"]),
        ("&sort=-name", ["c", "b", "a"]),
        ("&sort=created_at", ["b", "c", "a"]),
        ("&sort=-created_at", ["a", "c", "b"]),
    ] {
        let (mut found, mut path) = (vec![], format!("/v1/plans?limit=1{query}"));
        loop {
            let page = server.get(&path).await.expect(200);
            found.extend(pluck(&page, "name").into_iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/plans?limit=1{query}&cursor={cursor}");
        }
        assert_eq!(found, expected, "{query}");
    }
    for (query, expected) in [
        ("owner_name=Ana&owner_name=Cem", vec!["a", "b"]),
        ("status=delayed&status=at_risk", vec!["a", "b", "c"]),
        ("kind=coaching&kind=training", vec![]),
        ("updated_since=2027-01-01T00:00:00Z", vec![]),
    ] {
        let response = server.get(&format!("/v1/plans?{query}")).await;
        if query.contains("training") {
            response.problem(400, "invalid_parameter");
        } else {
            assert_eq!(pluck(&response.expect(200), "name"), expected, "{query}");
        }
    }
    let latest = server.get("/v1/milestones?sort=-planned_on&owner_name=Nobody&owner_name=Somebody").await.expect(200);
    assert!(pluck(&latest, "key").is_empty());
    let latest = server.get("/v1/milestones?sort=-planned_on&limit=4").await.expect(200);
    assert_eq!(pluck(&latest, "key"), ["c", "c", "c", "b"]);
    let next = latest["next_cursor"].as_str().expect("more");
    let next = server.get(&format!("/v1/milestones?sort=-planned_on&limit=4&cursor={next}")).await.expect(200);
    assert_eq!(pluck(&next, "key"), ["b", "b", "a", "a"]);
}

async fn what_changes_nothing_raises_no_version(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create(&server, "/v1/plans", samples::plan()).await;
    let customer = format!("/v1/customers/{}", create_customer(&server, "crm-a").await);
    let client = create(&server, "/v1/api-clients", json!({ "name": "CRM", "scopes": ["customers:read"] })).await;
    let entries = || async {
        let newest = server.get("/v1/ledger?sort=-sequence&limit=1").await.expect(200);
        newest["data"][0]["sequence"].clone()
    };
    let before = entries().await;
    for path in [plan.as_str(), customer.as_str(), client.as_str(), "/v1/organization", &format!("{plan}/milestones/a")]
    {
        let is = server.get(path).await.expect(200);
        let patched = server.patch(path, json!({ "name": is["name"] })).await.expect(200);
        assert_eq!(patched["version"], is["version"], "{path}");
    }
    assert_eq!(entries().await, before, "nothing was recorded");
}

async fn pictures_and_files_are_not_sent_again(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = create(&server, "/v1/plans", samples::plan()).await;
    let customer = create_customer(&server, "crm-a").await;
    for (path, accept) in [
        (format!("{plan}/s-curve.svg"), "image/svg+xml"),
        (format!("{plan}/trend.svg"), "image/svg+xml"),
        (format!("{plan}/calendar.ics"), "text/calendar"),
        (format!("{plan}/export"), "text/csv"),
        (format!("{plan}/status-report"), "text/html"),
        (format!("{plan}/status-report"), "text/markdown"),
        (format!("/v1/customers/{customer}/health.svg"), "image/svg+xml"),
        (format!("/v1/customers/{customer}/health/history"), "text/csv"),
        ("/v1/reports/variance".to_owned(), "text/csv"),
    ] {
        let call = || server.call("GET", &path).header("Accept", accept);
        let first = call().send().await;
        let tag = first.header("etag");
        assert!(first.header("content-type").starts_with(accept), "{path}: {} {}", first.status, first.text);
        let again = call().header("If-None-Match", &tag).send().await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path} as {accept}");
    }
}

async fn plans_have_references_of_their_own(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = |reference: &str| {
        let mut plan = samples::plan();
        plan["external_ref"] = json!(reference);
        plan
    };
    let first = create(&server, "/v1/plans", plan("deal-1")).await;
    let second = create(&server, "/v1/plans", plan("deal-2")).await;
    let taken = errors(&[("/external_ref", "taken")]);
    assert_eq!(server.post("/v1/plans", plan("deal-1")).await.problem(409, "conflict"), taken);
    assert_eq!(server.patch(&second, json!({ "external_ref": "deal-1" })).await.problem(409, "conflict"), taken);
    let found = server.get("/v1/plans?external_ref=deal-2").await.expect(200);
    assert_eq!(pluck(&found, "external_ref"), ["deal-2"]);
    let report = server.get("/v1/reports/spi?external_ref=deal-1").await.expect(200);
    assert_eq!(pluck(&report, "plan_ref"), ["deal-1"]);
    let csv = server.call("GET", "/v1/reports/spi").header("Accept", "text/csv").send().await.text;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",plan_ref") && lines[1].ends_with(",deal-1"), "{csv}");
    let cells: Vec<usize> = lines.iter().map(|line| line.matches(',').count()).collect();
    assert!(cells.iter().all(|count| *count == cells[0]), "{csv}");
    server.clock.advance(chrono::Duration::hours(1));
    assert_eq!(server.patch(&first, json!({ "external_ref": null })).await.expect(200)["external_ref"], Value::Null);
    let known = server.get("/v1/reports/spi?known_at=2026-05-04T12:00:00Z").await.expect(200);
    assert_eq!(pluck(&known, "plan_ref"), ["deal-1", "deal-2"], "as it was known");
    create(&server, "/v1/plans", plan("deal-1")).await;
    let stranger = server.key_of("Other", &[milepost_domain::access::Scope::Admin]).await;
    server.call("POST", "/v1/plans").bearer(&stranger).json(plan("deal-1")).send().await.expect(201);
}
