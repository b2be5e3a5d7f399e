//! Coaching programs: enrolments with milestones that have no date, progress by track and level, and badges for what was achieved.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, pluck};

on_both_engines!(
    an_enrolment_in_the_shipped_program,
    a_cohort_is_enrolled,
    achievements_bring_badges,
    what_has_no_date_changes_no_figure,
    what_has_no_date_is_achieved_and_dated
);

/// Enrols a person in the shipped program; returns the path of the plan.
async fn enrol(server: &Server, person_ref: &str) -> String {
    let draft =
        json!({ "name": "Enrolment", "start_on": "2026-05-01", "template": "ai-coaching", "person_ref": person_ref });
    create(server, "/v1/plans", draft).await
}

async fn an_enrolment_in_the_shipped_program(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    person(&server, "ana", json!({})).await;
    person(&server, "other", json!({})).await;
    let plan = enrol(&server, "ana").await;
    let dated = server.get(&format!("{plan}/milestones?limit=200")).await.expect(200);
    assert_eq!(pluck(&dated, "key").len(), 27);
    let undated = server.get(&format!("{plan}/undated-milestones")).await.expect(200);
    assert_eq!(pluck(&undated, "key"), ["t9", "b4", "b5"]);
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(progress["progress"], json!({ "achieved": 0, "total": 30, "percent": 0.0 }));
    assert_eq!(
        pluck(&json!({ "data": progress["tracks"] }), "track"),
        ["Technical", "Business", "Community", "Learning"]
    );
    let levels = json!({ "data": progress["tracks"][0]["levels"] });
    assert_eq!(pluck(&levels, "level"), ["Foundation", "Intermediate", "Advanced"]);
    let next = json!({ "data": progress["next"] });
    assert_eq!(pluck(&next, "key"), ["t1", "c1", "l1", "b1", "b4"], "what waits for something is not next");
    assert_eq!(progress["next"][4]["reckoned_on"], Value::Null);
    for (name, expected) in [("ana", 200), ("other", 404)] {
        let token = token_of(&server, &client, name).await;
        for part in ["progress", "undated-milestones", "undated-milestones/b4"] {
            let read = server.call("GET", &format!("{plan}/{part}")).bearer(&token).send().await;
            assert_eq!(read.status.as_u16(), expected, "{name} {part}");
        }
    }
}

async fn a_cohort_is_enrolled(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let ana = person(&server, "ana", json!({ "segment": "spring" })).await;
    person(&server, "ben", json!({ "segment": "spring" })).await;
    person(&server, "gone", json!({ "segment": "spring", "employment": "left" })).await;
    person(&server, "coach", json!({})).await;
    let path = "/v1/programs/ai-coaching/enrolments";
    let body = json!({ "start_on": "2026-05-01", "segment": "spring", "people": [{ "person_ref": "ana" }], "owner_ref": "coach" });
    let tried = server.post(&format!("{path}?dry_run=true"), body.clone()).await.expect(200);
    assert_eq!((&tried["enrolled"], &tried["people"][0]["plan_id"]), (&json!(2), &Value::Null));
    assert_eq!(server.get(path).await.expect(200)["data"], json!([]), "nothing was written");
    let done = server.post(path, body.clone()).await.expect(200);
    assert_eq!(pluck(&json!({ "data": done["people"] }), "person_name"), ["ana", "ben"]);
    let again = server.post(path, body).await.expect(200);
    assert_eq!((&again["enrolled"], &again["people"][1]["was_enrolled"]), (&json!(0), &json!(true)));
    assert_eq!(again["people"][0]["plan_id"], done["people"][0]["plan_id"]);
    let plan = format!("/v1/plans/{}", done["people"][0]["plan_id"].as_str().expect("an id"));
    let shown = server.get(&plan).await.expect(200);
    assert_eq!(
        (&shown["name"], &shown["owner_name"], &shown["person_id"]),
        (&json!("AI coaching program: ana"), &json!("coach"), &json!(ana))
    );
    server.post(&format!("{plan}/undated-milestones/b5/achieve"), json!({})).await.expect(200);
    server.post(&format!("{plan}/milestones/t1/achieve"), json!({})).await.expect(200);
    let listed = server.get(&format!("{path}?limit=1")).await.expect(200);
    assert_eq!(listed["data"][0]["progress"]["achieved"], 2);
    assert_eq!((&listed["data"][0]["progress"]["total"], &listed["has_more"]), (&json!(30), &json!(true)));
    for (name, expected) in [("ana", 1), ("coach", 2), ("gone", 0)].into_iter().filter(|(name, _)| *name != "gone") {
        let token = token_of(&server, &client, name).await;
        let own = server.call("GET", path).bearer(&token).send().await.expect(200);
        assert_eq!(own["data"].as_array().map(Vec::len), Some(expected), "{name}");
    }
    for (body, status, at, code) in [
        (json!({ "start_on": "2026-05-01" }), 422, "/people", "required"),
        (json!({ "start_on": "2026-05-01", "segment": "nobody" }), 422, "/people", "required"),
        (json!({ "start_on": "2026-05-01", "people": [{}] }), 422, "/people/0/person_id", "required"),
        (
            json!({ "start_on": "2026-05-01", "people": [{ "person_ref": "x" }] }),
            422,
            "/people/0/person_ref",
            "unknown_person",
        ),
        (
            json!({ "start_on": "2026-05-01", "people": [{ "person_ref": "gone" }] }),
            409,
            "/people/0/person_id",
            "has_left",
        ),
    ] {
        let refused = server.post(path, body.clone()).await;
        let kind = if status == 422 { "validation_failed" } else { "conflict" };
        assert_eq!(refused.problem(status, kind), errors(&[(at, code)]), "{body}");
    }
    for key in ["ai-delivery", "none"] {
        server.get(&format!("/v1/programs/{key}/enrolments")).await.problem(404, "not_found");
    }
}

