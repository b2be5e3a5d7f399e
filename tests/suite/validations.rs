//! Validation of milestones by people: who is asked, who may decide, and what follows.

use chrono::Duration;
use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::{acting, person, token_of};
use crate::samples::{create, pluck};

on_both_engines!(
    people_prove_a_milestone,
    rejection_and_more_evidence,
    a_reopened_milestone_is_validated_anew,
    who_may_ask_and_decide,
    who_sees_a_validation,
    validators_who_leave
);

/// Enrols Ana, whose manager is `boss`, in a program with a milestone `m` that her manager and two peers validate; returns the path of the plan.
async fn enrolled(server: &Server, different_people: bool) -> String {
    for name in ["boss", "ben", "cleo", "dan"] {
        person(server, name, json!({})).await;
    }
    person(server, "ana", json!({ "manager_ref": "boss" })).await;
    let needs = json!([{ "kind": "manager_attestation" }, { "kind": "peer_review", "quorum": 2 }]);
    let proof = json!({ "criteria": [{ "kind": "validation", "needs": needs, "different_people": different_people }] });
    let milestones = json!([
        { "key": "m", "name": "M", "offset_days": 30, "proof": proof, "badge": { "key": "m", "name": "M" } },
        { "key": "n", "name": "N", "offset_days": 40 }]);
    let template = json!({ "key": "p", "name": "P", "kind": "coaching", "publish": true, "milestones": milestones });
    server.post("/v1/templates", template).await.expect(201);
    let draft = json!({ "name": "E", "start_on": "2026-05-01", "template": "p", "person_ref": "ana" });
    create(server, "/v1/plans", draft).await
}

/// Submits the milestone and asks two peers; returns the path of the validation.
async fn submitted(server: &Server, plan: &str) -> String {
    let ask = json!([{ "kind": "peer_review", "person_ref": "ben" }, { "kind": "peer_review", "person_ref": "cleo" }]);
    let draft = json!({ "milestone_key": "m", "evidence": [{ "title": "Demo", "url": "https://example.com/demo" }], "ask": ask });
    let made = server.post(&format!("{plan}/validations"), draft).await;
    let path = made.header("location");
    made.expect(201);
    path
}

async fn decide(server: &Server, validation: &str, who: &str, kind: &str, decision: &str) -> milepost_tests::Reply {
    let body = json!({ "kind": kind, "decision": decision, "person_ref": who });
    server.post(&format!("{validation}/decisions"), body).await
}

async fn approve_all(server: &Server, validation: &str) {
    for (who, kind) in [("boss", "manager_attestation"), ("ben", "peer_review"), ("cleo", "peer_review")] {
        decide(server, validation, who, kind, "approve").await.expect(200);
    }
}

async fn state(server: &Server, plan: &str) -> Value {
    server.get(&format!("{plan}/milestones/m")).await.expect(200)["state"].clone()
}

