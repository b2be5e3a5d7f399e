//! Milestones that prove themselves: by usage events, awards and other milestones, in whatever order the facts arrive.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, pluck};

on_both_engines!(
    events_prove_milestones,
    one_proof_leads_to_another,
    batches_of_many_people_are_followed,
    tiers_earn_a_badge_each,
    what_falls_away_is_shown_to_somebody,
    what_must_hold_is_reopened,
    people_have_the_last_word,
    what_is_deleted_for_its_age_stays_proved,
    a_day_that_begins_proves_what_was_ready,
    plans_on_hold_and_of_customers,
    templates_whose_proofs_cannot_be
);

/// An event of somebody's on a day of May.
fn event(id: &str, person: &str, kind: &str, day: u32) -> Value {
    json!({ "id": id, "source": "app", "type": kind, "person": person, "time": format!("2026-05-{day:02}T12:00:00Z") })
}

async fn send(server: &Server, events: Vec<Value>) {
    let taken = server.post("/v1/events", Value::Array(events)).await.expect(200);
    assert_eq!(taken["rejected"], 0, "{taken}");
}

fn metric(kind: &str, more: &Value) -> Value {
    let mut all = json!({ "kind": "metric", "definition": { "event_type": kind, "aggregate": "count" } });
    all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    all
}

fn badge(key: &str) -> Value {
    json!({ "key": key, "name": key })
}

/// Publishes a program with some milestones, and enrols somebody on 1 May; returns the path of the plan.
async fn enrol(server: &Server, milestones: Value, person_ref: &str) -> String {
    let template =
        json!({ "key": "p", "name": "Program", "kind": "coaching", "publish": true, "milestones": milestones });
    server.post("/v1/templates", template).await.expect(201);
    let draft = json!({ "name": "Enrolment", "start_on": "2026-05-01", "template": "p", "person_ref": person_ref });
    create(server, "/v1/plans", draft).await
}

async fn proofs(server: &Server, plan: &str, query: &str) -> Value {
    server.get(&format!("{plan}/proofs{query}")).await.expect(200)["proofs"].clone()
}

async fn milestone(server: &Server, plan: &str, key: &str) -> (Value, Value) {
    let found = server.get(&format!("{plan}/milestones/{key}")).await.expect(200);
    (found["state"].clone(), found["actual_on"].clone())
}

async fn awards(server: &Server, person: &str) -> Vec<(String, String)> {
    let given = server.get(&format!("/v1/people/{person}/awards")).await.expect(200);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut given: Vec<_> = given["data"]
        .as_array()
        .expect("awards")
        .iter()
        .map(|one| (text(&one["badge_key"]), text(&one["awarded_on"])))
        .collect();
    given.sort();
    given
}

