//! Owners who are people: named, shown, listed, handed over, and found in texts.

use milepost_tests::{Engine, Server, errors, on_both_engines};
use serde_json::{Value, json};

use crate::samples::{create, create_from_template, pluck};

on_both_engines!(
    a_person_is_named_in_several_ways,
    whoever_owns_is_called_what_they_are_called_now,
    owners_are_asked_for,
    what_a_leaver_had_is_handed_over,
    texts_are_matched_once,
    the_lint_knows_people,
    erased_owners_own_nothing,
    a_successor_comes_from_the_team,
    whoever_is_responsible_stays,
    two_of_one_name_are_two
);

async fn person(server: &Server, name: &str, email: &str) -> String {
    let draft = json!({ "name": name, "kind": "employee", "external_ref": format!("hr-{name}"), "email": email });
    let path = create(server, "/v1/people", draft).await;
    path.rsplit('/').next().expect("an id").to_owned()
}

fn plan(owner: &Value) -> Value {
    let mut plan = json!({ "name": "P", "start_on": "2026-05-01", "milestones": [
        { "key": "a", "name": "A", "planned_on": "2026-05-10" }, { "key": "b", "name": "B", "planned_on": "2026-05-20" },
    ]});
    for (field, value) in owner.as_object().expect("fields") {
        plan[field] = value.clone();
        plan["milestones"][0][field] = value.clone();
    }
    plan
}

fn owner_of(resource: &Value) -> [&Value; 3] {
    [&resource["owner_id"], &resource["owner_ref"], &resource["owner_name"]]
}

async fn a_person_is_named_in_several_ways(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "Ana", "ana@example.com").await;
    let expected = [&json!(ana), &json!("hr-Ana"), &json!("Ana")];
    for owner in [
        json!({ "owner_id": ana }),
        json!({ "owner_ref": "hr-Ana" }),
        json!({ "owner_ref": "ANA@example.com" }),
        json!({ "owner_id": ana, "owner_ref": "ana@example.com", "owner_name": "Somebody else" }),
    ] {
        let path = create(&server, "/v1/plans", plan(&owner)).await;
        assert_eq!(owner_of(&server.get(&path).await.expect(200)), expected, "{owner}");
        assert_eq!(owner_of(&server.get(&format!("{path}/milestones/a")).await.expect(200)), expected, "{owner}");
        let mut customer = owner.clone();
        customer["name"] = json!("C");
        let customer = create(&server, "/v1/customers", customer).await;
        assert_eq!(owner_of(&server.get(&customer).await.expect(200)), expected, "{owner}");
        for path in [path.clone(), format!("{path}/milestones/a"), customer] {
            let outside = server.patch(&path, json!({ "owner_name": "Petra at the client" })).await.expect(200);
            assert_eq!(owner_of(&outside), [&Value::Null, &Value::Null, &json!("Petra at the client")], "{path}");
            let again = server.patch(&path, owner.clone()).await.expect(200);
            assert_eq!(owner_of(&again), expected, "{path}");
            let same = server.patch(&path, owner.clone()).await.expect(200);
            assert_eq!(same["version"], again["version"], "{path}");
            let nobody = server.patch(&path, json!({ "owner_id": null })).await.expect(200);
            assert_eq!(owner_of(&nobody), [&Value::Null; 3], "{path}");
        }
    }
    let twin = person(&server, "Twin", "ana@example.com").await;
    for (owner, expected) in [
        (json!({ "owner_ref": "nobody" }), ("/owner_ref", "unknown_person")),
        (json!({ "owner_ref": "ana@example.com" }), ("/owner_ref", "ambiguous")),
        (json!({ "owner_id": ana, "owner_ref": "hr-Twin" }), ("/owner_ref", "ambiguous")),
        (json!({ "owner_id": server.organization_id }), ("/owner_id", "unknown_person")),
    ] {
        let refused = server.post("/v1/plans", plan(&owner)).await;
        assert_eq!(refused.problem(422, "validation_failed"), errors(&[expected]), "{owner}");
    }
    let mut several = plan(&json!({}));
    several["milestones"][1]["owner_ref"] = json!("nobody");
    let refused = server.post("/v1/plans", several).await;
    assert_eq!(refused.problem(422, "validation_failed"), errors(&[("/milestones/1/owner_ref", "unknown_person")]));
    let file = "key,name,planned_on,owner,owner_ref\na,A,2026-05-10,Somebody,\nb,B,2026-05-20,,hr-Twin\n";
    let import = server.call("POST", "/v1/plans/import?name=I&start_on=2026-05-01").body("text/csv", file);
    let imported = import.send().await.expect(201);
    let path = format!("/v1/plans/{}", imported["plan_id"].as_str().expect("an id"));
    assert_eq!(server.get(&format!("{path}/milestones/b")).await.expect(200)["owner_id"], json!(twin));
    assert_eq!(server.get(&format!("{path}/milestones/a")).await.expect(200)["owner_name"], "Somebody");
}

