//! Boards: ranks, consent, standings and competitions.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, pluck};

on_both_engines!(
    a_board_follows_what_happens,
    who_opts_out_is_nowhere,
    measures_and_filters,
    customers_people_see_each_other,
    results_of_a_competition_stay,
    questions_that_are_refused
);

/// Creates a plan of two milestones, of 2 and 3 points, for somebody; returns its path.
async fn plan_of(server: &Server, who: &str) -> String {
    let milestones = json!([
        { "key": "a", "name": "A", "planned_on": "2026-06-01", "weight": 2, "phase": "Technical" },
        { "key": "b", "name": "B", "planned_on": "2026-07-01", "weight": 3, "phase": "Business" }]);
    let plan = json!({ "name": who, "kind": "coaching", "start_on": "2026-05-01", "person_ref": who, "milestones": milestones });
    create(server, "/v1/plans", plan).await
}

async fn achieve(server: &Server, plan: &str, key: &str) {
    server.post(&format!("{plan}/milestones/{key}/start"), json!({})).await.expect(200);
    server.post(&format!("{plan}/milestones/{key}/achieve"), json!({})).await.expect(200);
}

/// The board: ranks, names and scores.
async fn board(server: &Server, query: &str) -> Vec<(u64, String, f64)> {
    let page = server.get(&format!("/v1/leaderboard{query}")).await.expect(200);
    rows(&page)
}

fn rows(page: &Value) -> Vec<(u64, String, f64)> {
    let all = page["data"].as_array().expect("a list").iter();
    let name = |one: &Value| one["person_name"].as_str().unwrap_or("nobody").to_owned();
    all.map(|one| (one["rank"].as_u64().expect("a rank"), name(one), one["score"].as_f64().expect("a score"))).collect()
}

fn expected(places: &[(u64, &str, f64)]) -> Vec<(u64, String, f64)> {
    places.iter().map(|(rank, name, score)| (*rank, (*name).to_owned(), *score)).collect()
}