async fn people_prove_a_milestone(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = enrolled(&server, false).await;
    let validation = submitted(&server, &plan).await;
    let shown = server.get(&validation).await.expect(200);
    let asks = json!({ "data": shown["asks"] });
    assert_eq!(pluck(&asks, "person_name"), ["ben", "cleo", "boss"], "the manager is asked in any case");
    let seen = ["state", "approvals", "approvals_needed", "person_name"].map(|field| shown[field].clone());
    assert_eq!(seen, [json!("pending"), json!(0), json!(3), json!("ana")]);
    assert_eq!(state(&server, &plan).await, "submitted");
    let boss = server.get("/v1/people/by-ref/boss").await.expect(200)["id"].as_str().expect("an id").to_owned();
    let waiting = async |id: &str| server.get(&format!("/v1/validations?waiting_for={id}")).await.expect(200);
    assert_eq!(pluck(&waiting(&boss).await, "milestone_key"), ["m"]);
    decide(&server, &validation, "boss", "manager_attestation", "approve").await.expect(200);
    assert_eq!(waiting(&boss).await["data"], json!([]));
    server.clock.advance(Duration::days(2));
    decide(&server, &validation, "ben", "peer_review", "approve").await.expect(200);
    let proofs = server.get(&format!("{plan}/proofs")).await.expect(200);
    let criterion = &proofs["proofs"][0]["criteria"][0];
    assert_eq!((&criterion["figure"], &criterion["threshold"]), (&json!(2.0), &json!(3.0)));
    assert_eq!(criterion["subject"], "approvals (manager_attestation, peer_review)");
    let scores = json!([{ "criterion": "Clarity", "points": 6, "of": 5 }]);
    let body = json!({ "kind": "peer_review", "decision": "approve", "person_ref": "cleo", "scores": scores });
    let refused = server.post(&format!("{validation}/decisions"), body.clone()).await.problem(422, "validation_failed");
    assert_eq!(refused, errors(&[("/scores/0/points", "beyond_full_marks")]));
    let mut scored = body;
    scored["scores"][0]["points"] = json!(4);
    scored["comment"] = json!("Clear.");
    let done = server.post(&format!("{validation}/decisions"), scored).await.expect(200);
    assert_eq!(
        (&done["state"], &done["approvals"], &done["asks"][1]["comment"]),
        (&json!("approved"), &json!(3), &json!("Clear."))
    );
    server.get(&format!("{plan}/progress")).await.expect(200);
    let milestone = server.get(&format!("{plan}/milestones/m")).await.expect(200);
    assert_eq!((&milestone["state"], &milestone["actual_on"]), (&json!("achieved"), &json!("2026-05-06")));
    let awards = server.get("/v1/awards?badge_key=m").await.expect(200);
    assert_eq!(pluck(&awards, "person_name"), ["ana"]);
    assert_eq!(awards["data"][0]["results"], json!([{ "criterion": "Clarity", "points": 4.0, "of": 5.0 }]));
    assert_eq!(server.get("/v1/validations").await.expect(200)["data"], json!([]), "it is over");
    assert_eq!(pluck(&server.get(&format!("{plan}/validations")).await.expect(200), "state"), ["approved"]);
    for part in ["withdraw", "asks"] {
        let body = if part == "asks" { json!({ "kind": "peer_review", "person_ref": "dan" }) } else { Value::Null };
        let call = server.call("POST", &format!("{validation}/{part}"));
        let call = if body.is_null() { call } else { call.json(body) };
        assert_eq!(call.send().await.problem(409, "conflict"), errors(&[("", "validation_over")]), "{part}");
    }
}

async fn rejection_and_more_evidence(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = enrolled(&server, false).await;
    let validation = submitted(&server, &plan).await;
    let asked = decide(&server, &validation, "ben", "peer_review", "ask_for_more").await.expect(200);
    assert_eq!(asked["state"], "more_needed");
    let more =
        json!({ "evidence": [{ "title": "Figures", "url": "https://example.com/figures" }], "note": "Here they are." });
    let added = server.post(&format!("{validation}/evidence"), more).await.expect(200);
    assert_eq!((&added["state"], &added["asks"][0]["decision"]), (&json!("pending"), &Value::Null));
    assert_eq!(added["evidence"].as_array().map(Vec::len), Some(2));
    let again =
        server.post(&format!("{plan}/validations"), json!({ "milestone_key": "m" })).await.problem(409, "conflict");
    assert_eq!(again, errors(&[("/milestone_key", "validation_open")]));
    let rejected = decide(&server, &validation, "ben", "peer_review", "reject").await.expect(200);
    assert!(rejected["state"] == "rejected" && rejected["closed_at"].is_string());
    assert_eq!(state(&server, &plan).await, "in_progress");
    let second = submitted(&server, &plan).await;
    assert_eq!(state(&server, &plan).await, "submitted");
    let withdrawn = server.call("POST", &format!("{second}/withdraw")).send().await.expect(200);
    assert_eq!(withdrawn["state"], "withdrawn");
    assert_eq!(state(&server, &plan).await, "in_progress");
    let other =
        server.post(&format!("{plan}/validations"), json!({ "milestone_key": "n" })).await.problem(409, "conflict");
    assert_eq!(other, errors(&[("/milestone_key", "no_validation")]));
}