async fn achievements_bring_badges(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "ana", json!({})).await;
    let plan = enrol(&server, "ana").await;
    let awards = async || server.get(&format!("/v1/people/{ana}/awards")).await.expect(200);
    server.post(&format!("{plan}/milestones/t1/achieve"), json!({ "occurred_on": "2026-05-03" })).await.expect(200);
    let given = awards().await;
    let seen = ["badge_key", "badge_name", "awarded_on", "state"].map(|field| given["data"][0][field].clone());
    assert_eq!(seen, [json!("first-agent"), json!("First agent"), json!("2026-05-03"), json!("active")]);
    let badge = server.get("/v1/badges/first-agent").await.expect(200);
    assert_eq!((&badge["design"]["text"], &badge["tags"]), (&json!("T1"), &json!(["Technical", "Foundation"])));
    // Nobody gets a badge twice, and what was earned stays.
    server
        .post(&format!("{plan}/milestones/t1/reopen"), json!({ "reason": "It was another agent." }))
        .await
        .expect(200);
    server.post(&format!("{plan}/milestones/t1/achieve"), json!({})).await.expect(200);
    assert_eq!(pluck(&awards().await, "badge_key"), ["first-agent"]);
    server.post(&format!("{plan}/undated-milestones/b4/achieve"), json!({})).await.expect(200);
    assert_eq!(pluck(&awards().await, "badge_key"), ["cost-savings-bronze", "first-agent"]);
    // A badge that is no longer given is not; a plan for nobody gives none.
    let mut archived = badge.clone();
    for field in ["id", "version", "created_at", "updated_at", "archived_at"] {
        archived.as_object_mut().expect("a badge").remove(field);
    }
    archived["archived"] = json!(true);
    server.call("PUT", "/v1/badges/first-agent").header("If-Match", "*").json(archived).send().await.expect(200);
    let ben = person(&server, "ben", json!({})).await;
    let other = enrol(&server, "ben").await;
    server.post(&format!("{other}/milestones/t1/achieve"), json!({})).await.expect(200);
    assert_eq!(server.get(&format!("/v1/people/{ben}/awards")).await.expect(200)["data"], json!([]));
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(progress["progress"]["achieved"], 2);
    let next = json!({ "data": progress["next"] });
    assert_eq!(pluck(&next, "key"), ["t2", "t3", "c1", "l1", "b1"]);
}

