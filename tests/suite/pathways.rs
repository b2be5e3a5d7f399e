//! Programs beyond their milestones: alternatives, prerequisites, rewards, the fast track; and transfer and withdrawal of people.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::acting::person;
use crate::samples::{create, pluck};

on_both_engines!(
    a_pathway_counts_once,
    prerequisites_bind_everybody,
    milestones_bring_rewards,
    the_fast_track_is_a_second_timeline,
    a_plan_moves_to_another_version,
    a_person_withdraws,
    templates_that_do_not_fit_are_refused
);

/// A program with milestones, published; then a person's enrolment in it. Returns the path of the plan.
async fn enrolled(server: &Server, milestones: Value) -> String {
    program(server, milestones).await;
    person(server, "ana", json!({})).await;
    enrol(server, json!({})).await
}

async fn program(server: &Server, milestones: Value) {
    let draft = json!({ "key": "own", "name": "Own program", "kind": "coaching", "description": null, "milestones": milestones });
    create(server, "/v1/templates", draft).await;
    server.post("/v1/templates/own/versions/1/publish", json!({})).await.expect(200);
}

async fn enrol(server: &Server, mut more: Value) -> String {
    more["start_on"] = json!("2026-05-01");
    more["people"] = json!([{ "person_ref": "ana" }]);
    let report = server.post("/v1/programs/own/enrolments", more).await.expect(200);
    format!("/v1/plans/{}", report["people"][0]["plan_id"].as_str().expect("an id"))
}

fn milestone(key: &str, offset_days: Option<u32>, more: Value) -> Value {
    let mut all = json!({ "key": key, "name": format!("{key} is done"), "offset_days": offset_days });
    let Value::Object(more) = more else { return all };
    all.as_object_mut().expect("an object").extend(more);
    all
}

fn next(progress: &Value) -> Vec<&Value> {
    progress["next"].as_array().expect("a list").iter().map(|step| &step["key"]).collect()
}

async fn a_pathway_counts_once(engine: Engine) {
    let server = Server::start(engine).await;
    let proof =
        json!({ "criteria": [{ "kind": "milestones", "keys": ["talk", "paper"], "any": 1, "alternatives": true }] });
    let plan = enrolled(
        &server,
        json!([
            milestone("start", Some(3), json!({})),
            milestone("share", Some(10), json!({ "proof": proof, "weight": 3 })),
            milestone("talk", None, json!({ "weight": 5 })),
            milestone("paper", None, json!({ "weight": 5 }))
        ]),
    )
    .await;
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(progress["progress"], json!({ "achieved": 0, "total": 2, "percent": 0.0 }));
    assert_eq!(next(&progress), ["start", "talk", "paper"]);
    assert_eq!((&progress["next"][1]["pathway"], &progress["next"][0]["pathway"]), (&json!("share"), &Value::Null));
    let chance = &progress["probable_finish"]["chance_to_meet_plan"];
    assert!(chance.as_f64().is_some_and(|chance| (0.0..=1.0).contains(&chance)), "{progress}");
    assert_eq!(progress["probable_finish"]["planned_on"], "2026-05-11");
    server
        .post(&format!("{plan}/undated-milestones/paper/achieve"), json!({ "occurred_on": "2026-05-04" }))
        .await
        .expect(200);
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!((&progress["progress"]["achieved"], next(&progress)), (&json!(1), vec![&json!("start")]));
    let figures = server.get(&format!("{plan}/earned-value?as_of=2026-05-12")).await.expect(200);
    assert_eq!(
        (&figures["earned_value"], &figures["planned_value"]),
        (&json!(3.0), &json!(4.0)),
        "its weight counts, once"
    );
    let listed = server.get("/v1/programs/own/enrolments").await.expect(200);
    assert_eq!(listed["data"][0]["progress"], json!({ "achieved": 1, "total": 2, "percent": 50.0 }));
    let standing = server.get("/v1/leaderboard?by=points").await.expect(200);
    assert_eq!(standing["data"][0]["score"], 3.0, "{standing}");
}

