//! Credentials with embedded proofs, baked into pictures, and the pictures themselves.

use milepost_domain::access::Scope;
use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::person;
use crate::recognition::{act, award, badge, failed, local, read, start, verify};
use crate::samples::{create, pluck};

on_both_engines!(
    credentials_are_embedded,
    results_are_in_credentials,
    sets_of_badges_earn_others,
    what_an_embedded_proof_does_not_cover_is_found,
    credentials_are_baked,
    published_awards_have_pictures,
    artworks_replace_drawings,
    artworks_are_harmless
);

/// A drawing of somebody's own.
pub(crate) const ARTWORK: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\"><path d=\"M0 0H10V10Z\"/></svg>";

/// A server with an award; returns the award, and the path of its credential.
async fn awarded(engine: Engine) -> (Server, Value, String) {
    let server = start(engine).await;
    create(&server, "/v1/badges", badge("t1")).await;
    let ana = person(&server, "ana", json!({})).await;
    let evidence = json!([{ "name": "Recording", "url": "https://example.com/demo" }]);
    let given = award(&server, "t1", "ana", json!({ "expires_on": "2026-07-01", "evidence": evidence })).await;
    let path = format!("/v1/people/{ana}/awards/{}/credential", given["id"].as_str().expect("an id"));
    (server, given, path)
}

async fn accepting(server: &Server, path: &str, media: &str) -> Reply {
    let reply = server.call("GET", path).header("Accept", media).send().await;
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, media.to_owned()), "{}", reply.text);
    reply
}

async fn verify_picture(server: &Server, media: &str, bytes: Vec<u8>) -> Value {
    server.call("POST", "/v1/credentials/verify-picture").body(media, bytes).send().await.expect(200)
}

async fn credentials_are_embedded(engine: Engine) {
    let (server, given, path) = awarded(engine).await;
    let credential = accepting(&server, &path, "application/vc").await;
    assert_eq!(accepting(&server, &path, "application/json").await.text, credential.text, "it is the same every time");
    let document: Value = serde_json::from_str(&credential.text).expect("JSON");
    assert_eq!(document["proof"]["cryptosuite"], "eddsa-rdfc-2022");
    let verdict = verify(&server, &credential.text).await;
    assert_eq!((failed(&verdict), &verdict["valid"]), (vec![], &json!(true)), "{verdict}");
    // It says what the JWT says.
    let mut unsigned = document.clone();
    unsigned.as_object_mut().expect("an object").remove("proof");
    let mut claims = read(&server.get(&path).await.text);
    for claim in ["iss", "jti", "nbf", "exp"] {
        claims.as_object_mut().expect("an object").remove(claim).expect("a claim");
    }
    assert_eq!(unsigned, claims);
    // The key is at its address, and the issuer says that it is theirs.
    let method = &document["proof"]["verificationMethod"];
    let key = server.call("GET", &local(method)).anonymous().send().await.expect(200);
    assert_eq!((&key["id"], &key["type"], &key["controller"]), (method, &json!("Multikey"), &document["issuer"]["id"]));
    let issuer = server.call("GET", &local(&document["issuer"]["id"])).anonymous().send().await.expect(200);
    assert_eq!((&issuer["assertionMethod"], &issuer["verificationMethod"]), (&json!([method]), &json!([key])));
    let list = local(&document["credentialStatus"][0]["statusListCredential"]);
    let list = server.call("GET", &list).anonymous().header("Accept", "application/vc").send().await;
    assert_eq!(list.body["proof"]["verificationMethod"], *method);
    act(&server, &given, "suspend").await.expect(200);
    assert_eq!(failed(&verify(&server, &credential.text).await), ["suspension"]);
    act(&server, &given, "restore").await.expect(200);
    server
        .call("PUT", &path.replace("/credential", "/publication"))
        .json(json!({ "publication": "hashed" }))
        .send()
        .await
        .expect(200);
    act(&server, &given, "revoke").await.expect(200);
    assert_eq!(failed(&verify(&server, &credential.text).await), ["revocation"]);
    let revoked = format!("/issuers/{}/revocation-list", server.organization_id);
    let revoked = server.call("GET", &revoked).anonymous().send().await.expect(200);
    assert_eq!(revoked["revokedCredential"], json!([{ "id": document["id"], "revoked": true }]));
}