async fn whoever_owns_is_called_what_they_are_called_now(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "Ana", "ana@example.com").await;
    let path = create(&server, "/v1/plans", plan(&json!({ "owner_id": ana }))).await;
    let customer = create(&server, "/v1/customers", json!({ "name": "C", "owner_id": ana })).await;
    assert_eq!(pluck(&server.get("/v1/plans").await.expect(200), "owner_name"), ["Ana"]);
    server.patch(&format!("/v1/people/{ana}"), json!({ "name": "Ana Petrova" })).await.expect(200);
    for path in [&path, &customer, &format!("{path}/milestones/a")] {
        assert_eq!(server.get(path).await.expect(200)["owner_name"], "Ana Petrova", "{path}");
    }
    assert_eq!(pluck(&server.get("/v1/plans").await.expect(200), "owner_name"), ["Ana Petrova"]);
    assert_eq!(pluck(&server.get("/v1/milestones").await.expect(200), "owner_name")[0], "Ana Petrova");
    let verified = server.get("/v1/ledger/verification?deep=true").await.expect(200);
    assert_eq!(verified["intact"], true, "{verified}");
}

async fn owners_are_asked_for(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "Ana", "ana@example.com").await;
    create(&server, "/v1/plans", plan(&json!({ "owner_id": ana }))).await;
    let mut other = plan(&json!({ "owner_name": "Ana" }));
    other["name"] = json!("Q");
    create(&server, "/v1/plans", other).await;
    create(&server, "/v1/customers", json!({ "name": "P", "owner_id": ana })).await;
    create(&server, "/v1/customers", json!({ "name": "Q", "owner_name": "Ana" })).await;
    let by_id = format!("owner_id={ana}");
    for (query, expected) in [
        (by_id.as_str(), vec!["P"]),
        ("owner_ref=hr-Ana", vec!["P"]),
        ("owner_ref=ana@example.com", vec!["P"]),
        ("owner_ref=nobody", vec![]),
        ("owner_name=Ana", vec!["P", "Q"]),
        ("owner_name=Ana&owner_ref=hr-Ana", vec!["P"]),
    ] {
        for list in ["/v1/plans", "/v1/customers"] {
            let found = server.get(&format!("{list}?{query}")).await.expect(200);
            assert_eq!(pluck(&found, "name"), expected, "{list}?{query}");
        }
        let found = server.get(&format!("/v1/milestones?{query}")).await.expect(200);
        assert_eq!(pluck(&found, "plan_name"), expected, "{query}");
    }
    let load = server.get("/v1/reports/load?from=2026-05-04").await.expect(200);
    assert_eq!(pluck(&load, "owner_name"), ["Ana", "Ana"], "a person and a text are two owners");
    let groups = server.get("/v1/reports/spi?group_by=owner").await.expect(200)["groups"].clone();
    let groups = json!({ "data": groups });
    assert_eq!(pluck(&groups, "group_id"), [&Value::Null, &json!(ana)]);
}

