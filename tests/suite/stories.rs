//! Success stories: writing, consent, reading, and who sees them.

use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::impacts::{claimed, savings, verified};
use crate::samples::{create, pluck};

on_both_engines!(
    a_story_is_written_agreed_to_and_read,
    nobody_tells_their_own_story_alone,
    a_story_reaches_whom_its_person_lets_it,
    stories_name_impacts_of_their_person,
    stories_go_with_people
);

fn story(title: &str) -> Value {
    json!({ "title": title, "text": "Two days a week went into typing invoices.", "quote": "I check, and no longer type." })
}

/// Writes a story; returns its path.
async fn written(server: &Server, of: &str, body: Value) -> String {
    create(server, &format!("/v1/people/{of}/stories"), body).await
}

/// Takes a step with a story as somebody.
async fn step(server: &Server, token: &str, story: &str, step: &str, body: Value) -> Reply {
    server.call("POST", &format!("{story}/{step}")).bearer(token).header("If-Match", "*").json(body).send().await
}

/// Publishes a story of somebody who submits it themselves.
async fn published(server: &Server, token: &str, story: &str, shown_to: &str) {
    step(server, token, story, "submit", json!({ "shown_to": shown_to })).await.expect(200);
    step(server, &server.key, story, "publish", json!({})).await.expect(200);
}

async fn a_story_is_written_agreed_to_and_read(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({})).await;
    let token = token_of(&server, &client, "ana").await;
    let path = written(&server, &ana, story("Invoices")).await;
    let put = |version: u32, body: Value| {
        server.call("PUT", &path).header("If-Match", &format!("\"{version}\"")).json(body).send()
    };
    assert_eq!(put(1, story("Invoices read by an agent")).await.expect(200)["version"], 2);
    let submitted = step(&server, &server.key, &path, "submit", json!({})).await.expect(200);
    assert_eq!((&submitted["state"], &submitted["shown_to"]), (&json!("awaiting_consent"), &Value::Null));
    assert_eq!(put(3, story("Another")).await.problem(409, "conflict"), errors(&[("", "not_a_draft")]));
    let agreed = step(&server, &server.key, &path, "agree", json!({ "shown_to": "public" })).await;
    assert_eq!(agreed.problem(409, "conflict"), errors(&[("", "consent_of_other")]), "nobody agrees for somebody else");
    let reason = json!({ "reason": "It was more than two days." });
    let back = step(&server, &token, &path, "disagree", reason.clone()).await.expect(200);
    assert_eq!((&back["state"], &back["reason"]), (&json!("draft"), &reason["reason"]));
    step(&server, &server.key, &path, "submit", json!({})).await.expect(200);
    let agreed = step(&server, &token, &path, "agree", json!({ "shown_to": "organization" })).await.expect(200);
    assert_eq!((&agreed["state"], &agreed["shown_to"]), (&json!("awaiting_review"), &json!("organization")));
    let own = step(&server, &server.key, &path, "publish", json!({})).await;
    assert_eq!(own.problem(409, "conflict"), errors(&[("", "own_story")]), "whoever submitted it does not publish it");
    let other = server.post("/v1/api-clients", json!({ "name": "Reader", "scopes": ["recognition:write"] })).await;
    let key = other.expect(201)["key"]["secret"].as_str().expect("a key").to_owned();
    let told = step(&server, &key, &path, "publish", json!({})).await.expect(200);
    assert_eq!((&told["state"], &told["published_on"]), (&json!("published"), &json!("2026-05-04")));
    let feed = server.get("/v1/celebrations?kind=story").await.expect(200);
    assert_eq!((&feed["data"][0]["title"], &feed["data"][0]["story_id"]), (&told["title"], &told["id"]));
    server.clock.advance(chrono::Duration::days(30));
    let page = server.call("GET", "/v1/celebrations/ceremony?month=2026-05").header("Accept", "text/markdown").send();
    let page = page.await.text;
    assert!(page.contains("## Success stories\n\n- A story about ana: “Invoices read by an agent”"), "{page}");
    let token = token_of(&server, &client, "ana").await;
    step(&server, &token, &path, "withdraw", json!({ "reason": "I have changed my mind." })).await.expect(200);
    let feed = server.get("/v1/celebrations?kind=story&from=2026-05-01").await.expect(200);
    assert_eq!(pluck(&feed, "title"), Vec::<&Value>::new());
    let again = step(&server, &token, &path, "submit", json!({})).await;
    assert_eq!(again.problem(409, "conflict"), errors(&[("", "not_the_next_step")]));
}