async fn prerequisites_bind_everybody(engine: Engine) {
    let server = Server::start(engine).await;
    let either =
        json!([{ "kind": "milestones", "keys": ["a", "b"], "any": 1 }, { "kind": "awards", "keys": ["licence"] }]);
    let proof = json!({ "criteria": [{ "kind": "milestones", "keys": ["a"] }] });
    let plan = enrolled(
        &server,
        json!([
            milestone("a", Some(3), json!({})),
            milestone("b", Some(3), json!({})),
            milestone("by-hand", Some(9), json!({ "prerequisites": either.clone() })),
            milestone("undated", None, json!({ "prerequisites": either.clone() })),
            milestone("after", None, json!({ "depends_on": ["a"] })),
            milestone("proved", Some(9), json!({ "prerequisites": either, "proof": proof }))
        ]),
    )
    .await;
    let achieve = async |key: &str, body: Value| {
        let dated = ["a", "b", "by-hand"].contains(&key);
        let kind = if dated { "milestones" } else { "undated-milestones" };
        server.post(&format!("{plan}/{kind}/{key}/achieve"), body).await
    };
    let missing = errors(&[("/override_reason", "prerequisites_missing")]);
    for key in ["by-hand", "undated", "after"] {
        let refused = achieve(key, json!({})).await;
        assert_eq!(refused.problem(409, "conflict"), missing, "{key}");
    }
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(next(&progress), ["a", "b"], "what is locked is not next");
    achieve("a", json!({ "occurred_on": "2026-05-04" })).await.expect(200);
    achieve("after", json!({})).await.expect(200);
    let refused = achieve("by-hand", json!({})).await;
    assert_eq!(refused.problem(409, "conflict"), missing, "the badge is missing");
    let proofs = server.get(&format!("{plan}/proofs")).await.expect(200);
    let seen =
        (&proofs["proofs"][0]["holds"], &proofs["proofs"][0]["is_unlocked"], &proofs["proofs"][0]["achieved_on"]);
    assert_eq!(seen, (&json!(true), &json!(false), &Value::Null));
    let badge = json!({ "key": "licence", "name": "Licence", "description": "A licence.", "criteria": "An exam." });
    create(&server, "/v1/badges", badge).await;
    server.post("/v1/awards", json!({ "badge_key": "licence", "person_ref": "ana" })).await.expect(201);
    achieve("by-hand", json!({})).await.expect(200);
    let proofs = server.get(&format!("{plan}/proofs")).await.expect(200);
    assert_eq!(
        (&proofs["proofs"][0]["is_unlocked"], &proofs["proofs"][0]["achieved_on"]),
        (&json!(true), &json!("2026-05-04"))
    );
    let over = json!({ "override_reason": "The exam was passed elsewhere." });
    achieve("undated", over).await.expect(200);
}

async fn milestones_bring_rewards(engine: Engine) {
    let server = Server::start(engine).await;
    let reward = |key: &str| json!([{ "key": key, "name": format!("The {key}"), "kind": "speaking_slot" }]);
    let proof = json!({ "criteria": [{ "kind": "milestones", "keys": ["a"] }] });
    let plan = enrolled(
        &server,
        json!([
            milestone("a", Some(3), json!({ "rewards": reward("talk"), "celebration": "A cake." })),
            milestone("proved", Some(3), json!({ "rewards": reward("ticket"), "proof": proof })),
            milestone("undated", None, json!({ "rewards": reward("talk") }))
        ]),
    )
    .await;
    let progress = server.get(&format!("{plan}/progress")).await.expect(200);
    assert_eq!(
        (&progress["next"][0]["reward_names"], &progress["next"][0]["celebration"]),
        (&json!(["The talk"]), &json!("A cake."))
    );
    server.post(&format!("{plan}/milestones/a/achieve"), json!({})).await.expect(200);
    server.get(&format!("{plan}/proofs")).await.expect(200);
    server.post(&format!("{plan}/undated-milestones/undated/achieve"), json!({})).await.expect(200);
    let feed = server.get("/v1/celebrations?kind=milestone").await.expect(200);
    let known = feed["data"].as_array().expect("a list").iter().find(|one| one["key"] == "a").expect("the milestone");
    assert_eq!(known["made_known"], "A cake.");
    let person = server.get(&plan).await.expect(200)["person_id"].clone();
    let granted = server.get(&format!("/v1/people/{}/entitlements", person.as_str().expect("an id"))).await.expect(200);
    let mut keys = pluck(&granted, "reward_key");
    keys.sort_by_key(ToString::to_string);
    assert_eq!(keys, ["talk", "ticket"], "each once");
    assert_eq!(server.get("/v1/rewards/talk").await.expect(200)["kind"], "speaking_slot");
}

