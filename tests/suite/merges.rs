//! Customers and people that turn out to be the same: merged, looked at beforehand, and parted again.

use milepost_domain::access::Scope;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{self, create, create_customer};

on_both_engines!(
    everything_of_a_duplicate_is_moved_and_moved_back,
    a_dry_run_changes_nothing,
    a_duplicate_stands_for_nothing,
    merges_that_cannot_be,
    people_are_merged,
    people_keep_events_of_earlier_references,
);

async fn send(server: &Server, events: &[(&str, Option<&str>, &str)]) {
    let list: Vec<Value> = events
        .iter()
        .map(|(id, subject, person)| {
            json!({
                "specversion": "1.0", "id": id, "source": "app", "type": "used", "time": "2026-05-03T09:00:00Z", "subject": subject,
                "person": person
            })
        })
        .collect();
    let call = server.call("POST", "/v1/events").body("application/cloudevents-batch+json", json!(list).to_string());
    call.send().await.expect(200);
}

async fn uses(server: &Server, path: &str) -> Value {
    server.get(&format!("{path}/metrics?window=all")).await.expect(200)["data"][0]["value"].clone()
}

fn moved(report: &Value) -> Value {
    let list = report["moved"].as_array().expect("a list").iter();
    list.map(|one| (one["kind"].as_str().unwrap_or_default().to_owned(), one["count"].clone())).collect()
}

/// Two customers, of which the second is a duplicate with one of everything.
async fn twins(server: &Server) -> (String, String) {
    let [a, b] = [create_customer(server, "crm-a").await, create_customer(server, "crm-b").await];
    create(server, "/v1/metrics", json!({ "key": "uses", "event_type": "used", "aggregate": "count" })).await;
    create(server, "/v1/customers", json!({ "name": "Part", "external_ref": "part", "parent_ref": "crm-b" })).await;
    let ana = json!({ "name": "Ana", "kind": "participant", "external_ref": "ana", "customer_ref": "crm-b" });
    create(server, "/v1/people", ana).await;
    let mut plan = samples::plan();
    plan["customer_ref"] = json!("crm-b");
    create(server, "/v1/plans", plan).await;
    let of_b = |what: &str| format!("/v1/customers/{b}/{what}");
    create(server, &of_b("pulses"), json!({ "score": 10 })).await;
    let reason = json!({ "score": 20, "reason": "They said so.", "expires_on": "2026-05-20" });
    create(server, &of_b("health/overrides"), reason).await;
    create(server, &of_b("outcomes"), json!({ "kind": "renewed", "occurred_on": "2026-05-03" })).await;
    let call = json!({ "kind": "coaching", "title": "Call", "due_on": "2026-06-01", "customer_ref": "crm-b" });
    create(server, "/v1/interventions", call).await;
    send(server, &[("1", Some("crm-a"), "eve"), ("2", Some("crm-b"), "ana"), ("3", None, "ana")]).await;
    (a, b)
}