async fn nobody_tells_their_own_story_alone(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["admin"])).await;
    let ana = person(&server, "ana", json!({})).await;
    let lead = person(&server, "lead", json!({})).await;
    for id in [&ana, &lead] {
        server
            .call("PUT", &format!("/v1/people/{id}/roles"))
            .json(json!({ "roles": ["admin"] }))
            .send()
            .await
            .expect(200);
    }
    let [own, other] = [token_of(&server, &client, "ana").await, token_of(&server, &client, "lead").await];
    let path = written(&server, &ana, story("Mine")).await;
    let sent = step(&server, &own, &path, "submit", json!({})).await.expect(200);
    assert_eq!((&sent["state"], &sent["shown_to"]), (&json!("awaiting_review"), &json!("organization")));
    let refused = step(&server, &own, &path, "publish", json!({})).await;
    assert_eq!(refused.problem(409, "conflict"), errors(&[("", "own_story")]));
    let back = step(&server, &other, &path, "return", json!({ "reason": "It names a client." })).await.expect(200);
    assert_eq!(back["state"], "draft");
    step(&server, &own, &path, "submit", json!({})).await.expect(200);
    assert_eq!(step(&server, &other, &path, "publish", json!({})).await.expect(200)["state"], "published");
}

async fn a_story_reaches_whom_its_person_lets_it(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    for customer in ["c1", "c2"] {
        create(&server, "/v1/customers", json!({ "name": customer, "external_ref": customer })).await;
    }
    let mut ids = vec![];
    for (name, of) in [("ana", "c1"), ("ben", "c1"), ("cleo", "c2")] {
        ids.push(person(&server, name, json!({ "kind": "participant", "customer_ref": of })).await);
    }
    let ana = token_of(&server, &client, "ana").await;
    let (within, open, draft) = (
        written(&server, &ids[0], story("Within")).await,
        written(&server, &ids[0], story("Open")).await,
        written(&server, &ids[0], story("Draft")).await,
    );
    published(&server, &ana, &within, "organization").await;
    published(&server, &ana, &open, "public").await;
    let seen = async |who: &str| {
        let token = token_of(&server, &client, who).await;
        let listed = server.call("GET", "/v1/stories").bearer(&token).send().await.expect(200);
        let titles = pluck(&listed, "title").into_iter().cloned().collect::<Vec<_>>();
        let read = [&within, &open, &draft].map(|path| server.call("GET", path).bearer(&token));
        let mut statuses = vec![];
        for call in read {
            statuses.push(call.send().await.status.as_u16());
        }
        (titles, statuses)
    };
    assert_eq!(seen("ana").await, (vec![json!("Draft"), json!("Open"), json!("Within")], vec![200, 200, 200]));
    assert_eq!(seen("ben").await, (vec![json!("Open"), json!("Within")], vec![200, 200, 404]));
    assert_eq!(seen("cleo").await, (vec![], vec![404, 404, 404]));
    let ben = token_of(&server, &client, "ben").await;
    let taken = step(&server, &ben, &open, "withdraw", json!({ "reason": "I do not like it." })).await;
    taken.problem(403, "forbidden");
    let feed = format!("/issuers/{}/celebrations.atom", server.organization_id);
    let world = async || server.call("GET", &feed).anonymous().send().await.text;
    assert!(!world().await.contains("<entry>"), "ana shows nothing to the world");
    let profile = format!("/v1/people/{}/profile", ids[0]);
    let circle = |circle: &str| server.patch(&profile, json!({ "recognition": circle }));
    circle("public").await.expect(200);
    let shown = world().await;
    assert!(shown.contains("“Open”") && !shown.contains("“Within”"), "{shown}");
    circle("private").await.expect(200);
    assert_eq!(seen("ben").await, (vec![], vec![404, 404, 404]));
    assert!(!world().await.contains("<entry>"));
}