async fn the_fast_track_is_a_second_timeline(engine: Engine) {
    let server = Server::start(engine).await;
    let fast = json!({ "fast_offset_days": 4 });
    program(&server, json!([milestone("a", Some(10), fast), milestone("b", Some(20), json!({ "depends_on": ["a"] }))]))
        .await;
    person(&server, "ana", json!({})).await;
    let plan = enrol(&server, json!({ "timeline": "fast_track" })).await;
    let dates = async || {
        let listed = server.get(&format!("{plan}/milestones")).await.expect(200);
        pluck(&listed, "planned_on").into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(dates().await, ["2026-05-05", "2026-05-21"]);
    let change = json!({ "timeline": "standard", "reason": "It was too fast for now." });
    let tried = server.post(&format!("{plan}/transfer?dry_run=true"), change.clone()).await.expect(200);
    assert_eq!((&tried["dry_run"], &tried["baseline"]), (&json!(true), &json!(2)));
    assert_eq!(dates().await, ["2026-05-05", "2026-05-21"], "nothing was written");
    let done = server.post(&format!("{plan}/transfer"), change).await.expect(201);
    assert_eq!(tried["milestones"], done["milestones"]);
    assert_eq!(dates().await, ["2026-05-11", "2026-05-21"]);
    let moved = server.get(&format!("{plan}/milestones/a/forecast-changes")).await.expect(200);
    assert_eq!(
        (&moved["data"][0]["to_on"], &moved["data"][0]["reason"]),
        (&json!("2026-05-11"), &json!("It was too fast for now."))
    );
    let own = create(&server, "/v1/plans", crate::samples::plan()).await;
    let refused = server.post(&format!("{own}/transfer"), json!({ "reason": "There is no template." })).await;
    refused.problem(409, "conflict");
    let mut named = crate::samples::plan();
    named["timeline"] = json!("fast_track");
    assert_eq!(
        server.post("/v1/plans", named).await.problem(422, "validation_failed"),
        errors(&[("/timeline", "unused")])
    );
}

async fn a_plan_moves_to_another_version(engine: Engine) {
    let server = Server::start(engine).await;
    let first = json!([
        milestone("kept", Some(10), json!({})),
        milestone("done", Some(2), json!({})),
        milestone("gone", Some(12), json!({})),
        milestone("ongoing", None, json!({})),
        milestone("past", None, json!({}))
    ]);
    let plan = enrolled(&server, first).await;
    server.post(&format!("{plan}/milestones/done/achieve"), json!({ "occurred_on": "2026-05-03" })).await.expect(200);
    create(
        &server,
        &format!("{plan}/milestones"),
        json!({ "key": "mine", "name": "My own", "planned_on": "2026-05-15" }),
    )
    .await;
    let second = json!({ "name": "Own program", "kind": "coaching", "description": null, "milestones": [
        milestone("kept", Some(10), json!({ "name": "It has another name", "weight": 4 })),
        milestone("new", Some(30), json!({ "depends_on": ["later"] })),
        milestone("later", Some(20), json!({ "depends_on": ["kept"] })),
        milestone("ongoing", None, json!({ "name": "It goes on and on" })),
        milestone("fresh", None, json!({}))
    ] });
    create(&server, "/v1/templates/own/versions", second).await;
    let body = json!({ "template_version": 2, "reason": "The program was revised." });
    let refused = server.post(&format!("{plan}/transfer"), body.clone()).await;
    assert_eq!(refused.problem(409, "conflict"), errors(&[("/template_version", "not_published")]));
    server.post("/v1/templates/own/versions/2/publish", json!({})).await.expect(200);
    let before = server.get(&plan).await.expect(200);
    let report = server.post(&format!("{plan}/transfer"), body.clone()).await.expect(201);
    let fates: Vec<(&Value, &Value)> =
        report["milestones"].as_array().expect("a list").iter().map(|one| (&one["key"], &one["fate"])).collect();
    let expected = [
        ("kept", "kept"),
        ("done", "left"),
        ("gone", "removed"),
        ("mine", "left"),
        ("ongoing", "kept"),
        ("past", "removed"),
        ("new", "added"),
        ("later", "added"),
        ("fresh", "added"),
    ];
    assert_eq!(fates.len(), expected.len(), "{report}");
    for ((key, fate), (expected_key, expected_fate)) in fates.iter().zip(expected) {
        assert_eq!((key.as_str(), fate.as_str()), (Some(expected_key), Some(expected_fate)));
    }
    let milestones = server.get(&format!("{plan}/milestones")).await.expect(200);
    assert_eq!(pluck(&milestones, "key"), ["kept", "done", "gone", "mine", "new", "later"]);
    assert_eq!(pluck(&milestones, "state"), ["planned", "achieved", "cancelled", "planned", "planned", "planned"]);
    let kept = &milestones["data"][0];
    assert_eq!(
        (&kept["name"], &kept["weight"], &kept["planned_on"]),
        (&json!("It has another name"), &json!(4.0), &json!("2026-05-11"))
    );
    assert_eq!(milestones["data"][4]["depends_on"][0], "later");
    let undated = server.get(&format!("{plan}/undated-milestones")).await.expect(200);
    assert_eq!(pluck(&undated, "name"), ["It goes on and on", "fresh is done"]);
    let shown = server.get(&plan).await.expect(200);
    assert_eq!((&shown["template_version"], &before["template_version"]), (&json!(2), &json!(1)));
    let baselines = server.get(&format!("{plan}/baselines")).await.expect(200);
    assert_eq!(pluck(&baselines, "reason"), [&json!("The program was revised."), &Value::Null]);
    let again = server.post(&format!("{plan}/transfer"), body).await.expect(201);
    assert_eq!(again["baseline"], Value::Null, "nothing changes a second time");
}

async fn a_person_withdraws(engine: Engine) {
    let server = Server::start(engine).await;
    let plan = enrolled(&server, json!([milestone("a", Some(10), json!({}))])).await;
    let body = |withdrawn_on: &str| json!({ "reason": "A new job came first.", "withdrawn_on": withdrawn_on });
    for (day, code) in [("2026-04-30", "before_start"), ("2030-01-01", "in_the_future")] {
        let refused = server.post(&format!("{plan}/withdraw"), body(day)).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/withdrawn_on", code)]));
    }
    let shown = server.post(&format!("{plan}/withdraw"), body("2026-05-04")).await.expect(200);
    assert_eq!(
        (&shown["withdrawn_on"], &shown["withdrawal_reason"]),
        (&json!("2026-05-04"), &json!("A new job came first."))
    );
    assert!(shown["archived_at"].is_string());
    assert_eq!(server.get("/v1/programs/own/enrolments").await.expect(200)["data"], json!([]));
    server.post(&format!("{plan}/withdraw"), body("2026-05-04")).await.problem(409, "conflict");
    let second = enrol(&server, json!({})).await;
    assert_ne!(second, plan, "the person can come back");
    let restored = server.call("PATCH", &plan).header("If-Match", "*").json(json!({ "archived": false })).send().await;
    let restored = restored.expect(200);
    assert_eq!((&restored["withdrawn_on"], &restored["withdrawal_reason"]), (&Value::Null, &Value::Null));
    let own = create(&server, "/v1/plans", crate::samples::plan()).await;
    server.post(&format!("{own}/withdraw"), body("2026-05-04")).await.problem(409, "conflict");
}

async fn templates_that_do_not_fit_are_refused(engine: Engine) {
    let server = Server::start(engine).await;
    let of = |criteria: Value| json!({ "criteria": criteria });
    let pathway = of(json!([{ "kind": "milestones", "keys": ["b"], "alternatives": true }]));
    for (own, at, code) in [
        (json!({ "proof": pathway }), "/milestones/0/proof/criteria/0/keys/0", "alternative_has_date"),
        (json!({ "fast_offset_days": 9 }), "/milestones/0/fast_offset_days", "slow_fast_track"),
        (
            json!({ "prerequisites": [{ "kind": "spi", "at_least": 1 }] }),
            "/milestones/0/prerequisites/0/kind",
            "not_an_option",
        ),
        (
            json!({ "prerequisites": [{ "kind": "milestones", "keys": ["b"] }] }),
            "/milestones/0/prerequisites",
            "proof_cycle",
        ),
    ] {
        let milestones = [milestone("a", Some(3), own), milestone("b", Some(5), json!({ "depends_on": ["a"] }))];
        let draft =
            json!({ "key": "own", "name": "Own", "kind": "coaching", "description": null, "milestones": milestones });
        let refused = server.post("/v1/templates", draft.clone()).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[(at, code)]), "{draft}");
    }
}