async fn what_a_leaver_had_is_handed_over(engine: Engine) {
    let server = Server::start(engine).await;
    let (ana, ben) = (person(&server, "Ana", "ana@example.com").await, person(&server, "Ben", "ben@example.com").await);
    let path = create(&server, "/v1/plans", plan(&json!({ "owner_id": ana }))).await;
    let done = create(&server, "/v1/plans", plan(&json!({ "owner_id": ana }))).await;
    let achieved = json!({ "occurred_on": "2026-05-03", "evidence": [] });
    server.post(&format!("{done}/milestones/a/achieve"), achieved).await.expect(200);
    let customer = create(&server, "/v1/customers", json!({ "name": "C", "owner_id": ana })).await;
    let report = json!({ "name": "Cai", "kind": "employee", "manager_ref": "hr-Ana", "owner_ref": "hr-Ana" });
    create(&server, "/v1/people", report).await;
    create(&server, "/v1/teams", json!({ "name": "Data", "lead_ref": "hr-Ana" })).await;
    let customer_id = customer.rsplit('/').next().expect("an id");
    let task = json!({ "customer_id": customer_id, "kind": "coaching", "title": "T", "due_on": "2026-06-01" });
    let task = create(&server, "/v1/interventions", task).await;
    assert_eq!(server.get(&task).await.expect(200)["owner_ref"], "hr-Ana", "an intervention is its customer's owner's");
    let tiers = json!([{ "after_days": 2, "to_ref": "hr-Ana" }, { "after_days": 4, "to_name": "Head" }]);
    let action =
        json!({ "kind": "coaching", "title": "T", "due_in_days": 1, "owner_ref": "hr-Ana", "escalations": tiers });
    let content = json!({ "name": "Rescue", "trigger": { "kind": "milestone_missed" }, "action": action });
    create(&server, "/v1/playbooks", json!({ "key": "rescue", "content": content })).await;

    let listed = server.get(&format!("/v1/people/{ana}/responsibilities")).await.expect(200);
    let kinds =
        ["customers", "interventions", "milestones", "people", "plans", "plans", "playbooks", "reports", "teams"];
    assert_eq!(pluck(&listed, "kind"), kinds);
    let only = server.get(&format!("/v1/people/{ana}/responsibilities?kind=milestones&kind=teams")).await.expect(200);
    assert_eq!(pluck(&only, "name"), ["A", "Data"]);

    let over = format!("/v1/people/{ana}/hand-over");
    for (body, expected) in [
        (json!({}), ("/to_id", "required")),
        (json!({ "to_id": ana }), ("/to_id", "handed_to_oneself")),
        (json!({ "to_ref": "nobody" }), ("/to_ref", "unknown_person")),
    ] {
        assert_eq!(server.post(&over, body).await.problem(422, "validation_failed"), errors(&[expected]));
    }
    let counts = |report: &Value| -> Vec<(String, i64)> {
        let all = report["handed_over"].as_array().expect("counts").iter();
        all.map(|one| (one["kind"].as_str().expect("a kind").to_owned(), one["count"].as_i64().expect("a count")))
            .collect()
    };
    let expected = [
        ("customers", 1),
        ("people", 1),
        ("plans", 2),
        ("milestones", 1),
        ("interventions", 1),
        ("playbooks", 1),
        ("reports", 1),
        ("teams", 1),
    ]
    .map(|(kind, count)| (kind.to_owned(), count));
    let tried = server.post(&format!("{over}?dry_run=true"), json!({ "to_id": ben })).await.expect(200);
    assert_eq!((counts(&tried), &tried["dry_run"]), (expected.to_vec(), &json!(true)));
    assert_eq!(server.get(&path).await.expect(200)["owner_id"], json!(ana), "nothing has changed");
    let done_over = server.post(&over, json!({ "to_ref": "ben@example.com" })).await.expect(200);
    assert_eq!((counts(&done_over), &done_over["to_name"]), (expected.to_vec(), &json!("Ben")));
    for path in [&path, &format!("{path}/milestones/a"), &customer, &task] {
        assert_eq!(server.get(path).await.expect(200)["owner_id"], json!(ben), "{path}");
    }
    assert_eq!(
        server.get(&format!("{done}/milestones/a")).await.expect(200)["owner_id"],
        json!(ana),
        "what is over stays"
    );
    let action = server.get("/v1/playbooks/rescue").await.expect(200)["content"]["action"].clone();
    assert_eq!((&action["owner_id"], &action["escalations"][0]["to_name"]), (&json!(ben), &json!("Ben")));
    assert_eq!(pluck(&server.get(&format!("/v1/people/{ben}/reports")).await.expect(200), "name"), ["Cai"]);
    let left = server.get(&format!("/v1/people/{ana}/responsibilities")).await.expect(200);
    assert!(pluck(&left, "kind").is_empty(), "{left}");
    let gone = json!({ "employment": "left" });
    server.patch(&format!("/v1/people/{ana}"), gone).await.expect(200);
    let refused = server.post(&format!("/v1/people/{ben}/hand-over"), json!({ "to_id": ana })).await;
    assert_eq!(refused.problem(409, "conflict"), errors(&[("/to_id", "has_left")]));
    assert_eq!(server.get("/v1/ledger/verification?deep=true").await.expect(200)["intact"], true);
}

