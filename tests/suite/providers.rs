//! Identity providers of organizations: whom their tokens mean.

use milepost_domain::access::Scope;
use milepost_tests::{Engine, Reply, Server, beginning, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::create;
use crate::tokens::{Issuer, forge, start_issuer, with};

on_both_engines!(
    a_claim_names_a_person,
    a_verified_address_names_a_person,
    people_come_into_being,
    a_provider_is_one_organization_s,
    private_addresses_are_not_asked,
    a_backend_exchanges_a_person_s_token
);

async fn with_provider(engine: Engine, content: Value) -> (Server, Issuer, Value, String) {
    let issuer = start_issuer();
    let server = Server::start_with(engine, |settings| settings.external.oidc_allow_private = true).await;
    let mut provider = json!({ "issuer": issuer.url, "audience": "milepost" });
    for (field, value) in content.as_object().expect("fields") {
        provider[field] = value.clone();
    }
    let path = create(&server, "/v1/identity-providers", provider).await;
    let now = beginning().timestamp();
    let sound = json!({ "iss": issuer.url, "aud": ["other", "milepost"], "sub": "subject-1", "iat": now, "nbf": now, "exp": now + 3600 });
    (server, issuer, sound, path)
}

async fn me(server: &Server, issuer: &Issuer, claims: &Value) -> Reply {
    let token = forge(&issuer.der, "k1", Some("at+jwt"), claims);
    server.call("GET", "/v1/me").bearer(&token).send().await
}

fn refusal(reply: Reply, expected: &str) {
    assert!(reply.text.contains(expected), "{expected}: {}", reply.text);
    reply.problem(403, "forbidden");
}

async fn a_claim_names_a_person(engine: Engine) {
    let (server, issuer, sound, path) = with_provider(engine, json!({ "claim": "employee_number" })).await;
    let claims = with(&sound, "employee_number", json!("hr-1"));
    refusal(me(&server, &issuer, &sound).await, "lacks the claim");
    refusal(me(&server, &issuer, &claims).await, "nobody whom the organization knows");
    let ana = create(&server, "/v1/people", json!({ "name": "Ana", "kind": "employee", "external_ref": "hr-1" })).await;
    let id = ana.rsplit('/').next().expect("an id");
    let found = me(&server, &issuer, &claims).await.expect(200);
    assert_eq!((&found["type"], &found["id"], &found["client_id"]), (&json!("person"), &json!(id), &Value::Null));
    let linked = server.get("/v1/ledger?action=person.identity_linked").await.expect(200);
    assert_eq!(linked["data"][0]["after"]["subject"], "subject-1");
    // From then on the subject means her, whatever her reference is.
    server.patch(&ana, json!({ "external_ref": "hr-2" })).await.expect(200);
    assert_eq!(me(&server, &issuer, &claims).await.expect(200)["id"], json!(id));
    assert_eq!(
        server.get("/v1/ledger?action=person.identity_linked").await.expect(200)["data"].as_array().map(Vec::len),
        Some(1)
    );
    server.patch(&ana, json!({ "employment": "left" })).await.expect(200);
    refusal(me(&server, &issuer, &claims).await, "has left");
    server.patch(&ana, json!({ "employment": "active" })).await.expect(200);
    let version = server.get(&ana).await.expect(200)["version"].clone();
    let erase = server.call("POST", &format!("{ana}/erase")).header("If-Match", &format!("\"{version}\""));
    erase.send().await.expect(200);
    refusal(me(&server, &issuer, &claims).await, "nobody whom the organization knows");
    server.patch(&path, json!({ "archived": true })).await.expect(200);
    me(&server, &issuer, &claims).await.problem(401, "unauthenticated");
    // A provider that comes later works at once.
    server.patch(&path, json!({ "archived": false })).await.expect(200);
    refusal(me(&server, &issuer, &claims).await, "nobody whom the organization knows");
}

async fn a_verified_address_names_a_person(engine: Engine) {
    let (server, issuer, sound, _) = with_provider(engine, json!({ "person_by": "verified_email" })).await;
    let draft = json!({ "name": "Ana", "kind": "employee", "email": "Ana@example.com" });
    let ana = create(&server, "/v1/people", draft).await;
    let claims = with(&sound, "email", json!("ana@EXAMPLE.com"));
    let verified = with(&claims, "email_verified", json!(true));
    refusal(me(&server, &issuer, &sound).await, "lacks the claim");
    for unverified in
        [claims.clone(), with(&claims, "email_verified", json!(false)), with(&claims, "email_verified", json!("true"))]
    {
        refusal(me(&server, &issuer, &unverified).await, "not verified");
    }
    create(&server, "/v1/people", json!({ "name": "Twin", "kind": "employee", "email": "ana@example.com" })).await;
    refusal(me(&server, &issuer, &verified).await, "Several people");
    server.patch(&ana, json!({ "email": "ana.petrova@example.com" })).await.expect(200);
    assert_eq!(me(&server, &issuer, &verified).await.expect(200)["name"], "Twin");
    // Whoever has gone makes room for whoever comes with the same address.
    let twin = server.get("/v1/people?email=ana@example.com").await.expect(200)["data"][0]["id"].clone();
    let twin = format!("/v1/people/{}", twin.as_str().expect("an id"));
    server.patch(&twin, json!({ "archived": true })).await.expect(200);
    refusal(me(&server, &issuer, &verified).await, "has left");
    create(&server, "/v1/people", json!({ "name": "New", "kind": "employee", "email": "ana@example.com" })).await;
    assert_eq!(me(&server, &issuer, &verified).await.expect(200)["name"], "New");
}

async fn people_come_into_being(engine: Engine) {
    let (server, issuer, sound, _) = with_provider(engine, json!({ "creates_people": true })).await;
    let claims = with(&with(&sound, "name", json!("Ana Petrova")), "email", json!("ana@example.com"));
    let found = me(&server, &issuer, &claims).await.expect(200);
    assert_eq!(
        (&found["name"], &found["person"]["external_ref"], &found["person"]["email_verified"]),
        (&json!("Ana Petrova"), &json!("subject-1"), &json!(false))
    );
    assert_eq!((&found["roles"], &found["scopes"]), (&json!([]), &json!([])));
    let many = (0..5).map(|_| me(&server, &issuer, &claims));
    for again in futures_util::future::join_all(many).await {
        assert_eq!(again.expect(200)["id"], found["id"], "one person, however often they come");
    }
    // Whoever has left does not come back by being created anew.
    let path = format!("/v1/people/{}", found["id"].as_str().expect("an id"));
    server.patch(&path, json!({ "employment": "left" })).await.expect(200);
    refusal(me(&server, &issuer, &claims).await, "has left");
    server.patch(&path, json!({ "employment": "active" })).await.expect(200);
    let other = with(&claims, "sub", json!("subject-2"));
    assert_ne!(me(&server, &issuer, &other).await.expect(200)["id"], found["id"]);
}

async fn a_provider_is_one_organization_s(engine: Engine) {
    let (server, issuer, sound, path) = with_provider(engine, json!({ "creates_people": true })).await;
    let stranger = server.key_of("Contoso", &[Scope::Admin]).await;
    let same = json!({ "issuer": issuer.url, "audience": "milepost" });
    let refused = server.call("POST", "/v1/identity-providers").bearer(&stranger).json(same).send().await;
    assert_eq!(refused.problem(409, "conflict"), errors(&[("/issuer", "taken")]));
    let theirs = json!({ "issuer": issuer.url, "audience": "contoso", "creates_people": true });
    server.call("POST", "/v1/identity-providers").bearer(&stranger).json(theirs).send().await.expect(201);
    let ours = me(&server, &issuer, &sound).await.expect(200);
    let theirs = me(&server, &issuer, &with(&sound, "aud", json!("contoso"))).await.expect(200);
    assert_ne!(ours["organization_id"], theirs["organization_id"]);
    for (body, expected) in [
        (json!({ "issuer": "http://login.example.com", "audience": "a" }), ("/issuer", "not_https")),
        (
            json!({ "issuer": "https://a.example", "jwks_url": "http://b.example", "audience": "a" }),
            ("/jwks_url", "not_https"),
        ),
        (json!({ "issuer": "ftp://a", "audience": "a" }), ("/issuer", "wrong_pattern")),
    ] {
        let refused = server.post("/v1/identity-providers", body).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[expected]));
    }
    // What is weak about a token is refused as everywhere.
    for (weak, typ) in [
        (with(&sound, "exp", json!(beginning().timestamp() - 60)), "at+jwt"),
        (with(&sound, "aud", json!("nobody")), "at+jwt"),
        (with(&sound, "exp", Value::Null), "at+jwt"),
        (sound.clone(), "JWT"),
    ] {
        let token = forge(&issuer.der, "k1", Some(typ), &weak);
        server.call("GET", "/v1/me").bearer(&token).send().await.problem(401, "unauthenticated");
    }
    server.patch(&path, json!({ "token_type": "JWT" })).await.expect(200);
    let token = forge(&issuer.der, "k1", Some("JWT"), &sound);
    server.call("GET", "/v1/me").bearer(&token).send().await.expect(200);
}

