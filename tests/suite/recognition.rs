//! Badges, awards, and the credentials that prove them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Duration;
use milepost_domain::access::Scope;
use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, pluck};

on_both_engines!(
    badges_are_defined_and_drawn,
    awards_live_and_end,
    awards_are_renewed,
    holders_show_what_they_want,
    credentials_are_verified,
    old_keys_verify_what_they_signed,
    foreign_credentials_are_verified,
    awards_go_with_people
);

/// A server that the world reaches under a name of its own.
pub(crate) async fn start(engine: Engine) -> Server {
    Server::start_with(engine, |settings| settings.public_url = Some("https://badges.example.com/".to_owned())).await
}

pub(crate) fn badge(key: &str) -> Value {
    json!({ "key": key, "name": "First agent deployed", "description": "Has brought an AI agent into use.",
        "criteria": "An agent runs in the person's own work.", "tags": ["technical"], "valid_days": null,
        "alignments": [{ "name": "manage AI", "url": "https://esco.example/1", "code": null, "framework": "ESCO" }],
        "design": { "shape": "hexagon", "color": "teal", "tier": "gold", "text": "T1" } })
}

pub(crate) async fn award(server: &Server, badge_key: &str, person_ref: &str, more: Value) -> Value {
    let mut draft = json!({ "badge_key": badge_key, "person_ref": person_ref });
    for (field, value) in more.as_object().expect("fields") {
        draft[field] = value.clone();
    }
    server.post("/v1/awards", draft).await.expect(201)
}

pub(crate) async fn act(server: &Server, award: &Value, verb: &str) -> Reply {
    let path = format!("/v1/awards/{}/{verb}", award["id"].as_str().expect("an id"));
    server.post(&path, json!({ "reason": "For a good reason." })).await
}

/// The path of a public address on the server under test.
pub(crate) fn local(address: &Value) -> String {
    let path = address.as_str().expect("an address").strip_prefix("https://badges.example.com");
    path.expect("an address of ours").to_owned()
}

/// The claims of a JWT.
pub(crate) fn read(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

pub(crate) async fn verify(server: &Server, credential: &str) -> Value {
    server.post("/v1/credentials/verify", json!({ "credential": credential })).await.expect(200)
}

/// The checks that a credential does not pass.
pub(crate) fn failed(verdict: &Value) -> Vec<&str> {
    let checks = verdict["checks"].as_array().expect("checks").iter();
    checks.filter(|check| check["passed"] != true).map(|check| check["check"].as_str().expect("a name")).collect()
}

async fn badges_are_defined_and_drawn(engine: Engine) {
    let server = start(engine).await;
    create(&server, "/v1/badges", badge("t1")).await;
    server.post("/v1/badges", badge("t1")).await.problem(409, "conflict");
    let mut wrong = badge("t2");
    (wrong["design"]["text"], wrong["tags"]) = (json!("TOO LONG"), json!(["a", "a"]));
    let refused = server.post("/v1/badges", wrong).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("/design/text", "too_long"), ("/tags/1", "repeated_tag")]));
    let picture = server.get("/v1/badges/t1/picture.svg").await;
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert!(picture.text.contains("<title>First agent deployed</title>") && picture.text.contains(">T1</text>"));
    let read = server.get("/v1/badges/t1").await;
    let put = |body: Value| server.call("PUT", "/v1/badges/t1").header("If-Match", "\"1\"").json(body);
    assert_eq!(put(badge("other")).send().await.problem(422, "validation_failed"), errors(&[("/key", "not_the_path")]));
    let mut archived = badge("t1");
    archived["archived"] = json!(true);
    assert!(read.header("etag") == "\"1\"" && put(archived).send().await.expect(200)["archived_at"].is_string());
    let listed = server.get("/v1/badges").await.expect(200);
    assert_eq!(pluck(&listed, "key"), Vec::<&Value>::new());
    let listed = server.get("/v1/badges?archived=true&q=agent").await.expect(200);
    assert_eq!(pluck(&listed, "key"), ["t1"]);
    person(&server, "ana", json!({})).await;
    let refused = server.post("/v1/awards", json!({ "badge_key": "t1", "person_ref": "ana" })).await;
    assert_eq!(refused.problem(409, "conflict"), errors(&[("/badge_key", "archived")]));
}

