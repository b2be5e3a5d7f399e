//! People as callers: their tokens, their roles, and what is theirs.

use std::collections::BTreeSet;

use milepost_domain::access::Scope;
use milepost_domain::access::role::Role;
use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};
use strum::VariantArray as _;

use crate::contract::operations;
use crate::samples::{create, pluck};

on_both_engines!(
    a_client_acts_for_a_person,
    exchanges_that_are_refused,
    roles_grant_and_are_granted,
    the_last_admin_stays,
    relations_grant_what_is_theirs,
    a_list_shows_what_a_read_does,
    every_operation_for_every_role,
    what_waits_for_a_person
);

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const PERSON: &str = "urn:milepost:params:oauth:token-type:person";

/// Creates a client that may act for people; returns its identifier and its secret.
async fn acting(server: &Server, scopes: Value) -> (String, String) {
    let created = server.post("/v1/api-clients", json!({ "name": "Portal", "scopes": scopes })).await.expect(201);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&created["id"]), text(&created["key"]["secret"]))
}

async fn exchange(server: &Server, (id, secret): &(String, String), subject: &str, kind: &str) -> Reply {
    let form = [
        ("grant_type", EXCHANGE),
        ("client_id", id),
        ("client_secret", secret),
        ("subject_token", subject),
        ("subject_token_type", kind),
    ];
    let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", value.replace('@', "%40"))).collect();
    let call = server.call("POST", "/v1/oauth/token").anonymous();
    call.body("application/x-www-form-urlencoded", pairs.join("&")).send().await
}

async fn token_of(server: &Server, client: &(String, String), subject: &str) -> String {
    let answer = exchange(server, client, subject, PERSON).await.expect(200);
    answer["access_token"].as_str().expect("a token").to_owned()
}

async fn person(server: &Server, name: &str, more: Value) -> String {
    let mut draft =
        json!({ "name": name, "kind": "employee", "external_ref": name, "email": format!("{name}@example.com") });
    for (field, value) in more.as_object().expect("fields") {
        draft[field] = value.clone();
    }
    let path = create(server, "/v1/people", draft).await;
    path.rsplit('/').next().expect("an id").to_owned()
}

async fn give(server: &Server, id: &str, roles: Value) -> Reply {
    server.call("PUT", &format!("/v1/people/{id}/roles")).json(json!({ "roles": roles })).send().await
}