async fn what_an_embedded_proof_does_not_cover_is_found(engine: Engine) {
    let (server, _, path) = awarded(engine).await;
    let signed: Value = accepting(&server, &path, "application/vc").await.body;
    let with = |change: fn(&mut Value)| {
        let mut changed = signed.clone();
        change(&mut changed);
        changed
    };
    for (credential, expected) in [
        (with(|one| one["credentialSubject"]["achievement"]["name"] = json!("Something greater")), vec!["signature"]),
        (with(|one| one["validUntil"] = json!("2036-07-01T00:00:00Z")), vec!["signature"]),
        (with(|one| one["awardedBy"] = json!("Somebody greater")), vec!["fields"]),
        (
            with(|one| {
                let status = one["credentialStatus"].clone();
                one["credentialStatus"] = json!([status]);
            }),
            vec!["fields", "revocation", "suspension"],
        ),
        (
            with(|one| {
                one["credentialStatus"][0]["statusListCredential"] =
                    json!("https://badges.example.com/issuers/other/list");
            }),
            vec!["signature"],
        ),
        (with(|one| one["@context"][1] = json!("https://example.com/unknown")), vec!["type", "signature", "fields"]),
        (with(|one| one["proof"]["cryptosuite"] = json!("none")), vec!["algorithm", "key", "signature"]),
        (with(|one| one["proof"] = json!([one["proof"], one["proof"]])), vec!["algorithm", "key", "signature"]),
        (
            with(|one| one["proof"]["verificationMethod"] = json!("https://evil.example/keys/1")),
            vec!["key", "signature"],
        ),
        (with(|one| one["proof"]["expires"] = json!("2020-01-01T00:00:00Z")), vec!["signature", "fields"]),
        (
            with(|one| {
                one.as_object_mut().expect("an object").remove("proof");
            }),
            vec!["algorithm", "key", "signature"],
        ),
        (json!({}), vec!["algorithm", "type", "key", "signature"]),
    ] {
        let verdict = verify(&server, &credential.to_string()).await;
        assert_eq!((failed(&verdict), &verdict["valid"]), (expected, &json!(false)), "{credential} {verdict}");
    }
}

async fn results_are_in_credentials(engine: Engine) {
    let server = start(engine).await;
    create(&server, "/v1/badges", badge("t1")).await;
    let mut changed = badge("t1");
    changed["name"] = json!("First agent in use");
    server.call("PUT", "/v1/badges/t1").header("If-Match", "*").json(changed).send().await.expect(200);
    let ana = person(&server, "ana", json!({})).await;
    let score = |points: u32| json!({ "results": [{ "criterion": "Clarity", "points": points, "of": 5 }] });
    let mut draft = score(6);
    (draft["badge_key"], draft["person_ref"]) = (json!("t1"), json!("ana"));
    let refused = server.post("/v1/awards", draft).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("/results/0/points", "beyond_full_marks")]));
    let given = award(&server, "t1", "ana", score(4)).await;
    assert_eq!((&given["badge_version"], &given["results"][0]["points"]), (&json!(2), &json!(4.0)));
    let path = format!("/v1/people/{ana}/awards/{}/credential", given["id"].as_str().expect("an id"));
    let subject = read(&server.get(&path).await.text)["credentialSubject"].clone();
    assert_eq!(pluck(&json!({ "data": subject["result"] }), "value"), ["Gold", "4"]);
    let described = json!({ "data": subject["achievement"]["resultDescription"] });
    assert_eq!(pluck(&described, "resultType"), ["PerformanceLevel", "RubricScore"]);
    assert_eq!(subject["achievement"]["version"], "2");
    let embedded = accepting(&server, &path, "application/vc").await.text;
    assert_eq!(failed(&verify(&server, &embedded).await), Vec::<&str>::new(), "a proof covers them, too");
}