async fn what_has_no_date_changes_no_figure(engine: Engine) {
    let server = Server::start(engine).await;
    person(&server, "ana", json!({})).await;
    let plan = enrol(&server, "ana").await;
    let dated = server.get(&format!("{plan}/milestones?limit=200")).await.expect(200);
    let scope: f64 = pluck(&dated, "weight").iter().map(|weight| weight.as_f64().expect("a weight")).sum();
    let figures = async || {
        let mut found = vec![];
        for path in ["earned-value?as_of=2026-07-01", "earned-value/series", "schedule", ""] {
            let mut figure = server.get(format!("{plan}/{path}").trim_end_matches('/')).await.expect(200);
            for field in ["version", "updated_at"] {
                figure.as_object_mut().expect("an object").remove(field);
            }
            found.push(figure);
        }
        found
    };
    let before = figures().await;
    assert_eq!(before[0]["budget_at_completion"].as_f64(), Some(scope));
    server.post(&format!("{plan}/undated-milestones"), json!({ "key": "x1", "name": "More" })).await.expect(201);
    for key in ["t9", "b4", "x1"] {
        let early = json!({ "override_reason": "It was done before the others." });
        server.post(&format!("{plan}/undated-milestones/{key}/achieve"), early).await.expect(200);
    }
    assert_eq!(figures().await, before);
    let open = server.get("/v1/milestones?overdue=true").await.expect(200);
    server.clock.advance(Duration::days(400));
    let late = server.get("/v1/milestones?overdue=true&limit=200").await.expect(200);
    assert!(open["data"].as_array().is_some_and(Vec::is_empty), "{open}");
    assert!(!pluck(&late, "key").iter().any(|key| **key == "b5"), "what has no date is never overdue");
}

async fn what_has_no_date_is_achieved_and_dated(engine: Engine) {
    let server = Server::start(engine).await;
    let milestones = json!([{ "key": "a", "name": "A", "planned_on": "2026-05-10" }]);
    let plan =
        create(&server, "/v1/plans", json!({ "name": "P", "start_on": "2026-05-01", "milestones": milestones })).await;
    let all = format!("{plan}/undated-milestones");
    let made = server
        .post(&all, json!({ "key": "u", "name": "U", "phase": "Later", "acceptance_criteria": ["It is so."] }))
        .await;
    assert_eq!(made.header("location"), format!("{all}/u"));
    made.expect(201);
    for (path, key) in [(all.clone(), "a"), (all.clone(), "u"), (format!("{plan}/milestones"), "u")] {
        let body = if path == all {
            json!({ "key": key, "name": "X" })
        } else {
            json!({ "key": key, "name": "X", "planned_on": "2026-06-01" })
        };
        let refused = server.post(&path, body).await.problem(422, "validation_failed");
        assert_eq!(refused, errors(&[("/key", "duplicate_key")]), "{path} {key}");
    }
    let achieve = async |body: Value| server.post(&format!("{all}/u/achieve"), body).await;
    let early = achieve(json!({ "occurred_on": "2026-05-05" })).await.problem(422, "validation_failed");
    assert_eq!(early, errors(&[("/occurred_on", "in_the_future")]));
    assert_eq!(achieve(json!({})).await.expect(200)["achieved_on"], "2026-05-04");
    achieve(json!({})).await.problem(409, "conflict");
    let date = async |body: Value| server.post(&format!("{all}/u/date"), body).await;
    date(json!({ "planned_on": "2026-06-01" })).await.problem(409, "conflict");
    let reopened = server.post(&format!("{all}/u/reopen"), json!({ "reason": "Counted twice." })).await.expect(200);
    assert_eq!(
        (&reopened["achieved_on"], &reopened["reason"], &reopened["version"]),
        (&Value::Null, &json!("Counted twice."), &json!(3))
    );
    server.post(&format!("{all}/u/reopen"), json!({ "reason": "Counted twice." })).await.problem(409, "conflict");
    let refused = date(json!({ "planned_on": "2026-06-01", "depends_on": ["nothing"] })).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/depends_on/0", "unknown_dependency")]));
    assert_eq!(server.get(&format!("{all}/u")).await.expect(200)["version"], 3, "nothing is half-done");
    let dated = date(json!({ "planned_on": "2026-06-01", "weight": 2, "depends_on": ["a"] })).await.expect(201);
    let seen = ["key", "phase", "planned_on", "weight"].map(|field| dated[field].clone());
    assert_eq!(seen, [json!("u"), json!("Later"), json!("2026-06-01"), json!(2.0)]);
    server.get(&format!("{all}/u")).await.problem(404, "not_found");
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(progress["progress"]["total"], 2);
    let template = json!({ "key": "t", "name": "T", "kind": "coaching", "milestones": [
        { "key": "a", "name": "A", "offset_days": null }, { "key": "b", "name": "B", "offset_days": 3, "depends_on": ["a"] }] });
    let refused = server.post("/v1/templates", template).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("/milestones/1/depends_on/0", "waits_for_undated")]));
    let missing = json!({ "key": "t", "name": "T", "kind": "coaching", "milestones": [{ "key": "a", "name": "A" }] });
    let refused = server.post("/v1/templates", missing).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("/milestones/0/offset_days", "required")]));
}
