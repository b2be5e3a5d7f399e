//! Tokens of this server and of an external issuer, and every weakness for which a token is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{App, HttpResponse, HttpServer, web};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::Duration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use milepost_tests::{Engine, Reply, Server, beginning, on_both_engines};
use serde_json::{Value, json};

on_both_engines!(
    client_credentials,
    refusals_follow_the_standard,
    weak_tokens_of_ours_are_refused,
    tokens_follow_their_client,
    signing_keys_rotate,
    tokens_of_an_external_issuer,
    the_external_issuer_s_keys_are_fetched_once,
    tokens_end_with_their_key,
    an_issuer_that_hangs_costs_nobody_else,
    wrong_credentials_are_limited,
    what_an_issuer_sends_is_bounded,
);

async fn client(server: &Server, scopes: Value) -> (String, String) {
    let created = server.post("/v1/api-clients", json!({ "name": "CRM", "scopes": scopes })).await.expect(201);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&created["id"]), text(&created["key"]["secret"]))
}

async fn ask(server: &Server, form: &[(&str, &str)]) -> Reply {
    let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect();
    let call = server.call("POST", "/v1/oauth/token").anonymous();
    call.body("application/x-www-form-urlencoded", pairs.join("&")).send().await
}

async fn token(server: &Server, id: &str, secret: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    ask(server, &form).await.expect(200)["access_token"].as_str().expect("a token").to_owned()
}

async fn status(server: &Server, token: &str) -> u16 {
    server.call("GET", "/v1/customers").bearer(token).send().await.status.as_u16()
}

fn claims_of(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

async fn client_credentials(engine: Engine) {
    let server = Server::start(engine).await;
    let (id, secret) = client(&server, json!(["customers:read", "plans:read"])).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("client_secret", &secret),
        ("scope", "customers:read ledger:read"),
    ];
    let answer = ask(&server, &form).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = answer.expect(200);
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"], &answer["scope"]),
        (&json!("Bearer"), &json!(900), &json!("customers:read"))
    );
    let narrow = answer["access_token"].as_str().expect("a token");
    assert_eq!(status(&server, narrow).await, 200);
    server.call("GET", "/v1/plans").bearer(narrow).send().await.problem(403, "forbidden");
    let basic = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    let call = server.call("POST", "/v1/oauth/token").anonymous().header("Authorization", &format!("Basic {basic}"));
    let by_header =
        call.body("application/x-www-form-urlencoded", "grant_type=client_credentials").send().await.expect(200);
    assert_eq!(by_header["scope"], "customers:read plans:read");
    let keys = server.call("GET", "/.well-known/jwks.json").anonymous().send().await.expect(200);
    let header = jsonwebtoken::decode_header(narrow).expect("a header");
    assert_eq!((keys["keys"][0]["kid"].as_str(), header.typ.as_deref()), (header.kid.as_deref(), Some("at+jwt")));
    server.clock.advance(Duration::seconds(929));
    assert_eq!(status(&server, narrow).await, 200, "clocks may differ by less than half a minute");
    server.clock.advance(Duration::seconds(1));
    assert_eq!(status(&server, narrow).await, 401);
}

async fn refusals_follow_the_standard(engine: Engine) {
    let server = Server::start(engine).await;
    let (id, secret) = client(&server, json!(["customers:read"])).await;
    let (other, _) = client(&server, json!(["customers:read"])).await;
    let grant = ("grant_type", "client_credentials");
    for (form, status, error) in [
        (vec![grant, ("client_id", &*id)], 401, "invalid_client"),
        (vec![grant, ("client_id", &*other), ("client_secret", &*secret)], 401, "invalid_client"),
        (vec![grant, ("client_id", &*id), ("client_secret", "mp_wrong")], 401, "invalid_client"),
        (
            vec![("grant_type", "password"), ("client_id", &*id), ("client_secret", &*secret)],
            400,
            "unsupported_grant_type",
        ),
        (vec![grant, ("client_id", &*id), ("client_secret", &*secret), ("scope", "admin")], 400, "invalid_scope"),
        (vec![grant, grant, ("client_id", &*id), ("client_secret", &*secret)], 400, "invalid_request"),
    ] {
        let refused = ask(&server, &form).await;
        assert_eq!(refused.header("www-authenticate").starts_with("Basic"), status == 401, "{form:?}");
        assert_eq!(refused.expect(status)["error"], error, "{form:?}");
    }
    let json = server
        .call("POST", "/v1/oauth/token")
        .anonymous()
        .json(json!({ "grant_type": "client_credentials" }))
        .send()
        .await;
    assert_eq!(json.expect(400)["error"], "invalid_request");
}