async fn a_reopened_milestone_is_validated_anew(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = enrolled(&server, false).await;
    let again = || server.post(&format!("{plan}/validations"), json!({ "milestone_key": "m" }));
    let validation = submitted(&server, &plan).await;
    approve_all(&server, &validation).await;
    server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(state(&server, &plan).await, "achieved");
    let closed = again().await.problem(409, "conflict");
    assert_eq!(closed, errors(&[("/milestone_key", "milestone_not_open")]));
    let reason = json!({ "reason": "The figures were wrong." });
    server.post(&format!("{plan}/milestones/m/reopen"), reason).await.expect(200);
    server.get(&format!("{plan}/progress")).await.expect(200);
    assert_ne!(state(&server, &plan).await, "achieved", "what a person has reopened stays open");
    let refused = submitted(&server, &plan).await;
    decide(&server, &refused, "ben", "peer_review", "reject").await.expect(200);
    server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(state(&server, &plan).await, "in_progress", "a rejection brings no earlier approval back");
    let anew = submitted(&server, &plan).await;
    server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(state(&server, &plan).await, "submitted", "the approvals of before no longer count");
    approve_all(&server, &anew).await;
    server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(state(&server, &plan).await, "achieved");
    let entries = server.get("/v1/ledger?action=validation.decided&sort=-sequence").await.expect(200);
    let asks = json!({ "data": entries["data"][0]["after"]["asks"] });
    assert_eq!(pluck(&asks, "decision"), ["approve"; 3], "the ledger knows who has decided");
    server.post(&format!("{plan}/hold"), json!({ "reason": "The sponsor is on leave." })).await.expect(200);
    assert_eq!(again().await.problem(409, "conflict"), errors(&[("", "on_hold")]));
}

async fn who_may_ask_and_decide(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = enrolled(&server, true).await;
    let validation = submitted(&server, &plan).await;
    let ask = async |kind: &str, who: &str| {
        server.post(&format!("{validation}/asks"), json!({ "kind": kind, "person_ref": who })).await
    };
    for (kind, who, status, code) in [
        ("peer_review", "ana", 409, "own_proof"),
        ("peer_review", "ben", 422, "asked_already"),
        ("peer_review", "boss", 422, "same_person"),
        ("manager_attestation", "dan", 409, "not_the_manager"),
        ("success_story", "dan", 422, "kind_not_needed"),
    ] {
        let kind_of_problem = if status == 409 { "conflict" } else { "validation_failed" };
        let refused = ask(kind, who).await.problem(status, kind_of_problem);
        assert_eq!(refused, errors(&[("/person_id", code)]), "{kind} {who}");
    }
    ask("peer_review", "dan").await.expect(200);
    for (who, kind, code) in [("ana", "peer_review", "not_asked"), ("ben", "manager_attestation", "not_asked")] {
        let refused = decide(&server, &validation, who, kind, "approve").await.problem(409, "conflict");
        assert_eq!(refused, errors(&[("/kind", code)]), "{who}");
    }
    decide(&server, &validation, "ben", "peer_review", "approve").await.expect(200);
    let twice = decide(&server, &validation, "ben", "peer_review", "approve").await.problem(409, "conflict");
    assert_eq!(twice, errors(&[("/kind", "decided_already")]));
    // The manager of the day attests, and not the one of the day of the submission.
    let ana = server.get("/v1/people/by-ref/ana").await;
    let path = format!("/v1/people/{}", ana.expect(200)["id"].as_str().expect("an id"));
    server
        .post(&format!("{path}/reporting-lines"), json!({ "manager_ref": "dan", "from_on": "2026-05-04" }))
        .await
        .expect(201);
    let late = decide(&server, &validation, "boss", "manager_attestation", "approve").await.problem(409, "conflict");
    assert_eq!(late, errors(&[("/kind", "not_the_manager")]));
}