async fn events_prove_milestones(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    create(&server, "/v1/metrics", json!({ "key": "agents", "event_type": "agent.deployed", "aggregate": "count" }))
        .await;
    let proof = json!({ "criteria": [{ "kind": "metric", "metric": "agents", "at_least": 3 }] });
    let milestones = json!([
        { "key": "a", "name": "Three agents", "offset_days": 30, "proof": proof, "badge": badge("three") },
        { "key": "b", "name": "By hand", "offset_days": 40 }]);
    let plan = enrol(&server, milestones, "ana").await;
    let first = |id: &str, day| event(id, "ana", "agent.deployed", day);
    // An event before the start, one of somebody else, and two that count.
    let others = vec![
        event("0", "ben", "agent.deployed", 2),
        json!({ "id": "old", "source": "app", "type": "agent.deployed",
        "person": "ana", "time": "2026-04-20T12:00:00Z" }),
    ];
    send(&server, [others, vec![first("1", 2), first("2", 4)]].concat()).await;
    let found = proofs(&server, &plan, "").await;
    let seen = ["key", "holds", "proved_on", "needed", "achieved_on"].map(|field| found[0][field].clone());
    assert_eq!(seen, [json!("a"), json!(false), Value::Null, json!(1), Value::Null]);
    let criterion = &found[0]["criteria"][0];
    let seen = ["subject", "figure", "threshold", "is_met"].map(|field| criterion[field].clone());
    assert_eq!(seen, [json!("agents"), json!(2.0), json!(3.0), json!(false)]);
    assert!((found[0]["percent"].as_f64().expect("percent") - 200.0 / 3.0).abs() < 1e-9);
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert!((progress["next"][0]["proved_percent"].as_f64().expect("percent") - 200.0 / 3.0).abs() < 1e-9);
    assert_eq!(progress["next"][1]["proved_percent"], Value::Null);
    // The third one happened on the third, and comes late.
    send(&server, vec![first("3", 3)]).await;
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(progress["progress"]["achieved"], 1, "the answer sees what has followed");
    assert_eq!(milestone(&server, &plan, "a").await, (json!("achieved"), json!("2026-05-04")));
    assert_eq!(awards(&server, &ana).await, [("three".to_owned(), "2026-05-04".to_owned())]);
    let found = proofs(&server, &plan, "").await;
    let seen = ["holds", "proved_on", "percent", "achieved_on", "contested_at"].map(|field| found[0][field].clone());
    assert_eq!(seen, [json!(true), json!("2026-05-04"), json!(100.0), json!("2026-05-04"), Value::Null]);
    let earlier = proofs(&server, &plan, "?as_of=2026-05-03").await;
    assert_eq!((&earlier[0]["holds"], &earlier[0]["criteria"][0]["figure"]), (&json!(false), &json!(2.0)));
    let entries = server.get("/v1/ledger?action=milestone.achieved").await.expect(200);
    assert_eq!(pluck(&entries, "author").iter().map(|author| &author["type"]).collect::<Vec<_>>(), [&json!("system")]);
    // What a metric means later does not change what was promised.
    let read = server.get("/v1/metrics/agents").await;
    server.call("DELETE", "/v1/metrics/agents").header("If-Match", &read.header("etag")).send().await.expect(204);
    assert_eq!(proofs(&server, &plan, "").await[0]["holds"], true);
}

async fn one_proof_leads_to_another(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    let set = |kind: &str, keys: Value, any: Value| json!({ "criteria": [{ "kind": kind, "keys": keys, "any": any }] });
    let milestones = json!([
        { "key": "d", "name": "Two badges of three", "offset_days": null, "proof": set("awards", json!(["a", "b", "x"]), json!(2)) },
        { "key": "c", "name": "A and B", "offset_days": 40, "proof": set("milestones", json!(["a", "b"]), Value::Null) },
        { "key": "b", "name": "B", "offset_days": 30, "depends_on": ["a"], "badge": badge("b"),
          "proof": { "criteria": [metric("b", &json!({ "at_least": 1 }))] } },
        { "key": "a", "name": "A", "offset_days": 20, "badge": badge("a"),
          "proof": { "criteria": [metric("a", &json!({ "at_least": 1 })), metric("z", &json!({ "at_least": 1 }))], "any": 1 } }]);
    let plan = enrol(&server, milestones, "ana").await;
    send(&server, vec![event("1", "ana", "b", 2)]).await;
    let found = proofs(&server, &plan, "").await;
    assert_eq!(
        (&found[2]["proved_on"], &found[2]["achieved_on"]),
        (&json!("2026-05-02"), &Value::Null),
        "it waits for A"
    );
    send(&server, vec![event("2", "ana", "a", 3)]).await;
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(progress["progress"], json!({ "achieved": 4, "total": 4, "percent": 100.0 }));
    assert_eq!(milestone(&server, &plan, "a").await.1, "2026-05-03");
    assert_eq!(milestone(&server, &plan, "b").await.1, "2026-05-02", "it was proved before it was unlocked");
    assert_eq!(milestone(&server, &plan, "c").await.1, "2026-05-03");
    let undated = server.get(&format!("{plan}/undated-milestones/d")).await.expect(200);
    assert_eq!(undated["achieved_on"], "2026-05-03");
    assert_eq!(awards(&server, &ana).await.len(), 2);
}

