//! The organization chart: managers over time, teams and their members, and people who leave.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, pluck};

on_both_engines!(
    managers_are_dated,
    nobody_manages_themselves,
    people_who_leave,
    teams_are_nested_and_their_members_dated,
    merged_and_erased_people_leave_the_chart_whole
);

/// Creates people by name, each with its name as reference; returns their paths.
async fn people<const N: usize>(server: &Server, names: [&str; N]) -> [String; N] {
    let mut paths = [const { String::new() }; N];
    for (path, name) in paths.iter_mut().zip(names) {
        *path = create(server, "/v1/people", json!({ "name": name, "kind": "employee", "external_ref": name })).await;
    }
    paths
}

async fn names(server: &Server, path: &str) -> Vec<Value> {
    plucked(server, path, "name").await
}

async fn plucked(server: &Server, path: &str, field: &str) -> Vec<Value> {
    pluck(&server.get(path).await.expect(200), field).into_iter().cloned().collect()
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().expect("an id")
}

async fn managers_are_dated(engine: Engine) {
    let server = Server::start(engine).await;
    let [ana, ben, cai] = people(&server, ["ana", "ben", "cai"]).await;
    let changed = server.patch(&ana, json!({ "manager_ref": "ben" })).await.expect(200);
    assert_eq!((&changed["manager_ref"], &changed["manager_id"]), (&json!("ben"), &json!(id_of(&ben))));
    server.patch(&ben, json!({ "manager_ref": "cai" })).await.expect(200);
    let line = json!({ "manager_ref": "cai", "from_on": "2026-01-10" });
    let recorded = server.post(&format!("{ana}/reporting-lines"), line).await.expect(201);
    assert_eq!((&recorded["manager_name"], &recorded["from_on"]), (&json!("cai"), &json!("2026-01-10")));
    assert_eq!(server.get(&ana).await.expect(200)["manager_ref"], "ben", "a line of the past leaves today as it is");
    for (as_of, above) in [("2026-01-09", vec![]), ("2026-01-10", vec!["cai"]), ("2026-05-03", vec!["cai"])] {
        assert_eq!(names(&server, &format!("{ana}/managers?as_of={as_of}")).await, above, "{as_of}");
    }
    assert_eq!(names(&server, &format!("{ana}/managers")).await, ["ben", "cai"]);
    assert_eq!(names(&server, &format!("{cai}/reports")).await, ["ben"]);
    assert_eq!(names(&server, &format!("{cai}/reports?indirect=true")).await, ["ana", "ben"]);
    assert_eq!(names(&server, &format!("{cai}/reports?indirect=true&limit=1")).await, ["ana"]);
    assert_eq!(names(&server, &format!("{cai}/reports?as_of=2026-03-01")).await, ["ana"]);
    let reports = server.get(&format!("{cai}/reports?indirect=true")).await.expect(200);
    assert_eq!(pluck(&reports, "steps"), [2, 1]);
    assert_eq!(names(&server, &format!("/v1/people?manager_id={}", id_of(&ben))).await, ["ana"]);
    server.post(&format!("{ana}/reporting-lines"), json!({})).await.expect(201);
    assert_eq!(server.get(&ana).await.expect(200)["manager_id"], Value::Null);
    let lines = plucked(&server, &format!("{ana}/reporting-lines"), "manager_name").await;
    assert_eq!(lines, [Value::Null, json!("cai"), json!("ben")]);
    // Those who are created with a manager have had them from that day on.
    let dan = json!({ "name": "dan", "kind": "employee", "manager_ref": "ben" });
    let dan = create(&server, "/v1/people", dan).await;
    assert_eq!(names(&server, &format!("{dan}/managers")).await, ["ben", "cai"]);
    assert!(names(&server, &format!("{dan}/managers?as_of=2026-01-01")).await.is_empty());
    server.get("/v1/ledger/verification").await.expect(200);
}