async fn awards_live_and_end(engine: Engine) {
    let server = start(engine).await;
    create(&server, "/v1/badges", badge("t1")).await;
    let ana = person(&server, "ana", json!({})).await;
    for (draft, at, code) in [
        (json!({ "badge_key": "none", "person_ref": "ana" }), "/badge_key", "unknown_badge"),
        (json!({ "badge_key": "t1" }), "/person_id", "required"),
        (json!({ "badge_key": "t1", "person_ref": "nobody" }), "/person_ref", "unknown_person"),
        (
            json!({ "badge_key": "t1", "person_ref": "ana", "awarded_on": "2026-05-05" }),
            "/awarded_on",
            "awarded_in_future",
        ),
        (
            json!({ "badge_key": "t1", "person_ref": "ana", "expires_on": "2026-05-04" }),
            "/expires_on",
            "expires_too_early",
        ),
    ] {
        let refused = server.post("/v1/awards", draft.clone()).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[(at, code)]), "{draft}");
    }
    let given =
        award(&server, "t1", "ana@example.com", json!({ "expires_on": "2026-06-01", "note": "Seen by Ben." })).await;
    let seen = ["badge_key", "person_id", "person_name", "awarded_on", "expires_on", "state", "public_url"];
    let expected =
        [json!("t1"), json!(ana), json!("ana"), json!("2026-05-04"), json!("2026-06-01"), json!("active"), Value::Null];
    assert_eq!(seen.map(|field| given[field].clone()), expected);
    let again = server.post("/v1/awards", json!({ "badge_key": "t1", "person_id": ana })).await;
    assert_eq!(again.problem(409, "conflict"), errors(&[("/badge_key", "already_awarded")]));
    assert_eq!(act(&server, &given, "restore").await.problem(409, "conflict"), errors(&[("", "not_suspended")]));
    assert_eq!(act(&server, &given, "suspend").await.expect(200)["state"], "suspended");
    assert_eq!(act(&server, &given, "restore").await.expect(200)["state"], "active");
    // What expired stays visible, and does not count; the badge can then be given again.
    server.clock.advance(Duration::days(28));
    let listed = server.get(&format!("/v1/people/{ana}/awards")).await.expect(200);
    assert_eq!(pluck(&listed, "state"), ["expired"]);
    let second = award(&server, "t1", "ana", json!({})).await;
    let revoked = act(&server, &second, "revoke").await.expect(200);
    assert_eq!((&revoked["state"], &revoked["reason"]), (&json!("revoked"), &json!("For a good reason.")));
    for verb in ["restore", "suspend", "revoke", "renew"] {
        let path = format!("/v1/awards/{}/{verb}", second["id"].as_str().expect("an id"));
        let body = if verb == "renew" { json!({}) } else { json!({ "reason": "For a good reason." }) };
        let refused = server.post(&path, body).await.problem(409, "conflict");
        assert_eq!(refused, errors(&[("", "award_revoked")]), "{verb}");
    }
    award(&server, "t1", "ana", json!({})).await;
    let listed = server.get("/v1/awards?badge_key=t1&person_ref=ana").await.expect(200);
    assert_eq!(pluck(&listed, "state"), ["active", "revoked", "expired"]);
    assert_eq!(server.get("/v1/awards?badge_key=none").await.expect(200)["data"], json!([]));
    let entries = server.get(&format!("/v1/ledger?root_id={ana}&action=award.revoked")).await.expect(200);
    assert_eq!(pluck(&entries, "entity_id"), [&second["id"]]);
}