/// Signs claims with the server's own key, as a flaw in issuing could do.
pub(crate) fn forge(der: &[u8], kid: &str, typ: Option<&str>, claims: &Value) -> String {
    let header = Header { typ: typ.map(str::to_owned), kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(der)).expect("a token")
}

/// Signs claims under a header that names an extension as critical.
fn with_crit(der: &[u8], kid: &str, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid, "crit": ["exp"], "exp": 0 });
    let signed = format!("{}.{}", part(&header), part(claims));
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).expect("a key");
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()).as_ref()))
}

pub(crate) fn with(claims: &Value, field: &str, value: Value) -> Value {
    let mut changed = claims.clone();
    match value {
        Value::Null => drop(changed.as_object_mut().expect("claims").remove(field)),
        value => changed[field] = value,
    }
    changed
}

/// Returns each weakness of the design's list, for any issuer, as `(name, typ, claims)`. The valid token comes first.
fn weaknesses(sound: &Value) -> Vec<(&'static str, Option<&'static str>, Value)> {
    let now = beginning().timestamp();
    let jwt = Some("at+jwt");
    let shifted =
        |exp: i64, iat: i64| with(&with(&with(sound, "exp", json!(exp)), "iat", json!(iat)), "nbf", json!(iat));
    vec![
        ("sound", jwt, sound.clone()),
        ("sound, two audiences", jwt, with(sound, "aud", json!(["other", sound["aud"]]))),
        ("no aud", jwt, with(sound, "aud", Value::Null)),
        ("wrong aud", jwt, with(sound, "aud", json!("other"))),
        ("no exp", jwt, with(sound, "exp", Value::Null)),
        ("no iat", jwt, with(sound, "iat", Value::Null)),
        ("no sub", jwt, with(sound, "sub", Value::Null)),
        ("empty sub", jwt, with(sound, "sub", json!(""))),
        ("a sub that would be cut", jwt, with(sound, "sub", json!("s".repeat(201)))),
        ("no iss", jwt, with(sound, "iss", Value::Null)),
        ("wrong iss", jwt, with(sound, "iss", json!("somebody"))),
        ("future nbf", jwt, with(sound, "nbf", json!(now + 60))),
        ("future iat", jwt, with(sound, "iat", json!(now + 60))),
        ("expired by 45 s", jwt, shifted(now - 45, now - 900)),
        ("year 2100", jwt, with(sound, "exp", json!(4_102_444_800_i64))),
        ("exp before iat", jwt, shifted(now + 10, now + 20)),
        ("no typ", None, sound.clone()),
        ("wrong typ", Some("JWT"), sound.clone()),
        ("another organization's form", jwt, with(sound, "organization_id", json!("not a uuid"))),
    ]
}

async fn check_weaknesses(server: &Server, der: &[u8], kid: &str, public: &[u8], sound: &Value) {
    for (name, typ, claims) in weaknesses(sound) {
        let expected = if name.starts_with("sound") { 200 } else { 401 };
        assert_eq!(status(server, &forge(der, kid, typ, &claims)).await, expected, "{name}");
    }
    assert_eq!(status(server, &forge(der, "unknown-kid", Some("at+jwt"), sound)).await, 401, "unknown kid");
    assert_eq!(status(server, &forge(der, "for-encryption", Some("at+jwt"), sound)).await, 401, "a key of another use");
    assert_eq!(status(server, &with_crit(der, kid, sound)).await, 401, "an extension that must be understood");
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(json!({ "alg": "none", "typ": "at+jwt", "kid": kid })), part(sound.clone()));
    assert_eq!(status(server, &unsigned).await, 401, "alg none");
    let header = Header { typ: Some("at+jwt".to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
    let confused = jsonwebtoken::encode(&header, sound, &EncodingKey::from_secret(public)).expect("a token");
    assert_eq!(status(server, &confused).await, 401, "the public key as a shared secret");
    let good = forge(der, kid, Some("at+jwt"), sound);
    let (head, _) = good.rsplit_once('.').expect("a signature");
    assert_eq!(
        status(server, &format!("{head}.{}", BASE64_URL_SAFE_NO_PAD.encode([7; 64]))).await,
        401,
        "a made-up signature"
    );
}

async fn weak_tokens_of_ours_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let (id, secret) = client(&server, json!(["customers:read"])).await;
    let sound = claims_of(&token(&server, &id, &secret).await);
    let keys =
        milepost::store::signing_keys::list(&mut server.db().read().await.expect("a connection")).await.expect("keys");
    let public = BASE64_URL_SAFE_NO_PAD.decode(&keys[0].public_x).expect("base64");
    check_weaknesses(&server, &keys[0].private_der, &keys[0].id, &public, &sound).await;
}

