//! Rewards: from the grant to the use, by rule and by hand, and who may use what.

use chrono::Duration;
use milepost_tests::{Engine, Reply, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, pluck};

on_both_engines!(
    from_the_grant_to_the_use,
    badges_grant_rewards,
    what_may_be_used_now,
    one_of_a_stock,
    what_is_refused
);

async fn reward(server: &Server, key: &str, more: Value) {
    let mut draft = json!({ "key": key, "name": key });
    for (field, value) in more.as_object().expect("fields") {
        draft[field] = value.clone();
    }
    server.post("/v1/rewards", draft).await.expect(201);
}

async fn granted(server: &Server, person: &str, key: &str) -> String {
    create(server, &format!("/v1/people/{person}/entitlements"), json!({ "reward_key": key })).await
}

async fn act(server: &Server, entitlement: &str, action: &str) -> Reply {
    server.post(&format!("{entitlement}/{action}"), json!({})).await
}

/// The path by which a person claims.
fn claim(person: &str, entitlement: &str) -> String {
    let id = entitlement.rsplit('/').next().expect("an id");
    format!("/v1/people/{person}/entitlements/{id}/claim")
}

async fn from_the_grant_to_the_use(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act", "recognition:write"])).await;
    let ana = person(&server, "ana", json!({})).await;
    let ben = person(&server, "ben", json!({})).await;
    reward(&server, "ticket", json!({ "cost_minor": 90_000, "currency": "EUR", "valid_days": 30 })).await;
    let ticket = granted(&server, &ana, "ticket").await;
    let shown = server.get(&ticket).await.expect(200);
    let seen = ["state", "expires_on", "person_name", "is_usable"].map(|field| shown[field].clone());
    assert_eq!(seen, [json!("granted"), json!("2026-06-03"), json!("ana"), json!(false)]);
    assert_eq!(server.get("/v1/entitlements").await.expect(200)["data"], json!([]), "nobody waits yet");
    for action in ["approve", "fulfill"] {
        let early = act(&server, &ticket, action).await.problem(409, "conflict");
        assert_eq!(early, errors(&[("", "not_the_next_step")]), "{action}");
    }
    let [own, other] = [token_of(&server, &client, "ana").await, token_of(&server, &client, "ben").await];
    let call =
        |token: &str| server.call("POST", &claim(&ana, &ticket)).bearer(token).json(json!({ "note": "Please." }));
    call(&other).send().await.problem(403, "forbidden");
    assert_eq!(call(&own).send().await.expect(200)["state"], "claimed");
    assert_eq!(call(&own).send().await.problem(409, "conflict"), errors(&[("", "not_the_next_step")]));
    let wrong = claim(&ben, &ticket);
    server.post(&wrong, json!({})).await.problem(404, "not_found");
    let queue = async |of: &str| server.get(&format!("/v1/entitlements?waiting_for={of}")).await.expect(200);
    assert_eq!(pluck(&queue("approval").await, "note"), ["Please."]);
    assert_eq!(queue("fulfillment").await["data"], json!([]));
    assert_eq!(act(&server, &ticket, "approve").await.expect(200)["state"], "approved");
    assert_eq!(pluck(&queue("fulfillment").await, "person_name"), ["ana"]);
    let done = act(&server, &ticket, "fulfill").await.expect(200);
    assert_eq!((&done["state"], &done["is_usable"]), (&json!("fulfilled"), &json!(true)));
    server.clock.advance(Duration::days(30));
    let over = server.get(&ticket).await.expect(200);
    assert_eq!((&over["state"], &over["is_usable"]), (&json!("expired"), &json!(false)));
    assert_eq!(act(&server, &ticket, "cancel").await.problem(409, "conflict"), errors(&[("", "grant_over")]));
    let second = granted(&server, &ana, "ticket").await;
    assert_eq!(act(&server, &second, "cancel").await.expect(200)["state"], "canceled");
    // Nobody approves their own, whatever they may do otherwise.
    crate::acting::give(&server, &ben, json!(["admin"])).await.expect(200);
    let admin = token_of(&server, &acting(&server, json!(["admin"])).await, "ben").await;
    let third = granted(&server, &ben, "ticket").await;
    server.post(&claim(&ben, &third), json!({})).await.expect(200);
    let own = server.call("POST", &format!("{third}/approve")).bearer(&admin).json(json!({})).send().await;
    assert_eq!(own.problem(409, "conflict"), errors(&[("", "own_reward")]));
}