async fn sets_of_badges_earn_others(engine: Engine) {
    let server = start(engine).await;
    let plain = |key: &str| json!({ "key": key, "name": key, "description": "D", "criteria": "C" });
    let earned = |key: &str, by: &[&str], at_least: Value| {
        let mut badge = plain(key);
        badge["earned_by"] = json!({ "badges": by, "at_least": at_least });
        badge
    };
    for key in ["a", "b", "c"] {
        create(&server, "/v1/badges", plain(key)).await;
    }
    for (body, at, code) in [
        (earned("x", &["a", "none"], Value::Null), "/earned_by/badges/1", "unknown_badge"),
        (earned("x", &["a", "a"], Value::Null), "/earned_by/badges/1", "repeated_key"),
        (earned("x", &["a", "b"], json!(3)), "/earned_by/at_least", "more_than_there_are"),
        (earned("x", &["x"], Value::Null), "/earned_by/badges/0", "badge_circle"),
    ] {
        let refused = server.post("/v1/badges", body).await.problem(422, "validation_failed");
        assert_eq!(refused, errors(&[(at, code)]));
    }
    create(&server, "/v1/badges", earned("two", &["a", "b", "c"], json!(2))).await;
    create(&server, "/v1/badges", earned("all", &["two", "c"], Value::Null)).await;
    let put = server.call("PUT", "/v1/badges/a").header("If-Match", "*").json(earned("a", &["all"], Value::Null));
    let circle = put.send().await.problem(422, "validation_failed");
    assert_eq!(circle, errors(&[("/earned_by", "badge_circle")]));
    let ana = person(&server, "ana", json!({})).await;
    let held = async || {
        let listed = server.get(&format!("/v1/people/{ana}/awards")).await.expect(200);
        let mut keys: Vec<String> =
            pluck(&listed, "badge_key").iter().filter_map(|key| key.as_str().map(str::to_owned)).collect();
        keys.sort();
        keys
    };
    let first = award(&server, "a", "ana", json!({})).await;
    assert_eq!(held().await, ["a"]);
    act(&server, &first, "revoke").await.expect(200);
    award(&server, "b", "ana", json!({})).await;
    assert_eq!(held().await, ["a", "b"], "what was revoked does not count");
    award(&server, "c", "ana", json!({})).await;
    assert_eq!(held().await, ["a", "all", "b", "c", "two"], "one badge completes the next");
    let listed = server.get("/v1/awards?badge_key=two").await.expect(200)["data"][0].clone();
    act(&server, &listed, "revoke").await.expect(200);
    award(&server, "a", "ana", json!({})).await;
    assert_eq!(held().await, ["a", "a", "all", "b", "c", "two"], "what was taken back does not come again by itself");
    person(&server, "ben", json!({})).await;
    award(&server, "a", "ben", json!({ "awarded_on": "2026-05-02" })).await;
    award(&server, "b", "ben", json!({ "awarded_on": "2026-04-30" })).await;
    let twos = server.get("/v1/awards?badge_key=two").await.expect(200);
    let own: Vec<_> =
        twos["data"].as_array().expect("a list").iter().filter(|one| one["person_name"] == "ben").collect();
    assert_eq!(own[0]["awarded_on"], "2026-05-02", "the day on which enough were held");
}

async fn credentials_are_baked(engine: Engine) {
    let (server, given, path) = awarded(engine).await;
    let png = accepting(&server, &path, "image/png").await.bytes;
    let svg = accepting(&server, &path, "image/svg+xml").await;
    assert!(svg.text.contains("<openbadges:credential verify=\"ey"), "{}", svg.text);
    for (media, bytes) in [("image/png", png.clone()), ("image/svg+xml", svg.bytes.clone())] {
        let verdict = verify_picture(&server, media, bytes).await;
        assert_eq!((failed(&verdict), &verdict["name"]), (vec![], &json!("First agent deployed")), "{verdict}");
    }
    let plain = server.get("/v1/badges/t1/picture.svg").await.bytes;
    for bytes in [plain, png[..60].to_vec(), b"%PDF-1.7".to_vec()] {
        assert_eq!(failed(&verify_picture(&server, "image/png", bytes).await), ["format"]);
    }
    server
        .call("POST", "/v1/credentials/verify-picture")
        .body("image/png", vec![0; 6 * 1024 * 1024])
        .send()
        .await
        .problem(413, "body_too_large");
    act(&server, &given, "revoke").await.expect(200);
    assert_eq!(failed(&verify_picture(&server, "image/png", png).await), ["revocation"]);
}

async fn published_awards_have_pictures(engine: Engine) {
    let (server, given, path) = awarded(engine).await;
    let id = given["id"].as_str().expect("an id");
    let at = |name: &str| format!("/credentials/{}/{id}/{name}", server.organization_id);
    let world = async |name: &str| server.call("GET", &at(name)).anonymous().send().await;
    world("preview.png").await.problem(404, "not_found");
    let publication = path.replace("/credential", "/publication");
    server.call("PUT", &publication).json(json!({ "publication": "hashed" })).send().await.expect(200);
    for (name, media) in [("badge.png", "image/png"), ("badge.svg", "image/svg+xml")] {
        let picture = world(name).await;
        assert_eq!(picture.header("content-type"), media);
        assert_eq!(failed(&verify_picture(&server, media, picture.bytes).await), Vec::<&str>::new(), "{name}");
    }
    let preview = world("preview.png").await;
    // Width and height stand in the first chunk.
    assert_eq!(preview.bytes[16..24], [0, 0, 0x04, 0xb0, 0, 0, 0x02, 0x76], "1200 × 630");
    world("badge.gif").await.problem(404, "not_found");
    let page = server.call("GET", at("").trim_end_matches('/')).anonymous().header("Accept", "text/html").send().await;
    let address = format!("https://badges.example.com{}", at("preview.png"));
    assert!(page.text.contains(&format!("<meta property=\"og:image\" content=\"{address}\">")), "{}", page.text);
    act(&server, &given, "revoke").await.expect(200);
    assert_eq!(world("badge.png").await.status.as_u16(), 410);
}