async fn batches_of_many_people_are_followed(engine: Engine) {
    let server = Server::start(engine).await;
    let people = ["ana", "ben", "cleo"];
    let mut enrolled = vec![];
    for name in people {
        person(&server, name, json!({})).await;
        enrolled.push(json!({ "person_ref": name }));
    }
    let proof = json!({ "criteria": [metric("a", &json!({ "at_least": 100 }))] });
    let milestones = json!([{ "key": "m", "name": "M", "offset_days": 30, "proof": proof }]);
    let template =
        json!({ "key": "p", "name": "Program", "kind": "coaching", "publish": true, "milestones": milestones });
    server.post("/v1/templates", template).await.expect(201);
    let draft = json!({ "start_on": "2026-05-01", "people": enrolled });
    let report = server.post("/v1/programs/p/enrolments", draft).await.expect(200);
    let plans: Vec<String> = report["people"]
        .as_array()
        .expect("people")
        .iter()
        .map(|one| format!("/v1/plans/{}", one["plan_id"].as_str().expect("an id")))
        .collect();
    let mut counts = [0_u32; 3];
    for round in 0..6_u32 {
        let mut batch = vec![];
        for (at, name) in people.iter().enumerate() {
            for number in 0..=(round + u32::try_from(at).expect("few")) % 3 {
                // Later rounds bring earlier days, too.
                batch.push(event(&format!("{name}-{round}-{number}"), name, "a", 1 + (round * 2 + number) % 4));
                counts[at] += 1;
            }
        }
        send(&server, batch).await;
        if round == 3 {
            server.post("/v1/events/erase", json!({ "person": "ben" })).await.expect(200);
            counts[1] = 0;
        }
        // One answer lets all be judged at once.
        server.get("/v1/contested-proofs").await.expect(200);
        for (plan, count) in plans.iter().zip(counts) {
            let found = proofs(&server, plan, "").await;
            assert_eq!(found[0]["criteria"][0]["figure"], json!(f64::from(count)), "round {round}, {plan}");
        }
    }
}

async fn tiers_earn_a_badge_each(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    let tiers = json!({ "tiers": [{ "tier": "bronze", "at_least": 1 }, { "tier": "silver", "at_least": 2 }, { "tier": "gold", "at_least": 5 }] });
    let milestones = json!([
        { "key": "a", "name": "Shared", "offset_days": 30, "badge": badge("share"), "proof": { "criteria": [metric("share", &tiers)] } }]);
    let plan = enrol(&server, milestones, "ana").await;
    send(&server, vec![event("1", "ana", "share", 2)]).await;
    assert_eq!(proofs(&server, &plan, "").await[0]["tier"], "bronze");
    assert_eq!(awards(&server, &ana).await, [("share-bronze".to_owned(), "2026-05-02".to_owned())]);
    send(&server, vec![event("2", "ana", "share", 4)]).await;
    let found = proofs(&server, &plan, "").await;
    let silver =
        json!([{ "tier": "bronze", "reached_on": "2026-05-02" }, { "tier": "silver", "reached_on": "2026-05-04" }]);
    assert_eq!((&found[0]["tiers"], &found[0]["achieved_on"]), (&silver, &json!("2026-05-02")));
    let given = awards(&server, &ana).await;
    assert_eq!(given[1], ("share-silver".to_owned(), "2026-05-04".to_owned()));
    let shown = server.get("/v1/badges/share-silver").await.expect(200);
    assert_eq!((&shown["name"], &shown["design"]["tier"]), (&json!("share: Silver"), &json!("silver")));
    // An award that is revoked is not given again by the same proof.
    let listed = server.get(&format!("/v1/people/{ana}/awards")).await.expect(200);
    let id =
        listed["data"].as_array().expect("awards").iter().find(|one| one["badge_key"] == "share-silver").expect("one")
            ["id"]
            .clone();
    let path = format!("/v1/awards/{}/revoke", id.as_str().expect("an id"));
    server.post(&path, json!({ "reason": "It was not shared at all." })).await.expect(200);
    send(&server, vec![event("3", "ana", "share", 4)]).await;
    proofs(&server, &plan, "").await;
    assert_eq!(awards(&server, &ana).await.len(), 2);
}