async fn everything_of_a_duplicate_is_moved_and_moved_back(engine: Engine) {
    let server = Server::start(engine).await;
    let (a, b) = twins(&server).await;
    let owners = async || {
        let mut found = vec![];
        for path in ["/v1/people/by-ref/ana", "/v1/plans", "/v1/interventions"] {
            let answer = server.get(path).await.expect(200);
            found.push(answer.pointer("/data/0").unwrap_or(&answer)["customer_ref"].clone());
        }
        let part = server.get("/v1/customers/by-ref/part").await.expect(200);
        let health = server.get("/v1/customers/by-ref/crm-a/health").await.expect(200);
        found.extend([part["parent_ref"].clone(), health["score"].clone()]);
        json!(found)
    };
    let of = |reference: &str, score: Value| json!([reference, reference, reference, reference, score]);
    let apart = owners().await;
    assert_eq!(apart, of("crm-b", apart[4].clone()));
    assert_ne!(apart[4], 20.0, "the override is the duplicate's");
    let counts = async || {
        json!([uses(&server, "/v1/customers/by-ref/crm-a").await, uses(&server, "/v1/customers/by-ref/crm-b").await])
    };
    assert_eq!(counts().await, json!([1.0, 2.0]));

    let path = format!("/v1/customers/{a}/merges");
    let body = json!({ "duplicate_ref": "crm-b", "reason": "Imported twice." });
    let report = server.post(&path, body).await.expect(201);
    let all = json!({
        "people": 1, "parts": 1, "plans": 1, "pulses": 1, "overrides": 1, "outcomes": 1, "interventions": 1, "references": 1, "memberships": 1
    });
    let all: Value =
        all.as_object().expect("an object").iter().map(|(kind, count)| (kind.clone(), count.clone())).collect();
    assert_eq!(moved(&report), all);
    assert_eq!(owners().await, of("crm-a", json!(20.0)));
    assert_eq!(counts().await, json!([3.0, 3.0]), "either reference means the one that is kept");
    let duplicate = server.get(&format!("/v1/customers/{b}")).await.expect(200);
    assert_eq!((&duplicate["archived"], &duplicate["merged_into_id"]), (&json!(true), &json!(a)));
    let references = server.get(&format!("/v1/customers/{a}/references")).await.expect(200);
    assert_eq!(references["data"].as_array().map(Vec::len), Some(2));

    send(&server, &[("4", Some("crm-b"), "ana"), ("5", None, "ana"), ("6", Some("crm-a"), "eve")]).await;
    assert_eq!(counts().await, json!([6.0, 6.0]));
    let merge_id = report["merge_id"].as_str().expect("an id");
    let listed = server.get(&path).await.expect(200);
    assert_eq!(listed["data"][0], server.get(&format!("{path}/{merge_id}")).await.expect(200));
    let undone = server.post(&format!("{path}/{merge_id}/undo"), Value::Null).await.expect(200);
    assert!(undone["undone_at"].is_string());
    assert_eq!(owners().await, apart);
    assert_eq!(counts().await, json!([2.0, 4.0]), "what came meanwhile follows its reference and its person");
    let back = server.get(&format!("/v1/customers/{b}")).await.expect(200);
    assert_eq!((&back["archived"], &back["merged_into_id"]), (&json!(false), &Value::Null));
    let again = server.post(&format!("{path}/{merge_id}/undo"), Value::Null).await.problem(409, "conflict");
    assert_eq!(again, errors(&[("", "undone")]));
}

async fn a_dry_run_changes_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let (a, b) = twins(&server).await;
    let path = format!("/v1/customers/{a}/merges");
    let last =
        async || server.get("/v1/ledger?limit=1&sort=-sequence").await.expect(200)["data"][0]["sequence"].clone();
    let before = last().await;
    let report = server.post(&format!("{path}?dry_run=true"), json!({ "duplicate_id": b })).await.expect(200);
    assert_eq!((&report["dry_run"], &report["merge_id"]), (&json!(true), &Value::Null));
    assert_eq!(last().await, before);
    assert_eq!(server.get(&path).await.expect(200)["data"], json!([]));
    let real = server.post(&path, json!({ "duplicate_id": b })).await.expect(201);
    assert_eq!(real["moved"], report["moved"]);
}