async fn awards_are_renewed(engine: Engine) {
    let server = start(engine).await;
    let mut lasting = badge("t1");
    lasting["valid_days"] = json!(365);
    create(&server, "/v1/badges", lasting).await;
    person(&server, "ana", json!({})).await;
    let given = award(&server, "t1", "ana", json!({ "awarded_on": "2025-06-01" })).await;
    assert_eq!(given["expires_on"], "2026-06-01");
    let path = format!("/v1/awards/{}/renew", given["id"].as_str().expect("an id"));
    let renewed = server.post(&path, json!({})).await.expect(201);
    let seen = ["awarded_on", "issued_on", "expires_on", "renews_id"].map(|field| renewed[field].clone());
    assert_eq!(seen, [json!("2025-06-01"), json!("2026-05-04"), json!("2027-05-04"), given["id"].clone()]);
    let refused = server.post(&path, json!({})).await.problem(409, "conflict");
    assert_eq!(refused, errors(&[("", "already_awarded")]));
    let id = given["id"].as_str().expect("an id");
    assert_eq!(server.get(&format!("/v1/awards/{id}")).await.expect(200)["renewed_by_id"], renewed["id"]);
    let person_id = given["person_id"].as_str().expect("an id");
    let credential = format!("/v1/people/{person_id}/awards/{}/credential", renewed["id"].as_str().expect("an id"));
    let credential = read(&server.get(&credential).await.text);
    let times = ["awardedDate", "validFrom", "validUntil"].map(|field| credential[field].clone());
    assert_eq!(times, [json!("2025-06-01T00:00:00Z"), json!("2026-05-04T00:00:00Z"), json!("2027-05-04T00:00:00Z")]);
}

