//! Profiles of people: who sees and who keeps them, and pictures that are what they contain.

use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::create;

on_both_engines!(people_keep_their_own_profile, a_profile_is_seen_by_whom_it_is_for, pictures_are_what_they_contain);

const SIDEWAYS: &[u8] = include_bytes!("../files/avatars/sideways.jpg");
const TRANSPARENT: &[u8] = include_bytes!("../files/avatars/transparent.webp");
const MOVING: &[u8] = include_bytes!("../files/avatars/moving.gif");

async fn people_keep_their_own_profile(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({ "name": "Ana Petrova" })).await;
    let ben = person(&server, "ben", json!({ "manager_ref": "ana" })).await;
    let token = token_of(&server, &client, "ana").await;
    let [own, other] = [&ana, &ben].map(|id| format!("/v1/people/{id}/profile"));
    let ask = |method: &str, path: &str| server.call(method, path).bearer(&token);
    let begun = ask("GET", &own).send().await;
    assert!(begun.header("etag").starts_with("\"0-"), "{}", begun.header("etag"));
    let begun = begun.expect(200);
    assert_eq!(
        (&begun["initials"], &begun["visibility"], &begun["version"]),
        (&json!("AP"), &json!("organization"), &json!(0))
    );
    let patch = json!({ "pronunciation": "AH-nah", "visibility": "related" });
    ask("PATCH", &own).json(patch.clone()).send().await.problem(428, "version_required");
    let kept = ask("PATCH", &own).header("If-Match", "\"0\"").json(patch.clone()).send().await.expect(200);
    assert_eq!((&kept["pronunciation"], &kept["version"]), (&json!("AH-nah"), &json!(1)));
    ask("PATCH", &own).header("If-Match", "\"0\"").json(patch.clone()).send().await.problem(412, "version_mismatch");
    let again = ask("PATCH", &own).header("If-Match", "\"1\"").json(patch.clone()).send().await.expect(200);
    assert_eq!(again, kept);
    let wrong = ask("PATCH", &own).header("If-Match", "\"1\"").json(json!({ "visibility": "secret" })).send().await;
    assert_eq!(wrong.problem(422, "validation_failed"), errors(&[("/visibility", "not_an_option")]));
    ask("PATCH", &other).header("If-Match", "*").json(patch.clone()).send().await.problem(403, "forbidden");
    ask("PUT", &format!("/v1/people/{ben}/avatar")).body("image/jpeg", SIDEWAYS).send().await.problem(403, "forbidden");
    let by_admin = server.patch(&other, patch).await.expect(200);
    assert_eq!(by_admin["visibility"], "related");
    let ledger = server.get(&format!("/v1/ledger?root_id={ana}")).await.expect(200);
    let entries = ledger["data"].as_array().expect("entries");
    let entry = entries.iter().find(|entry| entry["action"] == "profile.created").expect("an entry");
    assert_eq!((&entry["author"]["id"], &entry["after"]["pronunciation"]), (&json!(ana), &json!("AH-nah")));
    // A profile goes with its person, and is in the copy of everything about them.
    let copy = server.get(&format!("/v1/people/{ana}/export")).await;
    assert!(
        copy.text.lines().any(|line| line.contains("\"kind\":\"profile\"") && line.contains("AH-nah")),
        "{}",
        copy.text
    );
    let gone = person(&server, "gone", json!({})).await;
    server.patch(&format!("/v1/people/{gone}/profile"), json!({ "pronunciation": "GON" })).await.expect(200);
    server.call("DELETE", &format!("/v1/people/{gone}")).header("If-Match", "*").send().await.expect(204);
    server.get(&format!("/v1/people/{gone}/profile")).await.problem(404, "not_found");
    server.call("POST", &format!("/v1/people/{ana}/erase")).header("If-Match", "*").send().await.expect(200);
    server.get(&own).await.problem(404, "not_found");
    let ledger = server.get(&format!("/v1/ledger?root_id={ana}")).await;
    assert!(!ledger.text.contains("AH-nah"), "{}", ledger.text);
}