async fn private_addresses_are_not_asked(engine: Engine) {
    let issuer = start_issuer();
    let server = Server::start(engine).await;
    for url in [issuer.url.clone(), issuer.url.replace("127.0.0.1", "localhost")] {
        let provider =
            json!({ "issuer": url, "audience": "milepost", "creates_people": true, "jwks_url": format!("{url}/keys") });
        create(&server, "/v1/identity-providers", provider).await;
        let now = beginning().timestamp();
        let claims = json!({ "iss": url, "aud": "milepost", "sub": "s", "iat": now, "nbf": now, "exp": now + 3600 });
        me(&server, &issuer, &claims).await.problem(401, "unauthenticated");
    }
    assert_eq!(issuer.asked.load(std::sync::atomic::Ordering::SeqCst), 0, "nobody was asked");
}

async fn a_backend_exchanges_a_person_s_token(engine: Engine) {
    let (server, issuer, sound, _) = with_provider(engine, json!({ "creates_people": true })).await;
    let created =
        server.post("/v1/api-clients", json!({ "name": "Portal", "scopes": ["people:act"] })).await.expect(201);
    let token = forge(&issuer.der, "k1", Some("at+jwt"), &sound);
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&client_id={}&client_secret={}&subject_token={token}\
         &subject_token_type=urn:ietf:params:oauth:token-type:access_token",
        created["id"].as_str().expect("an id"),
        created["key"]["secret"].as_str().expect("a secret")
    );
    let call = server.call("POST", "/v1/oauth/token").anonymous();
    let answer = call.body("application/x-www-form-urlencoded", form).send().await.expect(200);
    let exchanged = answer["access_token"].as_str().expect("a token");
    let found = server.call("GET", "/v1/me").bearer(exchanged).send().await.expect(200);
    assert_eq!((&found["person"]["external_ref"], &found["client_id"]), (&json!("subject-1"), &created["id"]));
}