async fn what_falls_away_is_shown_to_somebody(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({})).await;
    let roles = json!({ "roles": ["program_manager"] });
    server.call("PUT", &format!("/v1/people/{ana}/roles")).json(roles).send().await.expect(200);
    person(&server, "coach", json!({})).await;
    person(&server, "other", json!({})).await;
    let milestones = json!([
        { "key": "a", "name": "A", "offset_days": 30, "proof": { "criteria": [metric("a", &json!({ "at_least": 1 }))] } }]);
    let plan = enrol(&server, milestones, "ana").await;
    let tag = server.get(&plan).await.header("etag");
    server.call("PATCH", &plan).header("If-Match", &tag).json(json!({ "owner_ref": "coach" })).send().await.expect(200);
    send(&server, vec![event("1", "ana", "a", 2)]).await;
    assert_eq!(proofs(&server, &plan, "").await[0]["achieved_on"], "2026-05-02");
    let contested = async || server.get("/v1/contested-proofs").await.expect(200);
    let uphold = format!("{plan}/proofs/a/uphold");
    let reason = json!({ "reason": "The agent is there, the events were sent twice." });
    assert_eq!(contested().await["data"], json!([]));
    let refused = server.post(&uphold, reason.clone()).await.problem(409, "conflict");
    assert_eq!(refused, errors(&[("", "not_contested")]));
    server.post("/v1/events/erase", json!({ "person": "ana" })).await.expect(200);
    let found = contested().await;
    assert_eq!((pluck(&found, "key"), pluck(&found, "proved_on")), (vec![&json!("a")], vec![&Value::Null]));
    assert_eq!(milestone(&server, &plan, "a").await.0, "achieved", "nothing is taken back in silence");
    let entries = server.get("/v1/ledger?action=proof.contested").await.expect(200);
    assert_eq!(pluck(&entries, "root_type"), ["plan"]);
    for (name, listed, decided) in [("other", 0, 404), ("ana", 1, 409), ("coach", 1, 200)] {
        let token = token_of(&server, &client, name).await;
        let seen = server.call("GET", "/v1/contested-proofs").bearer(&token).send().await.expect(200);
        assert_eq!(seen["data"].as_array().map(Vec::len), Some(listed), "{name}");
        let answer = server.call("POST", &uphold).bearer(&token).json(reason.clone()).send().await;
        if decided == 409 {
            assert_eq!(answer.problem(409, "conflict"), errors(&[("", "own_proof")]));
        } else {
            assert_eq!(answer.status.as_u16(), decided, "{name}");
        }
    }
    assert_eq!(contested().await["data"], json!([]), "it was decided");
    assert!(proofs(&server, &plan, "").await[0]["upheld_at"].is_string());
    send(&server, vec![event("2", "ana", "a", 3)]).await;
    let found = proofs(&server, &plan, "").await;
    let seen = ["proved_on", "achieved_on", "upheld_at"].map(|field| found[0][field].clone());
    assert_eq!(seen, [json!("2026-05-03"), json!("2026-05-02"), Value::Null], "the proof is whole again");
}

async fn what_must_hold_is_reopened(engine: Engine) {
    let server = Server::start(engine).await;
    person(&server, "ana", json!({})).await;
    let proof = json!({ "criteria": [metric("a", &json!({ "at_least": 2, "window_days": 7 }))], "must_hold": true });
    let milestones = json!([{ "key": "a", "name": "Keeps at it", "offset_days": 30, "proof": proof }]);
    let plan = enrol(&server, milestones, "ana").await;
    send(&server, vec![event("1", "ana", "a", 2), event("2", "ana", "a", 4)]).await;
    proofs(&server, &plan, "").await;
    assert_eq!(milestone(&server, &plan, "a").await, (json!("achieved"), json!("2026-05-04")));
    server.clock.advance(Duration::days(4));
    proofs(&server, &plan, "").await;
    assert_eq!(milestone(&server, &plan, "a").await.0, "achieved");
    server.clock.advance(Duration::days(1));
    proofs(&server, &plan, "").await;
    assert_eq!(milestone(&server, &plan, "a").await.0, "planned", "the first event is eight days old");
    send(&server, vec![event("3", "ana", "a", 9)]).await;
    let found = proofs(&server, &plan, "").await;
    let seen = (&found[0]["proved_on"], &found[0]["achieved_on"]);
    assert_eq!(
        seen,
        (&json!("2026-05-04"), &json!("2026-05-09")),
        "it has held all along, and is achieved again today"
    );
}