async fn a_profile_is_seen_by_whom_it_is_for(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    for customer in ["c1", "c2"] {
        create(&server, "/v1/customers", json!({ "name": customer, "external_ref": customer })).await;
    }
    let participant = |of: &str| json!({ "kind": "participant", "customer_ref": of });
    let boss = person(&server, "boss", json!({})).await;
    let report = person(&server, "report", json!({ "manager_ref": "boss" })).await;
    person(&server, "colleague", json!({})).await;
    let petra = person(&server, "petra", participant("c1")).await;
    person(&server, "paul", participant("c1")).await;
    person(&server, "other", participant("c2")).await;
    let viewers = ["boss", "report", "colleague", "petra", "paul", "other"];
    for (whose, visibility, seen_by) in [
        (&boss, "organization", vec!["boss", "report", "colleague"]),
        (&boss, "related", vec!["boss", "report"]),
        (&boss, "private", vec!["boss"]),
        (&report, "related", vec!["boss", "report"]),
        (&petra, "organization", vec!["boss", "report", "colleague", "petra", "paul"]),
        (&petra, "related", vec!["petra"]),
    ] {
        let path = format!("/v1/people/{whose}/profile");
        server.patch(&path, json!({ "visibility": visibility })).await.expect(200);
        for viewer in viewers {
            let token = token_of(&server, &client, viewer).await;
            for part in ["profile", "avatar"] {
                let read = server.call("GET", &format!("/v1/people/{whose}/{part}")).bearer(&token).send().await;
                let expected = if seen_by.contains(&viewer) { 200 } else { 404 };
                assert_eq!(read.status.as_u16(), expected, "{viewer} {part} of {whose}, {visibility}");
            }
        }
        server.get(&path).await.expect(200);
    }
}

async fn pictures_are_what_they_contain(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({ "name": "Ana <b>" })).await;
    let (avatar, profile) = (format!("/v1/people/{ana}/avatar"), format!("/v1/people/{ana}/profile"));
    let put = async |media_type: &str, bytes: Vec<u8>| -> Reply {
        server.call("PUT", &avatar).body(media_type, bytes).send().await
    };
    let drawn = server.get(&avatar).await;
    assert_eq!(drawn.header("content-type"), "image/svg+xml");
    assert!(drawn.text.contains("<title>Ana &lt;b&gt;</title>") && drawn.text.contains(">A</text>"), "{}", drawn.text);
    let taken = put("image/png", SIDEWAYS.to_vec()).await.expect(200);
    assert_eq!(taken["version"], 1);
    let shown = server.get(&avatar).await;
    assert_eq!(shown.header("content-type"), "image/png");
    let is_kept = |secret: &[u8]| shown.bytes.windows(secret.len()).any(|part| part == secret);
    assert!(SIDEWAYS.windows(12).any(|part| part == b"SecretCamera") && !is_kept(b"SecretCamera") && !is_kept(b"Exif"));
    let picture = image::load_from_memory(&shown.bytes).expect("a picture").into_rgb8();
    assert_eq!(picture.dimensions(), (256, 256));
    let is_red = |x, y| picture.get_pixel(x, y).0[0] > 150;
    assert_eq!([is_red(128, 10), is_red(128, 245), is_red(10, 10)], [true, false, true], "it is upright");
    let same = server.call("GET", &avatar).header("If-None-Match", &shown.header("etag")).send().await;
    assert_eq!(same.status, 304);
    assert_eq!(put("image/jpeg", SIDEWAYS.to_vec()).await.expect(200), taken);
    let mut last = taken;
    for bytes in [TRANSPARENT, MOVING] {
        let next = put("image/gif", bytes.to_vec()).await.expect(200);
        assert_ne!(next["avatar_sha256"], last["avatar_sha256"]);
        last = next;
    }
    for (bytes, code) in [
        (&b"%PDF-1.7"[..], "not_an_image"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>", "not_an_image"),
        (&SIDEWAYS[..40], "not_an_image"),
        (&bomb(60_000, 60_000), "image_too_large"),
        (&bomb(8_000, 8_000), "image_too_large"),
        (b"", "not_an_image"),
    ] {
        assert_eq!(put("image/png", bytes.to_vec()).await.problem(422, "validation_failed"), errors(&[("", code)]));
    }
    put("application/pdf", SIDEWAYS.to_vec()).await.problem(415, "unsupported_media_type");
    put("image/png", vec![0; 6 * 1024 * 1024]).await.problem(413, "body_too_large");
    let stale = server.call("PUT", &avatar).header("If-Match", "\"1\"").body("image/png", SIDEWAYS);
    stale.send().await.problem(412, "version_mismatch");
    assert_eq!(
        server.get(&profile).await.expect(200)["avatar_sha256"],
        last["avatar_sha256"],
        "nothing is half-written"
    );
    let gone = server.call("DELETE", &avatar).send().await.expect(200);
    assert_eq!((&gone["avatar_sha256"], &gone["version"]), (&Value::Null, &json!(4)));
    assert_eq!(server.call("DELETE", &avatar).send().await.expect(200), gone);
    assert_eq!(server.get(&avatar).await.header("content-type"), "image/svg+xml");
}

/// A PNG that says that it is large, and has next to nothing in it.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes().into_iter().chain(height.to_be_bytes()).chain([8, 2, 0, 0, 0]));
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\r".to_vec();
    let check = crc32fast::hash(&chunk);
    png.extend(chunk);
    png.extend(check.to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e\0\0\0\0IEND\xae\x42\x60\x82");
    png
}