async fn a_board_follows_what_happens(engine: Engine) {
    let server = Server::start(engine).await;
    assert_eq!(board(&server, "").await, [], "a board of nobody");
    let mut plans = vec![];
    for name in ["ana", "ben", "cleo", "dan"] {
        person(&server, name, json!({})).await;
        plans.push(plan_of(&server, name).await);
    }
    assert_eq!(board(&server, "").await, []);
    achieve(&server, &plans[0], "a").await;
    assert_eq!(board(&server, "").await, expected(&[(1, "ana", 2.0)]));
    for plan in &plans[1..3] {
        achieve(&server, plan, "b").await;
    }
    achieve(&server, &plans[3], "a").await;
    let all = expected(&[(1, "ben", 3.0), (1, "cleo", 3.0), (3, "ana", 2.0), (3, "dan", 2.0)]);
    assert_eq!(board(&server, "").await, all);
    let ana = server.get("/v1/people/by-ref/ana").await.expect(200)["id"].as_str().expect("an id").to_owned();
    let standing = server.get(&format!("/v1/people/{ana}/standing")).await.expect(200);
    assert_eq!(
        (&standing["place"]["rank"], &standing["of"], &standing["is_shown"]),
        (&json!(3), &json!(4), &json!(true))
    );
    assert_eq!(pluck(&json!({ "data": standing["above"] }), "person_name"), ["ben", "cleo"]);
    assert_eq!(pluck(&json!({ "data": standing["below"] }), "person_name"), ["dan"]);
    // Pages go on where the last one ended.
    let first = server.get("/v1/leaderboard?limit=3").await.expect(200);
    assert_eq!(rows(&first), all[..3]);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = server.get(&format!("/v1/leaderboard?limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!((rows(&second), &second["has_more"]), (all[3..].to_vec(), &json!(false)));
    // What is reopened no longer counts, and who is erased is gone.
    server
        .post(&format!("{}/milestones/b/reopen", plans[1]), json!({ "reason": "It was too early." }))
        .await
        .expect(200);
    assert_eq!(board(&server, "").await[0], (1, "cleo".to_owned(), 3.0));
    server.call("POST", &format!("/v1/people/{ana}/erase")).header("If-Match", "*").send().await.expect(200);
    assert_eq!(board(&server, "").await, expected(&[(1, "cleo", 3.0), (2, "dan", 2.0)]));
    let dan = server.get("/v1/people/by-ref/dan").await.expect(200);
    let path = format!("/v1/people/{}", dan["id"].as_str().expect("an id"));
    server.patch(&path, json!({ "employment": "left", "left_on": "2026-05-04" })).await.expect(200);
    assert_eq!(board(&server, "").await, expected(&[(1, "cleo", 3.0)]), "who has left is not there");
    // Badges and milestones without a date count from when they are there.
    server
        .post("/v1/badges", json!({ "key": "x", "name": "X", "description": "D", "criteria": "C" }))
        .await
        .expect(201);
    server.post("/v1/awards", json!({ "badge_key": "x", "person_ref": "ben" })).await.expect(201);
    assert_eq!(board(&server, "?by=awards").await, expected(&[(1, "ben", 1.0)]));
    server.post(&format!("{}/undated-milestones", plans[1]), json!({ "key": "u", "name": "U" })).await.expect(201);
    server.post(&format!("{}/undated-milestones/u/achieve", plans[1]), json!({})).await.expect(200);
    assert_eq!(board(&server, "?by=milestones").await, expected(&[(1, "ben", 1.0), (1, "cleo", 1.0)]));
}

async fn who_opts_out_is_nowhere(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let mut ids = vec![];
    for name in ["ana", "ben", "cleo"] {
        ids.push(person(&server, name, json!({ "manager_ref": (name != "ana").then_some("ana") })).await);
        let plan = plan_of(&server, name).await;
        achieve(&server, &plan, "a").await;
        if name == "ben" {
            achieve(&server, &plan, "b").await;
        }
    }
    let profile = format!("/v1/people/{}/profile", ids[1]);
    server.patch(&profile, json!({ "recognition": "private" })).await.expect(200);
    assert_eq!(board(&server, "").await, expected(&[(1, "ana", 2.0), (1, "cleo", 2.0)]), "not even as a gap");
    let standing = format!("/v1/people/{}/standing", ids[1]);
    let [own, boss] = [token_of(&server, &client, "ben").await, token_of(&server, &client, "ana").await];
    let seen = server.call("GET", &standing).bearer(&own).send().await.expect(200);
    assert_eq!((&seen["place"]["rank"], &seen["is_shown"], &seen["of"]), (&json!(1), &json!(false), &json!(3)));
    assert_eq!(pluck(&json!({ "data": seen["below"] }), "person_name"), ["ana", "cleo"]);
    server.call("GET", &standing).bearer(&boss).send().await.problem(404, "not_found");
    server.get(&standing).await.problem(404, "not_found");
    let others = server.call("GET", &format!("/v1/people/{}/standing", ids[2])).bearer(&boss).send().await.expect(200);
    assert_eq!(others["of"], 2);
    let listed = server.call("GET", "/v1/leaderboard").bearer(&own).send().await.expect(200);
    assert_eq!(pluck(&listed, "person_name"), ["ana", "cleo"]);
    // Nobody else publishes what they have been awarded; they do.
    server
        .post("/v1/badges", json!({ "key": "x", "name": "X", "description": "D", "criteria": "C" }))
        .await
        .expect(201);
    let award = server.post("/v1/awards", json!({ "badge_key": "x", "person_ref": "ben" })).await.expect(201);
    let publication = format!("/v1/people/{}/awards/{}/publication", ids[1], award["id"].as_str().expect("an id"));
    let publish = || server.call("PUT", &publication).json(json!({ "publication": "hashed" }));
    assert_eq!(publish().send().await.problem(409, "conflict"), errors(&[("", "opted_out")]));
    publish().bearer(&own).send().await.expect(200);
}

async fn measures_and_filters(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    let ben = person(&server, "ben", json!({})).await;
    let [first, second] = [plan_of(&server, "ana").await, plan_of(&server, "ben").await];
    achieve(&server, &first, "a").await;
    server.clock.advance(Duration::days(2));
    achieve(&server, &second, "b").await;
    let both = expected(&[(1, "ben", 3.0), (2, "ana", 2.0)]);
    assert_eq!(board(&server, "?by=points").await, both);
    assert_eq!(board(&server, "?as_of=2026-05-05").await, expected(&[(1, "ana", 2.0)]));
    assert_eq!(board(&server, "?from=2026-05-05").await, expected(&[(1, "ben", 3.0)]));
    assert_eq!(board(&server, "?track=Technical").await, expected(&[(1, "ana", 2.0)]));
    assert_eq!(board(&server, "?by=velocity").await, expected(&[(1, "ana", 1.0), (1, "ben", 1.0)]));
    let team = create(&server, "/v1/teams", json!({ "name": "Data" })).await;
    let team_id = team.rsplit('/').next().expect("an id");
    assert_eq!(board(&server, &format!("?team_id={team_id}")).await, []);
    server.post(&format!("{team}/members"), json!({ "person_id": ben })).await.expect(201);
    assert_eq!(board(&server, &format!("?team_id={team_id}")).await, expected(&[(1, "ben", 3.0)]));
    let impact = json!({ "title": "I", "kind": "revenue", "annualized_minor": 500, "currency": "USD", "attribution_percent": 50,
        "from_on": "2026-04-01", "to_on": "2026-04-30" });
    let impact = create(&server, &format!("/v1/people/{ana}/impacts"), impact).await;
    let money = "?by=verified_impact&currency=USD";
    assert_eq!(board(&server, money).await, [], "a claim is none");
    let ask = json!({ "ask": [{ "kind": "roi_verification", "person_ref": "ben" }] });
    let validation = create(&server, &format!("{impact}/validations"), ask).await;
    let decision = json!({ "kind": "roi_verification", "decision": "approve", "person_ref": "ben" });
    server.post(&format!("{validation}/decisions"), decision).await.expect(200);
    assert_eq!(board(&server, money).await, expected(&[(1, "ana", 250.0)]));
    assert_eq!(board(&server, "?by=verified_impact&currency=EUR").await, []);
    let draft = json!({ "start_on": "2026-05-01", "people": [{ "person_ref": "ana" }] });
    let report = server.post("/v1/programs/ai-coaching/enrolments", draft).await.expect(200);
    let plan = format!("/v1/plans/{}", report["people"][0]["plan_id"].as_str().expect("an id"));
    server.post(&format!("{plan}/undated-milestones/b4/achieve"), json!({})).await.expect(200);
    assert_eq!(
        board(&server, "?template=ai-coaching&track=Business").await,
        expected(&[(1, "ana", 2.0)]),
        "its weight"
    );
}

async fn customers_people_see_each_other(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    for customer in ["c1", "c2"] {
        create(&server, "/v1/customers", json!({ "name": customer, "external_ref": customer })).await;
    }
    for (name, of) in [("ana", "c1"), ("ben", "c2"), ("cleo", "c1")] {
        person(&server, name, json!({ "kind": "participant", "customer_ref": of })).await;
        let plan = plan_of(&server, name).await;
        achieve(&server, &plan, if name == "ben" { "b" } else { "a" }).await;
    }
    person(&server, "eve", json!({})).await;
    let of_c1 = server.get("/v1/customers/by-ref/c1").await.expect(200)["id"].clone();
    let open = json!({ "name": "All", "from_on": "2026-05-01", "to_on": "2026-05-31" });
    let open = create(&server, "/v1/competitions", open).await;
    let own = json!({ "name": "Own", "customer_id": of_c1, "from_on": "2026-05-01", "to_on": "2026-05-31" });
    let own = create(&server, "/v1/competitions", own).await;
    for (who, names, competitions) in [
        ("ana", vec!["ana", "cleo"], vec!["Own"]),
        ("ben", vec!["ben"], vec![]),
        ("eve", vec!["ben", "ana", "cleo"], vec!["All", "Own"]),
    ] {
        let token = token_of(&server, &client, who).await;
        let seen = server.call("GET", "/v1/leaderboard").bearer(&token).send().await.expect(200);
        assert_eq!(pluck(&seen, "person_name"), names, "{who}");
        let listed = server.call("GET", "/v1/competitions").bearer(&token).send().await.expect(200);
        assert_eq!(pluck(&listed, "name"), competitions, "{who}");
        for (path, name) in [(&open, "All"), (&own, "Own")] {
            let status = server.call("GET", &format!("{path}/standings")).bearer(&token).send().await.status.as_u16();
            assert_eq!(status, if competitions.contains(&name) { 200 } else { 404 }, "{who} {name}");
        }
    }
}

async fn results_of_a_competition_stay(engine: Engine) {
    let server = Server::start(engine).await;
    let mut ids = vec![];
    let mut plans = vec![];
    for name in ["ana", "ben", "cleo"] {
        ids.push(person(&server, name, json!({})).await);
        plans.push(plan_of(&server, name).await);
    }
    let draft = json!({ "name": "Sprint", "from_on": "2026-05-01", "to_on": "2026-05-10" });
    let competition = create(&server, "/v1/competitions", draft).await;
    achieve(&server, &plans[0], "a").await;
    achieve(&server, &plans[1], "a").await;
    let close = || server.call("POST", &format!("{competition}/close")).send();
    let running = close().await.problem(409, "conflict");
    assert_eq!(running, errors(&[("", "competition_running")]));
    let standings = async || rows(&server.get(&format!("{competition}/standings")).await.expect(200));
    assert_eq!(standings().await, expected(&[(1, "ana", 2.0), (1, "ben", 2.0)]));
    server.clock.advance(Duration::days(7));
    achieve(&server, &plans[2], "b").await;
    let closed = close().await.expect(200);
    assert!(closed["closed_at"].is_string());
    assert_eq!(
        standings().await,
        expected(&[(1, "ana", 2.0), (1, "ben", 2.0)]),
        "what came after the end does not count"
    );
    server
        .post(&format!("{}/milestones/a/reopen", plans[0]), json!({ "reason": "It was too early." }))
        .await
        .expect(200);
    assert_eq!(standings().await, expected(&[(1, "ana", 2.0), (1, "ben", 2.0)]), "the results stay");
    assert_eq!(close().await.problem(409, "conflict"), errors(&[("", "competition_closed")]));
    let changed = server.patch(&competition, json!({ "to_on": "2026-05-11" })).await.problem(409, "conflict");
    assert_eq!(changed, errors(&[("", "competition_closed")]));
    let ledger = server.get("/v1/ledger?action=competition.closed").await.expect(200);
    assert_eq!(ledger["data"][0]["after"]["results"][0]["person_id"], json!(ids[0]));
    server.patch(&format!("/v1/people/{}/profile", ids[0]), json!({ "recognition": "private" })).await.expect(200);
    assert_eq!(standings().await, expected(&[(1, "ben", 2.0)]));
    server.call("POST", &format!("/v1/people/{}/erase", ids[1])).header("If-Match", "*").send().await.expect(200);
    assert_eq!(standings().await, expected(&[(1, "nobody", 2.0)]));
    let listed = server.get("/v1/competitions?closed=true").await.expect(200);
    assert_eq!(pluck(&listed, "name"), ["Sprint"]);
    server.call("DELETE", &competition).header("If-Match", "*").send().await.expect(204);
}

async fn questions_that_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    for query in ["by=verified_impact", "currency=USD", "from=2026-06-01&as_of=2026-05-01", "template=none", "by=luck"]
    {
        server.get(&format!("/v1/leaderboard?{query}")).await.problem(400, "invalid_parameter");
    }
    let nobody = "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11";
    server.get(&format!("/v1/leaderboard?team_id={nobody}")).await.problem(404, "not_found");
    server.get(&format!("/v1/people/{nobody}/standing")).await.problem(404, "not_found");
    for (more, at, code) in [
        (json!({ "to_on": "2026-04-01" }), "/to_on", "ends_before_it_begins"),
        (json!({ "by": "verified_impact" }), "/currency", "required"),
        (json!({ "template": "none" }), "/template", "unknown_template"),
        (json!({ "customer_id": nobody }), "/customer_id", "unknown_customer"),
        (json!({ "team_id": nobody }), "/team_id", "unknown_team"),
    ] {
        let mut draft = json!({ "name": "C", "from_on": "2026-05-01", "to_on": "2026-05-10" });
        for (field, value) in more.as_object().expect("fields") {
            draft[field] = value.clone();
        }
        let found = server.post("/v1/competitions", draft).await.problem(422, "validation_failed");
        assert_eq!(found, errors(&[(at, code)]), "{more}");
    }
}
