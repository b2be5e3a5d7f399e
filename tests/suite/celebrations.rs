//! Celebrations: the feed, who sees it, congratulations, and the ceremony of a month.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, pluck};

on_both_engines!(
    what_is_achieved_is_celebrated,
    who_decides_what_is_shown,
    people_congratulate_each_other,
    the_ceremony_of_a_month
);

/// Enrols somebody in a program with two levels; returns the path of the plan.
async fn enrolled(server: &Server, who: &str, start_on: &str) -> String {
    let draft = json!({ "start_on": start_on, "people": [{ "person_ref": who }] });
    let report = server.post("/v1/programs/p/enrolments", draft).await.expect(200);
    format!("/v1/plans/{}", report["people"][0]["plan_id"].as_str().expect("an id"))
}

async fn program(server: &Server) {
    let milestones = json!([
        { "key": "a", "name": "First agent", "offset_days": 30, "phase": "Technical", "level": "Foundation", "badge": { "key": "a", "name": "Agent" } },
        { "key": "b", "name": "Second agent", "offset_days": 40, "phase": "Technical", "level": "Foundation", "weight": 3 },
        { "key": "c", "name": "First client", "offset_days": 50, "phase": "Business", "level": "Advanced" }]);
    let template =
        json!({ "key": "p", "name": "Program", "kind": "coaching", "publish": true, "milestones": milestones });
    server.post("/v1/templates", template).await.expect(201);
}

async fn achieve(server: &Server, plan: &str, key: &str) {
    server.post(&format!("{plan}/milestones/{key}/start"), json!({})).await.expect(200);
    server.post(&format!("{plan}/milestones/{key}/achieve"), json!({})).await.expect(200);
}

async fn kinds(server: &Server, query: &str) -> Vec<(String, String)> {
    let feed = server.get(&format!("/v1/celebrations{query}")).await.expect(200);
    let text = |one: &Value| one.as_str().unwrap_or_default().to_owned();
    let all = feed["data"].as_array().expect("a list").iter();
    let mut kinds: Vec<_> = all.map(|one| (text(&one["kind"]), text(&one["title"]))).collect();
    kinds.sort();
    kinds
}

fn expected(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(kind, title)| ((*kind).to_owned(), (*title).to_owned())).collect()
}

async fn what_is_achieved_is_celebrated(engine: Engine) {
    let server = Server::start(engine).await;
    program(&server).await;
    let ana = person(&server, "ana", json!({})).await;
    let plan = enrolled(&server, "ana", "2025-05-04").await;
    assert_eq!(kinds(&server, "").await, expected(&[("enrolment_anniversary", "Program: ana")]));
    achieve(&server, &plan, "a").await;
    server.clock.advance(Duration::days(1));
    achieve(&server, &plan, "b").await;
    let certification =
        json!({ "key": "x", "name": "X", "description": "D", "criteria": "C", "achievement_type": "certification" });
    server.post("/v1/badges", certification).await.expect(201);
    let award = server.post("/v1/awards", json!({ "badge_key": "x", "person_ref": "ana" })).await.expect(201);
    let tier = json!({ "key": "t", "name": "T", "description": "D", "criteria": "C",
        "design": { "shape": "shield", "color": "teal", "tier": "gold", "text": "T" } });
    server.post("/v1/badges", tier).await.expect(201);
    server.post("/v1/awards", json!({ "badge_key": "t", "person_ref": "ana" })).await.expect(201);
    let all = [
        ("award", "Agent"),
        ("certification", "X"),
        ("enrolment_anniversary", "Program: ana"),
        ("level_up", "Foundation"),
        ("milestone", "First agent"),
        ("milestone", "Second agent"),
        ("tier", "T"),
    ];
    assert_eq!(kinds(&server, "").await, expected(&all));
    assert_eq!(kinds(&server, "?kind=tier&kind=award").await, expected(&[all[0], all[6]]));
    assert_eq!(kinds(&server, "?from=2026-05-05&kind=milestone").await, expected(&[all[5]]));
    assert_eq!(kinds(&server, "?to=2026-05-03").await, []);
    assert_eq!(kinds(&server, &format!("?person_id={}", "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11")).await, []);
    assert_eq!(kinds(&server, &format!("?person_id={ana}&kind=level_up")).await, expected(&[all[3]]));
    // Page by page, and the newest first.
    let first = server.get("/v1/celebrations?limit=4").await.expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = server.get(&format!("/v1/celebrations?limit=4&cursor={cursor}")).await.expect(200);
    let mut days: Vec<String> = vec![];
    for page in [&first, &second] {
        days.extend(pluck(page, "on").iter().filter_map(|on| on.as_str().map(str::to_owned)));
    }
    let mut sorted = days.clone();
    sorted.sort_by(|one, other| other.cmp(one));
    assert_eq!((days.len(), days), (7, sorted));
    // A year later, and after a revocation.
    let revoke = format!("/v1/awards/{}/revoke", award["id"].as_str().expect("an id"));
    server.post(&revoke, json!({ "reason": "It was somebody else's." })).await.expect(200);
    assert_eq!(kinds(&server, "?kind=certification").await, []);
    server.clock.advance(Duration::days(364));
    let later = expected(&[("enrolment_anniversary", "Program: ana"), ("first_milestone_anniversary", "First agent")]);
    assert_eq!(kinds(&server, "?from=2027-05-01").await, later);
    server.get("/v1/celebrations?from=2026-05-02&to=2026-05-01").await.problem(400, "invalid_parameter");
}