async fn holders_show_what_they_want(engine: Engine) {
    let server = start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    create(&server, "/v1/badges", badge("t1")).await;
    let ana = person(&server, "ana", json!({ "name": "Ana <Petrova>" })).await;
    person(&server, "boss", json!({})).await;
    server.patch(&format!("/v1/people/{ana}"), json!({ "manager_ref": "boss" })).await.expect(200);
    person(&server, "colleague", json!({})).await;
    let given = award(
        &server,
        "t1",
        "ana",
        json!({ "note": "Private.", "evidence": [{ "name": "Demo", "url": "https://example.com/d" }] }),
    )
    .await;
    let own = format!("/v1/people/{ana}/awards/{}", given["id"].as_str().expect("an id"));
    let page = format!("/credentials/{}/{}", server.organization_id, given["id"].as_str().expect("an id"));
    let world = async |accept: &str| server.call("GET", &page).anonymous().header("accept", accept).send().await;
    world("application/vc+jwt").await.problem(404, "not_found");
    let publish = async |name: &str, publication: Value| {
        let token = token_of(&server, &client, name).await;
        let call = server.call("PUT", &format!("{own}/publication")).bearer(&token);
        call.json(json!({ "publication": publication })).send().await
    };
    publish("colleague", json!("hashed")).await.problem(403, "forbidden");
    publish("boss", json!("hashed")).await.problem(403, "forbidden");
    let shown = publish("ana", json!("hashed")).await.expect(200);
    assert_eq!(local(&shown["public_url"]), page);
    assert!(shown["linkedin_url"].as_str().is_some_and(|url| url.contains("certUrl=https%3A%2F%2Fbadges")), "{shown}");
    for (name, expected) in [("ana", 200), ("boss", 200), ("colleague", 404)] {
        let token = token_of(&server, &client, name).await;
        for path in [format!("/v1/people/{ana}/awards"), format!("{own}/credential")] {
            let read = server.call("GET", &path).bearer(&token).send().await;
            assert_eq!(read.status.as_u16(), expected, "{name} {path}");
        }
    }
    let html = world("text/html").await;
    assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
    assert!(html.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(html.text.contains("Ana &lt;Petrova&gt;") && html.text.contains("og:title"), "{}", html.text);
    assert!(!html.text.contains("Private."), "a note is never public");
    let hashed = world("application/vc+jwt").await.text;
    assert!(!hashed.contains("Private.") && !read(&hashed).to_string().contains("ana@example.com"));
    let document = world("application/json").await.expect(200);
    assert_eq!(document["credentialSubject"], read(&hashed)["credentialSubject"]);
    assert!(document["proof"].is_object() && !document.to_string().contains("Private."));
    publish("ana", json!("email")).await.expect(200);
    let named = read(&world("application/vc+jwt").await.text);
    assert_eq!(
        (&named["credentialSubject"]["id"], &named["sub"]),
        (&json!("mailto:ana@example.com"), &json!("mailto:ana@example.com"))
    );
    // Whoever has another address keeps what they have.
    server.patch(&format!("/v1/people/{ana}"), json!({ "email": "petrova@example.com" })).await.expect(200);
    assert_eq!(read(&world("application/vc+jwt").await.text)["sub"], "mailto:petrova@example.com");
    act(&server, &given, "suspend").await.expect(200);
    assert!(world("text/html").await.text.contains("is suspended"));
    act(&server, &given, "revoke").await.expect(200);
    world("application/vc+jwt").await.problem(410, "gone");
    let gone = world("text/html").await;
    assert!(
        gone.status == 410 && gone.text.contains("<h1>This award was revoked</h1>"),
        "{}: {}",
        gone.status,
        gone.text
    );
    publish("ana", Value::Null).await.expect(200);
    world("application/vc+jwt").await.problem(404, "not_found");
    let page = world("text/html").await;
    assert!(page.status == 404 && page.text.contains("This page is not there"), "{}", page.text);
}

async fn credentials_are_verified(engine: Engine) {
    let server = start(engine).await;
    create(&server, "/v1/badges", badge("t1")).await;
    let ana = person(&server, "ana", json!({})).await;
    let given = award(&server, "t1", "ana", json!({ "expires_on": "2026-07-01" })).await;
    let path = format!("/v1/people/{ana}/awards/{}/credential", given["id"].as_str().expect("an id"));
    let credential = server.get(&path).await.text;
    assert_eq!(server.get(&path).await.text, credential, "a credential is the same every time");
    let verdict = verify(&server, &credential).await;
    assert_eq!((failed(&verdict), &verdict["valid"]), (vec![], &json!(true)), "{verdict}");
    assert_eq!(verdict["name"], "First agent deployed");
    // Everything that the credential names is there.
    let claims = read(&credential);
    for address in [&claims["iss"], &claims["credentialSubject"]["achievement"]["id"]] {
        let read = server.call("GET", &local(address)).anonymous().send().await.expect(200);
        assert_eq!(read["id"], *address);
    }
    let mut achievement = server.get(&local(&claims["credentialSubject"]["achievement"]["id"])).await.expect(200);
    achievement.as_object_mut().expect("an object").remove("@context").expect("contexts");
    assert_eq!(achievement, claims["credentialSubject"]["achievement"]);
    let picture = local(&claims["credentialSubject"]["achievement"]["image"]["id"]);
    assert_eq!(server.call("GET", &picture).anonymous().send().await.header("content-type"), "image/svg+xml");
    for entry in claims["credentialStatus"].as_array().expect("entries") {
        let list = server.call("GET", &local(&entry["statusListCredential"])).anonymous().send().await;
        assert_eq!(list.header("content-type"), "application/vc+jwt");
        let list = read(&list.text);
        assert_eq!(
            (&list["id"], &list["credentialSubject"]["statusPurpose"]),
            (&entry["statusListCredential"], &entry["statusPurpose"])
        );
        assert!(entry["statusListIndex"].is_string());
    }
    let beyond = format!("/issuers/{}/status-lists/revocation/2", server.organization_id);
    server.call("GET", &beyond).anonymous().send().await.problem(404, "not_found");
    // What is wrong is found, whatever it is.
    let parts: Vec<&str> = credential.split('.').collect();
    let with = |header: Value, payload: &Value, signature: &str| {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{signature}", part(&header), part(payload))
    };
    let header: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[0]).expect("base64url")).expect("JSON");
    let mut changed = claims.clone();
    changed["credentialSubject"]["achievement"]["name"] = json!("Something greater");
    let mut other_list = claims.clone();
    other_list["credentialStatus"][0]["statusListCredential"] =
        json!("https://badges.example.com/issuers/other/status-lists/revocation/1");
    let none = json!({ "alg": "none", "kid": header["kid"] });
    let hmac = json!({ "alg": "HS256", "kid": header["kid"] });
    let elsewhere = json!({ "alg": "RS256", "kid": "https://evil.example/keys/1" });
    let mut context = claims.clone();
    context["@context"] = json!(["https://example.com/unknown"]);
    for (credential, expected) in [
        ("no credential".to_owned(), vec!["format"]),
        (with(header.clone(), &changed, parts[2]), vec!["signature"]),
        (with(header.clone(), &other_list, parts[2]), vec!["signature"]),
        (with(header.clone(), &context, parts[2]), vec!["type", "signature"]),
        (with(none, &claims, ""), vec!["algorithm", "key", "signature"]),
        (with(hmac, &claims, parts[2]), vec!["algorithm", "key", "signature"]),
        (with(elsewhere, &claims, parts[2]), vec!["key", "signature"]),
    ] {
        let verdict = verify(&server, &credential).await;
        assert_eq!((failed(&verdict), &verdict["valid"]), (expected, &json!(false)), "{credential}");
    }
    act(&server, &given, "suspend").await.expect(200);
    assert_eq!(failed(&verify(&server, &credential).await), ["suspension"]);
    act(&server, &given, "restore").await.expect(200);
    assert_eq!(failed(&verify(&server, &credential).await), Vec::<&str>::new());
    act(&server, &given, "revoke").await.expect(200);
    assert_eq!(failed(&verify(&server, &credential).await), ["revocation"]);
    server.clock.advance(Duration::days(60));
    assert_eq!(failed(&verify(&server, &credential).await), ["validity", "revocation"]);
}