async fn a_client_acts_for_a_person(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({})).await;
    give(&server, &ana, json!(["people_admin"])).await.expect(200);
    for subject in [ana.as_str(), "ana", "ANA@example.com"] {
        let answer = exchange(&server, &client, subject, PERSON).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let answer = answer.expect(200);
        assert_eq!(answer["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
        assert_eq!(answer["scope"], "people:read people:write", "{subject}");
    }
    let token = token_of(&server, &client, "ana").await;
    let me = server.call("GET", "/v1/me").bearer(&token).send().await.expect(200);
    assert_eq!((&me["type"], &me["id"], &me["client_id"]), (&json!("person"), &json!(ana), &json!(client.0)));
    assert_eq!(
        (&me["name"], &me["roles"], &me["person"]["email"]),
        (&json!("ana"), &json!(["people_admin"]), &json!("ana@example.com"))
    );
    let draft = json!({ "name": "Ben", "kind": "employee" });
    server.call("POST", "/v1/people").bearer(&token).json(draft).send().await.expect(201);
    let entries = server.get(&format!("/v1/ledger?author_id={ana}")).await.expect(200);
    let author = json!({ "type": "person", "id": ana, "client_id": client.0 });
    assert_eq!(pluck(&entries, "author"), [&author], "the ledger names the person and the client");
    let itself = server.get("/v1/me").await.expect(200);
    assert_eq!(
        (&itself["type"], &itself["scopes"], &itself["person"]),
        (&json!("api_client"), &json!(["admin"]), &Value::Null)
    );
    assert!(itself["name"].is_string());
    // What is taken from the person, or from the client, is taken from the token.
    give(&server, &ana, json!([])).await.expect(200);
    let draft = json!({ "name": "Cai", "kind": "employee" });
    server.call("POST", "/v1/people").bearer(&token).json(draft).send().await.problem(403, "forbidden");
    server.patch(&format!("/v1/people/{ana}"), json!({ "employment": "left" })).await.expect(200);
    let left = server.call("GET", "/v1/me").bearer(&token).send().await;
    assert!(left.text.contains("has left"), "{}", left.text);
    left.problem(403, "forbidden");
    server.patch(&format!("/v1/people/{ana}"), json!({ "employment": "active" })).await.expect(200);
    server.call("GET", "/v1/me").bearer(&token).send().await.expect(200);
    server.patch(&format!("/v1/api-clients/{}", client.0), json!({ "scopes": ["plans:read"] })).await.expect(200);
    server.call("GET", "/v1/me").bearer(&token).send().await.problem(401, "unauthenticated");
}

async fn exchanges_that_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let plain = acting(&server, json!(["people:read"])).await;
    let boss = acting(&server, json!(["admin"])).await;
    let ana = person(&server, "ana", json!({})).await;
    person(&server, "zoe", json!({ "employment": "left" })).await;
    person(&server, "twin", json!({ "email": "ana@example.com" })).await;
    give(&server, &ana, json!(["admin"])).await.expect(200);
    for (client, subject, kind, error, text) in [
        (&plain, "ana", PERSON, "unauthorized_client", "people:act"),
        (&client, "nobody", PERSON, "invalid_request", ""),
        (&client, "ana@example.com", PERSON, "invalid_request", ""),
        (&client, "zoe", PERSON, "invalid_request", "has left"),
        (&client, "ana", PERSON, "invalid_target", "admin"),
        (&client, "ana", "urn:example:other", "invalid_request", "subject_token_type"),
        (&client, "not.a.token", "urn:ietf:params:oauth:token-type:jwt", "invalid_request", "not a valid token"),
    ] {
        let refused = exchange(&server, client, subject, kind).await;
        let status = 400;
        assert!(refused.text.contains(text), "{subject}: {}", refused.text);
        assert_eq!(refused.expect(status)["error"], error, "{subject} {kind}");
    }
    exchange(&server, &boss, "ana", PERSON).await.expect(200);
    // Another organization's people are nobody.
    let stranger = server.key_of("Contoso", &[Scope::Admin]).await;
    let theirs = json!({ "name": "Theirs", "kind": "employee", "external_ref": "theirs" });
    let theirs = server.call("POST", "/v1/people").bearer(&stranger).json(theirs).send().await.expect(201);
    let refused = exchange(&server, &boss, theirs["id"].as_str().expect("an id"), PERSON).await;
    assert_eq!(refused.expect(400)["error"], "invalid_request");
}

async fn roles_grant_and_are_granted(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let (ana, ben) = (person(&server, "ana", json!({})).await, person(&server, "ben", json!({})).await);
    let role = json!({ "key": "analyst", "name": "Analyst", "scopes": ["plans:read", "health:read"] });
    let role = create(&server, "/v1/roles", role).await;
    for (body, expected) in [
        (json!({ "key": "admin", "name": "A", "scopes": ["plans:read"] }), ("/key", "built_in_role")),
        (json!({ "key": "a", "name": "A", "scopes": ["everything"] }), ("/scopes/0", "not_an_option")),
    ] {
        assert_eq!(server.post("/v1/roles", body).await.problem(422, "validation_failed"), errors(&[expected]));
    }
    let given = give(&server, &ana, json!(["analyst", "people_admin", "member"])).await.expect(200);
    assert_eq!(given["roles"], json!(["analyst", "people_admin"]));
    assert_eq!(given["scopes"], json!(["people:read", "people:write", "plans:read", "health:read"]));
    assert_eq!(given, server.get(&format!("/v1/people/{ana}/roles")).await.expect(200));
    let token = token_of(&server, &client, "ana").await;
    let put = async |roles: Value| {
        let call = server.call("PUT", &format!("/v1/people/{ben}/roles")).bearer(&token);
        call.json(json!({ "roles": roles })).send().await
    };
    put(json!(["coach"])).await.expect(200);
    for role in ["admin", "auditor", "program_manager"] {
        assert_eq!(put(json!(["coach", role])).await.problem(409, "conflict"), errors(&[("/roles/1", "grants_more")]));
    }
    assert_eq!(put(json!(["nobody"])).await.problem(422, "validation_failed"), errors(&[("/roles/0", "unknown_role")]));
    server.call("GET", "/v1/reports/health").bearer(&token).send().await.expect(200);
    let narrower = json!({ "key": "analyst", "name": "Analyst", "scopes": ["plans:read"] });
    let replaced = server.call("PUT", &role).header("If-Match", "\"1\"").json(narrower).send().await.expect(200);
    assert_eq!(replaced["scopes"], json!(["plans:read"]));
    server.call("GET", "/v1/reports/health").bearer(&token).send().await.problem(403, "forbidden");
    server.call("DELETE", &role).header("If-Match", "\"2\"").send().await.problem(409, "conflict");
    give(&server, &ana, json!([])).await.expect(200);
    server.call("DELETE", &role).header("If-Match", "\"2\"").send().await.expect(204);
    let all = server.get("/v1/roles").await.expect(200);
    let relations = json!({ "data": all["relations"] });
    assert!(pluck(&relations, "relation").contains(&&json!("manager")), "{all}");
    assert_eq!(json!({ "data": all["built_in"] })["data"].as_array().expect("roles").len(), Role::VARIANTS.len());
}