async fn who_decides_what_is_shown(engine: Engine) {
    let server = Server::start(engine).await;
    program(&server).await;
    let client = acting(&server, json!(["people:act"])).await;
    for customer in ["c1", "c2"] {
        create(&server, "/v1/customers", json!({ "name": customer, "external_ref": customer })).await;
    }
    let mut ids = vec![];
    for (name, of) in [("ana", "c1"), ("ben", "c1"), ("cleo", "c2")] {
        ids.push(person(&server, name, json!({ "kind": "participant", "customer_ref": of })).await);
        let plan = enrolled(&server, name, "2026-05-01").await;
        achieve(&server, &plan, "a").await;
    }
    let feed = format!("/issuers/{}/celebrations.atom", server.organization_id);
    let atom = async || server.call("GET", &feed).anonymous().send().await;
    let empty = atom().await.text;
    assert!(
        empty.contains("<feed") && !empty.contains("<entry>"),
        "nobody has said that the world may see it: {empty}"
    );
    let set = async |id: &str, circle: &str| {
        server.patch(&format!("/v1/people/{id}/profile"), json!({ "recognition": circle })).await.expect(200)
    };
    set(&ids[0], "public").await;
    set(&ids[1], "private").await;
    for (who, expected) in [("ana", vec!["ana"]), ("ben", vec!["ana"]), ("cleo", vec!["cleo"])] {
        let token = token_of(&server, &client, who).await;
        let seen = server.call("GET", "/v1/celebrations?kind=milestone").bearer(&token).send().await.expect(200);
        assert_eq!(pluck(&seen, "person_name"), expected, "{who}");
        let page =
            server.call("GET", "/v1/celebrations/ceremony?month=2026-05").bearer(&token).send().await.expect(200);
        assert_eq!(pluck(&json!({ "data": page["tracks"][0]["milestones"] }), "person_name"), expected, "{who}");
    }
    let public = atom().await;
    assert_eq!(public.header("content-type"), "application/atom+xml", "{}", public.text);
    assert!(public.text.contains("<title>ana achieved “First agent”</title>"), "{}", public.text);
    assert!(!public.text.contains("ben") && !public.text.contains("cleo"), "{}", public.text);
    let unknown = "/issuers/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11/celebrations.atom";
    server.call("GET", unknown).anonymous().send().await.problem(404, "not_found");
}

async fn people_congratulate_each_other(engine: Engine) {
    let server = Server::start(engine).await;
    program(&server).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({})).await;
    let ben = person(&server, "ben", json!({})).await;
    let plan = enrolled(&server, "ana", "2026-05-01").await;
    achieve(&server, &plan, "a").await;
    let feed = async || server.get("/v1/celebrations?kind=milestone").await.expect(200)["data"][0].clone();
    let celebration = feed().await["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/people/{ana}/celebrations/{celebration}/congratulations");
    let [own, other] = [token_of(&server, &client, "ana").await, token_of(&server, &client, "ben").await];
    let body = json!({ "message": "Well done, {name}: {achievement}!" });
    let send = |token: &str| server.call("POST", &path).bearer(token).json(body.clone()).send();
    assert_eq!(send(&own).await.problem(422, "validation_failed"), errors(&[("/sender_id", "own_celebration")]));
    let sent = send(&other).await;
    let location = sent.header("location");
    let sent = sent.expect(201);
    assert_eq!((&sent["message"], &sent["sender_name"]), (&json!("Well done, ana: First agent!"), &json!("ben")));
    assert_eq!(send(&other).await.problem(409, "conflict"), errors(&[("/sender_id", "congratulated_already")]));
    let missing = server.post(&path, body.clone()).await.problem(422, "validation_failed");
    assert_eq!(missing, errors(&[("/sender_id", "required")]), "an API client says in whose name");
    person(&server, "cleo", json!({})).await;
    server.post(&path, json!({ "sender_ref": "cleo", "reaction": "rocket" })).await.expect(201);
    let both = json!([{ "reaction": "applause", "count": 1 }, { "reaction": "rocket", "count": 1 }]);
    assert_eq!(feed().await["reactions"], both);
    let listed = server.call("GET", &path).bearer(&own).send().await.expect(200);
    assert_eq!(pluck(&listed, "sender_name"), ["ben", "cleo"]);
    let take_back = |token: &str| server.call("DELETE", &location).bearer(token).send();
    take_back(&own).await.problem(403, "forbidden");
    take_back(&other).await.expect(204);
    take_back(&other).await.problem(404, "not_found");
    // Whoever shows nothing to anybody is not congratulated.
    server.patch(&format!("/v1/people/{ana}/profile"), json!({ "recognition": "private" })).await.expect(200);
    send(&other).await.problem(404, "not_found");
    assert_eq!(
        server.call("GET", &path).bearer(&own).send().await.expect(200)["data"].as_array().map(Vec::len),
        Some(1)
    );
    server.patch(&format!("/v1/people/{ana}/profile"), json!({ "recognition": "organization" })).await.expect(200);
    send(&other).await.expect(201);
    server.call("POST", &format!("/v1/people/{ben}/erase")).header("If-Match", "*").send().await.expect(200);
    assert_eq!(pluck(&server.get(&path).await.expect(200), "sender_name"), ["cleo"]);
    let ledger = server.get("/v1/ledger?action=congratulation.sent").await;
    assert!(!ledger.text.contains("Well done"), "{}", ledger.text);
}