async fn tokens_follow_their_client(engine: Engine) {
    let server = Server::start(engine).await;
    let (id, secret) = client(&server, json!(["customers:read"])).await;
    let token = token(&server, &id, &secret).await;
    assert_eq!(status(&server, &token).await, 200);
    let path = format!("/v1/api-clients/{id}");
    server.patch(&path, json!({ "scopes": ["people:read"] })).await.expect(200);
    assert_eq!(status(&server, &token).await, 403);
    server.patch(&path, json!({ "scopes": ["customers:read"] })).await.expect(200);
    assert_eq!(status(&server, &token).await, 200);
    server.call("DELETE", &path).header("If-Match", "*").send().await.expect(204);
    assert_eq!(status(&server, &token).await, 401);
}

async fn signing_keys_rotate(engine: Engine) {
    // The second replica closes the database that both use.
    milepost_tests::leave_ledgers_unchecked();
    let server = Server::start(engine).await;
    let (id, secret) = client(&server, json!(["customers:read"])).await;
    let before = token(&server, &id, &secret).await;
    let new_kid =
        milepost::auth::issuer::rotate(server.db(), &server.clock, server.app.issuer.vault()).await.expect("a key");
    let settings = server.app.settings.clone();
    let other =
        milepost::serve::wire(settings, server.db().clone(), server.clock.clone()).await.expect("another replica");
    let running = milepost::serve::bind(other).expect("a server");
    let url = format!("http://{}", running.address);
    let handle = running.handle();
    let serving = tokio::spawn(async move { running.until_stopped().await });
    let second = Server { url, ..server };
    let after = token(&second, &id, &secret).await;
    assert_eq!(jsonwebtoken::decode_header(&after).expect("a header").kid, Some(new_kid));
    assert_eq!((status(&second, &before).await, status(&second, &after).await), (200, 200));
    let published = second.call("GET", "/.well-known/jwks.json").anonymous().send().await.expect(200);
    assert_eq!(published["keys"].as_array().map(Vec::len), Some(2));
    handle.stop(false).await;
    serving.await.expect("ended").expect("ended well");
}

/// An issuer on its own port, with discovery, keys, and a count of requests for the keys.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) der: Vec<u8>,
    pub(crate) public: Vec<u8>,
    pub(crate) asked: Arc<AtomicUsize>,
}

pub(crate) fn start_issuer() -> Issuer {
    let pair = Ed25519KeyPair::generate().expect("a key");
    let public = pair.public_key().as_ref().to_vec();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k1", "x": BASE64_URL_SAFE_NO_PAD.encode(&public) });
    let symmetric = json!({ "kty": "oct", "kid": "weak", "alg": "HS256", "k": "c2VjcmV0" });
    let mut for_encryption = jwk.clone();
    (for_encryption["use"], for_encryption["kid"]) = (json!("enc"), json!("for-encryption"));
    let keys = json!({ "keys": [symmetric, for_encryption, jwk] });
    let asked = Arc::new(AtomicUsize::new(0));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (count, base) = (Arc::clone(&asked), url.clone());
    let server = HttpServer::new(move || {
        let (keys, count, base) = (keys.clone(), Arc::clone(&count), base.clone());
        let discovery = json!({ "issuer": base, "jwks_uri": format!("{base}/keys") });
        App::new()
            .route(
                "/.well-known/openid-configuration",
                web::get().to(move || std::future::ready(HttpResponse::Ok().json(&discovery))),
            )
            .route(
                "/keys",
                web::get().to(move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    std::future::ready(HttpResponse::Ok().json(&keys))
                }),
            )
    });
    tokio::spawn(server.workers(1).disable_signals().listen(listener).expect("a server").run());
    Issuer { url, der: pair.to_pkcs8v1().expect("PKCS#8").as_ref().to_vec(), public, asked }
}