async fn nobody_manages_themselves(engine: Engine) {
    let server = Server::start(engine).await;
    let [ana, ben, cai] = people(&server, ["ana", "ben", "cai"]).await;
    server.patch(&ben, json!({ "manager_ref": "ana" })).await.expect(200);
    server.patch(&cai, json!({ "manager_ref": "ben" })).await.expect(200);
    let cycle = errors(&[("/manager_id", "manager_cycle")]);
    for manager in ["ana", "ben", "cai"] {
        let refused = server.patch(&ana, json!({ "manager_ref": manager })).await;
        assert_eq!(refused.problem(422, "validation_failed"), cycle, "{manager}");
    }
    let bulk = json!({ "items": [
        { "external_ref": "dan", "name": "dan", "kind": "employee", "manager_ref": "cai" },
        { "external_ref": "ana", "name": "ana", "kind": "employee", "manager_ref": "dan" },
    ]});
    let results = server.post("/v1/people/bulk", bulk).await.expect(207);
    assert_eq!(pluck(&json!({ "data": results["results"] }), "outcome"), ["created", "refused"]);
    assert_eq!(results["results"][1]["errors"][0]["code"], "manager_cycle");
    for (line, expected) in [
        (json!({ "manager_ref": "cai", "from_on": "2099-01-01" }), ("/from_on", "in_the_future")),
        (json!({ "manager_ref": "nobody" }), ("/manager_ref", "unknown_person")),
        (json!({ "manager_ref": "cai" }), ("/manager_id", "manager_cycle")),
    ] {
        let refused = server.post(&format!("{ana}/reporting-lines"), line).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[expected]));
    }
    let strange = server.key_of("Contoso", &[milepost_domain::access::Scope::Admin]).await;
    let theirs = json!({ "name": "zoe", "kind": "employee" });
    let theirs = server.call("POST", "/v1/people").bearer(&strange).json(theirs).send().await.expect(201);
    let refused = server.patch(&ana, json!({ "manager_id": theirs["id"] })).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/manager_id", "unknown_person")]));
    server.call("DELETE", &ana).header("If-Match", "\"1\"").send().await.problem(409, "conflict");
}

async fn people_who_leave(engine: Engine) {
    let server = Server::start(engine).await;
    let [ana, ben] = people(&server, ["ana", "ben"]).await;
    let contact =
        json!({ "email": "Ana@example.com", "email_verified": true, "time_zone": "Asia/Tokyo", "language": "ja" });
    let changed = server.patch(&ana, contact).await.expect(200);
    assert_eq!((&changed["email_verified"], &changed["employment"]), (&json!(true), &json!("active")));
    let found = server.get("/v1/people?email=ana@EXAMPLE.com").await.expect(200);
    assert_eq!(pluck(&found, "name"), ["ana"]);
    let changed = server.patch(&ana, json!({ "email": "a@example.com" })).await.expect(200);
    assert_eq!(changed["email_verified"], false, "another address has to be verified again");
    for (patch, expected) in [
        (json!({ "time_zone": "Mars/Olympus" }), ("/time_zone", "unknown_time_zone")),
        (json!({ "language": "de-a" }), ("/language", "not_a_language")),
        (json!({ "left_on": "2026-01-01" }), ("/left_on", "unused")),
        (json!({ "employment": "left", "left_on": "2099-01-01" }), ("/left_on", "in_the_future")),
        (json!({ "email": null, "email_verified": true }), ("/email_verified", "unused")),
    ] {
        let refused = server.patch(&ana, patch).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[expected]));
    }
    let left = server.patch(&ana, json!({ "employment": "left" })).await.expect(200);
    assert!(left["left_on"].is_string(), "the day is today");
    assert_eq!(names(&server, "/v1/people?employment=left").await, ["ana"]);
    let refused = server.patch(&ben, json!({ "manager_ref": "ana" })).await;
    assert_eq!(refused.problem(409, "conflict"), errors(&[("/manager_id", "has_left")]));
    let back = server.patch(&ana, json!({ "employment": "active" })).await.expect(200);
    assert_eq!(back["left_on"], Value::Null);
}