async fn the_ceremony_of_a_month(engine: Engine) {
    let server = Server::start(engine).await;
    program(&server).await;
    let mut plans = vec![];
    for name in ["ana", "ben <b>", "cleo"] {
        let draft = json!({ "name": name, "kind": "employee", "external_ref": name });
        create(&server, "/v1/people", draft).await;
        plans.push(enrolled(&server, name, if name == "cleo" { "2025-06-10" } else { "2026-05-01" }).await);
    }
    achieve(&server, &plans[0], "a").await;
    server.clock.advance(Duration::days(30));
    achieve(&server, &plans[1], "a").await;
    achieve(&server, &plans[1], "b").await;
    achieve(&server, &plans[2], "c").await;
    let may = server.get("/v1/celebrations/ceremony?month=2026-05").await.expect(200);
    assert_eq!((&may["people"], &may["to"]), (&json!(1), &json!("2026-05-31")));
    assert_eq!(pluck(&json!({ "data": may["firsts"] }), "title"), ["First agent"]);
    assert_eq!(may["climbs"], json!([]), "the first board has nobody to climb past");
    let june = server.get("/v1/celebrations/ceremony?month=2026-06").await.expect(200);
    assert_eq!(june["people"], 2);
    let tracks = json!({ "data": june["tracks"] });
    assert_eq!(pluck(&tracks, "track"), ["Business", "Technical"]);
    let mut firsts = pluck(&json!({ "data": june["firsts"] }), "title").into_iter().cloned().collect::<Vec<_>>();
    firsts.sort_by_key(ToString::to_string);
    assert_eq!(firsts, ["First client", "Second agent"], "not the first agent, which somebody had before");
    assert_eq!(june["levels"].as_array().map(Vec::len), Some(2));
    let climb = json!({ "person_name": june["climbs"][0]["person_name"], "rank": june["climbs"][0]["rank"], "ranks": june["climbs"][0]["ranks"] });
    assert_eq!(climb, json!({ "person_name": "ben <b>", "rank": 1, "ranks": 1 }));
    // Its day is still to come.
    assert_eq!(june["anniversaries"], json!([]));
    server.clock.advance(Duration::days(10));
    let june = server.get("/v1/celebrations/ceremony?month=2026-06").await.expect(200);
    assert_eq!(pluck(&json!({ "data": june["anniversaries"] }), "years"), [1]);
    let as_a = async |path: &str, accept: &str| {
        let reply =
            server.call("GET", &format!("/v1/celebrations/{path}?month=2026-06")).header("Accept", accept).send().await;
        assert!(reply.header("content-type").starts_with(accept), "{path} {accept}");
        reply
    };
    let markdown = as_a("ceremony", "text/markdown").await.text;
    assert!(markdown.contains("June 2026\n") && markdown.contains("\n## Technical\n"), "{markdown}");
    assert!(markdown.contains("- ben &lt;b&gt; achieved “Second agent”"), "{markdown}");
    let page = as_a("ceremony", "text/html").await;
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(page.text.contains("ben &lt;b&gt; achieved") && !page.text.contains("<script"), "{}", page.text);
    let letter = as_a("newsletter", "text/html").await;
    assert_eq!(letter.header("content-disposition"), "attachment; filename=\"newsletter-2026-06.html\"");
    assert!(
        !letter.text.contains("<style") && !letter.text.contains("class=") && !letter.text.contains("http"),
        "{}",
        letter.text
    );
    assert_eq!(as_a("newsletter", "text/markdown").await.text, as_a("ceremony", "text/markdown").await.text);
    // The last month that is over.
    assert_eq!(server.get("/v1/celebrations/ceremony").await.expect(200)["month"], "2026-05");
    server.get("/v1/celebrations/ceremony?month=2026-13").await.problem(400, "invalid_parameter");
}