async fn people_have_the_last_word(engine: Engine) {
    let server = Server::start(engine).await;
    person(&server, "ana", json!({})).await;
    let proved = |key: &str| json!({ "key": key, "name": key, "offset_days": 30, "proof": { "criteria": [metric(key, &json!({ "at_least": 1 }))] } });
    let plan = enrol(&server, json!([proved("a"), proved("b"), proved("c")]), "ana").await;
    server.post(&format!("{plan}/milestones/b/achieve"), json!({ "occurred_on": "2026-05-01" })).await.expect(200);
    server
        .post(&format!("{plan}/milestones/c/waive"), json!({ "reason": "Not needed by this person." }))
        .await
        .expect(200);
    send(&server, ["a", "b", "c"].map(|kind| event(kind, "ana", kind, 3)).to_vec()).await;
    let found = proofs(&server, &plan, "").await;
    let achieved: Vec<&Value> = found.as_array().expect("proofs").iter().map(|one| &one["achieved_on"]).collect();
    assert_eq!(achieved, [&json!("2026-05-03"), &Value::Null, &Value::Null]);
    assert_eq!(milestone(&server, &plan, "b").await.1, "2026-05-01");
    assert_eq!(milestone(&server, &plan, "c").await.0, "waived");
    server
        .post(&format!("{plan}/milestones/a/reopen"), json!({ "reason": "It was somebody else's agent." }))
        .await
        .expect(200);
    send(&server, vec![event("again", "ana", "a", 4)]).await;
    proofs(&server, &plan, "").await;
    assert_ne!(milestone(&server, &plan, "a").await.0, "achieved", "what a person has reopened stays open");
    // Also what a person had achieved.
    server
        .post(&format!("{plan}/milestones/b/reopen"), json!({ "reason": "Not good enough after all." }))
        .await
        .expect(200);
    proofs(&server, &plan, "").await;
    assert_ne!(milestone(&server, &plan, "b").await.0, "achieved");
}

async fn what_is_deleted_for_its_age_stays_proved(engine: Engine) {
    let server = Server::start(engine).await;
    person(&server, "ana", json!({})).await;
    let tiers = json!({ "tiers": [{ "tier": "bronze", "at_least": 1 }, { "tier": "gold", "at_least": 2 }] });
    let always = json!({ "criteria": [metric("a", &json!({ "at_least": 1 }))], "must_hold": true });
    let milestones = json!([
        { "key": "a", "name": "A", "offset_days": 30, "proof": { "criteria": [metric("a", &tiers)] } },
        { "key": "b", "name": "B", "offset_days": 30, "proof": always }]);
    let plan = enrol(&server, milestones, "ana").await;
    send(&server, vec![event("1", "ana", "a", 2), event("2", "ana", "a", 3)]).await;
    proofs(&server, &plan, "").await;
    server.patch("/v1/organization", json!({ "event_retention_days": 30 })).await.expect(200);
    server.clock.advance(Duration::days(60));
    milepost::jobs::prune(&server.app).await.expect("pruned");
    assert_eq!(server.get("/v1/events").await.expect(200)["data"], json!([]));
    proofs(&server, &plan, "").await;
    assert_eq!(server.get("/v1/contested-proofs").await.expect(200)["data"], json!([]), "nobody can tell any more");
    for key in ["a", "b"] {
        assert_eq!(milestone(&server, &plan, key).await.0, "achieved", "{key}");
    }
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(progress["progress"]["percent"], 100.0);
}

async fn a_day_that_begins_proves_what_was_ready(engine: Engine) {
    let server = Server::start(engine).await;
    person(&server, "ana", json!({})).await;
    let proof = json!({ "criteria": [metric("a", &json!({ "at_least": 1, "from_before": true }))] });
    let template = json!({ "key": "p", "name": "P", "kind": "coaching", "publish": true,
        "milestones": [{ "key": "a", "name": "A", "offset_days": 5, "proof": proof }] });
    server.post("/v1/templates", template).await.expect(201);
    send(&server, vec![event("1", "ana", "a", 2)]).await;
    let draft = json!({ "name": "E", "start_on": "2026-05-06", "template": "p", "person_ref": "ana" });
    let plan = create(&server, "/v1/plans", draft).await;
    assert_eq!(proofs(&server, &plan, "").await[0]["proved_on"], Value::Null, "the plan has not begun");
    assert_eq!(
        proofs(&server, &plan, "?as_of=2026-06-01").await[0]["proved_on"],
        Value::Null,
        "nobody knows the days to come"
    );
    server.clock.advance(Duration::days(2));
    assert_eq!(proofs(&server, &plan, "").await[0]["achieved_on"], "2026-05-06");
}