async fn badges_grant_rewards(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    person(&server, "ben", json!({})).await;
    for key in ["innovator", "leader"] {
        server
            .post(
                "/v1/badges",
                json!({ "key": key, "name": key, "description": "D", "criteria": "C", "valid_days": 30 }),
            )
            .await
            .expect(201);
    }
    reward(&server, "slot", json!({ "for_badges": ["innovator", "leader"], "is_immediate": true, "stock": 1 })).await;
    reward(&server, "mentor", json!({ "for_badges": ["leader"] })).await;
    let award = async |badge: &str, who: &str| {
        server.post("/v1/awards", json!({ "badge_key": badge, "person_ref": who })).await.expect(201)
    };
    let first = award("innovator", "ana").await;
    let own = async |who: &str| {
        let all = server.get(&format!("/v1/people/by-ref/{who}/entitlements")).await.expect(200);
        let mut all: Vec<String> = pluck(&all, "reward_key").iter().map(ToString::to_string).collect();
        all.sort();
        all
    };
    assert_eq!(own("ana").await, ["\"slot\""]);
    let granted = server.get(&format!("/v1/people/{ana}/entitlements")).await.expect(200);
    assert_eq!((&granted["data"][0]["award_id"], &granted["data"][0]["is_usable"]), (&first["id"], &json!(true)));
    award("leader", "ana").await;
    assert_eq!(own("ana").await, ["\"mentor\"", "\"slot\""], "once, although two badges grant it");
    award("leader", "ben").await;
    assert_eq!(own("ben").await, ["\"mentor\""], "the slot is gone, and the badge is awarded all the same");
    let renewed = format!("/v1/awards/{}/renew", first["id"].as_str().expect("an id"));
    server.post(&renewed, json!({})).await.expect(201);
    assert_eq!(own("ana").await.len(), 2, "a renewal grants nothing");
    // Milestones with badges grant, too.
    let milestones = json!([{ "key": "a", "name": "A", "offset_days": 9, "badge": { "key": "made", "name": "Made" } }]);
    let template = json!({ "key": "p", "name": "P", "kind": "coaching", "publish": true, "milestones": milestones });
    server.post("/v1/templates", template).await.expect(201);
    reward(&server, "gift", json!({ "for_badges": ["made"] })).await;
    let plan = json!({ "name": "P", "start_on": "2026-05-01", "template": "p", "person_ref": "ben" });
    let plan = create(&server, "/v1/plans", plan).await;
    server.post(&format!("{plan}/milestones/a/start"), json!({})).await.expect(200);
    server.post(&format!("{plan}/milestones/a/achieve"), json!({})).await.expect(200);
    assert_eq!(own("ben").await, ["\"gift\"", "\"mentor\""]);
}

async fn what_may_be_used_now(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    reward(&server, "beta", json!({ "kind": "feature_access", "is_immediate": true, "valid_days": 10 })).await;
    reward(&server, "gift", json!({})).await;
    let question = format!("/v1/people/{ana}/entitlements?usable=true&reward_key=beta");
    let ask = async || server.get(&question).await;
    assert_eq!(ask().await.expect(200)["data"], json!([]));
    let beta = granted(&server, &ana, "beta").await;
    granted(&server, &ana, "gift").await;
    let usable = ask().await;
    let tag = usable.header("etag");
    assert_eq!(pluck(&usable.expect(200), "reward_key"), ["beta"]);
    let same = server.call("GET", &question).header("If-None-Match", &tag).send().await;
    assert_eq!(same.status.as_u16(), 304);
    act(&server, &beta, "cancel").await.expect(200);
    assert_eq!(ask().await.expect(200)["data"], json!([]));
    granted(&server, &ana, "beta").await;
    server.clock.advance(Duration::days(10));
    assert_eq!(ask().await.expect(200)["data"], json!([]), "its time is over");
    let copy = server.get(&format!("/v1/people/{ana}/export")).await;
    assert_eq!(copy.text.lines().filter(|line| line.contains("\"kind\":\"entitlement\"")).count(), 3);
    server.call("POST", &format!("/v1/people/{ana}/erase")).header("If-Match", "*").send().await.expect(200);
    server.get(&question).await.problem(404, "not_found");
}