async fn texts_are_matched_once(engine: Engine) {
    let server = Server::start(engine).await;
    let path = create(&server, "/v1/plans", plan(&json!({ "owner_name": "ana" }))).await;
    let customer = create(&server, "/v1/customers", json!({ "name": "C", "owner_name": "ANA@example.com" })).await;
    create(&server, "/v1/customers", json!({ "name": "D", "owner_name": "Twin" })).await;
    create(&server, "/v1/customers", json!({ "name": "E", "owner_name": "Data engineer" })).await;
    let ana = person(&server, "Ana", "ana@example.com").await;
    for number in [1, 2] {
        create(
            &server,
            "/v1/people",
            json!({ "name": "twin", "kind": "employee", "external_ref": number.to_string() }),
        )
        .await;
    }
    let rows = |report: &Value| -> Vec<(String, String, i64, i64)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_i64().expect("a number");
        let all = report["matches"].as_array().expect("matches").iter();
        all.map(|one| (text(&one["owner_name"]), text(&one["outcome"]), number(&one["uses"]), number(&one["changed"])))
            .collect()
    };
    let expected = [
        ("ANA@example.com", "matched", 1, 1),
        ("Data engineer", "unknown", 1, 0),
        ("Twin", "ambiguous", 1, 0),
        ("ana", "matched", 2, 2),
    ]
    .map(|(text, outcome, uses, changed)| (text.to_owned(), outcome.to_owned(), uses, changed));
    let tried = server.post("/v1/people/match-owners?dry_run=true", Value::Null).await.expect(200);
    assert_eq!(rows(&tried), expected);
    assert_eq!(server.get(&path).await.expect(200)["owner_id"], Value::Null);
    let report = server.call("POST", "/v1/people/match-owners").send().await.expect(200);
    assert_eq!((rows(&report), &report["has_more"]), (expected.to_vec(), &json!(false)));
    for path in [&path, &customer, &format!("{path}/milestones/a")] {
        assert_eq!(
            owner_of(&server.get(path).await.expect(200)),
            [&json!(ana), &json!("hr-Ana"), &json!("Ana")],
            "{path}"
        );
    }
    let again = server.call("POST", "/v1/people/match-owners").send().await.expect(200);
    assert_eq!(rows(&again).len(), 2, "what was matched is no text any more");
}