async fn who_sees_a_validation(engine: Engine) {
    let server = Server::start(engine).await;
    let client = acting(&server, json!(["people:act"])).await;
    let plan = enrolled(&server, false).await;
    // The person whom the plan serves submits.
    let token = token_of(&server, &client, "ana").await;
    let body = json!({ "milestone_key": "m", "ask": [{ "kind": "peer_review", "person_ref": "ben" }] });
    let refused = server.call("POST", &format!("{plan}/validations")).bearer(&token).json(body).send().await;
    assert_eq!(
        refused.problem(422, "validation_failed"),
        errors(&[("/ask/0/person_ref", "unknown_person")]),
        "nobody they may read"
    );
    let body = json!({ "milestone_key": "m" });
    let made = server.call("POST", &format!("{plan}/validations")).bearer(&token).json(body).send().await;
    let validation = made.header("location");
    assert_eq!(pluck(&json!({ "data": made.expect(201)["asks"] }), "person_name"), ["boss"]);
    for who in ["ben", "cleo"] {
        let ask = json!({ "kind": "peer_review", "person_ref": who });
        server.post(&format!("{validation}/asks"), ask).await.expect(200);
    }
    for (who, expected) in [("ana", 200), ("boss", 200), ("ben", 200), ("dan", 404)] {
        let token = token_of(&server, &client, who).await;
        let read = server.call("GET", &validation).bearer(&token).send().await;
        assert_eq!(read.status.as_u16(), expected, "{who}");
        let listed = server.call("GET", "/v1/validations").bearer(&token).send().await.expect(200);
        assert_eq!(listed["data"].as_array().map(Vec::len), Some(usize::from(expected == 200)), "{who}");
        let body = json!({ "kind": "peer_review", "decision": "approve" });
        let decided = server.call("POST", &format!("{validation}/decisions")).bearer(&token).json(body).send().await;
        let allowed = match who {
            "ben" => 200,
            "dan" => 404,
            _ => 409,
        };
        assert_eq!(decided.status.as_u16(), allowed, "{who}");
        let withdrawn = server
            .call("POST", &format!("{plan}/validations"))
            .bearer(&token)
            .json(json!({ "milestone_key": "m" }))
            .send()
            .await;
        let may_submit = match who {
            "ana" => 409,
            "dan" | "ben" => 404,
            _ => 403,
        };
        assert_eq!(withdrawn.status.as_u16(), may_submit, "{who}: {}", withdrawn.text);
    }
    let token = token_of(&server, &client, "cleo").await;
    let body = json!({ "kind": "peer_review", "decision": "approve", "person_ref": "ben" });
    let refused = server.call("POST", &format!("{validation}/decisions")).bearer(&token).json(body).send().await;
    assert_eq!(
        refused.problem(422, "validation_failed"),
        errors(&[("/person_id", "unused")]),
        "nobody decides for others"
    );
}

async fn validators_who_leave(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = enrolled(&server, false).await;
    let validation = submitted(&server, &plan).await;
    let body = json!({ "kind": "peer_review", "decision": "approve", "comment": "Well done.", "person_ref": "ben" });
    server.post(&format!("{validation}/decisions"), body).await.expect(200);
    for who in ["ben", "cleo"] {
        let found = server.get(&format!("/v1/people/by-ref/{who}")).await.expect(200);
        let path = format!("/v1/people/{}", found["id"].as_str().expect("an id"));
        server.patch(&path, json!({ "employment": "left" })).await.expect(200);
    }
    let left = decide(&server, &validation, "cleo", "peer_review", "approve").await.problem(409, "conflict");
    assert_eq!(left, errors(&[("/kind", "validator_has_left")]));
    assert_eq!(server.get(&validation).await.expect(200)["approvals"], 1, "what was decided stays");
    // Who is erased leaves the decision without name and words.
    let ben = server.get("/v1/people/by-ref/ben").await;
    let tag = ben.header("etag");
    let path = format!("/v1/people/{}/erase", ben.expect(200)["id"].as_str().expect("an id"));
    server.call("POST", &path).header("If-Match", &tag).send().await.expect(200);
    let shown = server.get(&validation).await.expect(200);
    let ask = &shown["asks"][0];
    assert_eq!((&shown["approvals"], &ask["person_name"], &ask["comment"]), (&json!(1), &Value::Null, &Value::Null));
}