async fn one_of_a_stock(engine: Engine) {
    let server = Server::start(engine).await;
    reward(&server, "seat", json!({ "stock": 2 })).await;
    let mut claims = vec![];
    for name in ["ana", "ben", "cleo", "dan", "eve"] {
        let id = person(&server, name, json!({})).await;
        let seat = granted(&server, &id, "seat").await;
        claims.push((claim(&id, &seat), seat));
    }
    let all = claims.iter().map(|(path, _)| server.post(path, json!({})));
    let replies = futures_util::future::join_all(all).await;
    let taken = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(taken, 2, "however many claim at once");
    for reply in replies.into_iter().filter(|reply| reply.status != 200) {
        assert_eq!(reply.problem(409, "conflict"), errors(&[("", "out_of_stock")]));
    }
    let waiting = server.get("/v1/entitlements").await.expect(200);
    let first = format!("/v1/entitlements/{}", waiting["data"][0]["id"].as_str().expect("an id"));
    act(&server, &first, "cancel").await.expect(200);
    let again = claims.iter().filter(|(_, seat)| *seat != first).map(|(path, _)| server.post(path, json!({})));
    let again = futures_util::future::join_all(again).await;
    assert_eq!(again.iter().filter(|reply| reply.status == 200).count(), 1, "what is canceled goes back");
}

async fn what_is_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    for (more, at, code) in [
        (json!({ "cost_minor": 5 }), "/currency", "required"),
        (json!({ "cost_minor": 5, "currency": "EUR", "is_immediate": true }), "/is_immediate", "costs_something"),
        (json!({ "stock": -1 }), "/stock", "too_small"),
        (json!({ "kind": "money" }), "/kind", "not_an_option"),
    ] {
        let mut draft = json!({ "key": "k", "name": "K" });
        for (field, value) in more.as_object().expect("fields") {
            draft[field] = value.clone();
        }
        let found = server.post("/v1/rewards", draft).await.problem(422, "validation_failed");
        assert_eq!(found, errors(&[(at, code)]), "{more}");
    }
    reward(&server, "many", json!({ "is_repeatable": true })).await;
    reward(&server, "one", json!({})).await;
    reward(&server, "none", json!({ "stock": 0, "is_immediate": true })).await;
    let grant = |key: &str| server.post(&format!("/v1/people/{ana}/entitlements"), json!({ "reward_key": key }));
    for _ in 0..2 {
        grant("many").await.expect(201);
    }
    grant("one").await.expect(201);
    assert_eq!(grant("one").await.problem(409, "conflict"), errors(&[("/reward_key", "granted_already")]));
    assert_eq!(grant("none").await.problem(409, "conflict"), errors(&[("/reward_key", "out_of_stock")]));
    assert_eq!(grant("what").await.problem(422, "validation_failed"), errors(&[("/reward_key", "unknown_reward")]));
    let archived = json!({ "key": "many", "name": "many", "archived": true });
    server.call("PUT", "/v1/rewards/many").header("If-Match", "\"1\"").json(archived).send().await.expect(200);
    assert_eq!(grant("many").await.problem(409, "conflict"), errors(&[("/reward_key", "archived")]));
    assert_eq!(pluck(&server.get("/v1/rewards").await.expect(200), "key"), ["none", "one"]);
}
