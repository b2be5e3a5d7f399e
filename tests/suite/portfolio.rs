//! Portfolios: what they show, to whom, and in which forms.

use milepost_tests::{Engine, Server, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::impacts::{claimed, savings, verified};
use crate::samples::{create, pluck};

on_both_engines!(a_portfolio_in_its_forms, the_world_sees_what_was_shown);

/// A server on which Ana has two badges, a finished level, a verified impact and two stories; returns her identifier, too.
async fn decorated(engine: Engine) -> (Server, String) {
    let server =
        Server::start_with(engine, |settings| settings.public_url = Some("https://badges.example.com".to_owned()))
            .await;
    let ana = person(&server, "ana", json!({ "name": "Ana <Petrova>" })).await;
    person(&server, "fin", json!({})).await;
    let milestones =
        json!([{ "key": "a", "name": "A", "offset_days": 3, "phase": "Technical", "level": "Foundation" }]);
    let template = json!({ "key": "p", "name": "P", "kind": "coaching", "publish": true, "milestones": milestones });
    server.post("/v1/templates", template).await.expect(201);
    let plan = json!({ "name": "E", "start_on": "2026-05-01", "template": "p", "person_ref": "ana" });
    let plan = create(&server, "/v1/plans", plan).await;
    for step in ["start", "achieve"] {
        server.post(&format!("{plan}/milestones/a/{step}"), json!({})).await.expect(200);
    }
    for (key, kind) in [("plain", "badge"), ("certified", "certification"), ("lost", "badge")] {
        let badge = json!({ "key": key, "name": key, "description": "D", "criteria": "C", "achievement_type": kind });
        create(&server, "/v1/badges", badge).await;
        let award = server.post("/v1/awards", json!({ "badge_key": key, "person_ref": "ana" })).await.expect(201);
        let id = award["id"].as_str().expect("an id");
        if key == "certified" {
            let path = format!("/v1/people/{ana}/awards/{id}/publication");
            server.call("PUT", &path).json(json!({ "publication": "hashed" })).send().await.expect(200);
        }
        if key == "lost" {
            server.post(&format!("/v1/awards/{id}/revoke"), json!({ "reason": "It was a mistake." })).await.expect(200);
        }
    }
    let impact = claimed(&server, savings("ana", 1_234_500)).await;
    verified(&server, &impact).await;
    claimed(&server, savings("ana", 7_777_700)).await;
    let client = acting(&server, json!(["people:act"])).await;
    let token = token_of(&server, &client, "ana").await;
    for (title, shown_to) in [("Within", "organization"), ("Open", "public")] {
        let story = json!({ "title": title, "text": "It went well.", "quote": "I liked it.",
            "impact_ids": [impact.rsplit('/').next().expect("an id")] });
        let story = create(&server, &format!("/v1/people/{ana}/stories"), story).await;
        let take = |step: &str| server.call("POST", &format!("{story}/{step}")).header("If-Match", "*");
        take("submit").bearer(&token).json(json!({ "shown_to": shown_to })).send().await.expect(200);
        take("publish").send().await.expect(200);
    }
    (server, ana)
}

async fn a_portfolio_in_its_forms(engine: Engine) {
    let (server, ana) = decorated(engine).await;
    let path = format!("/v1/people/{ana}/portfolio");
    let portfolio = server.get(&path).await.expect(200);
    let mut awards = pluck(&json!({ "data": portfolio["awards"] }), "name").into_iter().cloned().collect::<Vec<_>>();
    awards.sort_by_key(Value::to_string);
    assert_eq!(awards, ["certified", "plain"], "what was revoked is not shown");
    let level = json!([{ "track": "Technical", "level": "Foundation", "on": "2026-05-04" }]);
    assert_eq!((&portfolio["levels"], &portfolio["milestones"]), (&level, &json!(1)));
    assert_eq!(pluck(&json!({ "data": portfolio["impacts"] }), "annualized_minor"), [&json!(1_234_500)]);
    assert_eq!((portfolio["stories"].as_array().map(Vec::len), &portfolio["public_url"]), (Some(2), &Value::Null));
    let lines = server.call("GET", &path).header("Accept", "text/markdown").send().await.text;
    assert!(lines.contains("- certified (Northwind, May 2026)\n"), "{lines}");
    assert!(lines.contains("- Technical: Foundation: level finished (May 2026)\n"), "{lines}");
    assert!(lines.contains("- Invoices are read by an agent: saves 12,345 USD a year\n"), "{lines}");
    let resume = server.get(&format!("/v1/people/{ana}/resume")).await.expect(200);
    assert_eq!(resume["basics"], json!({ "name": "Ana <Petrova>" }));
    assert_eq!(pluck(&json!({ "data": resume["awards"] }), "title"), ["plain"]);
    let url = &resume["certificates"][0]["url"];
    assert!(url.as_str().is_some_and(|url| url.starts_with("https://badges.example.com/credentials/")), "{resume}");
    assert_eq!(resume["skills"], json!([{ "name": "Technical", "level": "Foundation" }]));
    let draft = server.get(&format!("/v1/people/{ana}/recommendation")).await;
    assert_eq!(draft.header("content-type"), "text/markdown; charset=utf-8");
    assert!(!draft.text.contains("<Petrova>"), "names mark nothing up: {}", draft.text);
    for part in [
        "# Recommendation of Ana",
        "has achieved a milestone at Northwind since May 2026",
        "> I liked it.",
        "saves 12,345 USD",
    ] {
        assert!(draft.text.contains(part), "{part}: {}", draft.text);
    }
    server.get("/v1/people/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11/portfolio").await.problem(404, "not_found");
}

async fn the_world_sees_what_was_shown(engine: Engine) {
    let (server, ana) = decorated(engine).await;
    let path = format!("/portfolios/{}/{ana}", server.organization_id);
    let world = async |media: &str| server.call("GET", &path).anonymous().header("Accept", media).send().await;
    world("application/json").await.problem(404, "not_found");
    let profile = format!("/v1/people/{ana}/profile");
    server.patch(&profile, json!({ "recognition": "public" })).await.expect(200);
    let shown = world("application/json").await.expect(200);
    assert_eq!(pluck(&json!({ "data": shown["awards"] }), "name"), ["certified"], "only what is published");
    assert_eq!(pluck(&json!({ "data": shown["stories"] }), "title"), ["Open"]);
    assert_eq!((&shown["impacts"], &shown["person_ref"]), (&json!([]), &Value::Null));
    assert_eq!(shown["stories"][0]["figures"][0]["annualized_minor"], 1_234_500);
    assert_eq!(shown["public_url"], format!("https://badges.example.com{path}"));
    let page = world("text/html").await;
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    assert!(
        page.text.contains("Ana &lt;Petrova&gt;") && page.text.contains("saves 12,345 USD a year"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("Within") && !page.text.contains("plain"), "{}", page.text);
    // Whoever has left shows nothing to the world.
    server.patch(&format!("/v1/people/{ana}"), json!({ "archived": true })).await.expect(200);
    assert_eq!(world("text/html").await.status.as_u16(), 404);
    server.patch(&format!("/v1/people/{ana}"), json!({ "archived": false })).await.expect(200);
    assert_eq!(world("text/html").await.status.as_u16(), 200);
    server.patch(&profile, json!({ "recognition": "private" })).await.expect(200);
    assert_eq!(world("text/html").await.status.as_u16(), 404);
}