async fn the_lint_knows_people(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "Ana", "ana@example.com").await;
    let lint = async |path: &str| server.get(&format!("{path}/lint")).await.expect(200)["findings"].to_string();
    let path = create(&server, "/v1/plans", plan(&json!({ "owner_name": "Somebody" }))).await;
    assert!(lint(&path).await.contains("owner_not_a_person"));
    server.patch(&format!("{path}/milestones/a"), json!({ "owner_id": ana })).await.expect(200);
    assert!(!lint(&path).await.contains("owner_not_a_person"));
    let onboarding = create_from_template(&server, "onboarding").await;
    assert!(!lint(&onboarding).await.contains("owner_not_a_person"));
    for (roles, expected) in [
        (json!([{ "role": "Nobody", "person_id": ana }]), ("/roles/0/role", "unknown_role")),
        (json!([{ "role": "Success manager" }]), ("/roles/0/person_id", "required")),
    ] {
        let draft = json!({ "name": "O", "start_on": "2026-05-04", "template": "onboarding", "roles": roles });
        assert_eq!(server.post("/v1/plans", draft).await.problem(422, "validation_failed"), errors(&[expected]));
    }
}

async fn erased_owners_own_nothing(engine: Engine) {
    let server = Server::start(engine).await;
    let (ana, ben) = (person(&server, "Ana", "ana@example.com").await, person(&server, "Ben", "ben@example.com").await);
    let path = create(&server, "/v1/plans", plan(&json!({ "owner_id": ana }))).await;
    let customer = create(&server, "/v1/customers", json!({ "name": "C", "owner_id": ana })).await;
    let merge = server.post(&format!("/v1/people/{ben}/merges"), json!({ "duplicate_id": ana })).await.expect(201);
    for path in [&path, &customer, &format!("{path}/milestones/a")] {
        assert_eq!(server.get(path).await.expect(200)["owner_id"], json!(ben), "{path}");
    }
    let undo = format!("/v1/people/{ben}/merges/{}/undo", merge["merge_id"].as_str().expect("an id"));
    server.post(&undo, json!({})).await.expect(200);
    assert_eq!(server.get(&path).await.expect(200)["owner_id"], json!(ana));
    let version = server.get(&format!("/v1/people/{ana}")).await.expect(200)["version"].clone();
    let erase = server.call("POST", &format!("/v1/people/{ana}/erase")).header("If-Match", &format!("\"{version}\""));
    erase.send().await.expect(200);
    for path in [&path, &customer, &format!("{path}/milestones/a")] {
        assert_eq!(owner_of(&server.get(path).await.expect(200)), [&Value::Null; 3], "{path}");
    }
    assert_eq!(server.get("/v1/ledger/verification?deep=true").await.expect(200)["intact"], true);
}

async fn a_successor_comes_from_the_team(engine: Engine) {
    let server = Server::start(engine).await;
    let boss = person(&server, "Boss", "boss@example.com").await;
    let head = person(&server, "Head", "head@example.com").await;
    server.patch(&format!("/v1/people/{head}"), json!({ "manager_id": boss })).await.expect(200);
    let mut below = vec![];
    for (name, manager) in [("Ana", "hr-Head"), ("Ben", "hr-Head"), ("Cai", "hr-Ana"), ("Dan", "hr-Cai")] {
        let id = person(&server, name, &format!("{name}@example.com")).await;
        server.patch(&format!("/v1/people/{id}"), json!({ "manager_ref": manager })).await.expect(200);
        below.push(id);
    }
    let names = async |id: &str, what: &str| -> Vec<Value> {
        let found = server.get(&format!("/v1/people/{id}/{what}")).await.expect(200);
        pluck(&found, "name").into_iter().cloned().collect()
    };
    // Cai reports to Ana, who reports to the head that goes.
    server.post(&format!("/v1/people/{head}/hand-over"), json!({ "to_id": below[2] })).await.expect(200);
    assert_eq!(names(&below[2], "reports").await, ["Ana", "Ben", "Dan"]);
    assert_eq!(names(&below[2], "managers").await, ["Boss"]);
    assert_eq!(names(&below[0], "managers").await, ["Boss", "Cai"]);
    assert!(names(&head, "reports").await.is_empty());
}