async fn plans_on_hold_and_of_customers(engine: Engine) {
    let server = Server::start(engine).await;
    create(&server, "/v1/customers", json!({ "name": "N", "external_ref": "northwind" })).await;
    let proof = json!({ "criteria": [metric("login", &json!({ "at_least": 1, "of": "customer" })), { "kind": "percent_complete", "at_least": 50 }] });
    let template = json!({ "key": "p", "name": "P", "kind": "onboarding", "publish": true, "milestones": [
        { "key": "a", "name": "A", "offset_days": 3 }, { "key": "b", "name": "B", "offset_days": 9, "proof": proof }] });
    server.post("/v1/templates", template).await.expect(201);
    let draft = json!({ "name": "O", "start_on": "2026-05-01", "template": "p", "customer_ref": "northwind" });
    let plan = create(&server, "/v1/plans", draft).await;
    let event =
        json!({ "id": "1", "source": "app", "type": "login", "subject": "northwind", "time": "2026-05-02T12:00:00Z" });
    send(&server, vec![event]).await;
    let found = proofs(&server, &plan, "").await;
    assert_eq!((&found[0]["holds"], &found[0]["percent"]), (&json!(false), &json!(50.0)));
    server.post(&format!("{plan}/milestones/a/achieve"), json!({ "occurred_on": "2026-05-03" })).await.expect(200);
    server.post(&format!("{plan}/hold"), json!({ "reason": "The sponsor is on leave." })).await.expect(200);
    let found = proofs(&server, &plan, "").await;
    assert_eq!((&found[0]["holds"], &found[0]["achieved_on"]), (&json!(true), &Value::Null), "nothing happens on hold");
    server.post(&format!("{plan}/resume"), json!({})).await.expect(201);
    assert_eq!(proofs(&server, &plan, "").await[0]["achieved_on"], "2026-05-03");
    let plain = create(
        &server,
        "/v1/plans",
        json!({ "name": "Q", "start_on": "2026-05-01",
        "milestones": [{ "key": "a", "name": "A", "planned_on": "2026-05-10" }] }),
    )
    .await;
    assert_eq!(proofs(&server, &plain, "").await, json!([]));
    server.get("/v1/plans/0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11/proofs").await.problem(404, "not_found");
}

async fn templates_whose_proofs_cannot_be(engine: Engine) {
    let server = Server::start(engine).await;
    let set = |keys: Value| json!({ "criteria": [{ "kind": "milestones", "keys": keys }] });
    let one = |key: &str, proof: Value| json!({ "key": key, "name": key, "offset_days": 3, "proof": proof });
    for (milestones, at, code) in [
        (json!([one("a", json!({ "criteria": [] }))]), "/milestones/0/proof/criteria", "too_few_items"),
        (json!([one("a", set(json!(["b"]))), one("b", set(json!(["a"])))]), "/milestones/0/proof", "proof_cycle"),
        (
            json!([one("a", json!({ "criteria": [{ "kind": "metric", "metric": "none", "at_least": 1 }] }))]),
            "/milestones/0/proof/criteria/0/metric",
            "unknown_metric",
        ),
        (
            json!([one(
                "a",
                json!({ "criteria": [{ "kind": "spi", "at_least": 1, "tiers": [{ "tier": "gold", "at_least": 1 }] }] })
            )]),
            "/milestones/0/proof/criteria/0/tiers",
            "unused",
        ),
        (
            json!([one(
                "a",
                json!({ "criteria": [metric("x", &json!({ "tiers": [{ "tier": "gold", "at_least": 2 }, { "tier": "silver", "at_least": 3 }] }))] })
            )]),
            "/milestones/0/proof/criteria/0/tiers/1",
            "tiers_not_increasing",
        ),
    ] {
        let template = json!({ "key": "p", "name": "P", "kind": "coaching", "milestones": milestones });
        let refused = server.post("/v1/templates", template.clone()).await.problem(422, "validation_failed");
        assert!(refused.contains(&(at.to_owned(), code.to_owned())), "{template}: {refused:?}");
    }
}