async fn with_issuer(engine: Engine) -> (Server, Issuer, Value) {
    let issuer = start_issuer();
    let server = Server::start_with(engine, |settings| {
        settings.external.oidc_issuer = Some(issuer.url.clone());
        settings.external.oidc_audience = Some("milepost-api".to_owned());
    })
    .await;
    let now = beginning().timestamp();
    let sound = json!({
        "iss": issuer.url, "aud": "milepost-api", "sub": "ana@example.com", "organization_id": server.organization_id,
        "scope": "openid customers:read", "iat": now, "nbf": now, "exp": now + 3600,
    });
    (server, issuer, sound)
}

async fn tokens_of_an_external_issuer(engine: Engine) {
    let (server, issuer, sound) = with_issuer(engine).await;
    check_weaknesses(&server, &issuer.der, "k1", &issuer.public, &sound).await;
    let good = forge(&issuer.der, "k1", Some("application/at+JWT"), &sound);
    server.call("GET", "/v1/plans").bearer(&good).send().await.problem(403, "forbidden");
    let writer = forge(&issuer.der, "k1", Some("at+jwt"), &with(&sound, "scope", json!("customers:write")));
    server.call("POST", "/v1/customers").bearer(&writer).json(json!({ "name": "A" })).send().await.expect(201);
    let entry = server.get("/v1/ledger?action=customer.created").await.expect(200);
    assert_eq!(entry["data"][0]["author"], json!({ "type": "user", "id": "ana@example.com" }));
    let stranger = with(&sound, "organization_id", json!("0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11"));
    assert_eq!(
        status(&server, &forge(&issuer.der, "k1", Some("at+jwt"), &stranger)).await,
        401,
        "an unknown organization"
    );
    // A token of ours signed by the external issuer, and a token of the external issuer that claims to be ours.
    let ours = with(&with(&sound, "iss", json!("milepost")), "aud", json!("milepost"));
    assert_eq!(status(&server, &forge(&issuer.der, "k1", Some("at+jwt"), &ours)).await, 401);
}

async fn the_external_issuer_s_keys_are_fetched_once(engine: Engine) {
    let (server, issuer, sound) = with_issuer(engine).await;
    let good = forge(&issuer.der, "k1", Some("at+jwt"), &sound);
    let many = (0..20).map(|_| status(&server, &good));
    assert_eq!(futures_util::future::join_all(many).await, [200; 20]);
    for n in 0..5 {
        assert_eq!(status(&server, &forge(&issuer.der, &format!("made-up-{n}"), Some("at+jwt"), &sound)).await, 401);
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1, "one fetch, whoever asks and whatever key is named");
}

async fn tokens_end_with_their_key(engine: Engine) {
    let server = Server::start(engine).await;
    let (id, first) = client(&server, json!(["customers:read"])).await;
    let keys = format!("/v1/api-clients/{id}/keys");
    let second = server.post(&keys, json!({})).await.expect(201);
    let of_first = token(&server, &id, &first).await;
    let of_second = token(&server, &id, second["secret"].as_str().expect("a secret")).await;
    let path = format!("{keys}/{}", second["id"].as_str().expect("an id"));
    server.call("DELETE", &path).header("If-Match", "*").send().await.expect(204);
    assert_eq!((status(&server, &of_first).await, status(&server, &of_second).await), (200, 401));
}

/// Serves one answer at every path of an issuer.
fn serve_always(answer: impl Fn() -> HttpResponse + Clone + Send + 'static, delay: std::time::Duration) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = HttpServer::new(move || {
        let answer = answer.clone();
        App::new().default_service(web::to(move || {
            let answer = answer.clone();
            async move {
                tokio::time::sleep(delay).await;
                answer()
            }
        }))
    });
    tokio::spawn(server.workers(1).disable_signals().listen(listener).expect("a server").run());
    url
}

async fn with_keys_at(engine: Engine, url: String) -> (Server, String) {
    let server = Server::start_with(engine, |settings| {
        settings.external.oidc_issuer = Some("https://issuer.example".to_owned());
        settings.external.oidc_jwks_url = Some(url);
        settings.external.oidc_audience = Some("milepost-api".to_owned());
    })
    .await;
    let now = beginning().timestamp();
    let claims = json!({
        "iss": "https://issuer.example", "aud": "milepost-api", "sub": "ana", "organization_id": server.organization_id,
        "scope": "customers:read", "iat": now, "exp": now + 3600,
    });
    let pair = Ed25519KeyPair::generate().expect("a key").to_pkcs8v1().expect("PKCS#8");
    (server, forge(pair.as_ref(), "k1", Some("at+jwt"), &claims))
}