async fn a_duplicate_stands_for_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let [a, b] = [create_customer(&server, "crm-a").await, create_customer(&server, "crm-b").await];
    server.post(&format!("/v1/customers/{a}/merges"), json!({ "duplicate_id": b })).await.expect(201);
    let gone = format!("/v1/customers/{b}");
    let merged = errors(&[("", "merged")]);
    let name = json!({ "name": "Again" });
    assert_eq!(server.patch(&gone, name.clone()).await.problem(409, "conflict"), merged);
    let put = server.call("PUT", "/v1/customers/by-ref/crm-b").json(name).send().await;
    assert_eq!(put.problem(409, "conflict"), merged);
    let tag = server.get(&gone).await.header("etag");
    let delete = server.call("DELETE", &gone).header("If-Match", &tag).send().await;
    assert_eq!(delete.problem(409, "conflict"), merged);
    let pulse = server.post(&format!("{gone}/pulses"), json!({ "score": 10 })).await;
    assert_eq!(pulse.problem(409, "conflict"), merged);
    let items =
        json!({ "items": [{ "external_ref": "crm-b", "name": "B" }, { "external_ref": "crm-c", "name": "C" }] });
    let bulk = server.post("/v1/customers/bulk", items).await.expect(207);
    assert_eq!(bulk["results"][0]["errors"][0]["code"], "merged");
    assert_eq!(bulk["results"][1]["outcome"], "created", "the other one is written");

    let ana = json!({ "name": "Ana", "kind": "participant", "customer_ref": "crm-b" });
    let ana = create(&server, "/v1/people", ana).await;
    assert_eq!(server.get(&ana).await.expect(200)["customer_ref"], "crm-a", "who names it means the one that is kept");
    let listed = server.get("/v1/people?customer_ref=crm-b").await.expect(200);
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
    let group = json!({ "userId": "u-1", "groupId": "crm-b", "traits": { "name": "Northwind" } });
    server.post("/v1/segment/group", group).await.expect(200);
    let customer = server.get(&format!("/v1/customers/{a}")).await.expect(200);
    assert_eq!((&customer["name"], &customer["external_ref"]), (&json!("Northwind"), &json!("crm-a")));
    assert_eq!(server.get("/v1/people/by-ref/u-1").await.expect(200)["customer_ref"], "crm-a");
    let report = server.get("/v1/reports/health").await.expect(200);
    assert_eq!(report["customers"], 2, "crm-a and crm-c");
    let report = server.get("/v1/reports/health?as_of=2026-05-01").await.expect(200);
    assert_eq!(report["customers"], 0);
}

async fn merges_that_cannot_be(engine: Engine) {
    let server = Server::start(engine).await;
    let [a, b, c] = ["crm-a", "crm-b", "crm-c"].map(|name| create_customer(&server, name));
    let (a, b, c) = (a.await, b.await, c.await);
    let merge = async |kept: &str, body: Value| server.post(&format!("/v1/customers/{kept}/merges"), body).await;
    let refused = |pairs: &[(&str, &str)]| errors(pairs);
    let itself = merge(&a, json!({ "duplicate_id": a })).await.problem(422, "validation_failed");
    assert_eq!(itself, refused(&[("/duplicate_id", "merged_with_itself")]));
    let nobody = merge(&a, json!({})).await.problem(422, "validation_failed");
    assert_eq!(nobody, refused(&[("/duplicate_id", "required")]));
    let unknown = merge(&a, json!({ "duplicate_ref": "crm-x" })).await.problem(422, "validation_failed");
    assert_eq!(unknown, refused(&[("/duplicate_ref", "unknown_customer")]));
    server.patch(&format!("/v1/customers/{a}"), json!({ "parent_id": b })).await.expect(200);
    let part = merge(&a, json!({ "duplicate_id": b })).await.problem(422, "validation_failed");
    assert_eq!(part, refused(&[("/duplicate_id", "parent_cycle")]), "it would become a part of itself");
    let of_whole = merge(&b, json!({ "duplicate_id": a })).await.expect(201);
    let again = merge(&c, json!({ "duplicate_id": a })).await.problem(409, "conflict");
    assert_eq!(again, refused(&[("/duplicate_id", "merged")]));
    merge(&a, json!({ "duplicate_id": c })).await.problem(409, "conflict");
    merge(&c, json!({ "duplicate_id": b })).await.expect(201);
    let merge_id = of_whole["merge_id"].as_str().expect("an id");
    let undo = server.post(&format!("/v1/customers/{b}/merges/{merge_id}/undo"), Value::Null).await;
    assert_eq!(undo.problem(409, "conflict"), refused(&[("", "merged")]), "the later merge is undone first");
    server.get(&format!("/v1/customers/{c}/merges/{merge_id}")).await.problem(404, "not_found");
    let stranger = server.key_of("Other", &[Scope::CustomersRead, Scope::CustomersWrite]).await;
    let path = format!("/v1/customers/{c}/merges");
    server.call("GET", &path).bearer(&stranger).send().await.problem(404, "not_found");
}