async fn whoever_is_responsible_stays(engine: Engine) {
    let server = Server::start(engine).await;
    let ana = person(&server, "Ana", "ana@example.com").await;
    let path = create(&server, "/v1/plans", plan(&json!({ "owner_id": ana }))).await;
    let delete = async || server.call("DELETE", &format!("/v1/people/{ana}")).header("If-Match", "*").send().await;
    delete().await.problem(409, "conflict");
    let tiers = json!([{ "after_days": 2, "to_id": ana }]);
    let action = json!({ "kind": "coaching", "title": "T", "due_in_days": 1, "owner_id": ana, "escalations": tiers });
    let content = json!({ "name": "Rescue", "trigger": { "kind": "milestone_missed" }, "action": action });
    create(&server, "/v1/playbooks", json!({ "key": "rescue", "content": content })).await;
    // A playbook goes back as it came, whatever its owner is called meanwhile.
    server.patch(&format!("/v1/people/{ana}"), json!({ "external_ref": "hr-9" })).await.expect(200);
    let read = server.get("/v1/playbooks/rescue").await.expect(200)["content"].clone();
    let put =
        server.call("PUT", "/v1/playbooks/rescue").header("If-Match", "*").json(read.clone()).send().await.expect(200);
    assert_eq!(put["version"], 1);
    let customer = create(&server, "/v1/customers", json!({ "name": "C" })).await;
    let customer_id = customer.rsplit('/').next().expect("an id");
    let task = json!({ "customer_id": customer_id, "kind": "coaching", "title": "T", "due_on": "2026-06-01", "escalations": tiers });
    let task = create(&server, "/v1/interventions", task).await;
    let ben = person(&server, "Ben", "ben@example.com").await;
    server.post(&format!("/v1/people/{ben}/merges"), json!({ "duplicate_id": ana })).await.expect(201);
    for path in [&task, &path] {
        assert!(!server.get(path).await.expect(200).to_string().contains(&ana), "{path}");
    }
    let action = server.get("/v1/playbooks/rescue").await.expect(200)["content"]["action"].clone();
    assert_eq!((&action["owner_name"], &action["escalations"][0]["to_name"]), (&json!("Ben"), &json!("Ben")));
    let version = server.get(&format!("/v1/people/{ben}")).await.expect(200)["version"].clone();
    let erase = server.call("POST", &format!("/v1/people/{ben}/erase")).header("If-Match", &format!("\"{version}\""));
    erase.send().await.expect(200);
    assert_eq!(server.get(&task).await.expect(200)["escalations"], json!([]));
    assert_eq!(server.get("/v1/ledger/verification?deep=true").await.expect(200)["intact"], true);
}

async fn two_of_one_name_are_two(engine: Engine) {
    let server = Server::start(engine).await;
    let [one, other] = [person(&server, "Kim", "kim@x.org").await, {
        let draft = json!({ "name": "Kim", "kind": "employee", "external_ref": "hr-other" });
        create(&server, "/v1/people", draft).await.rsplit('/').next().expect("an id").to_owned()
    }];
    let done = |key: &str, owner: &str| json!({ "key": key, "name": key, "planned_on": "2026-04-10", "actual_on": "2026-04-12", "owner_id": owner });
    let milestones = json!([done("a", &one), done("b", &other), done("c", &other)]);
    create(&server, "/v1/plans", json!({ "name": "P", "start_on": "2026-04-01", "milestones": milestones })).await;
    let report = server.get("/v1/reports/variance?by=owner").await.expect(200);
    let groups: Vec<(&Value, &Value, &Value)> = report["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| (&group["group"], &group["owner_id"], &group["finished"]))
        .collect();
    let (kim, one, other) = (json!("Kim"), json!(one), json!(other));
    assert_eq!(groups, [(&kim, &one, &json!(1)), (&kim, &other, &json!(2))]);
}