async fn an_issuer_that_hangs_costs_nobody_else(engine: Engine) {
    let url = serve_always(|| HttpResponse::Ok().finish(), std::time::Duration::from_secs(60));
    let (server, token) = with_keys_at(engine, url).await;
    let waiting = tokio::spawn(server.call("GET", "/v1/customers").bearer(&token).send());
    while !waiting.is_finished() {
        // Whoever has a key of this server is answered while the others wait.
        server.get("/v1/customers").await.expect(200);
    }
    waiting.await.expect("a reply").problem(401, "unauthenticated");
}

async fn what_an_issuer_sends_is_bounded(engine: Engine) {
    let pair = Ed25519KeyPair::generate().expect("a key");
    let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let keys = move |padding: usize| {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k1", "x": x });
        HttpResponse::Ok().json(json!({ "keys": [jwk], "padding": "p".repeat(padding) }))
    };
    let no_delay = std::time::Duration::ZERO;
    let (small, large) = (keys.clone(), keys);
    let good = serve_always(move || small(0), no_delay);
    let elsewhere = good.clone();
    let redirect = move || HttpResponse::Found().insert_header(("Location", elsewhere.clone())).finish();
    for (url, expected) in
        [(good, 200), (serve_always(move || large(300_000), no_delay), 401), (serve_always(redirect, no_delay), 401)]
    {
        let (server, _) = with_keys_at(engine, url).await;
        let now = beginning().timestamp();
        let claims = json!({
            "iss": "https://issuer.example", "aud": "milepost-api", "sub": "ana", "organization_id": server.organization_id,
            "scope": "customers:read", "iat": now, "exp": now + 3600,
        });
        let der = pair.to_pkcs8v1().expect("PKCS#8");
        assert_eq!(status(&server, &forge(der.as_ref(), "k1", Some("at+jwt"), &claims)).await, expected);
    }
}

async fn wrong_credentials_are_limited(engine: Engine) {
    let server = Server::start_with(engine, |settings| {
        settings.refusals_per_minute = 5;
        settings.share_rate_limit_per_minute = 3;
        settings.client_address_header = Some("X-Forwarded-For".to_owned());
    })
    .await;
    let (_, known) = client(&server, json!(["customers:read"])).await;
    let plan = crate::samples::create_plan(&server).await;
    let link = server.post(&format!("{plan}/share-links"), json!({ "name": "L" })).await.expect(201);
    let link = link["path"].as_str().expect("a path").to_owned();
    let made_up = |number: u128| {
        let id = uuid::Uuid::from_u128(number);
        milepost::auth::api_key::ApiKey::generate(server.organization_id, id).expect("randomness").reveal()
    };
    let from = |address: &str, token: &str| {
        server
            .call("GET", "/v1/customers")
            .bearer(token)
            .header("X-Forwarded-For", &format!("spoofed, {address}"))
            .send()
    };
    for number in 0..5 {
        from("10.0.0.1", &made_up(number)).await.problem(401, "unauthenticated");
    }
    let refused = from("10.0.0.1", &made_up(9)).await;
    assert!(!refused.header("retry-after").is_empty());
    refused.problem(429, "rate_limited");
    from("10.0.0.1", "not a key").await.problem(429, "rate_limited");
    let form = "grant_type=client_credentials&client_id=a&client_secret=b";
    let ask = server.call("POST", "/v1/oauth/token").anonymous().header("X-Forwarded-For", "10.0.0.1");
    ask.body("application/x-www-form-urlencoded", form).send().await.problem(429, "rate_limited");
    from("10.0.0.1", &server.key).await.expect(200);
    from("10.0.0.2", &known).await.expect(200);
    // One key with wrong secrets is limited from wherever it comes.
    for address in 10..15 {
        from(&format!("10.0.0.{address}"), &made_up(77)).await.problem(401, "unauthenticated");
    }
    from("10.0.0.99", &made_up(77)).await.problem(429, "rate_limited");
    // A share link has a quota of its own, which takes nothing from its organization.
    let open = || server.call("GET", &link).anonymous().header("X-Forwarded-For", "10.0.0.50").send();
    for _ in 0..3 {
        open().await.expect(200);
    }
    let refused = open().await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("ratelimit-policy")),
        (429, "\"share_link\";q=3;w=60".to_owned())
    );
    server.get(&plan).await.expect(200);
}