async fn teams_are_nested_and_their_members_dated(engine: Engine) {
    let server = Server::start(engine).await;
    let [ana, _] = people(&server, ["ana", "ben"]).await;
    let teams = json!({ "items": [
        { "external_ref": "delivery", "name": "Delivery", "lead_ref": "ana" },
        { "external_ref": "data", "name": "Data", "parent_ref": "delivery" },
    ]});
    server.post("/v1/teams/bulk", teams.clone()).await.expect(200);
    let again = server.post("/v1/teams/bulk", teams).await.expect(200);
    assert_eq!(pluck(&json!({ "data": again["results"] }), "outcome"), ["unchanged", "unchanged"]);
    let delivery = server.get("/v1/teams/by-ref/delivery").await.expect(200);
    assert_eq!((&delivery["lead_id"], &delivery["lead_ref"]), (&json!(id_of(&ana)), &json!("ana")));
    let data = server.get("/v1/teams/by-ref/data").await.expect(200);
    let [delivery, data] = [delivery, data].map(|team| format!("/v1/teams/{}", team["id"].as_str().expect("an id")));
    let refused = server.patch(&delivery, json!({ "parent_ref": "data" })).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/parent_id", "parent_cycle")]));
    let refused = server.patch(&delivery, json!({ "lead_ref": "zoe" })).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/lead_ref", "unknown_person")]));
    let add = async |team: &str, person: &str, from_on: &str, until_on: Option<&str>| {
        let draft = json!({ "person_ref": person, "from_on": from_on, "until_on": until_on });
        server.post(&format!("{team}/members"), draft).await
    };
    let stay = add(&data, "ana", "2026-01-10", None).await.expect(201);
    assert_eq!((&stay["team_name"], &stay["person_name"]), (&json!("Data"), &json!("ana")));
    add(&delivery, "ben", "2026-02-01", None).await.expect(201);
    for (from_on, until_on, expected) in [
        ("2026-03-01", None, ("/from_on", "membership_overlap")),
        ("2099-03-01", None, ("/from_on", "in_the_future")),
        ("2026-01-02", Some("2026-01-01"), ("/until_on", "out_of_order")),
    ] {
        let refused = add(&data, "ana", from_on, until_on).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[expected]));
    }
    let end = format!("{data}/members/{}/end", stay["id"].as_str().expect("an id"));
    let ended = server.post(&end, json!({ "until_on": "2026-02-10" })).await.expect(200);
    assert_eq!(ended["until_on"], "2026-02-10");
    add(&data, "ana", "2026-02-10", Some("2026-02-20")).await.expect(201);
    let refused = server.post(&end, json!({ "until_on": "2026-02-12" })).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/until_on", "membership_overlap")]));
    let members = async |query: String| plucked(&server, &query, "person_name").await;
    for (as_of, expected) in
        [("2026-01-09", vec![]), ("2026-01-10", vec!["ana"]), ("2026-02-19", vec!["ana"]), ("2026-02-20", vec![])]
    {
        assert_eq!(members(format!("{data}/members?as_of={as_of}")).await, expected, "{as_of}");
    }
    assert_eq!(members(format!("{delivery}/members?nested=true&as_of=2026-02-15")).await, ["ana", "ben"]);
    assert_eq!(members(format!("{delivery}/members?as_of=2026-02-15")).await, ["ben"]);
    let own = server.get(&format!("{ana}/teams?as_of=2026-01-20")).await.expect(200);
    assert_eq!(pluck(&own, "team_name"), ["Data"]);
    server.call("DELETE", &data).header("If-Match", "\"1\"").send().await.problem(409, "conflict");
    server.patch(&data, json!({ "archived": true })).await.expect(200);
    assert_eq!(names(&server, "/v1/teams").await, ["Delivery"]);
    assert_eq!(names(&server, "/v1/teams?archived=true").await, ["Data"]);
}

async fn merged_and_erased_people_leave_the_chart_whole(engine: Engine) {
    let server = Server::start(engine).await;
    let [ana, twin, ben, cai] = people(&server, ["ana", "twin", "ben", "cai"]).await;
    server.patch(&ben, json!({ "manager_ref": "twin" })).await.expect(200);
    server.patch(&twin, json!({ "manager_ref": "cai" })).await.expect(200);
    let team = create(&server, "/v1/teams", json!({ "name": "Data", "lead_ref": "twin" })).await;
    server.post(&format!("{team}/members"), json!({ "person_ref": "twin" })).await.expect(201);
    // Whoever reports to the duplicate cannot be the one that is kept.
    let refused = server.post(&format!("{ben}/merges"), json!({ "duplicate_ref": "twin" })).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/duplicate_id", "manager_cycle")]));
    let merge = server.post(&format!("{ana}/merges"), json!({ "duplicate_ref": "twin" })).await.expect(201);
    assert_eq!(names(&server, &format!("{ana}/reports")).await, ["ben"]);
    assert!(names(&server, &format!("{ana}/managers")).await.is_empty(), "the one that is kept keeps its manager");
    assert_eq!(server.get(&team).await.expect(200)["lead_ref"], "ana");
    assert_eq!(pluck(&server.get(&format!("{team}/members")).await.expect(200), "person_name"), ["ana"]);
    let undo = format!("{ana}/merges/{}/undo", merge["merge_id"].as_str().expect("an id"));
    server.post(&undo, json!({})).await.expect(200);
    assert_eq!(names(&server, &format!("{twin}/reports")).await, ["ben"]);
    assert_eq!(names(&server, &format!("{twin}/managers")).await, ["cai"]);
    assert_eq!(server.get(&team).await.expect(200)["lead_ref"], "twin");
    let version = server.get(&twin).await.expect(200)["version"].clone();
    let erase = server.call("POST", &format!("{twin}/erase")).header("If-Match", &format!("\"{version}\""));
    erase.send().await.expect(200);
    assert_eq!(server.get(&ben).await.expect(200)["manager_id"], Value::Null);
    assert_eq!(server.get(&team).await.expect(200)["lead_id"], Value::Null);
    assert!(names(&server, &format!("{ben}/managers")).await.is_empty());
    assert!(names(&server, &format!("{cai}/reports")).await.is_empty());
}