async fn the_last_admin_stays(engine: Engine) {
    let server = Server::start(engine).await;
    let (ana, ben) = (person(&server, "ana", json!({})).await, person(&server, "ben", json!({})).await);
    give(&server, &ana, json!(["admin"])).await.expect(200);
    let path = format!("/v1/people/{ana}");
    let erase = async |id: &str| {
        let version = server.get(&format!("/v1/people/{id}")).await.expect(200)["version"].clone();
        server
            .call("POST", &format!("/v1/people/{id}/erase"))
            .header("If-Match", &format!("\"{version}\""))
            .send()
            .await
    };
    assert_eq!(give(&server, &ana, json!([])).await.problem(409, "conflict"), errors(&[("/roles", "last_admin")]));
    erase(&ana).await.problem(409, "conflict");
    server.patch(&path, json!({ "employment": "left" })).await.problem(409, "conflict");
    server.patch(&path, json!({ "archived": true })).await.problem(409, "conflict");
    let merged = server.post(&format!("/v1/people/{ben}/merges"), json!({ "duplicate_id": ana })).await;
    assert_eq!(merged.problem(409, "conflict"), errors(&[("/duplicate_id", "last_admin")]));
    server.patch(&path, json!({ "name": "Ana Petrova" })).await.expect(200);
    give(&server, &ben, json!(["admin"])).await.expect(200);
    server.patch(&path, json!({ "employment": "left" })).await.expect(200);
    erase(&ben).await.problem(409, "conflict");
    erase(&ana).await.expect(200);
}

