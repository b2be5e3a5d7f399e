//! People as callers: clients that act for them, their roles, and what nobody becomes by keeping people.

use chrono::Duration;
use milepost_domain::access::Scope;
use milepost_domain::access::role::Role;
use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};
use strum::VariantArray as _;

use crate::samples::{create, pluck};

on_both_engines!(
    a_client_acts_for_a_person,
    keys_in_browsers_are_warned_of,
    exchanges_that_are_refused,
    roles_grant_and_are_granted,
    the_last_admin_stays,
    nobody_becomes_more_than_they_are,
    signing_out_ends_all_sessions
);

pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const PERSON: &str = "urn:milepost:params:oauth:token-type:person";

/// Creates a client that may act for people; returns its identifier and its secret.
pub(crate) async fn acting(server: &Server, scopes: Value) -> (String, String) {
    let created = server.post("/v1/api-clients", json!({ "name": "Portal", "scopes": scopes })).await.expect(201);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&created["id"]), text(&created["key"]["secret"]))
}

pub(crate) async fn exchange(server: &Server, (id, secret): &(String, String), subject: &str, kind: &str) -> Reply {
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

pub(crate) async fn token_of(server: &Server, client: &(String, String), subject: &str) -> String {
    let answer = exchange(server, client, subject, PERSON).await.expect(200);
    answer["access_token"].as_str().expect("a token").to_owned()
}

pub(crate) async fn person(server: &Server, name: &str, more: Value) -> String {
    let mut draft =
        json!({ "name": name, "kind": "employee", "external_ref": name, "email": format!("{name}@example.com") });
    for (field, value) in more.as_object().expect("fields") {
        draft[field] = value.clone();
    }
    let path = create(server, "/v1/people", draft).await;
    path.rsplit('/').next().expect("an id").to_owned()
}

pub(crate) async fn give(server: &Server, id: &str, roles: Value) -> Reply {
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
    let author = json!({ "type": "person", "id": ana, "client_id": client.0, "name": "ana" });
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

async fn keys_in_browsers_are_warned_of(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    person(&server, "ana", json!({})).await;
    let token = token_of(&server, &client, "ana").await;
    let origin = |call: milepost_tests::Call| call.header("Origin", "https://portal.example");
    let warned = origin(server.call("GET", "/v1/me")).send().await;
    assert!(warned.header("warning").starts_with("299 "), "an API key of whoever opens the page");
    assert_eq!(server.get("/v1/me").await.header("warning"), "", "no browser");
    assert_eq!(origin(server.call("GET", "/v1/me").bearer(&token)).send().await.header("warning"), "", "no key");
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

async fn nobody_becomes_more_than_they_are(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let (boss, mallory) = (person(&server, "boss", json!({})).await, person(&server, "mallory", json!({})).await);
    give(&server, &boss, json!(["admin"])).await.expect(200);
    give(&server, &mallory, json!(["people_admin"])).await.expect(200);
    let token = token_of(&server, &client, "mallory").await;
    let protected = |at: &str| errors(&[(at, "protected_person")]);
    for (survivor, duplicate) in [(&boss, &mallory), (&mallory, &boss)] {
        let merge = server.call("POST", &format!("/v1/people/{survivor}/merges")).bearer(&token);
        let refused = merge.json(json!({ "duplicate_id": duplicate })).send().await;
        assert_eq!(refused.problem(409, "conflict"), protected("/duplicate_id"));
    }
    for (field, value) in [("external_ref", "other"), ("email", "mallory2@example.com")] {
        let patch = server.call("PATCH", &format!("/v1/people/{boss}")).bearer(&token).header("If-Match", "*");
        let refused = patch.json(json!({ field: value })).send().await;
        assert_eq!(refused.problem(409, "conflict"), protected(&format!("/{field}")));
    }
    let item = json!({ "name": "Boss", "kind": "employee", "external_ref": "boss", "email": "mallory2@example.com" });
    let bulk = server.call("POST", "/v1/people/bulk").bearer(&token).json(json!({ "items": [item] })).send().await;
    assert_eq!(bulk.expect(207)["results"][0]["errors"][0]["code"], "protected_person");
    let rename = server.call("PATCH", &format!("/v1/people/{boss}")).bearer(&token).header("If-Match", "*");
    rename.json(json!({ "name": "Boss" })).send().await.expect(200);
    let own = server.call("PATCH", &format!("/v1/people/{mallory}")).bearer(&token).header("If-Match", "*");
    let refused = own.json(json!({ "owner_id": mallory })).send().await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/owner_id", "own_owner")]));
    // A token ends to be one for an admin whose client is none, whichever came first.
    let ana = person(&server, "ana", json!({})).await;
    let of_ana = token_of(&server, &client, "ana").await;
    give(&server, &ana, json!(["admin"])).await.expect(200);
    server.call("GET", "/v1/me").bearer(&of_ana).send().await.problem(403, "forbidden");
    let strong = acting(&server, json!(["admin"])).await;
    let of_boss = token_of(&server, &strong, "boss").await;
    server.call("GET", "/v1/me").bearer(&of_boss).send().await.expect(200);
    server.patch(&format!("/v1/api-clients/{}", strong.0), json!({ "scopes": ["people:act"] })).await.expect(200);
    server.call("GET", "/v1/me").bearer(&of_boss).send().await.problem(403, "forbidden");
}

async fn signing_out_ends_all_sessions(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({})).await;
    let ben = person(&server, "ben", json!({})).await;
    let [first, second, of_ben] = [
        token_of(&server, &client, "ana").await,
        token_of(&server, &client, "ana").await,
        token_of(&server, &client, "ben").await,
    ];
    let me = async |token: &str| server.call("GET", "/v1/me").bearer(token).send().await;
    server.clock.advance(Duration::milliseconds(1));
    server.call("POST", "/v1/me/sign-out").bearer(&first).send().await.expect(204);
    for ended in [&first, &second] {
        me(ended).await.problem(401, "unauthenticated");
    }
    me(&of_ben).await.expect(200);
    server.clock.advance(Duration::milliseconds(1));
    let again = token_of(&server, &client, "ana").await;
    me(&again).await.expect(200);
    server.call("POST", "/v1/me/sign-out").send().await.problem(403, "forbidden");
    // Who keeps people ends the sessions of others, but not of those who may do more.
    give(&server, &ben, json!(["people_admin"])).await.expect(200);
    server.clock.advance(Duration::milliseconds(1));
    let sign_out =
        async |id: &str| server.call("POST", &format!("/v1/people/{id}/sign-out")).bearer(&of_ben).send().await;
    sign_out(&ana).await.expect(204);
    me(&again).await.problem(401, "unauthenticated");
    give(&server, &ana, json!(["admin"])).await.expect(200);
    sign_out(&ana).await.problem(409, "conflict");
    let entries = server.get("/v1/ledger?action=person.signed_out").await.expect(200);
    let authors = pluck(&entries, "author").into_iter().map(|author| author["id"].clone()).collect::<Vec<_>>();
    assert_eq!(authors, [json!(ana), json!(ben)]);
}