async fn old_keys_verify_what_they_signed(engine: Engine) {
    let server = start(engine).await;
    create(&server, "/v1/badges", badge("t1")).await;
    let ana = person(&server, "ana", json!({})).await;
    let given = award(&server, "t1", "ana", json!({})).await;
    let path = format!("/v1/people/{ana}/awards/{}/credential", given["id"].as_str().expect("an id"));
    let old = server.get(&path).await.text;
    let embedded = async || server.call("GET", &path).header("Accept", "application/vc").send().await.text;
    let old_embedded = embedded().await;
    let added = server.post("/v1/credential-keys", json!({})).await;
    let address = local(&json!(added.header("location")));
    let keys = added.expect(201);
    assert_eq!(pluck(&json!({ "data": keys["keys"] }), "kty"), ["RSA", "OKP"]);
    let published = server.call("GET", &address).anonymous().send().await.expect(200);
    assert!(keys["keys"].as_array().expect("keys").iter().all(|key| published.to_string().contains(&key.to_string())));
    let (new, new_embedded) = (server.get(&path).await.text, embedded().await);
    assert!(new != old && new_embedded != old_embedded);
    for credential in [&old, &new, &old_embedded, &new_embedded] {
        let verdict = verify(&server, credential).await;
        assert_eq!(verdict["valid"], true, "{verdict}");
    }
    let keys = server.call("GET", &format!("/issuers/{}/jwks.json", server.organization_id)).anonymous().send().await;
    assert_eq!(keys.expect(200)["keys"].as_array().map(Vec::len), Some(4));
    let nobody = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
    for path in [
        format!("/issuers/{nobody}"),
        format!("/issuers/{nobody}/jwks.json"),
        format!("/credentials/{nobody}/{nobody}"),
    ] {
        server.call("GET", &path).anonymous().send().await.problem(404, "not_found");
    }
}