async fn artworks_replace_drawings(engine: Engine) {
    let (server, given, path) = awarded(engine).await;
    let add = async |media: &str, bytes: Vec<u8>| server.call("POST", "/v1/artworks").body(media, bytes).send().await;
    let added = add("image/svg+xml", ARTWORK.as_bytes().to_vec()).await;
    let location = added.header("location");
    let artwork = added.expect(201);
    assert_eq!(add("text/plain", ARTWORK.as_bytes().to_vec()).await.expect(200), artwork, "it is kept once");
    let kept = server.get(&location).await;
    assert_eq!(kept.header("content-type"), "image/svg+xml");
    assert_eq!(kept.header("content-security-policy"), "default-src 'none'; sandbox");
    let with = |id: &Value| {
        let mut with = badge("t1");
        with["design"]["artwork_id"] = id.clone();
        with
    };
    let put = async |body: Value| server.call("PUT", "/v1/badges/t1").header("If-Match", "*").json(body).send().await;
    let nobody = json!("0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11");
    let refused = put(with(&nobody)).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("/design/artwork_id", "unknown_artwork")]));
    assert_eq!(put(with(&artwork["id"])).await.expect(200)["design"]["artwork_id"], artwork["id"]);
    assert_eq!(server.get("/v1/badges/t1/picture.svg").await.text, kept.text);
    // Awards keep the picture that they were given with.
    assert!(accepting(&server, &path, "image/svg+xml").await.text.contains(">T1</text>"));
    act(&server, &given, "revoke").await.expect(200);
    let again = award(&server, "t1", "ana", json!({})).await;
    let path = path.replace(given["id"].as_str().expect("an id"), again["id"].as_str().expect("an id"));
    let baked = accepting(&server, &path, "image/svg+xml").await;
    assert!(!baked.text.contains("</text>") && baked.text.contains("openbadges:credential"), "{}", baked.text);
    let drawn = accepting(&server, &path, "image/png").await.bytes;
    let png = add("image/png", drawn).await.expect(201);
    put(with(&png["id"])).await.expect(200);
    assert!(server.get("/v1/badges/t1/picture.svg").await.text.contains("data:image/png;base64,"));
    let kept = server.get(&format!("/v1/artworks/{}", png["id"].as_str().expect("an id"))).await.bytes;
    assert_eq!(
        failed(&verify_picture(&server, "image/png", kept).await),
        ["format"],
        "what is hidden in it is not kept"
    );
    let listed = server.get("/v1/artworks").await.expect(200);
    assert_eq!(pluck(&listed, "id"), [&png["id"], &artwork["id"]]);
    let stranger = server.key_of("Contoso", &[Scope::Admin]).await;
    server.call("GET", &location).bearer(&stranger).send().await.problem(404, "not_found");
}

async fn artworks_are_harmless(engine: Engine) {
    let server = start(engine).await;
    let drawing = |inside: &str| ARTWORK.replace("<path", &format!("{inside}<path")).into_bytes();
    for (bytes, code) in [
        (drawing("<script>alert(1)</script>"), "unsafe_drawing"),
        (drawing("<image href=\"https://example.com/a.png\"/>"), "unsafe_drawing"),
        (drawing("<rect onload=\"alert(1)\"/>"), "unsafe_drawing"),
        (drawing("<!DOCTYPE svg>"), "not_an_image"),
        (b"%PDF-1.7".to_vec(), "not_an_image"),
        (vec![], "not_an_image"),
    ] {
        let refused = server.call("POST", "/v1/artworks").body("image/svg+xml", bytes).send().await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[("", code)]));
    }
    assert_eq!(pluck(&server.get("/v1/artworks").await.expect(200), "id"), Vec::<&Value>::new());
}