async fn relations_grant_what_is_theirs(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({})).await;
    let ben = person(&server, "ben", json!({ "manager_ref": "ana" })).await;
    let customer = create(&server, "/v1/customers", json!({ "name": "Northwind", "external_ref": "c" })).await;
    let petra = json!({ "kind": "participant", "customer_ref": "c" });
    person(&server, "petra", petra).await;
    let milestones = json!([{ "key": "a", "name": "A", "planned_on": "2026-05-10", "owner_ref": "ben" }]);
    let draft = json!({ "name": "P", "start_on": "2026-05-01", "owner_ref": "ana", "customer_ref": "c", "milestones": milestones });
    let plan = create(&server, "/v1/plans", draft).await;
    let [of_ana, of_ben, of_petra] = [
        token_of(&server, &client, "ana").await,
        token_of(&server, &client, "ben").await,
        token_of(&server, &client, "petra").await,
    ];
    let status = async |token: &str, method: &str, path: &str, body: Value| {
        let call = server.call(method, path).bearer(token);
        let call = if body.is_null() { call } else { call.header("If-Match", "*").json(body) };
        call.send().await.status.as_u16()
    };
    let rename = json!({ "note": "In good shape." });
    let milestone = format!("{plan}/milestones/a");
    for (token, method, path, body, expected) in [
        (&of_ana, "GET", plan.clone(), Value::Null, 200),
        (&of_ana, "PATCH", milestone.clone(), rename.clone(), 200),
        (&of_ana, "GET", format!("/v1/people/{ben}"), Value::Null, 200),
        (&of_ana, "PATCH", format!("/v1/people/{ben}"), json!({ "name": "B" }), 403),
        (&of_ana, "GET", customer.clone(), Value::Null, 404),
        (&of_ana, "GET", "/v1/reports/spi".to_owned(), Value::Null, 403),
        (&of_ana, "POST", "/v1/plans".to_owned(), json!({ "name": "Q" }), 403),
        (&of_ben, "GET", milestone.clone(), Value::Null, 200),
        (&of_ben, "PATCH", milestone.clone(), rename.clone(), 403),
        (&of_ben, "GET", format!("/v1/people/{ana}"), Value::Null, 404),
        (&of_ben, "GET", format!("/v1/people/{ben}/managers"), Value::Null, 200),
        (&of_petra, "GET", customer.clone(), Value::Null, 200),
        (&of_petra, "GET", plan.clone(), Value::Null, 200),
        (&of_petra, "GET", format!("{plan}/status-report"), Value::Null, 200),
        (&of_petra, "PATCH", plan.clone(), json!({ "name": "Q" }), 403),
        (&of_petra, "GET", format!("/v1/people/{ana}"), Value::Null, 404),
    ] {
        assert_eq!(status(token, method, &path, body).await, expected, "{method} {path}");
    }
    let other = create(&server, "/v1/plans", json!({ "name": "Other", "start_on": "2026-05-01", "milestones": [{ "key": "a", "name": "A", "planned_on": "2026-05-10" }] })).await;
    for token in [&of_ana, &of_ben, &of_petra] {
        assert_eq!(status(token, "GET", &other, Value::Null).await, 404);
        let unknown = "/v1/plans/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
        assert_eq!(status(token, "GET", unknown, Value::Null).await, 404);
        let plans = server.call("GET", "/v1/plans").bearer(token).send().await.expect(200);
        assert_eq!(pluck(&plans, "name"), ["P"]);
    }
    // Relations are those of the day: ben reports to somebody else from now on.
    server.post(&format!("/v1/people/{ben}/reporting-lines"), json!({})).await.expect(201);
    assert_eq!(status(&of_ana, "GET", &format!("/v1/people/{ben}"), Value::Null).await, 404);
}

/// Random charts, owners and customers: what a list shows is what can be read one by one, for every kind of thing.
async fn a_list_shows_what_a_read_does(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let mut random = Pcg64Mcg::seed_from_u64(14);
    let names = ["ana", "ben", "cai", "dan", "eva", "fay", "gus"];
    let mut customers = vec![];
    for name in ["c1", "c2"] {
        customers.push(create(&server, "/v1/customers", json!({ "name": name, "external_ref": name })).await);
    }
    for (at, name) in names.iter().enumerate() {
        let mut more = json!({});
        if at > 0 && random.random_bool(0.7) {
            more["manager_ref"] = json!(names[random.random_range(0..at)]);
        }
        if at > 0 && random.random_bool(0.4) {
            more["owner_ref"] = json!(names[random.random_range(0..at)]);
        }
        if at > 4 {
            (more["kind"], more["customer_ref"]) =
                (json!("participant"), json!(format!("c{}", random.random_range(1..3))));
        }
        person(&server, name, more).await;
    }
    let team = create(&server, "/v1/teams", json!({ "name": "T", "lead_ref": "cai" })).await;
    let part = json!({ "name": "Part", "parent_id": team.rsplit('/').next().expect("an id") });
    let part = create(&server, "/v1/teams", part).await;
    server.post(&format!("{team}/members"), json!({ "person_ref": "fay" })).await.expect(201);
    server.post(&format!("{part}/members"), json!({ "person_ref": "dan" })).await.expect(201);
    for number in 0..14 {
        let some = |random: &mut Pcg64Mcg, share: f64| {
            random.random_bool(share).then(|| names[random.random_range(0..names.len())])
        };
        let customer = random.random_bool(0.4).then(|| format!("c{}", random.random_range(1..3)));
        let draft = json!({ "name": format!("P{number:02}"), "start_on": "2026-05-01", "owner_ref": some(&mut random, 0.5),
            "person_ref": some(&mut random, 0.3), "customer_ref": customer,
            "milestones": [{ "key": "a", "name": "A", "planned_on": "2026-05-10", "owner_ref": some(&mut random, 0.4) }] });
        create(&server, "/v1/plans", draft).await;
    }
    server.patch(&customers[0], json!({ "owner_ref": "eva" })).await.expect(200);
    let all = async |list: &str, token: Option<&str>, field: &str| -> BTreeSet<String> {
        let call = server.call("GET", &format!("{list}?limit=200"));
        let call = if let Some(token) = token { call.bearer(token) } else { call };
        let found = call.send().await.expect(200);
        pluck(&found, field).into_iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
    };
    let mut seen = 0;
    for name in names {
        let token = token_of(&server, &client, name).await;
        for (list, field) in
            [("/v1/plans", "id"), ("/v1/people", "id"), ("/v1/customers", "id"), ("/v1/milestones", "plan_id")]
        {
            let shown = all(list, Some(&token), field).await;
            let one = if list == "/v1/milestones" { "/v1/plans" } else { list };
            for id in all(list, None, field).await {
                let read = server.call("GET", &format!("{one}/{id}")).bearer(&token).send().await.status;
                assert_eq!(read == 200, shown.contains(&id), "{name} {list} {id}: {read}");
                seen += usize::from(read == 200);
            }
        }
    }
    assert!(seen > 40, "the chart is not empty: {seen}");
}