/// A credential of one server is verified by another one, which asks the first for its key and its lists.
async fn foreign_credentials_are_verified(engine: Engine) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let public = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let address = public.trim_start_matches("http://").parse().expect("an address");
    let issuer = Server::start_with(engine, |settings| {
        settings.listen = address;
        settings.public_url = Some(public);
    })
    .await;
    create(&issuer, "/v1/badges", badge("t1")).await;
    let ana = person(&issuer, "ana", json!({})).await;
    let given = award(&issuer, "t1", "ana", json!({})).await;
    let path = format!("/v1/people/{ana}/awards/{}/credential", given["id"].as_str().expect("an id"));
    let credential = issuer.get(&path).await.text;
    let embedded = issuer.call("GET", &path).header("Accept", "application/vc").send().await.text;
    let open = Server::start_with(engine, |settings| settings.credentials_allow_private = true).await;
    for credential in [&credential, &embedded] {
        let verdict = verify(&open, credential).await;
        assert_eq!((failed(&verdict), &verdict["valid"]), (vec![], &json!(true)), "{verdict}");
    }
    // An issuer that names no host has no key, wherever the key is.
    let mut nobody = read(&credential);
    nobody["issuer"]["id"] = json!("http:");
    let parts: Vec<&str> = credential.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], BASE64_URL_SAFE_NO_PAD.encode(nobody.to_string()), parts[2]);
    assert_eq!(failed(&verify(&open, &forged).await), ["key", "signature"]);
    act(&issuer, &given, "revoke").await.expect(200);
    assert_eq!(failed(&verify(&open, &credential).await), ["revocation"]);
    assert_eq!(failed(&verify(&open, &embedded).await), ["revocation"]);
    // Unless the operator allows it, nothing within the house is asked.
    let closed = Server::start(engine).await;
    let verdict = verify(&closed, &credential).await;
    assert_eq!(failed(&verdict), ["key", "signature"], "{verdict}");
}

async fn awards_go_with_people(engine: Engine) {
    let server = start(engine).await;
    create(&server, "/v1/badges", badge("t1")).await;
    let ana = person(&server, "ana", json!({})).await;
    let twin = person(&server, "twin", json!({})).await;
    let given = award(&server, "t1", "twin", json!({ "note": "To be forgotten." })).await;
    server.call("DELETE", &format!("/v1/people/{twin}")).header("If-Match", "*").send().await.problem(409, "conflict");
    let merge = server.post(&format!("/v1/people/{ana}/merges"), json!({ "duplicate_id": twin })).await.expect(201);
    assert!(merge["moved"].to_string().contains("awards"), "{merge}");
    let listed = server.get(&format!("/v1/people/{ana}/awards")).await.expect(200);
    assert_eq!(pluck(&listed, "id"), [&given["id"]]);
    let copy = server.get(&format!("/v1/people/{ana}/export")).await.text;
    assert!(
        copy.lines().any(|line| line.contains("\"kind\":\"award\"") && line.contains("To be forgotten.")),
        "{copy}"
    );
    let stranger = server.key_of("Contoso", &[Scope::Admin]).await;
    let path = format!("/v1/awards/{}", given["id"].as_str().expect("an id"));
    server.call("GET", &path).bearer(&stranger).send().await.problem(404, "not_found");
    server.call("POST", &format!("/v1/people/{ana}/erase")).header("If-Match", "*").send().await.expect(200);
    server.get(&path).await.problem(404, "not_found");
    assert!(!server.get("/v1/ledger?limit=200").await.text.contains("To be forgotten."));
}