async fn stories_name_impacts_of_their_person(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    for name in ["ana", "ben", "fin"] {
        person(&server, name, json!({})).await;
    }
    let ana = server.get("/v1/people/by-ref/ana").await.expect(200)["id"].as_str().expect("an id").to_owned();
    let [own, unproved, others] = [
        claimed(&server, savings("ana", 1_000_000)).await,
        claimed(&server, savings("ana", 2_000_000)).await,
        claimed(&server, savings("ben", 3_000_000)).await,
    ];
    verified(&server, &own).await;
    let id = |path: &str| path.rsplit('/').next().expect("an id").to_owned();
    let with = |ids: &[&str]| {
        let mut body = story("Invoices");
        body["impact_ids"] = json!(ids.iter().map(|path| id(path)).collect::<Vec<_>>());
        body
    };
    let stories = format!("/v1/people/{ana}/stories");
    for (body, expected) in [
        (with(&[&own, &others]), ("/impact_ids/1", "unknown_impact")),
        (with(&[&own, &own]), ("/impact_ids/1", "repeated_key")),
        (json!({ "person_ref": "ben", "title": "T", "text": "T" }), ("/person_id", "not_the_path")),
    ] {
        let refused = server.post(&stories, body).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[expected]));
    }
    let path = written(&server, &ana, with(&[&own, &unproved])).await;
    let shown = server.get(&path).await.expect(200);
    assert_eq!(pluck(&json!({ "data": shown["figures"] }), "annualized_minor"), [&json!(1_000_000)]);
    let token = token_of(&server, &client, "ana").await;
    let early = step(&server, &token, &path, "submit", json!({})).await;
    assert_eq!(early.problem(409, "conflict"), errors(&[("/impact_ids/1", "not_verified")]));
    server.call("PUT", &path).header("If-Match", "*").json(with(&[&own])).send().await.expect(200);
    published(&server, &token, &path, "organization").await;
    let ben = token_of(&server, &client, "ben").await;
    let listed = server.call("GET", "/v1/stories").bearer(&ben).send().await.expect(200);
    assert_eq!(listed["data"][0]["figures"], shown["figures"], "whoever reads a story reads its figures");
    server.post(&format!("{own}/withdraw"), json!({ "reason": "It was counted twice." })).await.expect(200);
    assert_eq!(server.get(&path).await.expect(200)["figures"], json!([]));
}

async fn stories_go_with_people(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    let twin = person(&server, "twin", json!({})).await;
    let path = written(&server, &twin, story("To be forgotten")).await;
    let merge = server.post(&format!("/v1/people/{ana}/merges"), json!({ "duplicate_id": twin })).await.expect(201);
    assert_eq!(server.get(&path).await.expect(200)["person_id"], ana.as_str());
    // What is said of the duplicate is said of the person.
    let later = written(&server, &twin, story("Told later")).await;
    assert_eq!(server.get(&later).await.expect(200)["person_id"], ana.as_str());
    step(&server, &server.key, &path, "submit", json!({})).await.expect(200);
    let copy = server.get(&format!("/v1/people/{ana}/export")).await.text;
    let has = |line: &str| line.contains("\"kind\":\"story\"") && line.contains("To be forgotten");
    assert!(copy.lines().any(has), "{copy}");
    // The story goes back to whom it was about, and is forgotten with them, whoever it was recorded for.
    let merge = merge["merge_id"].as_str().expect("an id");
    server.post(&format!("/v1/people/{ana}/merges/{merge}/undo"), json!({})).await.expect(200);
    assert_eq!(server.get(&path).await.expect(200)["person_id"], twin.as_str());
    server.call("POST", &format!("/v1/people/{twin}/erase")).header("If-Match", "*").send().await.expect(200);
    server.get(&path).await.problem(404, "not_found");
    assert!(!server.get("/v1/ledger?limit=200").await.text.contains("To be forgotten"));
}