async fn people_are_merged(engine: Engine) {
    let server = Server::start(engine).await;
    create(&server, "/v1/metrics", json!({ "key": "uses", "event_type": "used", "aggregate": "count" })).await;
    for name in ["crm-a", "crm-b"] {
        create_customer(&server, name).await;
    }
    let person = |reference: &str, customer: &str| {
        create(
            &server,
            "/v1/people",
            json!({ "name": reference, "kind": "participant", "external_ref": reference, "customer_ref": customer }),
        )
    };
    let [ana, anna] = [person("ana", "crm-a").await, person("anna", "crm-b").await];
    let mut plan = samples::plan();
    plan["person_ref"] = json!("anna");
    let plan = create(&server, "/v1/plans", plan).await;
    send(&server, &[("1", None, "ana"), ("2", None, "anna"), ("3", None, "anna")]).await;
    let counts = async || {
        let mut found = vec![];
        for path in ["people/by-ref/ana", "people/by-ref/anna", "customers/by-ref/crm-a", "customers/by-ref/crm-b"] {
            found.push(uses(&server, &format!("/v1/{path}")).await);
        }
        json!(found)
    };
    assert_eq!(counts().await, json!([1.0, 2.0, 1.0, 2.0]));
    let duplicate = anna.rsplit('/').next().expect("an id");
    let report = server.post(&format!("{ana}/merges"), json!({ "duplicate_id": duplicate })).await.expect(201);
    assert_eq!(moved(&report), [("plans", 1), ("references", 1), ("memberships", 1)].into_iter().collect::<Value>());
    assert_eq!(server.get(&plan).await.expect(200)["person_ref"], "ana");
    let together = counts().await;
    assert_eq!((&together[0], &together[1]), (&json!(3.0), &json!(3.0)));
    assert_eq!(server.get(&ana).await.expect(200)["customer_ref"], "crm-a", "the one that is kept keeps its fields");
    let identify = json!({ "userId": "anna", "traits": { "email": "ana@example.com" } });
    server.post("/v1/segment/identify", identify).await.expect(200);
    assert_eq!(server.get(&ana).await.expect(200)["email"], "ana@example.com");
    let merge_id = report["merge_id"].as_str().expect("an id");
    server.post(&format!("{ana}/merges/{merge_id}/undo"), Value::Null).await.expect(200);
    assert_eq!(counts().await, json!([1.0, 2.0, 1.0, 2.0]));
    assert_eq!(server.get(&plan).await.expect(200)["person_ref"], "anna");
    server.get(&format!("{}/{merge_id}", ana.replace("people", "customers"))).await.problem(404, "not_found");
}

async fn people_keep_events_of_earlier_references(engine: Engine) {
    let server = Server::start(engine).await;
    create(&server, "/v1/metrics", json!({ "key": "uses", "event_type": "used", "aggregate": "count" })).await;
    create_customer(&server, "crm-a").await;
    let ana = json!({ "name": "Ana", "kind": "participant", "external_ref": "ana", "customer_ref": "crm-a" });
    let ana = create(&server, "/v1/people", ana).await;
    send(&server, &[("1", None, "ana"), ("2", None, "hr-17")]).await;
    assert_eq!(uses(&server, &ana).await, 1.0);
    server.patch(&ana, json!({ "external_ref": "hr-17" })).await.expect(200);
    assert_eq!(uses(&server, &ana).await, 2.0, "under both names");
    assert_eq!(uses(&server, "/v1/customers/by-ref/crm-a").await, 2.0);
    let references = server.get(&format!("{ana}/references")).await.expect(200);
    assert_eq!(samples::pluck(&references, "external_ref"), ["hr-17", "ana"]);
    assert_eq!(samples::pluck(&references, "is_current"), [true, false]);
    let other =
        create(&server, "/v1/people", json!({ "name": "Other", "kind": "participant", "external_ref": "ana" })).await;
    assert_eq!(uses(&server, &other).await, 0.0, "who gets the old name begins with nothing");
    assert_eq!(uses(&server, &ana).await, 2.0);
    let erased = server.post("/v1/events/erase", json!({ "person": "hr-17" })).await.expect(200);
    assert_eq!(erased["erased"], 2, "under both names, too");
    send(&server, &[("3", None, "hr-17")]).await;
    let tag = server.get(&ana).await.header("etag");
    server.call("DELETE", &ana).header("If-Match", &tag).send().await.expect(204);
    let again =
        create(&server, "/v1/people", json!({ "name": "New", "kind": "participant", "external_ref": "hr-17" })).await;
    assert_eq!(uses(&server, &again).await, 0.0, "nor do deleted people come back");
}