/// Walks every operation of the document as a person of each role: what the role's scopes do not allow is refused or not found, and
/// what they allow is not refused.
async fn every_operation_for_every_role(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["admin"])).await;
    let document = server.app.document.value();
    let id = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
    for role in Role::VARIANTS {
        let name = role.to_string().replace('_', "-");
        let somebody = person(&server, &name, json!({})).await;
        give(&server, &somebody, json!([role])).await.expect(200);
        let token = token_of(&server, &client, &name).await;
        for (method, path, operation) in operations(&document) {
            let Some(needed) = operation["security"][0]["bearer"][0].as_str() else { continue };
            let needed: Scope = needed.parse().expect("a scope");
            let filled: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect();
            let call = server.call(&method.to_uppercase(), &filled.join("/")).bearer(&token).header("If-Match", "*");
            let status = call.send().await.status.as_u16();
            let is_allowed = role.scopes().contains(&Scope::Admin) || role.scopes().contains(&needed);
            let expected = match operation["x-related"].as_str() {
                _ if is_allowed => status != 403 && status != 401,
                None => status == 403,
                Some("list") => status == 200,
                Some(_) => status == 404,
            };
            assert!(expected, "{role} {method} {path}: {status}");
        }
    }
}

async fn what_waits_for_a_person(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    person(&server, "ana", json!({})).await;
    person(&server, "ben", json!({ "manager_ref": "ana" })).await;
    let milestones = json!([
        { "key": "a", "name": "A", "planned_on": "2026-04-30", "owner_ref": "ana" },
        { "key": "b", "name": "B", "planned_on": "2026-06-10", "owner_ref": "ana" },
        { "key": "c", "name": "C", "planned_on": "2026-05-10", "owner_ref": "ben" },
        { "key": "d", "name": "D", "planned_on": "2026-04-29", "actual_on": "2026-04-29", "owner_ref": "ana" },
    ]);
    create(&server, "/v1/plans", json!({ "name": "P", "start_on": "2026-04-01", "milestones": milestones })).await;
    let customer = create(&server, "/v1/customers", json!({ "name": "C", "owner_ref": "ana" })).await;
    let customer_id = customer.rsplit('/').next().expect("an id");
    let task = json!({ "customer_id": customer_id, "kind": "coaching", "title": "Call", "due_on": "2026-05-20" });
    create(&server, "/v1/interventions", task).await;
    let token = token_of(&server, &client, "ana").await;
    let me = server.call("GET", "/v1/me").bearer(&token).send().await.expect(200);
    let items = json!({ "data": me["waiting"]["items"] });
    assert_eq!(pluck(&items, "name"), ["A", "Call", "B"]);
    assert_eq!(pluck(&items, "overdue"), [true, false, false]);
    assert_eq!((&me["waiting"]["overdue"], &me["reports"]), (&json!(1), &json!(1)));
}
